//! Asks for a path where the system has no dialog for it.

use super::{Dialog, Outcome, View, buttons, main, modal, other, outcome};
use crate::app::kit::background::Asked;
use crate::app::kit::{theme, widgets};
use crate::app::session::purpose::{PICTURES, Purpose};
use crate::app::text::errors;
use crate::app::text::i18n::{fill, tr};
use crate::document::Outputs;
use egui::text::{CCursor, CCursorRange};
use egui::{Button, Frame, Key, Label, Margin, RichText, ScrollArea, TextEdit, Ui};
use egui_material_icons::{MaterialIcon, icons};
use std::path::{Path, PathBuf};

/// The path that is typed, and the folder that is shown.
pub(in crate::app) struct AskPath {
    purpose: Purpose,
    typed: String,
    folder: PathBuf,
    entries: Entries,
    /// The path that exists already and would be replaced.
    replace: Option<PathBuf>,
    /// The reason why the path cannot be written.
    refused: Option<String>,
    /// Files that may not be written over.
    reads: Vec<PathBuf>,
    focused: bool,
}

/// The content of the folder that is shown.
enum Entries {
    /// Still to be asked for.
    Unread,
    /// Being read on a thread of its own: a folder may be large, or lie on a slow disk.
    Asked(Asked<Vec<Entry>>),
    Read(Vec<Entry>),
}

struct Entry {
    name: String,
    folder: bool,
}

/// What an entry is, at a glance: a project, a model and a picture are not taken for one another.
fn icon(entry: &Entry) -> MaterialIcon {
    match ending(&entry.name).as_str() {
        _ if entry.folder => icons::ICON_FOLDER,
        "ora" => icons::ICON_LAYERS,
        ending if PICTURES.contains(&ending) => icons::ICON_IMAGE,
        "safetensors" => icons::ICON_DEPLOYED_CODE,
        _ => icons::ICON_DESCRIPTION,
    }
}

/// The ending of a file's name, in small letters; nothing where it has none.
fn ending(name: &str) -> String {
    Path::new(name).extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// The part of a path that is the file's name without its ending.
fn name_in(path: &str) -> CCursorRange {
    let name = path.rfind(std::path::is_separator).map_or(0, |at| at + 1);
    let end = path.rfind('.').filter(|dot| *dot > name).unwrap_or(path.len());
    let [name, end] = [name, end].map(|at| CCursor::new(path[..at].chars().count()));
    CCursorRange::two(name, end)
}

/// Folders, then files of these endings, by name.
fn read(folder: &Path, endings: &[&str]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| {
            let name = e.file_name().into_string().ok().filter(|n| !n.starts_with('.'))?;
            let folder = e.path().is_dir();
            let fits = endings.contains(&ending(&name).as_str());
            (folder || fits).then_some(Entry { name, folder })
        })
        .collect();
    entries.sort_by_key(|e| (!e.folder, e.name.to_lowercase()));
    // No list is read further than anyone would.
    entries.truncate(1000);
    entries
}

impl AskPath {
    /// Begins in this folder, for a file of this name, which may not be one of those that the document reads.
    pub(in crate::app) fn new(purpose: Purpose, folder: PathBuf, name: Option<String>, reads: Vec<PathBuf>) -> Self {
        let typed = name.map(|name| folder.join(name).display().to_string()).unwrap_or_default();
        let entries = Entries::Unread;
        Self { purpose, typed, folder, entries, replace: None, refused: None, reads, focused: false }
    }

    fn go_to(&mut self, folder: PathBuf) {
        (self.folder, self.entries) = (folder, Entries::Unread);
    }

    /// Begins to read the folder, or takes in what has been read.
    fn follow(&mut self, ctx: &egui::Context) {
        self.entries = match std::mem::replace(&mut self.entries, Entries::Unread) {
            Entries::Unread => {
                let (folder, endings) = (self.folder.clone(), self.purpose.endings());
                let asked = Asked::begin(ctx, "folder", move || read(&folder, endings));
                asked.map_or_else(|| Entries::Read(Vec::new()), Entries::Asked)
            }
            Entries::Asked(asked) => match asked.answer() {
                Ok(entries) => Entries::Read(entries),
                Err(Some(asked)) => Entries::Asked(asked),
                Err(None) => Entries::Read(Vec::new()),
            },
            read @ Entries::Read(_) => read,
        };
    }

    /// The reason for which a path cannot be written, if that is asked for.
    fn refusal(&self, path: &Path) -> Option<String> {
        // (To ask a pipe is to wait for its reader.)
        let askable = std::fs::metadata(path).map_or(true, |found| found.is_file() || found.is_dir());
        if !self.purpose.writes() || !askable {
            return None;
        }
        Outputs::reading(&self.reads).add(path).err().map(|error| errors::file_error(&error))
    }

    fn given(&self) -> Option<PathBuf> {
        let typed = self.typed.trim();
        if typed.is_empty() {
            return self.purpose.is_folder().then(|| self.folder.clone());
        }
        let path = PathBuf::from(typed);
        let path = if path.is_absolute() { path } else { self.folder.join(path) };
        // The button chooses the folder that is shown where none is typed.
        Some(self.purpose.with_ending(path))
    }
}

