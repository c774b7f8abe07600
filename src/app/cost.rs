//! What a run will cost, told before it is started.

use super::Editor;
use super::engine::Engine;
use super::job::duration;
use super::texts::{fill, tr};
use crate::studio::Estimate;
use std::time::{Duration, Instant};

/// Estimates look at every mask, so they wait until nothing has changed for so long.
const QUIET: Duration = Duration::from_millis(300);

/// The cost of the open document.
#[derive(Default)]
pub struct Cost {
    /// The count of changes it was found out for.
    of: Option<u64>,
    /// The count of changes last seen, and since when.
    seen: Option<(u64, Instant)>,
    text: Option<String>,
}

impl Cost {
    /// Follows the document.
    pub fn update(&mut self, ctx: &egui::Context, editor: &Editor, engine: &dyn Engine) {
        let changes = editor.changes();
        if self.of == Some(changes) {
            return;
        }
        let now = Instant::now();
        let since = match self.seen {
            Some((seen, since)) if seen == changes => since,
            _ => {
                self.seen = Some((changes, now));
                now
            }
        };
        let waited = now - since;
        if self.of.is_some() && waited < QUIET {
            ctx.request_repaint_after(QUIET - waited);
            return;
        }
        self.of = Some(changes);
        self.text = engine.estimate(editor.document()).map(text);
    }

    /// Asks again: a run has told how fast this machine is.
    pub fn forget(&mut self) {
        self.of = None;
    }

    /// In words.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }
}

fn text(estimate: Estimate) -> String {
    let windows = match estimate.windows {
        1 => tr("1 window").to_owned(),
        n => fill("{0} windows", &[&n]),
    };
    let time = estimate.seconds.map(|s| fill(" · about {0}", &[&duration(s)])).unwrap_or_default();
    fill("{0} × {1} steps · {2} passes{3}", &[&windows, &estimate.steps, &estimate.unet_samples, &time])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_one_line() {
        let estimate = Estimate { windows: 6, steps: 20, unet_samples: 1320, seconds: Some(8.4) };
        assert_eq!(text(estimate), "6 windows × 20 steps · 1320 passes · about 9 s");
        let estimate = Estimate { windows: 1, steps: 4, unet_samples: 8, seconds: None };
        assert_eq!(text(estimate), "1 window × 4 steps · 8 passes");
    }
}
