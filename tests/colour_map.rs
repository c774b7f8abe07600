//! Colour maps: each colour of a flat-coloured picture becomes a region, exactly, with soft edges soft and nothing bare between.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use image::{Rgb as Pixel, RgbImage, Rgba, RgbaImage};
use polyptych::document::{ColourMap, Document, FileError, MAX_REGIONS, Problem, Rgb};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const WALL: [u8; 3] = [120, 120, 120];
const SKY: [u8; 3] = [6, 230, 230];
const TREE: [u8; 3] = [4, 200, 3];
const RED: [u8; 3] = [200, 40, 30];
const BLUE: [u8; 3] = [30, 60, 190];
const SAND: [u8; 3] = [230, 200, 140];

/// A small generator of numbers below `most`, the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(most)).expect("below a u32")
    }
}

/// A map of cells: each pixel has the colour of the nearest of these points.
fn cells(width: u32, height: u32, colours: &[[u8; 3]], numbers: &mut Numbers) -> RgbImage {
    let points: Vec<(u32, u32)> = colours.iter().map(|_| (numbers.below(width), numbers.below(height))).collect();
    RgbImage::from_fn(width, height, |x, y| {
        let far = |(px, py): &(u32, u32)| px.abs_diff(x).pow(2) + py.abs_diff(y).pow(2);
        let nearest = points.iter().zip(colours).min_by_key(|(point, _)| far(point)).expect("some");
        Pixel(*nearest.1)
    })
}

/// Colours that nobody takes for one another.
fn colours(count: usize, numbers: &mut Numbers) -> Vec<[u8; 3]> {
    let mut colours: Vec<[u8; 3]> = Vec::new();
    while colours.len() < count {
        let colour = [0; 3].map(|_: u8| u8::try_from(numbers.below(256)).expect("a byte"));
        let apart = |other: &[u8; 3]| other.iter().zip(colour).map(|(a, b)| u32::from(a.abs_diff(b))).sum::<u32>() > 60;
        if colours.iter().all(apart) {
            colours.push(colour);
        }
    }
    colours
}

fn opaque(image: &RgbImage) -> RgbaImage {
    image::DynamicImage::from(image.clone()).into_rgba8()
}

/// A document of the map's size with all of its regions.
fn document(map: &ColourMap) -> Document {
    document_of(map, map.width(), map.height())
}

fn document_of(map: &ColourMap, width: u32, height: u32) -> Document {
    let mut document = Document::new(width, height);
    document.add_regions(map.regions(width, height, &map.all()));
    document
}

/// What shows of each region in each pixel by the rule of coverage, and what stays bare, computed naively.
fn shown(document: &Document) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut rest = vec![255_u8; (document.width * document.height) as usize];
    let mut shown: Vec<Vec<u8>> = document
        .regions
        .iter()
        .rev()
        .map(|region| {
            let cover = |(rest, mask): (&mut u8, u8)| {
                let part = (f64::from(*rest) * f64::from(mask) / 255.0).round() as u8;
                *rest -= part;
                part
            };
            rest.iter_mut().zip(region.mask.to_raw()).map(cover).collect()
        })
        .collect();
    shown.reverse();
    (shown, rest)
}

fn area(document: &Document, region: usize) -> f64 {
    document.coverage().regions[region].visible
}

