//! Outputs: may this path be written, and how. One answer for every command and for the window, found before any work begins.
//!
//! | at the path | what is done |
//! |---|---|
//! | nothing, or a file | a whole file is written beside it and renamed over it |
//! | a link | it stays; the file is made, or replaced, where it points |
//! | a pipe, a terminal, `/dev/null`, a descriptor of a process (`/dev/stdout`) | it is written to and never replaced |
//! | a folder, a disk, a socket, a write-protected file | refused |
//! | a file that the same command reads, or writes already | refused |

use super::atomic::{self, folder_of};
use crate::document::{FileError, PictureFormat, Problem};
use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, Seek as _, Write as _};
use std::path::{Component, Path, PathBuf};

/// Links are followed this far, as Linux does.
const MOST_LINKS: usize = 40;

/// A place that may be written, found by [`Outputs::add`] or [`Output::at`].
#[derive(Debug)]
pub struct Output {
    /// The path as it was given, for errors.
    named: PathBuf,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// A file, there or not, behind all links.
    File(PathBuf),
    /// A pipe, a terminal or another descriptor, open for writing.
    Stream(File),
    Stdout,
}

/// A file whatever it is called: two paths of one identity are one file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Identity {
    #[cfg(unix)]
    Inode(u64, u64),
    Path(PathBuf),
    Stdout,
}

impl Output {
    /// The output at `path`, as the module's table says. A pipe is opened here, so this waits for its reader, as a shell does.
    ///
    /// # Errors
    /// One line naming the path, the fact and the remedy.
    pub fn at(path: &Path) -> Result<Self, FileError> {
        let place = place(path).map_err(|problem| FileError::new(path, problem))?;
        Ok(Self { named: path.to_path_buf(), place })
    }

    /// The program's standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self { named: PathBuf::from("standard output"), place: Place::Stdout }
    }

    /// True where what is written goes to the program's standard output.
    #[must_use]
    pub fn is_stdout(&self) -> bool {
        matches!(self.place, Place::Stdout)
    }

    /// True for a file that is written whole and has a name of its own; false for a stream.
    #[must_use]
    pub fn is_file(&self) -> bool {
        matches!(self.place, Place::File(_))
    }

    /// Writes what `write` makes: a file is replaced at once and whole; a stream gets it once all of it is made.
    ///
    /// # Errors
    /// The error of `write`, [`Problem::Write`] or [`Problem::Stream`], under the path's name. A file that was there is then as
    /// it was.
    pub fn write(&self, write: impl FnOnce(&mut BufWriter<File>) -> Result<(), Problem>) -> Result<(), FileError> {
        match &self.place {
            Place::File(target) => atomic::replace(target, write),
            Place::Stream(stream) => buffered(write, |made| io::copy(made, &mut &*stream).map(drop)),
            Place::Stdout => buffered(write, |made| {
                let mut stdout = io::stdout().lock();
                io::copy(made, &mut stdout)?;
                stdout.flush()
            }),
        }
        .map_err(|problem| FileError::new(&self.named, problem))
    }

    /// Finds out whether a file can be made in the folder, by making one.
    fn try_folder(&self) -> Result<(), Problem> {
        let Place::File(target) = &self.place else { return Ok(()) };
        atomic::beside(target).map(drop).map_err(Problem::Write)
    }

    fn identity(&self) -> Identity {
        match &self.place {
            Place::File(target) => identity(target),
            Place::Stream(stream) => stream.metadata().map_or_else(|_| identity(&self.named), |m| of(&m, &self.named)),
            // Redirected to a file it is that file.
            Place::Stdout => descriptor(&io::stdout()).filter(Metadata::is_file).map_or(Identity::Stdout, |m| {
                let no_name = Path::new("");
                match of(&m, no_name) {
                    Identity::Path(_) => Identity::Stdout,
                    known => known,
                }
            }),
        }
    }
}

/// All outputs of one command, and the inputs that none of them may be.
#[derive(Debug, Default)]
pub struct Outputs {
    inputs: Vec<Identity>,
    /// Folders of which every file is an input: checkpoints.
    folders: Vec<PathBuf>,
    outputs: Vec<Identity>,
}

