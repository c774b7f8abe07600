//! Masks and pictures from files of every kind: what covers, what is upright, what is cut.
//!
//! Pictures in `tests/fixtures/pictures` were made by its `make.py` with Pillow: a white box of 24 × 16 at (16, 8) on black,
//! 64 × 48 pixels.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use image::{DynamicImage, GrayImage, Luma, Rgba, RgbaImage};
use polyptych::document::{Document, Mask, MaskNote, Picture, Problem, read_picture};
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pictures").join(name)
}

fn inside(x: u32, y: u32) -> bool {
    (16..40).contains(&x) && (8..24).contains(&y)
}

fn the_box() -> Vec<u8> {
    (0..48).flat_map(|y| (0..64).map(move |x| if inside(x, y) { 255 } else { 0 })).collect()
}

/// The mask of a picture written to a file, and its notes; what the window makes of the picture is held to be the same.
fn of_file(name: &str, image: &DynamicImage) -> (Mask, Vec<MaskNote>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    image.save(&path).unwrap();
    let (width, height) = (image.width(), image.height());
    let read = Document::import_mask_with_notes(&path, width, height).unwrap();
    let picture = read_picture(&path).unwrap();
    assert_eq!((Mask::of_picture(&picture, width, height), picture.mask_notes()), read);
    read
}

fn of(pixel: impl Fn(u32, u32) -> [u8; 4]) -> (Mask, Vec<MaskNote>) {
    of_file("mask.png", &RgbaImage::from_fn(64, 48, |x, y| Rgba(pixel(x, y))).into())
}

fn grey(pixel: impl Fn(u32, u32) -> u8) -> (Mask, Vec<MaskNote>) {
    of_file("mask.png", &GrayImage::from_fn(64, 48, |x, y| Luma([pixel(x, y)])).into())
}

#[test]
fn a_mask_may_be_any_kind_of_picture() {
    for name in ["mask-1bit.png", "mask-palette.png", "mask.webp", "mask-16bit.png"] {
        let (mask, notes) = Document::import_mask_with_notes(fixture(name), 64, 48).unwrap();
        assert_eq!(mask.to_raw(), the_box(), "{name}");
        assert!(notes.is_empty(), "{name}: {notes:?}");
    }
    for name in ["mask.jpg", "mask-progressive.jpg"] {
        let (mask, notes) = Document::import_mask_with_notes(fixture(name), 64, 48).unwrap();
        let apart = mask.to_raw().iter().zip(the_box()).map(|(a, b)| a.abs_diff(b)).max();
        assert!(apart < Some(24) && notes.is_empty(), "{name}: {apart:?} {notes:?}");
    }
    let error = Document::import_mask(fixture("mask.jpg"), 64, 64).unwrap_err().to_string();
    assert!(error.contains("mask.jpg") && error.contains("64×48") && error.contains("64×64"), "{error}");
    let error = Document::import_mask(fixture("make.py"), 64, 48).unwrap_err().to_string();
    assert!(error.contains("make.py") && error.contains("save it as PNG, JPEG or WebP"), "{error}");
}

#[test]
fn pictures_are_upright_in_all_eight_ways() {
    for way in 1..=8 {
        let path = fixture(&format!("turned-{way}.png"));
        assert_eq!(Document::import_mask(&path, 64, 48).unwrap().to_raw(), the_box(), "way {way}");
        assert_eq!(Document::import_picture(&path).unwrap().dimensions(), (64, 48));
        // The same with the orientation behind the pixels.
        let bytes = std::fs::read(&path).unwrap();
        let chunk = bytes.windows(4).position(|kind| kind == b"eXIf").unwrap() - 4;
        let length = u32::from_be_bytes(bytes[chunk..chunk + 4].try_into().unwrap()) as usize + 12;
        let (exif, end) = (&bytes[chunk..chunk + length], bytes.len() - 12);
        let late = [&bytes[..chunk], &bytes[chunk + length..end], exif, &bytes[end..]].concat();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("late.png");
        std::fs::write(&path, late).unwrap();
        assert_eq!(Document::import_mask(&path, 64, 48).unwrap().to_raw(), the_box(), "way {way}, late");
    }
}

