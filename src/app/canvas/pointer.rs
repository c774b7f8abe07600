//! What the pointer and the keys do on the canvas.
//!
//! The frame's events are replayed in the order they came, so that at any frame rate no corner and no end of a stroke
//! is lost, even where a whole stroke arrives in one frame.

use super::super::texts::{fill, tr};
use super::{App, pixel_at};
use crate::app::ViewMode;
use crate::app::editor::Selected;
use crate::app::tools::{PaintStroke, Tool};
use crate::paint::Sample;
use egui::{CursorIcon, Event, Key, Modifiers, MouseWheelUnit, Order, PointerButton, Pos2, Rect, Response, Ui, Vec2};

/// What a pressed button is doing.
pub enum Gesture {
    Idle,
    /// Painting; begun with this button, or by keys.
    Paint(PaintStroke, Option<PointerButton>),
    Pan {
        last: Pos2,
        button: PointerButton,
    },
}

impl App {
    pub(super) fn replay_events(&mut self, ui: &Ui, response: &Response, area: Rect) {
        let typing = ui.text_edit_focused();
        let space = !typing && ui.input(|i| i.key_down(Key::Space));
        if response.has_focus() {
            let filter = egui::EventFilter { horizontal_arrows: true, vertical_arrows: true, ..Default::default() };
            ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
        }
        for event in ui.input(|i| i.events.clone()) {
            match event {
                Event::PointerMoved(pos) => self.pointer_moved(pos),
                Event::PointerButton { pos, button, pressed: true, modifiers }
                    if area.contains(pos) && is_uncovered(ui, response, pos) =>
                {
                    response.request_focus();
                    self.canvas.keyboard = None;
                    self.pointer_pressed(pos, button, modifiers, space);
                }
                Event::PointerButton { pos, button, pressed: false, .. } => self.pointer_released(pos, button),
                Event::PointerGone if matches!(self.canvas.gesture, Gesture::Idle) => self.canvas.pointer = None,
                Event::WindowFocused(false) => self.finish_gesture(),
                Event::MouseWheel { unit, delta, modifiers, .. } => {
                    if let Some(pos) = ui.input(|i| i.pointer.latest_pos())
                        && area.contains(pos)
                        && is_uncovered(ui, response, pos)
                    {
                        self.wheel(pos, unit, delta, modifiers);
                    }
                }
                Event::Zoom(factor) => {
                    if let Some(pos) = ui.input(|i| i.pointer.latest_pos())
                        && area.contains(pos)
                    {
                        self.canvas.view.zoom_by(self.canvas.stage, pos, factor);
                    }
                }
                Event::Key { key, pressed: true, modifiers, repeat, .. } if response.has_focus() => {
                    self.canvas_key(key, modifiers, repeat);
                }
                _ => {}
            }
        }
    }

    fn pointer_moved(&mut self, pos: Pos2) {
        self.canvas.pointer = Some(pos);
        match &mut self.canvas.gesture {
            Gesture::Paint(stroke, Some(_)) => {
                let sample = sample(self.canvas.view.to_canvas(self.canvas.stage, pos));
                stroke.extend(&mut self.editor, sample);
            }
            Gesture::Pan { last, .. } => {
                let by = pos - *last;
                *last = pos;
                self.canvas.view.pan(by);
            }
            Gesture::Paint(_, None) | Gesture::Idle => {}
        }
    }

    fn pointer_pressed(&mut self, pos: Pos2, button: PointerButton, modifiers: Modifiers, space: bool) {
        self.canvas.pointer = Some(pos);
        if matches!(self.canvas.gesture, Gesture::Paint(..)) {
            // Another button while painting takes the stroke back.
            self.abort_gesture();
            return;
        }
        let at = self.canvas.view.to_canvas(self.canvas.stage, pos);
        match button {
            PointerButton::Middle => self.canvas.gesture = Gesture::Pan { last: pos, button },
            PointerButton::Primary if space || self.tool == Tool::Hand => {
                self.canvas.gesture = Gesture::Pan { last: pos, button };
            }
            PointerButton::Primary if self.tool == Tool::Zoom => {
                let factor = if modifiers.alt { 0.5 } else { 2.0 };
                self.canvas.view.zoom_by(self.canvas.stage, pos, factor);
            }
            PointerButton::Primary if modifiers.alt => self.pick_region(at),
            PointerButton::Primary => self.begin_stroke(at, Some(button)),
            _ => {}
        }
    }

    fn pointer_released(&mut self, pos: Pos2, button: PointerButton) {
        let ours = match &self.canvas.gesture {
            Gesture::Paint(_, b) => *b == Some(button),
            Gesture::Pan { button: b, .. } => *b == button,
            Gesture::Idle => false,
        };
        if ours {
            self.pointer_moved(pos);
            self.finish_gesture();
        }
    }

    fn begin_stroke(&mut self, at: Pos2, button: Option<PointerButton>) {
        if self.editor.document().regions.is_empty() && self.tool == Tool::Brush {
            self.editor.add_region();
        }
        if self.editor.selected() == Selected::Background {
            self.toasts.info(tr("The background is wherever no region is. Select or add a region to paint."));
            return;
        }
        if let Some(region) = self.editor.selected_region().filter(|r| !r.visible) {
            self.toasts.info(fill("{0} is hidden. Show it to paint on it.", &[&region.name]));
            return;
        }
        if let Some(region) = self.editor.selected_region().filter(|r| r.locked) {
            self.toasts.info(fill("{0} is locked. Unlock it to paint on it.", &[&region.name]));
            return;
        }
        if self.view_mode == ViewMode::Picture {
            self.view_mode = ViewMode::Both;
        }
        let erase = self.tool == Tool::Eraser;
        if let Some(stroke) = PaintStroke::begin(&mut self.editor, self.prefs.brush, erase, sample(at)) {
            self.canvas.gesture = Gesture::Paint(stroke, button);
        }
    }

