//! A second pass: a picture enlarged and drawn over by windows of its new size, with the same regions.

use super::drawing::DrawError;
use super::init_image::taken;
use super::plan::Facts;
use crate::checkpoint::Checkpoint;
use crate::document::{Area, CELL, Document, InitImage, Problem, WindowWeights, check_canvas};
use image::RgbImage;
use image::imageops::{FilterType, crop_imm, replace, resize};
use std::sync::Arc;

/// How a second pass enlarges a picture, and how much it draws anew.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SecondPass {
    /// The factor of the canvas's sides, [`Self::FACTORS`].
    pub factor: f64,
    /// The share of the steps that are taken on the enlarged picture, [`InitImage::MIN_STRENGTH`] to 1.
    pub strength: f64,
}

/// Pixels of the opposite edge that a joined edge is enlarged with: more than the filter sees.
const JOINED: u32 = 16;

impl SecondPass {
    /// The factors that make sense: less is no enlargement, and more is better done in two.
    pub const FACTORS: std::ops::RangeInclusive<f64> = 1.5..=4.0;

    /// The usual strength: new detail in the old shapes.
    pub const STRENGTH: f64 = 0.35;

    /// Width and height in pixels after the pass on a document: the factor's, rounded to whole latent cells.
    ///
    /// # Errors
    /// [`Problem::Canvas`] where that is more than a canvas takes.
    pub fn size(&self, document: &Document) -> Result<(u32, u32), Problem> {
        let side = |v: u32| ((f64::from(v) * self.factor / f64::from(CELL)).round() as u64) * u64::from(CELL);
        check_canvas(side(document.width), side(document.height))
    }

    /// As [`Self::size`], and checks that the strength leaves a step of the document's.
    ///
    /// # Errors
    /// [`DrawError::Invalid`] where a drawing would fail after the first picture.
    pub fn check(&self, document: &Document) -> Result<(u32, u32), DrawError> {
        taken(self.strength, document.settings.steps as usize)?;
        let times = |problem| DrawError::Invalid(format!("the picture enlarged by {} {problem}", self.factor));
        self.size(document).map_err(times)
    }

    /// The document of the pass over `picture`, a picture of `document`: its canvas, masks, feathers and control images enlarged, to
    /// start from the picture enlarged by Lanczos' filter in place of any colours. Drawn as any other, it gives the second picture, so it is what that is made
    /// from. Regions are not drawn again in it. Windows lie at least half a window apart and count less towards their edges: closer
    /// ones take several times as long and look the same; with even weights they would show their edges.
    ///
    /// # Errors
    /// [`DrawError::Invalid`] where the canvas would be too large, the strength leaves no step, or the picture has another size than the
    /// canvas.
    pub fn document(&self, document: &Document, picture: &RgbImage, facts: Facts) -> Result<Document, DrawError> {
        if picture.dimensions() != (document.width, document.height) {
            return Err(DrawError::Invalid("the picture to enlarge has another size than the canvas".to_owned()));
        }
        let (width, height) = self.check(document)?;
        let mut large = Document { init_image: None, paint: None, ..document.without_takes() };
        large.stretch(width, height).map_err(|problem| DrawError::Invalid(problem.to_string()))?;
        large.regions.iter_mut().for_each(|region| (region.reroll, region.start_colour) = (None, None));
        large.background.start_colour = None;
        let settings = &mut large.settings;
        let window = settings.window.unwrap_or(facts.window as u32);
        settings.stride = settings.stride.max((window / 2).max(1));
        settings.window_weights = WindowWeights::Tent;
        let wrap = (settings.wrap.x(), settings.wrap.y());
        let image = Arc::new(enlarged(picture, (width, height), wrap));
        large.init_image = Some(InitImage { image, strength: self.strength, area: Area::Everything });
        Ok(large)
    }

    /// As [`Self::document`], for the document's own checkpoint: its small files tell the window. (A slow disk makes this slow.)
    ///
    /// # Errors
    /// As [`Self::document`]. A checkpoint that cannot be opened is no error here, but of the drawing.
    pub fn enlarge(&self, document: &Document, picture: &RgbImage) -> Result<Document, DrawError> {
        let checkpoint = Checkpoint::open(&document.settings.checkpoint()).ok();
        let facts = checkpoint.map_or_else(|| Facts::new(64, CELL as usize), |files| Facts::of_files(&files));
        self.document(document, picture, facts)
    }
}

