//! What an empty canvas offers, below the words that say to paint on it.

use crate::app::App;
use crate::app::canvas::ViewMode;
use crate::app::command::Command;
use crate::app::shell::toolbar::{floating, size_of};
use egui::{Align2, Button, Rect, Ui, vec2};

const NAME: &str = "offers of the empty canvas";

/// Free paper around the offers, which a small canvas does not have.
const AROUND: f32 = 40.0;

impl App {
    pub(super) fn empty_canvas_ui(&mut self, ui: &Ui, area: Rect) {
        let (editor, canvas) = (&self.open.editor, &self.workspace.canvas);
        let busy = canvas.is_painting() || self.generation.is_making() || editor.paints_change();
        if !canvas.is_untouched(editor) || busy || self.workspace.view_mode == ViewMode::Picture {
            return;
        }
        let (width, height) = (editor.document().width as f32, editor.document().height as f32);
        let paper = Rect::from_two_pos(self.canvas_to_screen(0.0, 0.0), self.canvas_to_screen(width, height));
        let middle = paper.center() + vec2(0.0, 24.0);
        let size = size_of(ui, NAME);
        let room = Rect::from_min_size(middle - vec2(size.x * 0.5, 0.0), size).expand(AROUND);
        if !paper.intersect(area).contains_rect(room) {
            return;
        }
        let mut called = None;
        floating(ui, NAME, middle, Align2::CENTER_TOP, |ui| {
            for command in [Command::PlacePicture, Command::Examples] {
                if ui.add(Button::new(command.label())).on_hover_text(command.tooltip(ui)).clicked() {
                    called = Some(command);
                }
            }
        });
        if let Some(command) = called {
            self.perform(ui, command);
        }
    }
}
