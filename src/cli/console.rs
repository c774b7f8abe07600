//! Standard output and standard error. Neither a closed nor a full one ends the program in a panic, as `println!` would.

use std::io::{self, ErrorKind, Write as _};

/// Nobody reads standard output any more (`polyptych info | head`): the program ends quietly and well.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads standard output any more")]
pub(super) struct Unread;

/// Writes what a command was asked for to standard output.
///
/// # Errors
/// [`Unread`] where its reader has gone; else what the system says, such as a full disk.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Unread.into()),
        Err(error) => Err(anyhow::anyhow!("standard output: cannot be written ({error}); check where it goes")),
    }
}

/// As [`print()`], with the line's end behind it.
pub(super) fn print_line(text: &str) -> anyhow::Result<()> {
    print(&format!("{text}\n"))
}

/// Writes progress, a warning or an error to standard error. Where nobody reads it, it is lost and the work goes on.
pub(super) fn tell(text: &str) {
    let mut stderr = io::stderr().lock();
    stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush()).ok();
}

/// As [`tell`], with the line's end behind it.
pub(super) fn tell_line(text: &str) {
    tell(&format!("{text}\n"));
}
