//! A look at the picture that was shown before, for as long as a key is held.

use crate::app::App;
use crate::app::command::Command;
use crate::app::generation::takes::Wish;
use crate::app::kit::theme;
use crate::app::text::i18n::{fill, tr};
use crate::document::Take;
use egui::{Align2, Area, Event, Id, Order, RichText, Ui, vec2};
use std::sync::Arc;

/// The picture that was shown before the one on the canvas, and whether it is seen now.
#[derive(Default)]
pub(in crate::app) struct Peeking {
    shown: Option<u64>,
    before: Option<u64>,
    /// The one that is wanted, and its picture once that is open.
    now: Option<(u64, Option<Arc<Take>>)>,
}

impl Peeking {
    /// Notes which picture is shown.
    pub(super) fn follow(&mut self, shown: Option<u64>) {
        if shown.is_some() && shown != self.shown {
            self.before = self.shown;
            self.shown = shown;
        }
    }

    /// The picture that is seen in place of the one on the canvas.
    pub(super) fn picture(&self) -> Option<Arc<Take>> {
        self.now.as_ref()?.1.clone()
    }
}

impl App {
    /// Shows the picture that was shown before, or else the one made before, until the key is let go or another one is pressed.
    pub(super) fn peek(&mut self) {
        let shown = self.shown_take();
        let there = |number: &u64| Some(*number) != shown && self.open.takes.item(*number).is_some();
        let before = self.open.peek.before.filter(there);
        let beside = || [1, -1].into_iter().find_map(|by| self.open.takes.neighbour(shown, by));
        if let Some(number) = before.or_else(beside).filter(|number| Some(*number) != shown) {
            self.open.peek.now = Some((number, None));
            self.grant(number, Wish::Peek);
        }
    }

    /// The picture that one wants to peek at is open.
    pub(super) fn peek_at(&mut self, number: u64, take: Arc<Take>) {
        let document = self.open.editor.document();
        let fits = take.image.dimensions() == (document.width, document.height);
        if !fits {
            self.open.peek.now = None;
            return self.toasts.info(tr("The picture shown before has another size than the canvas."));
        }
        if let Some((_, seen)) = self.open.peek.now.as_mut().filter(|(wanted, _)| *wanted == number) {
            *seen = Some(take);
        }
    }

    /// Ends the look when its key is let go. (Called from a menu there is none: then any key or button ends it.)
    pub(super) fn end_peek(&mut self, ui: &Ui) {
        if self.open.peek.now.is_none() {
            return;
        }
        let keys = Command::PeekTake.keys();
        let ends = |event: &Event| match event {
            Event::Key { key, physical_key, pressed, repeat, .. } => {
                let own = keys.iter().any(|keys| keys.key == *key || Some(keys.key) == *physical_key);
                if own { !pressed } else { *pressed && !repeat }
            }
            Event::PointerButton { pressed, .. } => *pressed,
            Event::WindowFocused(focused) => !focused,
            _ => false,
        };
        if ui.input(|i| i.events.iter().any(ends)) {
            self.open.peek.now = None;
        }
    }

    /// Says at the top of the canvas which picture one peeks at.
    pub(super) fn peek_note(&self, ui: &Ui, canvas: egui::Rect) {
        let Some((number, Some(_))) = &self.open.peek.now else { return };
        let at = self.open.takes.items().iter().position(|item| item.number == *number);
        let caption = at.and_then(|at| self.open.takes.captions().into_iter().nth(at)).unwrap_or_default();
        let t = theme::tokens(ui);
        let area = Area::new(Id::unique("peek")).order(Order::Foreground).fade_in(false).interactable(false);
        area.fixed_pos(canvas.center_top() + vec2(0.0, 56.0)).pivot(Align2::CENTER_TOP).show(ui, |ui| {
            theme::bar_frame(t).show(ui, |ui| {
                let text = RichText::new(fill("Shown before: {0}", &[&caption])).color(t.text_strong);
                ui.add(egui::Label::new(text).selectable(false));
            });
        });
    }
}
