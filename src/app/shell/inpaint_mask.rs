//! The way to the inpaint mask, which says what may change of the picture to start from: it is painted with the tools like a region.

use crate::app::App;
use crate::app::canvas::ViewMode;
use crate::app::editor::Selected;
use crate::document::{Area, InitImage, Mask, RegionId};
use std::sync::Arc;

impl App {
    /// Lets the tools paint what may change, or the regions again. A picture that is begun with for this is drawn anew there.
    pub(in crate::app) fn paint_change(&mut self) {
        self.paint_change_at(1.0);
    }

    /// The same, with a strength for a picture that is begun with for this.
    pub(super) fn paint_change_at(&mut self, strength: f64) {
        self.finish_gesture();
        if self.open.editor.paints_change() {
            // Who leaves without having painted has changed nothing.
            let begun = self.open.change_begun.take();
            if begun == Some(self.open.editor.changes()) && self.open.editor.nothing_may_change() {
                self.open.editor.undo();
            }
            let top = Selected::uppermost(self.open.editor.document());
            self.open.editor.select(top);
            return;
        }
        let document = self.open.editor.document();
        let size = (document.width, document.height);
        let from_take = || {
            let image = InitImage::fitted(&document.take.as_ref()?.image, size.0, size.1);
            Some(InitImage { image: Arc::new(image), strength, area: Area::Everything })
        };
        let Some(start) = document.init_image.clone().or_else(from_take) else { return };
        if !matches!(start.area, Area::Mask(_)) {
            let nothing = Area::Mask(Arc::new(Mask::empty(size.0, size.1)));
            self.open.editor.set_start(Some(InitImage { area: nothing, ..start }));
            self.open.change_begun = Some(self.open.editor.changes());
        }
        self.open.editor.select(Selected::Region(RegionId::INPAINT));
        self.panels.cards.reveal();
        // What may change of a picture is painted on the picture.
        if self.workspace.view_mode == ViewMode::Regions {
            self.workspace.view_mode = ViewMode::Both;
        }
        self.take_what_paints();
    }
}
