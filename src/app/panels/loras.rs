//! LoRAs: those laid over the model for the whole picture, and those of one region or of the background.

use crate::app::command::Command;
use crate::app::editor::{Field, Selected};
use crate::app::kit::{theme, widgets};
use crate::app::panels::Desk;
use crate::app::panels::regions::wish::Wish;
use crate::app::text::format::decimal;
use crate::app::text::i18n::{fill, tr};
use crate::document::{Document, Lora, MAX_LORAS};
use crate::studio::Entry;
use egui::{Align, Button, Color32, Frame, Label, Layout, Margin, Popup, RichText, ScrollArea, Ui, vec2};
use egui_material_icons::icons;
use std::path::Path;

/// The strongest weight of the slider. (Stronger ones, and those below 0, come from files.)
const STRONGEST: f32 = 2.0;

/// The LoRAs of the whole picture, or of one part of it.
pub(in crate::app) fn of(document: &mut Document, part: Option<Selected>) -> Option<&mut Vec<Lora>> {
    match part {
        None => Some(&mut document.settings.loras),
        Some(Selected::Background) => Some(&mut document.background.loras),
        Some(Selected::Region(id)) => document.region_mut(id).map(|region| &mut region.loras),
    }
}

/// The change of a weight to what a slider gave.
fn set_weight(loras: &mut [Lora], index: usize, weight: f32) {
    if let Some(lora) = loras.get_mut(index) {
        // (Hundredths are what the row shows.)
        lora.weight = (weight * 100.0).round() / 100.0;
    }
}

/// Height of the LoRAs that were added, in a menu.
const MENU: f32 = 320.0;

/// Letters of a phrase in a list.
const PHRASE: usize = 48;

impl Desk<'_> {
    /// Lays a LoRA over the model: for the whole picture, or for one part of it.
    pub(in crate::app) fn add_lora(&mut self, part: Option<Selected>, path: &Path) {
        let lora = Lora::new(path.display().to_string());
        let document = self.editor.document();
        // (What changes of a start picture has a mask, and no LoRAs.)
        let part = match part {
            Some(Selected::Region(id)) if document.region(id).is_none() => None,
            part => part,
        };
        let (count, name) = match part {
            None => (document.settings.loras.len(), None),
            Some(Selected::Background) => (document.background.loras.len(), Some(tr("Background").to_owned())),
            Some(Selected::Region(id)) => {
                let region = document.region(id);
                (region.map_or(0, |r| r.loras.len()), region.map(|r| r.name.clone()))
            }
        };
        if count >= MAX_LORAS {
            self.toasts.warning(fill(
                "A picture takes {0} LoRAs at most, and as many for each region. Remove one first.",
                &[&MAX_LORAS],
            ));
            return;
        }
        self.toasts.info(match &name {
            None => fill("{0} changes how the model draws from now on.", &[&lora.name()]),
            Some(part) => fill("{0} changes how “{1}” is drawn from now on.", &[&lora.name(), part]),
        });
        match part {
            None => self.editor.change_loras(move |loras| loras.push(lora.clone())),
            Some(key) => {
                self.editor.change_field(Field::OwnLoras(key), |d| {
                    if let Some(loras) = of(d, part) {
                        loras.push(lora);
                    }
                });
                self.editor.close_step();
            }
        }
    }

    /// A row for each LoRA of the whole picture: its name, how strongly it counts, and its end.
    pub(in crate::app) fn loras_ui(&mut self, ui: &mut Ui) {
        let ground = theme::tokens(ui).card;
        let (mut removed, mut written) = (None, None);
        let loras = self.editor.document().settings.loras.clone();
        widgets::at_times(ui, !loras.is_empty(), |ui| {
            for (index, lora) in loras.into_iter().enumerate() {
                let mut weight = lora.weight;
                let words = self.panels.triggers.of(&lora.file);
                let row = |ui: &mut Ui| row(ui, &lora, ground, &mut weight, &words);
                let (response, asked) = ui.push_id(("lora", index), row).inner;
                match asked {
                    Some(Asked::Remove) => removed = Some(index),
                    Some(Asked::Write(words)) => written = Some(words),
                    None => {}
                }
                self.changed(&response, Field::LoraWeight(index), |d| set_weight(&mut d.settings.loras, index, weight));
            }
        });
        if let Some(words) = written {
            self.write_words(self.editor.selected(), &words);
        }
        if let Some(index) = removed {
            self.editor.change_loras(move |loras| drop((index < loras.len()).then(|| loras.remove(index))));
        }
    }

    /// The LoRAs of a card's part of the picture, and the button that adds one.
    pub(in crate::app) fn own_loras_ui(&mut self, ui: &mut Ui, key: Selected, loras: &[Lora], wishes: &mut Vec<Wish>) {
        ui.horizontal(|ui| {
            let hint = match key {
                Selected::Background => tr("LoRAs that draw the background alone. Drop a file on this card to add one"),
                Selected::Region(_) => tr("LoRAs that draw this region alone. Drop a file on this card to add one"),
            };
            widgets::row_label(ui, tr("LoRAs"), hint);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                widgets::flat(ui);
                ui.spacing_mut().button_padding.x = theme::HALF;
                let text = RichText::new(fill("{0} Add", &[&icons::ICON_ADD.codepoint]));
                let add = ui.add(Button::new(text)).accessible_name(Command::AddOwnLora.label());
                self.own_loras_menu(&add.on_hover_text(Command::AddOwnLora.hint()), key, wishes);
            });
        });
        widgets::at_times(ui, !loras.is_empty(), |ui| self.own_lora_rows(ui, key, loras, wishes));
    }

    fn own_lora_rows(&mut self, ui: &mut Ui, key: Selected, loras: &[Lora], wishes: &mut Vec<Wish>) {
        let ground = theme::tokens(ui).field;
        for (index, lora) in loras.iter().enumerate() {
            let mut weight = lora.weight;
            let words = self.panels.triggers.of(&lora.file);
            let row = |ui: &mut Ui| row(ui, lora, ground, &mut weight, &words);
            let (slider, asked) = ui.push_id(("own lora", key, index), row).inner;
            if slider.changed() {
                let change = move |loras: &mut Vec<Lora>| set_weight(loras, index, weight);
                wishes.push(Wish::Loras(key, Field::OwnLoraWeight(key, index), Box::new(change)));
            }
            if slider.drag_stopped() || slider.lost_focus() {
                wishes.push(Wish::StepDone);
            }
            match asked {
                Some(Asked::Remove) => {
                    let change = move |loras: &mut Vec<Lora>| drop((index < loras.len()).then(|| loras.remove(index)));
                    wishes.push(Wish::Loras(key, Field::OwnLoras(key), Box::new(change)));
                    wishes.push(Wish::StepDone);
                }
                Some(Asked::Write(words)) => wishes.push(Wish::Write(key, words)),
                None => {}
            }
        }
    }

    /// The LoRAs that were added, and a way to choose another.
    fn own_loras_menu(&self, button: &egui::Response, key: Selected, wishes: &mut Vec<Wish>) {
        Popup::menu(button).show(|ui| {
            let all: Vec<&Entry> = self.added.loras().collect();
            // (There may be thousands, of which only those in sight are laid out.)
            let height = ui.spacing().interact_size.y;
            ScrollArea::vertical().max_height(MENU).show_rows(ui, height, all.len(), |ui, range| {
                for entry in all.get(range).unwrap_or_default() {
                    let text = fill("Add {0}", &[&entry.name]);
                    if ui.button(text).on_hover_text(entry.path.display().to_string()).clicked() {
                        wishes.push(Wish::AddLora(key, entry.path.clone()));
                        ui.close();
                    }
                }
            });
            if ui.button(tr("Choose a LoRA file…")).clicked() {
                wishes.push(Wish::Run(key, Command::AddOwnLora));
            }
        });
    }
}

