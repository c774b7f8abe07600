//! Tooltips go where a dialog opens.
//!
//! egui keeps a tooltip as long as the pointer rests on its widget, also where a dialog has come to lie over that, and then it is
//! drawn over the dialog. For one frame the pointer is said to be gone, and in the next to be back.

use egui::{Context, Event, Id, Plugin, Pos2, RawInput};

/// Marks that a dialog was opened.
#[derive(Clone, Default)]
struct Opened;

fn id() -> Id {
    Id::unique("a dialog was opened over tooltips")
}

/// Has the tooltips go that are open now.
pub(super) fn end(ctx: &Context) {
    ctx.data_mut(|data| data.insert_temp(id(), Opened));
    ctx.request_repaint();
}

/// Sends the pointer away for a frame.
#[derive(Default)]
pub(in crate::app) struct Tooltips {
    /// Where the pointer was when it was sent away.
    away: Option<Pos2>,
}

impl Plugin for Tooltips {
    fn debug_name(&self) -> &'static str {
        "tooltips"
    }

    fn input_hook(&mut self, ctx: &Context, input: &mut RawInput) {
        let moves = |event: &Event| matches!(event, Event::PointerMoved(_) | Event::PointerGone);
        if let Some(at) = self.away.take() {
            if !input.events.iter().any(moves) {
                input.events.insert(0, Event::PointerMoved(at));
            }
            return;
        }
        if ctx.data_mut(|data| data.remove_temp::<Opened>(id())).is_none() {
            return;
        }
        // A press ends tooltips itself, and must find the pointer.
        let pressed = input.events.iter().any(|event| matches!(event, Event::PointerButton { .. }));
        let moved = input.events.iter().rev().find_map(|event| match event {
            Event::PointerMoved(at) => Some(Some(*at)),
            Event::PointerGone => Some(None),
            _ => None,
        });
        let at = moved.unwrap_or_else(|| ctx.input(|i| i.pointer.hover_pos()));
        if !pressed && !ctx.input(|i| i.pointer.any_down()) && at.is_some() {
            input.events.push(Event::PointerGone);
            self.away = at;
            ctx.request_repaint();
        }
    }
}
