//! The beginning of a tool's action, at a press on the canvas.

use super::brush::{PaintStroke, Tip};
use super::fill::{self, FillOver};
use super::frame::FrameDrag;
use super::gradient::Gradient;
use super::lasso::Lasso;
use super::settings::{BrushSettings, ToolSettings};
use super::shape::{BoxShape, Kind};
use super::transform::Transform;
use super::turn::Turning;
use super::{Action, Tool, Touch};
use crate::app::command::Command;
use crate::app::editor::{Editor, Offer, Selected};
use crate::app::text::i18n::{self, key, tr};
use crate::app::text::names;
use crate::document::{Document, Paint, Region, RegionId, Rgb};
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
    /// This region is hidden.
    Hidden(RegionId),
    /// This region is locked.
    Locked(RegionId),
    /// What would be moved is still being worked out.
    Working,
    NothingToMove,
    PaintStays,
    NoPicture,
}

impl Refused {
    /// What is said about it.
    pub(in crate::app) fn told(self, editor: &Editor) -> String {
        let region = match self {
            Self::Hidden(id) | Self::Locked(id) => editor.document().region(id),
            Self::Background | Self::Working | Self::NothingToMove | Self::PaintStays | Self::NoPicture => {
                editor.selected_region()
            }
        };
        let other = || if editor.paints_colours() { tr("Paint layer") } else { tr("What may change") };
        let name = region.map_or_else(|| other().to_owned(), |region| names::shown(&region.name));
        match self {
            Self::Background => {
                tr("The background is wherever no region is. Select or add a region to paint.").to_owned()
            }
            Self::Hidden(_) => i18n::fill("{0} is hidden. Show it to paint on it.", &[&name]),
            Self::Locked(_) => i18n::fill("{0} is locked. Unlock it to paint on it.", &[&name]),
            Self::Working => tr("The last change is still being worked out. Escape stops it.").to_owned(),
            Self::NothingToMove => i18n::fill("{0} is not painted yet. There is nothing to move.", &[&name]),
            Self::PaintStays => tr("Paint stays where it is. Select a region to move that.").to_owned(),
            Self::NoPicture => tr("There is no picture to fill by yet. Generate one, or fill by regions.").to_owned(),
        }
    }

    /// The command that makes way, and the name of its button.
    pub(in crate::app) fn way_out(self) -> Option<(&'static str, Offer)> {
        match self {
            Self::Hidden(id) => Some((tr("Show it"), (Selected::Region(id), Command::ToggleRegion))),
            Self::Locked(id) => Some((tr("Unlock it"), (Selected::Region(id), Command::LockRegion))),
            Self::Background | Self::Working | Self::NothingToMove | Self::PaintStays | Self::NoPicture => None,
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
            pick(editor, at.at, picture().as_ref().map(AsRef::as_ref));
            return Begun::Picked;
        }
        if matches!(self.tool, Tool::Hand | Tool::Zoom) {
            return Begun::Done;
        }
        if self.tool == Tool::Move {
            return begin_move(editor, at);
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
            Tool::Brush | Tool::Eraser | Tool::Smudge => {
                let tip = Tip {
                    brush: self.brush.brush(self.tool == Tool::Eraser),
                    smudges: self.tool == Tool::Smudge,
                    space,
                    lag: self.brush.lag() / self.zoom,
                };
                let line_from = self.line_from.filter(|_| at.modifiers.shift);
                PaintStroke::begin(editor, tip, line_from, at).map_or(Begun::Done, action)
            }
            Tool::Rectangle => action(BoxShape::begin(region, Kind::Rectangle, space, combine, at)),
            Tool::Ellipse => action(BoxShape::begin(region, Kind::Ellipse, space, combine, at)),
            Tool::Lasso => action(Lasso::begin(region, space, combine, at)),
            Tool::Gradient => action(Gradient::begin(region, combine, at)),
            Tool::Fill => self.fill(editor, region, at.at, picture),
            Tool::Move | Tool::Frame | Tool::Pick | Tool::Hand | Tool::Zoom => Begun::Done,
        }
    }

