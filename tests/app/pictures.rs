//! What files bring to the window: masks that could be meant otherwise, and numbers no one would set by hand.

use super::painter::Painter;
use egui_kittest::kittest::Queryable as _;
use polyptych::document::{Area, Document, InitImage};
use std::sync::Arc;

#[test]
fn a_mask_of_class_numbers_is_taken_and_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("classes.png");
    image::GrayImage::from_fn(768, 512, |x, _| image::Luma([u8::from(x < 100) * 3])).save(&path).expect("writes");
    let mut painter = Painter::sits_down();
    painter.drops(&path);
    painter.clicks("Mask of Cabin");
    let mask = &painter.app().editor().selected_region().expect("selected").mask;
    assert_eq!((mask.get(99, 5), mask.get(100, 5)), (255, 0));
    painter.h.get_by_label_contains("the brightest value of the mask is 3 of 255");
}

#[test]
fn showing_a_document_changes_none_of_its_numbers() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wild.ora");
    let mut document = Document::new(256, 256);
    let id = document.add_region("Fox", "a fox");
    let region = document.region_mut(id).expect("added");
    (region.guidance, region.weight, region.feather) = (Some(-45.5), 100.0, 1024);
    region.mask = Arc::new(polyptych::document::Mask::even(256, 256, 255));
    let settings = &mut document.settings;
    (settings.guidance, settings.steps, settings.stride) = (60.0, 500, 300);
    let image = Arc::new(image::RgbImage::new(256, 256));
    document.init_image = Some(InitImage { image, strength: 0.02, area: Area::Everything });
    document.save(&path).expect("saved");
    let mut painter = Painter::with(Some(&path), Box::new(super::painter::Pretender::default()));
    painter.clicks("Fox");
    for fold in ["More", "Advanced"] {
        if painter.h.query_by_label("Stride").is_none() || painter.h.query_by_label("Soft edge").is_none() {
            painter.clicks(fold);
        }
    }
    assert!(painter.h.query_by_label("Stride").is_some() && painter.h.query_by_label("Soft edge").is_some());
    painter.settles();
    let shown = painter.document();
    assert_eq!(shown.settings, document.settings);
    assert_eq!(shown.regions, document.regions);
    assert_eq!(shown.init_image, document.init_image);
}
