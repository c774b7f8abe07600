//! Questions: each a modal over the window, answered by mouse or keys, closed by Escape. A dialog knows what it asks and nothing of what
//! follows; who opens it says what is done about the answer (`shell::questions`).

pub(super) mod board;
pub(super) mod canvas_size;
pub(super) mod colour_map;
pub(super) mod enlarge;
pub(super) mod export;
pub(super) mod gallery;
pub(super) mod library;
pub(super) mod outpaint;
pub(super) mod palette;
pub(super) mod path;
pub(super) mod place;
pub(super) mod plain;
pub(super) mod preferences;
pub(super) mod recent;
pub(super) mod recover;
pub(super) mod reshape;
pub(super) mod shortcuts;

use crate::app::command::Command;
use crate::app::editor::Editor;
use crate::app::generation::takes::Takes;
use crate::app::kit::modal::{buttons, main, modal, other};
use crate::app::session::fetching::Fetching;
use crate::app::session::models::Added;
use crate::app::session::recent::Shelf;
use crate::app::session::recovery::Lost;
use crate::app::tools::PressureCurve;
use egui::Ui;
use std::path::{Path, PathBuf};

/// What dialogs may look at while they are open.
pub(in crate::app) struct View<'a> {
    pub editor: &'a Editor,
    /// The finished pictures.
    pub takes: &'a Takes,
    /// The number of the one that is shown.
    pub shown: Option<u64>,
    /// True for commands that can be done now.
    pub is_enabled: &'a dyn Fn(Command) -> bool,
    /// True for a choice that is the one in use, and for a switch that is on.
    pub is_on: &'a dyn Fn(Command) -> bool,
    /// The recent projects, the last one first.
    pub recent: &'a [PathBuf],
    /// What a crash left behind.
    pub lost: &'a [Lost],
    /// The small pictures of both.
    pub shelf: &'a Shelf,
    /// The models that are listed.
    pub models: &'a Added,
    /// The model that is being fetched.
    pub fetching: Option<&'a Fetching>,
    /// The folder that models are fetched into, where it is not this program's own.
    pub fetch_into: Option<&'a Path>,
    /// The size of the interface, in percent.
    pub size: u16,
    /// What a pen's pressure goes through.
    pub pressure: PressureCurve,
}

/// The fate of a dialog after a frame.
pub(in crate::app) enum Outcome<T> {
    /// It stays open.
    Stay,
    /// It is closed without an answer.
    Close,
    /// It is answered, and closed.
    Answer(T),
    /// It is answered, and stays open.
    Also(T),
}

/// A question over the window.
pub(in crate::app) trait Dialog: 'static {
    /// What a person can answer.
    type Answer;

    /// Draws it, and says what becomes of it.
    fn show(&mut self, ui: &Ui, view: &View<'_>) -> Outcome<Self::Answer>;

    /// True where files that are dropped on the window meanwhile are taken.
    fn takes_drops(&self) -> bool {
        false
    }
}

/// The outcome of a frame in which this was answered, or the dialog was closed.
fn outcome<T>(answer: Option<T>, closed: bool) -> Outcome<T> {
    match answer {
        Some(answer) => Outcome::Answer(answer),
        None if closed => Outcome::Close,
        None => Outcome::Stay,
    }
}
