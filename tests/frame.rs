//! A generation frame changes the picture inside it and nowhere else, by the library and by the command line.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]
#![allow(clippy::print_stdout, reason = "cargo shows what a failed test says")]

mod common;

use common::toy::Toy;
use common::{says, tone};
use image::{Rgb, RgbImage};
use polyptych::checkpoint::Device;
use polyptych::document::{Area, Document, InitImage, Mask, PixelRect, Sampler, Take, Wrap};
use polyptych::studio::frame::{Frame, Part, draw_frame};
use polyptych::studio::{Facts, Options, Studio, draw, load};
use std::path::Path;
use std::sync::Arc;

const FEW: &str = "embedded/few_steps";

/// A house and a tree on a meadow, drawn in two steps.
fn document(width: u32, height: u32) -> Document {
    let mut document = Document::new(width, height);
    document.background.prompt = "a green meadow under a blue sky".to_owned();
    document.settings.model = FEW.to_owned();
    (document.settings.steps, document.settings.guidance, document.settings.seed) = (2, 1.0, 5);
    (document.settings.sampler, document.settings.stride) = (Sampler::Lcm, 16);
    for (words, x, y, side) in [("a red house", 20, 60, 60), ("a brown tree", 90, 40, 80)] {
        let id = document.add_region(words, words);
        let mut mask = Mask::empty(width, height);
        mask.fill(PixelRect { x, y, width: side, height: side }, 255);
        document.region_mut(id).expect("the region").mask = mask.into();
    }
    document
}

/// A picture without a single even place.
fn wallpaper(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([(x + 40) as u8, (200 - y % 200) as u8, ((x * y) % 120) as u8]))
}

fn from_picture(mut document: Document, strength: f64) -> Document {
    let image = Arc::new(wallpaper(document.width, document.height));
    document.init_image = Some(InitImage { image, strength, area: Area::Everything });
    document
}

/// The mean difference inside a rectangle; asserts that outside of it every pixel is the same.
#[track_caller]
fn change(what: &str, old: &RgbImage, new: &RgbImage, inside: PixelRect) -> f64 {
    assert_eq!(old.dimensions(), new.dimensions(), "{what}");
    let mut sum = 0.0;
    for ((x, y, old), new) in old.enumerate_pixels().zip(new.pixels()) {
        if inside.columns().contains(&x) && inside.rows().contains(&y) {
            sum += old.0.iter().zip(new.0).map(|(a, b)| f64::from(a.abs_diff(b))).sum::<f64>() / 3.0;
        } else {
            assert_eq!(old, new, "{what}: pixel {x}, {y} is outside the frame");
        }
    }
    sum / inside.area() as f64
}

#[test]
fn outside_the_frame_every_pixel_is_kept() {
    let whole = |w, h| Frame { x: 0, y: 0, width: w, height: h };
    for (width, height, wrap) in [(256, 192, Wrap::None), (251, 187, Wrap::None), (256, 192, Wrap::Xy)] {
        let mut document = from_picture(document(width, height), 0.75);
        document.settings.wrap = wrap;
        let (w, h) = (i64::from(width), i64::from(height));
        let frames = [
            whole(width, height),
            Frame { x: 96, y: 70, width: 50, height: 41 },
            Frame { x: 0, y: 0, width: 64, height: 64 },
            Frame { x: w - 64, y: 0, width: 64, height: 64 },
            Frame { x: 0, y: h - 64, width: 64, height: 64 },
            Frame { x: w - 33, y: h - 32, width: 33, height: 32 },
            Frame { x: -30, y: 60, width: 100, height: 40 },
            Frame { x: 0, y: 64, width, height: 48 },
            Frame { x: 100, y: -9, width: 40, height: height + 100 },
        ];
        for frame in frames {
            let what = format!("{frame} of {width}×{height}");
            let drawn = draw_frame(&document, frame, &mut Toy::new(), &Options::default(), &mut ()).expect("draws");
            let inside = frame.on(width, height).expect("on the canvas");
            assert!(change(&what, &wallpaper(width, height), &drawn.image, inside) > 1.0, "{what}");
        }
    }
}