    /// Keeps what the pressed button was doing, as if it were let go.
    pub(in crate::app) fn finish_gesture(&mut self) {
        if let Gesture::Paint(stroke, _) = std::mem::replace(&mut self.canvas.gesture, Gesture::Idle) {
            stroke.commit(&mut self.editor);
        }
    }

    /// Takes back what the pressed button was doing.
    pub(in crate::app) fn abort_gesture(&mut self) {
        if let Gesture::Paint(stroke, _) = std::mem::replace(&mut self.canvas.gesture, Gesture::Idle) {
            stroke.abort(&mut self.editor);
        }
    }

    /// Selects the uppermost region under a canvas position.
    fn pick_region(&mut self, at: Pos2) {
        let Some((x, y)) = pixel_at(at) else { return };
        let regions = &self.editor.document().regions;
        let found = regions.iter().rev().find(|r| r.visible && r.mask.get(x, y) > 127).map(|r| r.id);
        self.editor.select(found.map_or(Selected::Background, Selected::Region));
    }

    fn wheel(&mut self, pos: Pos2, unit: MouseWheelUnit, delta: Vec2, modifiers: Modifiers) {
        let stage = self.canvas.stage;
        let zooms = modifiers.command || (unit != MouseWheelUnit::Point && !modifiers.shift);
        if zooms {
            let lines = match unit {
                MouseWheelUnit::Point => delta.y / 50.0,
                MouseWheelUnit::Line => delta.y,
                MouseWheelUnit::Page => delta.y * 4.0,
            };
            self.canvas.view.zoom_by(stage, pos, 1.2_f32.powf(lines.clamp(-8.0, 8.0)));
        } else {
            let points = if unit == MouseWheelUnit::Point { 1.0 } else { 50.0 };
            let by = if unit != MouseWheelUnit::Point && delta.x == 0.0 { Vec2::new(delta.y, 0.0) } else { delta };
            self.canvas.view.pan(by * points);
        }
    }

    /// Painting without a pointer: arrows move the brush, Space paints a dab, Enter puts it down and lifts it.
    fn canvas_key(&mut self, key: Key, modifiers: Modifiers, repeat: bool) {
        let direction = match key {
            Key::ArrowLeft => Vec2::new(-1.0, 0.0),
            Key::ArrowRight => Vec2::new(1.0, 0.0),
            Key::ArrowUp => Vec2::new(0.0, -1.0),
            Key::ArrowDown => Vec2::new(0.0, 1.0),
            Key::Space | Key::Enter if !repeat && modifiers.is_none() => {
                let Some(at) = self.canvas.keyboard else { return };
                if matches!(self.canvas.gesture, Gesture::Paint(..)) {
                    self.finish_gesture();
                } else if self.tool.paints() {
                    self.begin_stroke(at, None);
                    if key == Key::Space {
                        self.finish_gesture();
                    }
                }
                return;
            }
            _ => return,
        };
        let document = self.editor.document();
        let (width, height) = (document.width as f32, document.height as f32);
        let step = if modifiers.shift { 1.0 } else { (self.prefs.brush.size * 0.5).max(1.0) };
        let at = self.canvas.keyboard.unwrap_or(super::tiles::middle(document.width, document.height));
        let at = (at + direction * step).clamp(Pos2::ZERO, Pos2::new(width, height));
        self.canvas.keyboard = Some(at);
        if let Gesture::Paint(stroke, None) = &mut self.canvas.gesture {
            stroke.extend(&mut self.editor, sample(at));
        }
    }

    /// The shape of the cursor over the canvas; `None` leaves it as it is.
    pub(super) fn cursor_icon(&self, ui: &Ui) -> Option<CursorIcon> {
        let space = !ui.text_edit_focused() && ui.input(|i| i.key_down(Key::Space)) && self.canvas.keyboard.is_none();
        match (&self.canvas.gesture, self.tool) {
            (Gesture::Pan { .. }, _) => Some(CursorIcon::Grabbing),
            _ if space => Some(CursorIcon::Grab),
            (_, Tool::Hand) => Some(CursorIcon::Grab),
            (_, Tool::Zoom) if ui.input(|i| i.modifiers.alt) => Some(CursorIcon::ZoomOut),
            (_, Tool::Zoom) => Some(CursorIcon::ZoomIn),
            (_, Tool::Brush | Tool::Eraser) => Some(CursorIcon::None),
        }
    }
}

fn sample(at: Pos2) -> Sample {
    Sample::new(at.x, at.y)
}

/// True where nothing floats over the canvas at this point of the screen.
fn is_uncovered(ui: &Ui, response: &Response, pos: Pos2) -> bool {
    let above = ui.layer_id_at(pos);
    above.is_none_or(|layer| layer.order == Order::Background) && ui.memory(|m| m.allows_interaction(response.layer_id))
}
