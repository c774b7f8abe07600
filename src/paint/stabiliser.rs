//! A hand that trembles, made steady: the brush follows the pointer at a distance and catches up when it is let go.

use super::stroke::Sample;

/// The brush is led as if by an elastic: for every pixel the pointer moves, it comes closer by a part of the gap, so that
/// on a straight way it stays [`lag`](Self::begin) pixels behind. It depends on the pointer's way alone, never on how many
/// samples that way was told in, nor on time.
#[derive(Debug, Clone)]
pub struct Stabiliser {
    lag: f32,
    pointer: Sample,
    brush: Sample,
}

impl Stabiliser {
    /// Begins at a sample; the brush stays up to `lag` canvas pixels behind. With none it is where the pointer is.
    #[must_use]
    pub fn begin(lag: f32, at: Sample) -> Self {
        Self { lag: if lag.is_finite() { lag.max(0.0) } else { 0.0 }, pointer: at, brush: at }
    }

    /// The pointer goes straight to here; returns where the brush goes. A sample that is not a number is left out.
    pub fn extend(&mut self, to: Sample) -> Vec<Sample> {
        let Some(to) = to.held() else { return Vec::new() };
        let from = std::mem::replace(&mut self.pointer, to);
        if self.lag < 0.5 {
            self.brush = to;
            return vec![to];
        }
        let way = (to.x - from.x).hypot(to.y - from.y);
        // So short that the brush's curve is drawn by straight pieces.
        let pieces = (way / (self.lag * 0.125)).ceil().max(1.0);
        let step = way / pieces;
        let stays = (-step / self.lag).exp();
        // Along a straight way the gap tends to the lag times the direction; it comes nearer to that by the same share
        // over every pixel.
        let follow = |brush: f32, from: f32, to: f32, piece: f32| {
            let slope = if way > 0.0 { (to - from) / way } else { 0.0 };
            let before = from + (to - from) * ((piece - 1.0) / pieces);
            let now = from + (to - from) * (piece / pieces);
            let settled = slope * self.lag;
            now - (settled + (before - brush - settled) * stays)
        };
        let mut out = Vec::new();
        let mut piece = 1.0;
        while way > 0.0 && piece <= pieces {
            self.brush = Sample {
                x: follow(self.brush.x, from.x, to.x, piece),
                y: follow(self.brush.y, from.y, to.y, piece),
                pressure: follow(self.brush.pressure, from.pressure, to.pressure, piece).clamp(0.0, 1.0),
            };
            out.push(self.brush);
            piece += 1.0;
        }
        out
    }

    /// The pointer is let go: where the brush goes last, which is where the pointer is.
    #[must_use]
    pub fn finish(self) -> Option<Sample> {
        (self.brush != self.pointer).then_some(self.pointer)
    }
}
