//! The panel of models: everything that was added or lies in an added folder, by kind, with its picture, family and trigger words.

mod fetching;
mod pictures;

pub(in crate::app) use fetching::Fetching;
pub(in crate::app) use pictures::Pictures;

use crate::app::App;
use crate::app::command::Command;
use crate::app::dialogs::{Dialog, Next, buttons, main, modal, other};
use crate::app::editor::{Field, Selected};
use crate::app::kit::{theme, widgets};
use crate::app::session::files::Purpose;
use crate::app::session::import::Wanted;
use crate::app::text::i18n::{fill, key, tr};
use crate::studio::{Item, Kind, insert_phrase};
use egui::{
    Align, Button, Context, Frame, Key, Label, Layout, Margin, ProgressBar, Rect, RichText, ScrollArea, Sense,
    TextEdit, Ui, vec2,
};
use egui_material_icons::icons;
use std::path::PathBuf;
use std::sync::Arc;

/// Width of the panel.
const WIDTH: f32 = 720.0;
/// Height of its list.
const HEIGHT: f32 = 416.0;
/// Height of a row.
const ROW: f32 = 72.0;
/// Side of a row's picture.
const PICTURE: f32 = 56.0;
/// Trigger words shown in a row.
const WORDS: usize = 4;

/// The lists of the panel.
const TABS: [(&str, &[Kind]); 4] = [
    (key("Models"), &[Kind::Checkpoint]),
    (key("LoRAs"), &[Kind::Lora]),
    (key("Embeddings"), &[Kind::Embedding]),
    (key("Parts and controls"), &[Kind::Vae, Kind::TextEncoder, Kind::ControlNet]),
];

/// What is searched, and in which list.
#[derive(Default)]
pub(in crate::app) struct LibraryForm {
    search: String,
    tab: usize,
    focused: bool,
    /// The name that is typed to be fetched, while that is asked for.
    fetched: Option<String>,
    /// What was found, of which list and search.
    found: Option<Found>,
}

struct Found {
    items: Arc<Vec<Item>>,
    search: String,
    tab: usize,
    rows: Vec<usize>,
}

/// What a person asks of the panel.
enum Wish {
    Take(Box<Item>),
    Write(String),
    Hash(PathBuf),
    Forget(String),
    Fetch(String),
    /// What is fetched lies in this program's own folder from now on.
    FetchToOwn,
    StopFetching,
}

impl LibraryForm {
    /// The rows of the list that is open, by the words that are searched.
    fn rows(&mut self, items: &Arc<Vec<Item>>) -> Vec<usize> {
        let fresh = self
            .found
            .take()
            .filter(|found| Arc::ptr_eq(&found.items, items) && found.search == self.search && found.tab == self.tab);
        let found = fresh.unwrap_or_else(|| {
            let kinds = TABS.get(self.tab).map_or(&[][..], |(_, kinds)| kinds);
            let shown = |item: &Item| kinds.contains(&item.kind) && item.matches(&self.search);
            let mut rows: Vec<usize> = (0..items.len()).filter(|&at| items.get(at).is_some_and(shown)).collect();
            // What cannot be used comes last.
            rows.sort_by_key(|&at| items.get(at).is_none_or(|item| item.problem.is_some()));
            Found { items: Arc::clone(items), search: self.search.clone(), tab: self.tab, rows }
        });
        let rows = found.rows.clone();
        self.found = Some(found);
        rows
    }
}

