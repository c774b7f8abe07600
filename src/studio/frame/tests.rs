//! Cutting out and laying back against plain loops over every pixel.

use super::lay::{lay, shares};
use super::{Frame, Part};
use crate::diffusion::masks::{Coverage, feathered};
use crate::document::{Area, Control, ControlMap, Document, InitImage, Mask, PixelRect, Wrap};
use crate::studio::colour_match::Shift;
use crate::studio::{DrawError, Facts};
use image::{Rgb, RgbImage};
use std::sync::Arc;

fn rect(x: u32, y: u32, width: u32, height: u32) -> PixelRect {
    PixelRect { x, y, width, height }
}

/// A picture in which no two neighbours are alike.
fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb([(x * 7 + y * 3) as u8, (x * 2 + y * 11) as u8, (200 + x + 5 * y) as u8])
    })
}

/// A model whose window is so small that everything is drawn as it is.
fn small() -> Facts {
    Facts::new(8, 8)
}

/// Three regions, of which the middle one is soft and the last one hidden, over a picture of which all may change.
fn painted(width: u32, height: u32, wrap: Wrap) -> Document {
    let mut document = Document::new(width, height);
    document.settings.wrap = wrap;
    for number in 0..3_u32 {
        let id = document.add_region(&format!("region {number}"), "");
        let region = document.region_mut(id).expect("just added");
        (region.feather, region.visible, region.seed) = ([0, 9, 0][number as usize], number < 2, Some(7));
        region.mask = Arc::new(Mask::from_rows(width, height, |y, row| {
            for (x, v) in row.iter_mut().enumerate() {
                *v = if (x as u32 / 17 + y / 13 + number).is_multiple_of(3) { 255 - (x % 90) as u8 } else { 0 };
            }
        }));
    }
    let image = Arc::new(picture(width, height));
    document.init_image = Some(InitImage { image: Arc::clone(&image), strength: 0.5, area: Area::Everything });
    document.controls = vec![Control::new("depth", ControlMap::Picture(image))];
    document
}

#[test]
fn the_share_of_a_frame_is_that_of_a_plain_loop() {
    for (frame, cut) in [
        (rect(40, 30, 60, 90), rect(20, 10, 120, 130)),
        (rect(0, 0, 32, 32), rect(0, 0, 64, 64)),
        (rect(3, 5, 121, 99), rect(0, 0, 130, 110)),
    ] {
        for flags in 0..16_u32 {
            let open = [0, 1, 2, 3].map(|bit| flags >> bit & 1 == 1);
            let found = shares(frame, cut, open);
            let border = (frame.width.min(frame.height) / 6).max(8);
            for (i, found) in found.iter().enumerate() {
                let (x, y) = (cut.x + i as u32 % cut.width, cut.y + i as u32 / cut.width);
                let inside = |x: u32, y: u32| frame.columns().contains(&x) && frame.rows().contains(&y);
                // Steps to the first pixel outside, towards each edge that has canvas beyond it.
                let steps = |on: bool, to: &dyn Fn(u32) -> (u32, u32)| {
                    let out = |n: &u32| !inside(to(*n).0, to(*n).1);
                    (1..=border).find(|n| on && out(n)).unwrap_or(border + 1)
                };
                let far = [
                    steps(open[0], &|n| (x.wrapping_sub(n), y)),
                    steps(open[1], &|n| (x, y.wrapping_sub(n))),
                    steps(open[2], &|n| (x + n, y)),
                    steps(open[3], &|n| (x, y + n)),
                ];
                let nearest = far.into_iter().min().unwrap_or(0);
                let expected = if inside(x, y) { nearest * 255 / (border + 1) } else { 0 };
                assert_eq!(u32::from(*found), expected, "{frame:?} in {cut:?}, {open:?}: {x}, {y}");
            }
        }
    }
}

#[test]
fn the_border_of_a_large_frame_is_48_pixels() {
    let row = &shares(rect(0, 0, 900, 500), rect(0, 0, 900, 500), [true, false, false, false])[..900];
    assert_eq!((row[0], row[47], row[48], row[899]), (5, 249, 255, 255));
}

