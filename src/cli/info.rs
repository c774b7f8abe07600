//! `polyptych info`: what a file holds.

use crate::checkpoint::{Checkpoint, Summary};
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A project, an exported PNG, or a checkpoint (a folder, or `embedded`)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print one JSON object on stdout
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let name = args.file.to_string_lossy();
    let of_checkpoint = args.file.is_dir()
        || (name == "embedded" && !args.file.exists())
        || args.file.extension().is_some_and(|e| ["safetensors", "ckpt", "pt", "bin"].iter().any(|known| e == *known));
    if of_checkpoint { checkpoint(&name, args.json) } else { project(&args.file, args.json) }
}

fn checkpoint(name: &str, json: bool) -> anyhow::Result<()> {
    let summary = Checkpoint::open(name)?.summary()?;
    if json {
        println!("{}", serde_json::to_string(&summary)?);
        return Ok(());
    }
    println!("{}: {}", summary.name, one_line_of(&summary));
    for part in &summary.parts {
        let millions = part.parameters as f64 / 1e6;
        let megabytes = part.bytes as f64 / 1e6;
        println!("  {:13} {millions:9.2} M parameters  {megabytes:9.1} MB  {}", part.name, part.dtype);
    }
    println!("  vocabulary    {} tokens, {} to a prompt", summary.vocabulary, summary.token_limit);
    if let Some(words) = &summary.known_words {
        let things: Vec<&str> = words.things.iter().map(|t| t.name.as_str()).collect();
        println!("  it draws      {}", things.join(", "));
        println!("  in            {}", words.colours.join(", "));
        println!("  and           {}", words.moods.join(", "));
        if !words.styles.is_empty() {
            println!("  as            {}", words.styles.join(", "));
        }
    }
    Ok(())
}

/// A checkpoint in half a line.
pub(super) fn one_line_of(summary: &Summary) -> String {
    let pixels = summary.window * summary.latent_scale;
    format!("{}, {}, windows of {pixels} × {pixels} pixels", summary.kind, summary.prediction_type)
}

fn project(path: &Path, json: bool) -> anyhow::Result<()> {
    let summary = crate::document::describe(path)?;
    if json {
        println!("{}", serde_json::to_string(&summary)?);
    } else {
        print!("{summary}");
    }
    Ok(())
}
