//! Projects of late and what a crash left: their small pictures, the page of recent projects, the question after a crash.

use crate::app::App;
use crate::app::command::Command;
use crate::app::dialogs::{Dialog, Next, buttons, main, modal, other};
use crate::app::kit::{theme, widgets};
use crate::app::session::close::Leave;
use crate::app::session::recovery::Lost;
use crate::app::text::i18n::{fill, tr};
use egui::{
    Align, Button, ColorImage, Label, Layout, Margin, Rect, RichText, ScrollArea, TextureHandle, TextureOptions, Ui,
    vec2,
};
use egui_material_icons::icons;
use image::RgbImage;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The most recent projects that are remembered.
const MOST: usize = 12;
/// Room for a small picture.
const PICTURE: egui::Vec2 = vec2(96.0, 54.0);

/// The findings about a file.
pub(in crate::app) struct Seen {
    pub path: PathBuf,
    pub there: bool,
    pub picture: Option<RgbImage>,
}

/// Looks at files; slow disks make this slow, so it runs on a thread of its own.
pub(in crate::app) fn look_at(paths: Vec<PathBuf>) -> Vec<Seen> {
    let look = |path: PathBuf| {
        let there = path.is_file();
        let picture = crate::document::Document::thumbnail(&path).ok().filter(|_| there);
        Seen { path, there, picture }
    };
    paths.into_iter().map(look).collect()
}

/// The findings about the files on show.
#[derive(Default)]
pub(in crate::app) struct Shelf {
    seen: HashMap<PathBuf, (bool, Option<TextureHandle>)>,
}

impl Shelf {
    pub(in crate::app) fn take_in(&mut self, ctx: &egui::Context, seen: Vec<Seen>) {
        for Seen { path, there, picture } in seen {
            let texture = picture.map(|image| {
                let size = [image.width() as usize, image.height() as usize];
                ctx.load_texture("recent", ColorImage::from_rgb(size, image.as_raw()), TextureOptions::LINEAR)
            });
            self.seen.insert(path, (there, texture));
        }
    }

    /// False where the file is known to be gone.
    pub(in crate::app) fn is_there(&self, path: &Path) -> bool {
        self.seen.get(path).is_none_or(|(there, _)| *there)
    }

    /// Draws the small picture of a file.
    fn picture(&self, ui: &mut Ui, path: &Path) {
        let t = theme::tokens(ui);
        let (frame, _) = ui.allocate_exact_size(PICTURE, egui::Sense::hover());
        ui.painter().rect_filled(frame, theme::ROUND_SMALL, t.desk);
        if let Some((_, Some(texture))) = self.seen.get(path) {
            let size = texture.size_vec2();
            let size = size * (PICTURE / size).min_elem();
            let place = Rect::from_center_size(frame.center(), size);
            egui::Image::from_texture((texture.id(), size)).corner_radius(theme::ROUND_SMALL).paint_at(ui, place);
        }
    }
}

/// The copy that is about to be thrown away, once that has been asked for twice.
#[derive(Default)]
pub(in crate::app) struct RecoverForm {
    sure: Option<PathBuf>,
}

