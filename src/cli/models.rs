//! `polyptych models`: which checkpoints and LoRAs there are by name.

use super::Window;
use super::console::{print, print_line};
use crate::checkpoint::{
    Catalogue, Checkpoint, EMBEDDED, EMBEDDED_FEW_STEPS, Entry, FEW_STEPS, Kind, LoraFile, PARTS_SEPARATOR,
    few_step_version,
};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List them (the default)
    List,
    /// Check a checkpoint or LoRA and remember it by its name
    Add {
        /// A checkpoint of Stable Diffusion 1.x, 2.x or SDXL (a .safetensors file or a diffusers folder), or a LoRA
        #[arg(value_name = "FOLDER|FILE")]
        path: PathBuf,
    },
    /// Forget one that was added; its files stay
    Remove {
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Fetch a checkpoint (not built yet)
    Download {
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
}

pub(super) fn run(args: &Args, window: &Window) -> anyhow::Result<()> {
    match &args.command {
        None | Some(Command::List) => list(&catalogue(window)?),
        Some(Command::Add { path }) => {
            let mut catalogue = catalogue(window)?;
            let entry = catalogue.add(path)?;
            print_line(&format!("{} is added; use it with {}", entry.name, usage(entry)))
        }
        Some(Command::Remove { name }) => {
            anyhow::ensure!(!is_embedded(name), "{EMBEDDED}: is inside the program and cannot be removed");
            let entry = catalogue(window)?.remove(name)?;
            print_line(&format!("{name} is forgotten; {} is still there", entry.path.display()))
        }
        Some(Command::Download { .. }) => anyhow::bail!(
            "models download: is not built yet; fetch the checkpoint with another program, then `polyptych models add FOLDER`"
        ),
    }
}

/// The catalogue of checkpoints and LoRAs added to this person's data folder.
fn catalogue(window: &Window) -> anyhow::Result<Catalogue> {
    let data = (window.data)();
    let data = data.ok_or_else(|| anyhow::anyhow!("there is no data folder on this system; set HOME"))?;
    Ok(Catalogue::open(&data)?)
}

/// True for what is inside the program.
pub(super) fn is_embedded(name: &str) -> bool {
    [EMBEDDED, EMBEDDED_FEW_STEPS].contains(&name)
}

/// The path of what a person names: what was added under this name, or the version for few steps of that, or else the name
/// itself, which is then a path. Of a checkpoint from several files, each may have a name.
pub(super) fn resolve(window: &Window, kind: Kind, name: &str) -> anyhow::Result<String> {
    if Path::new(name).exists() {
        return Ok(name.to_owned());
    }
    let parts = name.split(PARTS_SEPARATOR).map(|part| resolve_one(window, kind, part.trim()));
    Ok(parts.collect::<anyhow::Result<Vec<_>>>()?.join(PARTS_SEPARATOR))
}

fn resolve_one(window: &Window, kind: Kind, name: &str) -> anyhow::Result<String> {
    if is_embedded(name) || Path::new(name).exists() || (window.data)().is_none() {
        return Ok(name.to_owned());
    }
    let catalogue = catalogue(window)?;
    let found = |name: &str| catalogue.find(kind, name).map(|entry| entry.path.clone());
    let version = || Some(found(name.strip_suffix(FEW_STEPS)?.strip_suffix('/')?)?.join(FEW_STEPS));
    Ok(found(name).or_else(version).map_or_else(|| name.to_owned(), |path| path.display().to_string()))
}

fn usage(entry: &Entry) -> String {
    match entry.kind {
        Kind::Checkpoint => format!("--model {}", entry.name),
        Kind::Lora => format!("--lora {}", entry.name),
    }
}

fn list(catalogue: &Catalogue) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for name in [Some(EMBEDDED.to_owned()), few_step_version(EMBEDDED)].into_iter().flatten() {
        let summary = Checkpoint::open(&name)?.summary()?;
        rows.push(row(&name, &super::info::one_line_of(&summary), Some(summary.bytes()), "inside the program"));
    }
    for Entry { name, kind, path } in catalogue.entries() {
        rows.push(described(name, *kind, path));
        if few_step_version(&path.display().to_string()).is_some() {
            rows.push(described(&format!("{name}/{FEW_STEPS}"), *kind, &path.join(FEW_STEPS)));
        }
    }
    let wide = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [wide(0), wide(1), wide(2)];
    let mut text = String::new();
    for [name, what, size, path] in &rows {
        writeln!(text, "{name:0$}  {what:1$}  {size:>2$}  {path}", widths[0], widths[1], widths[2])?;
    }
    text += "`polyptych models add` remembers a checkpoint (a file or a diffusers folder) or a LoRA; both work by their paths, too.\n";
    print(&text)
}

/// An entry's row; where it cannot be used any more, that says why.
fn described(name: &str, kind: Kind, place: &Path) -> [String; 4] {
    let path = place.display().to_string();
    let row = |what: &str, bytes| row(name, what, bytes, &path);
    if !place.exists() {
        return row("is no longer there", None);
    }
    match kind {
        Kind::Checkpoint => match Checkpoint::open(&path).and_then(|checkpoint| checkpoint.summary()) {
            Ok(summary) => row(&super::info::one_line_of(&summary), Some(summary.bytes())),
            Err(_) => row("cannot be read any more", None),
        },
        Kind::Lora => match LoraFile::open(place) {
            Ok(lora) => {
                let summary = lora.summary();
                row(&super::info::one_line_of_lora(&summary), Some(summary.bytes))
            }
            Err(_) => row("cannot be read any more", None),
        },
    }
}

fn row(name: &str, what: &str, bytes: Option<usize>, path: &str) -> [String; 4] {
    let size = bytes.map_or_else(String::new, |bytes| format!("{:.1} MB", bytes as f64 / 1e6));
    [name.to_owned(), what.to_owned(), size, path.to_owned()]
}
