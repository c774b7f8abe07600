//! The beginning of a tool's action, at a press on the canvas.

use super::{Action, FillOver, Lasso, PaintStroke, Tool, ToolSettings, Touch, Transform, fill as filling};
use crate::app::App;
use crate::app::canvas::ViewMode;
use crate::app::editor::Selected;
use crate::app::text::i18n::{fill, key, tr};
use crate::app::tools::gradient::Gradient;
use crate::app::tools::shape::{BoxShape, Kind};
use crate::document::RegionId;
use egui::Pos2;

impl App {
    /// Begins with the tool in hand; `None` where that is done already, or cannot be done (which is told).
    pub(in crate::app) fn begin_action(&mut self, at: Touch) -> Option<Box<dyn Action>> {
        let alt = at.modifiers.alt;
        if self.tool == Tool::Pick || (alt && !self.tool.shapes()) {
            self.pick_region(at.at);
            return None;
        }
        let region = self.region_to_paint()?;
        let wrap = self.editor.document().settings.wrap;
        let settings = self.prefs.tools;
        let (space, combine) = (settings.space(wrap), settings.combine);
        match self.tool {
            Tool::Brush | Tool::Eraser => {
                let brush = self.prefs.brush.brush(self.tool == Tool::Eraser);
                let lag = self.prefs.brush.lag() / self.canvas.view.zoom();
                let line_from = self.canvas.hand.last.filter(|_| at.modifiers.shift);
                boxed(PaintStroke::begin(&mut self.editor, brush, space, lag, line_from, at))
            }
            Tool::Rectangle => boxed(Some(BoxShape::begin(region, Kind::Rectangle, space, combine, at))),
            Tool::Ellipse => boxed(Some(BoxShape::begin(region, Kind::Ellipse, space, combine, at))),
            Tool::Lasso => boxed(Some(Lasso::begin(region, space, combine, at))),
            Tool::Gradient => boxed(Some(Gradient::begin(region, combine, at))),
            Tool::Fill => {
                self.fill(region, at.at);
                None
            }
            Tool::Move if self.editor.is_working() => {
                // What is moved is what is there, which is not known yet.
                self.toasts.info(tr("The last change is still being worked out. Escape stops it."));
                None
            }
            Tool::Move => {
                let begun = Transform::begin(&mut self.editor, at);
                if begun.is_none() {
                    let name = self.editor.selected_region().map_or(tr("What may change"), |r| r.name.as_str());
                    self.toasts.info(fill("{0} is not painted yet. There is nothing to move.", &[&name]));
                }
                boxed(begun)
            }
            Tool::Pick | Tool::Hand | Tool::Zoom => None,
        }
    }

    /// The region that is painted on; tells why where there is none.
    fn region_to_paint(&mut self) -> Option<RegionId> {
        let adds = !matches!(self.tool, Tool::Eraser | Tool::Move);
        if self.editor.document().regions.is_empty() && adds && !self.editor.paints_change() {
            self.editor.add_region();
        }
        let Selected::Region(id) = self.editor.selected() else {
            self.toasts.info(tr("The background is wherever no region is. Select or add a region to paint."));
            return None;
        };
        if let Some(region) = self.editor.selected_region().filter(|r| !r.visible) {
            self.toasts.info(fill("{0} is hidden. Show it to paint on it.", &[&region.name]));
            return None;
        }
        if let Some(region) = self.editor.selected_region().filter(|r| r.locked) {
            self.toasts.info(fill("{0} is locked. Unlock it to paint on it.", &[&region.name]));
            return None;
        }
        if self.view_mode == ViewMode::Picture {
            self.view_mode = ViewMode::Both;
        }
        Some(id)
    }

    fn fill(&mut self, region: RegionId, at: Pos2) {
        let Some(start) = self.pixel_under(at) else { return };
        let ToolSettings { fill_over, contiguous, tolerance, combine, .. } = self.prefs.tools;
        // Every pixel is looked at several times.
        let pixels = 8 * self.editor.area();
        match fill_over {
            FillOver::Regions => self.editor.lay(region, key("Fill"), combine, pixels, move |document, cover| {
                *cover = filling::over_regions(document, start, contiguous);
            }),
            FillOver::Picture => {
                let Some(shown) = self.picture_shown() else {
                    self.toasts.info(tr("There is no picture to fill by yet. Generate one, or fill by regions."));
                    return;
                };
                self.editor.lay(region, key("Fill"), combine, pixels, move |document, cover| {
                    *cover = filling::over_picture(document, shown.image(), start, tolerance, contiguous);
                });
            }
        }
    }

    /// Selects the uppermost region under a canvas position.
    pub(in crate::app) fn pick_region(&mut self, at: Pos2) {
        let Some((x, y)) = self.pixel_under(at) else { return };
        let regions = &self.editor.document().regions;
        let found = regions.iter().rev().find(|r| r.visible && r.mask.get(x, y) > 127).map(|r| r.id);
        self.editor.select(found.map_or(Selected::Background, Selected::Region));
        self.cards.reveal();
    }

    /// The pixel under a canvas position; over a joined edge it is the one that comes back there.
    fn pixel_under(&self, at: Pos2) -> Option<(u32, u32)> {
        let document = self.editor.document();
        let pixel = |at: f32, side: u32, wrap: bool| {
            let at = at.floor() as i64;
            let at = if wrap { at.rem_euclid(i64::from(side.max(1))) } else { at };
            u32::try_from(at).ok().filter(|at| *at < side)
        };
        let wrap = document.settings.wrap;
        Some((pixel(at.x, document.width, wrap.x())?, pixel(at.y, document.height, wrap.y())?))
    }
}

fn boxed(action: Option<impl Action + 'static>) -> Option<Box<dyn Action>> {
    action.map(|action| Box::new(action) as Box<dyn Action>)
}
