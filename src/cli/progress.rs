//! The progress bar on stderr.

use super::console::tell;
use std::io::IsTerminal as _;

const WIDTH: usize = 28;

/// Bytes of a checkpoint from which its loading is told where there is no terminal, too.
const LARGE: u64 = 1 << 30;

/// A bar with time left: redrawn in place on a terminal, a line a step elsewhere.
pub(super) struct Bar {
    quiet: bool,
    terminal: bool,
    drawn: bool,
    /// Percentage of the checkpoint that was told last.
    loaded: u64,
}

impl Bar {
    pub(super) fn new(quiet: bool) -> Self {
        Self { quiet, terminal: std::io::stderr().is_terminal(), drawn: false, loaded: 0 }
    }

    /// Shows what is being done, before there are steps to count.
    pub(super) fn say(&mut self, text: &str) {
        if !self.quiet && self.terminal {
            self.redraw(&format!("{text}…"));
        }
    }

    /// Shows how much of the checkpoint is read: each percent on a terminal, each quarter of a large one elsewhere.
    pub(super) fn load(&mut self, done: u64, total: u64) {
        let each = if self.terminal { 1 } else { 25 };
        let percent = done * 100 / total.max(1) / each * each;
        if self.quiet || percent <= self.loaded || !(self.terminal || total >= LARGE) {
            return;
        }
        self.loaded = percent;
        let text = format!("Loading the checkpoint: {percent} % of {:.1} GB", total as f64 / 1e9);
        if self.terminal { self.redraw(&text) } else { tell(&format!("{text}\n")) }
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

    /// As [`Bar::step`], for bytes; on a terminal only.
    pub(super) fn bytes(&mut self, done: u64, total: u64, seconds_left: f64) {
        if self.quiet || !self.terminal {
            return;
        }
        let full = (WIDTH as u64 * done / total.max(1)).min(WIDTH as u64) as usize;
        let bar = format!("{}{}", "█".repeat(full), "░".repeat(WIDTH - full));
        let [done, total] = [done, total].map(|bytes| bytes as f64 / 1e6);
        self.redraw(&format!("{bar} {done:.0} of {total:.0} MB · {seconds_left:.0} s left"));
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
