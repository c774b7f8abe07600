//! `polyptych models`: which models there are by name, in which folders they are looked for, and fetching them.

use super::Window;
use super::console::{print, print_line, tell_line};
use super::progress::Bar;
use crate::checkpoint::hub::{Hub, Progress, Repository};
use crate::checkpoint::{
    Catalogue, Checkpoint, EMBEDDED, EMBEDDED_FEW_STEPS, Entry, FETCHED, FEW_STEPS, Item, Kind, Library,
    PARTS_SEPARATOR, few_step_version, preview_decoders, sha256_of,
};
use crate::document::Document;
use crate::studio::KnownLoras;
use std::cell::OnceCell;
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
    List(List),
    /// Remember a folder of models (ComfyUI, a web UI, any other) and list what is in it; or one checkpoint, LoRA or other file by its
    /// name. Files stay where they are
    Add {
        /// A folder; or a checkpoint of Stable Diffusion 1.x, 2.x or SDXL (a .safetensors file or a diffusers folder), a LoRA, an
        /// embedding, …
        #[arg(value_name = "FOLDER|FILE")]
        path: PathBuf,
    },
    /// Forget a folder or model that was added; its files stay
    Remove {
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Fetch a model from Hugging Face (or the server in HF_ENDPOINT); called again after a cut, it goes on
    #[command(alias = "download")]
    Get {
        /// The repository, and the file in it where there are several models
        #[arg(value_name = "OWNER/NAME[:FILE]", value_parser = repository)]
        name: Repository,
        /// The folder to put it into; one of this program's own unless given
        #[arg(long, value_name = "FOLDER")]
        to: Option<PathBuf>,
        /// No progress on stderr
        #[arg(long)]
        quiet: bool,
    },
}

#[derive(Debug, Default, clap::Args)]
struct List {
    /// Only those with all of these words in name, family, base model or trigger words
    #[arg(value_name = "WORD")]
    words: Vec<String>,
    /// Find out the hash of each (the first ten digits of its SHA-256, as web UIs name it); slow the first time
    #[arg(long)]
    hash: bool,
    /// Print one JSON list on stdout
    #[arg(long)]
    json: bool,
}

fn repository(text: &str) -> Result<Repository, String> {
    text.parse().map_err(|error: crate::checkpoint::hub::Error| error.to_string())
}

pub(super) fn run(args: &Args, window: &Window) -> anyhow::Result<()> {
    match &args.command {
        None => list(&data(window)?, &List::default()),
        Some(Command::List(args)) => list(&data(window)?, args),
        Some(Command::Add { path }) => add(&data(window)?, path),
        Some(Command::Remove { name }) => {
            anyhow::ensure!(!is_embedded(name), "{EMBEDDED}: is inside the program and cannot be removed");
            let entry = Catalogue::open(&data(window)?)?.remove(name)?;
            print_line(&format!("{name} is forgotten; {} is still there", entry.path.display()))
        }
        Some(Command::Get { name, to, quiet }) => get(&data(window)?, name, to.as_deref(), *quiet),
    }
}

/// This person's data folder.
fn data(window: &Window) -> anyhow::Result<PathBuf> {
    (window.data)().ok_or_else(|| anyhow::anyhow!("there is no data folder on this system; set HOME"))
}

/// Names of models, looked up in the library, which is read for the first of them and once.
#[derive(Debug, Default)]
pub(super) struct Names {
    data: Option<PathBuf>,
    library: OnceCell<Library>,
}

impl Names {
    pub(super) fn of(window: &Window) -> Self {
        Self { data: (window.data)(), ..Self::default() }
    }

    /// The library; `None` where there is no data folder.
    fn library(&self) -> anyhow::Result<Option<&Library>> {
        let Some(data) = &self.data else { return Ok(None) };
        if self.library.get().is_none() {
            // (Nobody else can have read it since.)
            self.library.set(Library::read(data)?).ok();
        }
        Ok(self.library.get())
    }

    /// The LoRAs that words of a document may name: none where they name none.
    pub(super) fn loras_for(&self, document: &Document) -> KnownLoras {
        if !KnownLoras::are_named_in(document) {
            return KnownLoras::default();
        }
        let loras = self.items().iter().filter(|item| item.kind == Kind::Lora && item.problem.is_none());
        loras.map(|item| (item.name.clone(), item.path.display().to_string())).collect()
    }

    /// The files that may be small decoders of previews.
    pub(super) fn decoders(&self) -> Vec<PathBuf> {
        preview_decoders(self.items())
    }

    /// What is in the library; nothing where it cannot be read, which `polyptych models` says the reason of.
    fn items(&self) -> &[Item] {
        let library = self.library().unwrap_or_else(|error| {
            log::warn!("{error}");
            None
        });
        library.map_or(&[], Library::items)
    }