#[test]
fn what_is_laid_is_a_plain_mix_and_nothing_changes_outside() {
    let (old, new) = (picture(90, 70), RgbImage::from_fn(40, 50, |x, y| Rgb([255 - x as u8, y as u8, 9])));
    let cut = rect(31, 12, 40, 50);
    let shares: Vec<u8> =
        (0..40 * 50).map(|i: u32| if i.is_multiple_of(3) { 0 } else { (i * 7 % 256) as u8 }).collect();
    let shift = [12.25, -300.0, 0.5];
    let mut found = old.clone();
    lay(&mut found, cut, &new, &shares, &Shift::even(shift));
    for (x, y, pixel) in found.enumerate_pixels() {
        let own = old.get_pixel(x, y);
        if !(cut.columns().contains(&x) && cut.rows().contains(&y)) {
            assert_eq!(pixel, own);
            continue;
        }
        let (u, v) = (x - 31, y - 12);
        let share = f64::from(shares[(v * 40 + u) as usize]) / 255.0;
        if share == 0.0 {
            assert_eq!(pixel, own);
        }
        for (c, shift) in shift.into_iter().enumerate() {
            let new = (f64::from(new.get_pixel(u, v).0[c]) + f64::from(shift)).clamp(0.0, 255.0);
            let expected = f64::from(own.0[c]) * (1.0 - share) + new * share;
            assert!((f64::from(pixel.0[c]) - expected).abs() <= 0.501, "{x}, {y}: {pixel:?} for {expected}");
        }
    }
}

#[test]
fn a_shift_is_measured_where_the_picture_was_held() {
    let old = RgbImage::from_fn(60, 60, |x, y| Rgb([40 + x as u8, 60 + y as u8, 100]));
    let held = |x: u32| x < 20;
    let change: Vec<u8> = (0..3600).map(|i| if held(i % 60) { 0 } else { 1 + (i % 255) as u8 }).collect();
    // What is drawn anew is another thing entirely and says nothing.
    let new = RgbImage::from_fn(60, 60, |x, y| {
        let Rgb([r, g, b]) = *old.get_pixel(x, y);
        if held(x) { Rgb([r + 9, g - 4, b]) } else { Rgb([255, 0, 255]) }
    });
    let shifts = |change: &[u8], expected: [f32; 3]| {
        let shift = Shift::measured(&old, &new, change, (false, false));
        let all = (0..3600).map(|i| shift.shifted(i % 60, i / 60, [100; 3]));
        all.flat_map(|found| found.into_iter().zip(expected)).all(|(a, b)| (a - 100.0 - b).abs() < 1e-3)
    };
    assert!(shifts(&change, [-9.0, 4.0, 0.0]));
    assert!(shifts(&vec![255; 3600], [0.0; 3]), "nothing is held");
}

