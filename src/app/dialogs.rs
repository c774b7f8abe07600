//! Questions: each a modal over the window, answered by mouse or keys, closed by Escape.

use super::commands::Command;
use super::files::Purpose;
use super::perform::Leave;
use super::texts::{fill, tr};
use super::{App, drops, gallery, outpaint, reshape, shelf, theme, widgets};
use crate::document::{Document, MAX_SIDE, MIN_SIDE, check_canvas};
use egui::{
    Align, Button, DragValue, Frame, Id, Key, Label, Layout, Margin, Modal, RichText, ScrollArea, TextEdit, Ui,
};
use egui_extras::{Column, TableBuilder};
use egui_material_icons::icons;
use std::path::{Path, PathBuf};

/// The question on show.
pub enum Dialog {
    /// The document has changes; leave it all the same?
    Unsaved(Leave),
    Path(PathForm),
    NewCanvas(SizeForm),
    CanvasSize(SizeForm),
    Palette(PaletteForm),
    Examples(Vec<gallery::Exhibit>),
    Shortcuts,
    About,
    Export,
    Place(drops::PlaceForm),
    Recent,
    Recover(shelf::RecoverForm),
    Reset,
    Reshape(reshape::ReshapeForm),
}

/// Asks for a path where the system cannot.
pub struct PathForm {
    purpose: Purpose,
    /// What follows once the document is saved.
    after: Option<Leave>,
    typed: String,
    folder: PathBuf,
    entries: Vec<Entry>,
    /// The path that exists already and would be replaced.
    replace: Option<PathBuf>,
    focused: bool,
}

struct Entry {
    name: String,
    folder: bool,
}

/// Width and height of a canvas.
pub struct SizeForm {
    width: u32,
    height: u32,
    fit: outpaint::Fit,
    anchor: outpaint::Anchor,
}

/// Finds a command by its name.
#[derive(Default)]
pub struct PaletteForm {
    typed: String,
    chosen: usize,
    focused: bool,
}

/// What becomes of a dialog after a frame.
pub enum Next {
    Stay(Dialog),
    Close,
    Run(Command),
    Leave(Leave),
    SaveThen(Leave),
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
    pub fn new_canvas(document: &Document) -> Self {
        Self::NewCanvas(SizeForm::of(document))
    }

    pub fn canvas_size(document: &Document) -> Self {
        Self::CanvasSize(SizeForm::of(document))
    }

    pub fn examples(ctx: &egui::Context) -> Self {
        Self::Examples(gallery::exhibits(ctx))
    }

    pub fn palette() -> Self {
        Self::Palette(PaletteForm::default())
    }
}

impl App {
    /// Shows the studio's own dialog for a path.
    pub(super) fn open_path_dialog(&mut self, purpose: Purpose) {
        self.dialog = Some(Dialog::Path(self.path_form(purpose, None)));
    }

    pub(super) fn path_form(&self, purpose: Purpose, after: Option<Leave>) -> PathForm {
        let folder = self.folder();
        let names = purpose.writes();
        let name = if names { self.suggested_name(purpose) } else { String::new() };
        let typed = if name.is_empty() { String::new() } else { folder.join(name).display().to_string() };
        let mut form = PathForm {
            purpose,
            after,
            typed,
            folder: PathBuf::new(),
            entries: Vec::new(),
            replace: None,
            focused: false,
        };
        form.go_to(folder);
        form
    }

    pub(super) fn dialog_ui(&mut self, ui: &Ui) {
        let Some(dialog) = self.dialog.take() else { return };
        let next = match dialog {
            Dialog::Unsaved(leave) => unsaved(ui, self.editor.title(), leave),
            Dialog::Path(form) => path(ui, form),
            Dialog::NewCanvas(form) => new_canvas(ui, form),
            Dialog::CanvasSize(form) => canvas_size(ui, form, self.editor.document()),
            Dialog::Palette(form) => self.palette(ui, form),
            Dialog::Examples(exhibits) => examples(ui, exhibits),
            Dialog::Shortcuts => shortcuts(ui),
            Dialog::About => about(ui),
            Dialog::Export => self.export_dialog(ui),
            Dialog::Place(form) => self.place_dialog(ui, form),
            Dialog::Recent => self.recent_dialog(ui),
            Dialog::Recover(form) => self.recover_dialog(ui, form),
            Dialog::Reset => Self::reset_dialog(ui),
            Dialog::Reshape(form) => reshape::ask(ui, form),
        };
        match next {
            Next::Stay(dialog) => self.dialog = Some(dialog),
            Next::Close => {}
            Next::Run(command) => self.perform(ui, command),
            Next::Leave(leave) => self.leave(ui, leave),
            Next::LeaveNow(leave) => self.leave_now(ui, leave),
            Next::SaveThen(leave) => self.save(Some(leave)),
            Next::Resize { width, height, fit, anchor } => self.change_canvas((width, height), fit, anchor),
            Next::Path { purpose, path, after } => self.path_given(ui, purpose, path, after),
            Next::Then(change) => change(self, ui),
            Next::Reshape(form) => self.reshape(&form),
        }
    }

