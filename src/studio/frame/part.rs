//! The part of a document that is drawn for a frame.

use super::super::colour_match::Shift;
use super::super::coverage::RegionCoverage;
use super::super::drawing::{DrawError, Options};
use super::super::init_image::{self, BORDER};
use super::super::latent::span;
use super::super::plan::Facts;
use super::area::{Cut, Frame};
use super::gather::Gather;
use super::lay::{lay, resized, shares};
use crate::diffusion::masks::{Coverage, feathered};
use crate::document::{Area, Document, Mask, PixelRect, Problem, Region, Wrap};
use image::{Rgb, RgbImage};
use std::sync::Arc;

/// A part of a document, to be drawn by itself and laid back.
#[derive(Debug, Clone)]
pub struct Part {
    /// The document to draw: what lies in [`Self::cut`], stretched to the size at which it is drawn. It starts from the picture there,
    /// of which the frame alone may change, softly at its border. Draw it without
    /// [`Options::lay_over`](super::super::Options::lay_over), so that held pixels tell how colours are shifted.
    pub document: Document,
    /// The frame with its surroundings, in canvas pixels. What of it lies beyond a joined edge is at the opposite one.
    pub cut: PixelRect,
    /// The picture of the whole canvas; `None` where there is none.
    canvas: Option<Arc<RgbImage>>,
    /// Width and height of the canvas in pixels.
    size: (u32, u32),
    /// Freedom of each pixel of `cut` to change, 0 (held) to 255, row by row.
    change: Vec<u8>,
    /// The drawn picture's share of each pixel, 0 to 255, in the same order; nowhere more than `change`.
    shares: Vec<u8>,
}

impl Part {
    /// Cuts the part out of a document that is drawn for a frame on its canvas, for a model of these facts. Visible regions that lie in
    /// it come along with their masks (feathers are in them), words, seeds, LoRAs and control images; all settings stay. The time
    /// grows with the part and the feathers, not with the canvas.
    ///
    /// The frame is laid into the document's picture to start from. Without one it is a piece of its own on a white canvas.
    ///
    /// # Errors
    /// [`DrawError::Invalid`] if the frame lies outside the canvas or is too small, or a mask or picture has another size than the
    /// canvas.
    pub fn of(document: &Document, frame: Frame, facts: Facts) -> Result<Self, DrawError> {
        let size = (document.width, document.height);
        let frame = frame.on(size.0, size.1).map_err(|error| DrawError::Invalid(error.to_string()))?;
        let start = document.init_image.as_ref();
        if start.is_some_and(|start| start.image.dimensions() != size) {
            return Err(DrawError::Invalid("the picture to start from has another size than the canvas".to_owned()));
        }
        let wrap = document.settings.wrap;
        let Cut { canvas: cut, drawn } = Cut::of(frame, size, (wrap.x(), wrap.y()), facts, start.is_some());
        let mut part = cropped(document, cut);
        let open = open(document, frame);
        // Over an edge, on the cut's side of it.
        let over = |at: u32, from: u32, side: u32| if at < from { at + side } else { at };
        let frame = PixelRect { x: over(frame.x, cut.x, size.0), y: over(frame.y, cut.y, size.1), ..frame };
        let (mut laid, mut change, mut own) = (shares(frame, cut, [false; 4]), vec![255; cut.area() as usize], None);
        if let Some(start) = &part.init_image {
            let coverage = RegionCoverage::of(&part, &Options::default())?;
            own = init_image::change(&part, start, &coverage.views())?;
            laid = shares(frame, cut, open);
            change.clone_from(&laid);
        }
        if let Some(own) = own {
            // As a whole picture is laid over what it started from.
            let coverage = Coverage { width: cut.width as usize, height: cut.height as usize, rows: &own };
            let soft = feathered(coverage, BORDER, (false, false));
            let times = |all: &mut u8, own: u8| *all = ((u32::from(*all) * u32::from(own) + 127) / 255) as u8;
            laid.iter_mut().zip(own.iter().zip(&soft)).for_each(|(share, (own, soft))| times(share, *own.min(soft)));
            change.iter_mut().zip(&own).for_each(|(change, own)| times(change, *own));
        }
        if let Some(start) = &mut part.init_image {
            let mask = Mask::from_raw(cut.width, cut.height, &change);
            start.area = Area::Mask(Arc::new(mask.unwrap_or_else(|| Mask::empty(cut.width, cut.height))));
        }
        part.stretch(drawn.0, drawn.1).map_err(invalid)?;
        Ok(Self { document: part, cut, canvas: start.map(|s| Arc::clone(&s.image)), size, change, shares: laid })
    }

