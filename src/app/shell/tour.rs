//! The first-run tour: four short notes beside the things they speak of. Nothing is blocked meanwhile; a person may try at once.

use crate::app::App;
use crate::app::kit::landmarks::Landmark;
use crate::app::kit::{theme, widgets};
use crate::app::text::i18n::{fill, tr};
use egui::{Align, Area, Button, Id, Key, Layout, Order, Pos2, Rect, RichText, Sense, Stroke, StrokeKind, Ui, vec2};

/// A note of the tour: what it points at, its heading and its words.
type Note = (Landmark, fn() -> &'static str, fn() -> &'static str);

const NOTES: [Note; 4] = [
    (
        Landmark::Tools,
        || tr("Paint where things go"),
        || {
            tr(
                "Take the brush and paint on the canvas: each region is a place for one thing. This example already has some.",
            )
        },
    ),
    (
        Landmark::Regions,
        || tr("Say what goes there"),
        || tr("Every region has a card with its own words. The background's words are for all the rest."),
    ),
    (
        Landmark::Generate,
        || tr("Make the picture"),
        || tr("One picture grows under all regions at once. It draws on this computer, and nothing is sent anywhere."),
    ),
    (
        Landmark::Canvas,
        || tr("Watch, change, try again"),
        || {
            tr(
                "Every picture is kept in a strip below. Paint on, change words, or draw a single region again. Ctrl+K finds everything else.",
            )
        },
    ),
];

/// Width of a note.
const WIDTH: f32 = 288.0;

/// The tour's place; `None` when nobody is on it.
#[derive(Debug, Default)]
pub(in crate::app) struct Tour {
    at: Option<usize>,
    gone: Option<Gone>,
}

/// The last note. What is clicked where it was is meant for its button, and not for what lies below.
#[derive(Debug, Clone, Copy)]
struct Gone {
    note: Rect,
    /// Its main button.
    button: Rect,
    /// The time at which it went.
    at: f64,
}

impl Gone {
    /// True while the pointer is where the button was.
    fn is_pointed_at(&self, ui: &Ui) -> bool {
        ui.input(|i| i.pointer.latest_pos()).is_some_and(|at| self.button.contains(at))
    }
}

/// Seconds for which a click where the last note was is taken for a second click on its button.
const SLOW_HAND: f64 = 0.6;

impl Tour {
    /// Begins the tour with its first note.
    pub(in crate::app) fn begin(&mut self) {
        (self.at, self.gone) = (Some(0), None);
    }
}

