//! The painted example that a first start shows.

use crate::document::{Document, Mask, REGION_COLOURS};
use std::sync::Arc;

/// A mountain lake with a cabin, pines and a sun.
#[must_use]
pub fn example() -> Document {
    let mut document = Document::new(768, 512);
    document.background.words = "a mountain lake at dusk".to_owned();
    let (w, h) = (document.width as f32, document.height as f32);
    let mut add = |name: &str, words: &str, colour: usize, inside: &dyn Fn(f32, f32) -> f32| {
        let id = document.add_region(name, words);
        if let Some(region) = document.region_mut(id) {
            region.colour = REGION_COLOURS[colour];
            region.mask = Arc::new(painted(w as u32, h as u32, inside));
        }
    };
    add("Pines", "tall dark pine trees", 2, &|x, y| blob(x, y, (0.02, 0.56), (0.28, 0.97), w, h));
    add("Sun", "the evening sun, soft glow", 3, &|x, y| disc(x, y, 0.75 * w, 0.34 * h, 0.1 * w));
    add("Cabin", "a small wooden cabin with a red roof", 0, &|x, y| {
        bar(x, 0.36 * w, 0.58 * w) * bar(y, 0.6 * h, 0.92 * h)
    });
    document
}

fn painted(width: u32, height: u32, inside: impl Fn(f32, f32) -> f32) -> Mask {
    let mut mask = Mask::empty(width, height);
    for (y, row) in mask.data_mut().chunks_exact_mut(width as usize).enumerate() {
        for (x, v) in row.iter_mut().enumerate() {
            *v = (inside(x as f32 + 0.5, y as f32 + 0.5) * 255.0).round() as u8;
        }
    }
    mask
}

/// 1 inside a disc, 0 outside, soft over one pixel.
fn disc(x: f32, y: f32, cx: f32, cy: f32, radius: f32) -> f32 {
    (radius + 0.5 - (x - cx).hypot(y - cy)).clamp(0.0, 1.0)
}

/// 1 between two places, 0 beyond, soft over one pixel.
fn bar(v: f32, from: f32, to: f32) -> f32 {
    (v - from + 0.5).clamp(0.0, 1.0) * (to - v + 0.5).clamp(0.0, 1.0)
}

/// A rounded shape between two corners given as parts of the canvas.
fn blob(x: f32, y: f32, from: (f32, f32), to: (f32, f32), w: f32, h: f32) -> f32 {
    let (cx, cy) = ((from.0 + to.0) * 0.5 * w, (from.1 + to.1) * 0.5 * h);
    let (rx, ry) = ((to.0 - from.0) * 0.5 * w, (to.1 - from.1) * 0.5 * h);
    let d = (((x - cx) / rx).abs().powf(2.6) + ((y - cy) / ry).abs().powf(2.6)).powf(1.0 / 2.6);
    ((1.0 - d) * rx.min(ry) + 0.5).clamp(0.0, 1.0)
}
