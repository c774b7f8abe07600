//! Init images: against diffusers' pipelines on the same weights and noise (see tests/goldens), and the pixels that must stay.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::{Goldens, assert_close, goldens, one_window, relative_l2, tone};
use image::{Rgb, RgbImage};
use polyptych::checkpoint::Device;
use polyptych::document::{self, Area, Document, InitImage, Mask, Paint, PixelRect, Sampler, StartColour};
use polyptych::studio::{Drawn, Estimate, Facts, Options, Warning, draw, load};
use std::path::Path;
use std::sync::Arc;

fn picture(name: &str) -> std::path::PathBuf {
    goldens().join("start").join(name)
}

/// The golden's document: one window, its picture, and a mask on the latent grid.
fn document(golden: &Goldens) -> Document {
    let mut document = one_window(&golden.json("parameters"));
    let image = Document::import_picture(picture("picture.png")).expect("a picture").into();
    document.init_image = Some(InitImage { image, strength: 1.0, area: Area::Everything });
    document
}

fn mask() -> Area {
    Area::Mask(Document::import_mask(picture("mask.png"), 128, 128).expect("a mask").into())
}

fn drawn(folder: &Path, document: &Document) -> Drawn {
    let (mut model, _) = load(folder.to_str().expect("a path"), Device::Cpu, &[]).expect("loads");
    let drawn = draw(document, &mut model, &Options::default(), &mut ()).expect("draws");
    let told = Estimate::of(document, Facts::new(16, 8)).expect("a cost");
    assert_eq!(told.unet_samples, drawn.unet_samples, "the cost told before is the cost");
    drawn
}

#[test]
fn image_to_image_and_inpainting_are_diffusers_with_every_sampler() {
    for name in ["eps", "vpred"] {
        let golden = Goldens::open(&format!("{name}_start.safetensors"));
        let strengths = golden.json("parameters")["strengths"].clone();
        for (case, area) in [("image", Area::Everything), ("inpaint", mask()), ("inpaint-noise", mask())] {
            // The second checkpoint shows that v-prediction starts as well, with one sampler of each kind.
            let some = [Sampler::Ddim, Sampler::Heun, Sampler::Dpmpp2mSde, Sampler::Lcm];
            let samplers = if name == "eps" { &Sampler::ALL[..] } else { &some };
            for &sampler in samplers {
                let mut document = document(&golden);
                document.settings.sampler = sampler;
                let start = document.init_image.as_mut().expect("a start");
                start.strength = strengths[case].as_f64().expect("a strength");
                start.area = area.clone();
                let what = format!("{name} {case} {}", sampler.name());
                let drawn = drawn(&goldens().join(name), &document);
                let expected = &golden.get(&format!("{case}.{}", sampler.name())).data;
                assert_close(&what, &drawn.latent.data, expected, 1e-4);
            }
        }
    }
}

/// A copy of a checkpoint whose UNet takes nine planes, by the formula of make_start_goldens.py.
fn inpainting(name: &str, folder: &Path) {
    copy(&goldens().join(name), folder);
    let config = folder.join("unet/config.json");
    let text = std::fs::read_to_string(&config).expect("a config");
    let mut json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    json["in_channels"] = 9.into();
    std::fs::write(&config, json.to_string()).expect("writes");

    let weights = folder.join("unet/diffusion_pytorch_model.safetensors");
    let bytes = std::fs::read(&weights).expect("weights");
    let file = safetensors::SafeTensors::deserialize(&bytes).expect("weights");
    let old = file.tensor("conv_in.weight").expect("conv_in");
    // The goldens are computed in f32, whatever the file's type.
    let old_values: Vec<f32> = match old.dtype() {
        safetensors::Dtype::F32 => {
            old.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("4"))).collect()
        }
        _ => old.data().chunks_exact(2).map(|b| half::f16::from_le_bytes(b.try_into().expect("2")).to_f32()).collect(),
    };
    let outputs = old.shape()[0];
    let mut new = Vec::with_capacity(outputs * 81 * 4);
    for o in 0..outputs {
        for i in 0..9_usize {
            for (y, x) in (0..9).map(|at| (at / 3, at % 3)) {
                let value = if i < 4 {
                    old_values[((o * 4 + i) * 3 + y) * 3 + x]
                } else {
                    let phase = 1.0 + 3.0 * o as f64 + 5.0 * (i as f64 - 4.0) + 7.0 * y as f64 + 11.0 * x as f64;
                    (0.2 * phase.sin()) as f32
                };
                new.extend(value.to_le_bytes());
            }
        }
    }
    let wide = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![outputs, 9, 3, 3], &new);
    let wide = wide.expect("a tensor");
    let rest = file.tensors().into_iter().filter(|(name, _)| name != "conv_in.weight");
    let all = rest.chain([("conv_in.weight".to_owned(), wide)]);
    std::fs::write(&weights, safetensors::serialize(all, None).expect("serializes")).expect("writes");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("copies");
        }
    }
}