#[test]
fn each_colour_of_a_flat_map_becomes_exactly_its_mask() {
    let mut numbers = Numbers(1);
    for (width, height, count) in [(64, 64, 3), (97, 131, 12), (300, 200, 40)] {
        let palette = colours(count, &mut numbers);
        let image = cells(width, height, &palette, &mut numbers);
        let map = ColourMap::of(&opaque(&image)).expect("a map");
        let document = document(&map);
        assert!(map.notes().is_empty(), "{:?}", map.notes());
        for region in &document.regions {
            let naive: Vec<u8> = image.pixels().map(|p| if p.0 == region.colour.0 { 255 } else { 0 }).collect();
            assert!(naive.contains(&255), "{:?} is in the map", region.colour);
            assert_eq!(region.mask.to_raw(), naive, "{width}×{height}: {:?}", region.colour);
        }
        assert!(document.coverage().uncovered <= 0.0);
        let areas: Vec<f64> = (0..document.regions.len()).map(|i| area(&document, i)).collect();
        assert!(areas.is_sorted_by(|a, b| a >= b), "the largest is the lowest: {areas:?}");
        assert!(document.regions.iter().all(|r| r.prompt.is_empty() && r.name.starts_with("Colour #")));
    }
}

#[test]
fn thin_lines_and_small_cells_are_regions_too() {
    let mut image = RgbImage::from_pixel(160, 120, Pixel([255; 3]));
    (0..120).for_each(|y| image.put_pixel(40, y, Pixel(RED)));
    (0..160).for_each(|x| image.put_pixel(x, (x + 10) * 3 / 5, Pixel([0; 3])));
    for y in 0..120 {
        image.put_pixel(100, y, Pixel([128; 3]));
        image.put_pixel(101, y, Pixel([128; 3]));
    }
    let checked =
        RgbImage::from_fn(128, 96, |x, y| Pixel([RED, BLUE, SAND, SKY][((x / 4) * 7 + (y / 4) * 3) as usize % 4]));
    for image in [image, checked] {
        let document = document(&ColourMap::of(&opaque(&image)).expect("a map"));
        assert_eq!(document.regions.len(), 4);
        for region in &document.regions {
            let naive: Vec<u8> = image.pixels().map(|p| if p.0 == region.colour.0 { 255 } else { 0 }).collect();
            assert_eq!(region.mask.to_raw(), naive, "{:?}", region.colour);
        }
    }
}

#[test]
fn a_soft_edge_belongs_to_both_sides_by_share_and_leaves_nothing_bare() {
    // A slanted edge between two colours, drawn eight times as large and made small by area.
    let (width, height, fine) = (160_u32, 100_u32, 8_u32);
    let inside = |x: u32, y: u32| x * 3 > y * 2 + 700;
    let share = |x: u32, y: u32| {
        let points = (0..fine * fine).filter(|i| inside(x * fine + i % fine, y * fine + i / fine)).count();
        points as f64 / f64::from(fine * fine)
    };
    let image = RgbImage::from_fn(width, height, |x, y| {
        let share = share(x, y);
        Pixel(std::array::from_fn(|i| (f64::from(RED[i]) * (1.0 - share) + f64::from(BLUE[i]) * share).round() as u8))
    });
    let map = ColourMap::of(&opaque(&image)).expect("a map");
    let found: Vec<[u8; 3]> = map.colours().iter().map(|c| c.colour.0).collect();
    assert_eq!(found.len(), 2, "no thin region of mixed colours: {found:?}");
    let document = document(&map);
    assert!(document.coverage().uncovered <= 0.0, "no hairline shows");
    let (shown, rest) = shown(&document);
    assert!(rest.iter().all(|v| *v == 0));
    for (region, shown) in document.regions.iter().zip(shown) {
        for (at, value) in (0..).zip(shown) {
            let share = share(at % width, at / width);
            let wanted = 255.0 * if region.colour.0 == BLUE { share } else { 1.0 - share };
            assert!((f64::from(value) - wanted).abs() <= 2.0, "{at}: {value}, not {wanted}");
        }
    }
    // The lower one lies whole under the soft edge of the upper one.
    let soft = document.regions[1].mask.to_raw();
    assert!(soft.iter().any(|v| (1..255).contains(v)));
    assert!(soft.iter().zip(document.regions[0].mask.to_raw()).all(|(upper, lower)| *upper == 255 || lower == 255));
}

