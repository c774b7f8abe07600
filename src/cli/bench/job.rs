//! `polyptych bench job`.

use super::Window;
use crate::checkpoint::{Choice, Device, Devices, Dtype};
use crate::cli::console::{print, print_line};
use crate::cli::values;
use crate::document::{Document, PixelRect};
use crate::studio::{self, Drawn, Loaded, Model as _, Watcher};
use image::RgbImage;
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Device to measure
    #[arg(long, value_name = "auto|cpu[:TYPE]|candle|wgpu[:N]|cuda[:N]|metal", default_value = "auto", value_parser = values::device)]
    device: Device,
    /// The type of tensors on a graphics card, of products on the processor
    #[arg(long, value_name = "auto|f32|f16|bf16", default_value = "auto", value_parser = values::dtype)]
    dtype: Dtype,
    /// Networks to draw with: sd15, sd21 or sdxl with random weights, or a checkpoint's name or folder
    #[arg(long, default_value = "sd15")]
    shape: String,
    /// Steps of the sampler
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = values::steps)]
    steps: u32,
    /// Regions over the background
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = regions)]
    regions: u32,
    /// Compute every step of so many whole, and the others with its deep features
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = values::reuse)]
    reuse: u32,
    /// Pictures that are drawn; the last one is told
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = runs)]
    runs: u32,
    /// Size of the picture in pixels (the model's own without it)
    #[arg(long, value_name = "WxH", value_parser = values::size)]
    size: Option<(u32, u32)>,
    /// Print one JSON object on stdout
    #[arg(long)]
    json: bool,
}

fn regions(text: &str) -> Result<u32, String> {
    values::small(text, 0..=3)
}

fn runs(text: &str) -> Result<u32, String> {
    values::small(text, 1..=100)
}

/// Seconds of every step.
struct Times {
    last: Instant,
    steps: Vec<f64>,
}

impl Watcher for Times {
    fn stage(&mut self, _: studio::Stage) {
        self.last = Instant::now();
    }

    fn step(&mut self, _: usize, _: usize, _: Option<RgbImage>) {
        self.steps.push(self.last.elapsed().as_secs_f64());
        self.last = Instant::now();
    }
}

pub(super) fn run(args: &Args, window: &Window) -> anyhow::Result<()> {
    let shape = super::shape(&args.shape)?;
    let Choice { device, .. } = Devices::remembered_in((window.data)()).choose(args.device, args.dtype)?;
    let begun = Instant::now();
    let (mut model, account) = Loaded::of_trial(device, &shape)?;
    let load = begun.elapsed().as_secs_f64();
    let side = (model.window() * model.factor()) as u32;
    let mut document = scene(args.size.unwrap_or((side, side)), args.steps, args.regions);
    document.settings.reuse = args.reuse;
    let mut told = None;
    for _ in 0..args.runs {
        let _ = account.peak();
        let mut times = Times { last: Instant::now(), steps: Vec::new() };
        let drawn = studio::draw(&document, &mut model, &studio::Options::default(), &mut times)?;
        told = Some((drawn, times.steps, account.peak()));
    }
    let Some((drawn, steps, peak)) = told else { return Ok(()) };
    let (device, dtype) = model.device();
    let on = format!("{device}, {dtype}");
    if args.json {
        print_line(&figures(args, &on, load, &drawn, &steps, peak).to_string())
    } else {
        print(&table(args, &on, load, &drawn, &steps, peak)?)
    }
}

/// Up to three regions over a background: one on the left, one on the right, and one across both.
fn scene((width, height): (u32, u32), steps: u32, regions: u32) -> Document {
    let mut document = Document::new(width, height);
    document.settings.steps = steps;
    "a wide landscape at dusk".clone_into(&mut document.background.prompt);
    let (third, half) = (width / 3, height / 2);
    let parts = [
        ("House", "a red house", PixelRect { x: 0, y: half, width: third, height: height - half }),
        ("Tree", "an old tree", PixelRect { x: width - third, y: 0, width: third, height }),
        ("Moon", "a full moon", PixelRect { x: third / 2, y: 0, width, height: half / 2 }),
    ];
    for (name, prompt, rect) in parts.into_iter().take(regions as usize) {
        let id = document.add_region(name, prompt);
        if let Some(region) = document.region_mut(id) {
            Arc::make_mut(&mut region.mask).fill(rect, 255);
        }
    }
    document
}

fn figures(args: &Args, on: &str, load: f64, drawn: &Drawn, steps: &[f64], peak: usize) -> serde_json::Value {
    json!({
        "device": on,
        "shape": args.shape,
        "width": drawn.image.width(),
        "height": drawn.image.height(),
        "regions": args.regions,
        "steps": args.steps,
        "windows": drawn.windows,
        "unet_samples": drawn.unet_samples,
        "unet_samples_shallow": drawn.unet_samples_shallow,
        "unet_inputs": drawn.unet_inputs,
        "seconds": {
            "load": load,
            "encode": drawn.seconds.encode,
            "denoise": drawn.seconds.denoise,
            "decode": drawn.seconds.decode,
            "steps": steps,
        },
        "seconds_per_sample": drawn.seconds.denoise / drawn.unet_samples.max(1) as f64,
        "tensor_bytes": peak,
    })
}

/// The figures for people.
fn table(args: &Args, on: &str, load: f64, drawn: &Drawn, steps: &[f64], peak: usize) -> anyhow::Result<String> {
    let (width, height) = drawn.image.dimensions();
    let seconds = drawn.seconds;
    let mut out = format!(
        "{} at {width} × {height}, {} regions and a background, {} steps, on {on}\n",
        args.shape, args.regions, args.steps
    );
    let longest = steps.iter().copied().fold(0.0, f64::max);
    let shortest = steps.iter().copied().fold(f64::INFINITY, f64::min);
    writeln!(out, "{load:9.2} s loading")?;
    writeln!(out, "{:9.2} s reading words and colours", seconds.encode)?;
    writeln!(
        out,
        "{:9.2} s drawing: {:.3} s a step ({shortest:.3} to {longest:.3}; the first ones hold shapes)",
        seconds.denoise,
        seconds.denoise / steps.len().max(1) as f64
    )?;
    writeln!(out, "{:9.2} s decoding", seconds.decode)?;
    writeln!(
        out,
        "{:9} UNet samples in {} windows, {:.3} s each",
        drawn.unet_samples,
        drawn.windows,
        seconds.denoise / drawn.unet_samples.max(1) as f64
    )?;
    writeln!(out, "{:9.1} MiB of tensors at most", peak as f64 / f64::from(1 << 20))?;
    Ok(out)
}
