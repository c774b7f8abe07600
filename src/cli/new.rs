//! `polyptych new`: a project from masks and prompts.

use super::console::tell_line;
use super::init_image::{InitImageArgs, import_mask};
use super::map::MapArgs;
use super::values::size;
use crate::checkpoint::prompt::{self, Rule};
use crate::document::{Document, Outputs, PictureFormat, WarningKind};
use anyhow::{Context as _, bail, ensure};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The project to make
    #[arg(value_name = "PROJECT.ora")]
    project: PathBuf,
    /// Canvas size in pixels, such as 768x512; with a colour map it may be left out, and is then the map's
    #[arg(long, value_name = "WxH", value_parser = size, required_unless_present = "path")]
    size: Option<(u32, u32)>,
    #[command(flatten)]
    map: MapArgs,
    /// What the background shows
    #[arg(long, value_name = "PROMPT", default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    background: String,
    /// The style of the whole picture: words added to the background's and every region's
    #[arg(long, value_name = "PROMPT", default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    style: String,
    /// What the picture should not show
    #[arg(long, value_name = "PROMPT", default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    negative: String,
    /// A region: a mask of the canvas's size (white inside, black outside) and its prompt; later ones cover earlier ones, and
    /// all of them a colour map's
    #[arg(long = "region", value_name = "MASK.png=PROMPT", allow_hyphen_values = true)]
    regions: Vec<OsString>,
    /// A region's own negative prompt, counted from 1, those of a colour map first; an empty one means none
    #[arg(long = "region-negative", value_name = "N=PROMPT", allow_hyphen_values = true)]
    region_negatives: Vec<String>,
    #[command(flatten)]
    start: InitImageArgs,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    ensure!(
        !args.project.exists(),
        "{} is there already and may hold someone's work; choose another name or delete it first",
        args.project.display()
    );
    // Nothing is read that could be written over: the project is not there yet.
    let output = Outputs::default().add(&args.project)?;
    let (map, (width, height)) = args.map.open(args.size)?;
    let mut document = Document::new(width, height);
    document.background.prompt.clone_from(&args.background);
    document.background.negative.clone_from(&args.negative);
    document.style.clone_from(&args.style);
    let mut notes = Vec::new();
    args.start.apply(&mut document, &mut notes)?;
    if let Some(map) = map {
        args.map.apply(&map, &mut document, &mut notes)?;
    }
    for region in &args.regions {
        let (path, words) = mask_and_words(region)?;
        let mask = import_mask(&path, (width, height), &mut notes)?;
        let id = document.add_region(&short_name(&words, document.regions.len() + 1), &words);
        if let Some(region) = document.region_mut(id) {
            region.mask = mask.into();
        }
    }
    for negative in &args.region_negatives {
        let parsed = negative.split_once('=').and_then(|(n, words)| Some((n.trim().parse::<usize>().ok()?, words)));
        let Some((number, words)) = parsed else {
            bail!("--region-negative {negative}: give a region's number and its words, such as 1=blurry");
        };
        let count = document.regions.len();
        let region = number.checked_sub(1).and_then(|i| document.regions.get_mut(i));
        let region = region.with_context(|| {
            format!("--region-negative {negative}: there is no region {number}; regions go from 1 to {count}")
        })?;
        region.negative = Some(words.to_owned());
    }
    notes.extend(warnings(&document));
    for warning in notes {
        tell_line(&format!("warning: {warning}"));
    }
    document.save_to(&output)?;
    Ok(())
}

/// Splits `MASK.png=PROMPT`: at the first `=` before which a file stands, so that either side may hold one.
///
/// If there is no such file, a name that ends as pictures do is the likeliest to be meant, and is named in the error.
fn mask_and_words(text: &OsStr) -> anyhow::Result<(PathBuf, String)> {
    let bytes = text.as_encoded_bytes();
    let splits = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'=').map(|(at, _)| at);
    let splits: Vec<(PathBuf, usize)> = splits.filter_map(|at| Some((before(text, at)?, at + 1))).collect();
    let known = splits.iter().find(|(path, _)| path.is_file());
    let known = known.or_else(|| splits.iter().find(|(path, _)| PictureFormat::of_path(path).is_some()));
    let told = text.display();
    let (path, from) = known
        .or(splits.first())
        .with_context(|| format!("--region {told}: give a mask and its words, MASK.png=PROMPT"))?;
    let words = std::str::from_utf8(&bytes[*from..]);
    let words = words.with_context(|| format!("--region {told}: the words are not valid UTF-8; write them as such"))?;
    Ok((path.clone(), words.to_owned()))
}

/// The path that stands before a byte; its name may be no UTF-8 where the system allows that.
#[cfg(unix)]
fn before(text: &OsStr, at: usize) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;
    Some(OsStr::from_bytes(text.as_bytes().get(..at)?).into())
}

#[cfg(not(unix))]
fn before(text: &OsStr, at: usize) -> Option<PathBuf> {
    Some(text.to_str()?.get(..at)?.into())
}

/// The document's warnings; of many regions without words (a colour map has many) the first, and how many more there are.
fn warnings(document: &Document) -> Vec<String> {
    const MOST: usize = 8;
    let warnings = document.warnings();
    let wordless = |kind| kind == WarningKind::EmptyWords;
    let more = warnings.iter().filter(|w| wordless(w.kind)).count().saturating_sub(MOST);
    let mut told = 0;
    let mut lines: Vec<String> = warnings
        .iter()
        .filter(|warning| {
            told += usize::from(wordless(warning.kind));
            !wordless(warning.kind) || told <= MOST
        })
        .map(ToString::to_string)
        .collect();
    if more > 0 {
        lines.push(format!("{more} more regions have no words"));
    }
    lines
}

/// A card's name: the first words of its prompt.
pub(super) fn short_name(words: &str, number: usize) -> String {
    let words = prompt::words(words, Rule::WebUi);
    let name: String = words.split([',', '.', '\n']).next().unwrap_or_default().trim().chars().take(32).collect();
    if name.is_empty() { format!("Region {number}") } else { name }
}
