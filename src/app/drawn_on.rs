//! The choice of what draws: the processor or a graphics card, in the line at the bottom.

use super::asked::Asked;
use super::texts::{fill, tr};
use super::{App, theme, widgets};
use crate::studio::{Adapter, AdapterKind, Device, adapters};
use egui::{RichText, Ui};
use serde::{Deserialize, Serialize};

/// A person's choice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum DrawnOn {
    /// The device that suits most machines.
    #[default]
    Automatic,
    Processor,
    /// A graphics card, by its name: numbers change when cards are put in.
    Card(String),
}

impl DrawnOn {
    /// The device, among cards of these names in the order of their numbers; `None` where the card is not among them.
    fn device<'a>(&self, mut names: impl Iterator<Item = &'a str>) -> Option<Device> {
        match self {
            Self::Automatic => Some(Device::default()),
            Self::Processor => Some(Device::Cpu),
            Self::Card(name) => names.position(|other| other == name).map(Device::card),
        }
    }
}

/// The graphics cards of this machine.
#[derive(Default)]
pub(super) struct Cards {
    asked: Option<Asked<Vec<Adapter>>>,
    /// None before the first answer.
    found: Option<Vec<Adapter>>,
}

impl App {
    /// Asks for the cards of this machine, on a thread: drivers take their time.
    pub(super) fn ask_for_cards(&mut self, ctx: &egui::Context) {
        if self.cards_here.asked.is_none() {
            self.cards_here.asked = Asked::begin(ctx, "graphics cards", adapters);
        }
    }

    /// Takes in the answer, and draws on the chosen card once it is known to be there.
    pub(super) fn follow_cards(&mut self) {
        let Some(asked) = self.cards_here.asked.take() else { return };
        match asked.answer() {
            Ok(found) => {
                self.cards_here.found = Some(found);
                if let DrawnOn::Card(_) = self.prefs.drawn_on {
                    self.draw_on_choice();
                }
            }
            Err(still) => self.cards_here.asked = still,
        }
    }

    fn draw_on_choice(&mut self) {
        let cards = self.cards_here.found.as_deref().unwrap_or_default();
        match self.prefs.drawn_on.device(cards.iter().map(|card| card.name.as_str())) {
            Some(device) => self.engine.choose_device(device),
            None => {
                let DrawnOn::Card(name) = &self.prefs.drawn_on else { return };
                self.toasts.warning(fill("{0} is not there. The processor draws instead.", &[name]));
                self.engine.choose_device(Device::Cpu);
            }
        }
    }

    /// What draws, and at a click what else could.
    pub(super) fn drawn_on_ui(&mut self, ui: &mut Ui) {
        let t = theme::tokens(ui);
        let device = self.engine.device();
        // (What draws is known in full once something was drawn.)
        let shown = match &self.prefs.drawn_on {
            _ if !device.is_empty() => device,
            DrawnOn::Card(name) => name.clone(),
            DrawnOn::Automatic | DrawnOn::Processor => tr("Processor").to_owned(),
        };
        widgets::flat(ui);
        let mut chosen = None;
        let menu = ui.menu_button(RichText::new(shown).color(t.text_weak), |ui| {
            ui.label(RichText::new(tr("Pictures are drawn by")).color(t.text_weak));
            let mut entry = |ui: &mut Ui, choice: DrawnOn, text: &str, hint: &str| {
                let current = self.prefs.drawn_on == choice;
                if ui.selectable_label(current, text).on_hover_text(hint).clicked() {
                    chosen = Some(choice);
                    ui.close();
                }
            };
            let hint = tr("The processor, until a graphics card has proved itself here");
            entry(ui, DrawnOn::Automatic, tr("Automatic"), hint);
            entry(
                ui,
                DrawnOn::Processor,
                tr("Processor"),
                tr("Right everywhere, and slower than a good graphics card"),
            );
            for card in self.cards_here.found.iter().flatten() {
                let hint = match card.kind {
                    AdapterKind::Software => {
                        tr("A program on the processor: right, and slower than the processor itself")
                    }
                    _ => tr("Experimental: right on a software card, not yet tried on all real ones"),
                };
                let text = match card.memory {
                    Some(bytes) => format!("{} ({:.1} GB)", card.name, bytes as f64 / 1e9),
                    None => card.name.clone(),
                };
                entry(ui, DrawnOn::Card(card.name.clone()), &text, hint);
            }
            match &self.cards_here.found {
                None => {
                    ui.label(RichText::new(tr("Looking for graphics cards…")).color(t.text_weak));
                }
                Some(found) if found.is_empty() => {
                    ui.label(RichText::new(tr("No graphics card that could draw was found.")).color(t.text_weak));
                }
                Some(_) => {}
            }
        });
        menu.response.clone().on_hover_text(tr("What draws the pictures. Click to choose another"));
        if menu.inner.is_some() && self.cards_here.found.is_none() {
            self.ask_for_cards(&ui.ctx().clone());
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

    #[test]
    fn a_card_is_found_again_by_its_name() {
        let names = ["Software", "Radeon", "GeForce"];
        let device = |choice: DrawnOn| choice.device(names.into_iter());
        assert_eq!(device(DrawnOn::Card("GeForce".to_owned())), Some(Device::card(2)));
        assert_eq!(device(DrawnOn::Card("Arc".to_owned())), None, "it was taken out");
        assert_eq!(device(DrawnOn::Processor), Some(Device::Cpu));
        assert_eq!(device(DrawnOn::Automatic), Some(Device::default()));
    }
}
