//! Changes that are worked out on a thread beside the window, and what waits for them.

use crate::app::App;
use crate::app::editor::Made;
use crate::app::kit::background::Asked;
use crate::app::text::i18n::tr;

type Then = Box<dyn FnOnce(&mut App)>;

/// The change that is being worked out.
#[derive(Default)]
pub(in crate::app) struct Working {
    /// Its number, and what it makes.
    asked: Option<(u64, Asked<Option<Made>>)>,
    /// Functions to call once nothing is being worked out any more.
    then: Vec<Then>,
}

impl App {
    /// True while changes are being worked out.
    #[must_use]
    pub fn is_working(&self) -> bool {
        self.open.editor.is_working()
    }

    /// Does this once nothing is being worked out any more, so that nothing is left out of it.
    pub(in crate::app) fn once_worked_out(&mut self, then: impl FnOnce(&mut Self) + 'static) {
        if self.is_working() || self.open.editor.in_stroke() {
            self.open.work.then.push(Box::new(then));
        } else {
            then(self);
        }
    }

    /// Leaves every change that is not there yet.
    pub(in crate::app) fn leave_works(&mut self) {
        self.open.editor.leave_works();
    }

    /// Takes in what has been worked out, before anything is drawn of the frame: what is there is seen.
    pub(in crate::app) fn take_in_works(&mut self) {
        // A stroke belongs to the mask as it is.
        if self.open.editor.in_stroke() {
            return;
        }
        if let Some((number, asked)) = self.open.work.asked.take()
            && self.open.editor.next_work() == Some(number)
        {
            match asked.answer() {
                Ok(made) => {
                    self.open.editor.end_work(number, made);
                    self.model_chosen();
                }
                Err(Some(asked)) => self.open.work.asked = Some((number, asked)),
                Err(None) => self.work_failed(number),
            }
        }
        if !self.is_working() {
            for then in std::mem::take(&mut self.open.work.then) {
                then(self);
            }
        }
    }

    /// Begins to work out what comes next.
    pub(in crate::app) fn begin_works(&mut self, ctx: &egui::Context) {
        if !self.open.editor.in_stroke()
            && self.open.work.asked.is_none()
            && let Some(number) = self.open.editor.next_work()
            && let Some(work) = self.open.editor.begin_work()
        {
            self.open.work.asked = Asked::begin(ctx, "change", work).map(|asked| (number, asked));
            if self.open.work.asked.is_none() {
                self.work_failed(number);
            }
        }
    }

    fn work_failed(&mut self, number: u64) {
        self.open.editor.end_work(number, None);
        self.toasts.error(tr("The last change could not be worked out. Nothing was changed."));
    }
}
