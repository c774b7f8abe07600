//! The handles of a box, by which it is moved and scaled.

use super::Touch;
use crate::paint::Placement;
use egui::{Pos2, Vec2, vec2};

/// The part of the box that is held: an edge or corner by the side it is on (-1, 0, 1), or the whole (0, 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Handle {
    pub x: i8,
    pub y: i8,
}

impl Handle {
    /// The whole box.
    pub(crate) const WHOLE: Self = Self { x: 0, y: 0 };

    /// The corners: left top, right top, right bottom, left bottom.
    pub(super) const CORNERS: [Self; 4] =
        [Self { x: -1, y: -1 }, Self { x: 1, y: -1 }, Self { x: 1, y: 1 }, Self { x: -1, y: 1 }];

    /// Corners and edges.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (-1..=1).flat_map(|y| (-1..=1).map(move |x| Self { x, y })).filter(|h| *h != Self::WHOLE)
    }

    /// True for its own corner, and for both of its side.
    #[must_use]
    pub(super) fn holds(self, corner: Self) -> bool {
        (self.x == 0 || self.x == corner.x) && (self.y == 0 || self.y == corner.y)
    }

    /// Its position on a box, in canvas pixels.
    #[must_use]
    pub(crate) fn on(self, frame: Placement) -> Pos2 {
        let at = |side: i8, low: i32, length: u32| low as f32 + length as f32 * (f32::from(side) + 1.0) * 0.5;
        Pos2::new(at(self.x, frame.x, frame.width), at(self.y, frame.y, frame.height))
    }

    /// The handle within reach of a position, else the whole box.
    #[must_use]
    pub(crate) fn near(frame: Placement, at: Pos2, reach: f32) -> Self {
        let distance = |h: &Self| (h.on(frame) - at).length();
        Self::all()
            .min_by(|a, b| distance(a).total_cmp(&distance(b)))
            .filter(|h| distance(h) <= reach)
            .unwrap_or(Self::WHOLE)
    }

    /// The handle within reach of a position, or the whole box where the position is inside; `None` elsewhere.
    #[must_use]
    pub(crate) fn of(frame: Placement, at: Pos2, reach: f32) -> Option<Self> {
        let (low, high) = (Self { x: -1, y: -1 }.on(frame), Self { x: 1, y: 1 }.on(frame));
        let inside = egui::Rect::from_min_max(low, high).contains(at);
        Some(Self::near(frame, at, reach)).filter(|handle| *handle != Self::WHOLE || inside)
    }

    /// The box after a drag by it. Shift keeps its proportions, or holds the whole box to one axis.
    #[must_use]
    pub(super) fn dragged(self, start: Placement, from: Pos2, to: Touch) -> Placement {
        let by = to.at - from;
        let Self { x, y } = self;
        if self == Self::WHOLE {
            let by = along(by, to.modifiers.shift);
            return Placement { x: start.x + by.x.round() as i32, y: start.y + by.y.round() as i32, ..start };
        }
        let (width, height) = (start.width as f32, start.height as f32);
        let mut wide = width + by.x * f32::from(x);
        let mut high = height + by.y * f32::from(y);
        if to.modifiers.shift {
            // The side that was pulled farther decides.
            let factor = if x == 0 || (y != 0 && (high / height - 1.0).abs() > (wide / width - 1.0).abs()) {
                high / height
            } else {
                wide / width
            };
            (wide, high) = (width * factor, height * factor);
        }
        let side = |v: f32| v.round().clamp(1.0, 32768.0) as u32;
        let (wide, high) = (side(wide), side(high));
        // What is not held stays where it is: the opposite side, or with an edge the middle of the other axis.
        let place = |side: i8, low: i32, old: u32, new: u32| match side {
            -1 => low + (i64::from(old) - i64::from(new)) as i32,
            0 => low + ((i64::from(old) - i64::from(new)) / 2) as i32,
            _ => low,
        };
        Placement {
            x: place(x, start.x, start.width, wide),
            y: place(y, start.y, start.height, high),
            width: wide,
            height: high,
        }
    }
}

/// A way, held to the axis along which it is longer where that is wanted.
pub(super) fn along(by: Vec2, held: bool) -> Vec2 {
    match (held, by.x.abs() > by.y.abs()) {
        (false, _) => by,
        (true, true) => vec2(by.x, 0.0),
        (true, false) => vec2(0.0, by.y),
    }
}
