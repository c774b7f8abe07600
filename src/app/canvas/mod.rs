//! The canvas: where the picture is shown and the regions are painted.

mod easel;
mod gesture;
mod gpu;
mod guides;
mod hand;
mod latent;
mod look;
mod masks;
mod parts;
pub(in crate::app) mod pen;
pub(in crate::app) mod picture;
mod pointed;
mod pointer;
mod pointing;
mod ring;
mod rulers;
mod scene;
mod show;
mod split;
mod stand;
mod tiles;
mod view;

pub(in crate::app) use easel::{Borrowed, Easel, Workspace};
pub use look::{CanvasLook, Compare, RegionLook, ViewMode};
pub use pen::{PenEnd, PenTold, Pens};
pub use view::View;

use crate::app::editor::{Editor, Moved};
use crate::document::Document;
use eframe::egui_wgpu::RenderState;
use egui::{Modifiers, MouseWheelUnit, Pos2, Rect, Vec2};
use gesture::Gesture;
use gpu::Gpu;
use hand::Hand;
use latent::Latent;
use masks::Masks;
use pen::Pen;
use picture::Picture;
use pointed::Pointed;
use split::Split;

/// The state of the canvas that is not the document's.
pub(in crate::app) struct Canvas {
    pub view: View,
    /// The graphics card; without one (in tests) nothing is drawn on the canvas.
    gpu: Option<Gpu>,
    masks: Masks,
    latent: Latent,
    picture: Picture,
    gesture: Gesture,
    split: Split,
    pub hand: Hand,
    pen: Pen,
    /// The pointer on the screen, in points, while it is over the canvas or paints.
    pointer: Option<Pos2>,
    /// The position of the brush that is moved by keys, in canvas pixels.
    keyboard: Option<Pos2>,
    /// The part of the window in which the canvas is centred.
    stage: Rect,
    /// The canvas's widget, to give it the keyboard.
    id: Option<egui::Id>,
    /// Tools begun so far.
    begun: u64,
    /// What is pointed at, here and on the cards.
    pub pointed: Pointed,
    /// The right button was pressed while nothing was going on: letting go of it opens a menu.
    menu_armed: bool,
}

impl Canvas {
    #[must_use]
    pub(in crate::app) fn new(ctx: &egui::Context, state: Option<&RenderState>, pens: Option<Box<dyn Pens>>) -> Self {
        let gpu = state.map(Gpu::new);
        Self {
            view: View::default(),
            picture: Picture::new(ctx, gpu.as_ref().map(|g| &g.card)),
            gpu,
            masks: Masks::default(),
            latent: Latent::default(),
            gesture: Gesture::Idle,
            split: Split::default(),
            hand: Hand::default(),
            pen: Pen::of(pens),
            pointer: None,
            keyboard: None,
            stage: Rect::NOTHING,
            id: None,
            begun: 0,
            pointed: Pointed::default(),
            menu_armed: false,
        }
    }

    /// True where neither a picture nor a region nor colours are on it.
    #[must_use]
    pub(in crate::app) fn is_untouched(&self, editor: &Editor) -> bool {
        let document = editor.document();
        !self.picture.is_shown() && document.regions.is_empty() && document.paint.is_none()
    }

    /// Gives the keyboard to the canvas and shows where its brush is.
    pub(in crate::app) fn focus(&mut self, ctx: &egui::Context, document: &Document) {
        if let Some(id) = self.id {
            ctx.memory_mut(|m| m.request_focus(id));
            self.keyboard.get_or_insert(tiles::middle(document.width, document.height));
        }
    }

    /// Another document lies on it from now on.
    pub(in crate::app) fn reset(&mut self) {
        self.masks = Masks::default();
        self.latent = Latent::default();
        self.keyboard = None;
        self.hand = Hand::default();
        self.view.fit();
    }

    /// Takes in what a pen has told since the last frame, and returns the end that is near.
    pub(in crate::app) fn follow_pen(&mut self) -> Option<PenEnd> {
        if self.pen.listen() {
            // The mouse after it is as strong as ever.
            self.hand.pressure = 1.0;
        }
        self.pen.end()
    }

    /// Zooms by keys: the middle of the window, or the pointer where it is over the canvas, stays.
    pub(in crate::app) fn zoom_by(&mut self, factor: f32) {
        let anchor = self.pointer.unwrap_or(self.stage.center());
        self.zoom_at(anchor, factor);
    }