/// What is asked of a LoRA's row.
enum Asked {
    Remove,
    /// A phrase that calls it up is to stand among the words.
    Write(String),
}

/// The row of a LoRA; returns its slider, and what is asked of it.
fn row(
    ui: &mut Ui,
    lora: &Lora,
    ground: Color32,
    weight: &mut f32,
    words: &[String],
) -> (egui::Response, Option<Asked>) {
    let mut asked = None;
    let t = theme::tokens(ui);
    let name = lora.name();
    let hint = tr("A LoRA: it changes how the model draws. 1 is as it was made, 0 not at all");
    let hint = format!("{hint}\n{}", lora.file);
    let frame = Frame::new().fill(ground).corner_radius(theme::ROUND_SMALL).inner_margin(Margin::symmetric(8, 0));
    let inner = frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.set_height(theme::ROW);
        ui.horizontal_centered(|ui| {
            ui.spacing_mut().item_spacing.x = theme::HALF;
            let third = (ui.available_width() * 0.4).floor();
            ui.allocate_ui_with_layout(vec2(third, theme::ROW), Layout::left_to_right(Align::Center), |ui| {
                ui.set_min_width(third);
                let text = RichText::new(&name).color(t.text_weak);
                ui.add(Label::new(text).selectable(false).truncate()).on_hover_text(&hint);
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                widgets::flat(ui);
                let text = fill("Remove LoRA {0}", &[&name]);
                if widgets::small_icon_button(ui, icons::ICON_CLOSE, &text).on_hover_text(&text).clicked() {
                    asked = Some(Asked::Remove);
                }
                // (Its words are read on a thread.)
                let phrase = widgets::at_times(ui, !words.is_empty(), |ui| words_button(ui, &name, words));
                if let Some(phrase) = phrase.flatten() {
                    asked = Some(Asked::Write(phrase));
                }
                let value = RichText::new(decimal(lora.weight.into(), 2)).color(t.text_strong);
                ui.add_sized(vec2(40.0, theme::ROW), Label::new(value).selectable(false));
                ui.spacing_mut().slider_width = ui.available_width() - theme::HALF;
                let range = lora.weight.min(0.0)..=lora.weight.max(STRONGEST);
                let slider = ui.add(widgets::slider(weight, range));
                slider.accessible_name(fill("Weight of {0}", &[&name])).on_hover_text(&hint)
            })
            .inner
        })
        .inner
    });
    (inner.inner, asked)
}

/// A button for the phrases that call up a LoRA, where there are any; returns the one that is to be written.
fn words_button(ui: &mut Ui, name: &str, words: &[String]) -> Option<String> {
    let first = words.first()?;
    let text = fill("Write what calls up {0}", &[&name]);
    let button = widgets::small_icon_button(ui, icons::ICON_FORMAT_QUOTE, &text);
    if words.len() == 1 {
        let hint = fill("Write “{0}” among the words", &[first]);
        return button.on_hover_text(hint).clicked().then(|| first.clone());
    }
    let mut chosen = None;
    Popup::menu(&button.on_hover_text(&text)).show(|ui| {
        for phrase in words {
            let short: String = phrase.chars().take(PHRASE).collect();
            let text = if short.len() < phrase.len() { format!("{short}…") } else { short };
            if ui.button(text).on_hover_text(phrase).clicked() {
                chosen = Some(phrase.clone());
            }
        }
    });
    chosen
}