#[test]
fn shares_on_a_smaller_canvas_are_those_of_the_area() {
    let mut numbers = Numbers(5);
    let palette = colours(9, &mut numbers);
    let image = cells(256, 192, &palette, &mut numbers);
    let document = document_of(&ColourMap::of(&opaque(&image)).expect("a map"), 128, 96);
    assert!(document.coverage().uncovered <= 0.0);
    let (shown, _) = shown(&document);
    for (region, shown) in document.regions.iter().zip(shown) {
        for (at, value) in (0..).zip(shown) {
            let (x, y) = (at % 128 * 2, at / 128 * 2);
            let pixels = [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)];
            let count = pixels.iter().filter(|(x, y)| image.get_pixel(*x, *y).0 == region.colour.0).count();
            assert!((f64::from(value) - count as f64 * 63.75).abs() < 1.0, "{at}: {value} of {count}");
        }
    }
}

#[test]
fn another_shape_is_covered_and_cut_evenly() {
    // Three bands; the middle of the map is the middle of the canvas.
    let image = RgbImage::from_fn(120, 300, |_, y| {
        Pixel(if y < 100 {
            RED
        } else if y < 200 {
            BLUE
        } else {
            SAND
        })
    });
    let map = ColourMap::of(&opaque(&image)).expect("a map");
    assert_eq!(map.cut(240, 240), (0.0, 0.6));
    let document = document_of(&map, 240, 240);
    assert!(document.coverage().uncovered <= 0.0);
    let of = |colour| document.regions.iter().position(|r| r.colour == Rgb(colour)).expect("there");
    // 120 of 300 rows are seen: 10 + 100 + 10.
    for (colour, part) in [(RED, 10.0), (BLUE, 100.0), (SAND, 10.0)] {
        assert!((area(&document, of(colour)) - part / 120.0).abs() < 1e-3, "{colour:?}");
    }
}

#[test]
fn where_three_meet_or_the_map_ends_softly_every_share_shows() {
    let image = RgbaImage::from_fn(96, 96, |x, y| {
        let colour = if x < 47 {
            RED
        } else if y < 41 {
            BLUE
        } else {
            SAND
        };
        let alpha = match y {
            0..10 => 0,
            10 => 77,
            _ => 255,
        };
        Rgba([colour[0], colour[1], colour[2], alpha])
    });
    let map = ColourMap::of(&image).expect("a map");
    let (whole, rest) = shown(&document(&map));
    for (at, bare) in (0..).zip(rest) {
        let alpha = image.get_pixel(at % 96, at / 96).0[3];
        assert_eq!(bare, 255 - alpha, "what is transparent is background");
        assert_eq!(whole.iter().map(|shown| u32::from(shown[at as usize])).sum::<u32>(), u32::from(alpha));
    }
    // At a size at which three regions share a pixel.
    let (parts, rest) = shown(&document_of(&map, 64, 64));
    let three = (0..64 * 64).filter(|at| parts.iter().all(|shown| shown[*at] > 0)).count();
    assert!(three > 0, "three meet in a pixel");
    assert!((15 * 64..64 * 64).all(|at| rest[at] == 0), "nothing is bare");
}

#[test]
fn a_region_that_is_left_out_leaves_the_others_as_they_are() {
    let mut numbers = Numbers(3);
    let image = cells(128, 128, &[RED, BLUE, SAND, SKY, TREE], &mut numbers);
    let map = ColourMap::of(&opaque(&image)).expect("a map");
    let (all, _) = shown(&document_of(&map, 100, 100));
    let mut chosen = map.all();
    chosen.remove(1);
    let mut document = Document::new(100, 100);
    document.add_regions(map.regions(100, 100, &chosen));
    let (shown, bare) = shown(&document);
    assert_eq!(shown, [&all[..1], &all[2..]].concat());
    assert_eq!(bare, all[1]);
}

