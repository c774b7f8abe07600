//! The loops of the processor's operators, on slices. Images lie with their channels last.

use super::moments::GroupMoments;
use rayon::prelude::*;

/// Values that are worth a thread.
pub(super) const GRAIN: usize = 1 << 14;

/// e to the power of `x`, within 2e-7 (relative), in a form that compilers turn into vector instructions.
fn exp(x: f32) -> f32 {
    // Adding 1.5 · 2²³ leaves a whole number in the lowest bits; taking it away again gives that number.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    // ln 2 in two parts, so that the difference is exact.
    let rest = (x - whole * 0.693_359_4) - whole * -2.121_944_4e-4;
    let mut power = 1.987_569_1e-4;
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_66, 0.5] {
        power = power * rest + coefficient;
    }
    let power = power * rest * rest + rest + 1.0;
    power * f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23))
}

pub(super) fn silu(x: f32) -> f32 {
    x / (1.0 + exp(-x))
}

/// The exact GELU, `x · Φ(x)`, within 2e-7: Abramowitz and Stegun's 7.1.26 for erf.
pub(super) fn gelu(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let mut tail = 1.061_405_4;
    for coefficient in [-1.453_152, 1.421_413_8, -0.284_496_74, 0.254_829_6] {
        tail = tail * t + coefficient;
    }
    // Φ(−|x|)
    let tail = 0.5 * tail * t * exp(-z * z);
    x * if x < 0.0 { tail } else { 1.0 - tail }
}

/// `x · sigmoid(1.702 x)`.
pub(super) fn quick_gelu(x: f32) -> f32 {
    x / (1.0 + exp(-1.702 * x))
}

/// The patches that a convolution sees: image `[n, in_height, in_width, channels]` to `[lines · width, kernel · kernel ·
/// channels]`, for output lines from `first` on, counted through all images.
pub(super) struct Patches {
    pub kernel: usize,
    pub stride: usize,
    pub before: usize,
    pub in_height: usize,
    pub in_width: usize,
    pub channels: usize,
    /// Size of the output.
    pub height: usize,
    pub width: usize,
    pub first: usize,
}

impl Patches {
    /// Writes as many lines as `patches` has room for.
    pub(super) fn write(&self, x: &[f32], patches: &mut [f32]) {
        let &Self { kernel, stride, before, in_height, in_width, channels, height, width, first } = self;
        let len = kernel * kernel * channels;
        let line_len = (width * len).max(1);
        patches.par_chunks_mut(line_len).with_min_len(GRAIN.div_ceil(line_len)).enumerate().for_each(
            |(line, patches)| {
                // Taps outside the image see zeros.
                patches.fill(0.0);
                let (image, row) = ((first + line) / height, (first + line) % height);
                for tap_y in 0..kernel {
                    let Some(y) = (row * stride + tap_y).checked_sub(before).filter(|&y| y < in_height) else {
                        continue;
                    };
                    let start = (image * in_height + y) * in_width * channels;
                    let Some(source) = x.get(start..start + in_width * channels) else { continue };
                    for (column, patch) in patches.chunks_exact_mut(len).enumerate() {
                        // Taps from..to of this row lie inside the image.
                        let left = column * stride;
                        let from = before.saturating_sub(left).min(kernel);
                        let to = (in_width + before).saturating_sub(left).min(kernel);
                        if from >= to {
                            continue;
                        }
                        let patch = &mut patch[(tap_y * kernel + from) * channels..(tap_y * kernel + to) * channels];
                        let at = (left + from - before) * channels;
                        patch.copy_from_slice(&source[at..at + patch.len()]);
                    }
                }
            },
        );
    }
}

/// Adds a vector to every run of as many values.
pub(super) fn add_vector(x: &mut [f32], vector: &[f32]) {
    if !vector.is_empty() {
        x.par_chunks_mut(vector.len()).with_min_len(GRAIN.div_ceil(vector.len())).for_each(|x| {
            x.iter_mut().zip(vector).for_each(|(x, v)| *x += v);
        });
    }
}