    fn palette(&self, ui: &Ui, mut form: PaletteForm) -> Next {
        let t = theme::tokens(ui);
        let mut run = None;
        let up = ui.input_mut(|i| i.consume_key(egui::Modifiers::NONE, Key::ArrowUp));
        let down = ui.input_mut(|i| i.consume_key(egui::Modifiers::NONE, Key::ArrowDown));
        let enter = ui.input(|i| i.key_pressed(Key::Enter));
        let close = modal(ui, tr("Find a command"), 420.0, |ui| {
            let edit = TextEdit::singleline(&mut form.typed)
                .hint_text(tr("What do you want to do?"))
                .desired_width(f32::INFINITY);
            let response =
                widgets::text(ui, edit.margin(Margin::symmetric(8, 6))).accessible_name(tr("Find a command"));
            if !std::mem::replace(&mut form.focused, true) {
                response.request_focus();
            }
            if response.changed() {
                form.chosen = 0;
            }
            let found = found(&form.typed);
            let last = found.len().saturating_sub(1);
            if down {
                form.chosen = (form.chosen + 1).min(last);
            }
            if up {
                form.chosen = form.chosen.saturating_sub(1);
            }
            form.chosen = form.chosen.min(last);
            ScrollArea::vertical().max_height(320.0).auto_shrink([false, true]).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                if found.is_empty() {
                    ui.label(RichText::new(tr("Nothing of that name.")).color(t.text_weak));
                }
                for (i, command) in found.iter().enumerate() {
                    let button = Button::new(command.full_label())
                        .shortcut_text(command.keys_text(ui))
                        .selected(i == form.chosen)
                        .frame_when_inactive(i == form.chosen)
                        .min_size(egui::vec2(ui.available_width(), theme::ROW));
                    let response = ui.add_enabled(self.is_enabled(*command), button).on_hover_text(command.hint());
                    if response.clicked() {
                        run = Some(*command);
                    }
                    if i == form.chosen && (up || down) {
                        response.scroll_to_me(None);
                    }
                }
            });
            if enter {
                run = found.get(form.chosen).copied();
            }
        });
        match run {
            Some(command) => Next::Run(command),
            None if close => Next::Close,
            None => Next::Stay(Dialog::Palette(form)),
        }
    }
}

/// The commands that hold every typed word; those whose name does come first.
fn found(typed: &str) -> Vec<Command> {
    let typed = typed.to_lowercase();
    let all = |text: String| {
        let text = text.to_lowercase();
        typed.split_whitespace().all(|word| text.contains(word))
    };
    let mut found: Vec<Command> = Command::ALL
        .iter()
        .copied()
        .filter(|c| *c != Command::Palette)
        .filter(|c| all(format!("{} {}", c.full_label(), c.hint())))
        .collect();
    // Whole words of the name before parts of words, and those before words of the hint.
    let whole = |text: String| {
        let text = text.to_lowercase();
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
        typed.split_whitespace().all(|word| words.contains(&word))
    };
    found.sort_by_key(|c| (!whole(c.full_label()), !all(c.full_label())));
    found
}

