//! The system's own dialogs for files.

use crate::app::session::purpose::{Names, Purpose};
use std::path::{Path, PathBuf};

/// The file dialogs to use: the system's, or the studio's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileDialogs {
    /// The system's where it has any, else the studio's own.
    #[default]
    System,
    /// The studio's own.
    Own,
}

/// A question that the system's dialog asks: to be called on a thread of its own. `None` is "cancel".
pub(in crate::app) fn question(
    purpose: Purpose,
    folder: &Path,
    name: &str,
) -> impl FnOnce() -> Option<PathBuf> + Send + use<> {
    let mut dialog = rfd::FileDialog::new().set_title(purpose.title()).set_directory(folder);
    if !purpose.is_folder() {
        dialog = dialog.add_filter(purpose.kind(), purpose.endings());
    }
    if purpose.writes() {
        dialog = dialog.set_file_name(name);
    }
    move || match purpose.names() {
        Names::File => dialog.pick_file(),
        Names::NewFile => dialog.save_file(),
        Names::Folder => dialog.pick_folder(),
    }
}

/// True where asking the system for a file can work. On Linux that is a desktop portal on the session bus, or zenity;
/// rfd cannot tell "there is none" from "cancelled" (rfd 0.17), so it is found out before.
pub(in crate::app) fn there_are_any() -> bool {
    if cfg!(target_os = "macos") {
        // Its dialogs must be opened from the main thread.
        return false;
    }
    if !cfg!(all(unix, not(target_os = "macos"))) {
        return true;
    }
    let variable = |name| std::env::var_os(name).filter(|v: &std::ffi::OsString| !v.is_empty());
    let bus = variable("DBUS_SESSION_BUS_ADDRESS").is_some()
        || variable("XDG_RUNTIME_DIR").is_some_and(|d| Path::new(&d).join("bus").exists());
    let data = variable("XDG_DATA_DIRS").unwrap_or_else(|| "/usr/local/share:/usr/share".into());
    let service = "dbus-1/services/org.freedesktop.portal.Desktop.service";
    let portal = bus && std::env::split_paths(&data).any(|d| d.join(service).exists());
    let zenity = || std::env::split_paths(&variable("PATH").unwrap_or_default()).any(|d| d.join("zenity").is_file());
    portal || zenity()
}
