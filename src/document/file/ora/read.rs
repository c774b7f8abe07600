//! Reading the container.

use super::super::project::Project;
use super::super::report::Report;
use super::super::stack::Stack;
use super::layers::{Layers, why};
use super::shapes::shapes;
use super::{
    BACKGROUND, CHANGE, MAX_TEXT, MERGED, MIMETYPE, NEGATIVE, PAINT, PROJECT, STACK, START, TAKE, THUMBNAIL,
    entry_problem, foreign, own, safe_name, zip_problem,
};
use crate::document::error::{one_line, reason};
use crate::document::{Document, MAX_REGIONS, Opened, Problem, check_canvas};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read as _, Seek};
use std::sync::Arc;
use zip::ZipArchive;
use zip::result::ZipError;

/// Entries beyond this many are no project.
const MAX_ENTRIES: usize = 4096;

/// Bytes of all unknown entries together.
const MAX_EXTRA: u64 = 1 << 29;

/// The result of reading a file.
pub(in crate::document) struct Read {
    pub(in crate::document) opened: Opened,
    /// The seed of a take whose pixels are elsewhere.
    pub(in crate::document) seed: Option<u64>,
}

/// Reads a project or a foreign OpenRaster file. The container, `stack.xml` and the canvas must be whole; what else is
/// damaged is left out and told.
pub(in crate::document) fn read<R: io::Read + Seek>(stream: R) -> Result<Read, Problem> {
    let mut archive = ZipArchive::new(stream).map_err(zip_problem)?;
    if archive.len() > MAX_ENTRIES {
        return Err(Problem::TooManyEntries(archive.len(), MAX_ENTRIES));
    }
    if archive.has_duplicate_names() {
        return Err(Problem::DuplicateEntries);
    }
    if let Some(kind) = entry(&mut archive, "mimetype", 256)? {
        let kind = String::from_utf8_lossy(&kind);
        if kind.trim() != MIMETYPE {
            return Err(Problem::OtherMimetype(one_line(kind.trim(), 80)));
        }
    }
    let stack = entry(&mut archive, STACK, MAX_TEXT as u64)?.ok_or_else(|| Problem::MissingEntry(STACK.to_owned()))?;
    let mut report = Report::default();
    let (project, has_project) = project(&mut archive, &mut report)?;
    // Beside the regions: the take, the picture to start from and its mask, and two background layers.
    let stack = Stack::parse(&stack, MAX_REGIONS + 5)?;
    let (width, height) = check_canvas(stack.width, stack.height)?;
    let mut document = Document::new(width, height);
    if has_project {
        let beside = project.as_ref().map(Project::beside_layers).unwrap_or_default();
        document.extra = extra_entries(&mut archive, &stack, &beside, &mut report);
    }
    let mut layers = Layers::new(archive, &stack, width, height);
    if !has_project && foreign::is_ours(&stack) {
        foreign::tell_trip(&mut report);
    } else if !has_project {
        foreign::start_from_merged(&mut layers, &mut document, &mut report);
    }
    report.few_lost(&stack.left_out);
    report.few(&stack.misread);
    let shapes = shapes(&stack, &mut layers, &mut report);
    let seed = project.as_ref().and_then(|project| Some(project.take.as_ref()?.seed));
    match project {
        Some(project) => own::fill(&shapes, project, &mut layers, &mut document, &mut report),
        None => foreign::fill(&shapes, &mut layers, &mut document, &mut report),
    }
    // The most serious first.
    foreign::tell_arrangement(&stack, &mut report);
    if !has_project {
        foreign::tell_program(&mut report);
    }
    let (notes, losses) = report.into_parts();
    Ok(Read { opened: Opened { document, notes, losses }, seed })
}

/// Reads `polyptych.json`, and says whether there is one. A damaged one is told: the layers alone open, since their names
/// carry the words.
fn project<R: io::Read + Seek>(
    archive: &mut ZipArchive<R>,
    report: &mut Report,
) -> Result<(Option<Project>, bool), Problem> {
    let parsed = match entry(archive, PROJECT, MAX_TEXT as u64) {
        Ok(None) => return Ok((None, false)),
        Ok(Some(bytes)) => Project::parse(&bytes),
        Err(problem) => Err(problem),
    };
    match parsed {
        Ok(project) => Ok((Some(project), true)),
        Err(Problem::Json(what) | Problem::Zip(what)) => {
            report.lost(format!(
                "{PROJECT} is damaged ({what}), so the layers alone were opened; style, settings, negative prompts of \
                 regions and the names of their cards are not there"
            ));
            Ok((None, true))
        }
        Err(problem) => Err(problem),
    }
}

/// The small picture inside a file, as PNG.
pub(in crate::document) fn thumbnail<R: io::Read + Seek>(stream: R) -> Result<Vec<u8>, Problem> {
    let mut archive = ZipArchive::new(stream).map_err(zip_problem)?;
    entry(&mut archive, THUMBNAIL, 1 << 22)?.ok_or_else(|| Problem::MissingEntry(THUMBNAIL.to_owned()))
}

/// Entries that neither the specification nor this version's project format knows. What of them is damaged, or more than
/// may be kept, is left out and told.
fn extra_entries<R: io::Read + Seek>(
    archive: &mut ZipArchive<R>,
    stack: &Stack,
    beside_layers: &[String],
    report: &mut Report,
) -> BTreeMap<String, Arc<[u8]>> {
    let known: BTreeSet<&str> =
        ["mimetype", STACK, PROJECT, MERGED, THUMBNAIL, TAKE, START, PAINT, CHANGE, BACKGROUND, NEGATIVE]
            .into_iter()
            .chain(stack.layers.iter().map(|layer| layer.src.as_str()))
            .chain(beside_layers.iter().map(String::as_str))
            .collect();
    let mut found = Vec::new();
    for name in archive.file_names() {
        match name {
            Ok(name) if known.contains(&*name) || name.ends_with('/') => {}
            Ok(name) if safe_name(&name) => found.push(name.into_owned()),
            Ok(name) => {
                report.lost(format!("the entry “{}” has no usable name and was left out", one_line(&name, 60)));
            }
            Err(_) => report.lost("an entry has no readable name and was left out".to_owned()),
        }
    }
    let mut left = MAX_EXTRA;
    let mut extra = BTreeMap::new();
    for name in found {
        match entry(archive, &name, left) {
            Ok(Some(bytes)) => {
                left -= bytes.len() as u64;
                extra.insert(name, bytes.into());
            }
            Ok(None) => {}
            Err(problem) => {
                let size = archive.by_name(&name).map_or(0, |file| file.size());
                left -= if size > left { 0 } else { size };
                let why = why(&problem);
                report.lost(format!("the entry “{}” was left out: {why}", one_line(&name, 60)));
            }
        }
    }
    extra
}

/// Reads a whole entry of at most `limit` bytes; `None` where there is none.
fn entry<R: io::Read + Seek>(archive: &mut ZipArchive<R>, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Problem> {
    let file = match archive.by_name(name) {
        Ok(file) => file,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(entry_problem(name, error)),
    };
    let size = file.size();
    if size > limit {
        return Err(Problem::EntryTooLarge { entry: one_line(name, 100), limit });
    }
    let mut bytes = Vec::new();
    file.take(size + 1).read_to_end(&mut bytes).map_err(|e| Problem::Zip(format!("{name}: {}", reason(&e))))?;
    if bytes.len() as u64 > size {
        return Err(Problem::Zip(format!("{name}: it unpacks to more than it says")));
    }
    Ok(Some(bytes))
}
