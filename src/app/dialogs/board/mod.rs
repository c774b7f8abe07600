//! The board: all finished pictures on one page, to choose from by pointer or keys, to name, to star and to remove.

mod bars;
mod cell;
mod chosen;

use super::{Dialog, Outcome, View, modal};
use crate::app::command::Command;
use crate::app::generation::takes::{Item, Wish};
use crate::app::kit::{theme, widgets};
use crate::app::text::format::ago;
use crate::app::text::i18n::tr;
use cell::Cell;
use chosen::Chosen;
use egui::text::{CCursor, CCursorRange};
use egui::{
    EventFilter, Key, Margin, Modifiers, Popup, Rect, Response, RichText, ScrollArea, TextEdit, Ui, Vec2, vec2,
};

/// Room around the page in the window.
const OUTSIDE: f32 = 12.0;
/// Room around what is on it.
const INSIDE: f32 = 16.0;
/// Height of everything on it but the pictures.
const BARS: f32 = 116.0;
/// The digits, in their order.
const DIGITS: [Key; 9] =
    [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];

/// The page of all pictures.
pub(in crate::app) struct Board {
    chosen: Chosen,
    /// Only those with a star are shown.
    starred_only: bool,
    /// The name that is being written, and of which picture; whether its field is new.
    naming: Option<(u64, String, bool)>,
    /// It was opened to give a name and nothing else.
    names_only: bool,
    /// How many were removed last, as long as that can be undone here.
    removed: usize,
    columns: usize,
    /// The current one wants the keys, and to be in view.
    follow: bool,
    /// One of the pictures has the keys.
    has_keys: bool,
}

/// What a person wants of pictures on the board.
pub(in crate::app) enum Wanted {
    Of(u64, Wish),
    Star(Vec<u64>, bool),
    Name(u64, String),
    Remove(Vec<u64>),
    BringBack,
}

/// A picture in its place on the board.
struct Row<'a> {
    item: &'a Item,
    caption: String,
    line: String,
}

impl Board {
    /// With this picture chosen.
    pub(in crate::app) fn at(number: Option<u64>) -> Self {
        let mut chosen = Chosen::default();
        if let Some(number) = number {
            chosen.only(number);
        }
        Self {
            chosen,
            starred_only: false,
            naming: None,
            names_only: false,
            removed: 0,
            columns: 1,
            follow: true,
            has_keys: true,
        }
    }

    /// To give this picture another name than the one it has.
    pub(in crate::app) fn naming(number: u64, name: &str) -> Self {
        Self { naming: Some((number, name.to_owned(), true)), names_only: true, ..Self::at(Some(number)) }
    }
}

impl Dialog for Board {
    type Answer = Wanted;

    fn show(&mut self, ui: &Ui, view: &View<'_>) -> Outcome<Wanted> {
        let rows = self.rows(view);
        let list: Vec<u64> = rows.iter().map(|row| row.item.number).collect();
        self.chosen.keep(&list);
        let (mut wanted, mut done) = (None, Command::TakeBoard.is_called(ui));
        if self.naming.is_some() {
            if ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape)) {
                self.naming = None;
                done |= self.names_only;
                self.follow = true;
            }
        } else if !Popup::is_any_open(ui) && (self.has_keys || ui.memory(|m| m.focused().is_none())) {
            wanted = self.keys(ui, view, &list);
        }
        let room = ui.ctx().content_rect().size() - Vec2::splat(2.0 * (OUTSIDE + INSIDE));
        let close = modal(ui, tr("All pictures"), room.x.max(280.0), |ui| {
            done |= self.head(ui, view);
            let height = (room.y - BARS).max(120.0);
            self.has_keys = false;
            wanted = self.grid(ui, view, &rows, height).or(wanted.take());
            wanted = self.foot(ui, view, &rows).or(wanted.take());
        });
        self.outcome(wanted, close || done)
    }
}

impl Board {
    fn outcome(&mut self, wanted: Option<Wanted>, close: bool) -> Outcome<Wanted> {
        match &wanted {
            Some(Wanted::Remove(numbers)) => self.removed = numbers.len(),
            Some(Wanted::BringBack) => self.removed = 0,
            Some(Wanted::Of(..) | Wanted::Star(..) | Wanted::Name(..)) | None => {}
        }
        match wanted {
            Some(wanted @ Wanted::Of(..)) => Outcome::Answer(wanted),
            Some(wanted @ Wanted::Name(..)) if self.names_only => Outcome::Answer(wanted),
            Some(wanted) => Outcome::Also(wanted),
            None if close => Outcome::Close,
            None => Outcome::Stay,
        }
    }

