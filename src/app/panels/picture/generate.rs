//! The button that makes pictures, how many it makes, and live painting.

use crate::app::command::Command;
use crate::app::kit::landmarks::Landmark;
use crate::app::kit::{theme, widgets};
use crate::app::panels::Desk;
use crate::app::panels::picture::pair;
use crate::app::text::i18n::tr;
use egui::{Align, Button, DragValue, Label, Layout, RectAlign, RichText, Ui, vec2};
use egui_material_icons::icons;

/// The most pictures of one press.
const MOST: u32 = 50;

impl Desk<'_> {
    /// How many pictures are made, and live painting.
    pub(in crate::app) fn making_ui(&mut self, ui: &mut Ui) {
        let live = self.generation.live.is_on();
        widgets::at_times(ui, live, |ui| self.live_ui(ui));
        pair(ui, |ui, width| {
            self.batch_field(ui, width);
            self.live_switch(ui, width);
        });
    }

    /// The button that makes pictures.
    pub(in crate::app) fn generate_ui(&mut self, ui: &mut Ui) {
        let mut called = None;
        ui.horizontal(|ui| {
            let place = egui::Rect::from_min_size(ui.cursor().min, vec2(ui.available_width(), 36.0)).expand(6.0);
            Landmark::Generate.is_at(ui, place);
            let running = self.generation.is_making();
            let cancel = if running { 80.0 } else { 0.0 };
            let gap = if running { theme::GRID } else { 0.0 };
            let t = theme::tokens(ui);
            let (name, told) = if self.refines {
                (tr("Refine"), tr("Draw over what there is: strength says how much becomes new"))
            } else {
                (Command::Generate.label(), Command::Generate.hint())
            };
            let text = theme::strong(format!("{name}   {}", Command::Generate.keys_text(ui))).color(t.on_accent);
            let button =
                widgets::main_button(ui, text, ui.available_width() - cancel - gap, 36.0, self.held_up.is_none());
            let button = button.accessible_name(name).on_hover_text(told);
            if button.on_disabled_hover_text(tr(self.held_up.unwrap_or_default())).clicked() {
                called = Some(Command::Generate);
            }
            if running {
                ui.spacing_mut().item_spacing.x = gap;
                let button = Button::new(Command::Cancel.label()).corner_radius(theme::ROUND);
                let button = ui.add_sized([cancel, 36.0], button);
                if button.on_hover_text(Command::Cancel.tooltip(ui)).clicked() {
                    called = Some(Command::Cancel);
                }
            }
        });
        if let Some(command) = called {
            self.perform(command);
        }
    }

    fn batch_field(&mut self, ui: &mut Ui, width: f32) {
        let batch = &mut self.prefs.batch;
        let hint = tr("How many pictures one press makes, each with another seed");
        widgets::number_field(ui, width, (tr("Pictures"), hint), |ui, label| {
            if batch.pictures > 1 {
                let (icon, name, text) = if batch.chance {
                    (
                        icons::ICON_SHUFFLE,
                        tr("Seeds by chance"),
                        tr("Seeds by chance. Press for seeds that follow each other"),
                    )
                } else {
                    (
                        icons::ICON_ADD,
                        tr("Seeds follow each other"),
                        tr("Seeds follow each other. Press for seeds by chance"),
                    )
                };
                if widgets::small_icon_button(ui, icon, name).on_hover_text(text).clicked() {
                    batch.chance = !batch.chance;
                }
            }
            let value = DragValue::new(&mut batch.pictures).range(1..=MOST).speed(0.05);
            let value = ui.add(value).labelled_by(label);
            widgets::hint_beside(&value, RectAlign::TOP, hint);
            value
        });
    }

    fn live_switch(&mut self, ui: &mut Ui, width: f32) {
        let t = theme::tokens(ui);
        let on = self.generation.live.is_on();
        let hint = Command::Live.tooltip(ui);
        let icon = icons::ICON_BOLT.codepoint;
        let text = RichText::new(format!("{icon} {}", if on { tr("Live on") } else { tr("Live off") }));
        let text = text.color(if on { t.text_strong } else { t.text });
        let button = Button::new(text).selected(on).fill(if on { t.accent_quiet } else { t.card });
        let button = ui.add_sized([width, theme::ROW], button.corner_radius(theme::ROUND_SMALL));
        let name = Command::Live.label();
        button.widget_info(|| egui::WidgetInfo::selected(egui::Role::Switch, true, on, name));
        widgets::hint_beside(&button, RectAlign::TOP, &hint);
        if button.clicked() {
            self.perform(Command::Live);
        }
    }

    /// The state of live painting, while it is on.
    fn live_ui(&mut self, ui: &mut Ui) {
        let t = theme::tokens(ui);
        let mut called = None;
        ui.horizontal(|ui| {
            let width = ui.available_width() - 64.0;
            ui.allocate_ui_with_layout(vec2(width, 0.0), Layout::top_down(Align::LEFT), |ui| {
                let text = RichText::new(self.generation.live.says()).size(theme::TEXT_SMALL).color(t.text_weak);
                ui.add(Label::new(text).wrap());
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let keep = ui.add_enabled(self.generation.live.can_be_kept(), Button::new(tr("Keep")));
                let keep = keep.accessible_name(Command::KeepLive.label());
                if keep.on_hover_text(Command::KeepLive.tooltip(ui)).clicked() {
                    called = Some(Command::KeepLive);
                }
            });
        });
        if let Some(command) = called {
            self.perform(command);
        }
    }
}
