//! A short trial of a backend: the rates of the operators that most of a UNet's time goes to, and from them a score, the
//! seconds of one call of Stable Diffusion 1.5's UNet on a latent of 64 × 64.

use super::{Attention, Backend, ConvOptions, Result, WeightView};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Operations of the UNet's call by kind, as `counted` counts them.
const CONVOLUTIONS: f64 = 0.418e12;
const LINEAR: f64 = 0.259e12;
const ATTENTIONS: f64 = 0.126e12;
/// Values that its norms read, about.
const NORMALISED: f64 = 80e6;

/// The UNet's levels: side of the latent, channels in and out of the convolution that is tried, and the share of the
/// convolutions' operations that is done there. (The lowest has fewer channels than the UNet's, whose weights take long to pack.)
const LEVELS: [Level; 4] = [
    Level { side: 64, channels: 320, outputs: 320, share: 0.34 },
    Level { side: 32, channels: 640, outputs: 640, share: 0.33 },
    Level { side: 16, channels: 640, outputs: 1280, share: 0.25 },
    Level { side: 8, channels: 640, outputs: 640, share: 0.08 },
];

struct Level {
    side: usize,
    channels: usize,
    outputs: usize,
    share: f64,
}

/// Linear layers: tokens, width, outputs and share. The first is gated.
const LAYERS: [(usize, usize, usize, f64); 3] =
    [(4096, 320, 2560, 0.4), (1024, 640, 640, 0.35), (256, 1280, 1280, 0.25)];

/// Attentions: queries, keys, width and share. All have eight heads.
const ATTENDED: [(usize, usize, usize, f64); 3] =
    [(4096, 4096, 320, 0.85), (1024, 1024, 640, 0.11), (4096, 77, 320, 0.04)];

/// Operations of all of these.
const WHOLE: f64 = 52.3e9;
/// Runs that each takes at least: one to warm up, one that counts, and another for the probe and the packing.
const LEAST_RUNS: f64 = 3.0;
/// Parts of the problems that a slow device may be given instead of the whole.
const FRACTIONS: [usize; 6] = [1, 2, 4, 8, 16, 32];
/// Seconds that a measured run should take: far more than the way to the device and back.
const RUN: f64 = 0.02;
const MOST_CALLS: f64 = 32.0;

/// Rates of a device.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Operations a second of convolutions; a multiplication with its addition counts as two, here and below.
    pub convolution: f64,
    /// Operations a second of linear layers.
    pub linear: f64,
    /// Operations a second of attentions.
    pub attention: f64,
    /// Values a second of group norms.
    pub norm: f64,
}

impl Speed {
    /// Measures a backend in about `limit`, a little more where even the smallest problems take longer.
    ///
    /// # Errors
    /// If the device fails.
    pub fn measure<B: Backend>(b: &B, limit: Duration) -> Result<Self> {
        let begun = Instant::now();
        let smallest = FRACTIONS[FRACTIONS.len() - 1];
        let probe = convolution(b, &LEVELS[0], smallest, begun)?;
        let fits = |fraction: &&usize| LEAST_RUNS * WHOLE / **fraction as f64 / probe <= limit.as_secs_f64();
        let fraction = *FRACTIONS.iter().find(fits).unwrap_or(&smallest);
        // Every problem may use up its share of the time.
        let count = LEVELS.len() + LAYERS.len() + ATTENDED.len() + 1;
        let mut number = 0;
        let mut until = || {
            number += 1;
            begun + limit * number / count as u32
        };
        // Shares of operations, each at its rate, make the seconds of one operation.
        let mut seconds = [0.0; 3];
        for level in &LEVELS {
            seconds[0] += level.share / convolution(b, level, fraction, until())?;
        }
        for (at, layer) in LAYERS.iter().enumerate() {
            seconds[1] += layer.3 / linear(b, *layer, at == 0, fraction, until())?;
        }
        for problem in ATTENDED {
            seconds[2] += problem.3 / attention(b, problem, fraction, until())?;
        }
        let [convolution, linear, attention] = seconds.map(f64::recip);
        Ok(Self { convolution, linear, attention, norm: norm(b, fraction, until())? })
    }

    /// The score: seconds of one call of Stable Diffusion 1.5's UNet on a latent of 64 × 64, predicted from the rates.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        CONVOLUTIONS / self.convolution + LINEAR / self.linear + ATTENTIONS / self.attention + NORMALISED / self.norm
    }

    /// True where all rates are what a measurement can give.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        [self.convolution, self.linear, self.attention, self.norm].iter().all(|rate| rate.is_finite() && *rate > 0.0)
    }
}

/// Seconds in a few characters: two digits that count.
#[must_use]
pub fn seconds_told(seconds: f64) -> String {
    let digits = if seconds >= 10.0 {
        0
    } else if seconds >= 1.0 {
        1
    } else if seconds >= 0.1 {
        2
    } else {
        3
    };
    format!("{seconds:.digits$} s")
}

/// So many values between −1 and 1.
fn values(count: usize) -> Vec<f32> {
    let pattern: Vec<f32> = (0..509).map(|i| ((i * 7919) % 509) as f32 / 256.0 - 1.0).collect();
    let mut values = Vec::with_capacity(count);
    while values.len() < count {
        values.extend_from_slice(&pattern[..pattern.len().min(count - values.len())]);
    }
    values
}

fn weight(shape: &[usize]) -> WeightView<'static> {
    WeightView::computed(shape.to_vec(), values(shape.iter().product()))
}

