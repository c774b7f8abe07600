//! All keys on one sheet: by what they are for, in as many columns as there is room for, with a field to search them. A click on a row
//! gives its command other keys.

use super::{Dialog, Outcome, View, buttons, main, modal, other, outcome};
use crate::app::command::{Command, Keys, is_changed};
use crate::app::kit::{theme, widgets};
use crate::app::text::i18n::{fill, key, tr};
use egui::{
    Align, Button, Event, FontId, Frame, Key, Label, Layout, Margin, RichText, Role, ScrollArea, Sense, Stroke,
    StrokeKind, TextEdit, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};
use egui_material_icons::icons;

/// The least width of a column, in points.
const COLUMN: f32 = 300.0;
/// Points between columns.
const GAP: f32 = 2.0 * theme::GRID;
/// The most columns.
const COLUMNS: usize = 3;
/// Height of a row.
const ROW: f32 = 24.0;
/// Height of a group's heading.
const HEADING: f32 = 34.0;

/// The groups in the order of the table of commands, each with its first command.
const GROUPS: [(&str, Command); 7] = [
    (key("Files"), Command::New),
    (key("Editing and regions"), Command::Undo),
    (key("Making pictures"), Command::Generate),
    (key("Tools"), Command::ToolBrush),
    (key("Brush"), Command::PressureSize),
    (key("View"), Command::FocusCanvas),
    (key("Window"), Command::Palette),
];

/// The sheet, and what is searched on it.
#[derive(Default)]
pub(in crate::app) struct Shortcuts {
    typed: String,
    opened: bool,
    /// The command that waits for its new keys.
    asked: Option<Command>,
    /// What became of the last change, where that is not seen in its row.
    said: Option<String>,
}

/// A change of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum KeyChange {
    /// The command has these keys, or none.
    Give(Command, Option<Keys>),
    /// It has those of the set again.
    PutBack(Command),
    /// All have.
    PutAllBack,
}

/// One line: what is done, and the keys that do it, each of which is one way.
struct Row {
    what: String,
    keys: Vec<String>,
    /// None for what is done on the canvas.
    command: Option<Command>,
}

impl Row {
    /// True where it says all that is typed.
    fn is_found(&self, typed: &str) -> bool {
        let text = format!("{} {}", self.what, self.keys.join(" ")).to_lowercase();
        typed.to_lowercase().split_whitespace().all(|word| text.contains(word))
    }
}

/// Rows of one kind under their heading.
struct Block {
    heading: &'static str,
    rows: Vec<Row>,
}

impl Block {
    fn height(&self) -> f32 {
        HEADING + ROW * self.rows.len() as f32
    }
}

impl Shortcuts {
    /// The change that was asked for by the keys of this frame, which are then nobody else's.
    fn pressed(&mut self, ui: &Ui) -> Option<KeyChange> {
        let command = self.asked?;
        // (Letters would be typed into the field.)
        let of_keys = |event: &Event| matches!(event, Event::Key { pressed: true, .. } | Event::Text(_));
        let pressed = ui.input_mut(|input| {
            let found = input.events.iter().find_map(Keys::pressed);
            input.events.retain(|event| !of_keys(event));
            found
        })?;
        // These are the dialog's own.
        let plain = pressed.modifiers.is_none();
        match pressed.key {
            Key::Enter | Key::Space | Key::Tab if plain => return None,
            Key::Tab => return None,
            _ => self.asked = None,
        }
        match pressed.key {
            Key::Escape => None,
            Key::Backspace if plain => Some(KeyChange::Give(command, None)),
            _ => {
                let has =
                    |other: &&Command| **other != command && other.keys().iter().any(|keys| keys.is_same(pressed));
                let before = Command::ALL.iter().find(has);
                self.said =
                    before.map(|other| fill("{0} had these keys: {1}", &[&other.full_label(), &pressed.text(ui)]));
                Some(KeyChange::Give(command, Some(pressed)))
            }
        }
    }
}

impl Dialog for Shortcuts {
    type Answer = KeyChange;

