//! The panel of the picture: notes, size, steps, seed, and the button that makes it.

mod advanced;
mod generate;
pub(in crate::app) mod init_image;
pub(in crate::app) mod model;
mod notes;
mod parts;

use crate::app::command::Command;
use crate::app::editor::Field;
use crate::app::kit::{theme, widgets};
use crate::app::panels::Desk;
use crate::app::session::models::model_name;
use crate::app::text::format::localised;
use crate::app::text::i18n::{fill, tr};
use crate::document::{MAX_GUIDANCE, MAX_STEPS, Sampler, Schedule};
use egui::{Button, ComboBox, DragValue, Id, RichText, ScrollArea, Ui};
use egui_material_icons::icons;

/// Height that the cards keep, where they need as much.
const CARDS: f32 = 224.0;
/// That of their heading and the style of all.
const HEADING: f32 = 92.0;
/// Height of what makes the picture, below the settings, before it is known.
const MAKING: f32 = 132.0;
/// Height from which on the settings are unfolded by themselves: that of those that are always there.
const FIELDS: f32 = 200.0;
/// The least height of the settings.
const LEAST: f32 = 64.0;
/// Width of the panel from which on two fields stand beside each other.
const PAIRS: f32 = 280.0;

/// Two fields beside each other, or below each other where the panel is narrow.
pub(in crate::app) fn pair(ui: &mut Ui, add: impl FnOnce(&mut Ui, f32)) {
    let whole = ui.available_width();
    if whole < PAIRS {
        ui.vertical(|ui| add(ui, whole));
    } else {
        let half = ((whole - theme::GRID) * 0.5).floor();
        ui.horizontal(|ui| add(ui, half));
    }
}

