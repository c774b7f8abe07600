//! The mask in a picture: alpha or brightness, and values that only look black.

use super::init_image::fitted;
use super::{Mask, Picture};
use image::{GrayImage, Luma, Rgba};
use std::fmt;

/// The largest brightest value at which values are numbers of classes: above 0 is inside. To the eye they are black.
const MOST_CLASSES: u8 = 8;
/// The largest brightest value at which a mask covers hardly anything.
const FAINT: u8 = 31;
/// Alpha of at least this everywhere is opaque with rounding.
const OPAQUE: u8 = 250;
/// The largest distance from black or white at which a pixel counts as that.
const NEAR: u8 = 32;

/// The understanding of a mask that could be meant otherwise. `Display` is one sentence without an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MaskNote {
    /// Parts are transparent, and it was read by brightness.
    ByBrightness,
    /// It is grey, and was read by what is transparent.
    ByAlpha,
    /// No value of 16 bits is above 255.
    SixteenBits,
    /// Its values are numbers of classes; above 0 is inside.
    Classes {
        /// The largest of them.
        brightest: u8,
    },
    /// It covers hardly anything.
    Faint {
        /// Its brightest value.
        brightest: u8,
    },
}

impl fmt::Display for MaskNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByBrightness => f.write_str(
                "the mask is partly transparent, but tells inside from outside by its brightness: white was taken as inside",
            ),
            Self::ByAlpha => f.write_str(
                "the mask is grey and partly transparent: what is opaque was taken as inside; \
                 save it without an alpha channel if white is meant",
            ),
            Self::SixteenBits => {
                f.write_str("the mask has 16 bits a value but none is above 255, so 255 was taken as white")
            }
            Self::Classes { brightest } => {
                write!(f, "the brightest value of the mask is {brightest} of 255, so all above 0 was taken as inside")
            }
            Self::Faint { brightest } => write!(
                f,
                "the brightest value of the mask is {brightest} of 255, so it covers hardly anything; \
                 make white what is meant to be inside"
            ),
        }
    }
}

/// The reading of a picture as a mask.
struct Reading {
    alpha: bool,
    classes: bool,
    notes: Vec<MaskNote>,
}

/// The number of pixels with each value.
struct Values([u64; 256]);

impl Values {
    fn count(&self, values: impl std::ops::RangeBounds<u8>) -> u64 {
        (0..=255).zip(self.0).filter(|(value, _)| values.contains(value)).map(|(_, count)| count).sum()
    }

    fn most(&self) -> u8 {
        (0..=255).rev().find(|value| self.0[usize::from(*value)] > 0).unwrap_or(0)
    }

    fn least(&self) -> u8 {
        (0..=255).find(|value| self.0[usize::from(*value)] > 0).unwrap_or(255)
    }

    /// True where some values are at least half of the largest, and some are less.
    fn part(&self) -> bool {
        let half = self.most().div_ceil(2);
        half > 0 && self.count(..half) > 0
    }
}

impl Reading {
    fn of(picture: &Picture) -> Self {
        let (mut alphas, mut lights) = (Values([0; 256]), Values([0; 256]));
        for pixel in picture.image.pixels() {
            alphas.0[usize::from(pixel.0[3])] += 1;
            lights.0[usize::from(brightness(*pixel))] += 1;
        }
        let opaque = alphas.least() >= OPAQUE;
        let (alpha, told) = if opaque { (false, None) } else { by_alpha(picture, &alphas) };
        let brightest = if alpha { alphas.most() } else { lights.most() };
        let classes = (1..=MOST_CLASSES).contains(&brightest);
        let dark = match brightest {
            0 => None,
            _ if classes => Some(MaskNote::Classes { brightest }),
            1..=FAINT => Some(MaskNote::Faint { brightest }),
            _ => None,
        };
        let low = picture.low.then_some(MaskNote::SixteenBits);
        Self { alpha, classes, notes: low.into_iter().chain(told).chain(dark).collect() }
    }

    fn cover(&self, pixel: Rgba<u8>) -> u8 {
        match if self.alpha { pixel.0[3] } else { brightness(pixel) } {
            0 => 0,
            _ if self.classes => 255,
            value => value,
        }
    }
}

/// Decides whether alpha is the mask of a picture that is transparent somewhere, with the note to be told.
fn by_alpha(picture: &Picture, alphas: &Values) -> (bool, Option<MaskNote>) {
    let half = alphas.most().div_ceil(2).max(1);
    // What is seen of it, by its luminance.
    let (mut seen, mut coloured) = (Values([0; 256]), 0_u64);
    for pixel in picture.image.pixels().filter(|pixel| pixel.0[3] >= half) {
        let Rgba([r, g, b, _]) = *pixel;
        seen.0[usize::from(luminance(*pixel))] += 1;
        coloured += u64::from(r.max(g).max(b) - r.min(g).min(b) > 8);
    }
    let (all, count) = (alphas.count(..), seen.count(..));
    let (dark, light) = if seen.most() <= MOST_CLASSES {
        (seen.count(..1), seen.count(1..))
    } else {
        (seen.count(..NEAR), seen.count(255 - NEAR + 1..))
    };
    // A mask by its brightness, too.
    let grey = coloured * 100 <= count && seen.part();
    let black_and_white = grey && dark > 0 && light > 0 && (dark + light) * 3 >= count * 2;
    let alpha = if alphas.part() { !(black_and_white && count * 4 >= all * 3) } else { !seen.part() };
    let told = if alpha { grey.then_some(MaskNote::ByAlpha) } else { Some(MaskNote::ByBrightness) };
    (alpha, told)
}

/// ITU-R 601 weights, rounded as Pillow's `convert("L")` rounds them, which the authors' code uses.
fn luminance(Rgba([r, g, b, _]): Rgba<u8>) -> u8 {
    let sum = u32::from(r) * 19_595 + u32::from(g) * 38_470 + u32::from(b) * 7_471 + 0x8000;
    u8::try_from(sum >> 16).unwrap_or(255)
}

/// The luminance over black.
fn brightness(pixel: Rgba<u8>) -> u8 {
    let over = (u32::from(luminance(pixel)) * u32::from(pixel.0[3]) + 127) / 255;
    u8::try_from(over).unwrap_or(255)
}

impl Picture {
    /// Notes on [`Mask::of_picture`]'s understanding, where it could be meant otherwise.
    #[must_use]
    pub fn mask_notes(&self) -> Vec<MaskNote> {
        Reading::of(self).notes
    }
}

impl Mask {
    /// The mask of a picture. A picture of another size is scaled until it covers the canvas, and cut evenly on both sides.
    ///
    /// An opaque picture covers by its luminance: white inside, black outside, grey between. A transparent one covers by its
    /// alpha, so that a shape drawn in any colour on a clear ground is a mask too; but where it is opaque for the most part,
    /// and black and white there, brightness counts, and what is clear is outside. A pixel or two of not quite full alpha, or
    /// a border that fades away, then change nothing. Where no value is above 8, as in pictures of class numbers, everything
    /// above 0 is inside. [`Picture::mask_notes`] tells what is not plain.
    #[must_use]
    pub fn of_picture(picture: &Picture, width: u32, height: u32) -> Self {
        let reading = Reading::of(picture);
        let (own_width, own_height) = picture.image.dimensions();
        let cover = |x, y| Luma([reading.cover(*picture.image.get_pixel(x, y))]);
        let fitted = fitted(&GrayImage::from_fn(own_width, own_height, cover), width, height);
        let mut values = fitted.iter();
        Self::from_rows(width, height, |_, row| row.iter_mut().zip(&mut values).for_each(|(out, value)| *out = *value))
    }
}