    /// The pictures that are shown, the newest first.
    fn rows<'a>(&self, view: &'a View<'_>) -> Vec<Row<'a>> {
        let items = view.takes.items().iter();
        let told = items.zip(view.takes.captions()).zip(view.takes.differences());
        let shown = told.filter(|((item, _), _)| !self.starred_only || item.is_starred());
        let row = |((item, caption), differs): ((&'a Item, String), String)| {
            let named = !item.given_name().is_empty();
            let parts = [named.then_some(differs), item.age().map(ago)];
            Row { item, caption, line: parts.into_iter().flatten().collect::<Vec<_>>().join(" · ") }
        };
        shown.map(row).collect()
    }

    fn keys(&mut self, ui: &Ui, view: &View<'_>, list: &[u64]) -> Option<Wanted> {
        let pressed = |modifiers, key| ui.input_mut(|i| i.consume_key(modifiers, key));
        let down = isize::try_from(self.columns).unwrap_or(1);
        let end = isize::try_from(list.len()).unwrap_or(1);
        for (key, by) in [
            (Key::ArrowLeft, -1),
            (Key::ArrowRight, 1),
            (Key::ArrowUp, -down),
            (Key::ArrowDown, down),
            (Key::Home, -end),
            (Key::End, end),
        ] {
            // (Without Shift also matches with it.)
            for (modifiers, row) in [(Modifiers::SHIFT, true), (Modifiers::NONE, false)] {
                // (A slow frame may have several.)
                for _ in 0..ui.input_mut(|i| i.count_and_consume_key(modifiers, key)) {
                    self.chosen.step(by, row, list);
                    self.follow = true;
                }
            }
        }
        for (number, key) in list.iter().zip(DIGITS) {
            if pressed(Modifiers::NONE, key) {
                self.chosen.only(*number);
                self.follow = true;
            }
        }
        if pressed(Modifiers::COMMAND, Key::A) {
            self.chosen.everything(list);
        }
        if pressed(Modifiers::COMMAND, Key::Z) && view.takes.can_bring_back() {
            return Some(Wanted::BringBack);
        }
        let current = self.chosen.current?;
        if pressed(Modifiers::NONE, Key::Enter) {
            return Some(Wanted::Of(current, Wish::Show));
        }
        if pressed(Modifiers::NONE, Key::F2) {
            self.begin_name(view, current);
        }
        if pressed(Modifiers::NONE, Key::C) {
            return Some(Wanted::Of(current, Wish::Compare));
        }
        if pressed(Modifiers::NONE, Key::S) {
            return self.star(view, list);
        }
        if pressed(Modifiers::NONE, Key::Delete) || pressed(Modifiers::NONE, Key::Backspace) {
            return self.remove(list);
        }
        None
    }

    /// Gives all that are chosen a star; where all of them have one, takes it from them.
    fn star(&self, view: &View<'_>, list: &[u64]) -> Option<Wanted> {
        let chosen = self.chosen.of(list);
        let all = chosen.iter().all(|number| view.takes.item(*number).is_some_and(Item::is_starred));
        (!chosen.is_empty()).then_some(Wanted::Star(chosen, !all))
    }

    fn remove(&mut self, list: &[u64]) -> Option<Wanted> {
        let chosen = self.chosen.of(list);
        self.follow = true;
        (!chosen.is_empty()).then_some(Wanted::Remove(chosen))
    }

    fn begin_name(&mut self, view: &View<'_>, number: u64) {
        let name = view.takes.item(number).map(|item| item.given_name().to_owned());
        self.naming = name.map(|name| (number, name, true));
    }

    fn grid(&mut self, ui: &mut Ui, view: &View<'_>, rows: &[Row<'_>], height: f32) -> Option<Wanted> {
        let t = theme::tokens(ui);
        if rows.is_empty() {
            let text = if self.starred_only {
                tr("No picture has a star yet. S gives one, and so does a click on its corner.")
            } else {
                tr("There is no picture here any more.")
            };
            ui.allocate_ui(vec2(ui.available_width(), height), |ui| {
                ui.centered_and_justified(|ui| ui.label(RichText::new(text).color(t.text_weak)));
            });
            return None;
        }
        let mut wanted = None;
        let list: Vec<u64> = rows.iter().map(|row| row.item.number).collect();
        let area = ScrollArea::vertical().id_salt("board").max_height(height).min_scrolled_height(height);
        area.auto_shrink(false).show(ui, |ui| {
            let width = ui.available_width();
            let shape =
                rows[0].item.large.as_ref().map_or(1.0, |texture| texture.size_vec2().y / texture.size_vec2().x);
            let (mut columns, mut size) = measure(width, height, shape);
            let lines = rows.len().div_ceil(columns) as f32;
            if lines * (size.y + theme::GRID) - theme::GRID > height {
                // The scroll bar floats over the last points.
                (columns, size) = measure(width - 12.0, height, shape);
            }
            self.columns = columns;
            for (line, row) in rows.chunks(columns).enumerate() {
                ui.horizontal(|ui| {
                    for (column, row) in row.iter().enumerate() {
                        let place = line * columns + column;
                        wanted = self.cell(ui, view, row, (place, size), &list).or(wanted.take());
                    }
                });
            }
        });
        self.follow = false;
        wanted
    }

