//! The panel of models: everything that was added or lies in an added folder, by kind, with its picture, family and trigger words.

mod fetch;
mod pictures;

use super::{Dialog, Outcome, View, buttons, main, modal, other};
use crate::app::command::Command;
use crate::app::kit::{theme, widgets};
use crate::app::text::format::decimal;
use crate::app::text::i18n::{fill, key, tr};
use crate::studio::{Item, Kind};
use egui::{Align, Button, Frame, Label, Layout, Margin, Rect, RichText, ScrollArea, Sense, TextEdit, Ui, vec2};
use egui_material_icons::icons;
use pictures::Pictures;
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
pub(in crate::app) struct LibraryPanel {
    search: String,
    tab: usize,
    focused: bool,
    /// The name that is typed to be fetched, while that is asked for.
    fetched: Option<String>,
    /// What was found, of which list and search.
    found: Option<Found>,
    /// The small pictures of those in view.
    pictures: Pictures,
}

struct Found {
    items: Arc<Vec<Item>>,
    search: String,
    tab: usize,
    rows: Vec<usize>,
}

/// What a person asks of the panel.
pub(in crate::app) enum Wish {
    Take(Box<Item>),
    /// These words among those of the selected region.
    Write(String),
    Hash(PathBuf),
    /// A folder of models more.
    Add,
    /// This folder less.
    Forget(String),
    Fetch(String),
    /// What is fetched lies in this program's own folder from now on.
    FetchToOwn,
    /// The same in another.
    FetchElsewhere,
    StopFetching,
}

impl LibraryPanel {
    /// The rows of the list that is open, by the words that are searched.
    fn rows(&mut self, items: &Arc<Vec<Item>>) -> Vec<usize> {
        let known = self.found.take();
        if known.as_ref().is_some_and(|found| !Arc::ptr_eq(&found.items, items)) {
            // Files may have changed.
            self.pictures.forget();
        }
        let fresh = known
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

impl Dialog for LibraryPanel {
    type Answer = Wish;

    fn show(&mut self, ui: &Ui, view: &View<'_>) -> Outcome<Wish> {
        let items = view.models.items();
        let (mut wish, mut done) = (None, false);
        self.pictures.follow(ui);
        let close = modal(ui, tr("Models"), WIDTH, |ui| {
            ui.horizontal_wrapped(|ui| self.search(ui, &items));
            let rows = self.rows(&items);
            self.list(ui, view, &items, &rows, &mut wish);
            folders_line(ui, view, &mut wish);
            self.fetch_line(ui, view, &mut wish);
            self.fetch_into_line(ui, view, &mut wish);
            buttons(ui, |ui| {
                if view.models.can_add() {
                    if self.fetched.is_none() && view.fetching.is_none() && other(ui, tr("Get from Hugging Face…")) {
                        self.fetched = Some(String::new());
                    }
                    if other(ui, Command::AddModels.label()) {
                        wish = Some(Wish::Add);
                    }
                }
                done = main(ui, tr("Close"), true);
            });
        });
        if matches!(wish, Some(Wish::Fetch(_))) {
            self.fetched = None;
        }
        match wish {
            // A model is chosen once, LoRAs perhaps several.
            Some(Wish::Take(item)) if item.kind == Kind::Checkpoint => Outcome::Answer(Wish::Take(item)),
            Some(wish) => Outcome::Also(wish),
            None if close || done => Outcome::Close,
            None => Outcome::Stay,
        }
    }

    fn takes_drops(&self) -> bool {
        true
    }
}

impl LibraryPanel {
    fn list(&mut self, ui: &mut Ui, view: &View<'_>, items: &[Item], rows: &[usize], wish: &mut Option<Wish>) {
        let t = theme::tokens(ui);
        let area = ScrollArea::vertical().id_salt(("models", self.tab)).max_height(HEIGHT).auto_shrink(false);
        Frame::new().fill(t.field).corner_radius(theme::ROUND_SMALL).inner_margin(Margin::same(4)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.set_height(HEIGHT);
            if rows.is_empty() {
                let text = if view.models.is_looking() {
                    tr("Looking…")
                } else if items.is_empty() {
                    tr(
                        "Nothing is listed yet. Add the folder of ComfyUI, of a web UI, or any folder with models in it: everything in it is listed here, and stays where it is. You can also drop the folder on the window.",
                    )
                } else if self.search.trim().is_empty() {
                    tr("None of this kind in your folders.")
                } else {
                    tr("Nothing of that name.")
                };
                ui.add_space(HEIGHT * 0.4);
                let label = Label::new(RichText::new(text).color(t.text_weak)).wrap();
                let width = (WIDTH * 0.6).min(ui.available_width());
                ui.vertical_centered(|ui| ui.add_sized(vec2(width, 0.0), label));
                return;
            }
            ui.spacing_mut().item_spacing.y = theme::HALF;
            area.show_rows(ui, ROW, rows.len(), |ui, range| {
                // The scroll bar floats over the last pixels.
                ui.set_max_width(ui.available_width() - 10.0);
                for item in rows.get(range).into_iter().flatten().filter_map(|&at| items.get(at)) {
                    ui.push_id(&item.path, |ui| self.row(ui, view, item, wish));
                }
            });
        });
    }

    /// A model: its picture, what it is, its trigger words, and a button that takes it.
    fn row(&mut self, ui: &mut Ui, view: &View<'_>, item: &Item, wish: &mut Option<Wish>) {
        let t = theme::tokens(ui);
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
        ui.painter().rect_filled(rect, theme::ROUND, t.card);
        let mut ui = ui
            .new_child(egui::UiBuilder::new().max_rect(rect.shrink(8.0)).layout(Layout::left_to_right(Align::Center)));
        self.picture(&mut ui, item);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = theme::HALF;
            if item.problem.is_none() {
                take_button(ui, item, wish);
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
                    hash(ui, view, item, wish);
                });
                if item.kind != Kind::Embedding {
                    trigger_words(ui, item, wish);
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

    /// The field for searching, and the lists to choose from with how many are in each.
    fn search(&mut self, ui: &mut Ui, items: &[Item]) {
        let edit = TextEdit::singleline(&mut self.search)
            .hint_text(tr("Search names, families, words"))
            .desired_width(232.0)
            .margin(Margin::symmetric(8, 5));
        let field = widgets::text(ui, edit).accessible_name(tr("Search the models"));
        if !std::mem::replace(&mut self.focused, true) {
            field.request_focus();
        }
        for (at, (name, kinds)) in TABS.iter().enumerate() {
            let count = items.iter().filter(|item| kinds.contains(&item.kind)).count();
            let text = if count > 0 { format!("{} {count}", tr(name)) } else { tr(name).to_owned() };
            if ui.selectable_label(self.tab == at, text).clicked() {
                self.tab = at;
            }
        }
    }
}

/// The hash that web UIs name, or a way to find it out.
fn hash(ui: &mut Ui, view: &View<'_>, item: &Item, wish: &mut Option<Wish>) {
    let t = theme::tokens(ui);
    let small = |text: &str| RichText::new(text).size(theme::TEXT_SMALL).color(t.text_weak);
    if let Some(hash) = item.hash() {
        let hint = tr("The hash by which web UIs and Civitai name this file (AutoV2). Click to copy it");
        let label = ui.add(Label::new(small(hash)).selectable(false).sense(Sense::click()));
        if label.on_hover_text(hint).clicked() {
            ui.copy_text(hash.to_owned());
        }
    } else if view.models.is_hashing(&item.path) {
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
            *wish = Some(Wish::Hash(item.path.clone()));
        }
    }
}

/// The folders that are listed, each with a way to leave it.
fn folders_line(ui: &mut Ui, view: &View<'_>, wish: &mut Option<Wish>) {
    let t = theme::tokens(ui);
    if view.models.folders().is_empty() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = theme::HALF;
        ui.add(Label::new(RichText::new(tr("Folders:")).color(t.text_weak)).selectable(false));
        for folder in view.models.folders() {
            let path = folder.path.display().to_string();
            ui.add(Label::new(&folder.name).selectable(false)).on_hover_text(&path);
            let text = fill("Leave out {0}", &[&folder.name]);
            widgets::flat(ui);
            let button = widgets::small_icon_button(ui, icons::ICON_CLOSE, &text);
            if button.on_hover_text(tr("No longer list this folder. Its files stay")).clicked() {
                *wish = Some(Wish::Forget(folder.name.clone()));
            }
            ui.add_space(theme::GRID);
        }
    });
}

