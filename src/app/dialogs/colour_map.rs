//! Regions from a colour map: a flat-coloured picture in which each colour is one. One dialog asks what each colour shows.

use super::{Dialog, Outcome, View, buttons, main, modal, other, outcome};
use crate::app::editor::is_blank;
use crate::app::kit::{theme, widgets};
use crate::app::text::format::decimal;
use crate::app::text::i18n::{fill, tr};
use crate::document::{Chosen, ColourMap, Document, MAX_REGIONS, MapColour, check_canvas};
use egui::{Align, Frame, Layout, Margin, RichText, ScrollArea, Sense, TextEdit, Ui, vec2};
use std::sync::Arc;

/// Height of a colour in the list, in points.
const ROW: f32 = theme::ROW + 8.0;
/// Height of the list: eight colours and a half, so that one sees that it goes on.
const LIST: f32 = 8.5 * (ROW + theme::GRID);

/// The colours of a map, and what is to become of each.
pub(in crate::app) struct AskColours {
    name: String,
    map: Arc<ColourMap>,
    rows: Vec<Row>,
    /// True where the canvas takes over the map's size; `None` where that is not to be asked.
    own_size: Option<bool>,
    focused: bool,
}

/// The choices for one colour.
struct Row {
    kept: bool,
    words: String,
}

/// The regions that are to be added.
pub(in crate::app) struct ChosenColours {
    pub map: Arc<ColourMap>,
    pub chosen: Vec<Chosen>,
    /// The canvas's new size, where it takes over the map's.
    pub size: Option<(u32, u32)>,
}

impl AskColours {
    /// Asks about a map that is called this.
    pub(in crate::app) fn new(name: String, map: Arc<ColourMap>, document: &Document) -> Self {
        let (width, height) = (map.width(), map.height());
        let other_size = (width, height) != (document.width, document.height);
        let possible = check_canvas(u64::from(width), u64::from(height)).is_ok();
        let own_size = (other_size && possible && is_blank(document)).then_some(true);
        let rows = map.all().into_iter().map(|chosen| Row { kept: true, words: chosen.words }).collect();
        Self { name, map, rows, own_size, focused: false }
    }
}

impl Dialog for AskColours {
    type Answer = ChosenColours;

    fn show(&mut self, ui: &Ui, view: &View<'_>) -> Outcome<ChosenColours> {
        let t = theme::tokens(ui);
        let document = view.editor.document();
        let size = (document.width, document.height);
        let room = MAX_REGIONS.saturating_sub(document.regions.len());
        let (mut add, mut cancel) = (false, false);
        let (count, width, height) = (self.rows.len(), self.map.width(), self.map.height());
        let close = modal(ui, tr("Import colour map"), 480.0, |ui| {
            let told = fill("{0} · {1} × {2} · {3} colours", &[&self.name, &width, &height, &count]);
            ui.add(egui::Label::new(RichText::new(told).size(theme::TEXT_SMALL).color(t.text_weak)).truncate());
            self.list(ui);
            let kept = self.rows.iter().filter(|row| row.kept).count();
            if let Some(own) = &mut self.own_size {
                ui.checkbox(own, fill("Make the canvas as large as the map: {0} × {1}", &[&width, &height]));
            } else if (width, height) != size {
                let text = fill("The map is scaled to cover the canvas of {0} × {1}.", &[&size.0, &size.1]);
                ui.label(RichText::new(text).color(t.text_weak));
            }
            if kept > room {
                let text = fill("There is room for {0} more regions. Leave some colours out.", &[&room]);
                ui.label(RichText::new(text).color(t.warning));
            }
            buttons(ui, |ui| {
                cancel = other(ui, tr("Cancel"));
                add = main(ui, tr("Add regions"), (1..=room).contains(&kept));
            });
        });
        let answer = add.then(|| ChosenColours {
            map: Arc::clone(&self.map),
            chosen: self.chosen(),
            size: self.own_size.is_some_and(|own| own).then_some((width, height)),
        });
        outcome(answer, close || cancel)
    }
}

impl AskColours {
    /// The colours with a field for the words of each, the largest first.
    fn list(&mut self, ui: &mut Ui) {
        let scroll = ScrollArea::vertical().max_height(LIST).auto_shrink([false, true]);
        scroll.show_rows(ui, ROW, self.rows.len(), |ui, shown| {
            ui.set_width(ui.available_width() - theme::GRID);
            for at in shown {
                if let (Some(row), Some(colour)) = (self.rows.get_mut(at), self.map.colours().get(at)) {
                    let response = row.ui(ui, colour);
                    if !std::mem::replace(&mut self.focused, true) {
                        response.request_focus();
                    }
                }
            }
        });
    }

    /// The colours that become regions, with their names.
    fn chosen(&self) -> Vec<Chosen> {
        let rows = self.map.colours().iter().zip(&self.rows).enumerate().filter(|(_, (_, row))| row.kept);
        rows.map(|(colour, (of, row))| {
            let words = row.words.trim().to_owned();
            let first: String =
                words.split([',', '.', '\n']).next().unwrap_or_default().trim().chars().take(32).collect();
            let name = if first.is_empty() { fill("Colour {0}", &[&of.colour]) } else { first };
            Chosen { colour, name, words }
        })
        .collect()
    }
}

impl Row {
    /// Draws one row: the box that keeps the colour, the colour, its words, and the share of the map that it covers.
    fn ui(&mut self, ui: &mut Ui, of: &MapColour) -> egui::Response {
        let t = theme::tokens(ui);
        let hex = of.colour.to_string();
        let frame = Frame::new().fill(t.card).corner_radius(theme::ROUND).inner_margin(Margin::symmetric(8, 4));
        let row = |ui: &mut Ui| {
            ui.set_height(theme::ROW);
            let kept = ui.checkbox(&mut self.kept, "").accessible_name(fill("Use {0}", &[&hex]));
            kept.on_hover_text(tr("Leave it out, and the background shows in its place"));
            let (rect, swatch) = ui.allocate_exact_size(vec2(20.0, 20.0), Sense::hover());
            ui.painter().rect_filled(rect, theme::ROUND_SMALL, theme::region(of.colour));
            let line = egui::Stroke::new(1.0, t.line);
            ui.painter().rect_stroke(rect, theme::ROUND_SMALL, line, egui::StrokeKind::Inside);
            swatch.on_hover_text(&hex);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let share = RichText::new(percent(of.share)).size(theme::TEXT_SMALL).color(t.text_weak);
                ui.allocate_ui_with_layout(vec2(44.0, theme::ROW), Layout::right_to_left(Align::Center), |ui| {
                    ui.set_min_width(44.0);
                    ui.add(egui::Label::new(share).selectable(false));
                });
                let edit = TextEdit::singleline(&mut self.words)
                    .hint_text(tr("What this colour shows"))
                    .desired_width(f32::INFINITY)
                    .margin(Margin::symmetric(8, 4));
                let field = ui.add_enabled_ui(self.kept, |ui| widgets::text(ui, edit)).inner;
                field.accessible_name(fill("Words of {0}", &[&hex]))
            })
            .inner
        };
        frame.show(ui, |ui| ui.horizontal(row).inner).inner
    }
}

/// A share in whole percents, one digit below one.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 1.0 { format!("{percent:.0} %") } else { format!("{} %", decimal(percent, 1)) }
}
