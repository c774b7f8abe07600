//! Work on threads of its own (a slow disk or a broken portal never holds up the window), each piece with the function that takes in
//! what comes of it.

use egui::Context;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// The rest of a task, for the window's own thread: `A` is what it changes.
pub(in crate::app) type Rest<A> = Box<dyn FnOnce(&mut A) + Send>;

/// The tasks that are going on.
pub(in crate::app) struct Tasks<A> {
    sender: Sender<Rest<A>>,
    receiver: Receiver<Rest<A>>,
    running: usize,
    ctx: Context,
}

impl<A: 'static> Tasks<A> {
    pub(in crate::app) fn new(ctx: &Context) -> Self {
        let (sender, receiver) = channel();
        Self { sender, receiver, running: 0, ctx: ctx.clone() }
    }

    /// Begins a task on a thread of this name; `then` takes in its result, in a later frame.
    pub(in crate::app) fn begin<T: Send + 'static>(
        &mut self,
        name: &str,
        work: impl FnOnce() -> T + Send + 'static,
        then: impl FnOnce(&mut A, &Context, T) + Send + 'static,
    ) {
        let (sender, ctx) = (self.sender.clone(), self.ctx.clone());
        let run = move || {
            let result = work();
            // The receiver is gone only when the window is.
            let theirs = ctx.clone();
            sender.send(Box::new(move |whole| then(whole, &theirs, result))).ok();
            ctx.request_repaint();
        };
        match std::thread::Builder::new().name(name.to_owned()).spawn(run) {
            Ok(_) => self.running += 1,
            Err(error) => log::error!("no thread to {name}: {error}"),
        }
    }

    pub(in crate::app) fn is_busy(&self) -> bool {
        self.running > 0
    }

    /// What has finished since the last call, to be called in this order.
    pub(in crate::app) fn finished(&mut self) -> Vec<Rest<A>> {
        let finished: Vec<_> = self.receiver.try_iter().collect();
        self.running -= finished.len();
        finished
    }

    /// Waits for what finishes next, but not for ever.
    pub(in crate::app) fn wait(&mut self, most: Duration) -> Option<Rest<A>> {
        let rest = self.receiver.recv_timeout(most).ok()?;
        self.running -= 1;
        Some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_taken_in_by_who_asked() {
        let ctx = Context::default();
        let mut tasks: Tasks<Vec<u32>> = Tasks::new(&ctx);
        tasks.begin("add", || 1 + 1, |all, _, sum| all.push(sum));
        assert!(tasks.is_busy());
        let mut all = Vec::new();
        tasks.wait(Duration::from_secs(10)).expect("it ends")(&mut all);
        assert_eq!((all, tasks.is_busy(), tasks.finished().len()), (vec![2], false, 0));
    }
}
