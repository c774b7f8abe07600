//! The frame on the canvas, and the part of the canvas that is drawn for it.

use super::super::plan::Facts;
use crate::document::{MIN_SIDE, PixelRect};
use std::fmt;

/// A part of the canvas to draw, in canvas pixels. What of it lies outside the canvas is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Left edge; negative where it begins outside the canvas.
    pub x: i64,
    /// Top edge.
    pub y: i64,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// A frame that no picture can be drawn in. `Display` is one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It has no pixel in common with the canvas.
    #[error("the frame {frame} lies outside the canvas of {width}×{height}; give one that covers a part of it")]
    Outside {
        /// The frame.
        frame: Frame,
        /// Width of the canvas.
        width: u32,
        /// Height of the canvas.
        height: u32,
    },
    /// It has too few pixels in common with the canvas.
    #[error(
        "the frame {frame} covers {width}×{height} pixels of the canvas; a side takes at least {}, so make it larger",
        Frame::MIN_SIDE
    )]
    TooSmall {
        /// The frame.
        frame: Frame,
        /// Columns on the canvas.
        width: u32,
        /// Rows on the canvas.
        height: u32,
    },
}

impl Frame {
    /// The shortest side, in canvas pixels.
    pub const MIN_SIDE: u32 = 32;

    /// The pixels that it covers of a canvas of this size.
    ///
    /// # Errors
    /// If it lies outside, or has a side shorter than [`Self::MIN_SIDE`] on the canvas.
    pub fn on(self, width: u32, height: u32) -> Result<PixelRect, FrameError> {
        let axis = |start: i64, length: u32, side: u32| {
            let from = start.clamp(0, i64::from(side));
            let to = start.saturating_add(i64::from(length)).clamp(from, i64::from(side));
            (from as u32, (to - from) as u32)
        };
        let ((x, w), (y, h)) = (axis(self.x, self.width, width), axis(self.y, self.height, height));
        if w == 0 || h == 0 {
            return Err(FrameError::Outside { frame: self, width, height });
        }
        if w.min(h) < Self::MIN_SIDE {
            return Err(FrameError::TooSmall { frame: self, width: w, height: h });
        }
        Ok(PixelRect { x, y, width: w, height: h })
    }
}

impl From<PixelRect> for Frame {
    fn from(PixelRect { x, y, width, height }: PixelRect) -> Self {
        Self { x: i64::from(x), y: i64::from(y), width, height }
    }
}

impl fmt::Display for Frame {
    /// As it is given: `X,Y,WxH`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}x{}", self.x, self.y, self.width, self.height)
    }
}

/// The part of the canvas that is drawn for a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    /// The frame with its surroundings, in canvas pixels; it may go on over a joined edge.
    pub(super) canvas: PixelRect,
    /// Width and height at which it is drawn, in pixels.
    pub(super) drawn: (u32, u32),
}

/// The narrowest margin of surroundings, in canvas pixels.
const MARGIN: u32 = 32;

/// The least enlargement: resampling for less costs sharpness and wins nothing.
const LEAST: f64 = 1.1;

