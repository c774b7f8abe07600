//! Lines over the canvas while a tool is at work: the shape it will leave, handles, the axes of symmetry.
//!
//! Everything is drawn point by point from canvas positions, so that it follows a turned or mirrored view.

use crate::app::canvas::easel::Easel;
use crate::app::canvas::gesture::Gesture;
use crate::app::canvas::pointer::SLACK;
use crate::app::kit::theme;
use crate::app::tools::{Guides, Handle, Tool, knob};
use crate::paint::Placement;
use egui::{Align2, FontId, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Ui, Vec2, pos2, vec2};

/// Half the side of a handle.
const HANDLE: f32 = 4.0;

impl Easel<'_> {
    pub(super) fn paint_guides(&mut self, ui: &Ui, painter: &Painter) {
        self.paint_symmetry(painter);
        self.paint_generation_frame(painter);
        let guides = match &self.canvas.gesture {
            Gesture::Tool(action, _) => action.guides(),
            Gesture::Resize(resize) if resize.dragged => {
                let note = format!("{:.0} px · {:.0} %", self.brush.size, self.brush.hardness * 100.0);
                Guides { note, ..Guides::default() }
            }
            Gesture::Idle | Gesture::Pan { .. } | Gesture::Resize(_) => self.waiting_guides(ui),
        };
        let Guides { line, closed, dots, frame, knob, rules, note } = &guides;
        let mut points: Vec<Pos2> = line.iter().map(|p| self.canvas.to_screen(*p)).collect();
        if *closed {
            points.extend(points.first().copied());
            // The copies on the other side of the axes.
            let copies = if self.tool.mirrors() { self.mirror_images(Pos2::ZERO).len() } else { 0 };
            for copy in 0..copies {
                let image = |p: &Pos2| self.mirror_images(*p).get(copy).map(|p| self.canvas.to_screen(*p));
                let mut points: Vec<Pos2> = line.iter().filter_map(image).collect();
                points.extend(points.first().copied());
                dashed(painter, &points);
            }
        }
        dashed(painter, &points);
        let t = theme::tokens(painter.ctx());
        for dot in dots {
            painter.circle(self.canvas.to_screen(*dot), 3.5, t.ring_light, Stroke::new(1.5, t.ring_dark));
        }
        for rule in rules {
            let ends = rule.map(|end| self.canvas.to_screen(end));
            painter.line_segment(ends, Stroke::new(3.0, t.ring_dark.gamma_multiply(0.5)));
            painter.line_segment(ends, Stroke::new(1.25, t.accent));
        }
        if let Some(frame) = frame {
            self.paint_frame(painter, *frame);
        }
        if let Some((frame, knob)) = frame.zip(*knob) {
            let ends = [Handle { x: 0, y: -1 }.on(frame), knob].map(|end| self.canvas.to_screen(end));
            painter.line_segment(ends, Stroke::new(3.0, t.ring_dark.gamma_multiply(0.5)));
            painter.line_segment(ends, Stroke::new(1.25, t.ring_light));
            painter.circle(ends[1], HANDLE + 0.5, t.ring_light, Stroke::new(1.5, t.ring_dark));
        }
        if let Some(at) = self.canvas.pointer.or(self.canvas.keyboard.map(|p| self.canvas.to_screen(p)))
            && !note.is_empty()
        {
            let font = FontId::proportional(theme::TEXT_SMALL);
            let galley = painter.layout_no_wrap(note.clone(), font, t.caption);
            let rect = Align2::LEFT_TOP.anchor_size(at + vec2(16.0, 16.0), galley.size() + vec2(8.0, 4.0));
            painter.rect_filled(rect, theme::ROUND_SMALL, t.caption_ground);
            painter.galley(rect.min + vec2(4.0, 2.0), galley, t.caption);
        }
    }

    /// The guides that are shown before a button is pressed.
    fn waiting_guides(&mut self, ui: &Ui) -> Guides {
        match self.tool {
            Tool::Move => {
                let frame = self.canvas.hand.bounds(self.editor);
                // (Paint stays where it is.)
                let moves = self.editor.selected_regions().all(|r| r.visible) && !self.editor.paints_colours();
                let frame = frame.filter(|_| moves);
                let knob = frame.map(|frame| knob(frame, SLACK / self.canvas.view.zoom()));
                Guides { frame, knob, ..Guides::default() }
            }
            Tool::Frame => Guides { frame: self.editor.frame().map(Placement::from), ..Guides::default() },
            tool if tool.paints() && ui.input(|i| i.modifiers.shift_only()) => {
                // The straight line that a click would draw.
                let to = self.canvas.pointer.map(|p| self.canvas.to_canvas(p));
                let line = self.canvas.hand.last.zip(to).map(|(from, to)| vec![from, to]);
                Guides { line: line.unwrap_or_default(), ..Guides::default() }
            }
            _ => Guides::default(),
        }
    }

    /// The box and its handles; every corner on its own, whichever way the canvas is turned.
    fn paint_frame(&self, painter: &Painter, frame: Placement) {
        let t = theme::tokens(painter.ctx());
        let corner = |x, y| self.canvas.to_screen(Handle { x, y }.on(frame));
        let corners = [corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)];
        painter.add(Shape::closed_line(corners.to_vec(), Stroke::new(3.0, t.ring_dark.gamma_multiply(0.5))));
        painter.add(Shape::closed_line(corners.to_vec(), Stroke::new(1.25, t.ring_light)));
        for handle in Handle::all() {
            let rect = Rect::from_center_size(self.canvas.to_screen(handle.on(frame)), Vec2::splat(2.0 * HANDLE));
            painter.rect(rect, 1.0, t.ring_light, Stroke::new(1.5, t.ring_dark), StrokeKind::Outside);
        }
    }

    /// The generation frame; while it is being set, what lies outside is shaded, since it stays as it is.
    fn paint_generation_frame(&self, painter: &Painter) {
        let Some(frame) = self.editor.frame() else { return };
        let t = theme::tokens(painter.ctx());
        let (width, height) = (self.editor.document().width as f32, self.editor.document().height as f32);
        let (left, top) = (frame.x as f32, frame.y as f32);
        let (right, bottom) = (left + frame.width as f32, top + frame.height as f32);
        let corners = |left: f32, top: f32, right: f32, bottom: f32| {
            let all = [pos2(left, top), pos2(right, top), pos2(right, bottom), pos2(left, bottom)];
            all.map(|at| self.canvas.to_screen(at)).to_vec()
        };
        let outside = [
            corners(0.0, 0.0, width, top),
            corners(0.0, bottom, width, height),
            corners(0.0, top, left, bottom),
            corners(right, top, width, bottom),
        ];
        let shade = t.ring_dark.gamma_multiply(0.5);
        for part in outside.into_iter().filter(|_| self.tool == Tool::Frame) {
            painter.add(Shape::convex_polygon(part, shade, Stroke::NONE));
        }
        let mut line = corners(left, top, right, bottom);
        line.extend(line.first().copied());
        dashed(painter, &line);
    }

    /// The axes over which strokes are mirrored.
    fn paint_symmetry(&self, painter: &Painter) {
        let symmetry = self.tools.symmetry;
        if !self.tool.mirrors() {
            return;
        }
        let (width, height) = (self.editor.document().width as f32, self.editor.document().height as f32);
        let axes = [
            (symmetry.x, pos2(width * 0.5, 0.0), pos2(width * 0.5, height)),
            (symmetry.y, pos2(0.0, height * 0.5), pos2(width, height * 0.5)),
        ];
        let t = theme::tokens(painter.ctx());
        for (_, from, to) in axes.into_iter().filter(|(on, ..)| *on) {
            let ends = [self.canvas.to_screen(from), self.canvas.to_screen(to)];
            painter.line_segment(ends, Stroke::new(3.0, t.ring_dark.gamma_multiply(0.5)));
            painter.line_segment(ends, Stroke::new(1.25, t.accent));
        }
    }

    /// The brush's places on the screen on the other side of the axes.
    pub(super) fn mirrored(&self, at: Pos2) -> Vec<Pos2> {
        let at = self.canvas.to_canvas(at);
        self.mirror_images(at).into_iter().map(|p| self.canvas.to_screen(p)).collect()
    }

    /// The mirror images of a canvas position over the axes.
    fn mirror_images(&self, at: Pos2) -> Vec<Pos2> {
        let symmetry = self.tools.symmetry;
        let (width, height) = (self.editor.document().width as f32, self.editor.document().height as f32);
        let copies = [
            (symmetry.x, pos2(width - at.x, at.y)),
            (symmetry.y, pos2(at.x, height - at.y)),
            (symmetry.x && symmetry.y, pos2(width - at.x, height - at.y)),
        ];
        copies.into_iter().filter(|(on, _)| *on).map(|(_, p)| p).collect()
    }
}

/// White dashes on a dark line: readable on every picture.
fn dashed(painter: &Painter, points: &[Pos2]) {
    if points.len() < 2 {
        return;
    }
    let t = theme::tokens(painter.ctx());
    painter.add(Shape::line(points.to_vec(), Stroke::new(2.5, t.ring_dark)));
    painter.extend(Shape::dashed_line(points, Stroke::new(1.25, t.ring_light), 5.0, 4.0));
}