#[test]
fn white_on_black_covers_what_is_white_where_a_little_is_transparent() {
    let white = |x, y| if inside(x, y) { 255 } else { 0 };
    // One corner that is not quite opaque: nothing to be told.
    let (mask, notes) = of(|x, y| [white(x, y), white(x, y), white(x, y), if (x, y) == (0, 0) { 254 } else { 255 }]);
    assert_eq!((mask.to_raw(), notes), (the_box(), vec![]));
    // One corner that is clear, a border that fades away, one that is white where it is clear.
    let border = |x: u32, y: u32| u8::try_from(x.min(y).min(63 - x).min(47 - y).min(2) * 127 + 1).unwrap();
    let corner = |x: u32, y: u32| if (x, y) == (0, 0) { 0 } else { 255 };
    let alphas: [&dyn Fn(u32, u32) -> u8; 2] = [&corner, &border];
    for alpha in alphas {
        for under in [0, 255] {
            let (mask, notes) = of(|x, y| {
                let (v, a) = (white(x, y), alpha(x, y));
                let v = if a < 128 { under } else { v };
                [v, v, v, a]
            });
            let raw = mask.to_raw();
            assert!((17..39).all(|x| (9..23).all(|y| mask.get(x, y) == 255)), "{notes:?}");
            let outside: u32 = raw.iter().zip(the_box()).filter(|(_, b)| *b == 0).map(|(v, _)| u32::from(*v)).sum();
            assert!(outside < 255 * 120, "the border is next to nothing: {outside}");
            assert_eq!(notes, [MaskNote::ByBrightness]);
        }
    }
    // A blurred shape is a mask, too; so are a tiny one, and one of a whole that is half clear everywhere.
    let soft = |x: u32| (x * 4) as u8;
    let (mask, _) = of(|x, y| [soft(x), soft(x), soft(x), if y == 0 { 253 } else { 255 }]);
    assert_eq!(mask.get(40, 5), 160);
    let (mask, notes) = of(|x, y| {
        let v = if (x, y) == (30, 20) { 255 } else { 0 };
        [v, v, v, if (x, y) == (0, 0) { 0 } else { 255 }]
    });
    assert_eq!((mask.bounds().x, mask.bounds().width, notes), (30, 1, vec![MaskNote::ByBrightness]));
    let (mask, notes) = of(|x, y| [white(x, y), white(x, y), white(x, y), 100]);
    assert_eq!((mask.get(20, 10), mask.get(0, 0), notes), (100, 0, vec![MaskNote::ByBrightness]));
}

#[test]
fn a_shape_of_any_colour_on_a_clear_ground_covers_by_its_alpha() {
    for colour in [[255, 0, 0], [0, 0, 0], [255, 255, 255], [12, 200, 77]] {
        let (mask, notes) = of(|x, y| {
            let [r, g, b] = colour;
            if inside(x, y) { [r, g, b, 255] } else { [0, 0, 0, 0] }
        });
        assert_eq!((mask.to_raw(), notes), (the_box(), vec![]), "{colour:?}");
    }
    // A cut-out of many colours.
    let (mask, notes) = of(|x, y| [x as u8 * 4, y as u8 * 5, 30, if inside(x, y) { 255 } else { 0 }]);
    assert_eq!((mask.to_raw(), notes), (the_box(), vec![]));
    // One in black and white could be meant otherwise, and that is told.
    let (mask, notes) = of(|x, y| {
        let v = if (x + y) % 2 == 0 { 255 } else { 0 };
        [v, v, v, if inside(x, y) { 255 } else { 0 }]
    });
    assert_eq!((mask.to_raw(), notes), (the_box(), vec![MaskNote::ByAlpha]));
    // Soft alpha stays soft; what is clear everywhere covers nothing.
    assert_eq!(of(|x, _| [0, 0, 0, x as u8 * 3]).0.get(40, 2), 120);
    assert!(of(|_, _| [255, 255, 255, 0]).0.is_blank());
}

#[test]
fn values_that_only_look_black_are_seen_and_told() {
    for value in [1, 3, 8] {
        let (mask, notes) = grey(|x, y| if inside(x, y) { value } else { 0 });
        assert_eq!((mask.to_raw(), notes), (the_box(), vec![MaskNote::Classes { brightest: value }]));
        let (mask, notes) = of(|x, y| [0, 0, 0, if inside(x, y) { value } else { 0 }]);
        assert_eq!((mask.to_raw(), notes), (the_box(), vec![MaskNote::Classes { brightest: value }]), "alpha {value}");
    }
    let (mask, notes) = grey(|x, _| (x / 16) as u8);
    assert!(mask.get(15, 0) == 0 && (16..64).all(|x| mask.get(x, 9) == 255), "classes 0 to 3");
    assert_eq!(notes, [MaskNote::Classes { brightest: 3 }]);
    // Darker than anyone paints, but not by mistake for sure: as it is, and told.
    let (mask, notes) = grey(|x, y| if inside(x, y) { 20 } else { 0 });
    assert_eq!((mask.get(20, 10), notes), (20, vec![MaskNote::Faint { brightest: 20 }]));
    assert_eq!(grey(|x, _| x as u8 * 2).1, []);
    assert_eq!(grey(|_, _| 0).1, [], "what is black is told as an empty mask");
    assert!(grey(|_, _| 0).0.is_blank());
    let told = MaskNote::Classes { brightest: 3 }.to_string();
    assert!(told.contains("3 of 255") && told.contains("inside"), "{told}");
}