    /// Zooms, and what lies under a position of the screen stays there.
    pub(in crate::app) fn zoom_at(&mut self, pos: Pos2, factor: f32) {
        self.view.zoom_by(self.stage, self.split.in_view(pos), factor);
    }

    /// Turns what is seen clockwise, and what lies under a position of the screen stays there.
    pub(in crate::app) fn rotate_at(&mut self, pos: Pos2, degrees: f32) {
        self.view.rotate_at(self.stage, self.split.in_view(pos), degrees);
    }

    /// One canvas pixel on so many pixels of the screen.
    pub(in crate::app) fn zoom_to(&mut self, ctx: &egui::Context, zoom: f32) {
        self.view.set_zoom(self.stage, self.stage.center(), zoom / ctx.pixels_per_point());
    }

    /// The number of times that a tool was put to work.
    #[must_use]
    pub(in crate::app) fn begun(&self) -> u64 {
        self.begun
    }

    /// True while a tool is at work.
    #[must_use]
    pub(in crate::app) fn is_painting(&self) -> bool {
        matches!(self.gesture, Gesture::Tool(..))
    }

    /// The regions that a tool moves at this moment.
    #[must_use]
    pub(in crate::app) fn moved(&self) -> Option<Moved> {
        self.gesture.moved()
    }

    /// The screen position, in points, of a canvas position.
    #[must_use]
    pub(in crate::app) fn to_screen(&self, at: Pos2) -> Pos2 {
        self.view.to_screen(self.stage, at)
    }

    /// The canvas position under a position of the screen.
    #[must_use]
    pub(in crate::app) fn to_canvas(&self, at: Pos2) -> Pos2 {
        self.view.to_canvas(self.stage, self.split.in_view(at))
    }

    /// The corners on the screen of a picture that lies in the middle of a canvas of this size, as large as it fits.
    #[must_use]
    pub(in crate::app) fn corners_of(&self, picture: Vec2, canvas: Vec2) -> [Pos2; 4] {
        let size = picture * (canvas / picture.max(Vec2::splat(1.0))).min_elem();
        let place = Rect::from_center_size((canvas * 0.5).to_pos2(), size);
        [place.left_top(), place.right_top(), place.right_bottom(), place.left_bottom()].map(|at| self.to_screen(at))
    }

    /// True where the picture that is to be shown is.
    #[must_use]
    pub(in crate::app) fn is_picture_ready(&self) -> bool {
        self.picture.is_ready()
    }

    /// Moves what is seen by a part of the window's size.
    pub(in crate::app) fn pan_by(&mut self, by: Vec2) {
        self.view.pan(by * self.stage.size());
    }

    /// Keeps what a tool is doing, as if the button were let go. A lasso that waits for its next corner goes on waiting.
    pub(in crate::app) fn finish(&mut self, editor: &mut Editor) {
        self.gesture.finish(&mut self.hand, editor);
    }

    /// Keeps what a tool is doing.
    fn commit(&mut self, editor: &mut Editor) {
        self.gesture.commit(&mut self.hand, editor);
    }

    /// Takes back what a tool is doing.
    pub(in crate::app) fn abort(&mut self, editor: &mut Editor) {
        self.gesture.abort(editor);
    }

    /// The wheel zooms; together with Shift, and on a touchpad, it moves what is seen.
    pub(in crate::app) fn wheel(&mut self, pos: Pos2, unit: MouseWheelUnit, delta: Vec2, modifiers: Modifiers) {
        let zooms = modifiers.command || (unit != MouseWheelUnit::Point && !modifiers.shift);
        if zooms {
            let lines = match unit {
                MouseWheelUnit::Point => delta.y / 50.0,
                MouseWheelUnit::Line => delta.y,
                MouseWheelUnit::Page => delta.y * 4.0,
            };
            self.zoom_at(pos, 1.2_f32.powf(lines.clamp(-8.0, 8.0)));
        } else {
            let points = if unit == MouseWheelUnit::Point { 1.0 } else { 50.0 };
            let by = if unit != MouseWheelUnit::Point && delta.x == 0.0 { Vec2::new(delta.y, 0.0) } else { delta };
            self.view.pan(by * points);
        }
    }
}
