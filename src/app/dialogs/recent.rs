//! The page of recent projects.

use super::{Dialog, Outcome, View, buttons, main, modal, other};
use crate::app::command::Command;
use crate::app::kit::{theme, widgets};
use crate::app::session::recent::Shelf;
use crate::app::text::format::{file_name, folder};
use crate::app::text::i18n::{fill, tr};
use egui::{Align, Button, Label, Layout, Margin, RichText, ScrollArea, Ui, vec2};
use egui_material_icons::icons;
use std::path::{Path, PathBuf};

/// Shows the recent projects.
pub(in crate::app) struct Recent;

/// The wishes of a person who looks at them.
pub(in crate::app) enum Wish {
    Open(PathBuf),
    /// The file stays; it is no longer listed.
    Unlist(PathBuf),
    Run(Command),
}

impl Dialog for Recent {
    type Answer = Wish;

    fn show(&mut self, ui: &Ui, view: &View<'_>) -> Outcome<Wish> {
        let (mut wish, mut done) = (None, false);
        let close = modal(ui, tr("Recent projects"), 560.0, |ui| {
            if view.recent.is_empty() {
                let text = tr("What you open or save is listed here.");
                ui.label(RichText::new(text).color(theme::tokens(ui).text_weak));
            }
            ScrollArea::vertical().max_height(400.0).auto_shrink([false, true]).show(ui, |ui| {
                for path in view.recent {
                    let there = view.shelf.is_there(path);
                    let line = if there { folder(path) } else { tr("This file is no longer there.").to_owned() };
                    let row = row(ui, view.shelf, path, &file_name(path), &line, |ui| {
                        let remove =
                            widgets::icon_button(ui, icons::ICON_CLOSE, &fill("Remove {0}", &[&file_name(path)]));
                        if remove.on_hover_text(tr("Take it off this list. The file stays")).clicked() {
                            wish = Some(Wish::Unlist(path.clone()));
                        }
                        let button = Button::new(tr("Open")).min_size(vec2(72.0, 24.0));
                        let response = ui.add_enabled(there, button);
                        response.accessible_name(fill("Open {0}", &[&file_name(path)])).clicked()
                    });
                    if row {
                        wish = Some(Wish::Open(path.clone()));
                    }
                }
            });
            buttons(ui, |ui| {
                for command in [Command::New, Command::Open, Command::Examples] {
                    if other(ui, command.label()) {
                        wish = Some(Wish::Run(command));
                    }
                }
                done = main(ui, tr("Close"), true);
            });
        });
        match wish {
            Some(wish @ Wish::Unlist(_)) => Outcome::Also(wish),
            Some(wish) => Outcome::Answer(wish),
            None if close || done => Outcome::Close,
            None => Outcome::Stay,
        }
    }
}

/// A file with its small picture, a line about it, and its buttons from the right.
pub(super) fn row(
    ui: &mut Ui,
    shelf: &Shelf,
    path: &Path,
    name: &str,
    line: &str,
    add: impl FnOnce(&mut Ui) -> bool,
) -> bool {
    let t = theme::tokens(ui);
    let frame = egui::Frame::new().fill(t.card).corner_radius(theme::ROUND).inner_margin(Margin::same(8));
    let inner = frame.show(ui, |ui| {
        ui.horizontal(|ui| {
            shelf.picture(ui, path);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = theme::HALF;
                ui.visuals_mut().widgets.inactive.weak_bg_fill = t.field;
                let clicked = add(ui);
                ui.add_space(theme::HALF);
                ui.with_layout(Layout::top_down(Align::LEFT), |ui| {
                    ui.add_space(8.0);
                    ui.spacing_mut().item_spacing.y = 2.0;
                    ui.add(Label::new(theme::strong(name).color(t.text_strong)).truncate().selectable(false));
                    let line = RichText::new(line).size(theme::TEXT_SMALL).color(t.text_weak);
                    ui.add(Label::new(line).truncate().selectable(false)).on_hover_text(path.display().to_string());
                });
                clicked
            })
            .inner
        })
        .inner
    });
    inner.inner
}