impl App {
    pub(in crate::app) fn library_dialog(&mut self, ui: &Ui, mut form: LibraryForm) -> Next {
        self.follow_hash();
        self.pictures.follow(ui);
        let items = self.added.items();
        let (mut next, mut wishes, mut elsewhere) = (None, Vec::new(), false);
        let close = modal(ui, tr("Models"), WIDTH, |ui| {
            ui.horizontal(|ui| search(ui, &mut form, &items));
            let rows = form.rows(&items);
            self.list(ui, &form, &items, &rows, &mut wishes);
            self.folders_line(ui, &mut wishes);
            self.fetch_line(ui, &mut form, &mut wishes);
            elsewhere = self.fetch_into_line(ui, &form, &mut wishes);
            buttons(ui, |ui| {
                if main(ui, tr("Close"), true) {
                    next = Some(Next::Close);
                }
                if self.added.can_add() {
                    if other(ui, Command::AddModels.label()) {
                        next = Some(Next::Run(Command::AddModels));
                    }
                    if form.fetched.is_none() && self.fetching.is_none() && other(ui, tr("Get from Hugging Face…")) {
                        form.fetched = Some(String::new());
                    }
                }
            });
        });
        let mut taken = false;
        for wish in wishes {
            taken |= matches!(&wish, Wish::Take(item) if item.kind == Kind::Checkpoint);
            if matches!(wish, Wish::Fetch(_)) {
                form.fetched = None;
            }
            self.grant_model(ui, wish);
        }
        if elsewhere {
            self.library_kept = Some(form);
            return Next::Then(|app, _| app.ask_path(Purpose::FetchInto));
        }
        match next {
            Some(next) => next,
            // A model is chosen once, LoRAs perhaps several.
            None if close || taken => Next::Close,
            None => Next::Stay(Dialog::Library(form)),
        }
    }

    fn grant_model(&mut self, ctx: &Context, wish: Wish) {
        match wish {
            Wish::Take(item) => self.take_item(&item),
            Wish::Write(words) => self.write_words(self.editor.selected(), &words),
            Wish::Hash(path) => self.added.ask_hash(ctx, path),
            Wish::Forget(name) => self.forget_models(name),
            Wish::Fetch(name) => self.fetch(ctx, &name),
            Wish::FetchToOwn => self.prefs.fetch_into = None,
            Wish::StopFetching => {
                if let Some(fetching) = &self.fetching {
                    fetching.stop();
                }
            }
        }
    }

    /// Puts a model of the list where it belongs.
    fn take_item(&mut self, item: &Item) {
        let wanted = match item.kind {
            Kind::Checkpoint => Wanted::Model,
            Kind::Lora => Wanted::Lora(None),
            Kind::Embedding => {
                let call = self.editor.document().settings.prompt_rule.call_of_embedding(&item.name);
                return self.write_words(self.editor.selected(), &call);
            }
            Kind::ControlNet => return self.files.control_net(item.path.clone(), None),
            _ => Wanted::Dropped(None),
        };
        self.files.find_out(item.path.clone(), wanted);
    }

    /// Writes a phrase at the end of a region's words, or of the background's.
    pub(in crate::app) fn write_words(&mut self, selected: Selected, phrase: &str) {
        let document = self.editor.document();
        let (name, words) = match selected {
            Selected::Region(id) => match document.region(id) {
                Some(region) => (region.name.clone(), region.prompt.clone()),
                None => return,
            },
            Selected::Background => (tr("Background").to_owned(), document.background.prompt.clone()),
        };
        let (written, _) = insert_phrase(&words, words.len(), phrase);
        self.editor.change_field(Field::Words(selected), |d| match selected {
            Selected::Background => d.background.prompt = written,
            Selected::Region(id) => {
                if let Some(region) = d.region_mut(id) {
                    region.prompt = written;
                }
            }
        });
        self.editor.close_step();
        self.toasts.info(fill("Written into “{0}”: {1}", &[&name, &phrase]));
    }

    fn list(&mut self, ui: &mut Ui, form: &LibraryForm, items: &[Item], rows: &[usize], wishes: &mut Vec<Wish>) {
        let t = theme::tokens(ui);
        let area = ScrollArea::vertical().id_salt(("models", form.tab)).max_height(HEIGHT).auto_shrink(false);
        Frame::new().fill(t.field).corner_radius(theme::ROUND_SMALL).inner_margin(Margin::same(4)).show(ui, |ui| {
            ui.set_height(HEIGHT);
            if rows.is_empty() {
                let text = if self.added.is_looking() {
                    tr("Looking…")
                } else if items.is_empty() {
                    tr(
                        "Nothing is listed yet. Add the folder of ComfyUI, of a web UI, or any folder with models in it: everything in it is listed here, and stays where it is. You can also drop the folder on the window.",
                    )
                } else if form.search.trim().is_empty() {
                    tr("None of this kind in your folders.")
                } else {
                    tr("Nothing of that name.")
                };
                ui.add_space(HEIGHT * 0.4);
                ui.vertical_centered(|ui| {
                    ui.set_max_width(WIDTH * 0.6);
                    ui.label(RichText::new(text).color(t.text_weak));
                });
                return;
            }
            ui.spacing_mut().item_spacing.y = theme::HALF;
            area.show_rows(ui, ROW, rows.len(), |ui, range| {
                // The scroll bar floats over the last pixels.
                ui.set_max_width(ui.available_width() - 10.0);
                for item in rows.get(range).into_iter().flatten().filter_map(|&at| items.get(at)) {
                    ui.push_id(&item.path, |ui| self.row(ui, item, wishes));
                }
            });
        });
    }

