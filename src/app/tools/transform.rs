//! Moving and scaling what a region covers.

use super::snap::Lines;
use super::{Action, Guides, Touch};
use crate::app::editor::{Editor, Moved};
use crate::app::text::i18n::key;
use crate::document::RegionId;
use crate::paint::Placement;
use egui::{Modifiers, Pos2, Vec2, vec2};

/// The part of the box that is held: an edge or corner by the side it is on (-1, 0, 1), or the whole (0, 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Handle {
    pub x: i8,
    pub y: i8,
}

impl Handle {
    /// The whole box.
    pub(crate) const WHOLE: Self = Self { x: 0, y: 0 };

    /// Corners and edges.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (-1..=1).flat_map(|y| (-1..=1).map(move |x| Self { x, y })).filter(|h| *h != Self::WHOLE)
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
}

/// A region's shape being moved or scaled. The canvas shows it in its new place; the mask is changed once, at the end.
pub(crate) struct Transform {
    region: RegionId,
    handle: Handle,
    from: Pos2,
    /// The box of the whole shape, also where it is beyond the canvas.
    bounds: Placement,
    to: Placement,
    lines: Lines,
    /// It was dragged onto lines, which are shown.
    snaps: bool,
}

impl Transform {
    /// Begins at a handle of the selected mask's box; `None` where there is nothing to move.
    #[must_use]
    pub(crate) fn begin(editor: &mut Editor, at: Touch) -> Option<Self> {
        let (id, shape) = editor.selected_shape()?;
        let frame = shape.extent()?;
        // Nothing else changes the mask until this has ended.
        editor.begin_stroke(id, |_| ((), Vec::new()))?;
        let handle = Handle::near(frame, at.at, at.slack * 2.0);
        let lines = Lines::besides(editor, id);
        Some(Self { region: id, handle, from: at.at, bounds: frame, to: frame, lines, snaps: false })
    }

    fn dragged(&self, to: Touch) -> Placement {
        let by = to.at - self.from;
        let start = self.bounds;
        let Handle { x, y } = self.handle;
        if self.handle == Handle::WHOLE {
            // Shift holds it to one axis.
            let by = if !to.modifiers.shift {
                by
            } else if by.x.abs() > by.y.abs() {
                vec2(by.x, 0.0)
            } else {
                vec2(0.0, by.y)
            };
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

impl Transform {
    /// What is held brought onto the lines within reach.
    fn snapped(&self, to: Touch) -> Placement {
        let (mut place, reach) = (self.dragged(to), 2.0 * to.slack);
        let Handle { x, y } = self.handle;
        let scales = self.handle != Handle::WHOLE;
        // Proportions that are held leave no side free.
        if scales && to.modifiers.shift {
            return place;
        }
        let ends = |side: i8, low: i32, length: u32| {
            let (low, length) = (low as f32, length as f32);
            match side {
                -1 => vec![low],
                1 => vec![low + length],
                _ if scales => Vec::new(),
                _ => vec![low, low + length * 0.5, low + length],
            }
        };
        let moved = (place.x != self.bounds.x || scales, place.y != self.bounds.y || scales);
        let across = self.lines.across(&ends(x, place.x, place.width), reach).filter(|_| moved.0);
        let down = self.lines.down(&ends(y, place.y, place.height), reach).filter(|_| moved.1);
        let shift = |side: i8, by: f32, low: &mut i32, length: &mut u32| {
            let by = by.round() as i32;
            match side {
                1 => *length = length.saturating_add_signed(by).max(1),
                -1 => {
                    // (The opposite side stays, so at least a pixel is left of it.)
                    let by = by.min(i32::try_from(*length).unwrap_or(i32::MAX) - 1);
                    (*low, *length) = (*low + by, length.saturating_add_signed(-by));
                }
                _ => *low += by,
            }
        };
        if let Some(by) = across {
            shift(x, by, &mut place.x, &mut place.width);
        }
        if let Some(by) = down {
            shift(y, by, &mut place.y, &mut place.height);
        }
        place
    }
}

impl Action for Transform {
    /// Ctrl leaves it free.
    fn extend(&mut self, _editor: &mut Editor, to: Touch) {
        self.snaps = !to.modifiers.command;
        self.to = if self.snaps { self.snapped(to) } else { self.dragged(to) };
    }

    fn commit(self: Box<Self>, editor: &mut Editor) {
        let Self { region, bounds, to, .. } = *self;
        editor.abort_stroke(region, |_| Vec::new());
        if to == bounds {
            return;
        }
        let area = |place: Placement| u64::from(place.width) * u64::from(place.height);
        let (label, pixels) = if (to.width, to.height) == (bounds.width, bounds.height) {
            (key("Move region"), 2 * area(to))
        } else {
            (key("Scale region"), 8 * area(to).max(area(bounds)))
        };
        editor.move_shape(label, pixels, Moved { region, from: bounds, to });
    }

    fn abort(self: Box<Self>, editor: &mut Editor) {
        editor.abort_stroke(self.region, |_| Vec::new());
    }

    fn moved(&self) -> Option<Moved> {
        Some(Moved { region: self.region, from: self.bounds, to: self.to })
    }

    fn guides(&self) -> Guides {
        let Placement { x, y, width, height } = self.to;
        let start = self.bounds;
        let note = if self.to == start {
            String::new()
        } else if (width, height) == (start.width, start.height) {
            format!("{:+}, {:+}", x - start.x, y - start.y)
        } else {
            format!("{width} × {height}")
        };
        let rules = if self.snaps && self.to != start { self.lines.under(self.to) } else { Vec::new() };
        Guides { frame: Some(self.to), rules, note, ..Guides::default() }
    }

    fn takes_arrows(&self) -> bool {
        true
    }

    /// Moves it by arrow keys, in whole pixels; with Ctrl it becomes wider, narrower, taller or flatter.
    fn nudge(&mut self, direction: Vec2, modifiers: Modifiers) {
        self.snaps = false;
        let step = if modifiers.shift { 10.0 } else { 1.0 };
        let (dx, dy) = ((direction.x * step) as i32, (direction.y * step) as i32);
        if modifiers.command {
            self.to.width = self.to.width.saturating_add_signed(dx).max(1);
            self.to.height = self.to.height.saturating_add_signed(-dy).max(1);
        } else {
            self.to.x += dx;
            self.to.y += dy;
        }
    }
}
