//! The size of everything in the window, and the way back to how it was on the first day.

use crate::app::App;
use crate::app::canvas::ViewMode;
use crate::app::prefs::{Prefs, SIZES};
use crate::app::text::i18n::{self, tr};
use crate::app::tools::Tool;
use egui::{Button, Ui, ViewportCommand};

/// The window's size on the first day.
pub(in crate::app) const WINDOW: [f32; 2] = [1440.0, 900.0];
/// Width of the panel with the regions: as it comes, the least and the most.
pub(in crate::app) const RIGHT: (f32, f32, f32) = (336.0, 304.0, 560.0);
/// Height of the strip with the finished pictures: as it comes, the least and the most.
pub(in crate::app) const STRIP: (f32, f32, f32) = (112.0, 88.0, 224.0);

impl App {
    /// Shows everything in the window at this size.
    pub(in crate::app) fn set_size(&mut self, ctx: &egui::Context, percent: u16) {
        self.prefs.size = percent.clamp(SIZES[0], SIZES[SIZES.len() - 1]);
        ctx.set_zoom_factor(f32::from(self.prefs.size) / 100.0);
    }

    /// The next size up (true) or down.
    pub(in crate::app) fn step_size(&mut self, ctx: &egui::Context, up: bool) {
        let now = self.prefs.size;
        let next =
            if up { SIZES.iter().find(|size| **size > now) } else { SIZES.iter().rev().find(|size| **size < now) };
        if let Some(size) = next {
            self.set_size(ctx, *size);
        }
    }

    /// The menu of sizes; returns the one that was chosen.
    pub(in crate::app) fn size_menu(&self, ui: &mut Ui) -> Option<u16> {
        let mut chosen = None;
        ui.menu_button(tr("Size of the interface"), |ui| {
            for size in SIZES {
                let button = Button::new(format!("{size} %")).selected(self.prefs.size == size);
                if ui.add(button).clicked() {
                    chosen = Some(size);
                }
            }
        });
        chosen
    }

    /// Everything in the window as on the first day.
    pub(in crate::app) fn reset(&mut self, ctx: &egui::Context) {
        let recent = std::mem::take(&mut self.prefs.recent);
        self.prefs = Prefs { recent, ..Prefs::default() };
        i18n::speak(self.prefs.language);
        self.prefs.take_keys();
        ctx.set_theme(self.prefs.theme);
        self.set_size(ctx, self.prefs.size);
        (self.workspace.tool, self.workspace.view_mode) = (Tool::Brush, ViewMode::Both);
        self.workspace.canvas.view.fit();
        // Sizes of panels, what is folded, how far lists are scrolled.
        ctx.memory_mut(|memory| {
            memory.data.clear();
            memory.reset_areas();
        });
        ctx.send_viewport_cmd(ViewportCommand::Fullscreen(false));
        ctx.send_viewport_cmd(ViewportCommand::Maximized(false));
        // The command is carried out in this frame, before the new size of everything counts.
        ctx.send_viewport_cmd(ViewportCommand::InnerSize(egui::Vec2::from(WINDOW) / ctx.zoom_factor()));
        self.toasts.info(tr("The studio is as it was on the first day."));
    }
}