    fn show(&mut self, ui: &Ui, _: &View<'_>) -> Outcome<KeyChange> {
        let mut done = false;
        let mut change = self.pressed(ui);
        let room = ui.content_rect().size();
        let columns = ((room.x - 96.0) / (COLUMN + GAP)).floor().clamp(1.0, COLUMNS as f32);
        let width = columns * (COLUMN + GAP) - GAP;
        let close = modal(ui, tr("Keyboard shortcuts"), width, |ui| {
            let edit = TextEdit::singleline(&mut self.typed)
                .hint_text(tr("Search by name or key"))
                .desired_width(f32::INFINITY)
                .margin(Margin::symmetric(8, 6));
            let field = widgets::text(ui, edit).accessible_name(tr("Search the keys"));
            if !std::mem::replace(&mut self.opened, true) {
                field.request_focus();
            }
            ui.add_space(theme::GRID);
            let blocks = blocks(ui, &self.typed);
            // As high as the window lets it, whatever is found: heading, field and button stay where they are.
            let height = (room.y - 244.0).clamp(120.0, 596.0);
            let mut list = ScrollArea::vertical().max_height(height).min_scrolled_height(height).auto_shrink(false);
            if field.changed() {
                list = list.vertical_scroll_offset(0.0);
            }
            list.show(ui, |ui| {
                if blocks.is_empty() {
                    let t = theme::tokens(ui);
                    ui.label(RichText::new(tr("Nothing of that name.")).color(t.text_weak));
                }
                change = change.or(sheet(ui, blocks, columns as usize, &mut self.asked));
            });
            let t = theme::tokens(ui);
            let told = match (self.asked, &self.said) {
                (Some(_), _) => tr("Press the new keys. Esc leaves them as they are, Backspace takes them away."),
                (None, Some(said)) => said,
                (None, None) => tr("Click on a row to give it other keys."),
            };
            ui.label(RichText::new(told).color(t.text_weak));
            buttons(ui, |ui| {
                if Command::ALL.iter().any(|command| is_changed(*command)) && other(ui, tr("Put all keys back")) {
                    change = Some(KeyChange::PutAllBack);
                }
                done = main(ui, tr("Close"), true);
            });
        });
        if let Some(change) = change {
            if !matches!(change, KeyChange::Give(..)) {
                self.said = None;
            }
            return Outcome::Also(change);
        }
        outcome(None, close || done)
    }
}

/// All rows that are found, by their groups; what is done on the canvas last.
fn blocks(ui: &Ui, typed: &str) -> Vec<Block> {
    let place = |command: Command| Command::ALL.iter().position(|c| *c == command).unwrap_or(usize::MAX);
    let mut blocks: Vec<Block> =
        GROUPS.iter().map(|(heading, _)| Block { heading: tr(heading), rows: Vec::new() }).collect();
    // What has no keys is found by those who look for it.
    let listed = |command: &Command| !command.keys().is_empty() || is_changed(*command) || !typed.trim().is_empty();
    for (at, command) in Command::ALL.iter().enumerate().filter(|(_, command)| listed(command)) {
        let group = GROUPS.iter().rposition(|(_, first)| place(*first) <= at).unwrap_or(0);
        // (Under their heading tools need not be called so.)
        let label =
            if GROUPS[group].1 == Command::ToolBrush { command.label().to_owned() } else { command.full_label() };
        let what = label.trim_end_matches('…').to_owned();
        let keys = command.keys().iter().map(|keys| keys.text(ui)).collect();
        blocks[group].rows.push(Row { what, keys, command: Some(*command) });
    }
    let canvas = [
        (tr("Move the canvas"), tr("Hold Space, or middle button")),
        (tr("Zoom to the pointer"), tr("Wheel")),
        (tr("Pick the region under the brush"), tr("Alt+click")),
        (tr("Draw a straight line from the last point"), tr("Shift+click")),
        (tr("Change the brush: across its size, up and down its edge"), tr("Shift+drag, or Ctrl+Alt+drag")),
        (tr("Have a tool in hand for a moment"), tr("Hold its key while using it")),
        (tr("Regions, brush and more at the pointer"), tr("Right button")),
        (tr("Move a region past middles and edges without snapping"), tr("Hold Ctrl while dragging")),
        (tr("Keep a stroke straight, the sides of a shape equal"), tr("Hold Shift while dragging")),
        (tr("Take a shape away from the region"), tr("Hold Alt while beginning")),
        (tr("Draw a shape from its centre"), tr("Hold Alt once it has begun")),
        (tr("Take a stroke back while painting"), tr("Esc, or right button")),
        (tr("Let the words at the cursor count more or less"), tr("Ctrl+Up, Ctrl+Down")),
    ];
    let row = |(what, keys): (&str, &str)| Row { what: what.to_owned(), keys: vec![keys.to_owned()], command: None };
    let rows = canvas.map(row).into();
    blocks.push(Block { heading: tr("On the canvas"), rows });
    for block in &mut blocks {
        block.rows.retain(|row| row.is_found(typed));
    }
    blocks.retain(|block| !block.rows.is_empty());
    blocks
}

