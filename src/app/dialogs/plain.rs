//! Dialogs that ask or tell one thing.

use super::{Dialog, Next, buttons, main, modal, other};
use crate::app::dialogs::gallery;
use crate::app::kit::theme;
use crate::app::session::close::Leave;
use crate::app::text::i18n::{fill, tr};
use egui::{RichText, Ui};

pub(super) fn unsaved(ui: &Ui, title: &str, leave: Leave) -> Next {
    let mut next = None;
    let close = modal(ui, tr("Save your changes?"), 400.0, |ui| {
        ui.label(fill("{0} has changes that are not saved. They are lost if you don’t save them.", &[&title]));
        buttons(ui, |ui| {
            if main(ui, tr("Save"), true) {
                next = Some(Next::SaveThen(leave.clone()));
            }
            if other(ui, tr("Don’t save")) {
                next = Some(Next::LeaveNow(leave.clone()));
            }
            if other(ui, tr("Cancel")) {
                next = Some(Next::Close);
            }
        });
    });
    next.unwrap_or(if close { Next::Close } else { Next::Stay(Dialog::Unsaved(leave)) })
}

/// Asks before a file is replaced that holds what the document does not.
pub(super) fn save_over(ui: &Ui, title: &str, losses: Vec<String>, after: Option<Leave>) -> Next {
    let mut next = None;
    let close = modal(ui, tr("Save over this file?"), 480.0, |ui| {
        ui.label(fill("{0} holds more than Polyptych can save. If it is replaced, this is gone from it:", &[&title]));
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
            if main(ui, tr("Save as a new file…"), true) {
                next = Some(Next::SaveAs(after.clone()));
            }
            if other(ui, tr("Replace it")) {
                next = Some(Next::SaveOver(after.clone()));
            }
            if other(ui, tr("Cancel")) {
                next = Some(Next::Close);
            }
        });
    });
    next.unwrap_or(if close { Next::Close } else { Next::Stay(Dialog::SaveOver { losses, after }) })
}

/// No more losses are listed than fit a dialog.
const MOST_LOSSES: usize = 8;

pub(super) fn examples(ui: &Ui, exhibits: Vec<gallery::Exhibit>) -> Next {
    let mut chosen = None;
    let close = modal(ui, tr("Examples"), gallery::width(exhibits.len()), |ui| chosen = gallery::show(ui, &exhibits));
    match chosen {
        Some(example) => Next::Leave(Leave::Example(example)),
        None if close => Next::Close,
        None => Next::Stay(Dialog::Examples(exhibits)),
    }
}

pub(super) fn about(ui: &Ui) -> Next {
    let t = theme::tokens(ui);
    let close = modal(ui, tr("About Polyptych"), 400.0, |ui| {
        ui.label(fill("Version {0}", &[&env!("CARGO_PKG_VERSION")]));
        ui.label(tr("Paint regions, give each its words, and watch one seamless picture grow under them."));
        let notes = tr("MultiDiffusion by Bar-Tal, Yariv, Lipman and Dekel (ICML 2023). MIT or Apache-2.0. \
                        Letters: Inter and Noto Sans SC (SIL Open Font License). Icons: Material Symbols (Apache-2.0).");
        ui.label(RichText::new(notes).size(theme::TEXT_SMALL).color(t.text_weak));
        let mut done = false;
        buttons(ui, |ui| done = main(ui, tr("Close"), true));
        if done {
            ui.close();
        }
    });
    if close { Next::Close } else { Next::Stay(Dialog::About) }
}