    /// The path of what a person names: the model of one of these kinds that this name, or a part of it that no other has, belongs to,
    /// or the version for few steps of that, or else the name itself, which is then a path. Of a checkpoint from several files, each may
    /// have a name.
    pub(super) fn resolve(&self, kinds: &[Kind], name: &str) -> anyhow::Result<String> {
        if is_embedded(name) || Path::new(name).exists() {
            return Ok(name.to_owned());
        }
        let Some(library) = self.library()? else { return Ok(name.to_owned()) };
        // Parts of a checkpoint may be of any kind.
        let parts = name.contains(PARTS_SEPARATOR);
        let kinds = if parts { &Kind::MODELS } else { kinds };
        let parts = name.split(PARTS_SEPARATOR).map(|part| resolve_one(library, kinds, part.trim()));
        Ok(parts.collect::<anyhow::Result<Vec<_>>>()?.join(PARTS_SEPARATOR))
    }

    /// The same as a whole path, for a project that goes into a picture, which may be opened from elsewhere.
    pub(super) fn resolve_whole(&self, kinds: &[Kind], name: &str) -> anyhow::Result<String> {
        Ok(whole(&self.resolve(kinds, name)?))
    }
}

/// A path from the root of the disk; what is inside the program keeps its name. Of a checkpoint from several files, each becomes one.
pub(super) fn whole(name: &str) -> String {
    let one = |name: &str| match std::path::absolute(name) {
        Ok(path) if !is_embedded(name) => path.display().to_string(),
        _ => name.to_owned(),
    };
    if name.contains(PARTS_SEPARATOR) && !Path::new(name).exists() {
        return name.split(PARTS_SEPARATOR).map(one).collect::<Vec<_>>().join(PARTS_SEPARATOR);
    }
    one(name)
}

/// True for what is inside the program.
pub(super) fn is_embedded(name: &str) -> bool {
    [EMBEDDED, EMBEDDED_FEW_STEPS].contains(&name)
}

fn resolve_one(library: &Library, kinds: &[Kind], name: &str) -> anyhow::Result<String> {
    if is_embedded(name) || Path::new(name).exists() {
        return Ok(name.to_owned());
    }
    if let Some(item) = library.find(kinds, name)? {
        return Ok(item.path.display().to_string());
    }
    let base = name.strip_suffix(FEW_STEPS).and_then(|name| name.strip_suffix('/'));
    let version = base.map(|base| library.find(kinds, base)).transpose()?.flatten();
    Ok(version.map_or_else(|| name.to_owned(), |item| item.path.join(FEW_STEPS).display().to_string()))
}

fn usage(kind: Kind, name: &str) -> String {
    let quoted = if name.contains(' ') { format!("\"{name}\"") } else { name.to_owned() };
    match kind {
        Kind::Checkpoint => format!("use it with --model {quoted}"),
        Kind::Lora => format!("use it with --lora {quoted}"),
        Kind::Vae => format!("use it with --vae {quoted}"),
        Kind::TextEncoder => format!("use it as --model \"CHECKPOINT{PARTS_SEPARATOR}{name}\""),
        Kind::ControlNet => format!("use it with --control {quoted}=MAP.png"),
        Kind::Embedding | Kind::Folder => "it is listed by `polyptych models`".to_owned(),
    }
}