/// The blocks in columns, each under the column that ends highest, in their order. `asked` waits for its keys.
fn sheet(ui: &mut Ui, blocks: Vec<Block>, columns: usize, asked: &mut Option<Command>) -> Option<KeyChange> {
    let mut change = None;
    let start = ui.cursor().min;
    let mut ends = vec![0.0_f32; columns];
    for block in blocks {
        let lowest = |best: usize, at: usize| if ends[at] < ends[best] { at } else { best };
        let column = (0..columns).fold(0, lowest);
        let at = start + vec2(column as f32 * (COLUMN + GAP), ends[column]);
        ends[column] += block.height() + theme::GRID;
        let rect = egui::Rect::from_min_size(at, vec2(COLUMN, block.height()));
        ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| change = change.or(block_ui(ui, &block, asked)));
    }
    let end = ends.into_iter().fold(0.0, f32::max);
    ui.expand_to_include_rect(egui::Rect::from_min_max(start, pos2(start.x, start.y + end)));
    change
}

fn block_ui(ui: &mut Ui, block: &Block, asked: &mut Option<Command>) -> Option<KeyChange> {
    let mut change = None;
    let t = theme::tokens(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.allocate_ui_with_layout(vec2(COLUMN, HEADING), Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_height(HEADING);
        ui.add(Label::new(theme::strong(block.heading).color(t.text_strong)).selectable(false));
    });
    for row in &block.rows {
        let waits = row.command.is_some() && row.command == *asked;
        let colon = if row.keys.is_empty() { "" } else { ": " };
        let hint = format!("{}{colon}{}", row.what, row.keys.join(", "));
        let line = ui.allocate_ui_with_layout(vec2(COLUMN, ROW), Layout::right_to_left(Align::Center), |ui| {
            ui.set_min_height(ROW);
            ui.spacing_mut().item_spacing.x = theme::HALF;
            if waits {
                cap(ui, tr("Press keys…"), true);
            } else if row.keys.is_empty() {
                cap(ui, "–", false);
            }
            for keys in row.keys.iter().rev().filter(|_| !waits) {
                cap(ui, keys, false);
            }
            if let Some(command) = row.command.filter(|command| is_changed(*command) && !waits) {
                let back = Button::new(icons::ICON_UNDO.codepoint).frame(false).small();
                let back = ui.add(back).on_hover_text(tr("Put these keys back"));
                if back.accessible_name(fill("Put back: {0}", &[&row.what])).clicked() {
                    change = Some(KeyChange::PutBack(command));
                }
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let label = Label::new(RichText::new(&row.what).color(t.text)).truncate().selectable(false);
                let Some(command) = row.command else {
                    ui.add(label);
                    return;
                };
                let rest = ui.available_size();
                ui.set_min_size(rest);
                ui.add(label);
                let place = ui.interact(ui.min_rect(), ui.scope_id().with(("keys of", &row.what)), Sense::click());
                place.widget_info(|| WidgetInfo::labeled(Role::Button, true, &hint));
                if place.has_focus() || place.hovered() {
                    let stroke = Stroke::new(1.0, t.rail);
                    ui.painter().rect_stroke(
                        place.rect.expand2(vec2(theme::HALF, 0.0)),
                        theme::ROUND_SMALL,
                        stroke,
                        StrokeKind::Inside,
                    );
                }
                if place.on_hover_text(format!("{hint}\n{}", tr("Click to give it other keys"))).clicked() {
                    *asked = Some(command);
                }
            });
        });
        if row.command.is_none() {
            line.response.on_hover_text(hint);
        }
    }
    change
}

/// Keys as they stand on a keyboard; `waits` for those that are still to be pressed.
fn cap(ui: &mut Ui, keys: &str, waits: bool) {
    let t = theme::tokens(ui);
    let stroke = Stroke::new(1.0, if waits { t.accent } else { t.rail });
    Frame::new()
        .fill(t.card)
        .stroke(stroke)
        .corner_radius(theme::ROUND_SMALL)
        .inner_margin(Margin::symmetric(6, 0))
        .show(ui, |ui| {
            let text = RichText::new(keys).font(FontId::proportional(theme::TEXT_SMALL)).color(t.text);
            ui.add(Label::new(text).selectable(false));
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_begins_with_a_command_of_the_table_in_its_order() {
        let place = |command: Command| Command::ALL.iter().position(|c| *c == command).expect("a command");
        let places: Vec<usize> = GROUPS.iter().map(|(_, first)| place(*first)).collect();
        assert!(places.is_sorted() && places.first() == Some(&0), "{places:?}");
    }

    #[test]
    fn rows_are_found_by_what_they_do_and_by_their_keys() {
        let row = Row { what: "Save as".to_owned(), keys: vec!["Ctrl+Shift+S".to_owned()], command: None };
        for typed in ["", "save", "AS save", "shift+s", "ctrl as"] {
            assert!(row.is_found(typed), "{typed}");
        }
        assert!(!row.is_found("load") && !row.is_found("save alt"));
    }
}
