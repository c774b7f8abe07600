//! Rulers along the upper and the left edge of the canvas's area, in canvas pixels.

use super::Canvas;
use crate::app::kit::theme;
use egui::epaint::TextShape;
use egui::{FontId, Painter, Pos2, Rect, Stroke, Vec2, pos2, vec2};

/// Width of a ruler in points.
pub(super) const WIDTH: f32 = 20.0;
/// The least distance of numbers in points.
const APART: f32 = 56.0;

/// Canvas pixels between numbers: one, two or five times a power of ten, at least so many.
fn step(least: f32) -> f32 {
    let power = 10.0_f32.powf(least.max(1.0).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= least).unwrap_or(10.0 * power).max(1.0)
}

/// Draws them; only where the canvas lies straight.
pub(super) fn paint(canvas: &Canvas, painter: &Painter, area: Rect, pointer: Option<Pos2>) {
    let t = theme::tokens(painter.ctx());
    let top = area.with_max_y(area.top() + WIDTH);
    let left = Rect::from_min_max(area.min + vec2(0.0, WIDTH), pos2(area.left() + WIDTH, area.bottom()));
    let painter = painter.with_clip_rect(area);
    for bar in [top, left] {
        painter.rect_filled(bar, 0.0, t.panel);
    }
    let every = step(APART / canvas.view.zoom());
    let font = FontId::proportional(theme::TEXT_SMALL - 1.0);
    for (bar, along, across) in [(top, vec2(1.0, 0.0), vec2(0.0, 1.0)), (left, vec2(0.0, 1.0), vec2(1.0, 0.0))] {
        let painter = painter.with_clip_rect(bar);
        let edge = (bar.max.to_vec2() * across).to_pos2();
        painter.line_segment(
            [edge + bar.min.to_vec2() * along, edge + bar.max.to_vec2() * along],
            Stroke::new(1.0, t.line),
        );
        // Which of the canvas's axes runs along the ruler, and from where to where.
        let on_canvas = |p: Vec2| canvas.view.to_canvas(canvas.stage, p.to_pos2());
        let run = canvas.view.to_canvas_vec(along);
        let axis = if run.x.abs() > run.y.abs() { vec2(1.0, 0.0) } else { vec2(0.0, 1.0) };
        let ends = [bar.min, bar.max].map(|p| on_canvas(p.to_vec2()).to_vec2().dot(axis));
        let (from, to) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
        let small = every / if every >= 10.0 { 10.0 } else { every };
        let mut number = (from / small).floor();
        while number * small <= to {
            let value = number * small;
            let major = (value / every).fract().abs() < 1e-3 || (value / every).fract().abs() > 1.0 - 1e-3;
            let place = canvas.to_screen((axis * value).to_pos2()).to_vec2().dot(along);
            let length = if major { WIDTH } else { 4.0 };
            let at = edge + along * place;
            let spaced = small * canvas.view.zoom() >= 4.0;
            if major || spaced {
                painter.line_segment([at, at - across * length], Stroke::new(1.0, t.text_weak.gamma_multiply(0.6)));
            }
            if major {
                let text = painter.layout_no_wrap(format!("{value:.0}"), font.clone(), t.text_weak);
                let corner = at - across * (WIDTH - 1.0) + along * 3.0;
                // Down the left edge numbers are read from below.
                let turned = along.y > 0.0;
                let corner = if turned { corner + along * text.size().x } else { corner };
                let angle = if turned { -std::f32::consts::FRAC_PI_2 } else { 0.0 };
                painter.add(TextShape::new(corner, text, t.text_weak).with_angle(angle));
            }
            number += 1.0;
        }
        if let Some(pointer) = pointer {
            let at = edge + along * pointer.to_vec2().dot(along);
            painter.line_segment([at, at - across * WIDTH], Stroke::new(1.0, t.accent));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::step;

    #[test]
    fn numbers_are_round_and_far_enough_apart() {
        for (least, round) in
            [(0.4, 1.0), (1.0, 1.0), (1.1, 2.0), (3.0, 5.0), (7.0, 10.0), (130.0, 200.0), (999.0, 1000.0)]
        {
            assert_eq!(step(least), round, "{least}");
        }
    }
}