fn add(data: &Path, path: &Path) -> anyhow::Result<()> {
    let mut catalogue = Catalogue::open(data)?;
    let entry = catalogue.add(path)?.clone();
    if entry.kind != Kind::Folder {
        return print_line(&format!("{} is added; {}", entry.name, usage(entry.kind, &entry.name)));
    }
    let library = Library::read(data)?;
    let within: Vec<&Item> = library.items().iter().filter(|item| item.path.starts_with(&entry.path)).collect();
    let usable = within.iter().filter(|item| item.problem.is_none());
    let counts: Vec<String> = Kind::MODELS
        .into_iter()
        .map(|kind| (kind, usable.clone().filter(|item| item.kind == kind).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{count} {}", if count == 1 { kind.singular() } else { kind.plural() }))
        .collect();
    let others = within.len() - usable.count();
    let others =
        if others > 0 { format!("; {others} more cannot be used, `polyptych models` says why") } else { String::new() };
    let found = if counts.is_empty() { "nothing that can be used".to_owned() } else { counts.join(", ") };
    print_line(&format!("{} is added, with {found}{others}", entry.name))
}

fn get(data: &Path, name: &Repository, to: Option<&Path>, quiet: bool) -> anyhow::Result<()> {
    let hub = Hub::from_environment()?;
    let mut bar = Bar::new(quiet);
    bar.say(&format!("Asking {}", hub.endpoint()));
    let plan = hub.plan(name)?;
    let folder = to.map_or_else(|| data.join(FETCHED), Path::to_path_buf);
    let began = std::time::Instant::now();
    let mut first = None;
    let path = plan.fetch(&hub, &folder, &mut |Progress { done, total, .. }| {
        // What an earlier call fetched took no time in this one.
        let first = *first.get_or_insert(done);
        let rate = (done - first).max(1) as f64 / began.elapsed().as_secs_f64();
        bar.bytes(done, total, total.saturating_sub(done) as f64 / rate);
        true
    })?;
    drop(bar);
    let item = crate::checkpoint::look_at(&path)?;
    if let Some(problem) = &item.problem {
        tell_line(&format!("warning: {}: {problem}", path.display()));
    }
    if to.is_some() {
        Catalogue::open(data)?.add(&path).map(|_| ()).or_else(|error| match item.problem {
            Some(_) => Ok(()),
            None => Err(error),
        })?;
    }
    print_line(&format!("{} is there: {}; {}", item.name, path.display(), usage(item.kind, &item.name)))
}

fn list(data: &Path, args: &List) -> anyhow::Result<()> {
    let mut library = Library::read(data)?;
    let words = args.words.join(" ");
    if args.hash {
        for item in
            library.items().iter().filter(|item| item.path.is_file() && item.sha256.is_none() && item.matches(&words))
        {
            if let Some(hash) = sha256_of(&item.path, || true)? {
                Library::keep_hash(data, &item.path, &hash);
            }
        }
        library = Library::read(data)?;
    }
    let shown = library.items().iter().filter(|item| item.matches(&words));
    if args.json {
        return print_line(&serde_json::to_string(&shown.collect::<Vec<_>>())?);
    }
    let mut rows = Vec::new();
    for name in [Some(EMBEDDED.to_owned()), few_step_version(EMBEDDED)].into_iter().flatten() {
        let summary = Checkpoint::open(&name)?.summary()?;
        let what = super::info::one_line_of(&summary);
        if words.split_whitespace().all(|word| name.contains(word) || what.contains(word)) {
            rows.push(row(&name, what, Some(summary.bytes() as u64), "inside the program"));
        }
    }
    for item in shown {
        let path = item.path.display().to_string();
        rows.push(row(&item.name, told(item), Some(item.bytes), &path));
        if item.kind == Kind::Checkpoint && item.path.is_dir() && few_step_version(&path).is_some() {
            let version = item.path.join(FEW_STEPS).display().to_string();
            rows.push(row(
                &format!("{}/{FEW_STEPS}", item.name),
                format!("{}, few steps", item.what()),
                None,
                &version,
            ));
        }
    }
    let entries = Catalogue::open(data)?;
    let gone = entries.entries().iter().filter(|entry| !entry.path.exists());
    for Entry { name, path, .. } in gone {
        rows.push(row(name, "is no longer there".to_owned(), None, &path.display().to_string()));
    }
    let wide = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [wide(0).min(48), wide(1).min(72), wide(2)];
    let mut text = String::new();
    for [name, what, size, path] in &rows {
        writeln!(text, "{name:0$}  {what:1$}  {size:>2$}  {path}", widths[0], widths[1], widths[2])?;
    }
    let folders = entries.entries().iter().filter(|entry| entry.kind == Kind::Folder);
    for Entry { name, path, .. } in folders {
        writeln!(text, "Folder {name}: {}", path.display())?;
    }
    text += "`polyptych models add` remembers a folder of models (ComfyUI's, a web UI's), a checkpoint or a LoRA; all work by name, by part of it, and by path.\n";
    print(&text)
}

/// An item in one line: what it is, or why it is not used; the model it was made on; its hash; its trigger words.
fn told(item: &Item) -> String {
    if let Some(problem) = &item.problem {
        return format!("not used: {problem}");
    }
    let base = item.base.as_ref().map(|base| format!("made on {base}"));
    let words = (!item.words.is_empty()).then(|| format!("“{}”", item.words.join("”, “")));
    let all = [Some(item.what()), base, item.hash().map(str::to_owned), words];
    all.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn row(name: &str, what: String, bytes: Option<u64>, path: &str) -> [String; 4] {
    let size = bytes.map_or_else(String::new, |bytes| format!("{:.1} MB", bytes as f64 / 1e6));
    [name.to_owned(), what, size, path.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_reads_the_library_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let ink = folder.path().join("ink.safetensors");
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/lora/eps_peft.safetensors");
        std::fs::copy(golden, &ink).expect("copied");
        Catalogue::open(&data).expect("none yet").add(&ink).expect("added");
        let names = Names { data: Some(data.clone()), ..Names::default() };
        let found = names.resolve(&[Kind::Lora], "ink").expect("one");
        assert!(found.ends_with("ink.safetensors"), "{found}");
        Catalogue::open(&data).expect("a list").remove("ink").expect("there");
        assert_eq!(names.resolve(&[Kind::Lora], "ink").expect("one"), found, "as it was read");
        let mut document = Document::new(64, 64);
        assert_eq!(names.loras_for(&document), KnownLoras::default());
        document.background.prompt = "a fox <lora:ink>".to_owned();
        assert!(names.loras_for(&document).unknown_in(&document).is_empty());
    }

    #[test]
    fn paths_are_whole_and_names_of_what_is_inside_stay() {
        let here = std::env::current_dir().expect("a folder").join("a.safetensors").display().to_string();
        assert_eq!(whole("a.safetensors"), here);
        assert_eq!(whole(EMBEDDED), EMBEDDED);
        assert_eq!(
            whole(&format!("a.safetensors{PARTS_SEPARATOR}{EMBEDDED}")),
            format!("{here}{PARTS_SEPARATOR}{EMBEDDED}")
        );
    }
}