#[test]
fn sixteen_bits_with_values_of_eight_are_seen_and_told() {
    let (mask, notes) = Document::import_mask_with_notes(fixture("mask-16bit-low.png"), 64, 48).unwrap();
    assert_eq!((mask.to_raw(), notes), (the_box(), vec![MaskNote::SixteenBits]));
    let wide = |pixel: &dyn Fn(u32, u32) -> [u16; 4]| {
        of_file("wide.png", &image::ImageBuffer::from_fn(64, 48, |x, y| Rgba(pixel(x, y))).into())
    };
    // One value above 255, in the last row, and the rest is next to nothing.
    let (mask, notes) = wide(&|x, y| {
        let v = if (x, y) == (63, 47) { 65_535 } else { u16::from(inside(x, y)) * 255 };
        [v, v, v, 65_535]
    });
    assert_eq!((mask.get(63, 47), mask.get(20, 10), notes), (255, 0, vec![]));
    let (mask, notes) = wide(&|x, y| [0, 0, 0, u16::from(inside(x, y)) * 65_535]);
    assert_eq!((mask.to_raw(), notes), (the_box(), vec![]));
    let (mask, notes) = wide(&|x, y| [0, 0, 0, u16::from(inside(x, y)) * 255]);
    assert_eq!((mask.to_raw(), notes), (the_box(), vec![MaskNote::SixteenBits]));
    let (mask, notes) = wide(&|x, y| [u16::from(inside(x, y)), 0, 0, 65_535]);
    assert_eq!(mask.to_raw().iter().filter(|v| **v > 0).count(), 0, "red of 1 is black: {notes:?}");
}

#[test]
fn a_picture_of_another_size_is_fitted_in_the_window() {
    let picture = Picture::from(RgbaImage::from_fn(128, 96, |x, y| {
        let v = u8::from(inside(x / 2, y / 2));
        Rgba([v, v, v, 255])
    }));
    let mask = Mask::of_picture(&picture, 64, 48);
    assert_eq!((mask.get(20, 10), mask.get(5, 5)), (255, 0), "classes are read before they are scaled");
    // A line that would be huge when scaled costs no more than the canvas.
    let line = Picture::from(RgbaImage::from_pixel(16_384, 1, Rgba([255; 4])));
    assert_eq!(Mask::of_picture(&line, 2048, 1024).get(1000, 1000), 255);
    assert!(Mask::of_picture(&Picture::from(RgbaImage::new(0, 0)), 64, 48).is_blank());
}

#[test]
fn a_jpeg_that_is_cut_anywhere_is_refused() {
    for name in ["photo.jpg", "photo-progressive.jpg", "mask.jpg", "mask-progressive.jpg"] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.jpg");
        let read = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            Document::import_picture(&path)
        };
        let whole = read(&bytes).unwrap();
        assert_eq!(read(&[&bytes[..], b"trailing bytes"].concat()).unwrap(), whole);
        for length in (3..bytes.len() - 4).step_by(3).chain(bytes.len() - 4..bytes.len()) {
            let error = read(&bytes[..length]).unwrap_err();
            let told = error.to_string();
            assert!(told.contains("cut.jpg") && told.contains("cut: its end is missing"), "{name} at {length}: {told}");
            assert!(matches!(error.problem(), Problem::DamagedPicture(_)));
        }
    }
}

#[test]
fn a_cut_png_or_webp_is_refused() {
    for name in ["web-ui.webp", "mask.webp", "mask-palette.png", "web-ui.png"] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        // (What follows the pixels may be missing.)
        for length in (16..bytes.len() * 3 / 5).step_by(7) {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(Document::import_picture(&path).is_err(), "{name} at {length}");
        }
    }
}
