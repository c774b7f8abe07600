//! Solid colours around a part while it bootstraps.

use super::random::{keyed, keyed_uniform, purpose};
use super::windows::Window;
use super::{Network, PaintError, Painting, Planes, Surround};
use std::collections::HashMap;

/// Latents of solid colours, each encoded when it is first used. There are as many random ones as bootstrapped steps, as in
/// the released code.
pub(super) struct Colours {
    count: u64,
    latents: HashMap<u64, Vec<f32>>,
}

impl Colours {
    pub(super) fn new(painting: &Painting) -> Self {
        let steps = painting.parts.iter().map(|p| p.bootstrap_steps).max().unwrap_or(0);
        let count = match painting.surround {
            Surround::RandomColours => steps.max(1) as u64,
            Surround::WhiteCentred => 1,
        };
        Self { count, latents: HashMap::new() }
    }

    /// The latent (posterior mean) of the colour around part `k` in window number `index` at `step`.
    pub(super) fn latent(
        &mut self,
        painting: &Painting,
        (step, index, k): (usize, usize, usize),
        window: Window,
        network: &mut dyn Network,
    ) -> Result<&[f32], PaintError> {
        let choice =
            keyed(&[painting.parts[k].seed, purpose::COLOUR_CHOICE, step as u64, index as u64, k as u64]) % self.count;
        if let std::collections::hash_map::Entry::Vacant(slot) = self.latents.entry(choice) {
            let channel = |c: u64| match painting.surround {
                Surround::RandomColours => keyed_uniform(&[painting.seed, purpose::COLOUR, choice, c]),
                Surround::WhiteCentred => 1.0,
            };
            let colour = [channel(0), channel(1), channel(2)];
            let picture = solid(colour, window.height * painting.factor, window.width * painting.factor);
            let moments = network.encode(&picture)?;
            if moments.mean.data.len() != network.latent_channels() * window.area() {
                return Err(PaintError::Invalid("the encoder answered with another shape than a window's".to_owned()));
            }
            slot.insert(moments.mean.data);
        }
        Ok(self.latents.get(&choice).map(Vec::as_slice).unwrap_or_default())
    }
}

/// A picture `[1, 3, height, width]` of one colour (channels 0 to 1), in −1…1.
pub(super) fn solid(colour: [f32; 3], height: usize, width: usize) -> Planes {
    let mut picture = Planes::zeros(1, 3, height, width);
    for (plane, c) in picture.data.chunks_exact_mut(height * width).zip(colour) {
        plane.fill(2.0 * c - 1.0);
    }
    picture
}

/// The roll (down, right) that brings the bounding box of a mask of `height` × `width` to the middle.
pub(super) fn to_centre(mask: &[f32], height: usize, width: usize) -> (usize, usize) {
    let (mut rows, mut columns) = ((height, 0), (width, 0));
    for (i, _) in mask.iter().enumerate().filter(|(_, m)| **m > 0.0) {
        rows = (rows.0.min(i / width), rows.1.max(i / width));
        columns = (columns.0.min(i % width), columns.1.max(i % width));
    }
    // From the middle of the box (twice it: first + last + 1) to the middle of the window, modulo the window.
    let shift = |(first, last): (usize, usize), side: usize| (3 * side - (first + last + 1)) / 2 % side;
    (shift(rows, height), shift(columns, width))
}

/// Rolls every plane of `height` × `width` by (`down`, `right`), around its edges.
pub(crate) fn roll(planes: &mut [f32], height: usize, width: usize, (down, right): (usize, usize)) {
    for plane in planes.chunks_exact_mut(height * width) {
        plane.rotate_right(down * width);
        plane.chunks_exact_mut(width).for_each(|row| row.rotate_right(right));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_rolled_to_the_middle_and_back() {
        let (height, width) = (6, 8);
        for (x0, y0) in [(0, 0), (5, 3), (2, 1), (6, 4)] {
            let mut plane: Vec<f32> = (0..height * width)
                .map(|i| {
                    f32::from(u8::from((x0..x0 + 2).contains(&(i % width)) && (y0..y0 + 2).contains(&(i / width))))
                })
                .collect();
            let before = plane.clone();
            let (down, right) = to_centre(&plane, height, width);
            roll(&mut plane, height, width, (down, right));
            for (i, v) in plane.iter().enumerate() {
                let inside = (3..5).contains(&(i % width)) && (2..4).contains(&(i / width));
                assert_eq!(*v > 0.0, inside, "{x0} {y0}: {plane:?}");
            }
            roll(&mut plane, height, width, (height - down, width - right));
            assert_eq!(plane, before);
        }
    }
}
