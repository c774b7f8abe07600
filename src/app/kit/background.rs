//! Something that is being found out on a thread of its own.

use std::sync::mpsc::{Receiver, TryRecvError, channel};

/// An answer on its way.
pub(in crate::app) struct Asked<T>(Receiver<T>);

impl<T: Send + 'static> Asked<T> {
    /// Finds it out on a thread of this name, and draws a frame once it is known; `None` (told in the log) where there is no
    /// thread to be had.
    pub(in crate::app) fn begin(
        ctx: &egui::Context,
        name: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<Self> {
        let (sender, receiver) = channel();
        let ctx = ctx.clone();
        let run = move || {
            // Nobody waits where another document has been opened since.
            sender.send(work()).ok();
            ctx.request_repaint();
        };
        match std::thread::Builder::new().name(name.to_owned()).spawn(run) {
            Ok(_) => Some(Self(receiver)),
            Err(error) => {
                log::error!("no thread for {name}: {error}");
                None
            }
        }
    }

    /// The answer; else the question back, or nothing where its thread has ended without one.
    pub(in crate::app) fn answer(self) -> Result<T, Option<Self>> {
        match self.0.try_recv() {
            Ok(answer) => Ok(answer),
            Err(TryRecvError::Empty) => Err(Some(self)),
            Err(TryRecvError::Disconnected) => Err(None),
        }
    }
}
