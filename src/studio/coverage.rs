//! Coverage of the visible regions: their masks as the engine reads them.

use super::drawing::{DrawError, Options};
use super::plan::visible;
use crate::diffusion::masks::{Coverage, Rows, feathered};
use crate::document::{Document, Mask, Region};

/// The coverage of all visible regions, lowest first. Made once a drawing, since a feather is a blur of the whole canvas.
pub(super) struct RegionCoverage<'a> {
    /// Canvas pixels.
    width: usize,
    /// Canvas pixels.
    height: usize,
    pixels: Vec<Pixels<'a>>,
}

/// One region's mask: as it is painted, or blurred by its feather.
enum Pixels<'a> {
    Painted(&'a Mask),
    Feathered(Vec<u8>),
}

impl Rows for Pixels<'_> {
    fn read_row(&self, y: usize, out: &mut [u8]) {
        match self {
            Self::Painted(mask) => mask.read_row(0, y as u32, out),
            Self::Feathered(data) => data.read_row(y, out),
        }
    }
}

impl<'a> RegionCoverage<'a> {
    /// Feathers the masks; the released loop knows no feather.
    ///
    /// # Errors
    /// If a mask has another size than the canvas.
    pub(super) fn of(document: &'a Document, options: &Options) -> Result<Self, DrawError> {
        if visible(document).any(|r| r.mask.width() != document.width || r.mask.height() != document.height) {
            return Err(DrawError::Invalid("a region's mask has another size than the canvas".to_owned()));
        }
        let (width, height) = (document.width as usize, document.height as usize);
        let wrap = (document.settings.wrap.x(), document.settings.wrap.y());
        let pixels = |region: &'a Region| {
            let painted = Pixels::Painted(&region.mask);
            if region.feather == 0 || options.reference {
                return painted;
            }
            Pixels::Feathered(feathered(Coverage { width, height, rows: &painted }, region.feather as usize, wrap))
        };
        Ok(Self { width, height, pixels: visible(document).map(pixels).collect() })
    }

    /// One view a region, lowest first.
    pub(super) fn views(&self) -> Vec<Coverage<'_>> {
        let &Self { width, height, .. } = self;
        self.pixels.iter().map(|rows| Coverage { width, height, rows }).collect()
    }
}
