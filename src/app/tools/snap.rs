//! Lines that what is moved or scaled snaps to: edges and middles of the canvas and of the other regions.

use super::Touch;
use super::handle::Handle;
use crate::app::editor::Editor;
use crate::document::RegionId;
use crate::paint::Placement;
use egui::{Pos2, pos2};

/// The lines of a document, in canvas pixels.
pub(super) struct Lines {
    /// Positions of upright lines, from the left.
    upright: Vec<f32>,
    /// Positions of level lines, from the top.
    level: Vec<f32>,
    canvas: (f32, f32),
}

/// Low end, middle and high end.
fn thirds(low: f32, length: f32) -> [f32; 3] {
    [low, low + length * 0.5, low + length]
}

impl Lines {
    /// Those of the canvas and of all visible regions but these.
    pub(super) fn besides(editor: &Editor, regions: &[RegionId]) -> Self {
        let document = editor.document();
        let canvas = (document.width as f32, document.height as f32);
        let (mut upright, mut level) = (thirds(0.0, canvas.0).to_vec(), thirds(0.0, canvas.1).to_vec());
        for other in document.regions.iter().filter(|r| r.visible && !regions.contains(&r.id) && !r.mask.is_blank()) {
            let bounds = other.mask.bounds();
            upright.extend(thirds(bounds.x as f32, bounds.width as f32));
            level.extend(thirds(bounds.y as f32, bounds.height as f32));
        }
        Self { upright, level, canvas }
    }

    /// A box that was dragged from `start` to `place`, its held sides brought onto the lines within reach.
    pub(super) fn snap(&self, handle: Handle, start: Placement, mut place: Placement, to: Touch) -> Placement {
        let Handle { x, y } = handle;
        let scales = handle != Handle::WHOLE;
        // Proportions that are kept leave no side free.
        if scales && to.modifiers.shift {
            return place;
        }
        let ends = |side: i8, low: i32, length: u32| {
            let all = thirds(low as f32, length as f32);
            match side {
                -1 => all[..1].to_vec(),
                1 => all[2..].to_vec(),
                _ if scales => Vec::new(),
                _ => all.to_vec(),
            }
        };
        let reach = 2.0 * to.slack;
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
        // (Along an axis on which it was not moved it stays.)
        if (scales || place.x != start.x)
            && let Some(by) = nearest(&self.upright, &ends(x, place.x, place.width), reach)
        {
            shift(x, by, &mut place.x, &mut place.width);
        }
        if (scales || place.y != start.y)
            && let Some(by) = nearest(&self.level, &ends(y, place.y, place.height), reach)
        {
            shift(y, by, &mut place.y, &mut place.height);
        }
        place
    }

    /// The lines on which a box lies with an end or its middle, from edge to edge of the canvas.
    pub(super) fn under(&self, place: Placement) -> Vec<[Pos2; 2]> {
        // (A middle between two pixels is on a line between two others.)
        let on = |lines: &[f32], ends: [f32; 3]| {
            let mut on: Vec<f32> =
                lines.iter().copied().filter(|line| ends.iter().any(|end| (end - line).abs() < 0.75)).collect();
            on.sort_by(f32::total_cmp);
            on.dedup();
            on
        };
        let upright = on(&self.upright, thirds(place.x as f32, place.width as f32));
        let level = on(&self.level, thirds(place.y as f32, place.height as f32));
        let (width, height) = self.canvas;
        let upright = upright.into_iter().map(|x| [pos2(x, 0.0), pos2(x, height)]);
        upright.chain(level.into_iter().map(|y| [pos2(0.0, y), pos2(width, y)])).collect()
    }
}

fn nearest(lines: &[f32], positions: &[f32], reach: f32) -> Option<f32> {
    let ways = positions.iter().flat_map(|position| lines.iter().map(move |line| line - position));
    ways.min_by(|a, b| a.abs().total_cmp(&b.abs())).filter(|way| way.abs() <= reach)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Document, PixelRect};
    use egui::Modifiers;
    use std::sync::Arc;

    #[test]
    fn boxes_snap_to_the_canvas_and_to_other_regions_within_reach() {
        let mut document = Document::new(400, 200);
        let [moved, other, hidden] = ["moved", "other", "hidden"].map(|name| document.add_region(name, name));
        for (id, x) in [(moved, 0), (other, 300), (hidden, 70)] {
            let region = document.region_mut(id).expect("a region");
            Arc::make_mut(&mut region.mask).fill(PixelRect { x, y: 10, width: 40, height: 40 }, 255);
        }
        document.region_mut(hidden).expect("a region").visible = false;
        let lines = Lines::besides(&Editor::new(document, "lines"), &[moved]);
        let place = |x, y, width, height| Placement { x, y, width, height };
        let start = place(10, 20, 40, 40);
        let to = |modifiers| Touch { at: Pos2::ZERO, pressure: 1.0, modifiers, slack: 4.0 };
        let snap = |handle, to_place| lines.snap(handle, start, to_place, to(Modifiers::NONE));
        let whole = |to_place| snap(Handle::WHOLE, to_place);
        assert_eq!(whole(place(254, 20, 40, 40)), place(260, 20, 40, 40), "its right edge on the other's left one");
        assert_eq!(whole(place(245, 20, 40, 40)), place(245, 20, 40, 40), "out of reach");
        assert_eq!(whole(place(183, 20, 40, 40)), place(180, 20, 40, 40), "its middle on the canvas's");
        assert_eq!(whole(place(117, 20, 40, 40)), place(117, 20, 40, 40), "a hidden region has no lines");
        assert_eq!(
            whole(place(10, 75, 40, 40)),
            place(10, 80, 40, 40),
            "and along x, where it was not moved, it stays"
        );
        let right = Handle { x: 1, y: 0 };
        assert_eq!(snap(right, place(10, 20, 193, 40)), place(10, 20, 190, 40), "an edge that is pulled");
        let left = Handle { x: -1, y: 0 };
        assert_eq!(snap(left, place(5, 20, 45, 40)), place(0, 20, 50, 40), "the opposite one stays");
        let kept = lines.snap(right, start, place(10, 20, 193, 40), to(Modifiers::SHIFT));
        assert_eq!(kept, place(10, 20, 193, 40), "proportions are kept");
        assert_eq!(lines.under(place(180, 70, 40, 41)), [[pos2(200.0, 0.0), pos2(200.0, 200.0)]]);
    }
}
