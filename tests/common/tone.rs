//! Pictures of one tone, and how far another is from it.

use image::{Rgb, RgbImage};

/// A square of 256 pixels of this colour, in soft waves.
pub fn wavy(colour: [i16; 3]) -> RgbImage {
    RgbImage::from_fn(256, 256, |x, y| {
        let wave = ((f64::from(x) / 23.0).sin() * 9.0 + (f64::from(y) / 31.0).cos() * 9.0) as i16;
        Rgb(colour.map(|v| (v + wave) as u8))
    })
}

/// The distance of two such squares' mean colours, in levels of 255, over the pixels between two squares around their middle: `outer` and
/// `inner` pixels from the edge.
pub fn off(image: &RgbImage, from: &RgbImage, outer: u32, inner: u32) -> f64 {
    let band = |image: &RgbImage| {
        let within = |x: u32, y: u32, edge: u32| (edge..256 - edge).contains(&x) && (edge..256 - edge).contains(&y);
        let at = |x: u32, y: u32| within(x, y, outer) && !within(x, y, inner);
        mean(image.enumerate_pixels().filter(|(x, y, _)| at(*x, *y)).map(|(_, _, pixel)| pixel))
    };
    band(image).into_iter().zip(band(from)).map(|(a, b)| (a - b).abs()).sum::<f64>() / 3.0
}

/// The mean of each channel over pixels.
fn mean<'a>(pixels: impl Iterator<Item = &'a Rgb<u8>>) -> [f64; 3] {
    let (mut sums, mut count) = ([0.0; 3], 0.0);
    for pixel in pixels {
        sums.iter_mut().zip(pixel.0).for_each(|(sum, v)| *sum += f64::from(v));
        count += 1.0;
    }
    sums.map(|sum| sum / count)
}