/// The picture as a JPEG makes it.
fn through_jpeg(image: &RgbImage, quality: u8) -> RgbaImage {
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(image).expect("encoded");
    image::load_from_memory(&bytes).expect("decoded").into_rgba8()
}

#[test]
fn the_noise_of_a_jpeg_is_no_region() {
    let mut numbers = Numbers(11);
    let palette = colours(10, &mut numbers);
    let image = cells(320, 256, &palette, &mut numbers);
    for quality in [95, 75, 50] {
        let map = ColourMap::of(&through_jpeg(&image, quality)).expect("a map");
        assert_eq!(map.colours().len(), 10, "quality {quality}: {}", map.listed());
        let document = document(&map);
        assert!(document.coverage().uncovered <= 0.0);
        for (region, shown) in document.regions.iter().zip(shown(&document).0) {
            let own = |p: &Pixel<u8>| p.0.iter().zip(region.colour.0).all(|(a, b)| a.abs_diff(b) < 12);
            let wrong = image.pixels().zip(&shown).filter(|(p, v)| own(p) != (**v >= 128)).count();
            let edge = 320.0 * 256.0 * 0.01;
            assert!((wrong as f64) < edge, "quality {quality}, {:?}: {wrong}", region.colour);
        }
    }
}

#[test]
fn near_colours_are_one_and_the_more_frequent_wins() {
    let image = RgbImage::from_fn(200, 100, |x, y| {
        let [r, g, b] = if x < 100 { RED } else { BLUE };
        // A third of the pixels is a little off, in patches.
        Pixel(if (x / 10 + y / 10) % 3 == 0 { [r + 2, g - 1, b + 2] } else { [r, g, b] })
    });
    let map = ColourMap::of(&opaque(&image)).expect("a map");
    let mut found: Vec<[u8; 3]> = map.colours().iter().map(|c| c.colour.0).collect();
    found.sort_unstable();
    assert_eq!(found, [BLUE, RED]);
    let document = document(&map);
    assert!((area(&document, 0) - 0.5).abs() < 1e-9 && (area(&document, 1) - 0.5).abs() < 1e-9);
    assert!(map.find(Rgb([202, 39, 32])).is_some() && map.find(Rgb([230, 39, 32])).is_none());
    // Every pixel off by chance.
    let mut numbers = Numbers(2);
    let noisy = RgbImage::from_fn(200, 100, |x, _| {
        Pixel((if x < 100 { RED } else { BLUE }).map(|v| v - 3 + u8::try_from(numbers.below(7)).expect("small")))
    });
    let map = ColourMap::of(&opaque(&noisy)).expect("a map");
    assert_eq!(map.colours().len(), 2, "{}", map.listed());
}

#[test]
fn resampled_edges_make_no_regions() {
    let mut numbers = Numbers(21);
    let palette = colours(8, &mut numbers);
    let image = cells(200, 160, &palette, &mut numbers);
    for filter in [image::imageops::Triangle, image::imageops::CatmullRom, image::imageops::Lanczos3] {
        for (width, height) in [(150, 120), (400, 320)] {
            let resized = image::imageops::resize(&image, width, height, filter);
            let map = ColourMap::of(&opaque(&resized)).expect("a map");
            let mut found: Vec<[u8; 3]> = map.colours().iter().map(|c| c.colour.0).collect();
            found.sort_unstable();
            let mut wanted = palette.clone();
            wanted.sort_unstable();
            assert_eq!(found, wanted, "{filter:?} to {width}×{height}");
            assert!(document(&map).coverage().uncovered <= 0.0);
        }
    }
}

