//! The card of the picture that a drawing starts from.

use crate::app::command::Command;
use crate::app::editor::Field;
use crate::app::kit::{theme, widgets};
use crate::app::panels::{Desk, Request};
use crate::app::text::i18n::tr;
use crate::document::{Area, InitImage, RegionId};
use egui::{Align, Button, ComboBox, Layout, Ui, vec2};
use egui_material_icons::icons;
use image::RgbImage;
use std::sync::Arc;

impl Desk<'_> {
    /// One line that offers a picture, or two with what is made of the one there is.
    pub(in crate::app) fn start_ui(&mut self, ui: &mut Ui) {
        let whole = ui.available_width();
        let hint = tr("A picture to start from in place of noise, such as a sketch or a photograph");
        let Some(start) = self.editor.document().init_image.clone() else {
            let (ground, asked) = widgets::pressed_field(ui, whole, (tr("Start from"), hint), |ui, _| {
                let button = ui.add(Button::new(tr("noise"))).on_hover_text(hint);
                button.on_hover_text(tr("Choose a picture…")).clicked()
            });
            if asked || ground.clicked() {
                self.requests.push(Request::InitImage);
            }
            return;
        };
        let half = ((whole - theme::GRID) * 0.5).floor();
        let (mut strength, mut area, mut remove, mut paint) = (start.strength, None, false, false);
        let response = ui
            .horizontal(|ui| {
                let told = tr("How much of the picture becomes new: little keeps it, 1 all but forgets it");
                let response = widgets::number_field(ui, half, (tr("Strength"), told), |ui, label| {
                    let value = widgets::strength(&mut strength, 1.0);
                    ui.add(value).labelled_by(label).on_hover_text(told)
                });
                remove = widgets::field(ui, half, tr("Start from"), hint, |ui, _| {
                    let clear = widgets::small_icon_button(ui, icons::ICON_CLOSE, tr("Start from noise"));
                    let clear = clear.on_hover_text(tr("Start from noise again")).clicked();
                    ui.label(tr("picture"));
                    clear
                });
                response
            })
            .inner;
        let told = tr("Where the picture may change. Elsewhere it stays as it is, to the last bit");
        let combo = ComboBox::from_id_salt("area").selected_text(title(&start.area));
        widgets::choice(ui, whole, (tr("Changes"), told, told), combo, |ui| {
            let mask = matches!(start.area, Area::Mask(_)).then(|| start.area.clone());
            for choice in [Area::Everything, Area::Regions].into_iter().chain(mask) {
                if ui.selectable_label(choice == start.area, title(&choice)).clicked() {
                    area = Some(choice);
                }
            }
            paint = ui.button(tr("where I paint…")).on_hover_text(Command::PaintChange.hint()).clicked();
        });
        if response.changed() {
            self.prefs.keep_refining(strength);
        }
        self.changed(&response, Field::Strength, |d| {
            if let Some(start) = &mut d.init_image {
                start.strength = strength;
            }
        });
        if let Some(area) = area {
            self.editor.change_field(Field::StartArea, |d| {
                if let Some(start) = &mut d.init_image {
                    start.area = area;
                }
            });
            self.editor.close_step();
        }
        if paint && !self.editor.paints_change() {
            self.perform(Command::PaintChange);
        }
        self.change_ui(ui);
        if remove {
            self.editor.set_start(None);
        }
    }

    /// The way to paint the inpaint mask that there is.
    fn change_ui(&mut self, ui: &mut Ui) {
        // While it is painted the ways to go on are over the canvas.
        if self.editor.document().mask(RegionId::INPAINT).is_none() || self.editor.paints_change() {
            return;
        }
        let mut called = false;
        // (A layout takes all the height that there is, where none is given.)
        let row = vec2(ui.available_width(), theme::ROW);
        ui.allocate_ui_with_layout(row, Layout::right_to_left(Align::Center), |ui| {
            let button = ui.add(Button::new(tr("Paint"))).accessible_name(Command::PaintChange.label());
            called = button.on_hover_text(Command::PaintChange.hint()).clicked();
        });
        if called {
            self.perform(Command::PaintChange);
        }
    }

    /// Starts from this picture, which has the canvas's size.
    pub(in crate::app) fn start_from(&mut self, image: RgbImage) {
        let document = self.editor.document();
        let image = if image.dimensions() == (document.width, document.height) {
            image
        } else {
            // The canvas was changed while the file was read.
            InitImage::fitted(&image, document.width, document.height)
        };
        self.editor.set_start(Some(InitImage {
            image: Arc::new(image),
            strength: InitImage::STRENGTH,
            area: Area::Everything,
        }));
    }
}

fn title(area: &Area) -> &'static str {
    match area {
        Area::Everything => tr("everywhere"),
        Area::Regions => tr("where regions are"),
        Area::Mask(_) => tr("where painted"),
    }
}
