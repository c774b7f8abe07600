//! What the panels draw from and change in a frame, and what they ask of the shell.

use crate::app::canvas::Canvas;
use crate::app::command::Command;
use crate::app::editor::{Editor, Field, Offer};
use crate::app::generation::checks::Checks;
use crate::app::generation::cost::Cost;
use crate::app::generation::queue::Generation;
use crate::app::generation::takes::{Takes, Wish};
use crate::app::kit::toasts::Toasts;
use crate::app::panels::controls::{Place, Rows};
use crate::app::panels::regions::Cards;
use crate::app::panels::regions::prompt::Writing;
use crate::app::panels::takes::{Compare, Preview};
use crate::app::panels::thumbnails::Thumbnails;
use crate::app::panels::triggers::Triggers;
use crate::app::prefs::Prefs;
use crate::app::session::import::Wanted;
use crate::app::session::models::Added;
use crate::app::session::purpose::Purpose;
use crate::document::{Document, RegionId};
use crate::studio::JobId;
use egui::Response;

/// What the panels keep from frame to frame, whichever document is open.
#[derive(Default)]
pub(in crate::app) struct Panels {
    pub cards: Cards,
    pub writing: Writing,
    /// The rows of the ControlNets.
    pub controls: Rows,
    /// The preview of the running job in the strip.
    pub preview: Preview,
    /// The words that call up LoRAs.
    pub triggers: Triggers,
}

/// The document with all that the panels show of it and change, for one frame.
pub(in crate::app) struct Desk<'a> {
    pub editor: &'a mut Editor,
    pub panels: &'a mut Panels,
    pub takes: &'a mut Takes,
    /// Two finished pictures against each other.
    pub compare: &'a mut Option<Compare>,
    pub canvas: &'a mut Canvas,
    pub prefs: &'a mut Prefs,
    pub toasts: &'a mut Toasts<Offer>,
    pub thumbnails: &'a Thumbnails,
    pub checks: &'a Checks,
    pub cost: &'a Cost,
    pub generation: &'a Generation,
    /// Checkpoints and LoRAs that this person has added.
    pub added: &'a Added,
    /// A part of a picture is drawn over next, and not from noise.
    pub refines: bool,
    /// Why no picture can be made now, in words that are still to be translated.
    pub held_up: Option<&'static str>,
    /// What is asked of the shell; it does so when the panels are drawn.
    pub requests: Vec<Request>,
}

/// What a panel asks of the shell.
pub(in crate::app) enum Request {
    Run(Command),
    /// A file is to be chosen, which is used as it is found to be.
    File(Purpose, Wanted),
    /// The file to decode with is to be chosen.
    Vae,
    /// The model that gives what the chosen one lacks is to be chosen.
    Fallback,
    /// A ControlNet is to be chosen, for the whole picture or for a region.
    ControlNet(Purpose, Option<RegionId>),
    /// A picture is to be chosen that a ControlNet follows; true for the edges in it.
    Followed(Place, bool),
    /// The picture to start from is to be chosen.
    InitImage,
    /// Something is wanted of a finished picture.
    Take(u64, Wish),
    CancelJob(JobId),
    /// A waiting job is to be the next.
    PromoteJob(JobId),
}

impl Desk<'_> {
    /// Asks for a command.
    pub(super) fn perform(&mut self, command: Command) {
        self.requests.push(Request::Run(command));
    }

    /// Takes what a control changed into the document, and the end of the change for the end of its undo step.
    pub(super) fn changed(&mut self, response: &Response, field: Field, edit: impl FnOnce(&mut Document)) {
        if response.changed() {
            self.editor.change_field(field, edit);
        }
        if response.drag_stopped() || response.lost_focus() {
            self.editor.close_step();
        }
    }
}
