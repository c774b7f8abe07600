//! Whether a card computes right: drivers have faults that no error tells of. The operators that all else is made of solve small
//! problems when a card is opened, and are held to plain loops.

use super::{Activation, Attention, Backend, ConvOptions, Epilogue, Error, Result, WeightView};
use half::f16;

/// The relative distance from the loops that rounding can bring, by the type that values are kept in.
pub(super) const F32: f64 = 1e-5;
pub(super) const F16: f64 = 5e-3;
#[cfg(any(feature = "cuda", feature = "metal"))]
pub(super) const TF32: f64 = 2e-3;
#[cfg(any(feature = "cuda", feature = "metal"))]
pub(super) const BF16: f64 = 4e-2;

/// Fails where a result of the card `name` is further than `bound` from the loops'.
pub(super) fn check<B: Backend>(b: &B, name: &str, bound: f64) -> Result<()> {
    check_products(b, name, bound)?;
    check_vectors(b, name, bound)?;
    check_attention(b, name, bound)?;
    verdict(name, "group_norm", norm(b)?, bound)
}

/// As [`check`], of products alone.
pub(super) fn check_products<B: Backend>(b: &B, name: &str, bound: f64) -> Result<()> {
    verdict(name, "conv2d", convolution(b)?, bound)
}

/// As [`check`], of a product of few rows.
pub(super) fn check_vectors<B: Backend>(b: &B, name: &str, bound: f64) -> Result<()> {
    verdict(name, "linear", vectors(b)?, bound)
}

/// As [`check`], of attention alone.
pub(super) fn check_attention<B: Backend>(b: &B, name: &str, bound: f64) -> Result<()> {
    verdict(name, "attention", attention(b)?, bound)
}

fn verdict(name: &str, what: &'static str, (found, expected): Answers, bound: f64) -> Result<()> {
    judged(name, what, off(&found, &expected), bound)
}

fn judged(name: &str, what: &'static str, off: f64, bound: f64) -> Result<()> {
    if off <= bound {
        return Ok(());
    }
    Err(Error::Wrong { device: name.to_owned(), what, off: format!("{off:.0e}") })
}

/// Relative L2; infinite where a value is no number.
fn off(found: &[f32], expected: &[f64]) -> f64 {
    let difference: f64 = found.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).powi(2)).sum();
    let norm: f64 = expected.iter().map(|b| b.powi(2)).sum();
    let off = (difference / norm).sqrt();
    if off.is_finite() && found.len() == expected.len() { off } else { f64::INFINITY }
}

/// The card's values, and the loops'.
type Answers = (Vec<f32>, Vec<f64>);

/// Values between −1 and 1 that f16 holds exactly, other ones for every seed.
fn noise(len: usize, seed: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7919 + seed * 104_729) % 509) as f32 / 256.0 - 1.0).collect()
}

fn silu(x: f64) -> f64 {
    x / (1.0 + (-x).exp())
}

/// A 3×3 convolution with all that may follow it; more rows, columns and channels than a workgroup has at a time.
fn convolution<B: Backend>(b: &B) -> Result<Answers> {
    let (inputs, outputs, height, width) = (32, 68, 9, 11);
    let pixels = height * width;
    let [x, weight, bias] = [(inputs * pixels, 1), (outputs * inputs * 9, 2), (outputs, 3)].map(|(n, s)| noise(n, s));
    let [vector, residual] = [(outputs, 4), (outputs * pixels, 5)].map(|(n, s)| noise(n, s));
    let mut expected = vec![0.0; outputs * pixels];
    for (at, y) in expected.iter_mut().enumerate() {
        let (output, row, column) = (at / pixels, at / width % height, at % width);
        let mut sum = f64::from(bias[output]) + f64::from(vector[output]);
        for (ky, kx) in (0..3).flat_map(|ky| (0..3).map(move |kx| (ky, kx))) {
            let (iy, ix) = (row + ky, column + kx);
            if (1..=height).contains(&iy) && (1..=width).contains(&ix) {
                for c in 0..inputs {
                    let w = weight[((output * inputs + c) * 3 + ky) * 3 + kx];
                    sum += f64::from(w) * f64::from(x[(c * height + iy - 1) * width + ix - 1]);
                }
            }
        }
        *y = silu(sum) + f64::from(residual[at]);
    }
    let weight = WeightView::computed(vec![outputs, inputs, 3, 3], weight);
    let conv = b.pack_conv(weight, WeightView::computed(vec![outputs], bias), ConvOptions::same(3))?;
    let (vector, residual) = (b.upload(&[1, outputs], &vector)?, b.upload(&[1, outputs, height, width], &residual)?);
    let then = Epilogue { vector: Some(&vector), activation: Some(Activation::Silu), residual: Some(&residual) };
    let found = b.conv2d_with(&b.upload(&[1, inputs, height, width], &x)?, &conv, then)?;
    Ok((b.download(&found)?, expected))
}

