//! What can be done with finished pictures.

use crate::app::App;
use crate::app::command::Command;
use crate::app::generation::job::Finished;
use crate::app::generation::takes::{Item, Wish};
use crate::app::panels::takes::Compare;
use crate::app::text::i18n::{fill, key, tr};
use crate::document::{Area, Document, InitImage, Settings, Take, TakeWay};
use crate::paint::soften;
use crate::studio;
use std::sync::Arc;

/// The least width, in canvas pixels, of the edge on which two pictures mix: a sharper one shows as a seam.
const EDGE: u32 = 8;

impl App {
    /// Takes in what the thread has done, and hands the document what its file is to hold.
    pub(in crate::app) fn update_takes(&mut self, ctx: &egui::Context) {
        let (ready, failed) = self.open.takes.update(ctx);
        if let Some(message) = failed {
            self.toasts.warning(fill("A finished picture in the file cannot be read: {0}", &[&message]));
        }
        if let Some((number, wish)) = ready {
            self.grant(number, wish);
        }
        if let Some((takes, notes)) = self.open.takes.for_file() {
            self.open.editor.set_packed_takes(takes, notes);
        }
        self.open.peek.follow(self.shown_take());
    }

    /// Does what a command asks for with the picture that is shown.
    pub(in crate::app) fn with_shown_take(&mut self, wish: Wish) {
        if let Some(number) = self.shown_take() {
            self.grant(number, wish);
        }
    }

    /// The number of the picture that is shown.
    pub(in crate::app) fn shown_take(&self) -> Option<u64> {
        self.open.takes.number_of(self.open.editor.document().take.as_ref())
    }

    /// Shows the next older (1) or newer (-1) picture.
    pub(in crate::app) fn step_take(&mut self, by: isize) {
        if let Some(number) = self.open.takes.neighbour(self.shown_take(), by) {
            self.grant(number, Wish::Show);
        }
    }

    /// Compares the shown picture with the one made before it.
    pub(in crate::app) fn compare_takes(&mut self) {
        if self.open.compare.take().is_some() {
            return;
        }
        let shown = self.shown_take();
        let other = self.open.takes.neighbour(shown, 1).or_else(|| self.open.takes.neighbour(shown, -1));
        match other.filter(|other| Some(*other) != shown) {
            Some(other) => self.grant(other, Wish::Compare),
            None => self.toasts.info(tr("There is only one picture yet. Make another one to compare them.")),
        }
    }

    /// Brings back the pictures that were taken away last, and shows the one of them that was shown.
    pub(in crate::app) fn bring_back_take(&mut self) {
        let shown = self.shown_take();
        let show = self.open.takes.bring_back(shown);
        self.open.editor.takes_changed();
        if let Some(number) = show {
            self.grant(number, Wish::Show);
        }
    }

    /// Takes pictures out of the strip, with the way back in a message where `told`.
    pub(super) fn remove_takes(&mut self, numbers: &[u64], told: bool) {
        let (before, shown) = (self.open.takes.len(), self.shown_take());
        let instead = self.open.takes.remove(numbers, shown);
        self.open.editor.takes_changed();
        match instead {
            Some(number) => self.grant(number, Wish::Show),
            None if shown.is_some_and(|shown| numbers.contains(&shown)) => self.open.editor.keep_take(None),
            None => {}
        }
        self.open.compare.take_if(|c| numbers.iter().any(|number| c.shows(*number)));
        if told {
            let text = removed(before - self.open.takes.len());
            self.toasts.offer(text, tr("Undo"), (self.open.editor.selected(), Command::BringBackTake));
        }
    }

    /// Gives pictures a star, or takes it from them.
    pub(super) fn star_takes(&mut self, numbers: &[u64], starred: bool) {
        self.open.takes.star(numbers, starred);
        self.open.editor.takes_changed();
    }

    /// True where the picture that is shown has a star.
    pub(in crate::app) fn shown_is_starred(&self) -> bool {
        self.shown_take().is_some_and(|number| self.open.takes.item(number).is_some_and(Item::is_starred))
    }