impl App {
    /// Draws the note, above everything but dialogs.
    pub(in crate::app) fn tour_ui(&mut self, ui: &Ui) {
        self.shield_ui(ui);
        let Some((at, &(place, heading, words))) = self.tour.at.and_then(|at| Some((at, NOTES.get(at)?))) else {
            return;
        };
        let Some(rect) = place.place(ui) else { return };
        let t = theme::tokens(ui);
        let ring = rect.shrink(2.0);
        let painter = ui.ctx().layer_painter(egui::LayerId::new(Order::Foreground, Id::unique("ring of the tour")));
        painter.rect_stroke(ring, theme::ROUND, Stroke::new(2.0, t.accent), StrokeKind::Inside);

        let (mut next, mut main) = (Some(at), Rect::NOTHING);
        let area = Area::new(Id::unique("note of the tour")).order(Order::Foreground).fixed_pos(beside(ui, rect));
        let shown = area.fade_in(false).show(ui, |ui| {
            theme::bar_frame(t).inner_margin(16).show(ui, |ui| {
                ui.set_width(WIDTH);
                ui.label(theme::strong(heading()).color(t.text_strong));
                ui.label(RichText::new(words()).color(t.text));
                ui.add_space(theme::HALF);
                ui.horizontal(|ui| {
                    let count = fill("{0} of {1}", &[&(at + 1), &NOTES.len()]);
                    ui.label(RichText::new(count).size(theme::TEXT_SMALL).color(t.text_weak));
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        let last = at + 1 == NOTES.len();
                        let text =
                            theme::strong(if last { tr("Start painting") } else { tr("Next") }).color(t.on_accent);
                        let button = Button::new(text).fill(t.accent_fill).corner_radius(theme::ROUND_SMALL);
                        // (The second click of a double click belongs to the note before.)
                        let button = ui.add(button.min_size(vec2(72.0, theme::ROW)));
                        main = button.rect;
                        if button.clicked() && !button.double_clicked() {
                            next = (!last).then_some(at + 1);
                        }
                        if at > 0 && ui.add(Button::new(tr("Back")).min_size(vec2(0.0, theme::ROW))).clicked() {
                            next = Some(at - 1);
                        }
                        if !last {
                            widgets::flat(ui);
                            if ui.button(RichText::new(tr("Skip")).color(t.text_weak)).clicked() {
                                next = None;
                            }
                        }
                    });
                });
            })
        });
        shown.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Dialog, true, tr("Tour")));
        let free = !self.is_asking() && !self.something_to_stop();
        if free && ui.input_mut(|i| i.consume_key(egui::Modifiers::NONE, Key::Escape)) {
            next = None;
        }
        // Enter presses the blue button, unless something else has the keyboard.
        let enter = free && ui.memory(|m| m.focused().is_none());
        if enter && ui.input_mut(|i| i.consume_key(egui::Modifiers::NONE, Key::Enter)) {
            next = (at + 1 < NOTES.len()).then_some(at + 1);
        }
        if next != Some(at) {
            let now = ui.input(|i| i.time);
            // (A click that was on its way while the frame before was drawn was meant for the button where the pointer still is.)
            let gone = self.tour.gone.filter(|gone| gone.is_pointed_at(ui));
            let gone = gone.unwrap_or(Gone { note: shown.response.rect, button: main, at: now });
            self.tour.gone = Some(Gone { at: now, ..gone });
            self.shield_ui(ui);
            ui.request_repaint();
        }
        self.tour.at = next;
    }

    /// Lies where the last note was for a moment, and does nothing with what it is clicked by; and where its button was for as long as
    /// the pointer stays there, as if the button were there still: the next note stands elsewhere.
    fn shield_ui(&mut self, ui: &Ui) {
        let Some(gone) = self.tour.gone else { return };
        let left = gone.at + SLOW_HAND - ui.input(|i| i.time);
        let soon = left > 0.0;
        let shields = soon || (gone.is_pointed_at(ui) && self.tour.at.is_some());
        if !shields {
            self.tour.gone = None;
            return;
        }
        let rect = if soon { gone.note } else { gone.button };
        let area = Area::new(Id::unique("shield of the tour")).order(Order::Foreground).fixed_pos(rect.min);
        let shield = area.fade_in(false).show(ui, |ui| ui.allocate_exact_size(rect.size(), Sense::click_and_drag()).1);
        if soon {
            ui.request_repaint_after(std::time::Duration::from_secs_f64(left));
        } else if shield.inner.clicked() {
            self.tour.at = self.tour.at.map(|at| (at + 1).min(NOTES.len() - 1));
            self.tour.gone = Some(Gone { at: ui.input(|i| i.time), ..gone });
            ui.request_repaint();
        }
    }
}

/// A corner for the note: left of what is at the right edge, right of what is at the left edge, and over what fills the middle.
fn beside(ctx: &egui::Context, rect: Rect) -> Pos2 {
    let window = ctx.content_rect();
    let (gap, outer) = (16.0, WIDTH + 32.0);
    let x = if rect.left() - window.left() > outer + gap && rect.right() > window.right() - gap {
        rect.left() - outer - gap
    } else if window.right() - rect.right() > outer + gap {
        rect.right() + gap
    } else if rect.left() - window.left() > outer + gap {
        rect.left() - outer - gap
    } else {
        rect.center().x - outer / 2.0
    };
    // Low things have their note ending where they end.
    let low = rect.center().y > window.center().y + window.height() / 4.0;
    // The bar of the tool in hand lies along the upper edge.
    let y = if low { rect.bottom() - 168.0 } else { rect.top() + 56.0 };
    Pos2::new(x.max(window.left() + gap), y.clamp(window.top() + gap, (window.bottom() - 184.0).max(window.top())))
}