impl Outputs {
    /// Outputs of something that reads these files, and whatever lies in these folders.
    pub fn reading<P: AsRef<Path>>(inputs: impl IntoIterator<Item = P>) -> Self {
        let mut all = Self::default();
        for input in inputs {
            let input = input.as_ref();
            match fs::canonicalize(input) {
                Ok(folder) if folder.is_dir() => all.folders.push(folder),
                Ok(_) => all.inputs.push(identity(input)),
                // What is not there cannot be harmed; that it is missing is told by who reads it.
                Err(_) => {}
            }
        }
        all
    }

    /// One more output.
    ///
    /// # Errors
    /// As [`Output::at`]; and where it is an input, another output, or in a place in which nothing can be written.
    pub fn add(&mut self, path: &Path) -> Result<Output, FileError> {
        let named = |problem| FileError::new(path, problem);
        // Before a pipe is opened.
        if let Some(known) = resolved(path).ok().map(|target| identity(&target)) {
            self.check(&known, path).map_err(named)?;
        }
        let output = Output::at(path)?;
        let identity = output.identity();
        self.check(&identity, path).map_err(named)?;
        output.try_folder().map_err(named)?;
        self.outputs.push(identity);
        Ok(output)
    }

    /// The program's standard output as one more output.
    ///
    /// # Errors
    /// If it is redirected to an input, or is an output already.
    pub fn add_stdout(&mut self) -> Result<Output, FileError> {
        let output = Output::stdout();
        let identity = output.identity();
        self.check(&identity, Path::new("")).map_err(|problem| FileError::new(&output.named, problem))?;
        self.outputs.push(identity);
        Ok(output)
    }

    fn check(&self, identity: &Identity, path: &Path) -> Result<(), Problem> {
        if self.inputs.contains(identity) || self.is_in_a_folder(path) {
            return Err(Problem::OutputIsInput);
        }
        if self.outputs.contains(identity) {
            return Err(Problem::OutputTwice);
        }
        Ok(())
    }

    /// True where a checkpoint's file would be replaced. Pictures beside its files are none of them.
    fn is_in_a_folder(&self, path: &Path) -> bool {
        let Ok(target) = fs::canonicalize(path) else { return false };
        let picture = PictureFormat::of_path(&target).is_some();
        target.is_file() && !picture && self.folders.iter().any(|folder| target.starts_with(folder))
    }
}

/// Replaces the file at `path` at once and whole, or writes to the stream there ([`Output::write`]).
///
/// # Errors
/// As [`Output::at`] and [`Output::write`].
pub fn replace_file(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), Problem>,
) -> Result<(), FileError> {
    Output::at(path)?.write(write)
}

/// Replaces a file by these bytes, as [`replace_file`] does.
///
/// # Errors
/// As [`replace_file`].
pub fn write_atomically(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), FileError> {
    replace_file(path.as_ref(), |file| file.write_all(bytes).map_err(Problem::Write))
}

/// Makes the whole in a file without a name, and hands that on once it is complete.
fn buffered(
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), Problem>,
    hand_on: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), Problem> {
    let mut writer = BufWriter::with_capacity(1 << 16, tempfile::tempfile().map_err(Problem::Write)?);
    write(&mut writer)?;
    let mut file = writer.into_inner().map_err(|error| Problem::Write(error.into_error()))?;
    file.rewind().map_err(Problem::Write)?;
    hand_on(&mut file).map_err(Problem::Stream)
}

fn place(path: &Path) -> Result<Place, Problem> {
    if path.as_os_str().as_encoded_bytes().last().is_some_and(|last| std::path::is_separator(char::from(*last))) {
        return Err(Problem::OutputIsFolder);
    }
    let target = resolved(path)?;
    let Some(found) = metadata(&target)? else {
        if target.file_name().is_none() {
            return Err(Problem::OutputIsFolder);
        }
        let folder = folder_of(&target);
        return if folder.is_dir() {
            Ok(Place::File(target))
        } else {
            Err(Problem::NoFolder(folder.display().to_string()))
        };
    };
    if is_descriptor(&target) {
        return stream(&target, true);
    }
    match Kind::of(&found) {
        Kind::File if found.permissions().readonly() => Err(Problem::Protected),
        Kind::File => Ok(Place::File(target)),
        Kind::Folder => Err(Problem::OutputIsFolder),
        Kind::Stream => stream(&target, false),
        Kind::Other => Err(Problem::NoOutput),
    }
}

