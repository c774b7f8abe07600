//! What a frame of the canvas is made of: paper, picture, paint and regions, each part of the area as it is split.

use crate::app::canvas::ViewMode;
use crate::app::canvas::easel::Easel;
use crate::app::canvas::gpu::{Draw, Kind, Pane};
use crate::app::canvas::look::RegionLook;
use crate::app::canvas::parts::Part;
use crate::app::canvas::stand::Stand;
use crate::app::editor::Selected;
use crate::app::kit::theme;
use crate::document::{CELL, Region, RegionId};
use eframe::egui_wgpu::Callback;
use egui::{Color32, Painter, Pos2, Rect, Vec2, vec2};

/// The strength of the canvas's shadow.
const SHADOW: f32 = 0.24;
/// Pixels of the screen per pixel of the picture from which on its pixels are shown as squares.
const SQUARES: f32 = 6.0;

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
