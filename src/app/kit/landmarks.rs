//! The places in the window that notes of the tour stand beside.

use egui::{Context, Id, Rect};

/// Something in the window that a note points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::app) enum Landmark {
    Canvas,
    Regions,
    Generate,
    Tools,
}

impl Landmark {
    fn id(self) -> Id {
        Id::unique(("landmark", self))
    }

    /// Remembers where it is.
    pub(in crate::app) fn is_at(self, ctx: &Context, rect: Rect) {
        ctx.data_mut(|data| data.insert_temp(self.id(), rect));
    }

    /// Its place, once it has been drawn.
    pub(in crate::app) fn place(self, ctx: &Context) -> Option<Rect> {
        ctx.data(|data| data.get_temp(self.id()))
    }
}