    /// A model: its picture, what it is, its trigger words, and a button that takes it.
    fn row(&mut self, ui: &mut Ui, item: &Item, wishes: &mut Vec<Wish>) {
        let t = theme::tokens(ui);
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
        ui.painter().rect_filled(rect, theme::ROUND, t.card);
        let mut ui = ui
            .new_child(egui::UiBuilder::new().max_rect(rect.shrink(8.0)).layout(Layout::left_to_right(Align::Center)));
        self.picture(&mut ui, item);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = theme::HALF;
            if item.problem.is_none() {
                take_button(ui, item, wishes);
            }
            ui.with_layout(Layout::top_down(Align::LEFT), |ui| {
                ui.spacing_mut().item_spacing.y = 1.0;
                // Two lines stand beside the middle of the picture, three fill its height.
                if item.problem.is_some() || item.kind == Kind::Embedding || item.words.is_empty() {
                    ui.add_space(9.0);
                }
                let colour = if item.problem.is_some() { t.text_weak } else { t.text_strong };
                let name = Label::new(theme::strong(&item.name).color(colour)).truncate().selectable(false);
                ui.add(name).on_hover_text(item.path.display().to_string());
                if let Some(problem) = &item.problem {
                    let text = RichText::new(problem).size(theme::TEXT_SMALL).color(t.warning);
                    ui.add(Label::new(text).truncate().selectable(false)).on_hover_text(problem);
                    return;
                }
                ui.horizontal(|ui| {
                    ui.spacing_mut().item_spacing.x = theme::HALF;
                    ui.spacing_mut().interact_size.y = 16.0;
                    let text = RichText::new(about(item)).size(theme::TEXT_SMALL).color(t.text_weak);
                    ui.add(Label::new(text).truncate().selectable(false));
                    self.hash(ui, item, wishes);
                });
                if item.kind != Kind::Embedding {
                    trigger_words(ui, item, wishes);
                }
            });
        });
    }

    fn picture(&mut self, ui: &mut Ui, item: &Item) {
        let t = theme::tokens(ui);
        let (frame, _) = ui.allocate_exact_size(vec2(PICTURE, PICTURE), Sense::hover());
        ui.painter().rect_filled(frame, theme::ROUND_SMALL, t.desk);
        if let Some(texture) = self.pictures.of(item) {
            let size = texture.size_vec2();
            // The middle of a tall picture fills the square.
            let size = size * (vec2(PICTURE, PICTURE) / size).max_elem();
            let cut = vec2(PICTURE, PICTURE) / size;
            let uv = Rect::from_center_size(egui::pos2(0.5, if size.y > size.x { cut.y * 0.5 } else { 0.5 }), cut);
            egui::Image::from_texture((texture.id(), size))
                .uv(uv)
                .corner_radius(theme::ROUND_SMALL)
                .paint_at(ui, frame);
        } else {
            let icon = match item.kind {
                Kind::Checkpoint => icons::ICON_BRUSH,
                Kind::Lora => icons::ICON_LAYERS,
                _ => icons::ICON_WIDGETS,
            };
            let font = egui::FontId::proportional(20.0);
            ui.painter().text(frame.center(), egui::Align2::CENTER_CENTER, icon.codepoint, font, t.text_weak);
        }
    }

    /// The hash that web UIs name, or a way to find it out.
    fn hash(&self, ui: &mut Ui, item: &Item, wishes: &mut Vec<Wish>) {
        let t = theme::tokens(ui);
        let small = |text: &str| RichText::new(text).size(theme::TEXT_SMALL).color(t.text_weak);
        if let Some(hash) = item.hash() {
            let hint = tr("The hash by which web UIs and Civitai name this file (AutoV2). Click to copy it");
            let label = ui.add(Label::new(small(hash)).selectable(false).sense(Sense::click()));
            if label.on_hover_text(hint).clicked() {
                ui.copy_text(hash.to_owned());
            }
        } else if self.added.is_hashing(&item.path) {
            ui.label(small("…"));
        } else if item.bytes > 0 && item.path.extension().is_some() {
            widgets::flat(ui);
            ui.spacing_mut().button_padding = vec2(2.0, 0.0);
            let name = fill("Find out the hash of {0}", &[&item.name]);
            let button = ui.add(Button::new(small("#")).small()).accessible_name(&name);
            if button
                .on_hover_text(tr("Find out its hash, as web UIs and Civitai name it; large files take a while"))
                .clicked()
            {
                wishes.push(Wish::Hash(item.path.clone()));
            }
        }
    }

    /// The folders that are listed, each with a way to leave it.
    fn folders_line(&self, ui: &mut Ui, wishes: &mut Vec<Wish>) {
        let t = theme::tokens(ui);
        if self.added.folders().is_empty() {
            return;
        }
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = theme::HALF;
            ui.add(Label::new(RichText::new(tr("Folders:")).color(t.text_weak)).selectable(false));
            for folder in self.added.folders() {
                let path = folder.path.display().to_string();
                ui.add(Label::new(&folder.name).selectable(false)).on_hover_text(&path);
                let text = fill("Leave out {0}", &[&folder.name]);
                widgets::flat(ui);
                let button = widgets::small_icon_button(ui, icons::ICON_CLOSE, &text);
                if button.on_hover_text(tr("No longer list this folder. Its files stay")).clicked() {
                    wishes.push(Wish::Forget(folder.name.clone()));
                }
                ui.add_space(theme::GRID);
            }
        });
    }

    /// The name of what is to be fetched, or how far that is.
    fn fetch_line(&self, ui: &mut Ui, form: &mut LibraryForm, wishes: &mut Vec<Wish>) {
        let t = theme::tokens(ui);
        if let Some(fetching) = &self.fetching {
            ui.horizontal(|ui| {
                let text = match fetching.progress() {
                    _ if fetching.is_stopping() => tr("Cancelling…").to_owned(),
                    None => fill("Asking for {0}…", &[&fetching.name]),
                    Some(progress) if progress.checking => fill("Checking {0}…", &[&fetching.name]),
                    Some(progress) => {
                        let [done, total] = [progress.done, progress.total].map(|bytes| bytes / 1_000_000);
                        fill("{0}: {1} of {2} MB", &[&fetching.name, &done, &total])
                    }
                };
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if ui.button(tr("Stop fetching")).clicked() {
                        wishes.push(Wish::StopFetching);
                    }
                    let share = fetching.progress().map_or(0.0, |now| now.done as f32 / now.total.max(1) as f32);
                    ui.add(ProgressBar::new(share).desired_height(theme::GRID).desired_width(160.0).fill(t.accent));
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        ui.add(Label::new(RichText::new(text).color(t.text_weak)).truncate().selectable(false));
                    });
                });
            });
            return;
        }
        let Some(typed) = &mut form.fetched else { return };
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let fetch = ui.add_enabled(!typed.trim().is_empty(), Button::new(tr("Fetch")));
                let edit = TextEdit::singleline(typed)
                    .hint_text(tr("OWNER/NAME, OWNER/NAME:FILE, or the address of its page on huggingface.co"))
                    .desired_width(f32::INFINITY)
                    .margin(Margin::symmetric(8, 5));
                let field = widgets::text(ui, edit).accessible_name(tr("Name on Hugging Face"));
                let enter = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
                if (fetch.clicked() || enter) && !typed.trim().is_empty() {
                    wishes.push(Wish::Fetch(typed.clone()));
                }
            });
        });
    }
}