#[test]
fn stray_pixels_are_no_regions_and_are_told_of() {
    let mut image = RgbImage::from_fn(256, 256, |x, _| Pixel(if x < 128 { RED } else { BLUE }));
    for (x, y, colour) in [(30, 30, [0, 255, 0]), (31, 30, [0, 255, 0]), (200, 9, [255, 0, 255])] {
        image.put_pixel(x, y, Pixel(colour));
    }
    let map = ColourMap::of(&opaque(&image)).expect("a map");
    assert_eq!(map.colours().len(), 2);
    assert_eq!(map.notes().len(), 1);
    assert!(map.notes()[0].starts_with("3 pixels"), "{:?}", map.notes());
    let document = document(&map);
    assert!(document.coverage().uncovered <= 0.0);
    assert!((area(&document, 0) - 0.5).abs() < 1e-9, "they belong to what is around them");
}

#[test]
fn what_is_no_flat_picture_is_refused() {
    let mut numbers = Numbers(7);
    let shade =
        |x: u32, y: u32, i: u32| (f64::from(x + i * 40).sin() * 4.0 + f64::from(y) * 0.7 + f64::from(x) * 0.3) as u8;
    let photo = RgbImage::from_fn(256, 256, |x, y| Pixel([shade(x, y, 0), shade(y, x, 1), shade(x, y, 2)]));
    let gradient = RgbImage::from_fn(512, 512, |x, y| Pixel([(x / 2) as u8, (y / 2) as u8, 255 - (x / 2) as u8]));
    let noise = RgbImage::from_fn(256, 256, |_, _| Pixel([0; 3].map(|_: u8| numbers.below(256) as u8)));
    // Noise of few colours: their masks would take more memory than any map's.
    let few = colours(60, &mut Numbers(9));
    let fine = RgbImage::from_fn(2048, 2048, |x, y| Pixel(few[((x / 2 * 7919 + y / 2 * 104_729) % 60) as usize]));
    for (name, image) in [("photo", photo), ("gradient", gradient), ("noise", noise), ("fine", fine)] {
        let error = ColourMap::of(&opaque(&image)).err().unwrap_or_else(|| panic!("{name} is no map"));
        assert!(matches!(error, Problem::ShadedMap | Problem::MapColours), "{name}: {error}");
        assert_eq!(error.to_string().lines().count(), 1);
    }
    let clear = RgbaImage::from_pixel(64, 64, Rgba([9, 9, 9, 0]));
    assert!(matches!(ColourMap::of(&clear), Err(Problem::ClearMap)));
    // One colour more than there are regions: 17 × 16 = 272 even squares.
    let many = RgbImage::from_fn(17 * 12, 16 * 12, |x, y| Pixel([(x / 12 * 15) as u8, (y / 12 * 16) as u8, 90]));
    const { assert!(17 * 16 > MAX_REGIONS) };
    assert!(matches!(ColourMap::of(&opaque(&many)), Err(Problem::MapColours)));
}

#[test]
fn a_map_in_the_palette_of_ade20k_names_its_regions() {
    let classes = [
        ("wall", WALL),
        ("building", [180, 120, 120]),
        ("sky", SKY),
        ("tree", TREE),
        ("sea", [9, 7, 230]),
        ("person", [150, 5, 61]),
        ("flower", [255, 0, 0]),
    ];
    let palette: Vec<[u8; 3]> = classes.iter().map(|(_, colour)| *colour).collect();
    let image = cells(256, 256, &palette, &mut Numbers(4));
    for image in [image.clone(), image::imageops::resize(&image, 384, 384, image::imageops::Triangle)] {
        let document = document(&ColourMap::of(&opaque(&image)).expect("a map"));
        assert_eq!(document.regions.len(), 7);
        for region in &document.regions {
            let (name, _) = classes.iter().find(|(_, colour)| *colour == region.colour.0).expect("a class");
            assert_eq!((region.name.as_str(), region.prompt.as_str()), (*name, *name));
        }
    }
    let named = |colours: &[[u8; 3]]| {
        let map = ColourMap::of(&opaque(&cells(128, 128, colours, &mut Numbers(6)))).expect("a map");
        map.colours().iter().filter(|c| c.class.is_some()).count()
    };
    assert_eq!(named(&[SKY, TREE, [0; 3]]), 2, "black is what has no class");
    assert_eq!(named(&[WALL, SKY, RED, BLUE]), 0, "another palette that shares two colours");
    assert_eq!(named(&[[255, 0, 0], [0, 0, 255], [255, 255, 0]]), 0, "pure colours are anybody's");
}

