//! The inpaint mask, which says what may change of the picture to start from: it is painted with the tools like a region.

use crate::app::App;
use crate::app::canvas::ViewMode;
use crate::app::command::Command;
use crate::app::editor::Selected;
use crate::app::text::i18n::tr;
use crate::app::tools::Tool;
use crate::document::{Area, InitImage, Mask, RegionId};
use egui::{Button, Ui};
use std::sync::Arc;

impl App {
    /// Lets the tools paint what may change, or the regions again.
    pub(in crate::app) fn paint_change(&mut self) {
        self.finish_gesture();
        if self.open.editor.paints_change() {
            let top = self.open.editor.document().regions.last().map(|r| Selected::Region(r.id));
            self.open.editor.select(top.unwrap_or(Selected::Background));
            return;
        }
        let document = self.open.editor.document();
        let size = (document.width, document.height);
        let from_take = || {
            let image = InitImage::fitted(&document.take.as_ref()?.image, size.0, size.1);
            Some(InitImage { image: Arc::new(image), strength: InitImage::STRENGTH, area: Area::Everything })
        };
        let Some(start) = document.init_image.clone().or_else(from_take) else { return };
        if !matches!(start.area, Area::Mask(_)) {
            let nothing = Area::Mask(Arc::new(Mask::empty(size.0, size.1)));
            self.open.editor.set_start(Some(InitImage { area: nothing, ..start }));
        }
        self.open.editor.select(Selected::Region(RegionId::INPAINT));
        self.cards.reveal();
        // What may change of a picture is painted on the picture.
        if self.view_mode == ViewMode::Regions {
            self.view_mode = ViewMode::Both;
        }
        if matches!(self.tool, Tool::Pick | Tool::Hand | Tool::Zoom) {
            self.tool = Tool::Brush;
        }
    }

    /// The way to paint the inpaint mask that there is.
    pub(in crate::app) fn change_ui(&mut self, ui: &mut Ui) {
        // While it is painted the ways to go on are over the canvas.
        if self.open.editor.document().mask(RegionId::INPAINT).is_none() || self.open.editor.paints_change() {
            return;
        }
        let mut called = false;
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let button = ui.add(Button::new(tr("Paint"))).accessible_name(Command::PaintChange.label());
            called = button.on_hover_text(Command::PaintChange.hint()).clicked();
        });
        if called {
            self.perform(ui, Command::PaintChange);
        }
    }

    /// True where a mask says what may change, and nothing is painted on it: there is nothing to draw.
    pub(in crate::app) fn nothing_may_change(&self) -> bool {
        self.open.editor.document().mask(RegionId::INPAINT).is_some_and(|mask| mask.is_blank())
    }
}
