//! The line above the settings that says what is worth knowing before the picture is made, and leads to the card that it is about.

use crate::app::command::Command;
use crate::app::editor::Selected;
use crate::app::generation::checks::Note;
use crate::app::kit::{theme, widgets};
use crate::app::panels::Desk;
use crate::app::text::i18n::tr;
use crate::document::RegionId;
use egui::text::{LayoutJob, TextFormat};
use egui::{
    Button, CursorIcon, FontId, Label, Popup, Response, RichText, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2,
};

/// Width of the sign of further notes.
const MORE: f32 = 36.0;

impl Desk<'_> {
    pub(super) fn notes_ui(&mut self, ui: &mut Ui) {
        let mut notes: Vec<Note> = self.checks.notes().cloned().collect();
        notes.extend(self.generation.live.warnings().iter().cloned().map(Note::from));
        // What holds the picture up is said before what merely spoils it.
        let stops = |note: &Note| note.cards == [Selected::Region(RegionId::INPAINT)];
        if self.editor.nothing_may_change() {
            notes.sort_by_key(|note| !stops(note));
        }
        let chosen = widgets::at_times(ui, !notes.is_empty(), |ui| first_of(ui, &notes)).flatten();
        // Of several cards the one after the one that is open.
        if let Some(Note { cards, .. }) = chosen {
            let open = cards.iter().position(|card| *card == self.editor.selected());
            let next = cards.get(open.map_or(0, |at| at + 1)).or(cards.first());
            match next {
                Some(Selected::Region(RegionId::INPAINT)) if self.editor.paints_change() => {}
                Some(Selected::Region(RegionId::INPAINT)) => self.perform(Command::PaintChange),
                Some(card) => {
                    self.editor.select(*card);
                    self.panels.cards.reveal();
                }
                None => {}
            }
        }
    }
}

/// The first note, and the sign of the others; returns the one that was pressed.
fn first_of<'a>(ui: &mut Ui, notes: &'a [Note]) -> Option<&'a Note> {
    let (first, more) = notes.split_first()?;
    let t = theme::tokens(ui);
    let mut chosen = None;
    ui.horizontal(|ui| {
        if !first.mild {
            dot(ui, 10.0);
        }
        let sign = if more.is_empty() { 0.0 } else { MORE };
        ui.scope(|ui| {
            ui.set_max_width((ui.available_width() - sign).max(24.0));
            if line(ui, first).clicked() {
                chosen = Some(first);
            }
        });
        if !more.is_empty() {
            widgets::flat(ui);
            let text = RichText::new(format!("+{}", more.len())).color(t.text_weak);
            let button = ui.add(Button::new(text)).accessible_name(tr("More notes"));
            Popup::menu(&button).show(|ui| {
                ui.set_max_width(320.0);
                for note in more {
                    let text = RichText::new(&note.text).color(if note.mild { t.text } else { t.warning });
                    if note.cards.is_empty() {
                        ui.label(text);
                    } else if ui.add(Button::new(text).wrap()).clicked() {
                        chosen = Some(note);
                    }
                }
            });
            let texts: Vec<&str> = more.iter().map(|note| note.text.as_str()).collect();
            button.on_hover_text(texts.join("\n"));
        }
    });
    chosen
}

/// The sign that there is a note, as on the cards.
fn dot(ui: &mut Ui, side: f32) {
    let (rect, _) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
    ui.painter().circle_filled(rect.center(), 4.0, theme::tokens(ui).warning);
}

/// A note in at most two rows, to press where it is about a card.
fn line(ui: &mut Ui, note: &Note) -> Response {
    let t = theme::tokens(ui);
    let colour = if note.mild { t.text_weak } else { t.warning };
    let format = TextFormat::simple(FontId::proportional(theme::TEXT), colour);
    let mut job = LayoutJob::single_section(note.text.clone(), format);
    job.wrap.max_rows = 2;
    let leads = !note.cards.is_empty();
    let label = Label::new(job).wrap().selectable(false);
    let ground = ui.painter().add(egui::Shape::Noop);
    let response = ui.add(if leads { label.sense(Sense::click()) } else { label });
    if !leads {
        return response.on_hover_text(&note.text);
    }
    let around = response.rect.expand2(vec2(3.0, 2.0));
    if response.hovered() {
        ui.painter().set(ground, egui::Shape::rect_filled(around, theme::ROUND_SMALL, t.warning_ground));
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &note.text));
    if response.has_focus() {
        ui.painter().rect_stroke(around, theme::ROUND_SMALL, Stroke::new(1.0, t.accent), StrokeKind::Outside);
    }
    let hint = format!("{}\n{}", note.text, tr("Click to see its card"));
    response.on_hover_cursor(CursorIcon::PointingHand).on_hover_text(hint)
}