/// Opens a stream; a descriptor of this process's standard output is that.
fn stream(target: &Path, descriptor: bool) -> Result<Place, Problem> {
    let own = Path::new("/proc/self/fd/1").parent().and_then(|own| fs::canonicalize(own).ok());
    if descriptor && target.file_name().is_some_and(|name| name == "1") && own.as_deref() == target.parent() {
        return Ok(Place::Stdout);
    }
    // A descriptor may be a file that its owner goes on writing: never over what is there.
    File::options().write(true).append(descriptor).open(target).map(Place::Stream).map_err(Problem::Stream)
}

/// The path behind all links, also where nothing is there yet; a descriptor's link is not followed.
fn resolved(path: &Path) -> Result<PathBuf, Problem> {
    let mut target = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        // The folder as the system knows it, so that a link's own folder is what its relative target counts from.
        if let (Some(name), Ok(folder)) = (target.file_name(), fs::canonicalize(folder_of(&target))) {
            target = folder.join(name);
        }
        let is_link = fs::symlink_metadata(&target).is_ok_and(|found| found.is_symlink());
        if !is_link || is_descriptor(&target) {
            return Ok(target);
        }
        let next = fs::read_link(&target).map_err(Problem::Write)?;
        target = folder_of(&target).join(next);
    }
    Err(Problem::Write(io::Error::other("its links go round in a circle")))
}

/// The metadata of a path; `None` where nothing is there. An impossible name is an error.
fn metadata(path: &Path) -> Result<Option<Metadata>, Problem> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        // A file where a folder should be.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(Problem::NoFolder(folder_of(path).display().to_string()))
        }
        Err(error) => Err(Problem::Write(error)),
    }
}

/// True in `/proc/N/fd`, where `/dev/stdout` and `/dev/fd/N` lead on Linux.
fn is_descriptor(path: &Path) -> bool {
    let Some(folder) = path.parent() else { return false };
    let mut parts = folder.components();
    parts.next() == Some(Component::RootDir)
        && parts.next() == Some(Component::Normal("proc".as_ref()))
        && parts.next().is_some()
        && parts.as_path() == Path::new("fd")
}

/// The kinds of things that can stand at an output's path.
enum Kind {
    File,
    Folder,
    Stream,
    /// A disk or a socket.
    Other,
}

impl Kind {
    fn of(found: &Metadata) -> Self {
        if found.is_file() {
            return Self::File;
        }
        if found.is_dir() {
            return Self::Folder;
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::FileTypeExt as _;
            let kind = found.file_type();
            if kind.is_fifo() || kind.is_char_device() {
                return Self::Stream;
            }
        }
        Self::Other
    }
}

fn identity(path: &Path) -> Identity {
    let target = resolved(path).unwrap_or_else(|_| path.to_path_buf());
    fs::metadata(&target).map_or_else(|_| Identity::Path(target.clone()), |found| of(&found, &target))
}

#[cfg(unix)]
fn of(found: &Metadata, _path: &Path) -> Identity {
    use std::os::unix::fs::MetadataExt as _;
    Identity::Inode(found.dev(), found.ino())
}

#[cfg(not(unix))]
fn of(_found: &Metadata, path: &Path) -> Identity {
    Identity::Path(path.to_path_buf())
}

#[cfg(unix)]
fn descriptor(stream: &impl std::os::fd::AsFd) -> Option<Metadata> {
    File::from(stream.as_fd().try_clone_to_owned().ok()?).metadata().ok()
}

#[cfg(not(unix))]
fn descriptor<T>(_stream: &T) -> Option<Metadata> {
    None
}
