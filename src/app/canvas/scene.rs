//! The quads of a frame: paper, picture and regions under the view's transform.

use super::Canvas;
use crate::app::canvas::ViewMode;
use crate::app::canvas::easel::Easel;
use crate::app::canvas::gpu::{Draw, Flags, Kind, Pane, Tile, Tiles};
use crate::app::canvas::look::RegionLook;
use crate::app::canvas::parts::Part;
use crate::app::editor::{Moved, Selected, Way};
use crate::app::kit::theme;
use crate::document::{CELL, Document, PixelRect, Region, RegionId};
use crate::paint::{Placement, Projective};
use eframe::egui_wgpu::Callback;
use egui::{Color32, Painter, Pos2, Rangef, Rect, Vec2, pos2, vec2};

/// The neighbours of a joined canvas are shown so faintly.
const NEIGHBOUR: f32 = 0.4;
/// What a region has beyond the canvas is shown so faintly.
const BEYOND: f32 = 0.5;
/// The strength of the canvas's shadow.
const SHADOW: f32 = 0.24;
/// Pixels of the screen per pixel of the picture from which on its pixels are shown as squares.
const SQUARES: f32 = 6.0;

/// The transform of a frame and what is the same for all of its quads.
struct Stand {
    x: Vec2,
    y: Vec2,
    at: Pos2,
    /// The area in pixels.
    area: Rect,
    unit: f32,
    scale: f32,
    canvas: Vec2,
    wrap: (bool, bool),
    /// Steps to the canvas itself (first) and its neighbours, with their opacity.
    copies: Vec<(Vec2, f32)>,
}

