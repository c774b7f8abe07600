//! Replacing a file so that at every moment either the old or the new one is there, whole.

use crate::document::{FileError, Problem};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// Writes a file beside `path`, flushes it to the disk and renames it over `path`.
///
/// Where `write` or anything after it fails, the file that was at `path` stays as it was and nothing is left beside it.
/// A link at `path` is followed, and the rights of a replaced file are kept.
///
/// # Errors
/// What `write` returns, under the name of `path`, or [`Problem::Write`].
pub fn replace_file(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), Problem>,
) -> Result<(), FileError> {
    let failed = |error: io::Error| FileError::new(path, Problem::Write(error));
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    if target.is_dir() {
        return Err(failed(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")));
    }
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".polyptych-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The umask takes its share of this, as for any new file.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let beside = builder.tempfile_in(&folder).map_err(failed)?;
    if let Ok(old) = fs::metadata(&target) {
        fs::set_permissions(beside.path(), old.permissions()).map_err(failed)?;
    }
    let (file, beside) = beside.into_parts();
    let mut writer = BufWriter::with_capacity(1 << 16, file);
    write(&mut writer).map_err(|problem| FileError::new(path, problem))?;
    writer.flush().map_err(failed)?;
    let file = writer.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    drop(file);
    beside.persist(&target).map_err(|error| failed(error.error))?;
    #[cfg(unix)]
    if let Ok(folder) = File::open(&folder) {
        // The new name is on the disk when the folder is; where a file system cannot do this the rename still holds.
        folder.sync_all().ok();
    }
    Ok(())
}

/// Replaces a file by these bytes, as [`replace_file`] does.
///
/// # Errors
/// [`Problem::Write`].
pub fn write_atomically(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), FileError> {
    replace_file(path.as_ref(), |file| file.write_all(bytes).map_err(Problem::Write))
}