/// A modal; true where it is to be closed.
pub(super) fn modal(ui: &Ui, title: &str, width: f32, add: impl FnOnce(&mut Ui)) -> bool {
    let t = theme::tokens(ui);
    let frame = Frame::popup(ui.style()).fill(t.panel).inner_margin(Margin::same(16)).corner_radius(8);
    let area = Modal::default_area(Id::unique(("dialog", title))).accessible_name(title);
    Modal::new(Id::unique(("dialog", title)))
        .area(area)
        .frame(frame)
        .backdrop_color(t.shade)
        .show(ui, |ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing.y = theme::GRID;
            ui.add(Label::new(theme::strong(title).color(t.text_strong)).selectable(false));
            add(ui);
        })
        .should_close()
}

/// The buttons of a dialog, at the right, the main one last.
pub(super) fn buttons(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.add_space(theme::HALF);
    ui.allocate_ui_with_layout(egui::vec2(ui.available_width(), theme::ROW), Layout::right_to_left(Align::Center), add);
}

pub(super) fn main(ui: &mut Ui, text: &str, enabled: bool) -> bool {
    let t = theme::tokens(ui);
    widgets::main_button(ui, theme::strong(text).color(t.on_accent), 88.0, theme::ROW, enabled).clicked()
}

pub(super) fn other(ui: &mut Ui, text: &str) -> bool {
    ui.add(Button::new(text).min_size(egui::vec2(88.0, theme::ROW))).clicked()
}

fn unsaved(ui: &Ui, title: &str, leave: Leave) -> Next {
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

fn examples(ui: &Ui, exhibits: Vec<gallery::Exhibit>) -> Next {
    let mut chosen = None;
    let close = modal(ui, tr("Examples"), gallery::width(exhibits.len()), |ui| chosen = gallery::show(ui, &exhibits));
    match chosen {
        Some(example) => Next::Leave(Leave::Example(example)),
        None if close => Next::Close,
        None => Next::Stay(Dialog::Examples(exhibits)),
    }
}

impl SizeForm {
    fn of(document: &Document) -> Self {
        let (fit, anchor) = <_>::default();
        Self { width: document.width, height: document.height, fit, anchor }
    }

    fn fields(&mut self, ui: &mut Ui) {
        for (label, name, value) in [
            (tr("Width"), tr("Width in pixels"), &mut self.width),
            (tr("Height"), tr("Height in pixels"), &mut self.height),
        ] {
            widgets::field(ui, ui.available_width(), label, name, |ui, id| {
                let drag = DragValue::new(value).range(MIN_SIDE..=MAX_SIDE).speed(8.0).suffix(" px");
                let drag = drag.update_while_editing(false);
                ui.add(drag).labelled_by(id);
            });
        }
    }

    fn shapes(&mut self, ui: &mut Ui) {
        ui.horizontal_wrapped(|ui| {
            for (name, width, height) in [
                (tr("Square"), 512, 512),
                (tr("Landscape"), 768, 512),
                (tr("Portrait"), 512, 768),
                (tr("Panorama"), 1536, 512),
            ] {
                let on = (self.width, self.height) == (width, height);
                let button = Button::new(name).selected(on);
                if ui.add(button).on_hover_text(format!("{width} × {height}")).clicked() {
                    (self.width, self.height) = (width, height);
                }
            }
        });
    }

    /// Says what will become of the sides typed; false where there can be no such canvas.
    fn verdict(&self, ui: &mut Ui) -> bool {
        let t = theme::tokens(ui);
        let (width, height) = self.rounded();
        let possible = check_canvas(u64::from(width), u64::from(height)).is_ok();
        if !possible {
            let text = fill("{0} × {1} is more than can be painted. Make one side smaller.", &[&width, &height]);
            ui.label(RichText::new(text).color(t.warning));
        } else if (width, height) != (self.width, self.height) {
            ui.label(
                RichText::new(fill("Becomes {0} × {1}: sides are multiples of 8.", &[&width, &height]))
                    .color(t.text_weak),
            );
        }
        possible
    }

    /// The sides the models can draw: multiples of 8.
    fn rounded(&self) -> (u32, u32) {
        let round = |v: u32| ((v + 4) / 8 * 8).clamp(MIN_SIDE, MAX_SIDE);
        (round(self.width), round(self.height))
    }
}

fn new_canvas(ui: &Ui, mut form: SizeForm) -> Next {
    let mut next = None;
    let close = modal(ui, tr("New canvas"), 320.0, |ui| {
        form.shapes(ui);
        form.fields(ui);
        let possible = form.verdict(ui);
        buttons(ui, |ui| {
            if main(ui, tr("Create"), possible) {
                let (width, height) = form.rounded();
                next = Some(Next::Leave(Leave::New { width, height }));
            }
            if other(ui, tr("Cancel")) {
                next = Some(Next::Close);
            }
        });
    });
    next.unwrap_or(if close { Next::Close } else { Next::Stay(Dialog::NewCanvas(form)) })
}

fn canvas_size(ui: &Ui, mut form: SizeForm, document: &Document) -> Next {
    let mut next = None;
    let close = modal(ui, tr("Canvas size"), 320.0, |ui| {
        form.shapes(ui);
        form.fields(ui);
        let (width, height) = form.rounded();
        outpaint::choices(ui, &mut form.fit, &mut form.anchor, document, (width, height));
        let possible = form.verdict(ui);
        buttons(ui, |ui| {
            if main(ui, tr("Change"), possible && (width, height) != (document.width, document.height)) {
                next = Some(Next::Resize { width, height, fit: form.fit, anchor: form.anchor });
            }
            if other(ui, tr("Cancel")) {
                next = Some(Next::Close);
            }
        });
    });
    next.unwrap_or(if close { Next::Close } else { Next::Stay(Dialog::CanvasSize(form)) })
}

impl PathForm {
    fn go_to(&mut self, folder: PathBuf) {
        let mut entries: Vec<Entry> = std::fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|e| {
                let name = e.file_name().into_string().ok().filter(|n| !n.starts_with('.'))?;
                let folder = e.path().is_dir();
                let ending = Path::new(&name).extension().map(|x| x.to_string_lossy().to_lowercase());
                let fits = ending.is_some_and(|x| self.purpose.endings().contains(&x.as_str()));
                (folder || fits).then_some(Entry { name, folder })
            })
            .collect();
        entries.sort_by_key(|e| (!e.folder, e.name.to_lowercase()));
        // No list is read further than anyone would.
        entries.truncate(1000);
        self.entries = entries;
        self.folder = folder;
    }

    fn given(&self) -> Option<PathBuf> {
        let typed = self.typed.trim();
        if typed.is_empty() {
            return (self.purpose == Purpose::Model).then(|| self.folder.clone());
        }
        let path = PathBuf::from(typed);
        let path = if path.is_absolute() { path } else { self.folder.join(path) };
        // The button chooses the folder that is shown where none is typed.
        Some(self.purpose.with_ending(path))
    }
}

