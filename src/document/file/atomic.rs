//! Replacing a file so that at every moment either the old or the new one is there, whole.

use crate::document::Problem;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use tempfile::NamedTempFile;

/// Writes a file beside `target`, flushes it to the disk and renames it over `target`, which is no link.
///
/// If `write` or anything after it fails, the file that was there stays as it was and nothing is left beside it. The
/// permissions of a replaced file are kept.
pub(super) fn replace(
    target: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let beside = beside(target).map_err(Problem::Write)?;
    if let Ok(old) = fs::metadata(target) {
        fs::set_permissions(beside.path(), old.permissions()).map_err(Problem::Write)?;
    }
    let (file, beside) = beside.into_parts();
    let mut writer = BufWriter::with_capacity(1 << 16, file);
    write(&mut writer)?;
    writer.flush().map_err(Problem::Write)?;
    let file = writer.into_inner().map_err(|error| Problem::Write(error.into_error()))?;
    file.sync_all().map_err(Problem::Write)?;
    drop(file);
    beside.persist(target).map_err(|error| Problem::Write(error.error))?;
    #[cfg(unix)]
    if let Ok(folder) = File::open(folder_of(target)) {
        // The new name is on the disk when the folder is; where a file system cannot do this the rename still holds.
        folder.sync_all().ok();
    }
    Ok(())
}

/// A new file in the folder of `target`, which goes again unless it is renamed.
pub(super) fn beside(target: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".polyptych-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The umask takes its share of this, as for any new file.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder_of(target))
}

/// The folder in which a path lies.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
