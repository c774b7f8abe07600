//! Work before a frame is drawn: taking in the results of other threads.

use crate::app::App;
use crate::app::shell::leaving::Leave;

impl App {
    pub(in crate::app) fn logic(&mut self, ctx: &egui::Context) {
        self.follow_cards();
        self.follow_jobs();
        self.take_in_works();
        self.begin_works(ctx);
        self.follow_fetching(ctx);
        self.follow_hash();
        self.update_takes(ctx);
        for rest in self.tasks.finished() {
            rest(self);
        }
        self.autosave(ctx);
        if ctx.input(|i| i.viewport().close_requested()) && !self.closing && self.open.editor.is_unsaved() {
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            self.leave(ctx, Leave::Quit);
        }
        let dot = if self.open.editor.is_unsaved() { "• " } else { "" };
        // The taskbar shows how far the picture is while the window is behind others.
        let done = self.generation.progress().map(|p| format!("{:.0} % · ", p * 100.0)).unwrap_or_default();
        let title = format!("{done}{dot}{} – Polyptych", self.open.editor.title());
        if title != self.window_title {
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.window_title = title;
        }
    }
}
