//! The view of the canvas: pan, zoom, rotation and mirroring, in one transform that everything goes through.

use egui::emath::Rot2;
use egui::{Pos2, Rect, Vec2, vec2};
use std::f32::consts::TAU;

/// The least and the greatest zoom, in points per canvas pixel.
const ZOOM: std::ops::RangeInclusive<f32> = 0.01..=32.0;

/// The transform from canvas to screen. Canvas positions are in canvas pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    /// Points of the screen per pixel of the canvas.
    zoom: f32,
    /// The canvas position in the middle of the screen area.
    centre: Pos2,
    /// Follow the window: show the whole canvas whatever its size.
    fit: bool,
    /// The angle by which the canvas is turned before it is mirrored, clockwise in radians, 0 to a whole turn.
    angle: f32,
    /// Left and right of the screen are swapped.
    mirrored: bool,
}

impl Default for View {
    fn default() -> Self {
        Self { zoom: 1.0, centre: Pos2::ZERO, fit: true, angle: 0.0, mirrored: false }
    }
}

impl View {
    /// Screen points per canvas pixel.
    #[must_use]
    pub fn zoom(&self) -> f32 {
        self.zoom
    }

    /// The angle by which the canvas appears turned on the screen, clockwise in degrees, -180 to 180.
    #[must_use]
    pub fn degrees(&self) -> f32 {
        let seen = if self.mirrored { -self.angle } else { self.angle };
        let degrees = seen.to_degrees().rem_euclid(360.0);
        if degrees > 180.0 { degrees - 360.0 } else { degrees }
    }

    /// True where the canvas is shown mirrored.
    #[must_use]
    pub fn is_mirrored(&self) -> bool {
        self.mirrored
    }

    /// True where the canvas's edges run along the screen's.
    #[must_use]
    pub fn is_straight(&self) -> bool {
        let (sin, cos) = self.angle.sin_cos();
        sin.abs() < 1e-4 || cos.abs() < 1e-4
    }

    /// Shows the whole canvas from now on.
    pub fn fit(&mut self) {
        self.fit = true;
    }

    /// Upright again, and not mirrored.
    pub fn straighten(&mut self) {
        self.angle = 0.0;
        self.mirrored = false;
    }

    /// Turns what is seen clockwise around the middle of the screen.
    pub fn rotate(&mut self, degrees: f32) {
        let by = if self.mirrored { -degrees } else { degrees };
        // Many small turns end where they began.
        let angle = ((self.angle.to_degrees() + by) * 1024.0).round() / 1024.0;
        self.angle = angle.to_radians().rem_euclid(TAU);
    }

    /// Turns what is seen clockwise, and what lies under `anchor` stays there.
    pub fn rotate_at(&mut self, area: Rect, anchor: Pos2, degrees: f32) {
        let under = self.to_canvas(area, anchor);
        self.fit = false;
        self.rotate(degrees);
        self.centre = under - self.to_canvas_vec(anchor - area.center());
    }

    /// Swaps left and right of what is seen; what is in the middle stays there.
    pub fn mirror(&mut self) {
        self.mirrored = !self.mirrored;
    }

    /// Called once a frame before anything is drawn: follows the window while the whole canvas is shown.
    pub fn update(&mut self, free: Rect, canvas: Vec2) {
        if self.fit {
            let (sin, cos) = self.angle.sin_cos();
            let (sin, cos) = (sin.abs(), cos.abs());
            let seen = vec2(canvas.x * cos + canvas.y * sin, canvas.x * sin + canvas.y * cos);
            let zoom = (free.width() / seen.x).min(free.height() / seen.y);
            self.zoom = zoom.clamp(*ZOOM.start(), *ZOOM.end());
            self.centre = (canvas * 0.5).to_pos2();
        }
    }

    /// A step on the canvas as a step on the screen.
    #[must_use]
    pub fn to_screen_vec(self, v: Vec2) -> Vec2 {
        let turned = Rot2::from_angle(self.angle) * v * self.zoom;
        if self.mirrored { vec2(-turned.x, turned.y) } else { turned }
    }

    /// A step on the screen as a step on the canvas.
    #[must_use]
    pub fn to_canvas_vec(self, v: Vec2) -> Vec2 {
        let seen = if self.mirrored { vec2(-v.x, v.y) } else { v };
        Rot2::from_angle(-self.angle) * seen / self.zoom
    }

    /// The screen position, in points, of a position on the canvas, in pixels.
    #[must_use]
    pub fn to_screen(self, area: Rect, at: Pos2) -> Pos2 {
        area.center() + self.to_screen_vec(at - self.centre)
    }

    /// The position on the canvas, in pixels, of a screen position, in points.
    #[must_use]
    pub fn to_canvas(self, area: Rect, at: Pos2) -> Pos2 {
        self.centre + self.to_canvas_vec(at - area.center())
    }

    /// The corners of the canvas on the screen, in the order in which they lie around it.
    #[must_use]
    pub fn corners(&self, area: Rect, canvas: Vec2) -> [Pos2; 4] {
        [Vec2::ZERO, vec2(canvas.x, 0.0), canvas, vec2(0.0, canvas.y)].map(|p| self.to_screen(area, p.to_pos2()))
    }

