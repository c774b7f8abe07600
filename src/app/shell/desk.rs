//! The parts of the window as the panels and the canvas see them, and what is done about their requests.

use crate::app::App;
use crate::app::canvas::{Easel, RegionLook};
use crate::app::panels::takes::Compare;
use crate::app::panels::{Desk, Request};
use crate::app::session::purpose::Purpose;
use egui::{Context, Rect, Ui};

impl App {
    /// What the panels see and change.
    pub(in crate::app) fn desk(&mut self) -> Desk<'_> {
        let (refines, held_up) = (self.refines(), self.held_up());
        Desk {
            editor: &mut self.open.editor,
            panels: &mut self.panels,
            takes: &mut self.open.takes,
            compare: &mut self.open.compare,
            canvas: &mut self.workspace.canvas,
            prefs: &mut self.prefs,
            toasts: &mut self.toasts,
            thumbnails: &self.open.thumbnails,
            checks: &self.open.checks,
            cost: &self.open.cost,
            generation: &self.generation,
            added: &self.added,
            refines,
            held_up,
            requests: Vec::new(),
        }
    }

    /// Draws panels, and does what they ask for.
    pub(in crate::app) fn at_desk(&mut self, ui: &mut Ui, draw: impl FnOnce(&mut Desk<'_>, &mut Ui)) {
        let mut desk = self.desk();
        draw(&mut desk, ui);
        for request in desk.requests {
            self.fulfil(ui, request);
        }
    }

    fn fulfil(&mut self, ctx: &Context, request: Request) {
        match request {
            Request::Run(command) => self.perform(ctx, command),
            Request::File(purpose, wanted) => self.ask_file(purpose, wanted),
            Request::Vae => self.ask_path(Purpose::ModelFile, |app, _, path| {
                app.desk().set_vae(Some(path.display().to_string()));
            }),
            Request::Fallback => self.ask_path(Purpose::ModelFile, |app, _, path| {
                app.desk().set_fallback(Some(path.display().to_string()));
            }),
            Request::ControlNet(purpose, region) => self.ask_control(purpose, region),
            Request::Followed(place, edges) => self.ask_followed(place, edges),
            Request::InitImage => self.ask_start(),
            Request::Take(number, wish) => self.grant(number, wish),
            Request::CancelJob(id) => self.generation.cancel_job(id),
            Request::PromoteJob(id) => self.generation.promote_job(id),
        }
    }

    /// Draws the canvas; returns what its rulers leave of the area.
    pub(in crate::app) fn canvas_ui(&mut self, ui: &mut Ui) -> Rect {
        let shown = self.picture_shown();
        let mut look = self.prefs.canvas;
        let finished = self.workspace.finished_at == Some(self.open.editor.all_mask_changes());
        if finished && look.regions == RegionLook::Tint && !look.latent {
            look.regions = RegionLook::Outline;
        }
        let (tool, tools, pressure) = (self.workspace.tool, self.prefs.tools, self.prefs.pressure);
        let mut easel = Easel {
            canvas: &mut self.workspace.canvas,
            editor: &mut self.open.editor,
            view_mode: &mut self.workspace.view_mode,
            toasts: &mut self.toasts,
            tool,
            brush: self.prefs.brush_of_mut(tool),
            tools,
            pressure,
            look,
            finished,
            shown,
            compared: self.open.compare.as_ref().map(Compare::is_beside),
            progress: self.generation.progress(),
            picked: false,
            wants_menu: false,
        };
        let (free, canvas) = easel.show(ui);
        let (picked, wants_menu) = (easel.picked, easel.wants_menu);
        if picked {
            self.panels.cards.reveal();
        }
        self.canvas_menu_ui(ui, &canvas, wants_menu);
        free
    }

    /// Keeps what a tool is doing, as if the button were let go. A lasso that waits for its next corner goes on waiting.
    pub(in crate::app) fn finish_gesture(&mut self) {
        self.workspace.canvas.finish(&mut self.open.editor);
    }

    /// Takes back what a tool is doing.
    pub(in crate::app) fn abort_gesture(&mut self) {
        self.workspace.canvas.abort(&mut self.open.editor);
    }
}
