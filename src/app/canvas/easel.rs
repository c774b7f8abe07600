//! What the canvas draws from and changes in a frame.

use crate::app::canvas::picture::Shown;
use crate::app::canvas::{Canvas, CanvasLook, RegionLook, ViewMode};
use crate::app::command::Command;
use crate::app::editor::{Editor, Offer};
use crate::app::kit::toasts::Toasts;
use crate::app::tools::{BrushSettings, PressureCurve, Tool, ToolSettings};

/// The canvas, the tool in hand, and what is looked at.
pub(in crate::app) struct Workspace {
    pub canvas: Canvas,
    pub tool: Tool,
    pub borrowed: Option<Borrowed>,
    /// The tool to go back to when the eraser end of a pen is away again.
    pub turned: Option<Tool>,
    pub view_mode: ViewMode,
    /// The drawing of regions before they were hidden.
    pub look_before: Option<RegionLook>,
    /// [`Editor::all_mask_changes`] when a picture was finished: until the next it is seen without a tint over it.
    pub finished_at: Option<u64>,
    /// The denoising strength in the generation frame, where the document has no picture to start from.
    pub frame_strength: f64,
}

/// A tool that is in hand as long as its key is held.
pub(in crate::app) struct Borrowed {
    /// The command whose key is held.
    pub by: Command,
    /// The tool to go back to.
    pub before: Tool,
    /// [`Canvas::begun`] when the key was pressed.
    pub begun: u64,
    /// The key was let go, and the tool is still at work.
    pub ends: bool,
}

/// The canvas with the document that lies on it, for one frame.
pub(in crate::app) struct Easel<'a> {
    pub canvas: &'a mut Canvas,
    pub editor: &'a mut Editor,
    pub view_mode: &'a mut ViewMode,
    pub toasts: &'a mut Toasts<Offer>,
    pub tool: Tool,
    /// The settings of the brush in hand.
    pub brush: &'a mut BrushSettings,
    pub tools: ToolSettings,
    /// What a pen's pressure goes through.
    pub pressure: PressureCurve,
    pub look: CanvasLook,
    /// A picture was finished and nothing has been painted since: it is to be seen.
    pub finished: bool,
    /// The picture on the canvas.
    pub shown: Option<Shown>,
    /// Where two finished pictures lie over the canvas: true for side by side.
    pub compared: Option<bool>,
    /// The share of the running job that is done, 0 to 1.
    pub progress: Option<f32>,
    /// A region was picked by a tool: its card is to be seen.
    pub picked: bool,
    /// The menu of the canvas is asked for.
    pub wants_menu: bool,
}
