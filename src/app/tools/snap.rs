//! Lines that what is moved or scaled snaps to: edges and middles of the canvas and of the other regions.

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
    /// Those of the canvas and of all visible regions but this one.
    pub(super) fn besides(editor: &Editor, region: RegionId) -> Self {
        let document = editor.document();
        let canvas = (document.width as f32, document.height as f32);
        let (mut upright, mut level) = (thirds(0.0, canvas.0).to_vec(), thirds(0.0, canvas.1).to_vec());
        for other in document.regions.iter().filter(|r| r.visible && r.id != region && !r.mask.is_blank()) {
            let bounds = other.mask.bounds();
            upright.extend(thirds(bounds.x as f32, bounds.width as f32));
            level.extend(thirds(bounds.y as f32, bounds.height as f32));
        }
        Self { upright, level, canvas }
    }

    /// The way that brings one of these positions onto an upright line, where one is within reach.
    pub(super) fn across(&self, positions: &[f32], reach: f32) -> Option<f32> {
        nearest(&self.upright, positions, reach)
    }

    /// The same for level lines.
    pub(super) fn down(&self, positions: &[f32], reach: f32) -> Option<f32> {
        nearest(&self.level, positions, reach)
    }

    /// The lines on which a box lies with an end or its middle, from edge to edge of the canvas.
    pub(super) fn under(&self, place: Placement) -> Vec<[Pos2; 2]> {
        // (A middle between two pixels is on a line between two others.)
        let on = |lines: &[f32], ends: [f32; 3]| {
            let mut on: Vec<f32> = lines.iter().copied().filter(|line| ends.iter().any(|end| (end - line).abs() < 0.75)).collect();
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
        let lines = Lines::besides(&Editor::new(document, "lines"), moved);
        assert_eq!(lines.across(&[294.0, 500.0], 8.0), Some(6.0), "the other's left edge");
        assert_eq!(lines.across(&[294.0], 5.0), None, "out of reach");
        assert_eq!(lines.across(&[203.0], 8.0), Some(-3.0), "the canvas's middle");
        assert_eq!(lines.across(&[71.0], 8.0), None, "a hidden region has no lines");
        assert_eq!(lines.across(&[1.0], 8.0), Some(-1.0), "nor has the region itself: this is the canvas's edge");
        assert_eq!(lines.down(&[33.0, 97.0], 8.0), Some(-3.0), "the nearest of all: the other's middle");
        let place = Placement { x: 180, y: 70, width: 40, height: 41 };
        assert_eq!(lines.under(place), [[pos2(200.0, 0.0), pos2(200.0, 200.0)]]);
    }
}
