//! The bar over the canvas while only a part of it is drawn: that this is so, how much of it becomes new, and the ways out.

use crate::app::App;
use crate::app::command::Command;
use crate::app::generation::framed::Framed;
use crate::app::kit::{theme, widgets};
use crate::app::shell::tool_options::TIGHT;
use crate::app::shell::toolbar::{floating, size_of};
use crate::app::text::i18n::tr;
use egui::{Align2, Button, Label, Rect, RichText, Ui, vec2};

impl App {
    /// Floats below the bars of the tool in hand and of what is painted.
    pub(super) fn frame_bar_ui(&mut self, ui: &Ui, canvas: Rect) {
        let Some(frame) = self.open.editor.frame() else { return };
        let mut top = self.below_options_bar(ui);
        if self.open.editor.paints_change() || self.open.editor.paints_colours() {
            top += size_of(ui, "mode bar").y + 6.0;
        }
        let t = theme::tokens(ui);
        let (mut called, mut strength) = (None, self.frame_strength());
        let before = strength;
        floating(ui, "frame bar", canvas.center_top() + vec2(0.0, top), Align2::CENTER_TOP, |ui| {
            ui.set_max_width((canvas.width() - 40.0).max(200.0));
            ui.horizontal_wrapped(|ui| {
                let text = theme::strong(tr("Only this part is drawn")).color(t.text_strong);
                ui.add(Label::new(text).selectable(false));
                // (In a narrow window the frame itself tells its size, and the pointer what the number is.)
                let roomy = canvas.width() >= TIGHT;
                if roomy {
                    let size = RichText::new(format!("{} × {}", frame.width, frame.height)).color(t.text_weak);
                    ui.add(Label::new(size).selectable(false));
                }
                let told = tr("How much of the picture becomes new: little keeps it, 1 all but forgets it");
                if roomy {
                    let name = RichText::new(tr("Strength")).color(t.text_weak);
                    ui.add(Label::new(name).selectable(false)).on_hover_text(told);
                }
                let value = widgets::strength(&mut strength, 1.0);
                ui.add(value).accessible_name(tr("Strength in the frame")).on_hover_text(told);
                let around =
                    ui.add_enabled(self.is_enabled(Command::FrameRegion), Button::new(tr("Around the region")));
                if around.on_hover_text(Command::FrameRegion.tooltip(ui)).clicked() {
                    called = Some(Command::FrameRegion);
                }
                let done = widgets::main_button(ui, tr("Whole canvas"), 104.0, 24.0, true);
                if done.on_hover_text(Command::FrameOff.tooltip(ui)).clicked() {
                    called = Some(Command::FrameOff);
                }
            });
        });
        if strength.to_bits() != before.to_bits() {
            self.set_frame_strength(strength);
        }
        if let Some(command) = called {
            self.perform(ui, command);
        }
    }

    /// The share of the noise that the picture in the frame is given: that of the picture to start from, where there is one.
    fn frame_strength(&self) -> f64 {
        let start = self.open.editor.document().init_image.as_ref();
        start.map_or(self.workspace.frame_strength, |start| start.strength)
    }

    /// The part of the canvas that is drawn next, where not all of it is.
    pub(super) fn framed(&self) -> Option<Framed> {
        Some(Framed { frame: self.open.editor.frame()?, strength: self.frame_strength() })
    }

    fn set_frame_strength(&mut self, strength: f64) {
        self.workspace.frame_strength = strength;
        if self.open.editor.document().init_image.is_some() {
            self.prefs.keep_refining(strength);
            self.set_strength(strength);
        }
    }
}
