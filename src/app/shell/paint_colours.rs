//! The way to the paint layer, whose colours the picture grows from.

use crate::app::App;
use crate::app::canvas::ViewMode;
use crate::app::editor::Selected;
use crate::app::tools::Tool;

impl App {
    /// Lets the tools paint colours, or the regions again.
    pub(in crate::app) fn paint_colours(&mut self) {
        self.finish_gesture();
        let editor = &mut self.open.editor;
        if editor.paints_colours() {
            return editor.select(Selected::uppermost(editor.document()));
        }
        editor.paint_colours();
        self.panels.cards.reveal();
        // Where the picture alone is shown, paint is not.
        if self.workspace.view_mode == ViewMode::Picture {
            self.workspace.view_mode = ViewMode::Both;
        }
        self.take_what_paints();
    }

    /// Takes the brush in hand where the tool there changes no mask's pixels.
    pub(super) fn take_what_paints(&mut self) {
        if matches!(self.workspace.tool, Tool::Pick | Tool::Hand | Tool::Zoom | Tool::Move | Tool::Frame) {
            self.workspace.tool = Tool::Brush;
        }
    }
}