    pub(super) fn grant(&mut self, number: u64, wish: Wish) {
        match wish {
            Wish::Remove => return self.remove_takes(&[number], true),
            Wish::Star => {
                let starred = self.open.takes.item(number).is_some_and(Item::is_starred);
                return self.star_takes(&[number], !starred);
            }
            Wish::Name => return self.show_board(Some(number), true),
            Wish::Seed => {
                if let Some(seed) = self.open.takes.item(number).and_then(Item::seed) {
                    return self.set_seed(seed);
                }
            }
            Wish::Show | Wish::Restore | Wish::Start | Wish::Export | Wish::Compare | Wish::Inside | Wish::Peek => {}
        }
        let opened = self.open.takes.open(number, wish);
        let Some((take, document)) = opened.filter(|_| wish.needs_picture()) else { return };
        match wish {
            Wish::Show => self.show_take(take),
            Wish::Restore => self.restore(take, document),
            Wish::Start => self.start_from_take(&take),
            Wish::Export => self.ask_export(Some(Document { take: Some(take), ..document })),
            Wish::Compare => self.compare_with(number, &take),
            Wish::Inside => self.take_inside(take),
            Wish::Peek => self.peek_at(number, take),
            Wish::Seed | Wish::Star | Wish::Name | Wish::Remove => {}
        }
    }

    /// The document as it was when this picture was made; the strip stays as it is.
    fn restore(&mut self, take: Arc<Take>, document: Document) {
        self.finish_gesture();
        let settings = Settings { seed: take.seed, ..document.settings.clone() };
        let Document { extra, unknown, .. } = self.open.editor.document().clone();
        self.generation.live.put_away();
        let document = Document { take: Some(take), settings, extra, unknown, ..document };
        self.open.editor.restore_document(key("Bring back"), document);
    }

    /// Keeps a picture below the regions, to go on from.
    fn start_from_take(&mut self, take: &Take) {
        let document = self.open.editor.document();
        let image = InitImage::fitted(&take.image, document.width, document.height);
        self.open.editor.set_start(Some(InitImage {
            image: Arc::new(image),
            strength: InitImage::STRENGTH,
            area: Area::Everything,
        }));
        self.toasts.info(tr("The next picture starts from this one. Strength says how much of it becomes new."));
    }

    /// Lays a picture beside the one shown.
    fn compare_with(&mut self, number: u64, take: &Arc<Take>) {
        let Some(shown) = self.open.editor.document().take.clone() else {
            self.show_take(Arc::clone(take));
            return;
        };
        match &mut self.open.compare {
            Some(compare) => compare.set_other(number, take),
            None => self.open.compare = Some(Compare::new((self.shown_take(), &shown), (number, take))),
        }
    }

    /// Lays what this picture shows inside the selected region into the one that is shown, as a picture of its own.
    fn take_inside(&mut self, take: Arc<Take>) {
        let document = self.open.editor.document();
        let Some(region) = self.open.editor.selected_region() else {
            return self.toasts.info(tr("Select a region first."));
        };
        let Some(shown) = document.take.clone().filter(|shown| !Arc::ptr_eq(shown, &take)) else {
            return self
                .toasts
                .info(tr("Show another picture first: what is inside the region is taken over into it."));
        };
        if shown.image.dimensions() != take.image.dimensions() {
            return self.toasts.info(tr("The two pictures have different sizes."));
        }
        let (mask, edge, wrap) = (Arc::clone(&region.mask), region.feather.max(EDGE), document.settings.wrap);
        let document = document.without_takes();
        let seed = shown.seed;
        let mix = move || Arc::new(studio::inside(&shown.image, &take.image, &soften(&mask, edge, wrap)));
        self.tasks.begin("inside", mix, move |app, _, image| {
            app.add_take(Finished { take: Arc::new(Take { image, seed }), document, way: TakeWay::Mixed });
        });
    }

    /// Shows a finished picture and keeps it in the document.
    pub(in crate::app) fn show_take(&mut self, take: Arc<Take>) {
        let document = self.open.editor.document();
        if take.image.dimensions() == (document.width, document.height) {
            self.generation.live.put_away();
            self.open.editor.keep_take(Some(take));
        } else {
            self.toasts.info(tr("The canvas has another size now; the picture waits in the strip below."));
        }
    }

    /// Puts a picture that was just finished into the strip, and shows it.
    pub(super) fn add_take(&mut self, Finished { take, document, way }: Finished) {
        if self.open.takes.add(Arc::clone(&take), document, way) {
            let told = tr("There is no room for more pictures with a star: the oldest of them was let go.");
            self.toasts.warning(told);
        }
        self.show_take(take);
        self.workspace.finished_at = Some(self.open.editor.all_mask_changes());
    }
}

/// What is told when so many pictures were taken away.
fn removed(count: usize) -> String {
    if count == 1 { tr("The picture was removed.").to_owned() } else { fill("{0} pictures were removed.", &[&count]) }
}
