//! The two ends of a pen.

use crate::app::App;
use crate::app::canvas::PenEnd;
use crate::app::tools::Tool;

impl App {
    /// Takes in what a pen tells. Its eraser end is the eraser for as long as it is near, whatever tool is in hand.
    pub(super) fn follow_pen(&mut self) {
        let erases = self.workspace.canvas.follow_pen() == Some(PenEnd::Eraser);
        if erases == self.workspace.turned.is_some() || self.workspace.canvas.is_painting() {
            return;
        }
        match self.workspace.turned.take() {
            // (Another tool may have been taken in hand meanwhile.)
            Some(before) if self.workspace.tool == Tool::Eraser => self.take_tool(before),
            Some(_) => {}
            None => {
                self.workspace.turned = Some(self.workspace.tool);
                self.take_tool(Tool::Eraser);
            }
        }
    }
}
