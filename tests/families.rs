//! The engine and the studio know no family of checkpoints: latents of any number of channels, autoencoders of any factor,
//! diffusion models and rectified flows. The networks are exact (see common/family.rs), so what every drawing must become is known.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::family::{Family, colour};
use image::{Rgb, RgbImage};
use polyptych::diffusion::{SchedulerConfig, Spacing};
use polyptych::document::{Area, BootstrapColour, Document, InitImage, Mask, PixelRect, Sampler, Wrap};
use polyptych::studio::{Drawn, Options, Watcher, draw};
use std::sync::Arc;

const WORDS: [&str; 3] = ["0.2 0.4 -0.3", "-0.6 0.1 0.5", "0.7 -0.8 0.1"];
const LEFT: PixelRect = PixelRect { x: 0, y: 32, width: 64, height: 64 };
const RIGHT: PixelRect = PixelRect { x: 112, y: 16, width: 48, height: 96 };

/// Channels and factors: Stable Diffusion's, those of later families, and ones that no family has.
const SHAPES: [(usize, usize); 4] = [(4, 8), (16, 8), (16, 16), (7, 4)];

fn epsilon() -> SchedulerConfig {
    // (Whole training steps, whose levels the network knows.)
    SchedulerConfig { timestep_spacing: Some(Spacing::Trailing), ..SchedulerConfig::default() }
}

fn flow() -> SchedulerConfig {
    let json = serde_json::json!({"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0});
    SchedulerConfig::from_json(&json).expect("a flow")
}

/// A model of each shape and kind, with its name.
fn families() -> impl Iterator<Item = (String, Family)> {
    let each = |(channels, factor): (usize, usize)| {
        [("diffusion", epsilon()), ("flow", flow())].map(|(kind, config)| {
            (format!("{kind}, {channels} channels, factor {factor}"), Family::new(channels, factor, config))
        })
    };
    SHAPES.into_iter().flat_map(each)
}

/// Two regions on the grid of every factor, in several windows.
fn document() -> Document {
    let mut document = Document::new(192, 128);
    document.background.prompt = WORDS[0].to_owned();
    document.settings.sampler = Sampler::Euler;
    (document.settings.steps, document.settings.guidance, document.settings.stride) = (5, 1.0, 3);
    for (words, place) in [(WORDS[1], LEFT), (WORDS[2], RIGHT)] {
        let id = document.add_region(words, words);
        let mut mask = Mask::empty(192, 128);
        mask.fill(place, 255);
        document.region_mut(id).expect("the region").mask = mask.into();
    }
    document
}

fn holds(place: PixelRect, x: u32, y: u32) -> bool {
    (place.x..place.x + place.width).contains(&x) && (place.y..place.y + place.height).contains(&y)
}

/// The prompt at a pixel.
fn words_at(x: u32, y: u32) -> &'static str {
    WORDS[if holds(RIGHT, x, y) { 2 } else { usize::from(holds(LEFT, x, y)) }]
}

fn bytes(colour: [f32; 3]) -> [u8; 3] {
    colour.map(|v| ((v / 2.0 + 0.5) * 255.0).round() as u8)
}

#[track_caller]
fn assert_shows(what: &str, image: &RgbImage, tolerance: u8, expected: impl Fn(u32, u32) -> Option<[u8; 3]>) {
    for (x, y, pixel) in image.enumerate_pixels() {
        let Some(expected) = expected(x, y) else { continue };
        let off = pixel.0.iter().zip(expected).map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0);
        assert!(off <= tolerance, "{what}: {:?} instead of {expected:?} at {x}, {y}", pixel.0);
    }
}

/// Keeps the previews.
#[derive(Default)]
struct Previews(Vec<RgbImage>);

impl Watcher for Previews {
    fn step(&mut self, _done: usize, _total: usize, preview: Option<RgbImage>) {
        self.0.extend(preview);
    }
}

#[track_caller]
fn drawn(model: &mut Family, document: &Document, options: &Options) -> Drawn {
    draw(document, model, options, &mut ()).expect("draws")
}

