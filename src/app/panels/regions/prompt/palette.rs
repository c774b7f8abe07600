//! The palette of words that the model knows: things by group, with their colours; a click writes them.

use crate::app::editor::Selected;
use crate::app::kit::{theme, widgets};
use crate::app::text::i18n::{fill, tr};
use crate::studio::{Thing, Words};
use egui::{
    Align, Button, Key, Label, Layout, Margin, Popup, PopupCloseBehavior, RectAlign, Response, Role, ScrollArea, Sense,
    Stroke, TextEdit, Ui, WidgetInfo, vec2,
};
use egui_material_icons::icons;

/// Width of the palette.
const WIDTH: f32 = 296.0;
/// Height of its list.
const HEIGHT: f32 = 360.0;

/// The state of the palette.
#[derive(Default)]
pub(super) struct Palette {
    /// The card it is open for, and what is searched.
    open: Option<(Selected, String)>,
}

impl Palette {
    /// Draws its button, and the palette while it is open. Returns what is to be written.
    pub(super) fn show(&mut self, ui: &mut Ui, key: Selected, known: &Words) -> Option<String> {
        let button = widgets::small_icon_button(ui, icons::ICON_DICTIONARY, tr("Words this model knows"))
            .on_hover_text(tr("All the words this model knows; click one to write it"));
        let frame = egui::Frame::popup(ui.style()).inner_margin(Margin::same(8));
        let popup = Popup::menu(&button)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .align(RectAlign::BOTTOM_END)
            .align_alternatives(&[RectAlign::TOP_END, RectAlign::LEFT_START, RectAlign::LEFT_END, RectAlign::LEFT])
            .accessible_name(tr("Words this model knows"))
            .frame(frame)
            .width(WIDTH);
        let shown = popup.show(|ui| {
            let first = self.open.as_ref().is_none_or(|(of, _)| *of != key);
            if first {
                self.open = Some((key, String::new()));
            }
            let (_, search) = self.open.as_mut()?;
            let chosen = contents(ui, search, first, known);
            if chosen.is_some() {
                ui.close();
            }
            chosen
        });
        match shown {
            Some(shown) => shown.inner,
            None => {
                self.open.take_if(|(of, _)| *of == key);
                None
            }
        }
    }
}

fn contents(ui: &mut Ui, search: &mut String, first: bool, known: &Words) -> Option<String> {
    let t = theme::tokens(ui);
    let edit = TextEdit::singleline(search)
        .hint_text(tr("Search"))
        .desired_width(f32::INFINITY)
        .margin(Margin::symmetric(8, 5));
    let field = widgets::text(ui, edit).accessible_name(tr("Search the words"));
    if first {
        field.request_focus();
    }
    let enter = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
    let search = search.trim().to_lowercase();
    let list = known.known();
    let found: Vec<&Thing> = list.things.iter().filter(|thing| fits(thing, &search)).collect();
    let also =
        |words: &[String]| words.iter().filter(|w| w.to_lowercase().contains(&search)).cloned().collect::<Vec<_>>();
    let rest = [(tr("Moods"), also(&list.moods)), (tr("Styles"), also(&list.styles))];
    let mut chosen = None;
    ScrollArea::vertical().max_height(HEIGHT).auto_shrink([false, true]).show(ui, |ui| {
        // The scroll bar floats over the last pixels.
        ui.set_max_width(ui.available_width() - 10.0);
        ui.spacing_mut().item_spacing.y = 0.0;
        let mut group = "";
        for thing in &found {
            if thing.group != group {
                group = &thing.group;
                heading(ui, group);
            }
            if let Some(words) = thing_row(ui, thing) {
                chosen = Some(words);
            }
        }
        for (name, words) in rest.iter().filter(|(_, words)| !words.is_empty()) {
            heading(ui, name);
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
                ui.spacing_mut().button_padding.x = theme::HALF;
                widgets::flat(ui);
                for word in words {
                    if ui.button(word).clicked() {
                        chosen = Some(word.clone());
                    }
                }
            });
        }
        if found.is_empty() && rest.iter().all(|(_, words)| words.is_empty()) {
            ui.add_space(theme::GRID);
            ui.label(egui::RichText::new(tr("It knows nothing of that name.")).color(t.text_weak));
        }
    });
    let top =
        || found.first().map(|t| t.name.clone()).or_else(|| rest.iter().find_map(|(_, words)| words.first().cloned()));
    chosen.or_else(|| if enter { top() } else { None })
}

/// True for a thing whose name, other names, group or colours hold every word that is searched.
fn fits(thing: &Thing, search: &str) -> bool {
    let all = [&thing.name, &thing.group].into_iter().chain(&thing.synonyms).chain(&thing.colours);
    let all = all.map(|text| text.to_lowercase()).collect::<Vec<_>>().join(" ");
    search.split_whitespace().all(|word| all.contains(word))
}

fn heading(ui: &mut Ui, name: &str) {
    let t = theme::tokens(ui);
    let mut letters = name.chars();
    let name: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    ui.add_space(theme::GRID);
    ui.horizontal(|ui| {
        ui.add_space(theme::HALF);
        ui.add(Label::new(theme::strong(name).size(theme::TEXT_SMALL).color(t.text_weak)).selectable(false));
    });
    ui.add_space(2.0);
}

/// A thing, and a chip for each of its colours.
fn thing_row(ui: &mut Ui, thing: &Thing) -> Option<String> {
    let mut chosen = None;
    ui.allocate_ui_with_layout(vec2(ui.available_width(), 26.0), Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 1.0;
        for colour in thing.colours.iter().rev() {
            let words = format!("{colour} {}", thing.name);
            if chip(ui, colour, &words).clicked() {
                chosen = Some(words);
            }
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            widgets::flat(ui);
            ui.spacing_mut().button_padding.x = theme::HALF;
            let button = ui.add(Button::new(&thing.name).truncate());
            let hint = if thing.synonyms.is_empty() {
                String::new()
            } else {
                fill("Also: {0}", &[&thing.synonyms.join(", ")])
            };
            let button = if hint.is_empty() { button } else { button.on_hover_text(hint) };
            if button.clicked() {
                chosen = Some(thing.name.clone());
            }
        });
    });
    chosen
}

/// A dot of a colour; the colour's name where there is no dot for it.
fn chip(ui: &mut Ui, colour: &str, words: &str) -> Response {
    let t = theme::tokens(ui);
    let Some(fill) = theme::named(colour) else {
        return ui.small_button(colour).accessible_name(words).on_hover_text(words);
    };
    let (rect, response) = ui.allocate_exact_size(vec2(18.0, 24.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, words));
    let on = response.hovered() || response.has_focus();
    let stroke = if on { Stroke::new(2.0, t.text_strong) } else { Stroke::new(1.0, t.line) };
    ui.painter().circle(rect.center(), if on { 7.0 } else { 6.0 }, fill, stroke);
    response.on_hover_text(words)
}