impl App {
    /// Opens the panel of models again, once it is known where to.
    pub(in crate::app) fn reopen_library(&mut self) {
        if let Some(form) = self.library_kept.take() {
            self.dialog = Some(Dialog::Library(form));
        }
    }

    /// The folder that what is named is fetched into; true where another is to be chosen.
    fn fetch_into_line(&self, ui: &mut Ui, form: &LibraryForm, wishes: &mut Vec<Wish>) -> bool {
        if form.fetched.is_none() || self.fetching.is_some() {
            return false;
        }
        let t = theme::tokens(ui);
        let mut another = false;
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                another = ui.button(tr("Another folder…")).clicked();
                if self.prefs.fetch_into.is_some() {
                    let text = tr("Back to this program's own folder");
                    widgets::flat(ui);
                    if widgets::small_icon_button(ui, icons::ICON_CLOSE, text).on_hover_text(text).clicked() {
                        wishes.push(Wish::FetchToOwn);
                    }
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let own = || tr("this program's own folder").to_owned();
                    let folder = self.prefs.fetch_into.as_ref().map_or_else(own, |path| path.display().to_string());
                    let text = RichText::new(fill("Goes into {0}", &[&folder])).color(t.text_weak);
                    ui.add(Label::new(text).truncate().selectable(false)).on_hover_text(folder);
                });
            });
        });
        another
    }
}

