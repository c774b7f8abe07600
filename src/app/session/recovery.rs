//! Autosave, and what it leaves for the next start after a crash.
//!
//! Every minute of unsaved change the document is written beside its project (or into the data folder, where it has none
//! or its folder cannot be written), under a name of its own: the project's file is only ever touched by Save. A record in
//! the data folder says what was kept where. Records carry the name of their session, whose lock file stays locked while it
//! runs: a record whose lock can be taken is what a crash left behind.

use crate::app::editor::{Editor, State};
use crate::document::{Document, FileError, Problem, write_atomically};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// The interval between copies of unsaved changes, unless another one is set.
const MINUTE: Duration = Duration::from_mins(1);
/// The longest time until the first copy of a document.
const FIRST: Duration = Duration::from_secs(15);

/// The record of a document's copy.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    /// Its project, if it had one.
    project: Option<PathBuf>,
    title: String,
    /// The path of the copy.
    copy: PathBuf,
    /// Sentences on what saving over the project would lose.
    #[serde(default)]
    losses: Vec<String>,
}

/// A document that a crash would have lost.
#[derive(Debug, Clone)]
pub(in crate::app) struct Lost {
    record: Record,
    /// The path of the record.
    at: PathBuf,
    when: SystemTime,
    /// It is to go; its files stay until the question about it is closed.
    thrown: bool,
    /// Keeps other windows from offering it too.
    lock: Arc<File>,
    /// The path of the lock.
    locked: PathBuf,
}

impl Lost {
    pub(in crate::app) fn title(&self) -> &str {
        &self.record.title
    }

    pub(in crate::app) fn project(&self) -> Option<&Path> {
        self.record.project.as_deref()
    }

    pub(in crate::app) fn copy(&self) -> &Path {
        &self.record.copy
    }

    /// True where it is to go.
    pub(in crate::app) fn is_thrown(&self) -> bool {
        self.thrown
    }

    /// Sentences on what saving over the project would lose.
    pub(in crate::app) fn losses(&self) -> &[String] {
        &self.record.losses
    }

    /// The time since it was written down.
    pub(in crate::app) fn age(&self) -> Duration {
        self.when.elapsed().unwrap_or_default()
    }
}

/// A copy that is to be written, and its path.
pub(in crate::app) struct Copy {
    pub document: Document,
    pub state: State,
    /// Names the copy: beside its project, or in the data folder.
    record: Record,
    /// The copy in the data folder, where none can be made beside the project.
    elsewhere: PathBuf,
    /// The record's own file.
    at: PathBuf,
}

/// Keeps the open document safe.
pub(in crate::app) struct Recovery {
    /// The folder of records; nothing is kept without.
    folder: Option<PathBuf>,
    every: Duration,
    session: String,
    lock: Option<File>,
    /// Locks of earlier sessions whose documents are open.
    held: Vec<(PathBuf, Arc<File>)>,
    /// Counts the documents of this session.
    number: u32,
    /// The state that was kept last.
    kept: Option<State>,
    /// Since when there is change that is not kept.
    since: Option<Instant>,
    running: bool,
    /// Copies and records that belong to the open document.
    ours: Vec<PathBuf>,
    /// Documents that earlier sessions left behind.
    pub lost: Vec<Lost>,
}

impl Recovery {
    /// Looks for what was left behind in the data folder, and makes ready to keep what is open.
    pub(in crate::app) fn new(data: Option<&Path>, every: Option<Duration>) -> Self {
        let folder = data.map(|data| data.join("recovery"));
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let session = format!("{}-{}", std::process::id(), since_1970.as_nanos());
        let lost = folder.as_deref().map(left_behind).unwrap_or_default();
        Self {
            folder,
            every: every.unwrap_or(MINUTE),
            session,
            lock: None,
            held: Vec::new(),
            number: 0,
            kept: None,
            since: None,
            running: false,
            ours: Vec::new(),
            lost,
        }
    }

    pub(in crate::app) fn is_running(&self) -> bool {
        self.running
    }

