//! The surroundings of a canvas for painting: joined edges, and the axes it is mirrored over. Both make copies of a dab or
//! shape.

use crate::document::Wrap;
use serde::{Deserialize, Serialize};

/// Over which axes through the canvas's middle everything is painted once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Symmetry {
    /// Left and right are alike.
    pub x: bool,
    /// Top and bottom are alike.
    pub y: bool,
}

/// The repetition of a canvas in painting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Space {
    /// Joined edges: a stroke that leaves the canvas at one comes back at the other.
    pub wrap: Wrap,
    /// Mirror images of each stroke.
    pub symmetry: Symmetry,
}

impl From<Wrap> for Space {
    fn from(wrap: Wrap) -> Self {
        Self { wrap, symmetry: Symmetry::default() }
    }
}

/// A position as it is, or mirrored over the middle of one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mirror {
    pub(super) x: bool,
    pub(super) y: bool,
}

impl Mirror {
    /// Brings a position (in canvas pixels) onto a canvas of this size.
    pub(super) fn of(self, (x, y): (f32, f32), width: u32, height: u32) -> (f32, f32) {
        (if self.x { length(width) - x } else { x }, if self.y { length(height) - y } else { y })
    }
}

impl Symmetry {
    /// Everything as it is, then every mirrored copy.
    pub(super) fn mirrors(self) -> impl Iterator<Item = Mirror> {
        let all = [(false, false), (true, false), (false, true), (true, true)];
        all.into_iter().filter(move |(x, y)| (self.x || !x) && (self.y || !y)).map(|(x, y)| Mirror { x, y })
    }
}

/// The shifts that bring the range from `low` to `high` along one axis onto the canvas, each with the number of times around
/// the canvas that it is: only 0 without wrapping, and with it every shift at which the range reaches the canvas.
pub(super) fn shifts(low: f32, high: f32, side: u32, wrap: bool) -> impl Iterator<Item = (f32, i32)> {
    let length = length(side.max(1));
    #[expect(clippy::cast_possible_truncation, reason = "both are within reach of the canvas")]
    let times = if wrap { (-high / length).ceil() as i32..=((length - low) / length).floor() as i32 } else { 0..=0 };
    #[expect(clippy::cast_precision_loss, reason = "a few times around the canvas")]
    times.map(move |time| (time as f32 * length, time))
}

/// A side as a number of pixels.
pub(super) fn length(side: u32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "a side has at most 15 bits")]
    let length = side as f32;
    length
}