impl Dialog for AskPath {
    type Answer = PathBuf;

    fn show(&mut self, ui: &Ui, _: &View<'_>) -> Outcome<PathBuf> {
        let t = theme::tokens(ui);
        let (mut answer, mut cancel) = (None, false);
        let mut accept = false;
        let mut goes_to = None;
        self.follow(ui);
        let (hint, nothing) = if self.purpose.is_folder() {
            (tr("Path of the folder"), tr("No folders here."))
        } else {
            (tr("Path of the file"), tr("No files here that fit."))
        };
        let close = modal(ui, self.purpose.title(), 480.0, |ui| {
            let edit = TextEdit::singleline(&mut self.typed).hint_text(hint).desired_width(f32::INFINITY);
            let mut output = widgets::text_output(ui, edit.margin(Margin::symmetric(8, 6)));
            let response = output.response.response.accessible_name(tr("Path"));
            if !std::mem::replace(&mut self.focused, true) {
                response.request_focus();
                // What is typed takes the place of the name, and leaves folder and ending.
                output.state.cursor.set_char_range(Some(name_in(&self.typed)));
                output.state.store(ui, response.id);
            }
            if response.changed() {
                (self.replace, self.refused) = (None, None);
            }
            accept = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
            ui.horizontal(|ui| {
                let up = widgets::icon_button(ui, icons::ICON_ARROW_UPWARD, tr("Folder above"));
                if up.clicked() {
                    goes_to = self.folder.parent().map(Path::to_path_buf);
                }
                let folder = RichText::new(self.folder.display().to_string()).color(t.text_weak);
                ui.add(Label::new(folder).truncate().selectable(false));
            });
            Frame::new().fill(t.field).corner_radius(theme::ROUND_SMALL).inner_margin(Margin::same(4)).show(ui, |ui| {
                ScrollArea::vertical().max_height(224.0).min_scrolled_height(224.0).auto_shrink(false).show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = 0.0;
                    let Entries::Read(entries) = &self.entries else { return };
                    if entries.is_empty() {
                        ui.label(RichText::new(nothing).color(t.text_weak));
                    }
                    for entry in entries {
                        let text = format!("{}  {}", icon(entry).codepoint, entry.name);
                        let row = Button::new(text).frame_when_inactive(false).truncate();
                        let response = ui.add(row).accessible_name(&entry.name);
                        if response.clicked() {
                            let path = self.folder.join(&entry.name);
                            if entry.folder {
                                self.typed.clear();
                                goes_to = Some(path);
                            } else {
                                self.typed = path.display().to_string();
                                accept |= response.double_clicked();
                            }
                        }
                    }
                });
            });
            if let Some(path) = &self.replace {
                let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                ui.label(RichText::new(fill("{0} is there already. Replace it?", &[&name])).color(t.warning));
            }
            if let Some(why) = &self.refused {
                ui.label(RichText::new(why).color(t.warning));
            }
            buttons(ui, |ui| {
                cancel = other(ui, tr("Cancel"));
                let verb = if self.replace.is_some() { tr("Replace") } else { self.purpose.verb() };
                accept |= main(ui, verb, self.given().is_some());
            });
        });
        if let Some(folder) = goes_to {
            self.go_to(folder);
        }
        if accept && let Some(path) = self.given() {
            if path.is_dir() && !self.purpose.is_folder() {
                self.typed.clear();
                self.go_to(path);
            } else if let Some(why) = self.refusal(&path) {
                self.refused = Some(why);
            } else if self.purpose.writes() && path.exists() && self.replace.as_ref() != Some(&path) {
                self.replace = Some(path);
            } else {
                answer = Some(path);
            }
        }
        outcome(answer, close || cancel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_files_have_icons_of_their_own() {
        let of = |name: &str, folder| icon(&Entry { name: name.to_owned(), folder }).codepoint;
        let different = [
            of("a.png", false),
            of("a.ora", false),
            of("a.safetensors", false),
            of("a.json", false),
            of("a.png", true),
        ];
        for (at, one) in different.iter().enumerate() {
            assert!(!different[..at].contains(one), "{one} twice");
        }
        assert_eq!(of("A.JPG", false), of("a.png", false));
    }

    #[test]
    fn the_name_is_what_stands_between_folder_and_ending() {
        let of = |path: &'static str| name_in(path).slice_str(path);
        let all = ["/tmp/höhle/See am Abend.ora", "see.ora", "/a.b/see", ".ora", "", "/tmp/"].map(of);
        assert_eq!(all, ["See am Abend", "see", "see", ".ora", "", ""]);
    }

    #[test]
    fn folders_come_first_then_files_that_fit_and_nothing_hidden() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["b.png", "A.PNG", "notes.txt", ".hidden.png"] {
            std::fs::write(folder.path().join(name), "").expect("written");
        }
        std::fs::create_dir(folder.path().join("older")).expect("made");
        let names = |entries: Vec<Entry>| entries.into_iter().map(|entry| entry.name).collect::<Vec<_>>();
        assert_eq!(names(read(folder.path(), &["png"])), ["older", "A.PNG", "b.png"]);
        assert!(read(&folder.path().join("gone"), &["png"]).is_empty());
    }
}