impl Cut {
    /// The frame with a margin of a quarter of its longer side, up to half a window of the model (a window over the frame sees
    /// no further), on whole latent cells where the canvas has the room. It grows to a window where it nearly is one, and is
    /// enlarged to one where it is smaller: its shorter side to the window's, but to no more than the pixels of four windows.
    ///
    /// The margin goes on over edges that are joined (x, y), until it meets itself. Without `surroundings` there is none.
    pub(super) fn of(
        frame: PixelRect,
        (width, height): (u32, u32),
        joined: (bool, bool),
        facts: Facts,
        surroundings: bool,
    ) -> Self {
        let grid = (facts.factor as u32).max(1);
        let native = facts.window as u32 * grid;
        let margin = (frame.width.max(frame.height) / 4).min(native / 2).max(MARGIN);
        let margin = if surroundings { margin } else { 0 };
        let axis = |start: u32, length: u32, side: u32, joined: bool| {
            // (Without surroundings there is nothing to see over an edge.)
            let joined = joined && surroundings;
            let (from, to) = if joined {
                (start + side - margin.min(side), start + side + length + margin)
            } else {
                (start.saturating_sub(margin), (start + length + margin).min(side))
            };
            let nearly = surroundings && (to - from) * 5 >= native * 4;
            let wanted = (to - from).max(MIN_SIDE).max(if nearly { native } else { 0 });
            let whole = wanted.next_multiple_of(grid).min(side);
            let from = from.saturating_sub((whole + from).saturating_sub(to) / 2);
            // (As long as the axis it begins with it.)
            (if joined && whole < side { from % side } else { from.min(side - whole) }, whole)
        };
        let (x, w) = axis(frame.x, frame.width, width, joined.0);
        let (y, h) = axis(frame.y, frame.height, height, joined.1);
        let most = 2.0 * f64::from(native) / (f64::from(w) * f64::from(h)).sqrt();
        let scale = (f64::from(native) / f64::from(w.min(h))).min(most);
        let side = |v: u32| {
            let cells = (f64::from(v) * scale / f64::from(grid)).round().max(1.0);
            if scale < LEAST { v } else { cells as u32 * grid }
        };
        Self { canvas: PixelRect { x, y, width: w, height: h }, drawn: (side(w), side(h)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A window of 512 pixels.
    fn sd15() -> Facts {
        Facts::new(64, 8)
    }

    #[test]
    fn a_frame_is_cut_to_the_canvas_or_refused() {
        let on = |x, y, width, height| Frame { x, y, width, height }.on(640, 480);
        let rect = |x, y, width, height| Ok(PixelRect { x, y, width, height });
        assert_eq!(on(0, 0, 640, 480), rect(0, 0, 640, 480));
        assert_eq!(on(-20, -30, 100, 100), rect(0, 0, 80, 70));
        assert_eq!(on(600, 440, 4_000_000_000, 99), rect(600, 440, 40, 40));
        for (x, y, w, h) in [(640, 0, 64, 64), (-64, 0, 64, 64), (0, 480, 64, 64), (i64::MAX, i64::MIN, 64, 64)] {
            assert!(matches!(on(x, y, w, h), Err(FrameError::Outside { .. })), "{x}, {y}");
        }
        for (x, y, w, h) in [(0, 0, 31, 64), (-40, 0, 64, 64), (620, 0, 64, 64), (0, 460, 64, 64)] {
            assert!(matches!(on(x, y, w, h), Err(FrameError::TooSmall { .. })), "{x}, {y}");
        }
        assert!(matches!(on(10, 10, 0, 64), Err(FrameError::Outside { .. })));
    }

    #[test]
    fn every_cut_holds_its_frame_on_the_canvas() {
        for (width, height) in [(64, 64), (100, 4096), (637, 411), (4096, 4096)] {
            for (x, y, w, h) in
                [(0, 0, 32, 32), (width - 32, height - 32, 32, 32), (5, 3, 47, 40), (0, 0, width, height)]
            {
                let frame = PixelRect { x, y, width: w, height: h };
                for surroundings in [true, false] {
                    let Cut { canvas, drawn } = Cut::of(frame, (width, height), (false, false), sd15(), surroundings);
                    assert_eq!(canvas.intersection(frame), frame, "{frame:?}");
                    assert_eq!(canvas.intersection(PixelRect::whole(width, height)), canvas, "{frame:?}");
                    assert!(canvas.width.min(canvas.height) >= 64);
                    // On whole cells, but for a canvas that is none and drawn as it is.
                    for (side, own, all) in [(drawn.0, canvas.width, width), (drawn.1, canvas.height, height)] {
                        assert!(side >= own && (side % 8 == 0 || side == all), "{frame:?} in {canvas:?} as {drawn:?}");
                    }
                    assert!(u64::from(drawn.0) * u64::from(drawn.1) <= canvas.area().max(4 * 520 * 520));
                }
            }
        }
    }

    #[test]
    fn small_frames_are_drawn_at_the_model_s_own_size() {
        let of = |frame| Cut::of(frame, (4096, 4096), (false, false), sd15(), true);
        let cut = |x, y, side| of(PixelRect { x, y, width: side, height: side });
        // A quarter of 128 on each side, and 192 to 512.
        let small = cut(1000, 1000, 128);
        assert_eq!((small.canvas, small.drawn), (PixelRect { x: 968, y: 968, width: 192, height: 192 }, (512, 512)));
        // Nearly a window: more surroundings instead of an enlargement.
        let near = cut(1000, 1000, 300);
        assert_eq!((near.canvas.width, near.drawn), (512, (512, 512)));
        assert_eq!(near.canvas.x + 256, 1000 + 150);
        // In a corner there are surroundings at two sides.
        assert_eq!(cut(0, 0, 128).canvas, PixelRect { x: 0, y: 0, width: 160, height: 160 });
        // Large ones as they are, with half a window around them.
        assert_eq!(cut(1024, 1024, 2048).drawn, (2560, 2560));
        let thin = of(PixelRect { x: 0, y: 64, width: 4096, height: 32 });
        assert_eq!((thin.canvas.height, thin.drawn), (64 + 32 + 256, (4096, 352)));
    }

    #[test]
    fn the_margin_goes_on_over_joined_edges() {
        let cut = |x, y, width, height, joined| {
            Cut::of(PixelRect { x, y, width, height }, (1024, 640), joined, Facts::new(8, 8), true).canvas
        };
        let rect = |x, y, width, height| PixelRect { x, y, width, height };
        // The margin of half a window is 32.
        assert_eq!(cut(0, 0, 64, 64, (false, false)), rect(0, 0, 96, 96));
        assert_eq!(cut(0, 0, 64, 64, (true, false)), rect(992, 0, 128, 96));
        assert_eq!(cut(0, 0, 64, 64, (true, true)), rect(992, 608, 128, 128));
        assert_eq!(cut(960, 570, 64, 70, (true, true)), rect(928, 537, 128, 136));
        assert_eq!(cut(400, 300, 64, 64, (true, true)), cut(400, 300, 64, 64, (false, false)));
        // Where it meets itself it is the whole axis, which is joined as the canvas is.
        assert_eq!(cut(24, 0, 1000, 64, (true, false)).columns(), 0..1024);
        assert_eq!(cut(3, 0, 980, 64, (true, true)), rect(0, 608, 1024, 128));
    }
}