fn polyptych(args: &[&str]) -> Output {
    let data = concat!(env!("CARGO_TARGET_TMPDIR"), "/nobody");
    let mut command = Command::new(env!("CARGO_BIN_EXE_polyptych"));
    command.args(args).env("XDG_DATA_HOME", data).env("HOME", data).output().expect("the binary runs")
}

/// Makes a project and returns it with what was said.
fn makes(folder: &Path, args: &[&str]) -> (Document, String) {
    let project = folder.join("made.ora");
    std::fs::remove_file(&project).ok();
    let out = polyptych(&[&["new", project.to_str().expect("UTF-8")], args].concat());
    let told = String::from_utf8(out.stderr).expect("UTF-8");
    assert!(out.status.success(), "{args:?}: {told}");
    (Document::open(&project).expect("a project"), told)
}

/// The one line with which it fails, and the exit code.
fn fails(folder: &Path, args: &[&str]) -> (i32, String) {
    let project = folder.join("none.ora");
    let out = polyptych(&[&["new", project.to_str().expect("UTF-8")], args].concat());
    let told = String::from_utf8(out.stderr).expect("UTF-8");
    assert!(!out.status.success() && !project.exists(), "{args:?}");
    assert!(told.trim_end().lines().count() == 1 && told.len() < 700 && !told.contains("panicked"), "{told}");
    (out.status.code().expect("a code"), told)
}

fn saved(folder: &Path, name: &str, image: &RgbImage) -> PathBuf {
    let path = folder.join(name);
    image.save(&path).expect("written");
    path
}

/// A landscape of four colours, 200 × 160, the sky the largest.
fn landscape() -> RgbImage {
    RgbImage::from_fn(200, 160, |x, y| {
        Pixel(match (x, y) {
            (20..60, 60..130) => RED,
            (_, 0..90) => [135, 206, 235],
            (120.., _) => [0, 128, 0],
            _ => SAND,
        })
    })
}

#[test]
fn new_makes_a_project_of_a_map_and_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let image = landscape();
    let path = saved(folder.path(), "map.png", &image);
    let map = path.to_str().expect("UTF-8");
    let mask = folder.path().join("mask.png");
    image::GrayImage::from_pixel(200, 160, image::Luma([255])).save(&mask).expect("written");
    let region = format!("{}=a moon", mask.display());
    let (document, told) = makes(
        folder.path(),
        &[
            "--map",
            map,
            "--words",
            "#87ceeb=a clear sky, morning",
            "--words",
            "green=a meadow",
            // Near, as it is read from a screen.
            "--words",
            "201,41,30=a tower = old",
            "--background",
            "paper",
            "--region",
            &region,
            "--region-negative",
            "1=clouds",
        ],
    );
    assert_eq!((document.width, document.height), (200, 160));
    let words: Vec<(&str, &str)> = document.regions.iter().map(|r| (r.name.as_str(), r.prompt.as_str())).collect();
    assert_eq!(
        words,
        [
            ("a clear sky", "a clear sky, morning"),
            ("Colour #e6c88c", ""),
            ("a meadow", "a meadow"),
            ("a tower = old", "a tower = old"),
            ("a moon", "a moon"),
        ]
    );
    assert_eq!(document.regions[0].negative.as_deref(), Some("clouds"));
    for region in &document.regions[..4] {
        let naive: Vec<u8> = image.pixels().map(|p| if p.0 == region.colour.0 { 255 } else { 0 }).collect();
        assert_eq!(region.mask.to_raw(), naive, "{}", region.name);
    }
    assert!(told.contains("region 2") && told.contains("no words"), "{told}");
}

