//! Events of the pointer, one frame after the other.
//!
//! egui finds what is pressed, and lists that are dragged find what is taken hold of, by where the pointer is at a frame's end. Where
//! frames are slow, a hand has gone on by then: nothing would be taken, and what is dropped would fall elsewhere. So a press, the first
//! bit of the way, the way itself and the release go to frames of their own.

use egui::{Event, Pos2};

/// The pointer has left the place of a press, in points.
const LEFT: f32 = 3.0;
/// The first bit of its way.
const BIT: f32 = 5.0;

/// Events that wait for the next frame.
#[derive(Default)]
pub(in crate::app) struct Presses {
    waiting: Vec<Event>,
    /// Where a button was pressed, as long as the pointer has not left that place.
    pressed: Option<Pos2>,
}

impl Presses {
    /// True where events wait for the next frame.
    #[must_use]
    pub(in crate::app) fn wait(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Leaves to a frame those of its events that belong into it.
    pub(in crate::app) fn part(&mut self, events: &mut Vec<Event>) {
        let mut all = std::mem::take(&mut self.waiting);
        all.append(events);
        let mut rest = all.into_iter().peekable();
        // Where a button was pressed or let go in this frame, and whether the pointer has moved since.
        let (mut button, mut moved): (Option<Pos2>, bool) = (None, false);
        while let Some(event) = rest.peek() {
            match *event {
                Event::PointerMoved(at) => {
                    let left = |from: &Pos2| (at - *from).length() > LEFT;
                    if button.as_ref().is_some_and(left) {
                        break;
                    }
                    if let Some(from) = self.pressed.take_if(|from| left(from)) {
                        events.push(Event::PointerMoved(from + (at - from).normalized() * BIT));
                        break;
                    }
                    moved = true;
                }
                Event::PointerButton { pressed: false, .. } if moved => break,
                Event::PointerButton { pressed, pos, .. } => {
                    self.pressed = pressed.then_some(pos);
                    (button, moved) = (Some(pos), false);
                }
                _ => {}
            }
            events.extend(rest.next());
        }
        self.waiting = rest.collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{Modifiers, PointerButton, pos2};

    fn button(x: f32, pressed: bool) -> Event {
        Event::PointerButton { pos: pos2(x, 0.0), button: PointerButton::Primary, pressed, modifiers: Modifiers::NONE }
    }

    fn to(x: f32) -> Event {
        Event::PointerMoved(pos2(x, 0.0))
    }

    /// The events of each frame, where all come in the first.
    fn frames(all: Vec<Event>) -> Vec<Vec<Event>> {
        let mut presses = Presses::default();
        let mut frames = vec![all];
        while let Some(last) = frames.last_mut() {
            presses.part(last);
            if !presses.wait() {
                break;
            }
            frames.push(Vec::new());
        }
        frames
    }

    #[test]
    fn a_drag_within_one_slow_frame_becomes_several() {
        let all = vec![to(0.0), button(0.0, true), to(-50.0), to(-90.0), button(-90.0, false), to(200.0)];
        let first = vec![to(-BIT)];
        let parted = [all[..2].to_vec(), first.clone(), all[2..4].to_vec(), all[4..5].to_vec(), all[5..].to_vec()];
        assert_eq!(frames(all.clone()), parted, "nothing is lost, and nothing changes places");
        // So it is where the press had a frame of its own.
        let mut presses = Presses::default();
        let mut events = all[..2].to_vec();
        presses.part(&mut events);
        assert!(!presses.wait() && events == all[..2], "nothing waits");
        let mut events = all[2..].to_vec();
        presses.part(&mut events);
        assert!(presses.wait());
        assert_eq!(events, first);
    }

    #[test]
    fn clicks_and_strokes_stay_whole() {
        let click = vec![to(0.0), button(0.0, true), button(0.0, false), to(0.0)];
        assert_eq!(frames(click.clone()), [click]);
        let stroke = vec![to(1.0), to(20.0), to(40.0)];
        assert_eq!(frames(stroke.clone()), [stroke]);
    }
}
