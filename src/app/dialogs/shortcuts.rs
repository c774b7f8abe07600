//! All keys on one sheet: by what they are for, in as many columns as there is room for, with a field to search them.

use super::{Dialog, Outcome, View, buttons, main, modal, outcome};
use crate::app::command::Command;
use crate::app::kit::{theme, widgets};
use crate::app::text::i18n::{key, tr};
use egui::{
    Align, FontId, Frame, Label, Layout, Margin, RichText, ScrollArea, Stroke, TextEdit, Ui, UiBuilder, pos2, vec2,
};

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
}

/// One line: what is done, and the keys that do it, each of which is one way.
struct Row {
    what: String,
    keys: Vec<String>,
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

impl Dialog for Shortcuts {
    type Answer = ();

    fn show(&mut self, ui: &Ui, _: &View<'_>) -> Outcome<()> {
        let mut done = false;
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
            let height = (room.y - 220.0).clamp(120.0, 620.0);
            let mut list = ScrollArea::vertical().max_height(height).min_scrolled_height(height).auto_shrink(false);
            if field.changed() {
                list = list.vertical_scroll_offset(0.0);
            }
            list.show(ui, |ui| {
                if blocks.is_empty() {
                    let t = theme::tokens(ui);
                    ui.label(RichText::new(tr("Nothing of that name.")).color(t.text_weak));
                }
                sheet(ui, blocks, columns as usize);
            });
            buttons(ui, |ui| done = main(ui, tr("Close"), true));
        });
        outcome(None, close || done)
    }
}

/// All rows that are found, by their groups; what is done on the canvas last.
fn blocks(ui: &Ui, typed: &str) -> Vec<Block> {
    let place = |command: Command| Command::ALL.iter().position(|c| *c == command).unwrap_or(usize::MAX);
    let mut blocks: Vec<Block> =
        GROUPS.iter().map(|(heading, _)| Block { heading: tr(heading), rows: Vec::new() }).collect();
    for (at, command) in Command::ALL.iter().enumerate().filter(|(_, c)| !c.keys().is_empty()) {
        let group = GROUPS.iter().rposition(|(_, first)| place(*first) <= at).unwrap_or(0);
        // (Under their heading tools need not be called so.)
        let label =
            if GROUPS[group].1 == Command::ToolBrush { command.label().to_owned() } else { command.full_label() };
        let what = label.trim_end_matches('…').to_owned();
        let keys = command.keys().iter().map(|keys| keys.text(ui)).collect();
        blocks[group].rows.push(Row { what, keys });
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
    let rows = canvas.map(|(what, keys)| Row { what: what.to_owned(), keys: vec![keys.to_owned()] }).into();
    blocks.push(Block { heading: tr("On the canvas"), rows });
    for block in &mut blocks {
        block.rows.retain(|row| row.is_found(typed));
    }
    blocks.retain(|block| !block.rows.is_empty());
    blocks
}

/// The blocks in columns, each under the column that ends highest, in their order.
fn sheet(ui: &mut Ui, blocks: Vec<Block>, columns: usize) {
    let start = ui.cursor().min;
    let mut ends = vec![0.0_f32; columns];
    for block in blocks {
        let lowest = |best: usize, at: usize| if ends[at] < ends[best] { at } else { best };
        let column = (0..columns).fold(0, lowest);
        let at = start + vec2(column as f32 * (COLUMN + GAP), ends[column]);
        ends[column] += block.height() + theme::GRID;
        let rect = egui::Rect::from_min_size(at, vec2(COLUMN, block.height()));
        ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| block_ui(ui, &block));
    }
    let end = ends.into_iter().fold(0.0, f32::max);
    ui.expand_to_include_rect(egui::Rect::from_min_max(start, pos2(start.x, start.y + end)));
}

fn block_ui(ui: &mut Ui, block: &Block) {
    let t = theme::tokens(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.allocate_ui_with_layout(vec2(COLUMN, HEADING), Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_height(HEADING);
        ui.add(Label::new(theme::strong(block.heading).color(t.text_strong)).selectable(false));
    });
    for row in &block.rows {
        let hint = format!("{}: {}", row.what, row.keys.join(", "));
        let line = ui.allocate_ui_with_layout(vec2(COLUMN, ROW), Layout::right_to_left(Align::Center), |ui| {
            ui.set_min_height(ROW);
            ui.spacing_mut().item_spacing.x = theme::HALF;
            for keys in row.keys.iter().rev() {
                cap(ui, keys);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(RichText::new(&row.what).color(t.text)).truncate().selectable(false));
            });
        });
        line.response.on_hover_text(hint);
    }
}

/// Keys as they stand on a keyboard.
fn cap(ui: &mut Ui, keys: &str) {
    let t = theme::tokens(ui);
    let stroke = Stroke::new(1.0, t.rail);
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
        let row = Row { what: "Save as".to_owned(), keys: vec!["Ctrl+Shift+S".to_owned()] };
        for typed in ["", "save", "AS save", "shift+s", "ctrl as"] {
            assert!(row.is_found(typed), "{typed}");
        }
        assert!(!row.is_found("load") && !row.is_found("save alt"));
    }
}