/// The button that takes a model.
fn take_button(ui: &mut Ui, item: &Item, wish: &mut Option<Wish>) {
    let (verb, name) = match item.kind {
        Kind::Checkpoint | Kind::Vae | Kind::TextEncoder => (tr("Use"), fill("Use {0}", &[&item.name])),
        Kind::Lora | Kind::ControlNet => (tr("Add"), fill("Add {0}", &[&item.name])),
        Kind::Embedding => (tr("Write"), fill("Write {0}", &[&item.name])),
        Kind::Folder => return,
    };
    // (On a card a button's own ground would not be seen.)
    ui.visuals_mut().widgets.inactive.weak_bg_fill = theme::tokens(ui).field;
    if ui.add(Button::new(verb).min_size(vec2(64.0, 24.0))).accessible_name(name).clicked() {
        *wish = Some(Wish::Take(Box::new(item.clone())));
    }
}

/// Trigger words, each a button that writes it.
fn trigger_words(ui: &mut Ui, item: &Item, wish: &mut Option<Wish>) {
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
                *wish = Some(Wish::Write(words.clone()));
            }
        }
    });
}

/// A model in a quiet line: what it is where its list holds several kinds, family, what it was made on, more of its kind, size.
fn about(item: &Item) -> String {
    let size = match item.bytes {
        0 => None,
        bytes if bytes >= 1_000_000_000 => Some(format!("{} GB", decimal(bytes as f64 / 1e9, 1))),
        bytes => Some(format!("{:.0} MB", (bytes as f64 / 1e6).max(1.0))),
    };
    let base = item.base.clone().filter(|base| Some(base) != item.family.as_ref());
    let kind = (item.kind == Kind::ControlNet).then(|| tr("ControlNet").to_owned());
    let all = [kind, item.family.clone(), base, Some(item.about.clone()).filter(|text| !text.is_empty()), size];
    all.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
