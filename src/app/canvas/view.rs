//! Where the canvas lies on the screen: pan and zoom.

use egui::{Pos2, Rect, Vec2};

/// The least and the greatest zoom, in points per canvas pixel.
const ZOOM: std::ops::RangeInclusive<f32> = 0.01..=32.0;

/// Pan and zoom. Canvas positions are in canvas pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    /// Points of the screen per pixel of the canvas.
    zoom: f32,
    /// The canvas position in the middle of the screen area.
    centre: Pos2,
    /// Follow the window: show the whole canvas whatever its size.
    fit: bool,
}

impl Default for View {
    fn default() -> Self {
        Self { zoom: 1.0, centre: Pos2::ZERO, fit: true }
    }
}

impl View {
    #[must_use]
    pub fn zoom(&self) -> f32 {
        self.zoom
    }

    /// Shows the whole canvas from now on.
    pub fn fit(&mut self) {
        self.fit = true;
    }

    /// Called once a frame before anything is drawn: follows the window while the whole canvas is shown.
    pub fn update(&mut self, free: Rect, canvas: Vec2) {
        if self.fit {
            let zoom = (free.width() / canvas.x).min(free.height() / canvas.y);
            self.zoom = zoom.clamp(*ZOOM.start(), *ZOOM.end());
            self.centre = (canvas * 0.5).to_pos2();
        }
    }

    #[must_use]
    pub fn to_screen(self, area: Rect, at: Pos2) -> Pos2 {
        area.center() + (at - self.centre) * self.zoom
    }

    #[must_use]
    pub fn to_canvas(self, area: Rect, at: Pos2) -> Pos2 {
        self.centre + (at - area.center()) / self.zoom
    }

    /// The canvas as it lies on the screen.
    #[must_use]
    pub fn canvas_rect(&self, area: Rect, canvas: Vec2) -> Rect {
        Rect::from_min_size(self.to_screen(area, Pos2::ZERO), canvas * self.zoom)
    }

    /// Moves the canvas by this much of the screen.
    pub fn pan(&mut self, by: Vec2) {
        self.fit = false;
        self.centre -= by / self.zoom;
    }

    /// Zooms, and what lies under `anchor` stays there.
    pub fn zoom_by(&mut self, area: Rect, anchor: Pos2, factor: f32) {
        self.set_zoom(area, anchor, self.zoom * factor);
    }

    /// Zooms to so many points per canvas pixel, and what lies under `anchor` stays there.
    pub fn set_zoom(&mut self, area: Rect, anchor: Pos2, zoom: f32) {
        let under = self.to_canvas(area, anchor);
        self.fit = false;
        self.zoom = zoom.clamp(*ZOOM.start(), *ZOOM.end());
        self.centre = under - (anchor - area.center()) / self.zoom;
    }

    /// Keeps a piece of the canvas in sight.
    pub fn keep_in_sight(&mut self, area: Rect, canvas: Vec2) {
        let margin = area.size() * 0.5 / self.zoom - Vec2::splat(64.0 / self.zoom);
        let margin = margin.max(Vec2::ZERO);
        self.centre = self.centre.clamp((-margin).to_pos2(), (canvas + margin).to_pos2());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{pos2, vec2};

    #[test]
    fn zooming_keeps_what_is_under_the_cursor() {
        let area = Rect::from_min_size(pos2(100.0, 50.0), vec2(800.0, 600.0));
        let mut view = View::default();
        view.update(area, vec2(1024.0, 512.0));
        let cursor = pos2(333.0, 222.0);
        let before = view.to_canvas(area, cursor);
        for factor in [1.25, 3.0, 0.1, 7.0] {
            view.zoom_by(area, cursor, factor);
            let after = view.to_canvas(area, cursor);
            assert!((after - before).length() < 1e-2, "{before:?} moved to {after:?}");
        }
    }

    #[test]
    fn fitting_shows_the_whole_canvas_in_the_middle() {
        let area = Rect::from_min_size(pos2(0.0, 0.0), vec2(800.0, 600.0));
        let mut view = View::default();
        view.update(area.shrink(50.0), vec2(1400.0, 500.0));
        let rect = view.canvas_rect(area, vec2(1400.0, 500.0));
        assert!(area.contains_rect(rect), "{rect:?}");
        assert!((rect.center() - area.center()).length() < 1e-3);
        assert!((rect.width() - 700.0).abs() < 1e-3);
    }
}
