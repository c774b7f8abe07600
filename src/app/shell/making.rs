//! Sending pictures to the worker, and taking in what it has made.

use crate::app::App;
use crate::app::command::Command;
use crate::app::editor::Field;
use crate::app::generation::checks::NOTHING_MAY_CHANGE;
use crate::app::generation::seed::new_seed;
use crate::app::text::i18n::{key, tr};
use crate::document::{Document, RegionId, TakeWay};

const NO_PICTURE: &str = key("A frame needs a picture to lie in: draw the whole canvas first.");

impl App {
    /// Sends the document as it is now to the worker, with as many seeds as pictures are wanted; `next` puts them before those
    /// that wait already.
    pub(in crate::app) fn generate(&mut self, next: bool) {
        self.generate_as(TakeWay::Drawn, next);
    }

    /// Why no picture can be made now, in words that are still to be translated.
    pub(super) fn held_up(&self) -> Option<&'static str> {
        let (editor, document) = (&self.open.editor, self.open.editor.document());
        let no_picture = document.take.is_none() && document.init_image.is_none();
        match () {
            () if editor.nothing_may_change() => Some(NOTHING_MAY_CHANGE),
            () if editor.frame().is_some() && no_picture => Some(NO_PICTURE),
            () => None,
        }
    }

    /// The same for a picture that comes about in another way than by drawing what is on the canvas.
    pub(super) fn generate_as(&mut self, way: TakeWay, next: bool) {
        if self.open.editor.nothing_may_change() {
            self.toasts.info(tr(NOTHING_MAY_CHANGE));
            return;
        }
        let document = self.open.editor.document();
        let seed = document.settings.seed;
        // (What lies in a frame grows from the picture on show, which is another each time.)
        let one = way == TakeWay::Drawn && self.prefs.batch.pictures < 2 && self.framed().is_none();
        if one && self.open.takes.has_made(&document.without_takes()) {
            let told = tr("Nothing has changed, so this becomes the same picture again. A new seed makes another.");
            let offer = (self.open.editor.selected(), Command::NewSeed);
            self.toasts.offer(told, tr("Another seed"), offer);
        }
        self.make(seed, (next, way), |document, seed| document.settings.seed = seed);
    }

    /// Sends the document with as many other seeds of a region that is drawn again; all of them keep the rest of one picture.
    pub(in crate::app) fn generate_again(&mut self, id: RegionId, seed: u64) {
        self.make(seed, (false, TakeWay::Drawn), move |document, seed| {
            if let Some(region) = document.region_mut(id) {
                region.reroll = Some(seed);
            }
        });
    }

    fn make(&mut self, seed: u64, (next, way): (bool, TakeWay), sow: impl Fn(&mut Document, u64) + 'static) {
        self.finish_gesture();
        if self.is_working() {
            return self.once_worked_out(move |app| app.make(seed, (next, way), sow));
        }
        let framed = self.framed();
        let drawn = match framed {
            Some(framed) => framed.document(self.open.editor.document()),
            None => Some(self.open.editor.document().without_takes()),
        };
        let Some(document) = drawn else {
            let whole = (self.open.editor.selected(), Command::FrameOff);
            let told = tr("There is no picture yet to draw a part of. Draw the whole canvas first.");
            return self.toasts.offer(told, tr("Whole canvas"), whole);
        };
        let frame = framed.map(|framed| framed.frame);
        let way = if frame.is_some() { TakeWay::Frame } else { way };
        match self.generation.make(&document, (frame, way), (self.prefs.batch, seed), next, sow) {
            Ok(()) => self.toasts.withdraw(|(_, offer)| *offer == Command::Generate),
            Err(told) => self.toasts.warning(told),
        }
    }

    /// Takes in what the worker has reported.
    pub(in crate::app) fn follow_jobs(&mut self) {
        for finished in self.generation.take_in(&mut self.toasts) {
            self.open.cost.forget();
            self.add_take(finished);
        }
    }

    pub(in crate::app) fn set_seed(&mut self, seed: u64) {
        self.open.editor.change_field(Field::Seed, |d| d.settings.seed = seed);
        self.open.editor.close_step();
    }

    /// Another seed by chance.
    pub(in crate::app) fn new_seed(&mut self) {
        self.set_seed(new_seed(self.open.editor.document().settings.seed));
    }
}