/// A matrix of `rows`, row by row, as its columns, one after the other.
pub(super) fn transpose(x: &[f32], rows: usize, y: &mut [f32]) {
    let columns = x.len() / rows.max(1);
    y.par_chunks_mut(rows.max(1)).with_min_len(GRAIN.div_ceil(rows.max(1))).enumerate().for_each(|(column, y)| {
        let values = x.iter().skip(column).step_by(columns.max(1));
        y.iter_mut().zip(values).for_each(|(y, x)| *y = *x);
    });
}

/// Enlarges an image, nearest neighbour.
pub(super) fn upsample(x: &[f32], from: [usize; 2], to: [usize; 2], channels: usize, y: &mut [f32]) {
    let ([in_height, in_width], [height, width]) = (from, to);
    let line = (width * channels).max(1);
    y.par_chunks_mut(line).with_min_len(GRAIN.div_ceil(line)).enumerate().for_each(|(index, y)| {
        let (image, row) = (index / height, index % height);
        let start = (image * in_height + row * in_height / height) * in_width * channels;
        for (column, y) in y.chunks_exact_mut(channels).enumerate() {
            let at = start + column * in_width / width * channels;
            y.copy_from_slice(&x[at..at + channels]);
        }
    });
}

/// The keys that a row of scores sees.
#[derive(Clone, Copy)]
pub(super) enum Seen<'a> {
    All,
    /// Rows are queries from this one on, and each sees keys up to its own place.
    Causal(usize),
    /// Values that are added to the scores.
    Bias(&'a [f32]),
}

/// Softmax of every row of `keys` scores, in place.
pub(super) fn softmax(scores: &mut [f32], keys: usize, seen: Seen) {
    if keys == 0 {
        return;
    }
    scores.par_chunks_mut(keys).with_min_len(GRAIN.div_ceil(keys)).enumerate().for_each(|(index, row)| {
        if let Seen::Bias(bias) = seen {
            row.iter_mut().zip(&bias[index * keys..]).for_each(|(x, bias)| *x += bias);
        }
        let seen = if let Seen::Causal(first) = seen { (first + index + 1).min(keys) } else { keys };
        let (row, unseen) = row.split_at_mut(seen);
        unseen.fill(0.0);
        let mut lanes = [f32::NEG_INFINITY; 16];
        let (chunks, rest) = row.as_chunks::<16>();
        for chunk in chunks {
            for (lane, &x) in lanes.iter_mut().zip(chunk) {
                *lane = if x > *lane { x } else { *lane };
            }
        }
        let largest = lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max);
        row.iter_mut().for_each(|x| *x = exp(*x - largest));
        #[expect(clippy::cast_possible_truncation, reason = "sums go back to f32")]
        let inverse = sum(row, |x| x).recip() as f32;
        row.iter_mut().for_each(|x| *x *= inverse);
    });
}

/// `a · gelu(b)` where `a` and `b` are the halves, `half` values each, of every token.
pub(super) fn geglu(x: &[f32], half: usize, y: &mut [f32]) {
    if half > 0 {
        let tokens = y.par_chunks_mut(half).zip(x.par_chunks(2 * half)).with_min_len(GRAIN.div_ceil(half));
        tokens.for_each(|(y, x)| {
            let (a, b) = x.split_at(half);
            for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
                *y = a * gelu(b);
            }
        });
    }
}

/// Layer normalisation of every run of as many values as `scale` has.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "moments go back to f32")]
pub(super) fn layer_norm(x: &[f32], scale: &[f32], shift: &[f32], eps: f32, y: &mut [f32]) {
    let width = scale.len();
    let tokens = y.par_chunks_mut(width).zip(x.par_chunks(width)).with_min_len(GRAIN.div_ceil(width));
    tokens.for_each(|(y, x)| {
        let mean = (sum(x, |x| x) / width as f64) as f32;
        let variance = (sum(x, |x| (x - mean) * (x - mean)) / width as f64) as f32;
        let inverse = (variance + eps).sqrt().recip();
        for ((y, x), (scale, shift)) in y.iter_mut().zip(x).zip(scale.iter().zip(shift)) {
            *y = (x - mean) * inverse * scale + shift;
        }
    });
}

