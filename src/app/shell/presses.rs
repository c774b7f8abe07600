//! Events of the pointer, one frame after the other.
//!
//! egui finds what is pressed by where the pointer is at the frame's end. Where frames are slow, a hand has gone on by then: what
//! it pressed would not be taken hold of, and what it drops would fall elsewhere. So a press, the way after it and the release go
//! to frames of their own.

use egui::{Event, Pos2};

/// The pointer has left the place of a press, in points.
const LEFT: f32 = 3.0;

/// Events that wait for the next frame.
#[derive(Default)]
pub(in crate::app) struct Presses(Vec<Event>);

impl Presses {
    /// Leaves to a frame those of its events that belong into it; true where others wait for the next.
    pub(in crate::app) fn part(&mut self, events: &mut Vec<Event>) -> bool {
        let mut all = std::mem::take(&mut self.0);
        all.append(events);
        let (mut pressed, mut moved): (Option<Pos2>, bool) = (None, false);
        let next = all.iter().position(|event| match event {
            Event::PointerMoved(at) => {
                moved = true;
                pressed.is_some_and(|pressed| (*at - pressed).length() > LEFT)
            }
            Event::PointerButton { pressed: false, .. } if moved => true,
            Event::PointerButton { pos, .. } => {
                (pressed, moved) = (Some(*pos), false);
                false
            }
            _ => false,
        });
        if let Some(next) = next {
            self.0 = all.split_off(next);
        }
        *events = all;
        !self.0.is_empty()
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
        while frames.last_mut().is_some_and(|last| presses.part(last)) {
            frames.push(Vec::new());
        }
        frames
    }

    #[test]
    fn a_drag_within_one_slow_frame_becomes_three() {
        let all = vec![to(0.0), button(0.0, true), to(50.0), to(90.0), button(90.0, false), to(200.0)];
        let parted = frames(all.clone());
        assert_eq!(parted, [&all[..2], &all[2..4], &all[4..5], &all[5..]]);
        assert_eq!(parted.concat(), all, "nothing is lost, and nothing changes places");
    }

    #[test]
    fn clicks_and_strokes_stay_whole() {
        let click = vec![to(0.0), button(0.0, true), button(0.0, false), to(0.0)];
        assert_eq!(frames(click.clone()), [click]);
        let stroke = vec![to(1.0), to(20.0), to(40.0)];
        assert_eq!(frames(stroke.clone()), [stroke]);
    }
}