/// The picture at a size in pixels, by Lanczos' filter of three lobes, which goes on over joined edges (x, y).
fn enlarged(picture: &RgbImage, (width, height): (u32, u32), wrap: (bool, bool)) -> RgbImage {
    // The fewest pixels, at least so many, that are a whole number of pixels at the new size, too; and that number.
    let around = |own: u32, new: u32, joined: bool| {
        let each = own / gcd(own, new);
        let around = if joined { JOINED.next_multiple_of(each) } else { 0 };
        (around, (u64::from(around) * u64::from(new) / u64::from(own)) as u32)
    };
    let (own_width, own_height) = picture.dimensions();
    let ((left, new_left), (top, new_top)) = (around(own_width, width, wrap.0), around(own_height, height, wrap.1));
    if (left, top) == (0, 0) {
        return resize(picture, width, height, FilterType::Lanczos3);
    }
    let mut tiled = RgbImage::new(own_width + 2 * left, own_height + 2 * top);
    let places = |start: u32, own: u32, whole: u32| {
        let first = i64::from(start) - i64::from(start.div_ceil(own) * own);
        (first..i64::from(whole)).step_by(own as usize).collect::<Vec<_>>()
    };
    for y in places(top, own_height, tiled.height()) {
        for x in places(left, own_width, tiled.width()) {
            replace(&mut tiled, picture, x, y);
        }
    }
    let large = resize(&tiled, width + 2 * new_left, height + 2 * new_top, FilterType::Lanczos3);
    crop_imm(&large, new_left, new_top, width, height).to_image()
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Mask;

    #[test]
    fn sizes_are_whole_cells_within_the_limits() {
        let size =
            |width, height, factor| SecondPass { factor, strength: 0.35 }.size(&Document::new(width, height)).ok();
        assert_eq!(size(512, 512, 2.0), Some((1024, 1024)));
        assert_eq!(size(637, 411, 1.5), Some((952, 616)));
        assert_eq!(size(4096, 4096, 2.0), Some((8192, 8192)));
        assert_eq!(size(4096, 4096, 4.0), None);
        assert_eq!(size(8192, 64, 4.0), None);
    }

    #[test]
    fn the_document_of_the_pass_is_enlarged_and_starts_from_the_picture() {
        let mut document = Document::new(100, 64);
        let id = document.add_region("house", "a house");
        let region = document.region_mut(id).expect("just added");
        (region.feather, region.reroll, region.seed) = (5, Some(3), Some(7));
        region.mask = Arc::new(Mask::from_rows(100, 64, |_, row| row[20..60].fill(255)));
        let picture = RgbImage::from_pixel(100, 64, image::Rgb([10, 200, 30]));
        let pass = SecondPass { factor: 2.0, strength: 0.4 };
        let large = pass.document(&document, &picture, Facts::new(64, 8)).expect("a document");
        assert_eq!((large.width, large.height), (200, 128));
        let region = &large.regions[0];
        assert_eq!((region.feather, region.reroll, region.seed), (10, None, Some(7)));
        assert_eq!((region.mask.get(38, 50), region.mask.get(42, 50), region.mask.get(117, 9)), (0, 255, 255));
        assert_eq!((large.settings.stride, large.settings.window_weights), (32, WindowWeights::Tent));
        let start = large.init_image.expect("a start");
        assert_eq!((start.strength, start.area, start.image.dimensions()), (0.4, Area::Everything, (200, 128)));
        assert!(start.image.pixels().all(|pixel| pixel.0 == [10, 200, 30]));
        let other = RgbImage::new(64, 64);
        assert!(pass.document(&document, &other, Facts::new(64, 8)).is_err());
    }

    #[test]
    fn joined_edges_are_enlarged_over() {
        // Three pictures beside each other, enlarged, have this in their middle.
        for (width, height, wrap) in [(64, 64, (true, true)), (104, 72, (true, false)), (66, 70, (false, true))] {
            let picture = RgbImage::from_fn(width, height, |x, y| {
                image::Rgb([(x * 37 % 251) as u8, (y * 91 % 253) as u8, ((x * y) % 255) as u8])
            });
            let (w, h) = ((width * 3 / 2).next_multiple_of(8), (height * 3 / 2).next_multiple_of(8));
            let (across, down) = (if wrap.0 { 3 } else { 1 }, if wrap.1 { 3 } else { 1 });
            let tiled =
                RgbImage::from_fn(across * width, down * height, |x, y| *picture.get_pixel(x % width, y % height));
            let all = resize(&tiled, across * w, down * h, FilterType::Lanczos3);
            let expected = crop_imm(&all, across / 3 * w, down / 3 * h, w, h).to_image();
            let found = enlarged(&picture, (w, h), wrap);
            let most = found.iter().zip(expected.iter()).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(most <= Some(1), "{width}×{height}: {most:?}");
        }
    }
}