#[test]
fn regions_windows_bootstrapping_and_previews_know_no_number_of_channels_and_no_factor() {
    for (family, mut model) in families() {
        let (channels, factor) = (model.channels, model.factor);
        for (wrap, surround) in [(Wrap::None, BootstrapColour::Random), (Wrap::Xy, BootstrapColour::White)] {
            let what = format!("{family}, {wrap:?}");
            let mut document = document();
            (document.settings.wrap, document.settings.bootstrap_colour) = (wrap, surround);
            let mut previews = Previews::default();
            let options = Options { previews: true, ..Options::default() };
            let drawn = draw(&document, &mut model, &options, &mut previews).expect(&what);
            assert_eq!(
                (drawn.latent.channels, drawn.latent.height, drawn.latent.width),
                (channels, 128 / factor, 192 / factor),
                "{what}"
            );
            assert!(drawn.windows > 4 && drawn.unet_inputs > 5 * drawn.windows, "{what}: some bootstrap");
            for (i, v) in drawn.latent.data.iter().enumerate() {
                let (c, cell) = (i / drawn.latent.plane_len(), i % drawn.latent.plane_len());
                let (x, y) = (cell % drawn.latent.width * factor, cell / drawn.latent.width * factor);
                let expected = model.latent(colour(words_at(x as u32, y as u32)))[c];
                assert!((v - expected).abs() < 1e-4, "{what}: {v} instead of {expected} in channel {c} at {x}, {y}");
            }
            assert_shows(&what, &drawn.image, 1, |x, y| Some(bytes(colour(words_at(x, y)))));
            assert_eq!(previews.0.len(), 5, "{what}");
            for preview in &previews.0 {
                // A preview is enlarged with soft edges between cells.
                let inner = |x: u32, y: u32| {
                    let around = (0..9).map(|n| (x + n % 3 * 16, y + n / 3 * 16));
                    let edge = !(16..176).contains(&x) || !(16..112).contains(&y);
                    let same = |(x2, y2): (u32, u32)| words_at(x2 - 16, y2 - 16) == words_at(x, y);
                    (!edge && around.clone().all(same)).then(|| bytes(colour(words_at(x, y))))
                };
                assert_shows(&format!("{what}, a preview"), preview, 3, inner);
            }
        }
    }
}

#[test]
fn an_init_image_and_an_inpaint_mask_know_no_number_of_channels_and_no_factor() {
    for (what, mut model) in families() {
        let mut document = document();
        let image = RgbImage::from_fn(192, 128, |x, y| Rgb([x as u8, y as u8, (x / 2 + y / 3) as u8]));
        for strength in [0.6, 1.0] {
            let start = InitImage { image: Arc::new(image.clone()), strength, area: Area::Regions };
            document.init_image = Some(start);
            let drawn = drawn(&mut model, &document, &Options::default());
            let expected = |x: u32, y: u32| {
                let inner = |p: PixelRect| {
                    let soft = PixelRect { x: p.x + 16, y: p.y + 16, width: p.width - 32, height: p.height - 32 };
                    holds(soft, x, y)
                };
                match (holds(LEFT, x, y) || holds(RIGHT, x, y), inner(LEFT) || inner(RIGHT)) {
                    (false, _) => Some(image.get_pixel(x, y).0),
                    (true, true) => Some(bytes(colour(words_at(x, y)))),
                    // The border, over which one goes over into the other.
                    (true, false) => None,
                }
            };
            assert_shows(&format!("{what}, strength {strength}"), &drawn.image, 1, expected);
        }
    }
}

#[test]
fn a_region_is_drawn_again_with_any_number_of_channels_and_any_factor() {
    for (what, mut model) in families() {
        let factor = model.factor;
        model.spread = 0.3;
        let mut document = document();
        let first = drawn(&mut model, &document, &Options { keep: true, ..Options::default() });
        document.regions[0].reroll = Some(77);
        let again = drawn(&mut model, &document, &Options { kept: first.kept.clone(), ..Options::default() });
        let reach = 2 * factor as u32;
        let (mut changed, mut pixels) = (0.0, 0);
        for (x, y, pixel) in again.image.enumerate_pixels() {
            let old = first.image.get_pixel(x, y).0;
            if holds(LEFT, x, y) {
                changed += pixel.0.iter().zip(old).map(|(a, b)| f64::from(a.abs_diff(b))).sum::<f64>() / 3.0;
                pixels += 1;
            }
            if x >= LEFT.x + LEFT.width + reach || y + reach < LEFT.y || y >= LEFT.y + LEFT.height + reach {
                assert_eq!(pixel.0, old, "{what}: {x}, {y} is outside the region's reach");
            }
        }
        assert!(changed / f64::from(pixels) > 5.0, "{what}: the region is another ({changed} of {pixels} pixels)");
    }
}