fn convolution<B: Backend>(b: &B, level: &Level, fraction: usize, until: Instant) -> Result<f64> {
    let &Level { side, channels, outputs, .. } = level;
    let height = (side / fraction).max(1);
    let conv = b.pack_conv(weight(&[outputs, channels, 3, 3]), weight(&[outputs]), ConvOptions::same(3))?;
    let x = b.upload(&[1, channels, height, side], &values(channels * height * side))?;
    let operations = 18.0 * (height * side * channels * outputs) as f64;
    Ok(operations / seconds(b, until, || b.conv2d(&x, &conv))?)
}

fn linear<B: Backend>(
    b: &B,
    (tokens, width, outputs, _): (usize, usize, usize, f64),
    gated: bool,
    fraction: usize,
    until: Instant,
) -> Result<f64> {
    let tokens = (tokens / fraction).max(1);
    let (weights, bias) = (weight(&[outputs, width]), Some(weight(&[outputs])));
    let layer = if gated { b.pack_linear_geglu(weights, bias)? } else { b.pack_linear(weights, bias)? };
    let x = b.upload(&[1, tokens, width], &values(tokens * width))?;
    let run = || if gated { b.linear_geglu(&x, &layer) } else { b.linear(&x, &layer) };
    Ok(2.0 * (tokens * width * outputs) as f64 / seconds(b, until, run)?)
}

fn attention<B: Backend>(
    b: &B,
    (queries, keys, width, _): (usize, usize, usize, f64),
    fraction: usize,
    until: Instant,
) -> Result<f64> {
    let queries = (queries / fraction).max(1);
    let q = b.upload(&[1, queries, width], &values(queries * width))?;
    let k = b.upload(&[1, keys, width], &values(keys * width))?;
    let operations = 4.0 * (queries * keys * width) as f64;
    Ok(operations / seconds(b, until, || b.attention(&q, &k, &k, &Attention::full(8)))?)
}

fn norm<B: Backend>(b: &B, fraction: usize, until: Instant) -> Result<f64> {
    let (channels, height, width) = (640, (64 / fraction).max(1), 64);
    let norm = b.pack_norm(weight(&[channels]), weight(&[channels]))?;
    let count = channels * height * width;
    let x = b.upload(&[1, channels, height, width], &values(count))?;
    Ok(count as f64 / seconds(b, until, || b.group_norm(&x, &norm, 32, 1e-5, true))?)
}

/// Seconds of one call: the least of up to three runs of several calls, after one to warm up; one run where time is up.
fn seconds<B: Backend>(b: &B, until: Instant, call: impl Fn() -> Result<B::Tensor>) -> Result<f64> {
    finish(b, &call()?)?;
    let (mut least, mut calls) = (f64::INFINITY, 1.0);
    for _ in 0..3 {
        let begun = Instant::now();
        let mut last = call()?;
        for _ in 1..calls as usize {
            last = call()?;
        }
        finish(b, &last)?;
        least = least.min(begun.elapsed().as_secs_f64().max(1e-7) / calls);
        if Instant::now() >= until {
            break;
        }
        calls = (RUN / least).clamp(1.0, MOST_CALLS);
    }
    Ok(least)
}

/// Waits until a tensor is there. Only a few of its values take the way back.
fn finish<B: Backend>(b: &B, x: &B::Tensor) -> Result<()> {
    let last = b.shape(x).len() - 1;
    b.download(&b.slice(x, last, 0, 4)?).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::cpu::Cpu;

    #[test]
    fn a_score_is_the_seconds_of_the_operations_at_their_rates() {
        let speed = Speed { convolution: 4.18e12, linear: 2.59e11, attention: 1.26e12, norm: 80e9 };
        assert!((speed.seconds() - (0.1 + 1.0 + 0.1 + 0.001)).abs() < 1e-9);
        assert!(speed.is_sound());
        assert!(!Speed { linear: 0.0, ..speed }.is_sound() && !Speed { norm: f64::NAN, ..speed }.is_sound());
    }

    #[test]
    fn seconds_are_told_shortly() {
        assert_eq!([0.0123, 0.214, 3.26, 124.7].map(seconds_told), ["0.012 s", "0.21 s", "3.3 s", "125 s"]);
    }

    #[test]
    fn the_shares_of_the_problems_are_the_whole() {
        let sums = [
            LEVELS.iter().map(|level| level.share).sum::<f64>(),
            LAYERS.iter().map(|layer| layer.3).sum(),
            ATTENDED.iter().map(|problem| problem.3).sum(),
        ];
        assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-9), "{sums:?}");
        let conv = |level: &Level| 18.0 * (level.side.pow(2) * level.channels * level.outputs) as f64;
        let layers = LAYERS.iter().map(|(tokens, width, outputs, _)| 2.0 * (tokens * width * outputs) as f64);
        let attended = ATTENDED.iter().map(|(queries, keys, width, _)| 4.0 * (queries * keys * width) as f64);
        let whole: f64 = LEVELS.iter().map(conv).chain(layers).chain(attended).sum();
        assert!((whole / WHOLE - 1.0).abs() < 0.01, "{whole}");
    }

    #[test]
    fn the_processor_gives_rates() {
        let speed = Speed::measure(&Cpu::new(), Duration::from_millis(50)).unwrap();
        assert!(speed.is_sound(), "{speed:?}");
    }
}