/// The field for searching, and the lists to choose from with how many are in each.
fn search(ui: &mut Ui, form: &mut LibraryForm, items: &[Item]) {
    let edit = TextEdit::singleline(&mut form.search)
        .hint_text(tr("Search names, families, words"))
        .desired_width(232.0)
        .margin(Margin::symmetric(8, 5));
    let field = widgets::text(ui, edit).accessible_name(tr("Search the models"));
    if !std::mem::replace(&mut form.focused, true) {
        field.request_focus();
    }
    for (at, (name, kinds)) in TABS.iter().enumerate() {
        let count = items.iter().filter(|item| kinds.contains(&item.kind)).count();
        let text = if count > 0 { format!("{} {count}", tr(name)) } else { tr(name).to_owned() };
        if ui.selectable_label(form.tab == at, text).clicked() {
            form.tab = at;
        }
    }
}

/// The button that takes a model.
fn take_button(ui: &mut Ui, item: &Item, wishes: &mut Vec<Wish>) {
    let (verb, name) = match item.kind {
        Kind::Checkpoint | Kind::Vae | Kind::TextEncoder => (tr("Use"), fill("Use {0}", &[&item.name])),
        Kind::Lora | Kind::ControlNet => (tr("Add"), fill("Add {0}", &[&item.name])),
        Kind::Embedding => (tr("Write"), fill("Write {0}", &[&item.name])),
        Kind::Folder => return,
    };
    // (On a card a button's own ground would not be seen.)
    ui.visuals_mut().widgets.inactive.weak_bg_fill = theme::tokens(ui).field;
    if ui.add(Button::new(verb).min_size(vec2(64.0, 24.0))).accessible_name(name).clicked() {
        wishes.push(Wish::Take(Box::new(item.clone())));
    }
}

/// Trigger words, each a button that writes it.
fn trigger_words(ui: &mut Ui, item: &Item, wishes: &mut Vec<Wish>) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = theme::HALF;
        ui.spacing_mut().button_padding = vec2(6.0, 0.0);
        ui.visuals_mut().widgets.inactive.weak_bg_fill = theme::tokens(ui).field;
        for words in item.words.iter().take(WORDS) {
            let short: String = words.chars().take(28).collect();
            let text = if short.len() < words.len() { format!("{short}…") } else { short };
            let button = ui.add(Button::new(RichText::new(text).size(theme::TEXT_SMALL)).small());
            let hint = fill("Write “{0}” into the words of the selected region", &[words]);
            if button.on_hover_text(hint).clicked() {
                wishes.push(Wish::Write(words.clone()));
            }
        }
    });
}

/// A model in a quiet line: what it is where its list holds several kinds, family, what it was made on, more of its kind, size.
fn about(item: &Item) -> String {
    let size = match item.bytes {
        0 => None,
        bytes if bytes >= 1_000_000_000 => Some(format!("{:.1} GB", bytes as f64 / 1e9)),
        bytes => Some(format!("{:.0} MB", (bytes as f64 / 1e6).max(1.0))),
    };
    let base = item.base.clone().filter(|base| Some(base) != item.family.as_ref());
    let kind = (item.kind == Kind::ControlNet).then(|| tr("ControlNet").to_owned());
    let all = [kind, item.family.clone(), base, Some(item.about.clone()).filter(|text| !text.is_empty()), size];
    all.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