#[test]
fn a_unet_of_nine_planes_is_diffusers() {
    for name in ["eps", "vpred"] {
        let folder = tempfile::tempdir().expect("a folder");
        inpainting(name, folder.path());
        let golden = Goldens::open(&format!("{name}_start.safetensors"));
        for sampler in [Sampler::Ddim, Sampler::Euler] {
            let mut document = document(&golden);
            document.settings.sampler = sampler;
            let start = document.init_image.as_mut().expect("a start");
            (start.strength, start.area) = (0.7, mask());
            let drawn = drawn(folder.path(), &document);
            let expected = &golden.get(&format!("nine.{}", sampler.name())).data;
            assert_close(&format!("{name} nine {}", sampler.name()), &drawn.latent.data, expected, 1e-4);
            // It draws without a picture, too.
            document.init_image = None;
            let free = self::drawn(folder.path(), &document);
            assert!(relative_l2(&free.latent.data, &drawn.latent.data) > 0.1);
        }
    }
}

/// The goldens' picture at 2 × its width and 1.5 × its height, and a region in its upper left.
fn wide() -> Document {
    let mut document = Document::new(256, 192);
    document.background.prompt = "the sea".to_owned();
    document.settings.steps = 4;
    document.settings.guidance = 3.0;
    document.settings.stride = 8;
    document.settings.sampler = Sampler::EulerAncestral;
    let id = document.add_region("Tower", "a stone tower");
    let mut mask = Mask::empty(256, 192);
    mask.fill(PixelRect { x: 16, y: 24, width: 50, height: 60 }, 255);
    document.region_mut(id).expect("the region").mask = mask.into();
    let image = RgbImage::from_fn(256, 192, |x, y| Rgb([x as u8, y as u8, (x / 2 + y / 3) as u8]));
    document.init_image = Some(InitImage { image: image.into(), strength: 0.75, area: Area::Regions });
    document
}

#[test]
fn where_no_region_covers_the_picture_stays_to_the_last_bit() {
    let eps = goldens().join("eps");
    for feather in [0, 12] {
        let mut document = wide();
        document.regions[0].feather = feather;
        let result = drawn(&eps, &document);
        let start = document.init_image.clone().expect("a start");
        let reach = |at: u32, low: u32, high: u32| at + feather >= low && at < high + feather;
        let (mut changed, mut edge) = (0, 0);
        for (x, y, pixel) in result.image.enumerate_pixels() {
            let differs = pixel != start.image.get_pixel(x, y);
            if reach(x, 16, 66) && reach(y, 24, 84) {
                changed += u32::from(differs);
            } else {
                assert!(!differs, "pixel {x}, {y} is outside the region and its feather");
            }
            // The feather changes something outside the painted mask.
            edge += u32::from(differs && !((16..66).contains(&x) && (24..84).contains(&y)));
        }
        assert!(changed > 1500, "{changed} pixels of the region changed");
        assert_eq!(edge > 0, feather > 0, "{edge}");
        // Four of the six windows reach it. Three of four steps are taken; in the first of them the region holds its shape on
        // an input of its own (2 + 2 passes a window), in the others it shares one with the background (3).
        assert_eq!((result.windows, result.unet_samples), (6, 4 * (4 + 3 + 3)));
        assert_eq!(result.unet_samples_reference, 6 * 2 * 2 * 3);
    }
    // An empty mask is said, and changes nothing at no cost.
    let mut document = wide();
    let start = document.init_image.as_mut().expect("a start");
    start.area = Area::Mask(Arc::new(Mask::empty(256, 192)));
    let image = Arc::clone(&start.image);
    let result = drawn(&eps, &document);
    assert_eq!((&result.image, result.unet_samples), (&*image, 0));
    assert!(result.warnings.contains(&Warning::NothingMayChange), "{:?}", result.warnings);
}

