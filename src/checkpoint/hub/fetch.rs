//! Fetching files: what has come of one lies in NAME.part until it is whole and its hash is right, and a cut goes on from there.

use super::{Error, Hub, Plan, RemoteFile, Repository, Result};
use crate::checkpoint::sha256_of;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Tries in a row that may bring nothing new.
const TRIES: u32 = 4;

/// Bytes read at a time.
const CHUNK: usize = 1 << 16;

/// Bytes that a disk keeps free.
const SPARE: u64 = 64 << 20;

/// How far a fetch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are there, of all files.
    pub done: u64,
    /// Bytes of all files.
    pub total: u64,
    /// Whether a whole file's hash is being computed.
    pub checking: bool,
}

impl Plan {
    /// Fetches the files into `folder/OWNER/NAME` and returns the path of the model: of its file, or of the checkpoint's folder. Files
    /// that are there stay. `report` says whether to go on.
    ///
    /// # Errors
    /// If the disk has no room, the server refuses or is cut off for good, a file came damaged or cannot be written, or `report` said no.
    pub fn fetch(&self, hub: &Hub, folder: &Path, report: &mut dyn FnMut(Progress) -> bool) -> Result<PathBuf> {
        let home = folder.join(self.repository.name());
        std::fs::create_dir_all(&home).map_err(|source| written(&home, source))?;
        let there = |file: &RemoteFile| {
            let path = home.join(&file.path);
            [part_of(&path), path].iter().filter_map(|path| std::fs::metadata(path).ok()).map(|data| data.len()).max()
        };
        let total = self.bytes();
        let missing: u64 = self.files.iter().map(|file| file.bytes.saturating_sub(there(file).unwrap_or(0))).sum();
        room_for(&home, missing)?;
        let mut before = 0;
        for file in &self.files {
            let path = home.join(&file.path);
            let mut tell =
                |done: u64, checking| report(Progress { done: before + done.min(file.bytes), total, checking });
            fetch(hub, &self.repository, file, &path, &mut tell)?;
            before += file.bytes;
        }
        match self.files.first() {
            Some(file) if !self.is_folder => Ok(home.join(&file.path)),
            _ => Ok(home),
        }
    }
}

fn written(path: &Path, source: std::io::Error) -> Error {
    Error::Write { file: path.display().to_string(), source }
}

fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

fn room_for(folder: &Path, bytes: u64) -> Result<()> {
    let needed = if bytes == 0 { 0 } else { bytes + SPARE };
    match fs4::available_space(folder) {
        Ok(free) if free < needed => Err(Error::NoRoom {
            folder: folder.display().to_string(),
            free: free / 1_000_000,
            needed: needed.div_ceil(1_000_000),
        }),
        // A system that does not tell is no reason to stop.
        _ => Ok(()),
    }
}

/// Fetches one file, unless it is there.
fn fetch(
    hub: &Hub,
    repository: &Repository,
    file: &RemoteFile,
    path: &Path,
    report: &mut dyn FnMut(u64, bool) -> bool,
) -> Result<()> {
    if std::fs::metadata(path).is_ok_and(|data| data.is_file() && data.len() == file.bytes) {
        return if report(file.bytes, false) { Ok(()) } else { Err(Error::Cancelled) };
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|source| written(folder, source))?;
    }
    let part = part_of(path);
    let mut out = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&part)
        .map_err(|source| written(&part, source))?;
    let (mut furthest, mut tries) = (0, 0);
    while let Some(reason) = go_on(hub, repository, file, (&part, &mut out), report)? {
        let done = out.metadata().map_err(|source| written(&part, source))?.len();
        tries = if done > furthest { 0 } else { tries + 1 };
        furthest = furthest.max(done);
        if tries >= TRIES {
            let [done, total] = [furthest, file.bytes].map(|bytes| bytes / 1_000_000);
            return Err(Error::Cut { file: file.path.clone(), done, total, reason });
        }
        std::thread::sleep(hub.pause * tries);
        if !report(done, false) {
            return Err(Error::Cancelled);
        }
    }
    out.sync_all().map_err(|source| written(&part, source))?;
    drop(out);
    if let Some(expected) = &file.sha256 {
        let damaged = |_| Error::Damaged { file: file.path.clone() };
        match sha256_of(&part, || report(file.bytes, true)).map_err(damaged)? {
            Some(found) if found == *expected => {}
            Some(_) => {
                std::fs::remove_file(&part).map_err(|source| written(&part, source))?;
                return Err(Error::Damaged { file: file.path.clone() });
            }
            None => return Err(Error::Cancelled),
        }
    }
    std::fs::rename(&part, path).map_err(|source| written(path, source))
}

/// One try: reads on from where the last one ended. `None` where the file is whole, else why it is not.
fn go_on(
    hub: &Hub,
    repository: &Repository,
    file: &RemoteFile,
    (part, out): (&Path, &mut File),
    report: &mut dyn FnMut(u64, bool) -> bool,
) -> Result<Option<String>> {
    let failed = |source| written(part, source);
    let mut done = out.metadata().map_err(failed)?.len();
    if done > file.bytes {
        out.set_len(0).map_err(failed)?;
        done = 0;
    }
    if done == file.bytes {
        return Ok(None);
    }
    let what = format!("{}:{}", repository.name(), file.path);
    let mut answer = match hub.get(&hub.address(repository, &file.path), done) {
        Ok(answer) => answer,
        Err(Error::Unreachable { reason, .. }) => return Ok(Some(reason)),
        Err(error) => return Err(error),
    };
    let status = answer.status();
    let begins = || {
        let range = answer.headers().get("content-range")?.to_str().ok()?;
        range.strip_prefix("bytes ")?.split('-').next()?.trim().parse::<u64>().ok()
    };
    match status.as_u16() {
        206 if begins() == Some(done) => {}
        // The whole file, or none of what was asked for: from the beginning.
        200 => done = 0,
        206 | 416 => {
            out.set_len(0).map_err(failed)?;
            return Ok(Some("the server lost its place".to_owned()));
        }
        _ => match hub.refused(&what, status) {
            Some(Error::Unreachable { reason, .. }) => return Ok(Some(reason)),
            Some(error) => return Err(error),
            None => return Ok(Some(format!("it answers {status}"))),
        },
    }
    out.set_len(done).map_err(failed)?;
    out.seek(SeekFrom::Start(done)).map_err(failed)?;
    let mut body = answer.body_mut().as_reader();
    let mut chunk = vec![0; CHUNK];
    while done < file.bytes {
        if !report(done, false) {
            return Err(Error::Cancelled);
        }
        match body.read(&mut chunk) {
            Ok(0) => return Ok(Some("the connection was closed".to_owned())),
            Ok(read) => {
                let wanted = usize::try_from(file.bytes - done).map_or(read, |left| left.min(read));
                out.write_all(chunk.get(..wanted).unwrap_or_default()).map_err(failed)?;
                done += wanted as u64;
            }
            Err(error) => return Ok(Some(error.to_string())),
        }
    }
    Ok(None)
}
