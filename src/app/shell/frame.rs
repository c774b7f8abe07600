//! One frame: keys first, then the panels around the canvas, then the canvas, then what floats above.

use crate::app::App;
use crate::app::kit::landmarks::Landmark;
use crate::app::kit::theme;
use crate::app::kit::toasts;
use crate::app::shell::ui_scale::{RIGHT, STRIP};
use crate::app::shell::{panel_sizes, toolbar};
use egui::{CentralPanel, Frame, Margin, Panel, Rangef, ScrollArea, Ui, vec2};

/// Height of the right panel below which cards and settings scroll together.
const LOW: f32 = 540.0;

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        Self::logic(self, ctx);
    }

    fn raw_input_hook(&mut self, _ctx: &egui::Context, input: &mut egui::RawInput) {
        self.presses.part(&mut input.events);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.follow_pen();
        self.keys(ui);
        self.drops(ui);
        self.pasted(ui);
        self.checks_and_thumbnails(ui);

        let t = theme::tokens(ui);
        let panel = |x: i8, y: i8| Frame::new().fill(t.panel).inner_margin(Margin::symmetric(x, y));
        Panel::top("menu").frame(panel(12, 0)).exact_size(36.0).resizable(false).show(ui, |ui| self.menu_ui(ui));
        Panel::bottom("status").frame(panel(12, 0)).exact_size(28.0).resizable(false).show(ui, |ui| self.status_ui(ui));
        let shown = !self.prefs.panels_away;
        let right = Panel::right("right").frame(Frame::new().fill(t.panel)).default_size(RIGHT.0);
        // Half of a narrow window is the canvas's.
        let most = (ui.available_width() * 0.5).min(RIGHT.2);
        let range = Rangef::new(RIGHT.1.min(most), most);
        panel_sizes::keep(ui, "right", 0, RIGHT.0, range);
        right.size_range(range).show_collapsible(ui, &mut { shown }, |ui| {
            let room = ui.available_height();
            if room < LOW {
                // All of it scrolls, but for the button that makes the picture.
                Panel::bottom("settings").frame(panel(12, 8)).resizable(false).show(ui, |ui| {
                    self.at_desk(ui, |desk, ui| {
                        desk.generate_ui(ui);
                    });
                });
                // The bar that scrolls it lies in the margin, beside the fields.
                let beside = panel(12, 8).inner_margin(Margin { right: 0, ..Margin::symmetric(12, 8) });
                CentralPanel::no_frame().frame(beside).show(ui, |ui| {
                    Landmark::Regions.is_at(ui, ui.max_rect().expand(8.0));
                    let all = ScrollArea::vertical().id_salt("right").auto_shrink(false);
                    all.content_margin(Margin { right: 12, ..Margin::ZERO }).show(ui, |ui| {
                        self.at_desk(ui, |desk, ui| {
                            desk.regions_ui(ui, false);
                            ui.add_space(theme::GRID);
                            desk.settings_below_cards(ui);
                        });
                    });
                });
                return;
            }
            Panel::bottom("settings")
                .frame(panel(12, 12))
                .resizable(false)
                .show(ui, |ui| self.at_desk(ui, |desk, ui| desk.settings_ui(ui, room)));
            CentralPanel::no_frame().frame(panel(12, 12)).show(ui, |ui| {
                Landmark::Regions.is_at(ui, ui.max_rect().expand(8.0));
                self.at_desk(ui, |desk, ui| desk.regions_ui(ui, true));
            });
        });
        let framed = self.framed();
        self.generation.follow_live(ui, &self.open.editor, framed);
        // It is there before the first picture, so that the canvas does not move under the brush when one is made.
        if shown {
            let most = (ui.available_height() * 0.25).clamp(56.0, STRIP.2);
            // In a low window the cards and the canvas need the height more.
            let usual = (ui.available_height() * 0.14).clamp(56.0, STRIP.0);
            let strip = Panel::bottom("takes").frame(if usual < STRIP.1 { panel(12, 4) } else { panel(12, 12) });
            let strip = strip.default_size(usual).resizable(true);
            let range = Rangef::new(STRIP.1.min(usual), most);
            panel_sizes::keep(ui, "takes", 1, usual, range);
            strip.size_range(range).show(ui, |ui| {
                self.at_desk(ui, |desk, ui| {
                    desk.takes_ui(ui);
                });
            });
        }
        let columns = Self::tool_columns(ui.available_height());
        let left = Panel::left("tools").frame(panel(6, 6)).exact_size(12.0 + 36.0 * columns as f32).resizable(false);
        left.show_collapsible(ui, &mut { shown }, |ui| {
            Landmark::Tools.is_at(ui, ui.max_rect().expand(4.0));
            self.tools_ui(ui, columns);
        });
        let canvas = CentralPanel::no_frame().show(ui, |ui| {
            let area = ui.available_rect_before_wrap();
            Landmark::Canvas.is_at(ui, area);
            self.canvas_ui(ui)
        });
        self.options_bar_ui(ui, canvas.inner);
        self.mode_bar_ui(ui, canvas.inner);
        self.frame_bar_ui(ui, canvas.inner);
        self.empty_canvas_ui(ui, canvas.inner);
        self.view_bar_ui(ui, canvas.inner);
        self.at_desk(ui, |desk, ui| desk.compare_ui(ui, canvas.inner));
        self.peek_note(ui, canvas.inner);
        // Where there is no room for both beside each other, messages stand above the bar of the view.
        let bar = toolbar::size_of(ui, "view bar");
        let messages = ui.memory(|memory| memory.area_rect(toasts::area())).map_or(toasts::WIDTH, |area| area.width());
        let beside = canvas.inner.width() > bar.x + messages + 40.0;
        let up = if beside { 12.0 } else { bar.y + 20.0 };
        let width = canvas.inner.width() - 24.0;
        if let Some(offer) = self.toasts.show(ui, canvas.inner.left_bottom() + vec2(12.0, -up), width) {
            self.take_up(ui, offer);
        }
        self.tour_ui(ui);
        self.questions_ui(ui);
        self.drop_hint(ui);
        self.begin_works(ui);
        self.follow_models(ui);
        self.follow_typing(ui);
        // What this frame told after the messages were drawn is drawn in the next, and what was not for this frame happens in it.
        if self.toasts.are_new() || self.presses.wait() {
            ui.request_repaint();
        }
    }

    fn on_exit(&mut self) {
        self.end_recovery();
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        self.prefs.save(storage);
    }

    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        theme::DARK.desk.to_normalized_gamma_f32()
    }
}

impl App {
    fn checks_and_thumbnails(&mut self, ui: &Ui) {
        self.panels.triggers.follow(ui);
        self.generation.vocabulary =
            self.generation.engine.vocabulary(&self.open.editor.document().settings.checkpoint());
        if !self.open.editor.in_stroke() {
            self.open.checks.update(ui, &self.open.editor);
            let loras = self.added.known_loras();
            let finished = |key, text: &str| self.panels.writing.finished(key, text);
            self.open.checks.words(&self.open.editor, self.generation.vocabulary.as_ref(), loras, finished);
            let framed = self.framed();
            self.open.cost.update(ui, &self.open.editor, framed, self.generation.engine.as_ref());
            self.open.thumbnails.update(ui, &self.open.editor, theme::tokens(ui).paper);
        }
    }
}
