//! One picture laid over another by a mask.

use crate::document::Mask;
use image::RgbImage;

/// The second picture inside a mask of its size, and the first one outside. Softer parts of the mask mix the two.
///
/// Where the two are not of the mask's size the first one is returned as it is.
#[must_use]
pub fn inside(first: &RgbImage, second: &RgbImage, mask: &Mask) -> RgbImage {
    let mut out = first.clone();
    if [first.dimensions(), second.dimensions()] != [(mask.width(), mask.height()); 2] {
        return out;
    }
    let rect = mask.bounds();
    let mut line = vec![0; rect.width as usize];
    for y in rect.rows() {
        mask.read_row(rect.x, y, &mut line);
        for (x, cover) in rect.columns().zip(&line).filter(|(_, cover)| **cover > 0) {
            out.get_pixel_mut(x, y).0 = mixed(second.get_pixel(x, y).0, first.get_pixel(x, y).0, *cover);
        }
    }
    out
}

/// `share` 255ths of a colour over another.
pub(super) fn mixed(over: [u8; 3], below: [u8; 3], share: u8) -> [u8; 3] {
    let share = u32::from(share);
    let one = |over: u8, below: u8| ((u32::from(over) * share + u32::from(below) * (255 - share) + 127) / 255) as u8;
    std::array::from_fn(|c| one(over[c], below[c]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::PixelRect;
    use image::Rgb;

    #[test]
    fn inside_a_mask_is_the_second_picture_and_outside_the_first() {
        let mut mask = Mask::empty(8, 4);
        mask.fill(PixelRect { x: 2, y: 1, width: 3, height: 2 }, 255);
        mask.fill(PixelRect { x: 5, y: 1, width: 1, height: 1 }, 51);
        let (first, second) = (RgbImage::from_pixel(8, 4, Rgb([100; 3])), RgbImage::from_pixel(8, 4, Rgb([200; 3])));
        for (x, y, pixel) in inside(&first, &second, &mask).enumerate_pixels() {
            let expected = 100 + 100 * u32::from(mask.get(x, y)) / 255;
            assert_eq!(u32::from(pixel.0[0]), expected, "{x}, {y}");
        }
        assert_eq!(inside(&first, &RgbImage::new(4, 4), &mask), first, "of another size");
    }
}
