//! The devices of this machine, what their trials gave, and the choice of the fastest.
//!
//! A device is measured once and remembered in the data folder. Nothing is measured before somebody asks: where there is no
//! graphics card, or a software adapter alone, `auto` is the processor, unmeasured.

mod card;
mod fastest;
mod remembered;

pub use card::Card;
pub use fastest::{PassedOver, Reason};
pub use remembered::Record;

use super::cpu::{Cpu, Half};
use super::speed::Speed;
use super::{Backend as _, Device, Dtype, NoSuchDtype};
use fastest::Rival;
use remembered::Records;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// Time for measuring the processor, and a card in one type.
const PROCESSOR: Duration = Duration::from_millis(250);
const CARD: Duration = Duration::from_millis(500);

/// The devices of this machine. Clones share what they know.
#[derive(Debug, Clone, Default)]
pub struct Devices {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    folder: Option<PathBuf>,
    /// Records read from the folder, at the first question.
    remembered: OnceLock<Records>,
    /// Records of this session by their keys, or the reason why a card cannot be opened. Locked while something is measured, so
    /// that one thing is at a time.
    tried: Mutex<BTreeMap<String, Result<Record, String>>>,
}

/// A device in the list of all.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its name for `--device`.
    pub device: Device,
    /// `None` for the processor, in each of its types.
    pub card: Option<Card>,
    /// Its record, or the reason why it cannot be opened; `None` where it was not measured.
    pub tried: Option<Result<Record, String>>,
    /// True for the one that `auto` takes; for none where that asks for a measurement first.
    pub automatic: bool,
}

impl Listed {
    /// Whether it can be drawn on, as far as that is known.
    #[must_use]
    pub fn draws(&self) -> bool {
        match &self.tried {
            None => true,
            Some(Ok(record)) => self.card.is_none() || record.draws(),
            Some(Err(_)) => false,
        }
    }
}

/// A device chosen, by its concrete name and type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Never [`Device::Auto`].
    pub device: Device,
    /// The cards that could not be chosen, where the choice was this program's.
    pub passed_over: Vec<PassedOver>,
}

impl Devices {
    /// The devices, with what is remembered of them in a data folder; without one nothing outlives the process.
    #[must_use]
    pub fn remembered_in(folder: Option<PathBuf>) -> Self {
        Self { shared: Arc::new(Shared { folder, ..Shared::default() }) }
    }

    /// The folder in which compiled kernels are kept.
    #[must_use]
    pub fn kernels(&self) -> Option<PathBuf> {
        Some(self.shared.folder.as_ref()?.join("kernels"))
    }

    /// False where there is no graphics card for certain, so that `auto` is the processor. Cheaper than looking for one.
    #[must_use]
    pub fn may_have_card(&self) -> bool {
        may_have_card()
    }

    /// The processor and the graphics cards, with what is known of them. Nothing is measured; drivers take their time.
    #[must_use]
    pub fn list(&self) -> Vec<Listed> {
        self.listed(Card::all())
    }

    /// [`Devices::list`], after a trial of every device that has had none. Software adapters are left out.
    #[must_use]
    pub fn measured(&self) -> Vec<Listed> {
        let found = Card::all();
        // (The list tells failures, too.)
        let _ = self.processor();
        for (half, cpu) in rounding() {
            let _ = self.try_once(&cpu.describe(), || try_rounding(&cpu, half));
        }
        for card in found.iter().filter(|card| !card.is_software()) {
            let _ = self.card(card);
        }
        self.listed(found)
    }

    /// Measures one device anew, a software adapter too; the record is in the list then. Candle's processor is left alone.
    ///
    /// # Errors
    /// If there is no such card.
    pub fn measure_again(&self, device: Device) -> super::Result<()> {
        let _ = match device {
            Device::Cpu => self.try_anew(&processor_key(), try_processor),
            Device::CpuIn(half) => {
                let cpu = Cpu::rounding_to(half)?;
                self.try_anew(&cpu.describe(), || try_rounding(&cpu, half))
            }
            Device::Auto | Device::Candle => return Ok(()),
            Device::Wgpu { .. } | Device::Cuda { .. } | Device::Metal { .. } => {
                let card = Card::of(device)?;
                self.try_anew(&card.key(), || card.tried(CARD))
            }
        };
        Ok(())
    }

