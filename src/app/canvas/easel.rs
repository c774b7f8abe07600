//! What the canvas draws from and changes in a frame.

use crate::app::canvas::picture::Shown;
use crate::app::canvas::{Canvas, CanvasLook, RegionLook, ViewMode};
use crate::app::editor::{Editor, Offer};
use crate::app::kit::toasts::Toasts;
use crate::app::tools::{BrushSettings, Tool, ToolSettings};

/// The canvas, the tool in hand, and what is looked at.
pub(in crate::app) struct Workspace {
    pub canvas: Canvas,
    pub tool: Tool,
    pub view_mode: ViewMode,
    /// The drawing of regions before they were hidden.
    pub look_before: Option<RegionLook>,
}

/// The canvas with the document that lies on it, for one frame.
pub(in crate::app) struct Easel<'a> {
    pub canvas: &'a mut Canvas,
    pub editor: &'a mut Editor,
    pub view_mode: &'a mut ViewMode,
    pub toasts: &'a mut Toasts<Offer>,
    pub tool: Tool,
    pub brush: BrushSettings,
    pub tools: ToolSettings,
    pub look: CanvasLook,
    /// The picture on the canvas.
    pub shown: Option<Shown>,
    /// Where two finished pictures lie over the canvas: true for side by side.
    pub compared: Option<bool>,
    /// The share of the running job that is done, 0 to 1.
    pub progress: Option<f32>,
    /// A region was picked by a tool: its card is to be seen.
    pub picked: bool,
}
