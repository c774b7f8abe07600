//! `polyptych bench`: figures of this machine.

mod studio;

use super::Window;
use clap::Subcommand;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Frame times while painting on a large canvas and a picture is being made, start-up, memory
    Studio(studio::Args),
}

pub(super) fn run(args: &Args, window: &Window, started: Instant) -> anyhow::Result<()> {
    match &args.what {
        What::Studio(args) => studio::run(args, window, started),
    }
}
