//! The canvas: its size, the picture that a drawing starts from, and what is shown on it.

use super::{Editor, Selected};
use crate::app::editor::deferred::{Made, Reshaped};
use crate::app::text::i18n::key;
use crate::document::{Area, Control, ControlMap, Document, InitImage, Mask, Paint, Region, RegionId, Take, TakeNote};
use crate::paint::{Beyond, part};
use image::RgbImage;
use image::imageops::FilterType;
use std::sync::Arc;

impl Editor {
    /// Changes the canvas: without a place for its old top left corner the painting is stretched with it.
    pub fn resize(&mut self, width: u32, height: u32, place: Option<(i32, i32)>) {
        if (width, height) == (self.document.width, self.document.height) {
            return;
        }
        self.reshape_canvas(key("Canvas size"), (width, height), move |document| {
            let mask = |mask: &Mask| match place {
                Some((dx, dy)) => mask.moved_to(width, height, dx, dy),
                None => scaled(mask, width, height),
            };
            let shape = |shape: Beyond<'_>| match place {
                Some(by) => moved(shape, (width, height), by),
                None => (mask(shape.mask), shape.outside.map(|outside| scaled(outside, 3 * width, 3 * height))),
            };
            let start = document.init_image.as_ref().map(|start| match place {
                Some((dx, dy)) => start.moved_to(width, height, dx, dy),
                None => {
                    let area = match &start.area {
                        Area::Mask(area) => Area::Mask(Arc::new(mask(area))),
                        other => other.clone(),
                    };
                    let image = image::imageops::resize(&*start.image, width, height, FilterType::CatmullRom);
                    InitImage { image: Arc::new(image), area, ..*start }
                }
            });
            let controls = controls(document, |map| match place {
                Some((dx, dy)) => map.moved_to(width, height, dx, dy),
                None => map.stretched_to(width, height),
            });
            let paint = document.paint.as_ref().map(|paint| paint.changed(mask));
            Reshaped { width, height, masks: masks(document, shape), start, paint, controls }
        });
    }

    /// Puts new canvas around the picture to start from, and lets the drawing fill it.
    pub fn outpaint(&mut self, image: &Arc<RgbImage>, (width, height): (u32, u32), (dx, dy): (i32, i32)) {
        let image = Arc::clone(image);
        self.reshape_canvas(key("Draw around the picture"), (width, height), move |document| {
            let start = Some(InitImage::outpainted(&image, width, height, dx, dy));
            let masks = masks(document, |shape| moved(shape, (width, height), (dx, dy)));
            let controls = controls(document, |map| map.moved_to(width, height, dx, dy));
            let paint =
                document.paint.as_ref().map(|paint| paint.changed(|plane| plane.moved_to(width, height, dx, dy)));
            Reshaped { width, height, masks, start, paint, controls }
        });
    }

    fn reshape_canvas(
        &mut self,
        label: &'static str,
        (width, height): (u32, u32),
        make: impl Fn(&Document) -> Reshaped + Send + Sync + 'static,
    ) {
        let pictures = [self.document.init_image.is_some(), self.document.paint.is_some()];
        let planes = self.document.regions.len() as u64 + 4 * pictures.map(u64::from).iter().sum::<u64>();
        let pixels = u64::from(width) * u64::from(height) * planes;
        self.ask(label, pixels, None, move |document| Some(Made::Canvas(Box::new(make(document)))));
    }

    /// Lets the tools paint colours, on a new layer where there is none.
    pub fn paint_colours(&mut self) {
        if self.document.paint.is_none() {
            let (width, height) = (self.document.width, self.document.height);
            self.change(key("Paint colours"), |d| d.paint = Some(Paint::blank(width, height)));
        }
        self.select(Selected::Region(RegionId::PAINT));
    }

    /// Takes all paint away.
    pub fn remove_paint(&mut self) {
        self.change(key("Remove the paint"), |d| d.paint = None);
        self.reselect();
    }

    /// Starts from another picture, or from noise.
    pub fn set_start(&mut self, start: Option<InitImage>) {
        let label = if start.is_some() { key("Start from a picture") } else { key("Start from noise") };
        self.change(label, |d| d.init_image = start);
    }

    /// Shows this picture in the document from now on. Not an undo step.
    pub fn keep_take(&mut self, take: Option<Arc<Take>>) {
        self.document.take = take;
        self.takes_kept += 1;
        self.changes += 1;
    }

    /// Keeps these finished pictures in the file. Neither an undo step nor a change of its own: what made them is one.
    pub fn set_packed_takes(&mut self, takes: Vec<(u64, Arc<[u8]>)>, notes: Vec<(u64, TakeNote)>) {
        self.document.set_take_notes(notes);
        self.document.set_packed_takes(takes);
    }

    /// A person has taken finished pictures away, brought them back, named or starred them, which is not in the file yet.
    pub fn takes_changed(&mut self) {
        self.takes_kept += 1;
        self.changes += 1;
    }

    /// Takes words, regions and settings from another document of the same file, as one undo step.
    pub fn restore_document(&mut self, label: &str, document: Document) {
        self.change(label, |d| *d = document);
        self.reselect();
    }
}

/// Every region's mask, and what of it is beyond the canvas, changed.
fn masks(
    document: &Document,
    change: impl Fn(Beyond<'_>) -> (Mask, Option<Mask>),
) -> Vec<(RegionId, Arc<Mask>, Option<Arc<Mask>>)> {
    let shape = |region: &Region| {
        let (mask, outside) = change(Beyond { mask: &region.mask, outside: region.outside.as_deref() });
        (region.id, Arc::new(mask), outside.map(Arc::new))
    };
    document.regions.iter().map(shape).collect()
}

/// A shape on a canvas of another size, where the old one's corner lies at `by`.
fn moved(shape: Beyond<'_>, (width, height): (u32, u32), by: (i32, i32)) -> (Mask, Option<Mask>) {
    if shape.outside.is_none() {
        return (shape.mask.moved_to(width, height, by.0, by.1), None);
    }
    let ahead = |new: u32, old: u32, by: i32| (i64::from(new) - i64::from(old)) as i32 + by;
    let (dx, dy) = (ahead(width, shape.mask.width(), by.0), ahead(height, shape.mask.height(), by.1));
    part(shape.join().moved_to(3 * width, 3 * height, dx, dy), width, height)
}

/// All lists of ControlNets, with what they see changed.
fn controls(document: &Document, change: impl Fn(&ControlMap) -> ControlMap) -> Vec<(Option<RegionId>, Vec<Control>)> {
    let changed = |controls: &[Control]| -> Vec<Control> {
        controls.iter().map(|control| Control { map: change(&control.map), ..control.clone() }).collect()
    };
    let regions = document.regions.iter().map(|region| (Some(region.id), changed(&region.controls)));
    std::iter::once((None, changed(&document.controls))).chain(regions).collect()
}

fn scaled(mask: &Mask, width: u32, height: u32) -> Mask {
    let gray = image::GrayImage::from_raw(mask.width(), mask.height(), mask.to_raw());
    let scaled = gray.map(|gray| image::imageops::resize(&gray, width, height, FilterType::Triangle));
    scaled.and_then(|gray| Mask::from_raw(width, height, gray.as_raw())).unwrap_or_else(|| Mask::empty(width, height))
}