impl Desk<'_> {
    /// `room` is the height that the cards and this panel share.
    pub(in crate::app) fn settings_ui(&mut self, ui: &mut Ui, room: f32) {
        ui.spacing_mut().item_spacing.y = theme::GRID;
        let id = Id::unique("height of what makes the picture");
        let making: f32 = ui.data(|data| data.get_temp(id)).unwrap_or(MAKING);
        self.notes_ui(ui);
        // What is unfolded scrolls before it takes the cards' place.
        let cards = HEADING + CARDS.min(self.panels.cards.height);
        let most = (room - cards - making - ui.min_rect().height()).max(LEAST);
        let fields = ScrollArea::vertical().id_salt("settings").auto_shrink([false, true]);
        // (The panel is as high as it was before something was unfolded.)
        fields
            .max_height(most)
            .min_scrolled_height(most)
            .show(ui, |ui| self.fields_ui(ui, room - HEADING - CARDS - making));
        let top = ui.min_rect().bottom();
        self.making_ui(ui);
        self.generate_ui(ui);
        self.cost_ui(ui);
        let making = ui.min_rect().bottom() - top;
        // (With the margins of the panel.)
        ui.data_mut(|data| data.insert_temp(id, making + 24.0));
    }

    /// What a low window scrolls together with the cards: all but the button that makes the picture.
    pub(in crate::app) fn settings_below_cards(&mut self, ui: &mut Ui) {
        ui.spacing_mut().item_spacing.y = theme::GRID;
        self.notes_ui(ui);
        self.fields_ui(ui, 0.0);
        self.making_ui(ui);
        self.cost_ui(ui);
    }

    fn is_unfolded(&self, room: f32) -> bool {
        self.prefs.settings.unwrap_or(room >= FIELDS)
    }

    /// All settings, or a line that sums them up; what the picture starts from is always there.
    fn fields_ui(&mut self, ui: &mut Ui, room: f32) {
        ui.spacing_mut().item_spacing.y = theme::GRID;
        let mut open = self.is_unfolded(room);
        let before = open;
        let settings = &self.editor.document().settings;
        let summary = if open {
            tr("Settings").to_owned()
        } else {
            let steps = fill("{0} steps", &[&settings.steps]);
            let guidance = localised(&((settings.guidance * 10.0).round() / 10.0).to_string());
            format!("{} · {steps} · {guidance} · {}", model_name(&settings.model), settings.sampler.title())
        };
        widgets::fold(ui, &mut open, &summary, tr("Size, model, steps and more of the picture"));
        if open != before {
            self.prefs.settings = Some(open);
        }
        if open {
            pair(ui, |ui, width| {
                self.size_field(ui, width);
                self.model_field(ui, width);
            });
            self.loras_ui(ui);
            pair(ui, |ui, width| {
                self.steps_field(ui, width);
                self.guidance_field(ui, width);
            });
            pair(ui, |ui, width| {
                self.seed_field(ui, width);
                self.sampler_field(ui, width);
            });
        }
        self.start_ui(ui);
        if open {
            let width = ((ui.available_width() - theme::GRID) * 0.5).floor();
            self.advanced_ui(ui, width);
        }
    }

    fn cost_ui(&mut self, ui: &mut Ui) {
        let t = theme::tokens(ui);
        // (That nothing may change is one of the notes.)
        if let Some(why) = self.held_up.filter(|_| !self.editor.nothing_may_change()) {
            let why = RichText::new(tr(why)).size(theme::TEXT_SMALL).color(t.text_weak);
            ui.vertical_centered(|ui| ui.add(egui::Label::new(why).wrap().selectable(false)));
        } else if let Some(cost) = self.cost.text().filter(|_| self.held_up.is_none()) {
            let colour = if self.cost.is_long() { t.warning } else { t.text_weak };
            // The rest is for who rests the pointer on it, and for screen readers.
            let text = match self.cost.time() {
                Some(time) => RichText::new(time).size(theme::TEXT),
                None => RichText::new(cost).size(theme::TEXT_SMALL),
            };
            let hint =
                tr("The picture is made window by window; a pass asks the model once about one window and one region.");
            let long = tr("This will take long: a smaller canvas, fewer steps or a larger stride are quicker.");
            let hint = if self.cost.is_long() { format!("{long}\n{hint}") } else { hint.to_owned() };
            let label = egui::Label::new(text.color(colour)).truncate().selectable(false);
            let response = ui.vertical_centered(|ui| ui.add(label)).inner;
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, cost));
            response.on_hover_text(format!("{cost}\n{hint}"));
        }
    }

    fn size_field(&mut self, ui: &mut Ui, width: f32) {
        let document = self.editor.document();
        let text = format!("{} × {}", document.width, document.height);
        let name = fill("Canvas size {0}", &[&text]);
        let hint = Command::CanvasSize.hint();
        let (ground, asked) = widgets::pressed_field(ui, width, (tr("Size"), hint), |ui, _| {
            ui.add(Button::new(text)).accessible_name(name).on_hover_text(hint).clicked()
        });
        if asked || ground.clicked() {
            self.perform(Command::CanvasSize);
        }
    }

    fn steps_field(&mut self, ui: &mut Ui, width: f32) {
        let mut steps = self.editor.document().settings.steps;
        let hint = match self.generation.vocabulary.as_ref().and_then(|model| model.few_steps()) {
            Some(_) => tr("This model was made for few steps: 4 are a good start, more than 8 change little"),
            None => tr("More steps: finer, and slower. 20 is a good start"),
        };
        let response = widgets::number_field(ui, width, (tr("Steps"), hint), |ui, label| {
            ui.add(DragValue::new(&mut steps).range(1..=MAX_STEPS).speed(0.2)).labelled_by(label).on_hover_text(hint)
        });
        self.changed(&response, Field::Steps, |d| d.settings.steps = steps);
    }

    fn guidance_field(&mut self, ui: &mut Ui, width: f32) {
        let mut guidance = self.editor.document().settings.guidance;
        let hint = match self.generation.vocabulary.as_ref().and_then(|model| model.few_steps()) {
            Some(_) => tr("How strictly the picture follows the words. This model has it built in: leave it at 1"),
            None => tr("How strictly the picture follows the words. 5 to 9 suits most"),
        };
        let response = widgets::number_field(ui, width, (tr("Guidance"), hint), |ui, label| {
            let value = widgets::decimal(&mut guidance).range(-MAX_GUIDANCE..=MAX_GUIDANCE).speed(0.05).max_decimals(1);
            ui.add(value).labelled_by(label).on_hover_text(hint)
        });
        self.changed(&response, Field::Guidance, |d| d.settings.guidance = guidance);
    }

    fn seed_field(&mut self, ui: &mut Ui, width: f32) {
        let mut seed = self.editor.document().settings.seed;
        let hint = tr("The same seed and words give the same picture again");
        let mut rolled = false;
        let response = widgets::number_field(ui, width, (tr("Seed"), hint), |ui, label| {
            let dice = widgets::small_icon_button(ui, icons::ICON_CASINO, Command::NewSeed.label());
            rolled = dice.on_hover_text(Command::NewSeed.tooltip(ui)).clicked();
            let value = DragValue::new(&mut seed).speed(1.0);
            ui.add(value).labelled_by(label).on_hover_text(hint)
        });
        self.changed(&response, Field::Seed, |d| d.settings.seed = seed);
        if rolled {
            self.perform(Command::NewSeed);
        }
    }

    fn sampler_field(&mut self, ui: &mut Ui, width: f32) {
        let current = self.editor.document().settings.sampler;
        let hint = tr("The method that takes the noise away step by step");
        let mut chosen = None;
        let combo = ComboBox::from_id_salt("sampler").selected_text(current.title());
        widgets::choice(ui, width, (tr("Sampler"), hint, hint), combo, |ui| {
            for sampler in Sampler::ALL {
                if ui.selectable_label(sampler == current, sampler.title()).clicked() {
                    chosen = Some(sampler);
                }
            }
        });
        if let Some(sampler) = chosen {
            self.editor.change_field(Field::Sampler, |d| {
                d.settings.sampler = sampler;
                if !sampler.follows(d.settings.schedule) {
                    d.settings.schedule = Schedule::Normal;
                }
            });
            self.editor.close_step();
        }
    }
}
