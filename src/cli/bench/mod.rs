//! `polyptych bench`: figures of this machine.

mod networks;
mod studio;

use super::Window;
use crate::checkpoint::trial::Work;
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
    /// Frame times while painting on a large canvas and a picture is being made, start-up, memory
    Studio(studio::Args),
}

pub(super) fn run(args: &Args, window: &Window, started: Instant) -> anyhow::Result<()> {
    match &args.what {
        What::Unet(args) => networks::run(args, Work::Unet),
        What::Decode(args) => networks::run(args, Work::Decode),
        What::Studio(args) => studio::run(args, window, started),
    }
}