/// A linear layer of three vectors.
fn vectors<B: Backend>(b: &B) -> Result<Answers> {
    let (rows, inputs, outputs) = (3, 75, 36);
    let [x, weight, bias] = [(rows * inputs, 1), (outputs * inputs, 2), (outputs, 3)].map(|(n, s)| noise(n, s));
    let mut expected = vec![0.0; rows * outputs];
    for (at, y) in expected.iter_mut().enumerate() {
        let pairs = x[at / outputs * inputs..].iter().zip(&weight[at % outputs * inputs..]).take(inputs);
        let sum: f64 = pairs.map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
        *y = silu(sum + f64::from(bias[at % outputs]));
    }
    let weight = WeightView::computed(vec![outputs, inputs], weight);
    let linear = b.pack_linear(weight, Some(WeightView::computed(vec![outputs], bias)))?;
    let then = Epilogue { activation: Some(Activation::Silu), ..Epilogue::default() };
    let found = b.linear_with(&b.upload(&[rows, inputs], &x)?, &linear, then)?;
    Ok((b.download(&found)?, expected))
}

/// Two heads over more keys than a workgroup has at a time. Later keys are ever more like the queries, so that the largest score
/// grows to the last, by 14 powers of two from the 32nd key on: whoever forgets to fade earlier sums is far off.
fn attention<B: Backend>(b: &B) -> Result<Answers> {
    let (queries, keys, heads, depth) = (69, 50, 2, 40);
    let width = heads * depth;
    let [q, k, v] = [(queries, 1), (keys, 2), (keys, 3)].map(|(tokens, seed)| noise(tokens * width, seed));
    let exact = |value: f32| f16::from_f32(value).to_f32();
    let q: Vec<f32> = q.into_iter().map(|value| exact(1.0 + value)).collect();
    let rise = |at: usize| 2.5 * ((at / width + 1) as f32 / keys as f32).powi(2);
    let k: Vec<f32> = k.into_iter().enumerate().map(|(at, value)| exact(rise(at) * (1.0 + value))).collect();
    let mut expected = vec![0.0; queries * width];
    for (query, head) in (0..queries).flat_map(|query| (0..heads).map(move |head| (query, head))) {
        let at = |token: usize| token * width + head * depth;
        let product = |key: usize| {
            let pairs = q[at(query)..].iter().zip(&k[at(key)..]).take(depth);
            pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>()
        };
        let weights: Vec<f64> = (0..keys).map(|key| (product(key) / (depth as f64).sqrt()).exp()).collect();
        let sum: f64 = weights.iter().sum();
        for (key, weight) in weights.iter().enumerate() {
            let values = v[at(key)..].iter().take(depth);
            expected[at(query)..].iter_mut().zip(values).for_each(|(y, v)| *y += weight / sum * f64::from(*v));
        }
    }
    let [q, k, v] = [(queries, q), (keys, k), (keys, v)].map(|(tokens, x)| b.upload(&[1, tokens, width], &x));
    let found = b.attention(&q?, &k?, &v?, &Attention::full(heads))?;
    Ok((b.download(&found)?, expected))
}

/// Groups of six channels, which fours straddle, far from zero, then SiLU.
fn norm<B: Backend>(b: &B) -> Result<Answers> {
    let (channels, groups, pixels) = (12, 2, 15 * 13);
    let x: Vec<f32> = noise(channels * pixels, 1).into_iter().map(|v| v + 4.0).collect();
    let [scale, shift] = [2, 3].map(|seed| noise(channels, seed));
    let group = channels / groups * pixels;
    let mut expected = Vec::with_capacity(x.len());
    for (at, values) in x.chunks(group).enumerate() {
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / group as f64;
        let variance = values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / group as f64;
        for (index, value) in values.iter().enumerate() {
            let channel = (at * group + index) / pixels;
            let normal = (f64::from(*value) - mean) / (variance + 1e-5).sqrt();
            expected.push(silu(normal * f64::from(scale[channel]) + f64::from(shift[channel])));
        }
    }
    let view = |values: Vec<f32>| WeightView::computed(vec![channels], values);
    let norm = b.pack_norm(view(scale), view(shift))?;
    let found = b.group_norm(&b.upload(&[1, channels, 15, 13], &x)?, &norm, groups, 1e-5, true)?;
    Ok((b.download(&found)?, expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_result_is_seen_and_told() {
        let expected = [1.0, -2.0, 3.0, 0.5];
        assert!(off(&[1.0, -2.0, 3.0, 0.5], &expected) < 1e-9);
        for wrong in [&[1.0, -2.0, 3.0, 0.6][..], &[1.0, -2.0, 3.0], &[1.0, f32::NAN, 3.0, 0.5]] {
            let error = judged("a card", "conv2d", off(wrong, &expected), 1e-5).unwrap_err().to_string();
            assert!(error.contains("a card computes conv2d wrong") && error.contains("cpu"), "{error}");
        }
    }
}
