//! Regions that come from a file, without their masks.

use crate::app::App;
use crate::app::text::i18n::{fill, tr};
use crate::document::{MAX_REGIONS, Palette};

impl App {
    /// Adds regions from a file; their masks are still to be painted.
    pub(in crate::app) fn take_palette(&mut self, palette: Palette) {
        let room = MAX_REGIONS.saturating_sub(self.editor.document().regions.len());
        let count = palette.regions.len().min(room);
        self.editor.add_palette(palette);
        self.cards.reveal();
        let text = match count {
            1 => tr("1 region was added. Paint where it shows.").to_owned(),
            _ => fill("{0} regions were added. Paint where they show.", &[&count]),
        };
        self.toasts.info(text);
    }
}
