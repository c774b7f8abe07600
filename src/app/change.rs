//! What may change of the picture to start from, painted with the tools like a region.

use super::texts::tr;
use super::{App, Command, Selected, Tool, ViewMode, theme};
use crate::document::{Area, Mask, PixelRect, RegionId, Start};
use egui::{Button, Color32, ColorImage, Mesh, Painter, Pos2, RichText, TextureHandle, TextureOptions, Ui, pos2};
use std::sync::Arc;

/// The longest side of its texture.
const MAX_SIDE: u32 = 1024;

/// Its hatch, in pixels of the texture.
const HATCH: u32 = 12;

/// The mask over the picture, hatched.
#[derive(Default)]
pub struct ChangeOverlay {
    texture: Option<TextureHandle>,
    /// Where the mask lies in memory, its size, and in which colour it was drawn: another mask lies elsewhere.
    of: Option<(usize, (u32, u32), [Color32; 2])>,
}

impl ChangeOverlay {
    fn update(&mut self, ui: &Ui, mask: &Arc<Mask>, damage: PixelRect) {
        let t = theme::tokens(ui);
        let colours = [t.accent, t.ring_dark];
        let of = Some((Arc::as_ptr(mask) as usize, (mask.width(), mask.height()), colours));
        let shrink = mask.width().max(mask.height()).div_ceil(MAX_SIDE).max(1);
        let all = PixelRect::whole(mask.width().div_ceil(shrink), mask.height().div_ceil(shrink));
        match &mut self.texture {
            Some(texture) if self.of == of => {
                if damage.is_empty() {
                    return;
                }
                let (right, bottom) = (damage.x + damage.width, damage.y + damage.height);
                let (x, y) = (damage.x / shrink, damage.y / shrink);
                let part = PixelRect {
                    x,
                    y,
                    width: right.div_ceil(shrink).min(all.width).saturating_sub(x),
                    height: bottom.div_ceil(shrink).min(all.height).saturating_sub(y),
                };
                if !part.is_empty() {
                    let at = [part.x as usize, part.y as usize];
                    texture.set_partial(at, hatched(mask, shrink, part, colours), TextureOptions::LINEAR);
                }
            }
            _ => {
                let image = hatched(mask, shrink, all, colours);
                self.texture = Some(ui.load_texture("what may change", image, TextureOptions::LINEAR));
            }
        }
        self.of = of;
    }
}

/// Diagonal lines on darkened ground where the mask covers: seen on any picture, and told from the regions' even tint.
fn hatched(mask: &Mask, shrink: u32, part: PixelRect, [line, between]: [Color32; 2]) -> ColorImage {
    let mut pixels = Vec::with_capacity(part.width as usize * part.height as usize);
    for y in part.y..part.y + part.height {
        for x in part.x..part.x + part.width {
            let cover = f32::from(mask.get(x * shrink, y * shrink)) / 255.0;
            let (colour, strength) = if (x + y) % HATCH < HATCH / 3 { (line, 0.85) } else { (between, 0.3) };
            pixels.push(colour.gamma_multiply(cover * strength));
        }
    }
    ColorImage::new([part.width as usize, part.height as usize], pixels)
}

impl App {
    /// Lets the tools paint what may change, or the regions again.
    pub(super) fn paint_change(&mut self) {
        self.finish_gesture();
        if self.editor.paints_change() {
            let top = self.editor.document().regions.last().map(|r| Selected::Region(r.id));
            self.editor.select(top.unwrap_or(Selected::Background));
            return;
        }
        let document = self.editor.document();
        let size = (document.width, document.height);
        let from_take = || {
            let image = Start::fitted(&document.take.as_ref()?.image, size.0, size.1);
            Some(Start { image: Arc::new(image), strength: Start::STRENGTH, area: Area::Everything })
        };
        let Some(start) = document.start.clone().or_else(from_take) else { return };
        if !matches!(start.area, Area::Mask(_)) {
            let nothing = Area::Mask(Arc::new(Mask::empty(size.0, size.1)));
            self.editor.set_start(Some(Start { area: nothing, ..start }));
        }
        self.editor.select(Selected::Region(RegionId::CHANGE));
        if matches!(self.tool, Tool::Pick | Tool::Hand | Tool::Zoom) {
            self.tool = Tool::Brush;
        }
    }

    /// What is painted on, and how to go on, while that is what may change.
    pub(super) fn change_ui(&mut self, ui: &mut Ui) {
        let masked = self.editor.document().mask(RegionId::CHANGE).is_some();
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

    pub(super) fn paint_change_mask(&mut self, ui: &Ui, painter: &Painter) {
        let damage = self.editor.take_change_damage();
        let painting = self.editor.paints_change();
        let Some(mask) = self.editor.document().mask(RegionId::CHANGE) else { return };
        if !painting && self.view_mode != ViewMode::Both {
            return;
        }
        self.change.update(ui, mask, damage);
        let Some(texture) = &self.change.texture else { return };
        // By its corners, so that it lies right however the view is turned.
        let (width, height) = (mask.width() as f32, mask.height() as f32);
        let mut mesh = Mesh::with_texture(texture.id());
        let tint = theme::opacity(if painting { 1.0 } else { 0.6 });
        for (u, v) in [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)] {
            let pos = self.canvas.to_screen(Pos2::new(u * width, v * height));
            mesh.vertices.push(egui::epaint::Vertex { pos, uv: pos2(u, v), color: tint });
        }
        mesh.indices = vec![0, 1, 2, 0, 2, 3];
        painter.add(mesh);
    }
}
