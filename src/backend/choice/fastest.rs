//! The choice among what was measured, as a function of it alone.

use super::remembered::Record;
use crate::backend::{Device, Dtype};

/// A graphics card that may be chosen.
#[derive(Debug, Clone)]
pub(super) struct Rival {
    /// Its device, in the type that suits it.
    pub device: Device,
    pub name: String,
    /// A program on the processor.
    pub software: bool,
    /// The number of times that it was lost in this session.
    pub losses: u32,
    /// Its record, or the reason why it cannot be opened.
    pub tried: Result<Record, String>,
}

/// A card that could not be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// Its name.
    pub card: String,
    /// The reason.
    pub reason: Reason,
}

/// The reason why a card could not be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It computes wrong, in the words of the trial.
    Wrong(String),
    /// It cannot be opened, in the driver's words.
    Unopened(String),
    /// It was lost too often in this session.
    Lost,
}

impl std::fmt::Display for PassedOver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let card = &self.card;
        match &self.reason {
            Reason::Wrong(what) => write!(f, "{card} computes wrong ({what}) and is not drawn on; update its driver"),
            Reason::Unopened(why) => write!(f, "{card} cannot be opened and is not drawn on: {why}"),
            Reason::Lost => write!(f, "{card} was lost twice and is not drawn on until the program starts again"),
        }
    }
}

/// Losses in a session after which a card is not chosen any more.
const MOST_LOSSES: u32 = 2;

impl Rival {
    /// Whether it is worth measuring: a program on the processor is never faster than the processor's own kernels.
    pub(super) fn may_be_chosen(&self) -> bool {
        !self.software && self.losses < MOST_LOSSES
    }

    /// The types that it may be drawn on in, with their scores.
    fn scores(&self, dtype: Dtype) -> impl Iterator<Item = (f64, Device)> {
        let record = self.tried.as_ref().ok().filter(|record| self.may_be_chosen() && record.draws());
        let asked = move |of: &Dtype| dtype == Dtype::Auto || *of == dtype;
        let speeds = record.into_iter().flat_map(Record::speeds).filter(move |(of, _)| asked(of));
        speeds.filter_map(|(dtype, speed)| Some((speed.seconds(), self.device.with_dtype(dtype).ok()?)))
    }

    fn passed_over(&self) -> Option<PassedOver> {
        let reason = match &self.tried {
            _ if self.software => return None,
            _ if self.losses >= MOST_LOSSES => Reason::Lost,
            Err(why) => Reason::Unopened(why.clone()),
            Ok(record) if !record.draws() => Reason::Wrong(record.faults.join(", ")),
            Ok(_) => return None,
        };
        Some(PassedOver { card: self.name.clone(), reason })
    }
}

/// The fastest device in one of these types, and the cards that were passed over. `processor` is its score where it was
/// measured; unmeasured it is taken where there is no card. `None` where nothing has the type.
pub(super) fn fastest(processor: Option<f64>, cards: &[Rival], dtype: Dtype) -> (Option<Device>, Vec<PassedOver>) {
    let own = matches!(dtype, Dtype::Auto | Dtype::F32).then_some((processor.unwrap_or(f64::INFINITY), Device::Cpu));
    let all = own.into_iter().chain(cards.iter().flat_map(|card| card.scores(dtype)));
    let best = all.min_by(|(a, _), (b, _)| a.total_cmp(b));
    (best.map(|(_, device)| device), cards.iter().filter_map(Rival::passed_over).collect())
}

