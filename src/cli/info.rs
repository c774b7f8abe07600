//! `polyptych info`: what a file holds.

use super::Window;
use super::console::{print, print_line};
use super::models::{Names, is_embedded};
use crate::checkpoint::{
    Checkpoint, ControlFile, FEW_STEPS, FewSteps, FileSummary, Kind, LoraFile, LoraSummary, PARTS_SEPARATOR, Summary,
};
use crate::document::{FileError, Problem, describe, describe_picture};
use serde::Serialize;
use std::fmt::{Display, Write as _};
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A project, an exported PNG, a picture of another program (PNG, JPEG, WebP), a checkpoint (a .safetensors file, a folder, `embedded`, `embedded/few_steps`, or one that was added), a LoRA or another model file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print one JSON object on stdout
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, window: &Window) -> anyhow::Result<()> {
    let given = args.file.to_string_lossy();
    // What is in the library is found by its name.
    let name = Names::of(window).resolve(&Kind::MODELS, &given)?;
    let path = Path::new(&name);
    if let Some(file) = LoraFile::recognise(path) {
        return lora(file?.summary(), args.json);
    }
    if let Some(file) = ControlFile::recognise(path) {
        return alone(&file?.summary(), args.json);
    }
    if path.is_file() && has_ending(path, &["safetensors"]) {
        let file = FileSummary::of(path)?;
        if !file.draws || !file.missing.is_empty() {
            return alone(&file, args.json);
        }
    }
    let of_checkpoint = path.is_dir()
        || (is_embedded(&name) && !path.exists())
        || (name.contains(PARTS_SEPARATOR) && !path.exists())
        || has_ending(path, &["safetensors", "ckpt", "pt", "pth", "bin", "gguf"]);
    if of_checkpoint { checkpoint(&name, args.json) } else { project(&args.file, args.json) }
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    path.extension().is_some_and(|found| endings.iter().any(|ending| found.eq_ignore_ascii_case(ending)))
}

/// A model file that is no whole checkpoint.
fn alone(file: &FileSummary, json: bool) -> anyhow::Result<()> {
    if json {
        return print_line(&serde_json::to_string(file)?);
    }
    let lacks =
        if file.missing.is_empty() { String::new() } else { format!("; it lacks {}", file.missing.join(" and ")) };
    print(&format!(
        "{}: {}{lacks}\n  file          {:.1} MB, {}\n",
        file.name,
        file.kind,
        file.bytes as f64 / 1e6,
        file.dtype
    ))
}

fn lora(summary: LoraSummary, json: bool) -> anyhow::Result<()> {
    if json {
        return print_line(&serde_json::to_string(&summary)?);
    }
    let mut text = format!("{}: {}\n", summary.name, one_line_of_lora(&summary));
    let LoraSummary { unet_layers, text_layers, convolutions, .. } = summary;
    writeln!(
        text,
        "  changes       {unet_layers} layers of the UNet ({convolutions} convolutions), {text_layers} of the words"
    )?;
    writeln!(text, "  file          {:.1} MB, {}", summary.bytes as f64 / 1e6, summary.dtype)?;
    if let Some(trigger) = &summary.trigger {
        writeln!(text, "  is called by  {trigger}")?;
    }
    if !summary.tags.is_empty() {
        let tags: Vec<String> = summary.tags.iter().map(|tag| format!("{} ({})", tag.words, tag.count)).collect();
        writeln!(text, "  trained on    {}", tags.join(", "))?;
    }
    if !summary.embeddings.is_empty() {
        writeln!(
            text,
            "  brings along  embeddings, to be called by name where it counts: {}",
            summary.embeddings.join(", ")
        )?;
    }
    print(&text)
}

