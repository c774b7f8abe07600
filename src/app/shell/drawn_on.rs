//! The choice of what draws: the processor or a graphics card, in the line at the bottom.

use crate::app::App;
use crate::app::kit::background::Asked;
use crate::app::kit::{theme, widgets};
use crate::app::prefs::DrawnOn;
use crate::app::text::format::decimal;
use crate::app::text::i18n::{fill, tr};
use crate::studio::{Card, Device, Devices, Half, Listed, seconds_told};
use egui::text::{LayoutJob, TextWrapping};
use egui::{Button, FontId, RichText, Ui};

/// The width of the list in points: a card's name in one line.
const LIST_WIDTH: f32 = 320.0;

/// The devices of this machine.
pub(in crate::app) struct Cards {
    devices: Devices,
    asked: Option<Asked<Vec<Listed>>>,
    /// None before the first answer.
    found: Option<Vec<Listed>>,
    /// True while the question is answered by measuring.
    measuring: bool,
    /// True where the automatic choice is known without asking: there is no graphics card.
    only_processor: bool,
}

impl Cards {
    pub(in crate::app) fn new(devices: Devices) -> Self {
        let only_processor = !devices.may_have_card();
        Self { devices, asked: None, found: None, measuring: false, only_processor }
    }

    /// Asks for the devices, on a thread: drivers take their time.
    pub(in crate::app) fn ask(&mut self, ctx: &egui::Context) {
        if self.asked.is_none() {
            let devices = self.devices.clone();
            self.asked = Asked::begin(ctx, "devices", move || devices.list());
        }
    }

    /// Measures what was not measured yet, on a thread.
    fn measure(&mut self, ctx: &egui::Context) {
        let unknown = |found: &Vec<Listed>| found.iter().any(|listed| listed.tried.is_none() && !is_software(listed));
        if self.asked.is_none() && self.found.as_ref().is_some_and(unknown) {
            let devices = self.devices.clone();
            self.asked = Asked::begin(ctx, "measuring devices", move || devices.measured());
            self.measuring = self.asked.is_some();
        }
    }

    /// The cards' names and devices.
    fn cards(&self) -> impl Iterator<Item = (&str, Device)> {
        let listed = self.found.iter().flatten();
        listed.filter_map(|listed| Some((listed.card.as_ref()?.name(), listed.device)))
    }

    /// What a device's row says at its right end.
    fn score(&self, listed: &Listed) -> String {
        match &listed.tried {
            Some(Ok(_)) if !listed.draws() => tr("computes wrong").to_owned(),
            Some(Ok(record)) => record.score().map_or_else(String::new, seconds_told),
            Some(Err(_)) => tr("cannot be opened").to_owned(),
            None if self.measuring && !is_software(listed) => tr("measuring…").to_owned(),
            None => String::new(),
        }
    }
}

/// True for a program on the processor, which is never faster than the processor's own kernels.
fn is_software(listed: &Listed) -> bool {
    listed.card.as_ref().is_some_and(Card::is_software)
}

/// A device's name for people.
fn name(listed: &Listed) -> &str {
    match (&listed.card, listed.device) {
        (Some(card), _) => card.name(),
        (None, Device::CpuIn(_)) => tr("Processor, in 16 bits"),
        (None, _) => tr("Processor"),
    }
}

/// What draws, as the studio names it, in the language of the window.
fn told(device: String) -> String {
    let cpu = |device: &str| {
        let (threads, rest) = device.strip_prefix("CPU, ")?.split_once(" threads, ")?;
        Some(format!("{}, {rest}", fill("CPU, {0} threads", &[&threads])))
    };
    cpu(&device).unwrap_or(device)
}

/// Products in 16 bits change pictures a little, so they are offered where they take at most this part of the time.
const WORTH: f64 = 0.8;

/// True for a row that is of use here: of the processor's in 16 bits the fastest one, where it is much faster than in f32.
fn is_offered(listed: &Listed, found: &[Listed]) -> bool {
    let seconds = |listed: &Listed| listed.tried.as_ref().and_then(|tried| tried.as_ref().ok()?.score());
    let rounds = |listed: &Listed| matches!(listed.device, Device::CpuIn(_));
    if !rounds(listed) {
        return true;
    }
    let plain = found.iter().find(|other| other.device == Device::Cpu).and_then(seconds);
    let (Some(own), Some(plain)) = (seconds(listed), plain) else { return false };
    own <= WORTH * plain && found.iter().filter(|other| rounds(other)).filter_map(seconds).all(|other| own <= other)
}

