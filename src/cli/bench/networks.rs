//! `polyptych bench unet` and `bench decode`.

use crate::checkpoint::trial::{Shape, Trial, Work};
use crate::checkpoint::{Choice, Device, Devices, Dtype};
use crate::cli::Window;
use crate::cli::console::{print, print_line};
use crate::cli::values::{device, dtype, small};
use serde_json::json;
use std::fmt::Write as _;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Device to measure
    #[arg(long, value_name = "auto|cpu[:TYPE]|candle|wgpu[:N]|cuda[:N]|metal", default_value = "auto", value_parser = device)]
    device: Device,
    /// The type of tensors on a graphics card, of products on the processor
    #[arg(long, value_name = "auto|f32|f16|bf16", default_value = "auto", value_parser = dtype)]
    dtype: Dtype,
    /// Networks to measure: sd15, sd21 or sdxl with random weights, or a checkpoint's name or folder
    #[arg(long, default_value = "sd15")]
    shape: String,
    /// Of the UNet the calls that `render --reuse` makes between whole ones, from deep features of another call
    #[arg(long)]
    shallow: bool,
    /// Latents at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = batch)]
    batch: u32,
    /// Runs that are counted
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = runs)]
    runs: u32,
    /// Size of the picture in pixels (the model's own without it)
    #[arg(long, value_name = "WxH", value_parser = crate::cli::values::size)]
    size: Option<(u32, u32)>,
    /// Print one JSON object on stdout
    #[arg(long)]
    json: bool,
}

fn batch(text: &str) -> Result<u32, String> {
    small(text, 1..=64)
}

fn runs(text: &str) -> Result<u32, String> {
    small(text, 1..=1000)
}

pub(super) fn run(args: &Args, window: &Window, work: Work) -> anyhow::Result<()> {
    let work = match work {
        Work::Unet if args.shallow => Work::ShallowUnet,
        work => work,
    };
    anyhow::ensure!(!args.shallow || work == Work::ShallowUnet, "--shallow is of `bench unet` alone");
    let shape = super::shape(&args.shape)?;
    let factor = match &shape {
        Shape::Checkpoint(checkpoint) => checkpoint.latent_scale(),
        _ => 8,
    };
    let size = args.size.map(|(width, height)| [height, width].map(|side| (side as usize).div_ceil(factor)));
    let Choice { device, .. } = Devices::remembered_in((window.data)()).choose(args.device, args.dtype)?;
    let trial = Trial::run(device, &shape, work, args.batch as usize, size, args.runs as usize)?;
    if args.json {
        print_line(&figures(args, &trial, factor).to_string())
    } else {
        print(&table(args, &trial, factor)?)
    }
}

fn figures(args: &Args, trial: &Trial, factor: usize) -> serde_json::Value {
    let [height, width] = trial.size.map(|side| side * factor);
    let operators: Vec<_> = trial
        .operators
        .iter()
        .map(|(kind, o)| json!({"kind": kind, "calls": o.calls, "seconds": o.seconds, "operations": o.operations}))
        .collect();
    json!({
        "device": trial.device,
        "shape": args.shape,
        "shallow": args.shallow,
        "width": width,
        "height": height,
        "batch": trial.batch,
        "parameters": trial.parameters,
        "load_seconds": trial.load,
        "seconds": trial.runs,
        "median": trial.median(),
        "seconds_per_sample": trial.median() / trial.batch as f64,
        "operations": trial.operations(),
        "tensor_bytes": trial.peak,
        "operators": operators,
    })
}

/// The figures for people.
fn table(args: &Args, trial: &Trial, factor: usize) -> anyhow::Result<String> {
    let [height, width] = trial.size.map(|side| side * factor);
    let (median, runs) = (trial.median(), trial.runs.len());
    let mut out = format!(
        "{}{} at {width} × {height}, {} at once, on {}\n{:.1} million weights, packed in {:.2} s\n",
        args.shape,
        if args.shallow { ", calls from deep features," } else { "" },
        trial.batch,
        trial.device,
        trial.parameters as f64 / 1e6,
        trial.load,
    );
    let least = trial.runs.iter().copied().fold(f64::INFINITY, f64::min);
    writeln!(out, "{:.3} s a sample (median of {runs}; least {least:.3} s a run)", median / trial.batch as f64)?;
    writeln!(
        out,
        "{:.1} G operations a run, {:.1} G a second",
        trial.operations() / 1e9,
        trial.operations() / median / 1e9
    )?;
    writeln!(out, "{:.1} MiB of tensors at most\n", trial.peak as f64 / f64::from(1 << 20))?;
    writeln!(out, "{:16} {:>6} {:>10} {:>7} {:>9}", "operator", "calls", "seconds", "share", "G/s")?;
    let all: f64 = trial.operators.iter().map(|(_, o)| o.seconds).sum();
    for (kind, o) in &trial.operators {
        let rate = if o.operations > 0.0 { format!("{:.1}", o.operations / o.seconds / 1e9) } else { "-".to_owned() };
        writeln!(out, "{kind:16} {:>6} {:>10.4} {:>6.1}% {rate:>9}", o.calls, o.seconds, 100.0 * o.seconds / all)?;
    }
    Ok(out)
}
