//! The quads of a frame under the view's one transform.

use super::Canvas;
use crate::app::canvas::gpu::{Draw, Flags, Kind, Tile, Tiles};
use crate::app::editor::{Moved, Way};
use crate::document::{Document, PixelRect};
use crate::paint::{Placement, Projective};
use egui::{Color32, Pos2, Rangef, Rect, Vec2, pos2, vec2};

/// The neighbours of a joined canvas are shown so faintly.
const NEIGHBOUR: f32 = 0.4;
/// What a region has beyond the canvas is shown so faintly.
const BEYOND: f32 = 0.5;

/// The transform of a frame and what is the same for all of its quads.
pub(super) struct Stand {
    x: Vec2,
    y: Vec2,
    at: Pos2,
    /// The area in pixels.
    pub area: Rect,
    pub unit: f32,
    pub scale: f32,
    pub canvas: Vec2,
    wrap: (bool, bool),
    /// Steps to the canvas itself (first) and its neighbours, with their opacity.
    pub copies: Vec<(Vec2, f32)>,
}

impl Stand {
    pub(super) fn new(canvas: &Canvas, document: &Document, area: Rect, unit: f32) -> Self {
        let origin = (area.min * unit).round();
        let size = ((area.max * unit).round() - origin).max(Vec2::ZERO);
        let x = canvas.view.to_screen_vec(vec2(1.0, 0.0)) * unit;
        let y = canvas.view.to_screen_vec(vec2(0.0, 1.0)) * unit;
        let at = (canvas.to_screen(Pos2::ZERO) * unit - origin).to_pos2();
        let wrap = (document.settings.wrap.x(), document.settings.wrap.y());
        let canvas = vec2(document.width as f32, document.height as f32);
        let steps = |joined: bool| if joined { -1..=1 } else { 0..=0 };
        let mut copies = vec![(Vec2::ZERO, 1.0)];
        for (dx, dy) in steps(wrap.0).flat_map(|dx| steps(wrap.1).map(move |dy| (dx, dy))) {
            if (dx, dy) != (0, 0) {
                copies.push((vec2(dx as f32, dy as f32) * canvas, NEIGHBOUR));
            }
        }
        let area = Rect::from_min_size(Pos2::ZERO, size);
        Self { x, y, at, area, unit, scale: x.length(), canvas, wrap, copies }
    }

    /// A quad of the canvas that reads a texture of so many texels per canvas pixel.
    pub(super) fn draw(&self, kind: Kind, quad: Rect, held: Rect, texels: f32, step: Vec2) -> Draw {
        Draw {
            kind,
            x: self.x,
            y: self.y,
            at: self.at,
            far: [0.0, 0.0, 1.0],
            quad: quad.translate(step),
            canvas: Rect::from_min_size(step.to_pos2(), self.canvas),
            held: held.translate(step),
            colour: Color32::TRANSPARENT,
            second: Color32::TRANSPARENT,
            opacity: 1.0,
            line: 0.0,
            texels,
            unit: self.unit,
            pattern: 0,
            flags: Flags { wrap: self.wrap, cell: None },
            bind: None,
        }
    }

    /// A quad for every tile in sight of every copy of the canvas; `margin` pixels more at the canvas's edges.
    pub(super) fn tiles(&self, kind: Kind, tiles: &Tiles, margin: f32, style: impl Fn(&mut Draw)) -> Vec<Draw> {
        let [width, height] = tiles.size();
        let per = vec2(self.canvas.x / width as f32, self.canvas.y / height as f32);
        self.tiles_by(kind, tiles, per, margin, style)
    }

    /// The quads of tiles whose texels are `per` canvas pixels wide and high.
    pub(super) fn tiles_by(
        &self,
        kind: Kind,
        tiles: &Tiles,
        per: Vec2,
        margin: f32,
        style: impl Fn(&mut Draw),
    ) -> Vec<Draw> {
        let rect = |r: PixelRect| {
            let (min, size) = (vec2(r.x as f32, r.y as f32), vec2(r.width as f32, r.height as f32));
            Rect::from_min_size((min * per).to_pos2(), size * per)
        };
        let mut draws = Vec::new();
        for &(step, opacity) in &self.copies {
            for tile in tiles.tiles() {
                let quad = self.to_edges(rect(tile.core), margin);
                let draw = self.draw(kind, quad, rect(tile.held), 1.0 / per.x, step);
                draws.extend(self.in_sight(draw, &tile, opacity, &style));
            }
        }
        draws
    }

    /// The quad of a tile as it is drawn; `None` where it is out of sight.
    fn in_sight(&self, mut draw: Draw, tile: &Tile<'_>, opacity: f32, style: impl Fn(&mut Draw)) -> Option<Draw> {
        if !draw.bounds().intersects(self.area) {
            return None;
        }
        draw.opacity = opacity;
        draw.bind = Some(tile.bind.clone());
        style(&mut draw);
        Some(draw)
    }

    /// A part of a tile that lies at `place`, of a shape that ends at `ends` and comes back over no edge.
    fn piece(&self, kind: Kind, tile: &Tile<'_>, place: Vec2, (quad, ends): (Rect, Rect)) -> Draw {
        let mut draw = self.draw(kind, quad, rect_of(tile.held).translate(place), 1.0, Vec2::ZERO);
        (draw.canvas, draw.flags.wrap) = (ends, (false, false));
        draw
    }