#[test]
fn little_strength_keeps_more_of_the_picture_and_wrapped_and_odd_canvases_work() {
    let eps = goldens().join("eps");
    let latent = |strength: f64| {
        let mut document = wide();
        document.settings.steps = 20;
        document.settings.sampler = Sampler::Ddim;
        document.settings.stride = 16;
        let start = document.init_image.as_mut().expect("a start");
        (start.strength, start.area) = (strength, Area::Everything);
        drawn(&eps, &document).latent.data
    };
    let near = latent(0.05);
    let (some, much) = (relative_l2(&latent(0.3), &near), relative_l2(&latent(0.9), &near));
    assert!(some > 0.01 && much > some, "{some} {much}");

    let mut odd = wide();
    odd.resize_canvas(131, 140, -3, 5).expect("a canvas");
    odd.settings.wrap = polyptych::document::Wrap::Xy;
    odd.settings.sampler = Sampler::Heun;
    let result = drawn(&eps, &odd);
    assert_eq!(result.image.dimensions(), (131, 140));
    let start = odd.init_image.expect("a start");
    assert_eq!(result.image.get_pixel(130, 139), start.image.get_pixel(130, 139));
}

#[test]
fn start_colours_of_everything_are_a_start_picture_of_those_colours() {
    let eps = goldens().join("eps");
    let mut colours = wide();
    colours.init_image = None;
    colours.settings.steps = 8;
    colours.settings.sampler = Sampler::Ddim;
    let start = |colour: [u8; 3]| Some(StartColour { colour: document::Rgb(colour), share: 0.25 });
    let (red, blue) = ([200, 30, 40], [20, 60, 180]);
    colours.background.start_colour = start(red);
    let mut left = Mask::empty(256, 192);
    left.fill(PixelRect { x: 0, y: 0, width: 96, height: 192 }, 255);
    colours.regions[0].mask = Arc::new(left);
    colours.regions[0].start_colour = start(blue);

    let mut picture = colours.clone();
    (picture.background.start_colour, picture.regions[0].start_colour) = (None, None);
    let image = RgbImage::from_fn(256, 192, |x, _| Rgb(if x < 96 { blue } else { red })).into();
    picture.init_image = Some(InitImage { image, strength: 0.75, area: Area::Everything });
    let (of_colours, of_picture) = (drawn(&eps, &colours), drawn(&eps, &picture));
    assert_eq!(of_colours.latent, of_picture.latent);
    assert_eq!(of_colours.unet_samples, of_picture.unet_samples);

    // Without the background's, its part is drawn in all steps, and knows of the colour beside it.
    colours.background.start_colour = None;
    let beside = drawn(&eps, &colours);
    let mut plain = colours.clone();
    plain.regions[0].start_colour = None;
    let plain = drawn(&eps, &plain);
    assert_eq!(beside.unet_samples, plain.unet_samples);
    assert!(relative_l2(&beside.latent.data, &plain.latent.data) > 1e-3);

    // What may not change of a start picture has no colour, and a hidden region gives none.
    picture.background.start_colour = start([0, 255, 0]);
    let start = picture.init_image.as_mut().expect("a start");
    (start.strength, start.area) = (1.0, Area::Regions);
    let image = Arc::clone(&start.image);
    let inside = drawn(&eps, &picture);
    assert!(image.enumerate_pixels().filter(|(x, ..)| *x >= 96).all(|(x, y, p)| p == inside.image.get_pixel(x, y)));
    colours.regions[0].visible = false;
    let hidden = drawn(&eps, &colours);
    colours.regions[0].start_colour = None;
    assert_eq!(hidden.latent, drawn(&eps, &colours).latent);
}

