//! The inpaint mask, which says what may change of the picture to start from: it is painted with the tools like a region.

use crate::app::App;
use crate::app::command::Command;
use crate::app::editor::Selected;
use crate::app::kit::theme;
use crate::app::text::i18n::tr;
use crate::app::tools::Tool;
use crate::document::{Area, InitImage, Mask, RegionId};
use egui::{Button, RichText, Ui};
use std::sync::Arc;

impl App {
    /// Lets the tools paint what may change, or the regions again.
    pub(in crate::app) fn paint_change(&mut self) {
        self.finish_gesture();
        if self.editor.paints_change() {
            let top = self.editor.document().regions.last().map(|r| Selected::Region(r.id));
            self.editor.select(top.unwrap_or(Selected::Background));
            return;
        }
        let document = self.editor.document();
        let size = (document.width, document.height);
        let from_take = || {
            let image = InitImage::fitted(&document.take.as_ref()?.image, size.0, size.1);
            Some(InitImage { image: Arc::new(image), strength: InitImage::STRENGTH, area: Area::Everything })
        };
        let Some(start) = document.init_image.clone().or_else(from_take) else { return };
        if !matches!(start.area, Area::Mask(_)) {
            let nothing = Area::Mask(Arc::new(Mask::empty(size.0, size.1)));
            self.editor.set_start(Some(InitImage { area: nothing, ..start }));
        }
        self.editor.select(Selected::Region(RegionId::INPAINT));
        if matches!(self.tool, Tool::Pick | Tool::Hand | Tool::Zoom) {
            self.tool = Tool::Brush;
        }
    }

    /// Controls of the inpaint mask, and the ways to go on while it is painted on.
    pub(in crate::app) fn change_ui(&mut self, ui: &mut Ui) {
        let masked = self.editor.document().mask(RegionId::INPAINT).is_some();
        if !masked {
            return;
        }
        let t = theme::tokens(ui);
        let mut called = None;
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = theme::HALF;
            let painting = self.editor.paints_change();
            let (text, name) = if painting {
                (tr("Done"), tr("Done painting what may change"))
            } else {
                (tr("Paint"), Command::PaintChange.label())
            };
            let mut button = |ui: &mut Ui, text: &str, name: &str, command: Command| {
                let button = ui.add(Button::new(text)).accessible_name(name);
                if button.on_hover_text(command.hint()).clicked() {
                    called = Some(command);
                }
            };
            if painting {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    button(ui, text, name, Command::PaintChange);
                    button(ui, tr("Invert"), tr("Invert what may change"), Command::InvertRegion);
                    button(ui, tr("Clear"), tr("Clear what may change"), Command::ClearRegion);
                    ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                        let text = RichText::new(tr("What may change")).color(t.accent);
                        ui.add(egui::Label::new(text).truncate().selectable(false));
                    });
                });
            } else {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    button(ui, text, name, Command::PaintChange);
                });
            }
        });
        if let Some(command) = called {
            self.perform(ui, command);
        }
    }
}
