//! Latent masks: what is painted, on the latent grid.

/// Coverage of one region, `height * width` bytes from 0 to 255.
#[derive(Debug, Clone, Copy)]
pub struct Coverage<'a> {
    pub width: usize,
    pub height: usize,
    pub data: &'a [u8],
}

/// The latent masks of the background (first) and of `regions` (lowest first): upper regions cover lower ones, the
/// background takes what is left, and each cell is the mean of the `factor`² pixels under it. In every cell they sum to 1.
///
/// A canvas whose sides are no multiples of `factor` has a last row or column of cells that is only partly on it.
#[must_use]
pub fn latent_masks(width: usize, height: usize, factor: usize, regions: &[Coverage<'_>]) -> Vec<Vec<f32>> {
    let (w, h) = (width.div_ceil(factor), height.div_ceil(factor));
    let mut left = vec![1.0_f32; width * height];
    let mut masks = vec![Vec::new(); regions.len() + 1];
    for (k, region) in regions.iter().enumerate().rev() {
        let mut seen = vec![0.0_f32; width * height];
        for (seen, (left, &m)) in seen.iter_mut().zip(left.iter_mut().zip(region.data)) {
            *seen = *left * (f32::from(m) / 255.0);
            *left -= *seen;
        }
        masks[k + 1] = area_average(&seen, width, height, factor, w, h);
    }
    masks[0] = area_average(&left, width, height, factor, w, h);
    masks
}

fn area_average(plane: &[f32], width: usize, height: usize, factor: usize, w: usize, h: usize) -> Vec<f32> {
    let mut out = vec![0.0; w * h];
    for cy in 0..h {
        let rows = cy * factor..((cy + 1) * factor).min(height);
        for cx in 0..w {
            let columns = cx * factor..((cx + 1) * factor).min(width);
            let sum: f32 = rows.clone().map(|y| plane[y * width..][columns.clone()].iter().sum::<f32>()).sum();
            out[cy * w + cx] = sum / (rows.len() * columns.len()) as f32;
        }
    }
    out
}

/// The masks as the released region_based.py makes them: thresholded at 0.5, sampled nearest (torch's rule), the background
/// 1 − their sum clamped at 0.
#[must_use]
pub fn reference_masks(width: usize, height: usize, factor: usize, regions: &[Coverage<'_>]) -> Vec<Vec<f32>> {
    let (w, h) = (width / factor, height / factor);
    let mut masks = vec![vec![1.0_f32; w * h]];
    for region in regions {
        let mut mask = vec![0.0; w * h];
        for cy in 0..h {
            // torch's nearest: floor(cell * input / output), in f32.
            let y = nearest(cy, height, h);
            for cx in 0..w {
                let x = nearest(cx, width, w);
                let on = f32::from(region.data[y * width + x]) / 255.0 >= 0.5;
                mask[cy * w + cx] = f32::from(u8::from(on));
            }
        }
        for (background, m) in masks[0].iter_mut().zip(&mask) {
            *background -= m;
        }
        masks.push(mask);
    }
    for background in &mut masks[0] {
        *background = background.max(0.0);
    }
    masks
}

fn nearest(cell: usize, input: usize, output: usize) -> usize {
    let scale = input as f32 / output as f32;
    ((cell as f32 * scale).floor() as usize).min(input - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_regions_cover_lower_ones_and_all_sums_to_one() {
        let lower = vec![255_u8; 16 * 8];
        let mut upper = vec![0_u8; 16 * 8];
        for row in upper.chunks_mut(16) {
            row[8..12].fill(255);
        }
        let view = |data| Coverage { width: 16, height: 8, data };
        let masks = latent_masks(16, 8, 8, &[view(&lower), view(&upper)]);
        assert_eq!(masks, [[0.0, 0.0], [1.0, 0.5], [0.0, 0.5]]);
    }

    #[test]
    fn a_stroke_of_one_pixel_survives_and_a_canvas_off_the_grid_is_covered() {
        let mut data = vec![0_u8; 20 * 9];
        data[19] = 255;
        let masks = latent_masks(20, 9, 8, &[Coverage { width: 20, height: 9, data: &data }]);
        assert_eq!(masks[0].len(), 3 * 2);
        assert!((masks[1][2] - 1.0 / 32.0).abs() < 1e-6, "{masks:?}");
        for (a, b) in masks[0].iter().zip(&masks[1]) {
            assert!((a + b - 1.0).abs() < 1e-6);
        }
    }
}
