//! The question after a crash: what had not been saved is brought back, left for later, or thrown away.

use super::recent::row;
use super::{Dialog, Outcome, View, buttons, modal, other};
use crate::app::kit::{theme, widgets};
use crate::app::session::recovery::Lost;
use crate::app::text::format::{ago, folder};
use crate::app::text::i18n::{fill, tr};
use egui::{Button, ScrollArea, Ui, vec2};
use std::path::PathBuf;

/// Asks about each lost document.
#[derive(Default)]
pub(in crate::app) struct Recover {
    /// The copy that is about to be thrown away, once that has been asked for twice.
    sure: Option<PathBuf>,
}

/// What becomes of a copy.
pub(in crate::app) enum Wish {
    BringBack(PathBuf),
    ThrowAway(PathBuf),
}

impl Dialog for Recover {
    type Answer = Wish;

    fn show(&mut self, ui: &Ui, view: &View<'_>) -> Outcome<Wish> {
        let (mut wish, mut later) = (None, false);
        let close = modal(ui, tr("Bring back your work?"), 560.0, |ui| {
            ui.label(tr("The studio was not closed properly. What had not been saved was kept here:"));
            ScrollArea::vertical().max_height(320.0).auto_shrink([false, true]).show(ui, |ui| {
                for lost in view.lost {
                    let copy = lost.copy().to_path_buf();
                    let sure = self.sure.as_ref() == Some(&copy);
                    let wanted = row(ui, view.shelf, &copy, lost.title(), &whence(lost), |ui| {
                        let t = theme::tokens(ui);
                        let text = theme::strong(tr("Bring back")).color(t.on_accent);
                        let button = widgets::main_button(ui, text, 88.0, 24.0, true);
                        let wanted = button.accessible_name(fill("Bring back {0}", &[&lost.title()])).clicked();
                        let text = if sure { tr("Throw away for good") } else { tr("Throw away") };
                        let button = ui.add(Button::new(text).min_size(vec2(72.0, 24.0)));
                        if button.accessible_name(format!("{text}: {}", lost.title())).clicked() {
                            if sure {
                                wish = Some(Wish::ThrowAway(copy.clone()));
                            } else {
                                self.sure = Some(copy.clone());
                            }
                        }
                        wanted
                    });
                    if wanted {
                        wish = Some(Wish::BringBack(copy));
                    }
                }
            });
            buttons(ui, |ui| {
                later = other(ui, tr("Later"));
            });
        });
        match wish {
            Some(wish @ Wish::ThrowAway(_)) => Outcome::Also(wish),
            Some(wish) => Outcome::Answer(wish),
            None if close || later || view.lost.is_empty() => Outcome::Close,
            None => Outcome::Stay,
        }
    }
}

/// The time at which it was kept, and the file it is a copy of.
fn whence(lost: &Lost) -> String {
    let when = ago(lost.age());
    match lost.project() {
        Some(project) => fill("Kept {0}, in {1}", &[&when, &folder(project)]),
        None => fill("Kept {0}, never saved", &[&when]),
    }
}