#[test]
fn a_frame_of_the_whole_canvas_is_the_whole_drawing() {
    // (The toy's window is 128 pixels, so that nothing is enlarged.)
    let document = from_picture(document(256, 192), 0.75);
    let frame = Frame { x: 0, y: 0, width: 256, height: 192 };
    let framed = draw_frame(&document, frame, &mut Toy::new(), &Options::default(), &mut ()).expect("draws");
    let plain = draw(&document, &mut Toy::new(), &Options::default(), &mut ()).expect("draws");
    assert_eq!(framed.image, plain.image);
    assert_eq!(framed.unet_samples, plain.unet_samples);
}

#[test]
fn the_embedded_checkpoint_draws_both_regions_into_a_frame() {
    let (mut model, _) = load(FEW, Device::Cpu, &[]).expect("loads");
    let mut document = document(256, 192);
    document.settings.steps = 4;
    let first = draw(&document, &mut model, &Options::default(), &mut ()).expect("draws").image;
    document.init_image = Some(InitImage { image: Arc::new(first.clone()), strength: 0.75, area: Area::Everything });
    let inside = PixelRect { x: 48, y: 48, width: 96, height: 80 };
    let frame = Frame::from(inside);
    let mut framed = |document: &Document| {
        draw_frame(document, frame, &mut model, &Options::default(), &mut ()).expect("draws").image
    };
    let found = framed(&document);
    assert!(change("two regions", &first, &found, inside) > 1.0);
    assert_eq!(framed(&document), found, "the same seed draws the same");
    document.settings.seed = 99;
    let other = framed(&document);
    assert!(change("another seed", &found, &other, inside) > 0.5);
    // The step over the frame's border is what it was, but for what the border begins with.
    let step = |image: &RgbImage, x: u32, y: u32| {
        let (a, b) = (image.get_pixel(x, y).0, image.get_pixel(x + 1, y).0);
        [0, 1, 2].map(|c| i32::from(b[c]) - i32::from(a[c]))
    };
    let mut most = 0;
    for y in inside.rows() {
        for x in [inside.x - 1, inside.x + inside.width - 1] {
            let pairs = step(&first, x, y).into_iter().zip(step(&found, x, y));
            most = pairs.map(|(old, new)| old.abs_diff(new)).max().unwrap_or(0).max(most);
        }
    }
    assert!(most <= 12, "a step of {most} at the border");
}

#[test]
fn colours_inside_a_frame_match_those_around_it() {
    let (mut model, _) = load("embedded", Device::Cpu, &[]).expect("loads");
    let (mut matched, mut plain) = (0.0, 0.0);
    // Hardly anything is drawn anew: what differs is the autoencoder's shift.
    for colour in [[120, 160, 90], [90, 120, 190], [200, 190, 170]] {
        let old = tone::wavy(colour);
        let mut document = Document::new(256, 256);
        document.background.prompt = "a green meadow under a blue sky".to_owned();
        document.init_image = Some(InitImage { image: Arc::new(old.clone()), strength: 0.05, area: Area::Everything });
        let frame = Frame { x: 48, y: 48, width: 160, height: 160 };
        let part = Part::of(&document, frame, Facts::of(&mut model)).expect("a part");
        assert_eq!(part.cut, PixelRect { x: 0, y: 0, width: 256, height: 256 }, "nothing is enlarged");
        let options = Options { lay_over: false, ..Options::default() };
        let drawn = draw(&part.document, &mut model, &options, &mut ()).expect("draws").image;
        let laid = part.laid(&drawn);
        // How far a band inside the frame's soft border is from the picture's own, as it was drawn and as it was laid.
        let off = |image: &RgbImage| tone::off(image, &old, 76, 94);
        let (with, without) = (off(&laid), off(&drawn));
        println!("{colour:?}: off by {with:.2} with the match, {without:.2} without");
        assert!(with < without, "{colour:?}: off by {with} with the match, {without} without");
        (matched, plain) = (matched + with, plain + without);
    }
    assert!(matched < 0.7 * plain, "off by {matched} with the match, {plain} without");
}

