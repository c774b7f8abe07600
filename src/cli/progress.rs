//! The progress bar on stderr.

use std::io::{IsTerminal as _, Write as _};

const WIDTH: usize = 28;

/// A bar with time left: redrawn in place on a terminal, a line a step elsewhere.
pub(super) struct Bar {
    quiet: bool,
    terminal: bool,
    drawn: bool,
}

impl Bar {
    pub(super) fn new(quiet: bool) -> Self {
        Self { quiet, terminal: std::io::stderr().is_terminal(), drawn: false }
    }

    /// What is being done, before there are steps to count.
    pub(super) fn say(&mut self, text: &str) {
        if !self.quiet && self.terminal {
            eprint!("\r\x1b[2K{text}…");
            self.flush();
        }
    }

    pub(super) fn step(&mut self, done: usize, total: usize, seconds_left: f64) {
        if self.quiet {
            return;
        }
        let full = WIDTH * done / total.max(1);
        let bar = format!("{}{}", "█".repeat(full), "░".repeat(WIDTH - full));
        let text = format!("{bar} step {done} of {total} · {seconds_left:.0} s left");
        if self.terminal {
            eprint!("\r\x1b[2K{text}");
            self.flush();
        } else {
            eprintln!("{text}");
        }
    }

    fn flush(&mut self) {
        self.drawn = true;
        // A closed stderr is no reason to stop drawing.
        std::io::stderr().flush().ok();
    }

    /// Takes the bar away, so that what follows stands on a line of its own.
    pub(super) fn clear(&mut self) {
        if self.drawn {
            eprint!("\r\x1b[2K");
            self.flush();
            self.drawn = false;
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}