#[test]
fn a_shifted_drawing_of_the_same_shows_no_frame() {
    let mut document = painted(160, 120, Wrap::None);
    let smooth = RgbImage::from_fn(160, 120, |x, y| Rgb([60 + x as u8, 80 + y as u8, 120]));
    document.init_image.as_mut().expect("a start").image = Arc::new(smooth.clone());
    let frame = Frame { x: 50, y: 40, width: 64, height: 48 };
    for facts in [small(), Facts::new(64, 8)] {
        let part = Part::of(&document, frame, facts).expect("a part");
        let drawn = &part.document.init_image.as_ref().expect("a start").image;
        let shifted = RgbImage::from_fn(drawn.width(), drawn.height(), |x, y| {
            let Rgb([r, g, b]) = *drawn.get_pixel(x, y);
            Rgb([r + 10, g - 6, b + 4])
        });
        let laid = part.laid(&shifted);
        let most = laid.iter().zip(smooth.iter()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(most <= Some(1), "{most:?}, drawn at {:?}", drawn.dimensions());
    }
}

#[test]
fn a_part_is_what_plain_loops_cut_out() {
    for (width, height, wrap) in [(197, 131, Wrap::None), (192, 128, Wrap::Xy)] {
        let document = painted(width, height, wrap);
        let joined = (wrap.x(), wrap.y());
        let whole: Vec<Vec<u8>> = document.regions[..2]
            .iter()
            .map(|region| {
                let (width, height) = (width as usize, height as usize);
                let painted = region.mask.to_raw();
                feathered(Coverage { width, height, rows: &painted }, region.feather as usize, joined)
            })
            .collect();
        for (x, y, w, h) in [(60, 40, 64, 40), (0, 0, 40, 40), (width - 41, height - 33, 41, 33), (0, 50, width, 33)] {
            let frame = Frame::from(rect(x, y, w, h));
            let part = Part::of(&document, frame, small()).expect("a part");
            let PixelRect { x: left, y: top, width: across, height: down } = part.cut;
            let cut = &part.document;
            assert_eq!((cut.width, cut.height), (across, down));
            assert_eq!(cut.regions.len(), 2, "the hidden one is left out");
            let start = cut.init_image.as_ref().expect("a start");
            let ControlMap::Picture(map) = &cut.controls[0].map else { panic!("another map") };
            assert_eq!((start.strength, &start.image), (0.5, map));
            let (original, Area::Mask(area)) = (picture(width, height), &start.area) else { panic!("no mask") };
            for (u, v) in (0..across * down).map(|i| (i % across, i / across)) {
                let (column, row) = ((left + u) % width, (top + v) % height);
                let at = (row * width + column) as usize;
                for (region, whole) in cut.regions.iter().zip(&whole) {
                    assert_eq!((region.mask.get(u, v), region.feather, region.seed), (whole[at], 0, Some(7)));
                }
                assert_eq!(start.image.get_pixel(u, v), original.get_pixel(column, row));
                let inside = (x..x + w).contains(&column) && (y..y + h).contains(&row);
                assert_eq!(area.get(u, v) > 0, inside, "{u}, {v}");
            }
            // An edge is joined to the other one only where both are there.
            assert_eq!(cut.settings.wrap.x(), wrap.x() && across == width);
            assert_eq!(cut.settings.wrap.y(), wrap.y() && down == height);
            let laid = part.laid(&RgbImage::from_pixel(across, down, Rgb([1, 2, 3])));
            assert_eq!(laid.dimensions(), (width, height));
            for (x, y, pixel) in laid.enumerate_pixels() {
                let inside = (frame.x..).contains(&i64::from(x)) && (frame.y..).contains(&i64::from(y));
                if !inside || x >= (frame.x as u32 + w) || y >= (frame.y as u32 + h) {
                    assert_eq!(pixel, original.get_pixel(x, y));
                }
            }
        }
    }
}

#[test]
fn what_may_change_is_the_frame_s_share_of_the_document_s_own() {
    let mut document = painted(160, 128, Wrap::None);
    let frame = Frame { x: 40, y: 30, width: 80, height: 60 };
    let plain = Part::of(&document, frame, small()).expect("a part");
    let area = |part: &Part| match &part.document.init_image.as_ref().expect("a start").area {
        Area::Mask(mask) => mask.to_raw(),
        other => panic!("{other:?}"),
    };
    let half = Mask::from_rows(160, 128, |_, row| row[..80].fill(128));
    document.init_image.as_mut().expect("a start").area = Area::Mask(Arc::new(half));
    let part = Part::of(&document, frame, small()).expect("a part");
    let black = RgbImage::new(part.cut.width, part.cut.height);
    let (laid, original) = (part.laid(&black), picture(160, 128));
    for (i, (all, own)) in area(&plain).iter().zip(area(&part)).enumerate() {
        let x = part.cut.x + i as u32 % part.cut.width;
        let expected = if x < 80 { (u32::from(*all) * 128 + 127) / 255 } else { 0 };
        assert_eq!(u32::from(own), expected);
        let y = part.cut.y + i as u32 / part.cut.width;
        assert!(own > 0 || laid.get_pixel(x, y) == original.get_pixel(x, y));
    }
    assert_ne!(laid, original);
    // And where regions cover.
    document.init_image.as_mut().expect("a start").area = Area::Regions;
    let part = Part::of(&document, frame, small()).expect("a part");
    let covered = |i: usize| part.document.regions.iter().any(|r| r.mask.to_raw()[i] > 0);
    let bare = area(&part).iter().enumerate().filter(|(i, own)| **own > 0 && !covered(*i)).count();
    assert!(bare == 0 && area(&part).iter().any(|own| *own > 0));
}

#[test]
fn without_a_picture_a_frame_is_a_piece_on_white() {
    let mut document = painted(160, 128, Wrap::None);
    document.init_image = None;
    let part = Part::of(&document, Frame { x: 101, y: 61, width: 40, height: 33 }, small()).expect("a part");
    assert_eq!((part.document.width, part.document.height), (64, 64), "as small as a canvas may be");
    let laid = part.laid(&RgbImage::new(64, 64));
    for (x, y, pixel) in laid.enumerate_pixels() {
        let inside = (101..141).contains(&x) && (61..94).contains(&y);
        assert_eq!(pixel.0, if inside { [0; 3] } else { [255; 3] });
    }
}

#[test]
fn small_frames_are_drawn_large_and_wrong_ones_are_refused() {
    let document = painted(400, 400, Wrap::None);
    let part = Part::of(&document, Frame { x: 100, y: 120, width: 64, height: 64 }, Facts::new(64, 8)).expect("a part");
    assert_eq!((part.cut, part.document.width, part.document.height), (rect(68, 88, 128, 128), 512, 512));
    assert_eq!(part.laid(&RgbImage::new(512, 512)).dimensions(), (400, 400));
    let invalid = |frame| match Part::of(&document, frame, small()) {
        Err(DrawError::Invalid(text)) => text,
        other => panic!("{other:?}"),
    };
    let told = invalid(Frame { x: 400, y: 0, width: 64, height: 64 });
    assert!(told.contains("400,0,64x64 lies outside the canvas of 400×400"), "{told}");
    let told = invalid(Frame { x: 0, y: -20, width: 64, height: 50 });
    assert!(told.contains("covers 64×30 pixels") && told.contains("at least 32"), "{told}");
}