#[test]
fn paint_lies_on_the_start_picture_and_over_start_colours() {
    let eps = goldens().join("eps");
    let mut painted = wide();
    painted.settings.steps = 8;
    painted.settings.sampler = Sampler::Ddim;
    let paint = |share: f32| {
        let paint = Paint::from_rows(256, 192, |y, row| {
            if (40..120).contains(&y) {
                row[100..220].fill([250, 220, 40, 204]);
            }
        });
        Some(paint.held_for(share))
    };
    // Held no longer than the start picture is: the run from the picture with the paint on it.
    let start = painted.init_image.as_mut().expect("a start");
    (start.strength, start.area) = (0.75, Area::Everything);
    let mut over = painted.clone();
    painted.paint = paint(0.2);
    let mut image = RgbImage::clone(&over.init_image.as_ref().expect("a start").image);
    painted.paint.as_ref().expect("paint").lay_over(&mut image);
    over.init_image.as_mut().expect("a start").image = image.into();
    let (found, expected) = (drawn(&eps, &painted), drawn(&eps, &over));
    assert_eq!(found.latent, expected.latent);
    // Held longer it changes more.
    painted.paint = paint(0.7);
    assert!(relative_l2(&drawn(&eps, &painted).latent.data, &expected.latent.data) > 1e-3);

    // Over a start colour of the same share it is a picture of both.
    painted.init_image = None;
    painted.regions.clear();
    painted.paint = paint(0.25);
    painted.background.start_colour = Some(StartColour { colour: document::Rgb([20, 60, 180]), share: 0.25 });
    let mut both = painted.clone();
    (both.paint, both.background.start_colour) = (None, None);
    let mut image = RgbImage::from_pixel(256, 192, Rgb([20, 60, 180]));
    painted.paint.as_ref().expect("paint").lay_over(&mut image);
    both.init_image = Some(InitImage { image: image.into(), strength: 0.75, area: Area::Everything });
    assert_eq!(drawn(&eps, &painted).latent, drawn(&eps, &both).latent);

    // Of another canvas it is refused.
    painted.paint = Some(Paint::blank(64, 64));
    let (mut model, _) = load(eps.to_str().expect("a path"), Device::Cpu, &[]).expect("loads");
    let refused = draw(&painted, &mut model, &Options::default(), &mut ()).expect_err("refused").to_string();
    assert!(refused.contains("paint has another size"), "{refused}");
}

#[test]
fn nonsense_is_refused_in_words() {
    let folder = goldens().join("eps");
    let refused = |change: &dyn Fn(&mut Document)| {
        let mut document = wide();
        change(&mut document);
        let (mut model, _) = load(folder.to_str().expect("a path"), Device::Cpu, &[]).expect("loads");
        draw(&document, &mut model, &Options::default(), &mut ()).expect_err("refused").to_string()
    };
    let start = |document: &mut Document, change: &dyn Fn(&mut InitImage)| {
        change(document.init_image.as_mut().expect("a start"));
    };
    for strength in [0.0, -1.0, 1.1, f64::NAN] {
        assert!(refused(&|d| start(d, &|s| s.strength = strength)).contains("strength"));
    }
    assert!(refused(&|d| start(d, &|s| s.strength = 0.2)).contains("0.250"));
    assert!(refused(&|d| start(d, &|s| s.image = RgbImage::new(8, 8).into())).contains("another size"));
    let small = || Area::Mask(Arc::new(Mask::empty(8, 8)));
    assert!(refused(&|d| start(d, &|s| s.area = small())).contains("another size"));
}

#[test]
fn what_is_painted_in_has_the_colours_around_it() {
    let (mut model, _) = load("embedded", Device::Cpu, &[]).expect("loads");
    let (mut matched, mut plain) = (0.0, 0.0);
    // Hardly anything is drawn anew: what differs is the autoencoder's shift.
    for colour in [[120, 160, 90], [90, 120, 190], [200, 190, 170]] {
        let old = tone::wavy(colour);
        let mut mask = Mask::empty(256, 256);
        mask.fill(PixelRect { x: 64, y: 64, width: 128, height: 128 }, 255);
        let mut document = Document::new(256, 256);
        document.background.prompt = "a green meadow under a blue sky".to_owned();
        let area = Area::Mask(Arc::new(mask));
        document.init_image = Some(InitImage { image: Arc::new(old.clone()), strength: 0.05, area });
        let mut picture = |lay_over| {
            let options = Options { lay_over, ..Options::default() };
            draw(&document, &mut model, &options, &mut ()).expect("draws").image
        };
        let [laid, drawn] = [true, false].map(&mut picture);
        // How far a band inside what may change is from the picture's own, behind the border in which the two are mixed.
        let off = |image: &RgbImage| tone::off(image, &old, 74, 90);
        let (with, without) = (off(&laid), off(&drawn));
        println!("{colour:?}: off by {with:.2} with the match, {without:.2} without");
        assert!(with < without, "{colour:?}: off by {with} with the match, {without} without");
        (matched, plain) = (matched + with, plain + without);
    }
    assert!(matched < 0.7 * plain, "off by {matched} with the match, {plain} without");
}