    /// The device to draw on: for `auto` the fastest, which is measured first where it is not known; for a card the faster type
    /// where none is asked for.
    ///
    /// # Errors
    /// If no device, or not the named one, has the type.
    pub fn choose(&self, device: Device, dtype: Dtype) -> Result<Choice, NoSuchDtype> {
        let by_name = |device| Ok(Choice { device, passed_over: Vec::new() });
        match device {
            Device::Auto => {
                let found = if may_have_card() { Card::all() } else { Vec::new() };
                let rivals = self.rivals(&found, |card| Some(self.card(card)));
                let worth = rivals.iter().any(Rival::may_be_chosen);
                let processor = if worth { self.processor().ok().and_then(|record| record.score()) } else { None };
                let (device, passed_over) = fastest::fastest(processor, &rivals, dtype);
                let device = device.map_or_else(|| Device::Cpu.with_dtype(dtype), Ok)?;
                Ok(Choice { device, passed_over })
            }
            Device::Wgpu { adapter: number, dtype: Dtype::Auto } if dtype == Dtype::Auto => {
                let adapter = super::wgpu::find(number).ok().filter(|adapter| adapter.half);
                let real = adapter.map(|adapter| Card::Adapter(Box::new(adapter))).filter(|card| !card.is_software());
                let record = real.and_then(|card| self.card(&card).ok());
                let dtype = record.map_or(Dtype::F32, |record| fastest::faster_type(&record));
                by_name(Device::Wgpu { adapter: number, dtype })
            }
            device => by_name(device.with_dtype(dtype)?),
        }
    }

    /// Notes that a card could not be opened, so that it is not chosen in this session.
    pub fn note_unopened(&self, device: Device, why: String) {
        let any_type = device.with_dtype(Dtype::Auto);
        if let Some(card) = Card::all().into_iter().find(|card| Ok(card.device()) == any_type) {
            self.locked().insert(card.key(), Err(why));
        }
    }

    fn listed(&self, found: Vec<Card>) -> Vec<Listed> {
        let known = |key: &str| self.known(&self.locked(), key);
        let processor = known(&processor_key());
        let rivals = self.rivals(&found, |card| known(&card.key()));
        let candidates = found.iter().filter(|card| rival_without_record(card).may_be_chosen()).count();
        let known_ones = rivals.iter().filter(|rival| rival.may_be_chosen()).count();
        let all_known = candidates == 0 || (processor.is_some() && candidates == known_ones);
        let score = processor.as_ref().and_then(|tried| tried.as_ref().ok()).and_then(Record::score);
        let chosen = if all_known { fastest::fastest(score, &rivals, Dtype::Auto).0 } else { None };
        let chosen = chosen.and_then(|device| device.with_dtype(Dtype::Auto).ok());
        let first =
            Listed { device: Device::Cpu, card: None, tried: processor, automatic: chosen == Some(Device::Cpu) };
        let rounding = rounding().map(|(half, cpu)| Listed {
            device: Device::CpuIn(half),
            card: None,
            tried: known(&cpu.describe()),
            automatic: false,
        });
        let cards = found.into_iter().map(|card| Listed {
            device: card.device(),
            tried: known(&card.key()),
            automatic: chosen == Some(card.device()),
            card: Some(card),
        });
        std::iter::once(first).chain(rounding).chain(cards).collect()
    }

