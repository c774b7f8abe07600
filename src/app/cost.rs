//! What a run will cost, told before it is started.

use super::Editor;
use super::engine::Engine;
use super::job::duration;
use super::texts::{fill, tr};
use crate::studio::Estimate;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

/// Estimates look at every mask, on a thread of their own, and wait until nothing has changed for so long.
const QUIET: Duration = Duration::from_millis(300);

/// The cost of the open document.
#[derive(Default)]
pub struct Cost {
    /// The count of changes it was found out for.
    of: Option<u64>,
    /// The count of changes last seen, and since when.
    seen: Option<(u64, Instant)>,
    /// What is being found out on another thread.
    asked: Option<Receiver<Option<Estimate>>>,
    text: Option<String>,
}

impl Cost {
    /// Follows the document.
    pub fn update(&mut self, ctx: &egui::Context, editor: &Editor, engine: &dyn Engine) {
        let changes = editor.changes();
        if let Some(receiver) = self.asked.take() {
            match receiver.try_recv() {
                Ok(estimate) => self.text = estimate.map(text),
                Err(TryRecvError::Empty) => self.asked = Some(receiver),
                Err(TryRecvError::Disconnected) => {}
            }
        }
        if self.of == Some(changes) || self.asked.is_some() {
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
        let Some(estimator) = engine.estimator() else { return };
        let (sender, receiver) = channel();
        let (document, ctx) = (editor.document().clone(), ctx.clone());
        let work = move || {
            // Nobody waits where another document has been opened since.
            sender.send(estimator(&document)).ok();
            ctx.request_repaint();
        };
        match std::thread::Builder::new().name("cost".to_owned()).spawn(work) {
            Ok(_) => self.asked = Some(receiver),
            Err(error) => log::error!("no thread for the cost: {error}"),
        }
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
