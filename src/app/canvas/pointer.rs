//! Pointer and keys on the canvas.
//!
//! The frame's events are replayed in the order they came, so that at any frame rate no corner and no end of a stroke
//! is lost, even where a whole stroke arrives in one frame.

use crate::app::canvas::easel::Easel;
use crate::app::canvas::gesture::{Gesture, Resize};
use crate::app::canvas::look::ViewMode;
use crate::app::canvas::tiles::middle;
use crate::app::tools::{After, Begun, Handle, InHand, Tool, Touch, pick, pick_too, turns};
use crate::paint::Placement;
use egui::{
    CursorIcon, Event, Key, Modifiers, Order, PointerButton, Popup, Pos2, Rect, Response, TouchPhase, Ui, Vec2,
};

/// The distance of two points of the screen that a hand cannot tell apart.
pub(super) const SLACK: f32 = 4.0;

impl Easel<'_> {
    pub(super) fn replay_events(&mut self, ui: &Ui, response: &Response, area: Rect) {
        let typing = ui.text_edit_focused();
        let space = !typing && ui.input(|i| i.key_down(Key::Space));
        if response.has_focus() {
            let filter = egui::EventFilter { horizontal_arrows: true, vertical_arrows: true, ..Default::default() };
            ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
        }
        let events = ui.input(|i| i.events.clone());
        let mut pressures = self.canvas.pen.pressures(events.iter().filter(|e| is_sample(e)).count()).into_iter();
        for event in events {
            if is_sample(&event)
                && let Some(pressure) = pressures.next()
            {
                self.canvas.hand.pressure = self.pressure.of(pressure);
            }
            match event {
                Event::PointerMoved(pos) => self.pointer_moved(pos),
                // (A press beside an open menu closes it, and does nothing else.)
                Event::PointerButton { pos, button, pressed: true, modifiers }
                    if area.contains(pos) && is_uncovered(ui, response, pos) && !Popup::is_any_open(ui) =>
                {
                    response.request_focus();
                    self.canvas.keyboard = None;
                    self.pointer_pressed(pos, button, modifiers, space);
                }
                Event::PointerButton { pos, button, pressed: false, modifiers } => {
                    self.pointer_released(pos, button, modifiers);
                    // The panels were drawn before, and show what it has changed.
                    ui.request_repaint();
                }
                // It comes before the pointer's own event. (A pen that is hardly pressed tells no force on Windows.)
                Event::Touch { phase: TouchPhase::Start | TouchPhase::Move, force: Some(force), .. } => {
                    self.canvas.hand.pressure = self.pressure.of(force);
                }
                Event::Touch { phase: TouchPhase::Start, force: None, .. } => self.canvas.hand.pressure = 1.0,
                Event::Touch { phase: TouchPhase::Cancel, .. } => self.canvas.abort(self.editor),
                Event::PointerGone if matches!(self.canvas.gesture, Gesture::Idle) => self.canvas.pointer = None,
                Event::ModifiersChanged(modifiers) => self.modifiers_are(modifiers),
                Event::WindowFocused(false) => {
                    self.canvas.finish(self.editor);
                    self.canvas.hand.modifiers = Modifiers::NONE;
                }
                Event::MouseWheel { unit, delta, modifiers, .. } => {
                    if let Some(pos) = ui.input(|i| i.pointer.latest_pos())
                        && area.contains(pos)
                        && is_uncovered(ui, response, pos)
                    {
                        self.canvas.wheel(pos, unit, delta, modifiers);
                    }
                }
                Event::Zoom(factor) => {
                    if let Some(pos) = ui.input(|i| i.pointer.latest_pos())
                        && area.contains(pos)
                    {
                        self.canvas.zoom_at(pos, factor);
                    }
                }
                Event::Rotate(by) => {
                    if let Some(pos) = ui.input(|i| i.pointer.latest_pos())
                        && area.contains(pos)
                    {
                        self.canvas.rotate_at(pos, by.to_degrees());
                    }
                }
                Event::Key { key, pressed: true, modifiers, repeat, .. } if response.has_focus() => {
                    self.canvas_key(key, modifiers, repeat);
                }
                Event::Key { key, pressed: false, .. } => self.canvas_key_released(key),
                _ => {}
            }
        }
    }

    /// Keys that are held change what a tool does, also while the pointer rests.
    fn modifiers_are(&mut self, modifiers: Modifiers) {
        if std::mem::replace(&mut self.canvas.hand.modifiers, modifiers) != modifiers
            && let Some(pos) = self.canvas.pointer
            && matches!(self.canvas.gesture, Gesture::Tool(_, Some(_)))
        {
            self.pointer_moved(pos);
        }
    }

    /// A position on the screen as tools take it.
    fn touch(&self, pos: Pos2, modifiers: Modifiers) -> Touch {
        self.touch_at(self.canvas.to_canvas(pos), modifiers)
    }

    fn touch_at(&self, at: Pos2, modifiers: Modifiers) -> Touch {
        Touch { at, modifiers, pressure: self.canvas.hand.pressure, slack: SLACK / self.canvas.view.zoom() }
    }

    fn pointer_moved(&mut self, pos: Pos2) {
        let zoom = self.canvas.view.zoom();
        if let Gesture::Resize(resize) = &mut self.canvas.gesture {
            // (The ring stays where the drag began.)
            resize.dragged |= pos.distance(resize.from) > SLACK;
            if resize.dragged {
                *self.brush = resize.brush(pos, zoom);
            }
            return;
        }
        self.canvas.pointer = Some(pos);
        let touch = self.touch(pos, self.canvas.hand.modifiers);
        match &mut self.canvas.gesture {
            Gesture::Tool(action, held) => {
                if held.is_some() || (action.takes_presses() && self.canvas.keyboard.is_none()) {
                    action.extend(self.editor, touch);
                }
            }
            Gesture::Pan { last, .. } => {
                let by = pos - *last;
                *last = pos;
                self.canvas.view.pan(by);
            }
            Gesture::Idle | Gesture::Resize(_) => {}
        }
    }

    fn pointer_pressed(&mut self, pos: Pos2, button: PointerButton, modifiers: Modifiers, space: bool) {
        self.canvas.pointer = Some(pos);
        self.canvas.hand.modifiers = modifiers;
        let touch = self.touch(pos, modifiers);
        let pans = button == PointerButton::Middle || (button == PointerButton::Primary && space);
        self.canvas.menu_armed = button == PointerButton::Secondary && matches!(self.canvas.gesture, Gesture::Idle);
        if let Gesture::Tool(action, held) = &mut self.canvas.gesture {
            match (action.takes_presses(), *held) {
                (true, None) if button == PointerButton::Primary && !pans => {
                    match action.press(touch) {
                        After::Commit => self.canvas.commit(self.editor),
                        After::Wait | After::Pick | After::PickToo => *held = Some(button),
                    }
                    return;
                }
                (true, None) if pans => {}
                // What keys have begun is kept.
                (false, None) => return self.canvas.commit(self.editor),
                // Another button takes it back.
                _ => return self.canvas.abort(self.editor),
            }
        }
        match button {
            _ if pans || (button == PointerButton::Primary && self.tool == Tool::Hand) => {
                let then = Box::new(std::mem::replace(&mut self.canvas.gesture, Gesture::Idle));
                self.canvas.gesture = Gesture::Pan { last: pos, button, then };
            }
            PointerButton::Primary if self.tool == Tool::Zoom => {
                let factor = if modifiers.alt { 0.5 } else { 2.0 };
                self.canvas.zoom_at(pos, factor);
            }
            PointerButton::Primary if self.tool.paints() && resizes(modifiers) => {
                let line = modifiers.shift.then_some(touch);
                let resize = Resize { from: pos, before: *self.brush, line, dragged: false };
                self.canvas.gesture = Gesture::Resize(resize);
            }
            PointerButton::Primary => self.begin_gesture(touch, Some(button)),
            _ => {}
        }
    }

    fn pointer_released(&mut self, pos: Pos2, button: PointerButton, modifiers: Modifiers) {
        let touch = self.touch(pos, modifiers);
        match &mut self.canvas.gesture {
            Gesture::Tool(_, held) if *held == Some(button) => {
                self.canvas.pointer = Some(pos);
                self.release_gesture(touch);
            }
            Gesture::Pan { button: b, .. } if *b == button => {
                self.pointer_moved(pos);
                self.canvas.finish(self.editor);
            }
            Gesture::Resize(_) if button == PointerButton::Primary => {
                self.pointer_moved(pos);
                let gesture = std::mem::replace(&mut self.canvas.gesture, Gesture::Idle);
                if let Gesture::Resize(Resize { line: Some(touch), dragged: false, .. }) = gesture {
                    self.begin_gesture(touch, None);
                    self.canvas.commit(self.editor);
                }
            }
            _ => {}
        }
        self.canvas.hand.pressure = 1.0;
    }

    fn begin_gesture(&mut self, at: Touch, button: Option<PointerButton>) {
        let hand = InHand {
            tool: self.tool,
            brush: *self.brush,
            settings: self.tools,
            zoom: self.canvas.view.zoom(),
            line_from: self.canvas.hand.last,
        };
        let shown = self.shown.clone();
        match hand.begin(self.editor, at, || shown) {
            Begun::Refused(refused) => {
                let told = refused.told(self.editor);
                return match refused.way_out() {
                    Some((name, offer)) => self.toasts.offer(told, name, offer),
                    None => self.toasts.info(told),
                };
            }
            Begun::Picked => {
                self.picked = true;
                return;
            }
            Begun::Action(action) => {
                self.canvas.gesture = Gesture::Tool(action, button);
                self.canvas.begun += 1;
            }
            Begun::Done => {}
        }
        // What is painted is seen.
        if *self.view_mode == ViewMode::Picture {
            *self.view_mode = ViewMode::Both;
        }
    }

    /// The button, or the key that stands for it, is let go.
    fn release_gesture(&mut self, at: Touch) {
        let Gesture::Tool(action, held) = &mut self.canvas.gesture else { return };
        match action.release(self.editor, at) {
            After::Commit => self.canvas.commit(self.editor),
            After::Wait => *held = None,
            After::Pick => {
                self.canvas.abort(self.editor);
                pick(self.editor, at.at, self.shown.as_ref().map(AsRef::as_ref));
                self.picked = true;
            }
            After::PickToo => {
                self.canvas.abort(self.editor);
                pick_too(self.editor, at.at);
                self.picked = true;
            }
        }
    }

    /// Painting without a pointer: arrows move the brush, Space paints a dab, Enter puts it down and lifts it. With the
    /// move tool arrows move the region.
    fn canvas_key(&mut self, key: Key, modifiers: Modifiers, repeat: bool) {
        let direction = match key {
            Key::ArrowLeft => Vec2::new(-1.0, 0.0),
            Key::ArrowRight => Vec2::new(1.0, 0.0),
            Key::ArrowUp => Vec2::new(0.0, -1.0),
            Key::ArrowDown => Vec2::new(0.0, 1.0),
            Key::Space | Key::Enter if !repeat && modifiers.is_none() => return self.press_key(key),
            Key::Backspace => {
                if let Gesture::Tool(action, _) = &mut self.canvas.gesture
                    && action.takes_presses()
                    && action.take_one_back()
                {
                    self.canvas.abort(self.editor);
                }
                return;
            }
            _ => return,
        };
        let document = self.editor.document();
        let (width, height) = (document.width as f32, document.height as f32);
        let at = self.canvas.keyboard.unwrap_or(middle(document.width, document.height));
        // Keys point on the screen, however the canvas is turned.
        let direction = self.canvas.view.to_canvas_vec(direction) * self.canvas.view.zoom();
        if self.tool == Tool::Move {
            if matches!(self.canvas.gesture, Gesture::Idle) {
                self.begin_gesture(self.touch_at(at, Modifiers::NONE), None);
            }
            if let Gesture::Tool(action, None) = &mut self.canvas.gesture
                && action.takes_arrows()
            {
                // By whole pixels: along the axis that is nearest.
                let across = direction.x.abs() > direction.y.abs();
                let (x, y) = (direction.x.round(), direction.y.round());
                action.nudge(if across { Vec2::new(x, 0.0) } else { Vec2::new(0.0, y) }, modifiers);
            }
            return;
        }
        let stride = if self.tool.paints() { (self.brush.size * 0.5).max(1.0) } else { 16.0 };
        let step = if modifiers.shift { 1.0 } else { stride };
        let at = (at + direction * step).clamp(Pos2::ZERO, Pos2::new(width, height));
        self.canvas.keyboard = Some(at);
        let touch = self.touch_at(at, Modifiers::NONE);
        if let Gesture::Tool(action, None) = &mut self.canvas.gesture {
            action.extend(self.editor, touch);
        }
    }

    /// Space and Enter stand for the button; Enter closes a lasso.
    fn press_key(&mut self, key: Key) {
        let keyboard = self.canvas.keyboard.map(|at| self.touch_at(at, Modifiers::NONE));
        if let Gesture::Tool(action, _) = &mut self.canvas.gesture {
            let corner = keyboard.filter(|_| key == Key::Space && action.takes_presses());
            let goes_on = corner.filter(|touch| action.press(*touch) == After::Wait);
            match goes_on {
                Some(touch) => self.release_gesture(touch),
                None => self.canvas.commit(self.editor),
            }
            return;
        }
        let Some(touch) = keyboard.filter(|_| !matches!(self.tool, Tool::Hand | Tool::Zoom | Tool::Move)) else {
            return;
        };
        self.begin_gesture(touch, None);
        if self.tool == Tool::Lasso {
            self.release_gesture(touch);
        } else if key == Key::Space && self.tool.paints() {
            self.canvas.commit(self.editor);
        }
    }

    /// A region moved by an arrow key stays where it is when the key is let go: one step however long it was held.
    fn canvas_key_released(&mut self, key: Key) {
        let arrow = matches!(key, Key::ArrowLeft | Key::ArrowRight | Key::ArrowUp | Key::ArrowDown);
        if arrow
            && let Gesture::Tool(action, None) = &mut self.canvas.gesture
            && action.takes_arrows()
        {
            self.canvas.commit(self.editor);
        }
    }

    /// The shape of the cursor over the canvas; `None` leaves it as it is.
    pub(super) fn cursor_icon(&mut self, ui: &Ui) -> Option<CursorIcon> {
        let space = !ui.text_edit_focused() && ui.input(|i| i.key_down(Key::Space)) && self.canvas.keyboard.is_none();
        let alt = ui.input(|i| i.modifiers.alt);
        let sizes = self.tool.paints() && ui.input(|i| resizes(i.modifiers));
        match (&self.canvas.gesture, self.tool) {
            (Gesture::Pan { .. }, _) => Some(CursorIcon::Grabbing),
            _ if space => Some(CursorIcon::Grab),
            (_, Tool::Hand) => Some(CursorIcon::Grab),
            (_, Tool::Zoom) if alt => Some(CursorIcon::ZoomOut),
            (_, Tool::Zoom) => Some(CursorIcon::ZoomIn),
            (Gesture::Idle, Tool::Brush | Tool::Eraser | Tool::Smudge | Tool::Fill | Tool::Move) if alt && !sizes => {
                Some(CursorIcon::PointingHand)
            }
            (Gesture::Tool(..) | Gesture::Resize(_), Tool::Frame) => None,
            (Gesture::Idle, Tool::Frame) => {
                let at = self.canvas.to_canvas(self.canvas.pointer?);
                let frame = self.editor.frame().map(Placement::from);
                let handle = frame.and_then(|frame| Handle::of(frame, at, 2.0 * SLACK / self.canvas.view.zoom()));
                Some(if handle == Some(Handle::WHOLE) { CursorIcon::Move } else { CursorIcon::Crosshair })
            }
            (_, Tool::Pick) => Some(CursorIcon::PointingHand),
            (_, Tool::Brush | Tool::Eraser | Tool::Smudge) => Some(CursorIcon::None),
            (_, Tool::Lasso | Tool::Rectangle | Tool::Ellipse | Tool::Fill | Tool::Gradient) => {
                Some(CursorIcon::Crosshair)
            }
            (Gesture::Tool(..) | Gesture::Resize(_), Tool::Move) => None,
            (Gesture::Idle, Tool::Move) => {
                let at = self.canvas.to_canvas(self.canvas.pointer?);
                let frame = self.canvas.hand.bounds(self.editor)?;
                let slack = SLACK / self.canvas.view.zoom();
                if turns(frame, at, slack) {
                    return Some(CursorIcon::Alias);
                }
                let handle = Handle::near(frame, at, 2.0 * slack);
                Some(if handle == Handle::WHOLE { CursorIcon::Move } else { CursorIcon::Crosshair })
            }
        }
    }
}

/// True for the events in which the pointer tells where it is, and a pen how hard it is pressed.
fn is_sample(event: &Event) -> bool {
    matches!(event, Event::PointerMoved(_) | Event::PointerButton { pressed: true, .. })
}

/// True for the keys with which a drag changes the brush: Ctrl+Alt, or Shift as in Krita.
fn resizes(modifiers: Modifiers) -> bool {
    modifiers.shift_only() || (modifiers.command && modifiers.alt && !modifiers.shift)
}

/// True where nothing floats over the canvas at this point of the screen.
fn is_uncovered(ui: &Ui, response: &Response, pos: Pos2) -> bool {
    let above = ui.layer_id_at(pos);
    above.is_none_or(|layer| layer.order == Order::Background) && ui.memory(|m| m.allows_interaction(response.layer_id))
}
