//! The beginning of a tool's action, at a press on the canvas.

use super::brush::PaintStroke;
use super::fill::{self, FillOver};
use super::frame::FrameDrag;
use super::gradient::Gradient;
use super::lasso::Lasso;
use super::settings::{BrushSettings, ToolSettings};
use super::shape::{BoxShape, Kind};
use super::transform::Transform;
use super::{Action, Tool, Touch};
use crate::app::command::Command;
use crate::app::editor::{Editor, Selected};
use crate::app::text::i18n::{self, key, tr};
use crate::app::text::names;
use crate::document::{Document, RegionId};
use egui::Pos2;
use image::RgbImage;

/// The tool in hand with all that its work depends on.
#[derive(Debug, Clone, Copy)]
pub(in crate::app) struct InHand {
    pub tool: Tool,
    pub brush: BrushSettings,
    pub settings: ToolSettings,
    /// Points of the screen in a canvas pixel.
    pub zoom: f32,
    /// The end of the last stroke, in canvas pixels, where a straight line is drawn from it.
    pub line_from: Option<Pos2>,
}

/// The answer to a press.
pub(in crate::app) enum Begun {
    /// It goes on with the pointer.
    Action(Box<dyn Action>),
    /// It is done already, or there is nothing to do.
    Done,
    /// The uppermost region under the pointer is selected.
    Picked,
    Refused(Refused),
}

/// The reasons why nothing can be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum Refused {
    /// The background is selected.
    Background,
    Hidden,
    Locked,
    /// What would be moved is still being worked out.
    Working,
    NothingToMove,
    NoPicture,
}

impl Refused {
    /// What is said about the selected region.
    pub(in crate::app) fn told(self, editor: &Editor) -> String {
        let region = editor.selected_region();
        let name = region.map_or_else(|| tr("What may change").to_owned(), |region| names::shown(&region.name));
        match self {
            Self::Background => {
                tr("The background is wherever no region is. Select or add a region to paint.").to_owned()
            }
            Self::Hidden => i18n::fill("{0} is hidden. Show it to paint on it.", &[&name]),
            Self::Locked => i18n::fill("{0} is locked. Unlock it to paint on it.", &[&name]),
            Self::Working => tr("The last change is still being worked out. Escape stops it.").to_owned(),
            Self::NothingToMove => i18n::fill("{0} is not painted yet. There is nothing to move.", &[&name]),
            Self::NoPicture => tr("There is no picture to fill by yet. Generate one, or fill by regions.").to_owned(),
        }
    }

    /// The command that makes way, and the name of its button.
    pub(in crate::app) fn way_out(self) -> Option<(&'static str, Command)> {
        match self {
            Self::Hidden => Some((tr("Show it"), Command::ToggleRegion)),
            Self::Locked => Some((tr("Unlock it"), Command::LockRegion)),
            Self::Background | Self::Working | Self::NothingToMove | Self::NoPicture => None,
        }
    }
}

impl From<Refused> for Begun {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl InHand {
    /// Begins with the tool. `picture` gives the picture on show, for a fill by its colours.
    pub(in crate::app) fn begin<P: AsRef<RgbImage> + Send + Sync + 'static>(
        &self,
        editor: &mut Editor,
        at: Touch,
        picture: impl FnOnce() -> Option<P>,
    ) -> Begun {
        if self.tool == Tool::Frame {
            return action(FrameDrag::begin(editor, at));
        }
        if self.tool == Tool::Pick || (at.modifiers.alt && !self.tool.shapes()) {
            pick(editor, at.at);
            return Begun::Picked;
        }
        if matches!(self.tool, Tool::Hand | Tool::Zoom) {
            return Begun::Done;
        }
        match self.region(editor) {
            Ok(region) => self.begin_on(editor, region, at, picture),
            Err(refused) => refused.into(),
        }
    }