    /// The cards that may be chosen, as far as `tried` gives a record, and those that were lost too often.
    fn rivals(&self, found: &[Card], tried: impl Fn(&Card) -> Option<Result<Record, String>>) -> Vec<Rival> {
        let rival = |card: &Card| {
            let rival = rival_without_record(card);
            if rival.software {
                return None;
            }
            if !rival.may_be_chosen() {
                return Some(rival);
            }
            Some(Rival { tried: tried(card)?, ..rival })
        };
        found.iter().filter_map(rival).collect()
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, Result<Record, String>>> {
        self.shared.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, tried: &BTreeMap<String, Result<Record, String>>, key: &str) -> Option<Result<Record, String>> {
        let read = || self.shared.folder.as_deref().map(remembered::read).unwrap_or_default();
        let remembered = || self.shared.remembered.get_or_init(read).get(key).cloned().map(Ok);
        tried.get(key).cloned().or_else(remembered)
    }

    fn processor(&self) -> Result<Record, String> {
        self.try_once(&processor_key(), try_processor)
    }

    fn card(&self, card: &Card) -> Result<Record, String> {
        self.try_once(&card.key(), || card.tried(CARD))
    }

    /// The record of this key, from a trial where there is none.
    fn try_once(&self, key: &str, trial: impl FnOnce() -> super::Result<Record>) -> Result<Record, String> {
        let mut tried = self.locked();
        if let Some(known) = self.known(&tried, key) {
            return known;
        }
        self.keep(&mut tried, key, trial())
    }

    fn try_anew(&self, key: &str, trial: impl FnOnce() -> super::Result<Record>) -> Result<Record, String> {
        let mut tried = self.locked();
        self.keep(&mut tried, key, trial())
    }

    fn keep(
        &self,
        tried: &mut BTreeMap<String, Result<Record, String>>,
        key: &str,
        result: super::Result<Record>,
    ) -> Result<Record, String> {
        // (What failed may work tomorrow, so it is not written down.)
        let result = result.map_err(|error| error.to_string());
        if let (Ok(record), Some(folder)) = (&result, &self.shared.folder)
            && let Err(error) = remembered::add(folder, Records::from([(key.to_owned(), record.clone())]))
        {
            log::warn!("{}: the speed of {key} cannot be kept ({error}); it is measured again", folder.display());
        }
        tried.insert(key.to_owned(), result.clone());
        result
    }
}

fn rival_without_record(card: &Card) -> Rival {
    Rival {
        device: card.device(),
        name: card.name().to_owned(),
        software: card.is_software(),
        losses: card.losses(),
        tried: Err(String::new()),
    }
}

/// Device files that Linux has where there is a driver of a graphics card.
#[cfg(target_os = "linux")]
const CARD_FILES: [&str; 5] = ["/dev/dri", "/dev/nvidiactl", "/dev/dxg", "/dev/kgsl-3d0", "/dev/mali0"];

/// False where there is no graphics card for certain: looking for one takes a tenth of a second, and some drivers complain on
/// standard error.
#[cfg(target_os = "linux")]
fn may_have_card() -> bool {
    CARD_FILES.iter().any(|file| std::path::Path::new(file).exists())
}

#[cfg(not(target_os = "linux"))]
fn may_have_card() -> bool {
    true
}

fn processor_key() -> String {
    Cpu::new().describe()
}

fn try_processor() -> super::Result<Record> {
    Ok(Record { f32: Some(Speed::measure(&Cpu::new(), PROCESSOR)?), ..Record::default() })
}

/// The processor with products in 16 bits, as far as it has instructions for them.
fn rounding() -> impl Iterator<Item = (Half, Cpu)> {
    [Half::F16, Half::Bf16].into_iter().filter_map(|half| Some((half, Cpu::rounding_to(half).ok()?)))
}

fn try_rounding(cpu: &Cpu, half: Half) -> super::Result<Record> {
    let speed = Some(Speed::measure(cpu, PROCESSOR)?);
    Ok(match half {
        Half::F16 => Record { f16: speed, ..Record::default() },
        Half::Bf16 => Record { bf16: speed, ..Record::default() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speed(rate: f64) -> Speed {
        Speed { convolution: rate, linear: rate, attention: rate, norm: rate }
    }

    #[test]
    fn a_device_is_tried_once_and_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let record = Record { f32: Some(speed(1e12)), faults: vec!["f16 (conv2d)".to_owned()], ..Record::default() };
        let devices = Devices::remembered_in(Some(folder.path().to_owned()));
        assert_eq!(devices.try_once("a card", || Ok(record.clone())), Ok(record.clone()));
        let again = || panic!("it is known");
        assert_eq!(devices.try_once("a card", again), Ok(record.clone()));
        // So it is in another process.
        let others = Devices::remembered_in(Some(folder.path().to_owned()));
        assert_eq!(others.try_once("a card", again), Ok(record));
        let newer = Record { f32: Some(speed(2e12)), ..Record::default() };
        assert_eq!(others.try_anew("a card", || Ok(newer.clone())), Ok(newer.clone()));
        assert_eq!(others.try_once("a card", again), Ok(newer));
    }

    #[test]
    fn a_failure_is_known_for_the_session_only() {
        let folder = tempfile::tempdir().unwrap();
        let devices = Devices::remembered_in(Some(folder.path().to_owned()));
        let error = || Err(super::super::Error::OutOfMemory { operator: "upload" });
        assert!(devices.try_once("a card", error).is_err());
        assert!(devices.try_once("a card", || panic!("it is known")).is_err());
        let others = Devices::remembered_in(Some(folder.path().to_owned()));
        assert!(others.try_once("a card", || Ok(Record::default())).is_ok());
    }

    /// On a machine with a real card this says nothing.
    #[test]
    fn without_a_real_card_auto_is_the_processor_and_nothing_is_measured() {
        if Card::all().iter().any(|card| !card.is_software()) {
            return eprintln!("skipped: this machine has a graphics card");
        }
        let folder = tempfile::tempdir().unwrap();
        let devices = Devices::remembered_in(Some(folder.path().to_owned()));
        let choice = devices.choose(Device::Auto, Dtype::Auto).unwrap();
        assert_eq!(choice, Choice { device: Device::Cpu, passed_over: Vec::new() });
        let in_f16 = devices.choose(Device::Auto, Dtype::F16).map(|choice| choice.device);
        assert_eq!(in_f16, Device::Cpu.with_dtype(Dtype::F16));
        let card = Device::Wgpu { adapter: Some(0), dtype: Dtype::Auto };
        let named = devices.choose(card, Dtype::Auto).unwrap().device;
        assert_eq!(named, Device::Wgpu { adapter: Some(0), dtype: Dtype::F32 });
        let listed = devices.list();
        assert!(listed[0].automatic && listed.iter().all(|listed| listed.tried.is_none()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no file is written");
    }
}