impl Stand {
    fn new(canvas: &Canvas, document: &Document, area: Rect, unit: f32) -> Self {
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
    fn draw(&self, kind: Kind, quad: Rect, held: Rect, texels: f32, step: Vec2) -> Draw {
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
    fn tiles(&self, kind: Kind, tiles: &Tiles, margin: f32, style: impl Fn(&mut Draw)) -> Vec<Draw> {
        let [width, height] = tiles.size();
        let per = vec2(self.canvas.x / width as f32, self.canvas.y / height as f32);
        self.tiles_by(kind, tiles, per, margin, style)
    }

    /// The quads of tiles whose texels are `per` canvas pixels wide and high.
    fn tiles_by(&self, kind: Kind, tiles: &Tiles, per: Vec2, margin: f32, style: impl Fn(&mut Draw)) -> Vec<Draw> {
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

    /// The quads of a region on its way to another place: cut where it came from and at the canvas's edges, over which it
    /// comes back where they are joined. `place` is where the tiles lie.
    fn moved(&self, kind: Kind, (tiles, place): (&Tiles, Vec2), moved: &Moved, style: impl Fn(&mut Draw)) -> Vec<Draw> {
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
                        let mut draw = self.draw(kind, quad, rect_of(tile.held).translate(place), 1.0, Vec2::ZERO);
                        let shift = shift + step;
                        draw.at += draw.x * shift.x + draw.y * shift.y;
                        (draw.x, draw.y) = (draw.x * size.x, draw.y * size.y);
                        (draw.canvas, draw.flags.wrap) = (ends, (false, false));
                        draws.extend(self.in_sight(draw, &tile, opacity, &style));
                    }
                }
            }
        }
        draws
    }

    /// The quads of what a region has beyond the canvas, where it lies.
    fn beyond(&self, kind: Kind, (tiles, place): (&Tiles, Vec2), style: impl Fn(&mut Draw)) -> Vec<Draw> {
        let [width, height] = tiles.size();
        let all = Rect::from_min_size(place.to_pos2(), vec2(width as f32, height as f32));
        let quad = |tile: Tile<'_>| {
            let (core, held) = (rect_of(tile.core).translate(place), rect_of(tile.held).translate(place));
            let mut draw = self.draw(kind, core, held, 1.0, Vec2::ZERO);
            (draw.canvas, draw.flags.wrap) = (all, (false, false));
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
                let mut draw = self.draw(kind, quad, rect_of(tile.held).translate(place), 1.0, Vec2::ZERO);
                draw.at += draw.x * step.x + draw.y * step.y;
                draw.map(map.rows());
                (draw.canvas, draw.flags.wrap) = (from, (false, false));
                draws.extend(self.in_sight(draw, &tile, opacity, &style));
            }
        }
        draws
    }

    /// A quad that ends at the canvas's edges goes on over them by so many pixels of the screen, for soft edges.
    fn to_edges(&self, quad: Rect, margin: f32) -> Rect {
        let by = margin / self.scale.max(1e-6);
        let low = |v: f32| if v <= 0.0 { v - by } else { v };
        let high = |v: f32, side: f32| if v >= side { side + by } else { v };
        let min = pos2(low(quad.min.x), low(quad.min.y));
        Rect::from_min_max(min, pos2(high(quad.max.x, self.canvas.x), high(quad.max.y, self.canvas.y)))
    }

    fn whole(&self) -> Rect {
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

impl Easel<'_> {
    /// The quads of a mask, in its place or on its way to another.
    fn mask_quads(&self, stand: &Stand, kind: Kind, id: RegionId, margin: f32, style: impl Fn(&mut Draw)) -> Vec<Draw> {
        let Some(tiles) = self.canvas.masks.get(id) else { return Vec::new() };
        let now = self.canvas.moved().filter(|moved| moved.regions.contains(&id));
        match now.as_ref().or_else(|| self.editor.moved(id)) {
            Some(moved) => {
                let mut quads = stand.moved(kind, (tiles, Vec2::ZERO), moved, &style);
                if let Some(outside) = self.canvas.masks.outside(id) {
                    quads.extend(stand.moved(kind, outside, moved, &style));
                }
                quads
            }
            None => {
                let mut quads = stand.tiles(kind, tiles, margin, &style);
                if let Some(outside) = self.canvas.masks.outside(id) {
                    quads.extend(stand.beyond(kind, outside, &style));
                }
                quads
            }
        }
    }

    /// Draws paper, picture and regions, each part of the area as it is split.
    pub(super) fn paint_scene(&mut self, painter: &Painter, area: Rect, parts: &[Part]) {
        let document = self.editor.document();
        let stand = Stand::new(self.canvas, document, area, painter.pixels_per_point());
        let look = self.look;
        let shows = look.regions != RegionLook::Hidden || self.canvas.is_painting();
        let layer = if shows { self.layer(&stand) } else { Vec::new() };
        let panes: Vec<Pane> = parts.iter().map(|part| self.pane(&stand, part, area, painter, shows)).collect();
        let size = [stand.area.width() as u32, stand.area.height() as u32];
        if let Some(gpu) = &mut self.canvas.gpu {
            let frame = gpu.frame(size, &layer, &panes);
            painter.add(Callback::new_paint_callback(area, frame));
        }
    }

    fn pane(&self, stand: &Stand, part: &Part, area: Rect, painter: &Painter, shows: bool) -> Pane {
        let t = theme::tokens(painter.ctx());
        let look = self.look;
        let picture = self.canvas.picture.tiles().filter(|_| part.mode != ViewMode::Regions);
        // Who paints sees what is painted, but for where pictures are compared.
        let painting = self.canvas.is_painting() && *self.view_mode == ViewMode::Picture;
        let regions = shows && (part.mode != ViewMode::Picture || painting);
        let mut below = Vec::new();
        for &(step, opacity) in &stand.copies {
            let mut paper =
                stand.draw(Kind::Paper, stand.to_edges(stand.whole(), 26.0 * stand.unit), stand.whole(), 1.0, step);
            paper.colour = t.paper;
            paper.second = t.paper.lerp_to_gamma(t.on_paper, 0.035);
            paper.opacity = opacity;
            paper.line = if step == Vec2::ZERO { SHADOW } else { 0.0 };
            below.push(paper);
        }
        // Shadows lie below every copy.
        below.rotate_left(1);
        if let Some(tiles) = picture {
            let whole_size = tiles.size()[0] as f32 == stand.canvas.x;
            let squares = whole_size && stand.scale >= SQUARES;
            below.extend(stand.tiles(Kind::Picture, tiles, 1.0, |draw| {
                draw.flags.cell = squares.then_some(1);
            }));
        }
        // Paint is part of what a drawing starts from: over what was drawn it is shown to who paints it.
        let paints = self.editor.paints_colours() && part.mode != ViewMode::Picture;
        if paints || part.mode == ViewMode::Regions || !self.canvas.picture.is_drawn() {
            below.extend(self.mask_quads(stand, Kind::Paint, RegionId::PAINT, 1.0, |_| {}));
        }
        // Tints would change the colours that are painted: then outlines are enough.
        let layer = (regions && !paints).then(|| {
            let mut draw = stand.draw(Kind::Layer, stand.whole(), stand.whole(), 1.0, Vec2::ZERO);
            (draw.x, draw.y, draw.at) = (vec2(1.0, 0.0), vec2(0.0, 1.0), Pos2::ZERO);
            draw.quad = stand.area;
            draw.opacity = look.cover(picture.is_some());
            draw
        });
        let above = if regions { self.outlines(stand, t) } else { Vec::new() };
        let mut pane = Pane { clip: part.clip.translate(-area.min.to_vec2()) * stand.unit, below, layer, above };
        let shift = part.shift * stand.unit;
        pane.below.iter_mut().for_each(|draw| draw.shift(shift));
        pane.above.extend(self.what_may_change(stand, part, t).into_iter().map(|mut draw| {
            draw.shift(shift);
            draw
        }));
        pane
    }

    /// The regions as they are laid over the picture.
    fn layer(&self, stand: &Stand) -> Vec<Draw> {
        let look = self.look;
        let document = self.editor.document();
        let mut draws = Vec::new();
        for (number, region) in (0..).zip(&document.regions).filter(|(_, r)| r.visible) {
            let colour = theme::region(region.colour);
            if look.latent {
                let Some(tiles) = self.canvas.latent.get(region.id) else { continue };
                let per = Vec2::splat(CELL as f32);
                draws.extend(stand.tiles_by(Kind::Cells, tiles, per, 0.0, |draw| {
                    draw.colour = colour;
                    draw.flags.cell = Some(CELL);
                }));
                continue;
            }
            let quads = |kind, colour| {
                let style = |draw: &mut Draw| (draw.colour, draw.pattern) = (colour, number);
                self.mask_quads(stand, kind, region.id, 0.0, style)
            };
            match look.regions {
                // In the colour that it starts from: its own is its outline's. (Hidden regions are drawn where one paints.)
                RegionLook::Tint | RegionLook::Hidden => {
                    let ground = region.start_colour.map_or(colour, |start| theme::region(start.colour));
                    draws.extend(quads(Kind::Tint, ground));
                    // There are more regions than colours: the second of a colour has lines as well, the third others.
                    let repeats = document.colour_repeats(region.id);
                    if repeats > 0 {
                        let lines = ground.lerp_to_gamma(Color32::BLACK, 0.4);
                        draws.extend(self.mask_quads(stand, Kind::Hatch, region.id, 0.0, |draw| {
                            (draw.colour, draw.pattern) = (lines, repeats as u32 - 1);
                        }));
                    }
                }
                RegionLook::Hatch => {
                    draws.extend(quads(Kind::Erase, colour));
                    draws.extend(quads(Kind::Hatch, colour));
                }
                RegionLook::Outline => {}
            }
        }
        draws
    }

    /// The mask of what may change of the picture to start from, fainter where something else is painted. Its outline alone is left
    /// over a picture that was just finished, and where regions are outlines.
    fn what_may_change(&self, stand: &Stand, part: &Part, t: &theme::Tokens) -> Vec<Draw> {
        let painting = self.editor.paints_change();
        let shown = painting || (*self.view_mode == ViewMode::Both && part.mode != ViewMode::Picture);
        if !shown {
            return Vec::new();
        }
        let quiet = matches!(self.look.regions, RegionLook::Outline | RegionLook::Hidden) && !painting;
        if self.finished || quiet {
            let width = 1.5 * stand.unit;
            return self.mask_quads(stand, Kind::Outline, RegionId::INPAINT, width + stand.unit, |draw| {
                (draw.colour, draw.second, draw.line) = (t.change, t.ring_dark.gamma_multiply(0.35), width);
            });
        }
        self.mask_quads(stand, Kind::Change, RegionId::INPAINT, 0.0, |draw| {
            (draw.colour, draw.second) = (t.change, t.change);
            draw.opacity *= if painting { 1.0 } else { 0.6 };
        })
    }

    /// The outlines of the visible regions, the selected ones above the others.
    fn outlines(&self, stand: &Stand, t: &theme::Tokens) -> Vec<Draw> {
        let pointed = self.canvas.pointed.region();
        let selected = |id: RegionId| self.editor.is_selected(Selected::Region(id));
        let mut regions: Vec<&Region> = self.editor.document().regions.iter().filter(|r| r.visible).collect();
        regions.sort_by_key(|r| (Some(r.id) == pointed, selected(r.id)));
        let mut draws = Vec::new();
        for region in regions {
            let width = match region.id {
                id if Some(id) == pointed => 3.5,
                id if selected(id) => 2.0,
                _ => 1.5,
            } * stand.unit;
            draws.extend(self.mask_quads(stand, Kind::Outline, region.id, width + stand.unit, |draw| {
                draw.colour = theme::region(region.colour);
                // A dark line under the dashes keeps light colours readable on light pictures.
                draw.second = t.ring_dark.gamma_multiply(0.35);
                draw.line = width;
            }));
        }
        draws
    }
}