#[test]
fn the_cost_told_before_is_that_of_the_frame() {
    let (mut model, _) = load(FEW, Device::Cpu, &[]).expect("loads");
    let studio = Studio::start(|| ());
    let mut whole = 0;
    for strength in [1.0, 0.5] {
        let document = from_picture(document(640, 384), strength);
        let frame = Frame { x: 48, y: 48, width: 96, height: 80 };
        let drawn = draw_frame(&document, frame, &mut model, &Options::default(), &mut ()).expect("draws");
        let told = studio.estimator()(&document, Some(frame)).expect("a cost");
        assert_eq!((told.windows, told.unet_samples), (drawn.windows, drawn.unet_samples));
        whole = studio.estimator()(&document, None).expect("a cost").unet_samples;
        assert!(told.unet_samples < whole, "{} of {whole}", told.unet_samples);
    }
    let outside = Frame { x: 640, y: 0, width: 64, height: 64 };
    assert_eq!(studio.estimator()(&document(640, 384), Some(outside)), None, "of {whole}");
}

#[test]
fn a_frame_sees_what_is_beyond_a_joined_edge() {
    // White at the far side of the joined edge, black all around the frame on its own side.
    let mut document = document(256, 192);
    document.regions.clear();
    let image = RgbImage::from_fn(256, 192, |x, _| Rgb([if x >= 128 { 255 } else { 0 }; 3]));
    document.init_image = Some(InitImage { image: Arc::new(image), strength: 0.75, area: Area::Everything });
    let frame = Frame { x: 0, y: 64, width: 64, height: 64 };
    let seen = |wrap| {
        let mut document = document.clone();
        document.settings.wrap = wrap;
        let part = Part::of(&document, frame, Facts::new(8, 8)).expect("a part");
        let start = part.document.init_image.expect("a start");
        start.image.pixels().filter(|pixel| pixel.0 == [255; 3]).count()
    };
    // The margin of 32 pixels beside a cut of 128 rows.
    assert_eq!((seen(Wrap::None), seen(Wrap::Y), seen(Wrap::X)), (0, 0, 32 * 128));
}

#[test]
fn a_frame_that_cannot_be_drawn_is_refused() {
    let document = document(256, 192);
    let refused = |frame, options: &Options| {
        draw_frame(&document, frame, &mut Toy::new(), options, &mut ()).expect_err("refused").to_string()
    };
    let outside = Frame { x: 256, y: 0, width: 64, height: 64 };
    says(&refused(outside, &Options::default()), &["256,0,64x64", "outside the canvas of 256×192"]);
    let whole = Frame { x: 0, y: 0, width: 256, height: 192 };
    says(&refused(whole, &Options { reference: true, ..Options::default() }), &["--reference", "leave out"]);
}

#[test]
fn time_and_memory_follow_the_frame() {
    // Forty regions on sixteen million pixels: what is drawn is small.
    let mut document = document(4096, 4096);
    for number in 0..40 {
        let id = document.add_region(&format!("{number}"), "a red house");
        let mut mask = Mask::empty(4096, 4096);
        mask.fill(PixelRect { x: 100 * number, y: 64, width: 90, height: 4000 }, 255);
        let region = document.region_mut(id).expect("the region");
        (region.mask, region.feather) = (mask.into(), 20);
    }
    let part = Part::of(&document, Frame { x: 2000, y: 2000, width: 256, height: 256 }, Facts::of(&mut Toy::new()));
    let part = part.expect("a part");
    assert_eq!((part.document.width, part.document.height), (256, 256));
    assert!((3..=5).contains(&part.document.regions.len()), "{}", part.document.regions.len());
    assert!(part.document.regions.iter().all(|region| region.mask.memory() < 100_000));
}

/// Runs the program: the exit code and what it said on stderr.
fn run(args: &[&str]) -> (i32, String) {
    let data = concat!(env!("CARGO_TARGET_TMPDIR"), "/nobody");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_polyptych"));
    command.args(args).env("XDG_DATA_HOME", data).env("HOME", data).env("XDG_RUNTIME_DIR", data);
    let output = command.output().expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().expect("a code"), String::from_utf8(text).expect("UTF-8"))
}

#[track_caller]
fn open(path: &Path) -> RgbImage {
    image::open(path).expect("a picture").to_rgb8()
}