    fn cell(
        &mut self,
        ui: &mut Ui,
        view: &View<'_>,
        row: &Row<'_>,
        (place, size): (usize, Vec2),
        list: &[u64],
    ) -> Option<Wanted> {
        let number = row.item.number;
        let is_current = self.chosen.current == Some(number);
        let cell = Cell {
            item: row.item,
            caption: &row.caption,
            line: &row.line,
            key: (place < DIGITS.len()).then_some(place + 1),
            is_chosen: self.chosen.contains(number),
            is_current,
            is_shown: view.shown == Some(number),
            is_named: self.naming.as_ref().is_some_and(|(named, ..)| *named == number),
        };
        let is_named = cell.is_named;
        let done = ui.push_id(number, |ui| cell.show(ui, size)).inner;
        let response = done.response;
        if is_named {
            return self.name_field(ui, done.caption);
        }
        if is_current && self.follow {
            response.request_focus();
            response.scroll_to_me(None);
        }
        if response.has_focus() {
            self.has_keys = true;
            let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..Default::default() };
            ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
            if response.gained_focus() && !is_current {
                self.chosen.only(number);
            }
        }
        if done.star {
            return Some(Wanted::Star(vec![number], !row.item.is_starred()));
        }
        if response.double_clicked() {
            if !done.on_caption {
                return Some(Wanted::Of(number, Wish::Show));
            }
            self.begin_name(view, number);
        } else if response.clicked() {
            let modifiers = ui.input(|i| i.modifiers);
            match () {
                () if modifiers.shift => self.chosen.up_to(number, list),
                () if modifiers.command => self.chosen.toggle(number),
                () => self.chosen.only(number),
            }
            response.request_focus();
        }
        if response.secondary_clicked() && !self.chosen.contains(number) {
            self.chosen.only(number);
        }
        self.menu(&response, view, number, list)
    }

    /// The entries of the strip's menu.
    fn menu(&mut self, response: &Response, view: &View<'_>, number: u64, list: &[u64]) -> Option<Wanted> {
        let mut wish = None;
        response.context_menu(|ui| {
            for (at, group) in Wish::menu(view.shown == Some(number)).enumerate() {
                if at > 0 {
                    ui.separator();
                }
                for (what, label) in group {
                    if ui.button(tr(label)).clicked() {
                        wish = Some(what);
                    }
                }
            }
        });
        match wish? {
            Wish::Star => self.star(view, list),
            Wish::Remove => self.remove(list),
            Wish::Name => {
                self.begin_name(view, number);
                None
            }
            wish => Some(Wanted::Of(number, wish)),
        }
    }

    /// The field in which a name is written; it is given by Enter and where the field is left.
    fn name_field(&mut self, ui: &mut Ui, place: Rect) -> Option<Wanted> {
        let (number, text, fresh) = self.naming.as_mut()?;
        let edit = TextEdit::singleline(text)
            .hint_text(tr("Name of this picture"))
            .margin(Margin::symmetric(4, 2))
            .desired_width(place.width());
        let mut field = ui.new_child(egui::UiBuilder::new().max_rect(place.expand2(vec2(0.0, 2.0))));
        let mut output = widgets::text_output(&mut field, edit);
        let response = output.response.response.clone().accessible_name(tr("Name of this picture"));
        if std::mem::take(fresh) {
            // What is typed takes the place of the old name.
            let all = CCursorRange::two(CCursor::new(0), CCursor::new(text.chars().count()));
            output.state.cursor.set_char_range(Some(all));
            output.state.store(ui, response.id);
            response.request_focus();
            response.scroll_to_me(None);
        }
        if !response.lost_focus() {
            return None;
        }
        let wanted = Wanted::Name(*number, std::mem::take(text));
        self.naming = None;
        self.follow = true;
        Some(wanted)
    }
}

/// How many columns the pictures stand in, and how large each with its words is, by the room for them and their shape (height by
/// width). A wider window shows them larger and more of them; two rows are in sight as long as that leaves them large.
fn measure(width: f32, height: f32, shape: f32) -> (usize, Vec2) {
    let shape = shape.clamp(0.3, 1.5);
    let tallest = (height / 1.6 - cell::TEXT).max(96.0) / shape;
    let wanted = (width / 5.0).clamp(216.0, 420.0).min(tallest.max(160.0));
    let columns = ((width + theme::GRID) / (wanted + theme::GRID)).floor().max(1.0);
    let each = ((width - theme::GRID * (columns - 1.0)) / columns).floor();
    (columns as usize, vec2(each, ((each - 2.0 * cell::AROUND) * shape + 2.0 * cell::AROUND).round() + cell::TEXT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_follow_the_width() {
        let columns = |width, height, shape| measure(width, height, shape).0;
        assert_eq!(columns(800.0, 380.0, 2.0 / 3.0), 3);
        assert_eq!(columns(1360.0, 710.0, 2.0 / 3.0), 4);
        assert_eq!(columns(2480.0, 1250.0, 2.0 / 3.0), 5);
        for (width, height) in [(280.0, 120.0), (800.0, 380.0), (2480.0, 1250.0)] {
            for shape in [0.25, 1.0, 4.0] {
                let (columns, size) = measure(width, height, shape);
                let used = columns as f32 * (size.x + theme::GRID) - theme::GRID;
                assert!(used <= width && used > width - columns as f32 - 1.0, "{width} × {height}, {shape}: {used}");
            }
        }
    }
}