/// The choice that a row stands for, its text, and what there is to know of it.
fn row(listed: &Listed) -> (DrawnOn, String, String) {
    let Some(card) = &listed.card else {
        let (choice, hint) = match listed.device {
            Device::CpuIn(Half::F16) => (
                DrawnOn::ProcessorInF16,
                tr("Faster on this machine. Pictures differ a little from those of other machines"),
            ),
            Device::CpuIn(Half::Bf16) => (
                DrawnOn::ProcessorInBf16,
                tr("Faster on this machine. Pictures differ a little from those of other machines"),
            ),
            _ => (DrawnOn::Processor, tr("Right everywhere, and slower than a good graphics card")),
        };
        return (choice, name(listed).to_owned(), hint.to_owned());
    };
    let text = match card.memory() {
        Some(bytes) => format!("{} · {} GB", card.name(), decimal(bytes as f64 / 1e9, 1)),
        None => card.name().to_owned(),
    };
    let mut hint = match &listed.tried {
        Some(Err(why)) => why.clone(),
        _ if card.is_software() => {
            tr("A program on the processor: right, and slower than the processor itself").to_owned()
        }
        _ => tr("Experimental: right on a software card, not yet tried on all real ones").to_owned(),
    };
    if let Some(Ok(record)) = &listed.tried
        && !record.faults.is_empty()
    {
        hint = fill("{0}\nIt computes wrong, and so does without: {1}", &[&hint, &record.faults.join(", ")]);
    }
    (DrawnOn::Card(card.name().to_owned()), text, hint)
}

impl App {
    /// Takes in the answer, and draws on the chosen card once it is known to be there.
    pub(in crate::app) fn follow_cards(&mut self) {
        let Some(asked) = self.cards_here.asked.take() else { return };
        match asked.answer() {
            Ok(found) => {
                let first = self.cards_here.found.replace(found).is_none();
                self.cards_here.measuring = false;
                if let DrawnOn::Card(_) = self.prefs.drawn_on
                    && first
                {
                    self.draw_on_choice();
                }
            }
            Err(still) => {
                self.cards_here.measuring &= still.is_some();
                self.cards_here.asked = still;
            }
        }
    }

    fn draw_on_choice(&mut self) {
        match self.prefs.drawn_on.device(self.cards_here.cards()) {
            Some(device) => self.generation.engine.choose_device(device),
            None => {
                let DrawnOn::Card(name) = &self.prefs.drawn_on else { return };
                self.toasts.warning(fill("{0} is not there. The processor draws instead.", &[name]));
                self.generation.engine.choose_device(Device::Cpu);
            }
        }
    }

