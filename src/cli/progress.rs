//! The progress bar on stderr.

use super::console::tell;
use std::io::IsTerminal as _;

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

    /// Shows what is being done, before there are steps to count.
    pub(super) fn say(&mut self, text: &str) {
        if !self.quiet && self.terminal {
            self.redraw(&format!("{text}…"));
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
            self.redraw(&text);
        } else {
            tell(&format!("{text}\n"));
        }
    }

    fn redraw(&mut self, text: &str) {
        tell(&format!("\r\x1b[2K{text}"));
        self.drawn = true;
    }

    /// Takes the bar away, so that what follows stands on a line of its own.
    pub(super) fn clear(&mut self) {
        if self.drawn {
            tell("\r\x1b[2K");
            self.drawn = false;
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}
