//! A document stretched to a canvas of another size.

use super::{Area, Document, InitImage, MAX_FEATHER, Mask, Problem, check_canvas};
use image::GrayImage;
use image::imageops::{FilterType, resize};
use std::sync::Arc;

impl Document {
    /// Stretches the canvas with everything on it to this size in pixels: masks, feathers, the picture to start from, paint and what
    /// ControlNets see. The take goes, since it shows another canvas.
    ///
    /// # Errors
    /// [`Problem::Canvas`] outside [`MIN_SIDE`](super::MIN_SIDE), [`MAX_SIDE`](super::MAX_SIDE) and
    /// [`MAX_AREA`](super::MAX_AREA); the document is then as it was.
    pub fn stretch(&mut self, width: u32, height: u32) -> Result<(), Problem> {
        check_canvas(u64::from(width), u64::from(height))?;
        if (width, height) == (self.width, self.height) {
            return Ok(());
        }
        let area = |width: u32, height: u32| f64::from(width) * f64::from(height);
        let scale = (area(width, height) / area(self.width, self.height)).sqrt();
        for region in &mut self.regions {
            region.mask = Arc::new(region.mask.stretched_to(width, height));
            region.outside = None;
            region.feather = ((f64::from(region.feather) * scale).round() as u32).min(MAX_FEATHER);
        }
        self.change_outside = None;
        self.init_image = self.init_image.as_ref().map(|start| start.stretched_to(width, height));
        self.paint = self.paint.as_ref().map(|paint| paint.changed(|plane| plane.stretched_to(width, height)));
        for control in self.controls_mut() {
            control.map = control.map.stretched_to(width, height);
        }
        (self.width, self.height) = (width, height);
        self.take = None;
        Ok(())
    }
}

impl Mask {
    /// The same coverage stretched to a canvas of this size in pixels, between pixels by a triangle filter.
    #[must_use]
    pub fn stretched_to(&self, width: u32, height: u32) -> Self {
        if (width, height) == (self.width(), self.height()) {
            return self.clone();
        }
        let grey = GrayImage::from_raw(self.width(), self.height(), self.to_raw());
        let grey = grey.map(|grey| resize(&grey, width, height, FilterType::Triangle));
        grey.and_then(|grey| Self::from_raw(width, height, grey.as_raw())).unwrap_or_else(|| Self::empty(width, height))
    }
}

impl InitImage {
    /// The same stretched to a canvas of this size in pixels, the picture by Lanczos' filter of three lobes.
    #[must_use]
    pub fn stretched_to(&self, width: u32, height: u32) -> Self {
        let area = match &self.area {
            Area::Mask(mask) => Area::Mask(Arc::new(mask.stretched_to(width, height))),
            other => other.clone(),
        };
        Self { image: Arc::new(resize(&*self.image, width, height, FilterType::Lanczos3)), area, ..*self }
    }
}