    /// What draws, in so much room, and at a click what else could.
    pub(in crate::app) fn drawn_on_ui(&mut self, ui: &mut Ui, width: f32) {
        let t = theme::tokens(ui);
        let device = self.generation.engine.device();
        // (What draws is known in full once something was drawn.)
        let shown = match &self.prefs.drawn_on {
            _ if !device.is_empty() => told(device),
            DrawnOn::Card(name) => name.clone(),
            DrawnOn::Automatic if !self.cards_here.only_processor => tr("Automatic").to_owned(),
            DrawnOn::ProcessorInF16 | DrawnOn::ProcessorInBf16 => tr("Processor, in 16 bits").to_owned(),
            DrawnOn::Automatic | DrawnOn::Processor => tr("Processor").to_owned(),
        };
        widgets::flat(ui);
        let mut chosen = None;
        let job = LayoutJob::simple_singleline(shown, FontId::proportional(theme::TEXT), t.text_weak);
        let job = LayoutJob { wrap: TextWrapping::truncate_at_width(width), ..job };
        let menu = ui.menu_button(job, |ui| {
            ui.set_min_width(LIST_WIDTH);
            ui.label(RichText::new(tr("Pictures are drawn by")).color(t.text_weak));
            let mut entry = |ui: &mut Ui, choice: DrawnOn, text: &str, score: String, hint: &str| {
                let mut button = Button::selectable(self.prefs.drawn_on == choice, text);
                if !score.is_empty() {
                    button = button.right_text(RichText::new(score).color(t.text_weak));
                }
                if ui.add(button).on_hover_text(hint).clicked() {
                    chosen = Some(choice);
                    ui.close();
                }
            };
            let fastest = self.cards_here.found.iter().flatten().find(|listed| listed.automatic);
            let fastest = fastest.map_or_else(String::new, |listed| name(listed).to_owned());
            entry(ui, DrawnOn::Automatic, tr("Automatic"), fastest, tr("The fastest device, by a short measurement"));
            let Some(found) = &self.cards_here.found else {
                let (choice, text) = (DrawnOn::Processor, tr("Processor"));
                entry(ui, choice, text, String::new(), tr("Right everywhere, and slower than a good graphics card"));
                ui.label(RichText::new(tr("Looking for graphics cards…")).color(t.text_weak));
                return;
            };
            for listed in found.iter().filter(|listed| is_offered(listed, found)) {
                let (choice, text, hint) = row(listed);
                entry(ui, choice, &text, self.cards_here.score(listed), &hint);
            }
            let weak = |text: &str| RichText::new(text).size(theme::TEXT_SMALL).color(t.text_weak);
            if found.iter().all(|listed| listed.card.is_none()) {
                ui.label(weak(tr("No graphics card that could draw was found.")));
            }
            if found.iter().any(|listed| matches!(listed.tried, Some(Ok(_)))) {
                ui.label(weak(tr("Time of one pass with a large model")));
            }
        });
        menu.response.clone().on_hover_text(tr("What draws the pictures. Click to choose another"));
        if menu.inner.is_some() {
            let idle = self.generation.jobs.is_empty() && self.generation.live.progress_text().is_none();
            let ctx = ui.ctx().clone();
            match self.cards_here.found {
                None => self.cards_here.ask(&ctx),
                // A measurement beside a picture being made would be wrong, and in its way.
                Some(_) if idle => self.cards_here.measure(&ctx),
                Some(_) => {}
            }
        }
        if let Some(choice) = chosen {
            self.prefs.drawn_on = choice;
            self.draw_on_choice();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::studio::{Record, Speed};

    #[test]
    fn what_draws_is_told_in_the_language() {
        use crate::app::text::i18n::{Language, speak};
        let device = || "CPU, 16 threads, AVX-512, f32".to_owned();
        assert_eq!(told(device()), device());
        assert_eq!(told("GeForce, f16".to_owned()), "GeForce, f16");
        speak(Language::German);
        assert_eq!(told(device()), "CPU, 16 Threads, AVX-512, f32");
        speak(Language::English);
    }

    #[test]
    fn sixteen_bits_are_offered_where_they_are_much_faster() {
        let record = |half: Option<Half>, seconds: f64| {
            let rate = 1e12 / seconds;
            let speed = Some(Speed { convolution: rate, linear: rate, attention: rate, norm: rate });
            match half {
                None => Record { f32: speed, ..Record::default() },
                Some(Half::F16) => Record { f16: speed, ..Record::default() },
                Some(Half::Bf16) => Record { bf16: speed, ..Record::default() },
            }
        };
        let listed = |half: Option<Half>, seconds: Option<f64>| Listed {
            device: half.map_or(Device::Cpu, Device::CpuIn),
            card: None,
            tried: seconds.map(|seconds| Ok(record(half, seconds))),
            automatic: false,
        };
        let offered = |f32s: Option<f64>, f16: Option<f64>, bf16: Option<f64>| {
            let found = [(None, f32s), (Some(Half::F16), f16), (Some(Half::Bf16), bf16)];
            let found = found.map(|(half, seconds)| listed(half, seconds));
            [0, 1, 2].map(|at| is_offered(&found[at], &found))
        };
        assert_eq!(offered(Some(4.0), Some(3.0), Some(1.0)), [true, false, true]);
        assert_eq!(offered(Some(4.0), Some(2.0), Some(8.0)), [true, true, false]);
        assert_eq!(offered(Some(4.0), Some(3.9), Some(3.8)), [true, false, false], "hardly faster");
        assert_eq!(offered(None, None, None), [true, false, false], "not measured");
    }

    #[test]
    fn a_card_is_found_again_by_its_name() {
        let cuda: Device = "cuda".parse().unwrap();
        let cards = [("Software", Device::card(0)), ("GeForce", Device::card(1)), ("GeForce (CUDA)", cuda)];
        let device = |choice: DrawnOn| choice.device(cards.into_iter());
        assert_eq!(device(DrawnOn::Card("GeForce".to_owned())), Some(Device::card(1)));
        assert_eq!(device(DrawnOn::Card("GeForce (CUDA)".to_owned())), Some(cuda));
        assert_eq!(device(DrawnOn::Card("Arc".to_owned())), None, "it was taken out");
        assert_eq!(device(DrawnOn::Processor), Some(Device::Cpu));
        assert_eq!(device(DrawnOn::Automatic), Some(Device::Auto));
    }
}
