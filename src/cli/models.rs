//! `polyptych models`: which checkpoints there are.

use crate::checkpoint::Checkpoint;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List them (the default)
    List,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    match args.command {
        None | Some(Command::List) => {
            let summary = Checkpoint::open("embedded")?.summary()?;
            println!("embedded  {}", super::info::one_line_of(&summary));
            println!("A diffusers folder of Stable Diffusion 1.x or 2.x works by its path: --model FOLDER");
            Ok(())
        }
    }
}