#[test]
fn the_command_line_lays_frames_one_after_the_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let text = |name: &str| path(name).to_str().expect("UTF-8").to_owned();
    let mut document = document(160, 128);
    document.save(path("scene.ora")).expect("saved");
    wallpaper(160, 128).save(path("photo.png")).expect("saved");
    let render = |project: &str, out: &str, more: &[&str]| {
        let (code, told) = run(&[&["render", &text(project), "-o", &text(out), "--json", "--quiet"], more].concat());
        assert_eq!(code, 0, "{told}");
        (open(&path(out)), serde_json::from_str::<serde_json::Value>(&told).expect("JSON"))
    };
    // Into a given picture.
    let inside = PixelRect { x: 16, y: 24, width: 64, height: 64 };
    let (first, told) = render("scene.ora", "1.png", &["--image", &text("photo.png"), "--frame", "16,24,64x64"]);
    assert!(change("a photograph", &wallpaper(160, 128), &first, inside) > 1.0);
    assert_eq!(told["frame"], serde_json::json!({"x": 16, "y": 24, "width": 64, "height": 64}), "{told}");
    assert_eq!((&told["width"], &told["height"]), (&160.into(), &128.into()));
    // Into the picture that this made, which carries its project.
    let inside = PixelRect { x: 100, y: 0, width: 60, height: 40 };
    let (second, _) = render("1.png", "2.png", &["--frame", "100,-8,90x48", "--strength", "1"]);
    assert!(change("the picture before", &first, &second, inside) > 1.0);
    let opened = Document::open(path("2.png")).expect("a project");
    assert_eq!(*opened.take.as_ref().expect("a take").image, second);
    assert_eq!(opened.init_image.expect("the photograph").image.as_raw(), wallpaper(160, 128).as_raw());
    // Into a project's finished picture, which the picture then does not carry twice.
    document.take = Some(Arc::new(Take { image: Arc::new(wallpaper(160, 128)), seed: 1 }));
    document.save(path("taken.ora")).expect("saved");
    let (third, _) = render("taken.ora", "3.png", &["--frame", "100,0,60x40"]);
    assert!(change("a take", &wallpaper(160, 128), &third, inside) > 1.0);
    assert!(Document::open(path("3.png")).expect("a project").init_image.is_none());
    // With a mask of what may change, and without any picture.
    let mask = Mask::from_rows(160, 128, |_, row| row[..130].fill(255));
    mask.export(path("mask.png")).expect("saved");
    let (masked, _) = render("taken.ora", "4.png", &["--frame", "100,0,60x40", "--inpaint", &text("mask.png")]);
    let half = PixelRect { width: 30, ..inside };
    assert!(change("a mask", &wallpaper(160, 128), &masked, half) > 1.0);
    let (alone, told) = render("scene.ora", "5.png", &["--frame", "100,0,60x40"]);
    assert!(change("on white", &RgbImage::from_pixel(160, 128, Rgb([255; 3])), &alone, inside) > 10.0);
    assert!(told["warnings"].to_string().contains("a piece of its own on white"), "{told}");

    // Wrong usage is 2, what does not fit is 1, in one line each, and nothing is written.
    for (args, expected, words) in [
        (&["--frame", "0,0,64"][..], 2, &["such as 512,0,256x256"][..]),
        (&["--frame", "0,0,64x64", "--reference"], 2, &["--reference"]),
        (&["--frame", "0,0,64x64", "--upscale", "2"], 2, &["--upscale"]),
        (&["--frame", "160,0,64x64"], 1, &["160,0,64x64 lies outside the canvas of 160×128"]),
        (&["--frame", "0,0,20x64"], 1, &["covers 20×64 pixels", "at least 32"]),
        (&["--frame", "0,0,64x64", "--strength", "0.5"], 1, &["--strength", "--image"]),
    ] {
        let (code, told) = run(&[&["render", &text("scene.ora"), "-o", &text("no.png")], args].concat());
        assert_eq!((code, told.trim_end().lines().count()), (expected, 1), "{told}");
        says(&told, words);
        assert!(!path("no.png").exists());
    }
}
