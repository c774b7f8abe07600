//! `polyptych bench`: figures of this machine.

mod job;
mod networks;
mod studio;

use super::Window;
use crate::checkpoint::trial::{Shape, Work};
use anyhow::Context as _;
use clap::Subcommand;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Seconds of one UNet call at full size, by kind of operator
    Unet(networks::Args),
    /// Seconds of decoding a latent at full size, by kind of operator
    Decode(networks::Args),
    /// A whole picture of three regions and a background, as `render` draws it: seconds a step, UNet calls, memory
    Job(job::Args),
    /// Frame times while painting on a large canvas and a picture is being made, start-up, memory
    Studio(studio::Args),
}

/// A shape by its name on the command line.
fn shape(name: &str) -> anyhow::Result<Shape> {
    Shape::named(name).with_context(|| format!("{name} is none of sd15, sd21 and sdxl, and no checkpoint either"))
}

pub(super) fn run(args: &Args, window: &Window, started: Instant) -> anyhow::Result<()> {
    match &args.what {
        What::Unet(args) => networks::run(args, window, Work::Unet),
        What::Decode(args) => networks::run(args, window, Work::Decode),
        What::Job(args) => job::run(args, window),
        What::Studio(args) => studio::run(args, window, started),
    }
}
