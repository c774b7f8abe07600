//! The star of a finished picture: full where it has one, an outline where it could get one.

use egui::{Color32, Painter, Pos2, Shape, Stroke, vec2};

/// The inner corners' distance from the middle, as a share of the outer ones'.
const INNER: f32 = 0.45;

/// Draws it; `fill` is the colour of a full one.
pub(in crate::app) fn paint(painter: &Painter, middle: Pos2, radius: f32, fill: Option<Color32>, line: Stroke) {
    let corner = |at: usize| {
        let angle = std::f32::consts::PI * (at as f32 / 5.0 - 0.5);
        let away = if at.is_multiple_of(2) { radius } else { radius * INNER };
        middle + away * vec2(angle.cos(), angle.sin())
    };
    let corners: Vec<Pos2> = (0..10).map(corner).collect();
    if let Some(fill) = fill {
        // A star is not convex; the triangles around its middle are.
        let mut mesh = egui::Mesh::default();
        mesh.colored_vertex(middle, fill);
        for at in &corners {
            mesh.colored_vertex(*at, fill);
        }
        (1..=10).for_each(|at| mesh.add_triangle(0, at, at % 10 + 1));
        painter.add(mesh);
    }
    painter.add(Shape::closed_line(corners, line));
}