/// A LoRA in half a line.
pub(super) fn one_line_of_lora(summary: &LoraSummary) -> String {
    let kinds = if summary.kinds.is_empty() { "LoRA".to_owned() } else { summary.kinds.join(" + ") };
    let rank = match summary.ranks {
        (_, 0) => String::new(),
        (least, most) if least == most => format!(", rank {least}"),
        (least, most) => format!(", ranks {least} to {most}"),
    };
    match (summary.family, summary.text_width) {
        (Some(family), _) => format!("{kinds} for {family}{rank}"),
        (None, Some(width)) => format!("{kinds} for text embeddings {width} wide{rank}"),
        (None, None) => format!("{kinds}{rank}"),
    }
}

fn checkpoint(name: &str, json: bool) -> anyhow::Result<()> {
    let checkpoint = Checkpoint::open(name)?;
    let summary = checkpoint.summary()?;
    if json {
        return print_line(&serde_json::to_string(&summary)?);
    }
    let mut text = format!("{}: {}\n", summary.name, one_line_of(&summary));
    for part in &summary.parts {
        let millions = part.parameters as f64 / 1e6;
        let megabytes = part.bytes as f64 / 1e6;
        writeln!(text, "  {:13} {millions:9.2} M parameters  {megabytes:9.1} MB  {}", part.name, part.dtype)?;
    }
    writeln!(text, "  layout        {}", summary.layout)?;
    writeln!(text, "  vocabulary    {} tokens, {} to a prompt", summary.vocabulary, summary.token_limit)?;
    let steps = FewSteps::STEPS;
    if let Some(few) = summary.few_steps {
        let (how, guidance) = match few {
            FewSteps::Lcm if checkpoint.takes_guidance() => ("lcm", "3 to 13, read by the model"),
            FewSteps::Lcm => ("lcm", "built in"),
            FewSteps::Dmd2(_) => ("lcm, trailing", "built in"),
            FewSteps::Adversarial | FewSteps::Lightning(_) => ("euler, trailing", "built in"),
            FewSteps::Hyper(_) => ("ddim, trailing", "built in"),
            FewSteps::GuidedHyper(_) => ("ddim, trailing", "5 to 8"),
        };
        writeln!(text, "  few steps     made for {} ({how}), guidance {guidance}", few.steps())?;
    } else if summary.has_few_steps {
        writeln!(text, "  few steps     {}/{FEW_STEPS} draws in {steps}", name.trim_end_matches('/'))?;
    }
    if let Some(words) = &summary.known_words {
        let things: Vec<&str> = words.things.iter().map(|t| t.name.as_str()).collect();
        writeln!(text, "  it draws      {}", things.join(", "))?;
        writeln!(text, "  in            {}", words.colours.join(", "))?;
        writeln!(text, "  and           {}", words.moods.join(", "))?;
        if !words.styles.is_empty() {
            writeln!(text, "  as            {}", words.styles.join(", "))?;
        }
    }
    print(&text)
}

/// A checkpoint in half a line.
pub(super) fn one_line_of(summary: &Summary) -> String {
    let pixels = summary.window * summary.latent_scale;
    let zero = if summary.zero_terminal_snr { ", zero terminal SNR" } else { "" };
    let inpainting = if summary.inpainting { ", inpainting" } else { "" };
    let Summary { kind, prediction_type, .. } = summary;
    format!("{kind}, {prediction_type}{zero}{inpainting}, windows of {pixels} × {pixels} pixels")
}

fn project(path: &Path, json: bool) -> anyhow::Result<()> {
    match describe(path) {
        Ok(summary) => tell(&summary, json),
        Err(error) if matches!(error.problem(), Problem::NoProject | Problem::UnknownKind) => {
            // A JPEG or WebP holds no project, which is better said than that it is no PNG.
            match describe_picture(path) {
                Ok(Some(summary)) => tell(&summary, json),
                Err(other) if !matches!(other.problem(), Problem::NotAPicture) => Err(other.into()),
                Ok(None) => Err(FileError::new(path, Problem::NoProject).into()),
                Err(_) => Err(error.into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

fn tell(summary: &(impl Serialize + Display), json: bool) -> anyhow::Result<()> {
    if json { print_line(&serde_json::to_string(summary)?) } else { print(&summary.to_string()) }
}
