//! The question after a crash: what had not been saved is brought back, left for later, or thrown away, which can be undone until
//! the question is closed.

use super::recent::row;
use super::{Dialog, Outcome, View, buttons, modal, other};
use crate::app::kit::{theme, widgets};
use crate::app::session::recovery::Lost;
use crate::app::text::format::{ago, folder};
use crate::app::text::i18n::{fill, tr};
use egui::{Button, ScrollArea, Ui, vec2};
use std::path::PathBuf;

/// Asks about each lost document.
pub(in crate::app) struct Recover;

/// What becomes of a copy.
pub(in crate::app) enum Wish {
    BringBack(PathBuf),
    /// It goes when the question is closed, or no longer.
    ThrowAway(PathBuf, bool),
    /// The question is closed: what is left is offered again.
    Later,
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
                    let thrown = lost.is_thrown();
                    let line = if thrown { tr("Thrown away").to_owned() } else { whence(lost) };
                    let wanted = row(ui, view.shelf, &copy, lost.title(), &line, |ui| {
                        let t = theme::tokens(ui);
                        if thrown {
                            let undo = ui.add(Button::new(tr("Undo")).min_size(vec2(88.0, 24.0)));
                            if undo.accessible_name(fill("Undo: {0}", &[&lost.title()])).clicked() {
                                wish = Some(Wish::ThrowAway(copy.clone(), false));
                            }
                            return false;
                        }
                        let text = theme::strong(tr("Bring back")).color(t.on_accent);
                        let button = widgets::main_button(ui, text, 88.0, 24.0, true);
                        let wanted = button.accessible_name(fill("Bring back {0}", &[&lost.title()])).clicked();
                        // Far enough that a slip of the hand does not reach it.
                        ui.add_space(32.0);
                        let button = ui.add(Button::new(tr("Throw away")).min_size(vec2(72.0, 24.0)));
                        if button.accessible_name(fill("Throw away: {0}", &[&lost.title()])).clicked() {
                            wish = Some(Wish::ThrowAway(copy.clone(), true));
                        }
                        wanted
                    });
                    if wanted {
                        wish = Some(Wish::BringBack(copy));
                    }
                }
            });
            buttons(ui, |ui| {
                let none_left = view.lost.iter().all(Lost::is_thrown);
                later = other(ui, if none_left { tr("Close") } else { tr("Later") });
            });
        });
        match wish {
            Some(wish @ Wish::ThrowAway(..)) => Outcome::Also(wish),
            Some(wish) => Outcome::Answer(wish),
            None if close || later || view.lost.is_empty() => Outcome::Answer(Wish::Later),
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