    fn begin_on<P: AsRef<RgbImage> + Send + Sync + 'static>(
        &self,
        editor: &mut Editor,
        region: RegionId,
        at: Touch,
        picture: impl FnOnce() -> Option<P>,
    ) -> Begun {
        let combine = self.settings.combine;
        let space = self.settings.space(editor.document().settings.wrap);
        match self.tool {
            Tool::Brush | Tool::Eraser => {
                let brush = self.brush.brush(self.tool == Tool::Eraser);
                let line_from = self.line_from.filter(|_| at.modifiers.shift);
                let stroke = PaintStroke::begin(editor, brush, space, self.brush.lag() / self.zoom, line_from, at);
                stroke.map_or(Begun::Done, action)
            }
            Tool::Rectangle => action(BoxShape::begin(region, Kind::Rectangle, space, combine, at)),
            Tool::Ellipse => action(BoxShape::begin(region, Kind::Ellipse, space, combine, at)),
            Tool::Lasso => action(Lasso::begin(region, space, combine, at)),
            Tool::Gradient => action(Gradient::begin(region, combine, at)),
            Tool::Fill => self.fill(editor, region, at.at, picture),
            Tool::Move if editor.is_working() => Refused::Working.into(),
            Tool::Move => Transform::begin(editor, at).map_or(Refused::NothingToMove.into(), action),
            Tool::Frame | Tool::Pick | Tool::Hand | Tool::Zoom => Begun::Done,
        }
    }

    /// The region that is painted on: a first one is added where there is none.
    fn region(&self, editor: &mut Editor) -> Result<RegionId, Refused> {
        let adds = !matches!(self.tool, Tool::Eraser | Tool::Move);
        if editor.document().regions.is_empty() && adds && !editor.paints_change() {
            editor.add_region();
        }
        open_region(editor)
    }

    fn fill<P: AsRef<RgbImage> + Send + Sync + 'static>(
        &self,
        editor: &mut Editor,
        region: RegionId,
        at: Pos2,
        picture: impl FnOnce() -> Option<P>,
    ) -> Begun {
        let Some(start) = pixel_under(editor.document(), at) else { return Begun::Done };
        let ToolSettings { fill_over, contiguous, tolerance, combine, .. } = self.settings;
        // Every pixel is looked at several times.
        let pixels = 8 * editor.area();
        match fill_over {
            FillOver::Regions => editor.lay(region, key("Fill"), combine, pixels, move |document, cover| {
                *cover = fill::over_regions(document, start, contiguous);
            }),
            FillOver::Picture => {
                let Some(picture) = picture() else { return Refused::NoPicture.into() };
                editor.lay(region, key("Fill"), combine, pixels, move |document, cover| {
                    *cover = fill::over_picture(document, picture.as_ref(), start, tolerance, contiguous);
                });
            }
        }
        Begun::Done
    }
}

fn action(action: impl Action + 'static) -> Begun {
    Begun::Action(Box::new(action))
}

/// True where painting with this tool would be refused for what is selected.
pub(in crate::app) fn is_barred(tool: Tool, editor: &Editor) -> bool {
    let adds = editor.document().regions.is_empty() && tool != Tool::Eraser;
    open_region(editor).is_err_and(|refused| refused != Refused::Background || !adds)
}

/// The selected region, where it may be painted on.
fn open_region(editor: &Editor) -> Result<RegionId, Refused> {
    let Selected::Region(id) = editor.selected() else { return Err(Refused::Background) };
    match editor.selected_region() {
        Some(region) if !region.visible => Err(Refused::Hidden),
        Some(region) if region.locked => Err(Refused::Locked),
        // (What may change of an init image is no region, and is always there.)
        _ => Ok(id),
    }
}

/// Selects the uppermost region under a canvas position.
pub(in crate::app) fn pick(editor: &mut Editor, at: Pos2) {
    let document = editor.document();
    let Some((x, y)) = pixel_under(document, at) else { return };
    let found = document.regions.iter().rev().find(|r| r.visible && r.mask.get(x, y) > 127).map(|r| r.id);
    editor.select(found.map_or(Selected::Background, Selected::Region));
}

/// The pixel under a canvas position; over a joined edge it is the one that comes back there.
fn pixel_under(document: &Document, at: Pos2) -> Option<(u32, u32)> {
    let pixel = |at: f32, side: u32, wrap: bool| {
        let at = at.floor() as i64;
        let at = if wrap { at.rem_euclid(i64::from(side.max(1))) } else { at };
        u32::try_from(at).ok().filter(|at| *at < side)
    };
    let wrap = document.settings.wrap;
    Some((pixel(at.x, document.width, wrap.x())?, pixel(at.y, document.height, wrap.y())?))
}