fn path(ui: &Ui, mut form: PathForm) -> Next {
    let t = theme::tokens(ui);
    let mut next = None;
    let mut accept = false;
    let mut goes_to = None;
    let close = modal(ui, form.purpose.title(), 480.0, |ui| {
        let edit = TextEdit::singleline(&mut form.typed).hint_text(tr("Path of the file")).desired_width(f32::INFINITY);
        let response = widgets::text(ui, edit.margin(Margin::symmetric(8, 6))).accessible_name(tr("Path"));
        if !std::mem::replace(&mut form.focused, true) {
            response.request_focus();
        }
        if response.changed() {
            form.replace = None;
        }
        accept = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        ui.horizontal(|ui| {
            let up = widgets::icon_button(ui, icons::ICON_ARROW_UPWARD, tr("Folder above"));
            if up.clicked() {
                goes_to = form.folder.parent().map(Path::to_path_buf);
            }
            let folder = RichText::new(form.folder.display().to_string()).color(t.text_weak);
            ui.add(Label::new(folder).truncate().selectable(false));
        });
        Frame::new().fill(t.field).corner_radius(theme::ROUND_SMALL).inner_margin(Margin::same(4)).show(ui, |ui| {
            ScrollArea::vertical().max_height(224.0).min_scrolled_height(224.0).auto_shrink(false).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                if form.entries.is_empty() {
                    ui.label(RichText::new(tr("No files here that fit.")).color(t.text_weak));
                }
                for entry in &form.entries {
                    let icon = if entry.folder { icons::ICON_FOLDER } else { icons::ICON_IMAGE };
                    let text = format!("{}  {}", icon.codepoint, entry.name);
                    let row = Button::new(text).frame_when_inactive(false).truncate();
                    let response = ui.add(row).accessible_name(&entry.name);
                    if response.clicked() {
                        let path = form.folder.join(&entry.name);
                        if entry.folder {
                            form.typed.clear();
                            goes_to = Some(path);
                        } else {
                            form.typed = path.display().to_string();
                            accept |= response.double_clicked();
                        }
                    }
                }
            });
        });
        if let Some(path) = &form.replace {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            ui.label(RichText::new(fill("{0} is there already. Replace it?", &[&name])).color(t.warning));
        }
        buttons(ui, |ui| {
            let verb = if form.replace.is_some() { tr("Replace") } else { form.purpose.verb() };
            accept |= main(ui, verb, form.given().is_some());
            if other(ui, tr("Cancel")) {
                next = Some(Next::Close);
            }
        });
    });
    if let Some(folder) = goes_to {
        form.go_to(folder);
    }
    if accept && let Some(path) = form.given() {
        if path.is_dir() && form.purpose != Purpose::Model {
            form.typed.clear();
            form.go_to(path);
        } else if form.purpose.writes() && path.exists() && form.replace.as_ref() != Some(&path) {
            form.replace = Some(path);
        } else {
            next = Some(Next::Path { purpose: form.purpose, path, after: form.after.clone() });
        }
    }
    next.unwrap_or(if close { Next::Close } else { Next::Stay(Dialog::Path(form)) })
}

