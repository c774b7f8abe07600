//! All keys on one page.

use super::{Dialog, Outcome, View, buttons, main, modal, outcome};
use crate::app::command::Command;
use crate::app::kit::theme;
use crate::app::text::i18n::tr;
use egui::{Align, Layout, RichText, Ui};
use egui_extras::{Column, TableBuilder};

/// Shows them.
pub(in crate::app) struct Shortcuts;

impl Dialog for Shortcuts {
    type Answer = ();

    fn show(&mut self, ui: &Ui, _: &View<'_>) -> Outcome<()> {
        let mut done = false;
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
            let canvas = canvas.map(|(what, keys)| (what.to_owned(), keys.to_owned()));
            let rows: Vec<(String, String)> = commands.chain(canvas).collect();
            // As high as the window lets it: heading and button stay in sight.
            let height = (ui.content_rect().height() - 160.0).clamp(120.0, 560.0);
            TableBuilder::new(ui)
                .striped(true)
                .column(Column::remainder())
                .column(Column::auto().at_least(208.0))
                .cell_layout(Layout::left_to_right(Align::Center))
                .min_scrolled_height(height)
                .max_scroll_height(height)
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
            buttons(ui, |ui| done = main(ui, tr("Close"), true));
        });
        outcome(None, close || done)
    }
}