/// The faster type of one card; f32 where nothing was measured.
pub(super) fn faster_type(record: &Record) -> Dtype {
    record.fastest().map_or(Dtype::F32, |(dtype, _)| dtype)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::speed::Speed;

    /// A record of cards that take so many seconds a call.
    fn record(f32: Option<f64>, f16: Option<f64>) -> Record {
        let speed = |seconds: f64| Speed {
            convolution: 0.418e12 / seconds * 2.0,
            linear: 0.259e12 / seconds * 4.0,
            attention: 0.126e12 / seconds * 8.0,
            norm: 80e6 / seconds * 8.0,
        };
        Record { f32: f32.map(speed), f16: f16.map(speed), ..Record::default() }
    }

    fn card(number: usize, f32: Option<f64>, f16: Option<f64>) -> Rival {
        Rival {
            device: Device::card(number),
            name: format!("card {number}"),
            software: false,
            losses: 0,
            tried: Ok(record(f32, f16)),
        }
    }

    fn on(number: usize, dtype: Dtype) -> Device {
        Device::Wgpu { adapter: Some(number), dtype }
    }

    #[test]
    fn the_fastest_draws_in_its_faster_type() {
        let cards = [card(0, Some(0.5), Some(0.3)), card(1, Some(0.2), Some(0.25)), card(2, Some(1.0), None)];
        assert_eq!(fastest(Some(5.0), &cards, Dtype::Auto), (Some(on(1, Dtype::F32)), Vec::new()));
        assert_eq!(fastest(Some(5.0), &cards[..1], Dtype::Auto).0, Some(on(0, Dtype::F16)));
        assert_eq!(fastest(Some(5.0), &cards, Dtype::F16).0, Some(on(1, Dtype::F16)));
        assert_eq!(fastest(Some(5.0), &cards[..1], Dtype::F32).0, Some(on(0, Dtype::F32)));
        assert_eq!(fastest(Some(0.1), &cards, Dtype::Auto).0, Some(Device::Cpu), "a fast processor beats slow cards");
        assert_eq!(fastest(None, &cards, Dtype::Auto).0, Some(on(1, Dtype::F32)));
    }

    #[test]
    fn a_vendors_card_draws_in_f32_or_bf16() {
        let cuda = Device::Cuda { number: 0, dtype: Dtype::Auto };
        let tried = Record { bf16: record(Some(0.1), None).f32, ..record(Some(0.4), None) };
        let cards = [card(0, Some(0.5), Some(0.3)), Rival { device: cuda, tried: Ok(tried), ..card(1, None, None) }];
        let draws = |dtype| fastest(Some(5.0), &cards, dtype).0;
        let of = |dtype| Some(Device::Cuda { number: 0, dtype });
        assert_eq!((draws(Dtype::Auto), draws(Dtype::F32)), (of(Dtype::Bf16), of(Dtype::F32)));
        assert_eq!(draws(Dtype::F16), Some(on(0, Dtype::F16)));
    }

    #[test]
    fn without_a_real_card_the_processor_draws() {
        assert_eq!(fastest(None, &[], Dtype::Auto), (Some(Device::Cpu), Vec::new()));
        assert_eq!(fastest(None, &[], Dtype::F16).0, None);
        let software = Rival { software: true, ..card(0, Some(0.001), Some(0.001)) };
        assert_eq!(fastest(Some(9.0), &[software], Dtype::Auto), (Some(Device::Cpu), Vec::new()));
    }

    #[test]
    fn a_card_that_computes_wrong_or_cannot_be_opened_is_passed_over_and_told() {
        let mut wrong = card(0, None, Some(0.001));
        wrong.tried = Ok(Record { faults: vec!["conv2d".to_owned()], ..record(None, Some(0.001)) });
        let closed = Rival { tried: Err("no memory".to_owned()), ..card(1, None, None) };
        let half_wrong = card(2, Some(0.2), None);
        let (device, passed) = fastest(Some(5.0), &[wrong, closed, half_wrong], Dtype::Auto);
        assert_eq!(device, Some(on(2, Dtype::F32)));
        let told: Vec<String> = passed.iter().map(ToString::to_string).collect();
        assert!(told.len() == 2 && told[0].contains("card 0 computes wrong (conv2d)"), "{told:?}");
        assert!(told[1].contains("card 1 cannot be opened") && told[1].contains("no memory"), "{told:?}");
    }

    #[test]
    fn a_card_lost_twice_is_chosen_no_more() {
        let lost = |losses| [Rival { losses, ..card(0, Some(0.1), None) }];
        assert_eq!(fastest(Some(5.0), &lost(1), Dtype::Auto), (Some(on(0, Dtype::F32)), Vec::new()));
        let (device, passed) = fastest(Some(5.0), &lost(2), Dtype::Auto);
        assert_eq!(device, Some(Device::Cpu));
        assert!(passed[0].to_string().contains("lost twice"), "{passed:?}");
    }

    #[test]
    fn a_named_card_draws_in_its_faster_type() {
        assert_eq!(faster_type(&record(Some(0.4), Some(0.2))), Dtype::F16);
        assert_eq!(faster_type(&record(Some(0.4), Some(0.5))), Dtype::F32);
        assert_eq!(faster_type(&record(Some(0.4), None)), Dtype::F32);
    }
}
