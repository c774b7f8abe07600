//! Questions: each a modal over the window, answered by mouse or keys, closed by Escape.

mod canvas_size;
pub(super) mod colour_map;
pub(super) mod gallery;
pub(super) mod outpaint;
mod palette;
mod path;
pub(super) mod place;
mod plain;
pub(super) mod reshape;
mod shortcuts;

pub(in crate::app) use crate::app::kit::modal::{buttons, main, modal, other};

use crate::app::App;
use crate::app::command::Command;
use crate::app::panels::library;
use crate::app::session::close::Leave;
use crate::app::session::files::Purpose;
use crate::app::session::recent;
use crate::document::Document;
use canvas_size::SizeForm;
use egui::Ui;
use palette::PaletteForm;
use path::PathForm;
use std::path::PathBuf;

/// The question on show.
pub(in crate::app) enum Dialog {
    /// The document has changes; leave it all the same?
    Unsaved(Leave),
    /// The file holds more than the document; save over it all the same?
    SaveOver {
        losses: Vec<String>,
        after: Option<Leave>,
    },
    Path(PathForm),
    NewCanvas(SizeForm),
    CanvasSize(SizeForm),
    Palette(PaletteForm),
    Examples(Vec<gallery::Exhibit>),
    Shortcuts,
    About,
    Export,
    Place(place::PlaceForm),
    ColourMap(colour_map::MapForm),
    Recent,
    Library(library::LibraryForm),
    Recover(recent::RecoverForm),
    Reset,
    Reshape(reshape::ReshapeForm),
}

/// The fate of a dialog after a frame.
pub(in crate::app) enum Next {
    Stay(Dialog),
    Close,
    Run(Command),
    Leave(Leave),
    SaveThen(Leave),
    SaveOver(Option<Leave>),
    SaveAs(Option<Leave>),
    LeaveNow(Leave),
    /// Something that the whole studio does.
    Then(fn(&mut App, &egui::Context)),
    Resize {
        width: u32,
        height: u32,
        fit: outpaint::Fit,
        anchor: outpaint::Anchor,
    },
    Path {
        purpose: Purpose,
        path: PathBuf,
        after: Option<Leave>,
    },
    Reshape(reshape::ReshapeForm),
}

impl Dialog {
    pub(in crate::app) fn new_canvas(document: &Document) -> Self {
        Self::NewCanvas(SizeForm::of(document))
    }

    pub(in crate::app) fn canvas_size(document: &Document) -> Self {
        Self::CanvasSize(SizeForm::of(document))
    }

    pub(in crate::app) fn examples(ctx: &egui::Context) -> Self {
        Self::Examples(gallery::exhibits(ctx))
    }

    pub(in crate::app) fn palette() -> Self {
        Self::Palette(PaletteForm::default())
    }
}

impl App {
    pub(in crate::app) fn dialog_ui(&mut self, ui: &Ui) {
        let Some(dialog) = self.dialog.take() else { return };
        let next = match dialog {
            Dialog::Unsaved(leave) => plain::unsaved(ui, self.editor.title(), leave),
            Dialog::SaveOver { losses, after } => plain::save_over(ui, self.editor.title(), losses, after),
            Dialog::Path(form) => path::ask(ui, form),
            Dialog::NewCanvas(form) => canvas_size::new_canvas(ui, form),
            Dialog::CanvasSize(form) => canvas_size::canvas_size(ui, form, self.editor.document()),
            Dialog::Palette(form) => self.palette(ui, form),
            Dialog::Examples(exhibits) => plain::examples(ui, exhibits),
            Dialog::Shortcuts => shortcuts::show(ui),
            Dialog::About => plain::about(ui),
            Dialog::Export => self.export_dialog(ui),
            Dialog::Place(form) => self.place_dialog(ui, form),
            Dialog::ColourMap(form) => self.map_dialog(ui, form),
            Dialog::Recent => self.recent_dialog(ui),
            Dialog::Library(form) => self.library_dialog(ui, form),
            Dialog::Recover(form) => self.recover_dialog(ui, form),
            Dialog::Reset => Self::reset_dialog(ui),
            Dialog::Reshape(form) => reshape::ask(ui, form),
        };
        match next {
            Next::Stay(dialog) => self.dialog = Some(dialog),
            Next::Close => self.reopen_library(),
            Next::Run(command) => self.perform(ui, command),
            Next::Leave(leave) => self.leave(ui, leave),
            Next::LeaveNow(leave) => self.leave_now(ui, leave),
            Next::SaveThen(leave) => self.save(Some(leave)),
            Next::SaveOver(after) => self.save_over(after),
            Next::SaveAs(after) => self.save_as(after),
            Next::Resize { width, height, fit, anchor } => self.change_canvas((width, height), fit, anchor),
            Next::Path { purpose, path, after } => self.path_given(ui, purpose, path, after),
            Next::Then(change) => change(self, ui),
            Next::Reshape(form) => self.reshape(&form),
        }
    }
}