impl App {
    /// Puts a project first in the list of recent ones.
    pub(in crate::app) fn remember_project(&mut self, path: &Path) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        self.prefs.recent.retain(|p| *p != path);
        self.prefs.recent.insert(0, path.clone());
        self.prefs.recent.truncate(MOST);
        self.files.look_at(vec![path]);
    }

    /// Looks at all files on the shelf anew.
    pub(in crate::app) fn look_at_shelf(&mut self) {
        let lost = self.recovery.lost.iter().map(|lost| lost.copy().to_path_buf());
        let paths: Vec<PathBuf> = self.prefs.recent.iter().cloned().chain(lost).collect();
        if !paths.is_empty() {
            self.files.look_at(paths);
        }
    }

    /// The menu of recent projects; returns the one that was chosen.
    pub(in crate::app) fn recent_menu(&self, ui: &mut Ui) -> Option<PathBuf> {
        let mut chosen = None;
        ui.add_enabled_ui(!self.prefs.recent.is_empty(), |ui| {
            ui.menu_button(tr("Open recent"), |ui| {
                ui.set_min_width(224.0);
                for path in &self.prefs.recent {
                    let there = self.shelf.is_there(path);
                    let response = ui.add_enabled(there, Button::new(name(path)));
                    let told = path.display().to_string();
                    if response.on_hover_text(&told).on_disabled_hover_text(told).clicked() {
                        chosen = Some(path.clone());
                    }
                }
            });
        });
        chosen
    }

    pub(in crate::app) fn recent_dialog(&mut self, ui: &Ui) -> Next {
        let (mut next, mut removed) = (None, None);
        let close = modal(ui, tr("Recent projects"), 560.0, |ui| {
            if self.prefs.recent.is_empty() {
                let text = tr("What you open or save is listed here.");
                ui.label(RichText::new(text).color(theme::tokens(ui).text_weak));
            }
            ScrollArea::vertical().max_height(400.0).auto_shrink([false, true]).show(ui, |ui| {
                for path in &self.prefs.recent {
                    let there = self.shelf.is_there(path);
                    let line = if there { folder(path) } else { tr("This file is no longer there.").to_owned() };
                    let row = row(ui, &self.shelf, path, &name(path), &line, |ui| {
                        let remove = widgets::icon_button(ui, icons::ICON_CLOSE, &fill("Remove {0}", &[&name(path)]));
                        if remove.on_hover_text(tr("Take it off this list. The file stays")).clicked() {
                            removed = Some(path.clone());
                        }
                        let button = Button::new(tr("Open")).min_size(vec2(72.0, 24.0));
                        let response = ui.add_enabled(there, button);
                        response.accessible_name(fill("Open {0}", &[&name(path)])).clicked()
                    });
                    if row {
                        next = Some(Next::Leave(Leave::OpenPath(path.clone())));
                    }
                }
            });
            buttons(ui, |ui| {
                if main(ui, tr("Close"), true) {
                    next = Some(Next::Close);
                }
                for command in [Command::Examples, Command::Open, Command::New] {
                    if other(ui, command.label()) {
                        next = Some(Next::Run(command));
                    }
                }
            });
        });
        if let Some(path) = removed {
            self.prefs.recent.retain(|p| *p != path);
        }
        next.unwrap_or(if close { Next::Close } else { Next::Stay(Dialog::Recent) })
    }

    pub(in crate::app) fn recover_dialog(&mut self, ui: &Ui, mut form: RecoverForm) -> Next {
        let (mut next, mut thrown) = (None, None);
        let close = modal(ui, tr("Bring back your work?"), 560.0, |ui| {
            ui.label(tr("The studio was not closed properly. What had not been saved was kept here:"));
            ScrollArea::vertical().max_height(320.0).auto_shrink([false, true]).show(ui, |ui| {
                for lost in &self.recovery.lost {
                    let copy = lost.copy().to_path_buf();
                    let sure = form.sure.as_ref() == Some(&copy);
                    let wanted = row(ui, &self.shelf, &copy, lost.title(), &whence(lost), |ui| {
                        let t = theme::tokens(ui);
                        let text = theme::strong(tr("Bring back")).color(t.on_accent);
                        let button = widgets::main_button(ui, text, 88.0, 24.0, true);
                        let wanted = button.accessible_name(fill("Bring back {0}", &[&lost.title()])).clicked();
                        let text = if sure { tr("Throw away for good") } else { tr("Throw away") };
                        let button = ui.add(Button::new(text).min_size(vec2(72.0, 24.0)));
                        if button.accessible_name(format!("{text}: {}", lost.title())).clicked() {
                            if sure {
                                thrown = Some(copy.clone());
                            } else {
                                form.sure = Some(copy.clone());
                            }
                        }
                        wanted
                    });
                    if wanted {
                        next = Some(Next::Leave(Leave::Recover(copy)));
                    }
                }
            });
            buttons(ui, |ui| {
                if other(ui, tr("Later")) {
                    next = Some(Next::Close);
                }
            });
        });
        if let Some(copy) = thrown {
            self.recovery.throw_away(&copy);
        }
        match next {
            Some(next) => next,
            None if close || self.recovery.lost.is_empty() => Next::Close,
            None => Next::Stay(Dialog::Recover(form)),
        }
    }
}

/// A file with its small picture, a line about it, and its buttons from the right.
fn row(ui: &mut Ui, shelf: &Shelf, path: &Path, name: &str, line: &str, add: impl FnOnce(&mut Ui) -> bool) -> bool {
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

fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn folder(path: &Path) -> String {
    path.parent().map(|folder| folder.display().to_string()).unwrap_or_default()
}

/// The time at which it was kept, and the file it is a copy of.
fn whence(lost: &Lost) -> String {
    let when = ago(lost.age());
    match lost.project() {
        Some(project) => fill("Kept {0}, in {1}", &[&when, &folder(project)]),
        None => fill("Kept {0}, never saved", &[&when]),
    }
}

/// A span of time, as people say it.
fn ago(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    match minutes {
        0 => tr("less than a minute ago").to_owned(),
        1 => tr("a minute ago").to_owned(),
        2..120 => fill("{0} minutes ago", &[&minutes]),
        120..2880 => fill("{0} hours ago", &[&(minutes / 60)]),
        _ => fill("{0} days ago", &[&(minutes / 1440)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        let said = |seconds| ago(Duration::from_secs(seconds));
        assert_eq!(said(59), "less than a minute ago");
        assert_eq!(said(61), "a minute ago");
        assert_eq!(said(3600), "60 minutes ago");
        assert_eq!(said(3 * 3600), "3 hours ago");
        assert_eq!(said(3 * 86400), "3 days ago");
    }
}