/// The sum of `f` over `values`, in 16 lanes per 4096 values so that it is both fast and exact to about f32's last digit.
fn sum(values: &[f32], f: impl Fn(f32) -> f32) -> f64 {
    values
        .chunks(4096)
        .map(|part| {
            let mut lanes = [0.0_f32; 16];
            let (chunks, rest) = part.as_chunks::<16>();
            for chunk in chunks {
                for (lane, &x) in lanes.iter_mut().zip(chunk) {
                    *lane += f(x);
                }
            }
            let rest: f32 = rest.iter().map(|&x| f(x)).sum();
            lanes.iter().map(|&x| f64::from(x)).sum::<f64>() + f64::from(rest)
        })
        .sum()
}

/// Group normalisation with known moments, followed by SiLU where `silu`.
pub(super) struct Normalise<'a> {
    pub scale: &'a [f32],
    pub shift: &'a [f32],
    /// `groups` for every image.
    pub moments: &'a [GroupMoments],
    pub groups: usize,
    pub eps: f32,
    pub silu: bool,
}

impl Normalise<'_> {
    /// Images `[n, h, w, c]` from `x` to `y`.
    pub(super) fn write(&self, x: &[f32], images: usize, channels: usize, y: &mut [f32]) {
        // y = x · factor + offset, per image and channel.
        let per_group = channels / self.groups;
        let lines: Vec<(f32, f32)> = (0..images * channels)
            .map(|index| {
                let (image, channel) = (index / channels, index % channels);
                let GroupMoments { mean, variance } = self.moments[image * self.groups + channel / per_group];
                let factor = self.scale[channel] * (variance + self.eps).sqrt().recip();
                (factor, self.shift[channel] - mean * factor)
            })
            .collect();
        let image = x.len() / images;
        let pixels = y.par_chunks_mut(channels).zip(x.par_chunks(channels)).with_min_len(GRAIN.div_ceil(channels));
        pixels.enumerate().for_each(|(pixel, (y, x))| {
            let first = pixel * channels / image * channels;
            for ((y, &x), &(factor, offset)) in y.iter_mut().zip(x).zip(&lines[first..first + channels]) {
                let v = x * factor + offset;
                *y = if self.silu { silu(v) } else { v };
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest relative error of `f` against `exact`, over −12…12.
    fn error(f: fn(f32) -> f32, exact: fn(f64) -> f64) -> f64 {
        let xs = (-12_000..=12_000).map(|x| x as f32 / 1000.0);
        let error = |x: f32| (f64::from(f(x)) - exact(f64::from(x))).abs() / exact(f64::from(x)).abs().max(1e-3);
        xs.map(error).fold(0.0, f64::max)
    }

    #[test]
    fn exp_and_silu_are_exact_enough() {
        assert!(error(exp, f64::exp) < 3e-7, "{}", error(exp, f64::exp));
        let exact = |x: f64| x / (1.0 + (-x).exp());
        assert!(error(silu, exact) < 4e-7, "{}", error(silu, exact));
        assert_eq!(exp(0.0), 1.0);
        assert!(silu(-1e30).abs() < 1e-6 && silu(1e30) == 1e30);
    }

    #[test]
    fn gelu_is_exact_enough() {
        for (x, exact) in [
            (-6.0, -5.919_527e-9),
            (-3.0, -0.004_049_694),
            (-1.0, -0.158_655_25),
            (-0.1, -0.046_017_216),
            (0.0, 0.0),
            (0.1, 0.053_982_784),
            (1.0, 0.841_344_7),
            (3.0, 2.995_950_3),
            (30.0, 30.0),
        ] {
            assert!((gelu(x) - exact).abs() < 3e-7 * x.abs().max(1.0), "{x}: {} {exact}", gelu(x));
        }
    }
}
