//! Warnings about a drawing, which goes on all the same.

use crate::checkpoint::{LeftOut, PartName, PassedOver};

/// A warning; `Display` is one line in English.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// The inpaint mask is empty.
    #[error("nothing of the picture to start from may change, so it stays as it is")]
    NothingMayChange,
    /// A side of the canvas is no multiple of the latent's cells.
    #[error(
        "the canvas is {pixels} pixels {axis}, which is off the grid of {grid}: it is drawn {whole} {axis} and cut{}; \
         {} or {whole} would fit", if *.wrapped { ", so the wrapped edges do not meet" } else { "" }, whole - grid
    )]
    OffGrid {
        /// The side.
        axis: Axis,
        /// Its length in pixels.
        pixels: usize,
        /// Pixels of a cell.
        grid: usize,
        /// The next multiple.
        whole: usize,
        /// Its ends are joined.
        wrapped: bool,
    },
    /// The window that was asked for is larger than the canvas.
    #[error(
        "a window of {window} latent pixels is larger than the canvas of {width} × {height}; it is cut to the canvas"
    )]
    WindowCut {
        /// Its side in latent pixels.
        window: usize,
        /// The canvas's width in latent pixels.
        width: usize,
        /// The canvas's height in latent pixels.
        height: usize,
    },
    /// Windows would overlap too little.
    #[error("a stride of {stride} is more than half the window of {window} and would show seams; {used} is used")]
    StrideCut {
        /// The document's stride, in latent pixels.
        stride: usize,
        /// The window's side in latent pixels.
        window: usize,
        /// The stride that is used.
        used: usize,
    },
    /// Guidance counts in a part of the steps, with a UNet that reads its scale in every step.
    #[error("this model reads the guidance itself, so it counts in every step, whatever part of them is asked for")]
    GuidanceIsRead,
    /// Guidance counts in a part of the steps, but has a scale of 1 everywhere.
    #[error("guidance is 1, which is none, so the part of the steps in which it counts changes nothing")]
    NoGuidance,
    /// Deep features are to be reused in a run of one step.
    #[error("there is one step alone, so no step reuses the features of another")]
    NothingToReuse,
    /// Names of settings that the released loop does not know and leaves out.
    #[error("--reference replays the released loop, which has no {}", .0.join(", no "))]
    LeftOutByReference(Vec<&'static str>),
    /// Regions held by attention share their passes, in which no ControlNet counts.
    #[error("ControlNets count with MultiDiffusion only, so this picture of regions held by attention has none")]
    ControlsLeftOut,
    /// A region whose words name no class of ADE20K, where a ControlNet sees the regions in its colours.
    #[error("the words of region “{region}” name no kind of thing that segmentation maps know, so it is black there")]
    NoClass {
        /// Its name.
        region: String,
    },
    /// A region that takes part in no step.
    #[error("region “{region}” ends before it starts and takes no part in the picture")]
    EmptySpan {
        /// Its name.
        region: String,
    },
    /// A region so thin that it may not show with little guidance.
    #[error(
        "region “{region}” is so thin that it may not show {}", if *.few_steps {
            format!("in so few steps; paint it at least {pixels} pixels wide, or draw with the full model")
        } else {
            format!("with so little guidance; paint it at least {pixels} pixels wide, or give more guidance")
        }
    )]
    ThinRegion {
        /// Its name.
        region: String,
        /// Width in pixels from which it shows.
        pixels: usize,
        /// True where the checkpoint is distilled for few steps.
        few_steps: bool,
    },
    /// A LoRA of which only a part fits the checkpoint.
    #[error("{file}: {left_out} of its {layers} layers fit nothing in this checkpoint and are left out: {names}")]
    LoraInPart {
        /// Its file.
        file: String,
        /// Layers that fit nothing.
        left_out: usize,
        /// Layers in all.
        layers: usize,
        /// Names of some of those that fit nothing, with commas between them.
        names: String,
    },
    /// Words name a LoRA that is not known.
    #[error("the words name a LoRA “{name}”, which is not known here and is left out; add its file")]
    UnknownLora {
        /// Its name.
        name: String,
    },
    /// Regions held by attention share a pass, which cannot have LoRAs of each.
    #[error("LoRAs of regions are left out, since regions held by attention share one pass; hold them by their shapes")]
    RegionLorasLeftOut,
    /// A textual inversion that words name.
    #[error("{0}")]
    EmbeddingLeftOut(LeftOut),
    /// A part that the model's file lacks.
    #[error("the model lacks {part}, which is taken from {file}")]
    PartTaken {
        /// The part.
        part: PartName,
        /// The file or folder that it is from.
        file: String,
    },
    /// A graphics card that the automatic choice had to leave out.
    #[error("{0}")]
    PassedOver(PassedOver),
    /// The picture was not finite in f16.
    #[error("the picture is too much for numbers of 16 bits, so it was drawn once more with 32, which takes longer")]
    DrawnInF32,
    /// The device's memory was not enough for everything at once.
    #[error("memory is short for this picture: it was drawn in smaller pieces, which takes longer")]
    ShortOfMemory,
}

/// A side of the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// Across.
    Width,
    /// Down.
    Height,
}

impl std::fmt::Display for Axis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Width => "wide",
            Self::Height => "high",
        })
    }
}