#[test]
fn a_map_is_fitted_to_the_size_that_is_given_and_that_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = saved(folder.path(), "map.webp", &landscape());
    let (document, told) = makes(folder.path(), &["--map", path.to_str().expect("UTF-8"), "--size", "320x128"]);
    assert_eq!((document.width, document.height), (320, 128));
    assert!(told.contains("200×160") && told.contains("320×128") && told.contains("50 % of its height"), "{told}");
    assert!(document.coverage().uncovered <= 0.0);
    let small = saved(folder.path(), "small.png", &image::imageops::crop_imm(&landscape(), 0, 40, 40, 60).to_image());
    let small = small.to_str().expect("UTF-8");
    assert!(fails(folder.path(), &["--map", small]).1.contains("--size"));
    assert_eq!(makes(folder.path(), &["--map", small, "--size", "128x128"]).0.width, 128);
}

#[test]
fn mistakes_with_a_map_are_one_line_each() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = saved(folder.path(), "map.png", &landscape());
    let map = path.to_str().expect("UTF-8");
    let (code, told) = fails(folder.path(), &["--map", map, "--words", "fuchsia=a car"]);
    assert!(code == 1 && told.contains("#87ceeb") && told.contains("#008000"), "{told}");
    for (words, said) in [("reddish=a car", "reddish is no colour"), ("a car", "give a colour and its words")] {
        assert!(fails(folder.path(), &["--map", map, "--words", words]).1.contains(said));
    }
    let twice = ["--map", map, "--words", "green=a", "--words", "#008000=b"];
    assert!(fails(folder.path(), &twice).1.contains("already"));
    let many = saved(folder.path(), "many.png", &cells(400, 400, &colours(90, &mut Numbers(8)), &mut Numbers(8)));
    let told = fails(folder.path(), &["--map", many.to_str().expect("UTF-8"), "--words", "#123456=a car"]).1;
    assert!(told.contains("more"), "{told}");
    let (document, told) = makes(folder.path(), &["--map", many.to_str().expect("UTF-8")]);
    assert!(document.regions.len() > 80 && told.lines().count() < 12, "{told}");
    let photo = folder.path().join("photo.png");
    RgbImage::from_fn(256, 256, |x, y| Pixel([(x * y / 256) as u8, x as u8, y as u8])).save(&photo).expect("written");
    let told = fails(folder.path(), &["--map", photo.to_str().expect("UTF-8")]).1;
    assert!(told.contains("photo.png") && told.contains("no colour map"), "{told}");
    let out = polyptych(&["new", "x.ora", "--words", "red=a"]);
    assert_eq!(out.status.code(), Some(2), "words belong to a map");
    let out = polyptych(&["new", "x.ora"]);
    let told = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.code() == Some(2) && told.contains("--size"), "{told}");
}

#[test]
fn a_file_that_is_no_map_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let error: FileError = ColourMap::read(folder.path().join("gone.png")).expect_err("not there");
    assert!(error.to_string().contains("gone.png"));
}

#[test]
fn a_map_of_sixteen_megapixels_is_taken_apart_in_reasonable_memory() {
    let mut numbers = Numbers(13);
    let small = cells(512, 512, &colours(60, &mut numbers), &mut numbers);
    let image = opaque(&RgbImage::from_fn(4096, 4096, |x, y| *small.get_pixel(x / 8, y / 8)));
    let begun = std::time::Instant::now();
    let map = ColourMap::of(&image).expect("a map");
    let read = begun.elapsed();
    let document = document(&map);
    println!("taken apart in {read:?}, masks in {:?}", begun.elapsed().saturating_sub(read));
    let memory: usize = document.regions.iter().map(|region| region.mask.memory()).sum();
    // Most tiles are even, and even ones take nothing.
    assert!(memory < 4096 * 4096 * 2, "{memory}");
    assert!(document.coverage().uncovered <= 0.0);
}