    /// The region that is painted on: a first one is added where there is none.
    fn region(&self, editor: &mut Editor) -> Result<RegionId, Refused> {
        if editor.document().regions.is_empty()
            && self.tool.adds()
            && !editor.paints_change()
            && !editor.paints_colours()
        {
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

/// Takes hold of what is selected, by its box. Where there is nothing to take hold of, a click with Shift or Ctrl selects.
fn begin_move(editor: &mut Editor, at: Touch) -> Begun {
    let refused = match movable(editor) {
        Ok(()) => match Turning::begin(editor, at) {
            Some(turning) => return action(turning),
            None => match Transform::begin(editor, at) {
                Some(transform) => return action(transform),
                None => Refused::NothingToMove,
            },
        },
        Err(refused) => refused,
    };
    if (at.modifiers.shift || at.modifiers.command) && !editor.is_working() {
        pick_too(editor, at.at);
        return Begun::Picked;
    }
    refused.into()
}

/// An error where what is selected may not be moved.
fn movable(editor: &Editor) -> Result<(), Refused> {
    if open_region(editor)? == RegionId::PAINT {
        return Err(Refused::PaintStays);
    }
    editor.selected_regions().try_for_each(is_open)?;
    if editor.is_working() { Err(Refused::Working) } else { Ok(()) }
}

/// True where painting with this tool would be refused for what is selected.
pub(in crate::app) fn is_barred(tool: Tool, editor: &Editor) -> bool {
    let adds = editor.document().regions.is_empty() && tool.adds();
    open_region(editor).is_err_and(|refused| refused != Refused::Background || !adds)
}

/// The selected region, where it may be painted on.
fn open_region(editor: &Editor) -> Result<RegionId, Refused> {
    let Selected::Region(id) = editor.selected() else { return Err(Refused::Background) };
    // (What may change of an init image is no region, and is always there.)
    editor.selected_region().map_or(Ok(()), is_open).map(|()| id)
}

fn is_open(region: &Region) -> Result<(), Refused> {
    match region {
        Region { visible: false, id, .. } => Err(Refused::Hidden(*id)),
        Region { locked: true, id, .. } => Err(Refused::Locked(*id)),
        Region { .. } => Ok(()),
    }
}

/// Selects the uppermost region under a canvas position; takes the colour there while colours are painted. `picture` is the one on show.
pub(in crate::app) fn pick(editor: &mut Editor, at: Pos2, picture: Option<&RgbImage>) {
    if editor.paints_colours() {
        return pick_colour(editor, at, picture);
    }
    if let Some(found) = region_at(editor.document(), at) {
        editor.select(found);
    }
}

/// Selects the uppermost region under a canvas position besides those that are selected, or lets go of it.
pub(in crate::app) fn pick_too(editor: &mut Editor, at: Pos2) {
    if let Some(Selected::Region(id)) = region_at(editor.document(), at) {
        editor.select_too(id);
    }
}

/// The uppermost visible region at a canvas position, or the background; `None` off the canvas.
pub(in crate::app) fn region_at(document: &Document, at: Pos2) -> Option<Selected> {
    let (x, y) = pixel_under(document, at)?;
    let found = document.regions.iter().rev().find(|r| r.visible && r.mask.get(x, y) > 127).map(|r| r.id);
    Some(found.map_or(Selected::Background, Selected::Region))
}

/// Takes the colour under a canvas position in hand: of the paint, or of the picture below it.
fn pick_colour(editor: &mut Editor, at: Pos2, picture: Option<&RgbImage>) {
    let document = editor.document();
    let Some((x, y)) = pixel_under(document, at) else { return };
    let below = picture.filter(|picture| picture.width() > 0 && picture.height() > 0).map(|picture| {
        // (A picture may be smaller than the canvas.)
        let scaled = |at: u32, side: u32, own: u32| (u64::from(at) * u64::from(own) / u64::from(side.max(1))) as u32;
        let (x, y) = (scaled(x, document.width, picture.width()), scaled(y, document.height, picture.height()));
        picture.get_pixel(x.min(picture.width() - 1), y.min(picture.height() - 1)).0
    });
    let painted = document.paint.as_ref().map(|paint| paint.get(x, y)).filter(|[.., cover]| *cover > 0);
    let colour = match (painted, below) {
        (Some(paint), Some(below)) => Paint::over(paint, below),
        (Some(paint), None) => Paint::straight(paint),
        (None, Some(below)) => below,
        (None, None) => return,
    };
    editor.take_colour(Rgb(colour));
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
