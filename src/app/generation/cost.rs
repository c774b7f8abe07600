//! The cost of a run, told before it is started.

use crate::app::editor::Editor;
use crate::app::generation::engine::Engine;
use crate::app::generation::framed::Framed;
use crate::app::generation::job::duration;
use crate::app::kit::background::Asked;
use crate::app::kit::debounce::Settled;
use crate::app::text::i18n::{fill, tr};
use crate::studio::Estimate;
use std::time::Duration;

/// Estimates look at every mask, on a thread of their own, and wait until nothing has changed for so long.
const QUIET: Duration = Duration::from_millis(300);

/// The cost of the open document.
#[derive(Default)]
pub(in crate::app) struct Cost {
    /// The count of changes it was found out for, and the frame.
    of: Option<(u64, Option<Framed>)>,
    /// The same, now.
    settled: Settled<(u64, Option<Framed>)>,
    /// The estimate that another thread is working on.
    asked: Option<Asked<Option<Estimate>>>,
    text: Option<String>,
    /// How long it takes, where that is known.
    time: Option<String>,
    /// It will take so long that a person should know before.
    long: bool,
}

/// Seconds from which on a picture takes long.
const LONG: f32 = 1800.0;
/// Passes that take as long on all but the fastest machines, where this one has not told yet how fast it is.
const MANY: usize = 20_000;

impl Cost {
    /// Follows the document, or the part of its canvas that is drawn next.
    pub(in crate::app) fn update(
        &mut self,
        ctx: &egui::Context,
        editor: &Editor,
        framed: Option<Framed>,
        engine: &dyn Engine,
    ) {
        let changes = (editor.changes(), framed);
        if let Some(asked) = self.asked.take() {
            match asked.answer() {
                Ok(estimate) => {
                    // (Nothing may change yet, or what may is being painted.)
                    let estimate = estimate.filter(|estimate| estimate.unet_samples > 0);
                    self.long = estimate.is_some_and(|e| e.seconds.map_or(e.unet_samples > MANY, |s| s > LONG));
                    self.time = estimate.and_then(|e| Some(fill("about {0}", &[&duration(e.seconds?)])));
                    self.text = estimate.map(text);
                }
                Err(asked) => self.asked = asked,
            }
        }
        if self.of == Some(changes) || self.asked.is_some() {
            return;
        }
        let left = self.settled.left(changes, QUIET);
        if self.of.is_some() && !left.is_zero() {
            ctx.request_repaint_after(left);
            return;
        }
        self.of = Some(changes);
        let Some(estimator) = engine.estimator() else { return };
        let document = editor.document().clone();
        self.asked = Asked::begin(ctx, "cost", move || match framed {
            Some(framed) => estimator(&framed.document(&document)?, Some(framed.frame.into())),
            None => estimator(&document, None),
        });
    }

    /// Asks again: a run has told how fast this machine is.
    pub(in crate::app) fn forget(&mut self) {
        self.of = None;
    }

    /// True where it will take so long that a person should know before.
    #[must_use]
    pub(in crate::app) fn is_long(&self) -> bool {
        self.long
    }

    /// The time alone, where that is known: it is what a person asks first.
    #[must_use]
    pub(in crate::app) fn time(&self) -> Option<&str> {
        self.time.as_deref()
    }

    /// In words.
    #[must_use]
    pub(in crate::app) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }
}

fn text(estimate: Estimate) -> String {
    let windows = match estimate.windows {
        1 => tr("1 window").to_owned(),
        n => fill("{0} windows", &[&n]),
    };
    let time = match estimate.seconds {
        Some(seconds) => fill(" · about {0}", &[&duration(seconds)]),
        None if estimate.unet_samples > MANY => tr(" · perhaps hours").to_owned(),
        None => String::new(),
    };
    fill("{0} × {1} steps · {2} passes{3}", &[&windows, &estimate.steps, &estimate.unet_samples, &time])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_one_line() {
        let estimate =
            Estimate { windows: 6, steps: 20, unet_samples: 1320, unet_samples_shallow: 0, seconds: Some(8.4) };
        assert_eq!(text(estimate), "6 windows × 20 steps · 1320 passes · about 9 s");
        let estimate = Estimate { windows: 1, steps: 4, unet_samples: 8, unet_samples_shallow: 0, seconds: None };
        assert_eq!(text(estimate), "1 window × 4 steps · 8 passes");
        let estimate =
            Estimate { windows: 3721, steps: 20, unet_samples: 74420, unet_samples_shallow: 0, seconds: None };
        assert_eq!(text(estimate), "3721 windows × 20 steps · 74420 passes · perhaps hours");
    }
}