    /// The quads of a region on its way to another place: cut where it came from and at the canvas's edges, over which it
    /// comes back where they are joined. `place` is where the tiles lie.
    pub(super) fn moved(
        &self,
        kind: Kind,
        (tiles, place): (&Tiles, Vec2),
        moved: &Moved,
        style: impl Fn(&mut Draw),
    ) -> Vec<Draw> {
        let from = box_of(moved.from);
        let to = match &moved.to {
            Way::Box(to) => to,
            Way::Map(map) => return self.mapped(kind, (tiles, place), (from, map), style),
        };
        let size = vec2(to.width as f32, to.height as f32) / from.size();
        let start = vec2(to.x as f32, to.y as f32);
        // The steps by which it comes back: those that bring its far edge behind the canvas's first and so on.
        let steps = |joined: bool, start: f32, length: f32, side: f32| {
            let (first, last) = ((-(start + length) / side).ceil() as i32, ((side - start) / side).floor() as i32);
            if joined { first..=last } else { 0..=0 }
        };
        let across = steps(self.wrap.0, start.x, to.width as f32, self.canvas.x);
        let down = steps(self.wrap.1, start.y, to.height as f32, self.canvas.y);
        let mut draws = Vec::new();
        for (x, y) in down.flat_map(|y| across.clone().map(move |x| (x, y))) {
            let shift = start + vec2(x as f32, y as f32) * self.canvas - from.min.to_vec2() * size;
            let whole = self.whole().translate(-shift);
            let whole =
                Rect::from_min_max((whole.min.to_vec2() / size).to_pos2(), (whole.max.to_vec2() / size).to_pos2());
            // Beyond its box nothing is covered, and nothing beyond an edge over which it does not come back.
            let open = |joined: bool, all: Rangef, canvas: Rangef| if joined { all } else { all.intersection(canvas) };
            let ends = Rect::from_x_y_ranges(
                open(self.wrap.0, from.x_range(), whole.x_range()),
                open(self.wrap.1, from.y_range(), whole.y_range()),
            );
            for &(step, opacity) in &self.copies {
                for tile in tiles.tiles() {
                    let all = rect_of(tile.core).translate(place).intersect(from);
                    // Over joined edges it comes back, so that nothing is left beyond them.
                    let beyond = apart(all, whole).filter(|_| self.wrap == (false, false));
                    let beyond = beyond.map(|quad| (quad, from, opacity * BEYOND));
                    let parts = std::iter::once((all.intersect(whole), ends, opacity)).chain(beyond);
                    for (quad, ends, opacity) in parts.filter(|(quad, ..)| quad.is_positive()) {
                        let mut draw = self.piece(kind, &tile, place, (quad, ends));
                        let shift = shift + step;
                        draw.at += draw.x * shift.x + draw.y * shift.y;
                        (draw.x, draw.y) = (draw.x * size.x, draw.y * size.y);
                        draws.extend(self.in_sight(draw, &tile, opacity, &style));
                    }
                }
            }
        }
        draws
    }

    /// The quads of what a region has beyond the canvas, where it lies.
    pub(super) fn beyond(&self, kind: Kind, (tiles, place): (&Tiles, Vec2), style: impl Fn(&mut Draw)) -> Vec<Draw> {
        let [width, height] = tiles.size();
        let all = Rect::from_min_size(place.to_pos2(), vec2(width as f32, height as f32));
        let quad = |tile: Tile<'_>| {
            let draw = self.piece(kind, &tile, place, (rect_of(tile.core).translate(place), all));
            self.in_sight(draw, &tile, BEYOND, &style)
        };
        tiles.tiles().filter_map(quad).collect()
    }

    /// The quads of what a region covers in a box, on their way to be turned or distorted.
    fn mapped(
        &self,
        kind: Kind,
        (tiles, place): (&Tiles, Vec2),
        (from, map): (Rect, &Projective),
        style: impl Fn(&mut Draw),
    ) -> Vec<Draw> {
        let mut draws = Vec::new();
        for &(step, opacity) in &self.copies {
            for tile in tiles.tiles() {
                let quad = rect_of(tile.core).translate(place).intersect(from);
                if !quad.is_positive() {
                    continue;
                }
                let mut draw = self.piece(kind, &tile, place, (quad, from));
                draw.at += draw.x * step.x + draw.y * step.y;
                draw.map(map.rows());
                draws.extend(self.in_sight(draw, &tile, opacity, &style));
            }
        }
        draws
    }

    /// A quad that ends at the canvas's edges goes on over them by so many pixels of the screen, for soft edges.
    pub(super) fn to_edges(&self, quad: Rect, margin: f32) -> Rect {
        let by = margin / self.scale.max(1e-6);
        let low = |v: f32| if v <= 0.0 { v - by } else { v };
        let high = |v: f32, side: f32| if v >= side { side + by } else { v };
        let min = pos2(low(quad.min.x), low(quad.min.y));
        Rect::from_min_max(min, pos2(high(quad.max.x, self.canvas.x), high(quad.max.y, self.canvas.y)))
    }

    pub(super) fn whole(&self) -> Rect {
        Rect::from_min_size(Pos2::ZERO, self.canvas)
    }
}

/// The parts of a rectangle that lie outside another one: above and below it over the whole width, then to its sides.
fn apart(all: Rect, inner: Rect) -> impl Iterator<Item = Rect> {
    let middle = all.y_range().intersection(inner.y_range());
    [
        all.with_max_y(all.bottom().min(inner.top())),
        all.with_min_y(all.top().max(inner.bottom())),
        Rect::from_x_y_ranges(all.left()..=all.right().min(inner.left()), middle),
        Rect::from_x_y_ranges(all.left().max(inner.right())..=all.right(), middle),
    ]
    .into_iter()
}

fn rect_of(rect: PixelRect) -> Rect {
    Rect::from_min_size(pos2(rect.x as f32, rect.y as f32), vec2(rect.width as f32, rect.height as f32))
}

fn box_of(place: Placement) -> Rect {
    let Placement { x, y, width, height } = place;
    Rect::from_min_size(pos2(x as f32, y as f32), vec2(width as f32, height as f32))
}
