//! Dialogs that ask or tell one thing.

use super::{Dialog, Outcome, View, buttons, gallery, main, modal, other, outcome};
use crate::app::kit::theme;
use crate::app::session::examples::Example;
use crate::app::text::i18n::{fill, tr};
use egui::{Context, RichText, Ui};

/// The document has changes; leave it all the same?
pub(in crate::app) struct Unsaved;

/// What is done about changes that are not saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum Changes {
    Save,
    Lose,
}

impl Dialog for Unsaved {
    type Answer = Changes;

    fn show(&mut self, ui: &Ui, view: &View<'_>) -> Outcome<Changes> {
        let title = view.editor.title();
        let (mut answer, mut cancel) = (None, false);
        let close = modal(ui, tr("Save your changes?"), 400.0, |ui| {
            ui.label(fill("{0} has changes that are not saved. They are lost if you don’t save them.", &[&title]));
            buttons(ui, |ui| {
                cancel = other(ui, tr("Cancel"));
                if other(ui, tr("Don’t save")) {
                    answer = Some(Changes::Lose);
                }
                if main(ui, tr("Save"), true) {
                    answer = Some(Changes::Save);
                }
            });
        });
        outcome(answer, close || cancel)
    }
}

/// No more losses are listed than fit a dialog.
const MOST_LOSSES: usize = 8;

/// The file holds more than the document; save over it all the same?
pub(in crate::app) struct SaveOver {
    /// What would be gone.
    pub losses: Vec<String>,
}

/// Where a document goes whose file holds more than it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum SaveTo {
    NewFile,
    SameFile,
}

impl Dialog for SaveOver {
    type Answer = SaveTo;

    fn show(&mut self, ui: &Ui, view: &View<'_>) -> Outcome<SaveTo> {
        let (title, losses) = (view.editor.title(), &self.losses);
        let (mut answer, mut cancel) = (None, false);
        let close = modal(ui, tr("Save over this file?"), 480.0, |ui| {
            ui.label(fill(
                "{0} holds more than Polyptych can save. If it is replaced, this is gone from it:",
                &[&title],
            ));
            ui.scope(|ui| {
                let t = theme::tokens(ui);
                ui.spacing_mut().item_spacing.y = theme::HALF;
                for loss in losses.iter().take(MOST_LOSSES) {
                    ui.horizontal_top(|ui| {
                        ui.label("•");
                        ui.add(egui::Label::new(RichText::new(loss).color(t.text_strong)).wrap());
                    });
                }
                if losses.len() > MOST_LOSSES {
                    ui.label(fill("and {0} more", &[&(losses.len() - MOST_LOSSES)]));
                }
            });
            buttons(ui, |ui| {
                cancel = other(ui, tr("Cancel"));
                if other(ui, tr("Replace it")) {
                    answer = Some(SaveTo::SameFile);
                }
                if main(ui, tr("Save as a new file…"), true) {
                    answer = Some(SaveTo::NewFile);
                }
            });
        });
        outcome(answer, close || cancel)
    }
}

/// Shows the painted examples.
pub(in crate::app) struct Examples(Vec<gallery::Exhibit>);

impl Examples {
    pub(in crate::app) fn new(ctx: &Context) -> Self {
        Self(gallery::exhibits(ctx))
    }
}

impl Dialog for Examples {
    type Answer = Example;

    fn show(&mut self, ui: &Ui, _: &View<'_>) -> Outcome<Example> {
        let Self(exhibits) = self;
        let mut chosen = None;
        let width = gallery::width(exhibits.len());
        let close = modal(ui, tr("Examples"), width, |ui| chosen = gallery::show(ui, exhibits));
        outcome(chosen, close)
    }
}

/// Everything in the window as on the first day?
pub(in crate::app) struct Reset;

impl Dialog for Reset {
    type Answer = ();

    fn show(&mut self, ui: &Ui, _: &View<'_>) -> Outcome<()> {
        let (mut reset, mut cancel) = (false, false);
        let close = modal(ui, tr("Reset the studio?"), 400.0, |ui| {
            ui.label(tr(
                "Theme, language, brushes, panels, sizes and the window become as they were on the first day. \
                         Your documents and the list of recent projects stay.",
            ));
            buttons(ui, |ui| {
                cancel = other(ui, tr("Cancel"));
                reset = main(ui, tr("Reset"), true);
            });
        });
        outcome(reset.then_some(()), close || cancel)
    }
}

/// Tells of the program.
pub(in crate::app) struct About;

impl Dialog for About {
    type Answer = ();

    fn show(&mut self, ui: &Ui, _: &View<'_>) -> Outcome<()> {
        let t = theme::tokens(ui);
        let mut done = false;
        let close = modal(ui, tr("About Polyptych"), 400.0, |ui| {
            ui.label(fill("Version {0}", &[&env!("CARGO_PKG_VERSION")]));
            ui.label(tr("Paint regions, give each its words, and watch one seamless picture grow under them."));
            let notes = tr("MultiDiffusion by Bar-Tal, Yariv, Lipman and Dekel (ICML 2023). MIT or Apache-2.0. \
                        Letters: Inter and Noto Sans SC (SIL Open Font License). Icons: Material Symbols (Apache-2.0).");
            ui.label(RichText::new(notes).size(theme::TEXT_SMALL).color(t.text_weak));
            buttons(ui, |ui| done = main(ui, tr("Close"), true));
        });
        outcome(None, close || done)
    }
}
