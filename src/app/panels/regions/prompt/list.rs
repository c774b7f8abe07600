//! The list of completions at the cursor.

use crate::app::editor::Selected;
use crate::app::kit::theme;
use crate::app::text::i18n::tr;
use crate::studio::{Completion, Offer};
use egui::text::{LayoutJob, TextFormat};
use egui::{
    Align2, Event, FontId, Id, Key, LayerId, Margin, Popup, PopupCloseBehavior, PopupKind, Rect, RectAlign, Role,
    Sense, Ui, WidgetInfo, pos2, vec2,
};

/// Width of the list.
const WIDTH: f32 = 264.0;
/// Height of an offer.
const ROW: f32 = 26.0;

/// Completions of what is being typed.
pub(super) struct List {
    pub key: Selected,
    /// The words and the cursor they are for.
    text: String,
    cursor: usize,
    pub completion: Completion,
    /// The offer that Enter and Tab take.
    pub chosen: Option<usize>,
}

/// The keys' requests to the list.
#[derive(Default)]
pub(super) struct Pressed {
    pub take: Option<usize>,
    pub close: bool,
}

impl List {
    pub(super) fn new(key: Selected, text: &str, cursor: usize, completion: Completion) -> Self {
        let chosen = completion.sure.then_some(0);
        Self { key, text: text.to_owned(), cursor, completion, chosen }
    }

    /// True while words and cursor are the ones it was made for.
    pub(super) fn is_of(&self, text: &str, cursor: Option<usize>) -> bool {
        self.text == text && cursor == Some(self.cursor)
    }

    /// Takes its keys out of this frame's events, up to the first that is not one of them.
    pub(super) fn keys(&mut self, ui: &Ui) -> Pressed {
        let mut pressed = Pressed::default();
        let count = self.completion.offers.len();
        let mut open = true;
        ui.input_mut(|input| {
            input.events.retain(|event| {
                let Event::Key { key, modifiers, pressed: true, .. } = event else {
                    open &= !matches!(event, Event::Text(_) | Event::Paste(_));
                    return true;
                };
                if !open || !modifiers.is_none() {
                    return true;
                }
                match (key, self.chosen) {
                    (Key::ArrowDown, chosen) => self.chosen = Some(chosen.map_or(0, |i| (i + 1) % count)),
                    (Key::ArrowUp, chosen) => {
                        self.chosen = Some(chosen.map_or(count - 1, |i| (i + count - 1) % count));
                    }
                    (Key::Enter | Key::Tab, Some(chosen)) => {
                        pressed.take = Some(chosen);
                        open = false;
                    }
                    (Key::Escape, _) => {
                        pressed.close = true;
                        open = false;
                    }
                    _ => return true,
                }
                false
            });
        });
        pressed
    }

    /// Draws it below the place where the words begin that it completes. Returns the offer that was clicked.
    pub(super) fn show(&mut self, ui: &Ui, field: Id, mut at: Rect, text: &str) -> Option<usize> {
        let typed = text.get(self.completion.range.clone()).unwrap_or_default().to_lowercase();
        let frame = egui::Frame::popup(ui.style()).inner_margin(Margin::same(4));
        // Not beyond the panel: the canvas stays in sight.
        let beyond = at.left() + WIDTH - ui.max_rect().right();
        at = at.translate(vec2(-beyond.max(0.0), 0.0));
        let shown = Popup::new(list_id(field), ui.ctx().clone(), at.expand2(vec2(8.0, 3.0)), ui.layer_id())
            .kind(PopupKind::Popup)
            .open(true)
            .close_behavior(PopupCloseBehavior::IgnoreClicks)
            .align(RectAlign::BOTTOM_START)
            .align_alternatives(&[RectAlign::TOP_START])
            .accessible_name(tr("Known words"))
            .frame(frame)
            .width(WIDTH)
            .gap(0.0)
            .show(|ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                let moved = ui.input(|i| i.pointer.is_moving());
                let mut clicked = None;
                for (i, offer) in self.completion.offers.iter().enumerate() {
                    let (rect, response) = ui.allocate_exact_size(vec2(WIDTH, ROW), Sense::CLICK);
                    let chosen = self.chosen == Some(i);
                    let name = format!("{}, {}", offer.text, offer.about);
                    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, chosen, &name));
                    row(ui, rect, offer, &typed, chosen);
                    if chosen {
                        ui.accesskit_node_builder(field, |node| {
                            node.set_active_descendant(response.id.accesskit_id());
                        });
                    }
                    if response.hovered() && moved {
                        self.chosen = Some(i);
                    }
                    if response.clicked() {
                        clicked = Some(i);
                    }
                }
                clicked
            });
        shown.and_then(|inner| inner.inner)
    }
}

/// One offer: the words, the typed part strong; at the right what they are, and dots for the colours.
fn row(ui: &Ui, rect: Rect, offer: &Offer, typed: &str, chosen: bool) {
    let t = theme::tokens(ui);
    let painter = ui.painter();
    if chosen {
        painter.rect_filled(rect, theme::ROUND_SMALL, t.accent_quiet);
    }
    let plain = TextFormat::simple(FontId::proportional(theme::TEXT), t.text);
    let strong = TextFormat::simple(FontId::new(theme::TEXT, theme::strong_family()), t.text_strong);
    let at = offer.text.find(typed).unwrap_or(0);
    let end = if offer.text.get(at..).is_some_and(|rest| rest.starts_with(typed)) { at + typed.len() } else { at };
    let mut job = LayoutJob::default();
    for (range, format) in [(0..at, &plain), (at..end, &strong), (end..offer.text.len(), &plain)] {
        job.append(offer.text.get(range).unwrap_or_default(), 0.0, format.clone());
    }
    let galley = painter.layout_job(job);
    let text_end = rect.left() + theme::GRID + galley.size().x;
    painter.galley(pos2(rect.left() + theme::GRID, rect.center().y - galley.size().y * 0.5), galley, t.text);
    let font = FontId::proportional(theme::TEXT_SMALL);
    let weak = if chosen { t.text } else { t.text_weak };
    let right = pos2(rect.right() - theme::GRID, rect.center().y);
    let mut x = painter.text(right, Align2::RIGHT_CENTER, &offer.about, font, weak).left() - theme::GRID;
    for colour in offer.colours.iter().rev().filter_map(|c| theme::named(c)) {
        if x - 12.0 < text_end {
            break;
        }
        painter.circle(pos2(x - 4.0, rect.center().y), 4.0, colour, egui::Stroke::new(1.0, t.line));
        x -= 11.0;
    }
}

fn list_id(field: Id) -> Id {
    field.with("known words")
}

/// Draws a field that keeps the keyboard while its list is clicked.
pub(super) fn without_losing_focus<R>(ui: &mut Ui, field: Id, show: impl FnOnce(&mut Ui) -> R) -> R {
    let layer = LayerId::new(PopupKind::Popup.order(), list_id(field));
    let under = ui.ctx().pointer_interact_pos().and_then(|at| ui.ctx().layer_id_at(at));
    if under != Some(layer) {
        return show(ui);
    }
    let usual = ui.options(|options| options.input_options.surrender_focus_on);
    ui.options_mut(|options| options.input_options.surrender_focus_on = egui::SurrenderFocusOn::Never);
    let shown = show(ui);
    ui.options_mut(|options| options.input_options.surrender_focus_on = usual);
    shown
}