fn shortcuts(ui: &Ui) -> Next {
    let t = theme::tokens(ui);
    let close = modal(ui, tr("Keyboard shortcuts"), 560.0, |ui| {
        let commands = Command::ALL.iter().copied().filter(|c| !c.keys().is_empty()).map(|command| {
            let keys: Vec<String> = command.keys().iter().map(|k| k.text(ui)).collect();
            (command.full_label().trim_end_matches('…').to_owned(), keys.join("  "))
        });
        let canvas = [
            (tr("Move the canvas"), tr("Hold Space, or middle button")),
            (tr("Zoom to the pointer"), tr("Wheel")),
            (tr("Pick the region under the brush"), tr("Alt+click")),
            (tr("Draw a straight line from the last point"), tr("Shift+click")),
            (tr("Keep a stroke straight, the sides of a shape equal"), tr("Hold Shift while dragging")),
            (tr("Take a shape away from the region"), tr("Hold Alt while beginning")),
            (tr("Draw a shape from its centre"), tr("Hold Alt once it has begun")),
            (tr("Take a stroke back while painting"), tr("Esc, or right button")),
            (tr("Let the words at the cursor count more or less"), tr("Ctrl+Up, Ctrl+Down")),
        ];
        let canvas = canvas.map(|(what, keys)| (what.to_owned(), keys.to_owned()));
        let rows: Vec<(String, String)> = commands.chain(canvas).collect();
        TableBuilder::new(ui)
            .striped(true)
            .column(Column::remainder())
            .column(Column::auto().at_least(208.0))
            .max_scroll_height(560.0)
            .body(|body| {
                body.rows(24.0, rows.len(), |mut row| {
                    let (what, keys) = &rows[row.index()];
                    row.col(|ui| {
                        ui.label(what);
                    });
                    row.col(|ui| {
                        ui.label(RichText::new(keys).color(t.text_weak));
                    });
                });
            });
        let mut done = false;
        buttons(ui, |ui| done = main(ui, tr("Close"), true));
        if done {
            ui.close();
        }
    });
    if close { Next::Close } else { Next::Stay(Dialog::Shortcuts) }
}

fn about(ui: &Ui) -> Next {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_become_multiples_of_eight() {
        let form = |width, height| SizeForm { width, height, ..SizeForm::of(&Document::new(64, 64)) }.rounded();
        assert_eq!(form(512, 515), (512, 512));
        assert_eq!(form(517, 1), (520, MIN_SIDE));
        assert_eq!(form(MAX_SIDE, 99_999), (MAX_SIDE, MAX_SIDE));
    }

    #[test]
    fn every_command_is_found_first_by_its_name() {
        for command in Command::ALL.iter().copied().filter(|c| *c != Command::Palette) {
            let found = found(&command.full_label());
            assert!(found.contains(&command), "{command:?} in {found:?}");
        }
        assert_eq!(found("light").first(), Some(&Command::ThemeLight));
        assert_eq!(found("").len(), Command::ALL.len() - 1);
    }
}