    /// The document in this state has changes: how long until they are due, `None` where they are kept already.
    pub(in crate::app) fn due_in(&mut self, state: State) -> Option<Duration> {
        if self.folder.is_none() || self.running || self.kept == Some(state) {
            return None;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        let wait = if self.kept.is_none() { self.every.min(FIRST) } else { self.every };
        Some(wait.saturating_sub(since.elapsed()))
    }

    /// Begins to keep a document; `None` (told once, in the log) where the data folder cannot be used.
    pub(in crate::app) fn begin(&mut self, editor: &Editor) -> Option<Copy> {
        let (document, state, project) = (editor.document(), editor.state(), editor.path());
        let folder = self.folder.clone()?;
        if self.lock.is_none() {
            match lock(&folder, &self.session) {
                Ok(file) => self.lock = Some(file),
                Err(error) => {
                    log::error!("nothing is autosaved: {} cannot be used ({error})", folder.display());
                    self.folder = None;
                    return None;
                }
            }
        }
        let name = format!("{}-{}", self.session, self.number);
        let beside = project.and_then(|path| Some((path.parent()?, path.file_stem()?)));
        let elsewhere = folder.join(format!("{name}.ora"));
        let copy = match beside {
            Some((parent, stem)) => parent.join(format!(".{}.{name}.autosave.ora", stem.to_string_lossy())),
            None => elsewhere.clone(),
        };
        let at = folder.join(format!("{name}.json"));
        for path in [&copy, &elsewhere, &at] {
            if !self.ours.contains(path) {
                self.ours.push(path.clone());
            }
        }
        self.running = true;
        let (title, losses) = (editor.title().to_owned(), editor.losses().to_vec());
        let record = Record { project: project.map(Path::to_path_buf), title, copy, losses };
        Some(Copy { document: document.clone(), state, record, elsewhere, at })
    }

    /// A copy has been written, or could not be.
    pub(in crate::app) fn finished(&mut self, state: State, copies: &[PathBuf], written: bool) {
        self.running = false;
        self.since = None;
        if copies.iter().any(|path| !self.ours.contains(path)) {
            // The document was saved or left meanwhile.
            remove(copies);
        } else {
            // What cannot be written is tried again after the next change, not every frame.
            self.kept = Some(state);
            if written {
                // A copy under an earlier name, or of an earlier session, is older than this one.
                let (ours, older) = std::mem::take(&mut self.ours).into_iter().partition(|path| copies.contains(path));
                self.ours = ours;
                remove(&older);
            }
        }
    }

    /// The open document is saved, or left: nothing of it needs to be kept.
    pub(in crate::app) fn forget(&mut self) {
        remove(&std::mem::take(&mut self.ours));
        (self.kept, self.since) = (None, None);
        self.number += 1;
    }

    /// The same where something was kept, or is about to be.
    pub(in crate::app) fn forget_if_any(&mut self) {
        if !self.ours.is_empty() || self.since.is_some() {
            self.forget();
        }
    }

    /// Takes over a document left behind that is open now; its copy stays until there is a newer one or it is saved.
    pub(in crate::app) fn adopt(&mut self, copy: &Path) {
        if let Some(at) = self.lost.iter().position(|lost| lost.copy() == copy) {
            let lost = self.lost.remove(at);
            self.ours.extend([lost.record.copy, lost.at]);
            // Locked until the studio ends: a second crash is one like the first.
            self.held.push((lost.locked, lost.lock));
        }
    }

    /// Throws a copy away, or takes that back.
    pub(in crate::app) fn throw_away(&mut self, copy: &Path, thrown: bool) {
        if let Some(lost) = self.lost.iter_mut().find(|lost| lost.copy() == copy) {
            lost.thrown = thrown;
        }
    }

    /// Removes what was thrown away.
    pub(in crate::app) fn sweep(&mut self) {
        let (gone, lost): (Vec<_>, Vec<_>) = std::mem::take(&mut self.lost).into_iter().partition(Lost::is_thrown);
        self.lost = lost;
        for lost in gone {
            remove(&[lost.record.copy, lost.at]);
        }
    }

    /// The studio is closed properly: nothing of this session stays behind.
    pub(in crate::app) fn end(&mut self) {
        self.forget();
        let held: Vec<PathBuf> = self.held.drain(..).map(|(path, _)| path).collect();
        remove(&held);
        if let Some(folder) = self.folder.take()
            && self.lock.take().is_some()
        {
            remove(&[folder.join(format!("{}.lock", self.session))]);
        }
    }
}

/// Takes the lock of a session; it is free again when the file is closed, however the program ends.
fn lock(folder: &Path, session: &str) -> std::io::Result<File> {
    fs::create_dir_all(folder)?;
    let file = File::create(folder.join(format!("{session}.lock")))?;
    file.try_lock()?;
    Ok(file)
}

/// True where files can be made in a folder.
fn is_writable(folder: &Path) -> bool {
    folder.as_os_str().is_empty() || tempfile::tempfile_in(folder).is_ok()
}

fn remove(paths: &[PathBuf]) {
    for path in paths {
        if let Err(error) = fs::remove_file(path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            log::warn!("{} stays behind: {error}", path.display());
        }
    }
}

/// Finds documents of sessions that did not end properly, the newest first, and removes traces of those that left nothing.
fn left_behind(folder: &Path) -> Vec<Lost> {
    let names: Vec<PathBuf> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    let ends = |path: &Path, ending: &str| path.extension().is_some_and(|e| e == ending);
    let mut locks: HashMap<PathBuf, Arc<File>> = HashMap::new();
    for path in names.iter().filter(|path| ends(path, "lock")) {
        if let Ok(file) = File::open(path)
            && file.try_lock().is_ok()
        {
            locks.insert(path.clone(), Arc::new(file));
        }
    }
    let mut lost = Vec::new();
    for at in names.iter().filter(|path| ends(path, "json")) {
        let session = at.file_stem().and_then(|stem| Some(stem.to_str()?.rsplit_once('-')?.0.to_owned()));
        let locked = session.map(|session| folder.join(format!("{session}.lock")));
        let Some((locked, lock)) = locked.and_then(|path| Some((path.clone(), locks.get(&path)?))) else { continue };
        let record = fs::read(at).ok().and_then(|bytes| serde_json::from_slice::<Record>(&bytes).ok());
        match record.and_then(|record| Some((fs::metadata(&record.copy).ok()?.modified().ok()?, record))) {
            Some((when, record)) => {
                lost.push(Lost { record, at: at.clone(), when, thrown: false, lock: Arc::clone(lock), locked });
            }
            // The crash came before the copy was whole.
            None => remove(std::slice::from_ref(at)),
        }
    }
    for (path, lock) in locks {
        if !lost.iter().any(|lost| Arc::ptr_eq(&lost.lock, &lock)) {
            remove(&[path]);
        }
    }
    lost.sort_by_key(|lost| std::cmp::Reverse(lost.when));
    lost
}

/// Writes a copy, its record first: a copy without one would lie about for ever. Beside its project where files can be made
/// there, else in the data folder. Runs on a thread of its own.
pub(in crate::app) fn write(copy: &mut Copy) -> Result<(), FileError> {
    if !copy.record.copy.parent().is_some_and(is_writable) {
        copy.record.copy.clone_from(&copy.elsewhere);
    }
    let unwritten = |error: serde_json::Error| FileError::new(&copy.at, Problem::Write(error.into()));
    write_atomically(&copy.at, &serde_json::to_vec(&copy.record).map_err(unwritten)?)?;
    copy.document.save(&copy.record.copy)
}

impl Copy {
    /// The files it consists of.
    pub(in crate::app) fn files(&self) -> Vec<PathBuf> {
        vec![self.record.copy.clone(), self.at.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(recovery: &mut Recovery, project: Option<&Path>) -> Copy {
        let mut document = Document::new(64, 64);
        document.background.prompt = "a lake".to_owned();
        let mut copy = recovery.begin(&Editor::recovered(document, project, "Lake")).expect("a folder");
        write(&mut copy).expect("written");
        recovery.finished(copy.state, &copy.files(), true);
        copy
    }

    #[test]
    fn what_a_crash_leaves_is_found_and_what_runs_is_not() {
        let data = tempfile::tempdir().expect("a folder");
        let mut first = Recovery::new(Some(data.path()), None);
        let copy = kept(&mut first, None);
        assert!(Recovery::new(Some(data.path()), None).lost.is_empty(), "the first still runs");
        drop(first);
        let second = Recovery::new(Some(data.path()), None);
        assert_eq!(second.lost.len(), 1);
        assert_eq!(second.lost[0].title(), "Lake");
        assert_eq!(Document::open(second.lost[0].copy()).expect("whole"), copy.document);
        assert!(Recovery::new(Some(data.path()), None).lost.is_empty(), "the second offers it already");
    }

    #[test]
    fn a_proper_end_leaves_nothing() {
        let data = tempfile::tempdir().expect("a folder");
        let beside = tempfile::tempdir().expect("a folder");
        let mut recovery = Recovery::new(Some(data.path()), None);
        let copy = kept(&mut recovery, Some(&beside.path().join("lake.ora")));
        assert_eq!(copy.record.copy.parent(), Some(beside.path()), "beside the project");
        recovery.end();
        let left = |folder: &Path| fs::read_dir(folder).expect("there").count();
        assert_eq!((left(beside.path()), left(&data.path().join("recovery"))), (0, 0));
    }

    #[test]
    fn what_was_brought_back_is_kept_until_there_is_a_newer_copy() {
        let data = tempfile::tempdir().expect("a folder");
        let copy = kept(&mut Recovery::new(Some(data.path()), None), None);
        let mut second = Recovery::new(Some(data.path()), None);
        second.adopt(&copy.record.copy);
        drop(second);
        let mut third = Recovery::new(Some(data.path()), None);
        assert_eq!(third.lost.len(), 1, "a second crash loses nothing");
        third.adopt(&copy.record.copy);
        let newer = kept(&mut third, None);
        assert!(!copy.record.copy.exists() && newer.record.copy.exists());
        third.forget();
        assert!(!newer.record.copy.exists());
        drop(third);
        assert!(Recovery::new(Some(data.path()), None).lost.is_empty());
    }

    #[test]
    fn a_copy_that_is_finished_too_late_goes() {
        let data = tempfile::tempdir().expect("a folder");
        let mut recovery = Recovery::new(Some(data.path()), None);
        let mut copy = recovery.begin(&Editor::new(Document::new(64, 64), "Lake")).expect("a folder");
        recovery.forget();
        write(&mut copy).expect("written");
        recovery.finished(copy.state, &copy.files(), true);
        assert!(!copy.record.copy.exists() && !copy.at.exists());
    }
}
