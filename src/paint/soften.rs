//! Softening a mask's edges.

use super::grow::MAX_GROW;
use crate::document::{Mask, Wrap};

/// The mask blurred so that a sharp edge becomes a smooth slope from `by` pixels inside to `by` pixels outside (at most
/// [`MAX_GROW`]): every pixel is the average of those around it, weighted by a tent over columns and one over rows. It goes
/// on over joined edges; at others the outermost pixels count for what is behind them.
#[must_use]
pub fn soften(mask: &Mask, by: u32, wrap: Wrap) -> Mask {
    let by = by.min(MAX_GROW) as usize;
    let (width, height) = (mask.width() as usize, mask.height() as usize);
    if by == 0 || width == 0 || height == 0 {
        return mask.clone();
    }
    let mut pixels: Vec<u16> = mask.to_raw().into_iter().map(|v| u16::from(v) * 257).collect();
    pixels.chunks_exact_mut(width).for_each(|row| blur(row, by, wrap.x()));
    let mut turned = transposed(&pixels, width);
    turned.chunks_exact_mut(height).for_each(|column| blur(column, by, wrap.y()));
    let pixels = transposed(&turned, height);
    let data: Vec<u8> = pixels.iter().map(|v| u8::try_from((u32::from(*v) + 128) / 257).unwrap_or(255)).collect();
    Mask::from_raw(mask.width(), mask.height(), &data).unwrap_or_else(|| mask.clone())
}

/// Two running means of `by + 1` pixels are one with a tent that reaches `by` pixels to either side.
fn blur(line: &mut [u16], by: usize, wrap: bool) {
    let Some(last) = line.len().checked_sub(1) else { return };
    let source = |at: usize| {
        // `at` counts from `by` pixels before the line.
        let index = if wrap {
            (at + line.len() * by.div_ceil(line.len()) - by) % line.len()
        } else {
            at.saturating_sub(by).min(last)
        };
        u64::from(line.get(index).copied().unwrap_or(0))
    };
    let padded: Vec<u64> = (0..line.len() + 2 * by).map(source).collect();
    let sums = running(&running(&padded, by + 1), by + 1);
    let weight = (by as u64 + 1) * (by as u64 + 1);
    for (out, sum) in line.iter_mut().zip(sums) {
        *out = u16::try_from((sum + weight / 2) / weight).unwrap_or(u16::MAX);
    }
}

/// The sums of every `count` neighbours.
fn running(values: &[u64], count: usize) -> Vec<u64> {
    let mut sum: u64 = values.iter().take(count.saturating_sub(1)).sum();
    let mut out = Vec::with_capacity(values.len());
    for (come, gone) in values.iter().skip(count.saturating_sub(1)).zip(values) {
        sum += come;
        out.push(sum);
        sum -= gone;
    }
    out
}

/// Columns as rows, in blocks so that neither side is far apart in memory.
fn transposed(pixels: &[u16], width: usize) -> Vec<u16> {
    const BLOCK: usize = 64;
    let height = pixels.len().checked_div(width).unwrap_or(0);
    let mut out = vec![0; pixels.len()];
    for top in (0..height).step_by(BLOCK) {
        for left in (0..width).step_by(BLOCK) {
            for x in left..(left + BLOCK).min(width) {
                let column = out.get_mut(x * height + top..).unwrap_or_default();
                let rows = top..(top + BLOCK).min(height);
                for (out, y) in column.iter_mut().zip(rows) {
                    *out = pixels.get(y * width + x).copied().unwrap_or(0);
                }
            }
        }
    }
    out
}