    /// The smallest upright rectangle of the screen around the canvas.
    #[must_use]
    pub fn canvas_rect(&self, area: Rect, canvas: Vec2) -> Rect {
        Rect::from_points(&self.corners(area, canvas))
    }

    /// Moves the canvas by this much of the screen.
    pub fn pan(&mut self, by: Vec2) {
        self.fit = false;
        self.centre -= self.to_canvas_vec(by);
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
        self.centre = under - self.to_canvas_vec(anchor - area.center());
    }

    /// Keeps a piece of the canvas in sight.
    pub fn keep_in_sight(&mut self, area: Rect, canvas: Vec2) {
        let (sin, cos) = self.angle.sin_cos();
        let half = area.size() * 0.5 - Vec2::splat(64.0);
        let seen = vec2(half.x * cos.abs() + half.y * sin.abs(), half.x * sin.abs() + half.y * cos.abs());
        let margin = (seen / self.zoom).max(Vec2::ZERO);
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

    /// Views of every kind: near and far, turned, mirrored and both.
    fn views() -> impl Iterator<Item = View> {
        let area = area();
        let angles = [0.0, 15.0, 90.0, -135.0, 271.5];
        angles.into_iter().flat_map(|degrees| [false, true].map(|mirrored| (degrees, mirrored))).flat_map(
            move |(degrees, mirrored)| {
                [0.03, 0.7, 31.0].map(|zoom| {
                    let mut view = View::default();
                    view.update(area, vec2(1024.0, 512.0));
                    view.rotate(degrees);
                    if mirrored {
                        view.mirror();
                    }
                    view.set_zoom(area, pos2(400.0, 300.0), zoom);
                    view.pan(vec2(37.0, -12.0));
                    view
                })
            },
        )
    }

    fn area() -> Rect {
        Rect::from_min_size(pos2(100.0, 50.0), vec2(800.0, 600.0))
    }

    #[test]
    fn every_position_comes_back_from_the_canvas() {
        for view in views() {
            for at in [pos2(100.0, 50.0), pos2(333.3, 222.2), pos2(899.0, 649.0)] {
                let back = view.to_screen(area(), view.to_canvas(area(), at));
                assert!((back - at).length() < 0.05, "{view:?}: {at:?} came back as {back:?}");
            }
            let (a, b) = (pos2(10.0, 20.0), pos2(300.0, 40.0));
            let apart = (view.to_screen(area(), a) - view.to_screen(area(), b)).length();
            assert!((apart / ((a - b).length() * view.zoom()) - 1.0).abs() < 1e-3, "{view:?} keeps shapes");
        }
    }

    #[test]
    fn zooming_and_turning_hold_what_is_under_the_cursor() {
        let cursor = pos2(333.0, 222.0);
        for mut view in views() {
            let before = view.to_canvas(area(), cursor);
            view.zoom_by(area(), cursor, 0.8);
            view.rotate_at(area(), cursor, 33.0);
            let after = view.to_screen(area(), before);
            assert!((after - cursor).length() < 0.1, "{view:?}: {cursor:?} moved to {after:?}");
        }
    }

    #[test]
    fn dragging_moves_the_canvas_with_the_pointer() {
        for mut view in views() {
            let under = view.to_canvas(area(), pos2(400.0, 300.0));
            view.pan(vec2(50.0, 20.0));
            let now = view.to_screen(area(), under);
            assert!((now - pos2(450.0, 320.0)).length() < 0.1, "{view:?}: {now:?}");
        }
    }

    #[test]
    fn turning_right_is_clockwise_on_the_screen_mirrored_or_not() {
        for mirrored in [false, true] {
            let mut view = View::default();
            if mirrored {
                view.mirror();
            }
            let seen = |view: &View| view.to_screen_vec(view.to_canvas_vec(vec2(1.0, 0.0)));
            let right = view.to_canvas_vec(vec2(1.0, 0.0));
            assert_eq!(seen(&view), vec2(1.0, 0.0));
            view.rotate(90.0);
            // What pointed right points down now.
            assert!((view.to_screen_vec(right) - vec2(0.0, 1.0)).length() < 1e-5, "mirrored: {mirrored}");
            assert!((view.degrees() - 90.0).abs() < 1e-3);
        }
    }

    #[test]
    fn mirroring_swaps_left_and_right_of_the_screen_however_it_is_turned() {
        let mut view = View::default();
        view.update(area(), vec2(1024.0, 512.0));
        view.rotate(30.0);
        let at = pos2(100.0, 80.0);
        let before = view.to_screen(area(), at) - area().center();
        view.mirror();
        let after = view.to_screen(area(), at) - area().center();
        assert!((after - vec2(-before.x, before.y)).length() < 1e-3);
    }

    #[test]
    fn twenty_four_turns_of_fifteen_degrees_are_none() {
        let mut view = View::default();
        for _ in 0..24 {
            view.rotate(15.0);
        }
        assert_eq!(view.angle, 0.0);
    }

    #[test]
    fn a_turned_canvas_fits_too() {
        let mut view = View::default();
        view.rotate(30.0);
        view.update(area(), vec2(1400.0, 500.0));
        let rect = view.canvas_rect(area(), vec2(1400.0, 500.0));
        assert!(area().expand(0.01).contains_rect(rect), "{rect:?}");
    }
}