    /// The picture of the whole canvas with the drawn part in it: made small again where it was drawn larger, in the colours around
    /// it, softly at the frame's border. Outside the frame, and where the document's own mask lets nothing change, every pixel
    /// is the picture's own to the last bit.
    #[must_use]
    pub fn laid(&self, drawn: &RgbImage) -> RgbImage {
        let white = || RgbImage::from_pixel(self.size.0, self.size.1, Rgb([255; 3]));
        let mut canvas = self.canvas.as_ref().map_or_else(white, |canvas| RgbImage::clone(canvas));
        let drawn = resized(drawn, (self.cut.width, self.cut.height));
        let original = Gather { cut: self.cut, size: self.size }.picture(&canvas);
        let wrap = self.document.settings.wrap;
        let shift = Shift::measured(&original, &drawn, &self.change, (wrap.x(), wrap.y()));
        lay(&mut canvas, self.cut, &drawn, &self.shares, &shift);
        canvas
    }
}

/// The edges of a frame (left, top, right, bottom) that have canvas beyond them, also over a joined edge.
fn open(document: &Document, frame: PixelRect) -> [bool; 4] {
    let axis = |start: u32, length: u32, side: u32, joined: bool| {
        let goes_on = joined && length < side;
        (start > 0 || goes_on, start + length < side || goes_on)
    };
    let wrap = document.settings.wrap;
    let (left, right) = axis(frame.x, frame.width, document.width, wrap.x());
    let (top, bottom) = axis(frame.y, frame.height, document.height, wrap.y());
    [left, top, right, bottom]
}

/// What lies in a rectangle of the canvas, as a document of its own.
fn cropped(document: &Document, cut: PixelRect) -> Document {
    let in_it = |region: &Region| Some((region.id, mask(document, region, cut)?));
    let mut masks: Vec<_> = document.regions.iter().filter(|r| r.visible).filter_map(in_it).collect();
    let mut part = Gather { cut, size: (document.width, document.height) }.document(document);
    part.regions.retain(|region| masks.iter().any(|(id, _)| *id == region.id));
    for (region, (_, mask)) in part.regions.iter_mut().zip(masks.drain(..)) {
        (region.mask, region.outside, region.feather) = (Arc::new(mask), None, 0);
    }
    // An edge meets its opposite one only where both are there.
    let wrap = document.settings.wrap;
    let x = wrap.x() && cut.width == document.width;
    let y = wrap.y() && cut.height == document.height;
    part.settings.wrap = match (x, y) {
        (false, false) => Wrap::None,
        (true, false) => Wrap::X,
        (false, true) => Wrap::Y,
        (true, true) => Wrap::Xy,
    };
    part
}

/// A region's coverage of a rectangle of the canvas, with its feather in it; `None` where it covers nothing of it.
fn mask(document: &Document, region: &Region, cut: PixelRect) -> Option<Mask> {
    let &Region { feather, ref mask, .. } = region;
    if feather == 0 {
        let gather = Gather { cut, size: (document.width, document.height) };
        return Some(gather.mask(mask)).filter(|mask| !mask.is_blank());
    }
    let wrap = document.settings.wrap;
    let ([x, width], joined_x) = span(cut.x, cut.width, document.width, feather, wrap.x());
    let ([y, height], joined_y) = span(cut.y, cut.height, document.height, feather, wrap.y());
    let around = PixelRect { x, y, width, height };
    if mask.is_blank_in(around) {
        return None;
    }
    let painted = mask.crop(around);
    let coverage = Coverage { width: width as usize, height: height as usize, rows: &painted };
    let soft = feathered(coverage, feather as usize, (joined_x, joined_y));
    let soft = Mask::from_raw(width, height, &soft)?;
    // (A joined axis is there as a whole.)
    let gather = Gather { cut: PixelRect { x: cut.x - x, y: cut.y - y, ..cut }, size: (width, height) };
    Some(gather.mask(&soft)).filter(|mask| !mask.is_blank())
}

fn invalid(problem: Problem) -> DrawError {
    DrawError::Invalid(format!("the part of the canvas {problem}"))
}
