//! `stack.xml`: the list of layers of an OpenRaster file, read and written.

mod attributes;
mod encoding;
mod read;
mod write;

use super::report::Few;

/// The whole `stack.xml`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stack {
    pub(super) width: u64,
    pub(super) height: u64,
    /// Layers, the uppermost first, those of nested stacks too.
    pub(super) layers: Vec<Layer>,
    /// The root, then the nested stacks in the order of the file. Empty in a stack made to be written.
    pub(super) groups: Vec<Group>,
    /// Elements that are neither layers nor stacks, such as text and filters.
    pub(super) left_out: Few,
    /// Numbers that could not be read, and what is used instead.
    pub(super) misread: Few,
}

/// One layer. Offset, opacity and visibility are those on the canvas: what the stacks around it add is in them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layer {
    pub(super) name: String,
    /// The entry with its pixels.
    pub(super) src: String,
    pub(super) x: i64,
    pub(super) y: i64,
    /// 0 to 1.
    pub(super) opacity: f32,
    pub(super) visible: bool,
    /// The attributes of the layer alone.
    pub(super) own: Own,
    /// True of the page that MyPaint and Drawpile put below the layers.
    pub(super) is_page: bool,
}

/// A nested stack.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) own: Own,
    /// Its layers and stacks, the uppermost first.
    pub(super) nodes: Vec<Node>,
    /// False where its layers meet what lies below the stack as if they were not in one.
    pub(super) isolated: bool,
}

/// Something in a stack: an index of [`Stack::layers`] or of [`Stack::groups`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    Layer(usize),
    Group(usize),
}

/// Attributes of a layer or a stack in its own stack.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Own {
    /// 0 to 1.
    pub(super) opacity: f32,
    pub(super) visible: bool,
    pub(super) operator: Operator,
    /// The composite operator as the file names it; empty where it names none.
    pub(super) mode: String,
}

/// The effect of a composite operator on coverage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// Covers what lies below.
    Over,
    /// Covers what lies below, and blends colours: multiply, screen and their like.
    Blend,
    /// Takes away from what lies below (`svg:dst-out`, an eraser).
    Erase,
    /// Keeps of what lies below only what it covers (`svg:dst-in`).
    Keep,
    /// Covers only where something lies below (`svg:src-atop`).
    Clip,
    /// Shows nothing of its own (`svg:clear`, `svg:dst`).
    Nothing,
    /// Changes coverage in a way that is not followed here.
    Other,
}

impl Default for Own {
    fn default() -> Self {
        Self { opacity: 1.0, visible: true, operator: Operator::Over, mode: String::new() }
    }
}

impl Layer {
    /// A layer that simply lies over what is below it.
    pub(super) fn plain(name: String, src: &str, x: u32, y: u32, visible: bool) -> Self {
        let own = Own { visible, ..Own::default() };
        Self { name, src: src.to_owned(), x: x.into(), y: y.into(), opacity: 1.0, visible, own, is_page: false }
    }
}

impl Stack {
    /// Layers that lie side by side, to be written.
    pub(super) fn flat(width: u32, height: u32, layers: Vec<Layer>) -> Self {
        let (left_out, misread) = (Few::default(), Few::default());
        Self { width: width.into(), height: height.into(), layers, groups: Vec::new(), left_out, misread }
    }

    /// True where a layer or a stack is clipped to what lies below it.
    pub(super) fn clips(&self) -> bool {
        let layers = self.layers.iter().map(|layer| &layer.own);
        layers.chain(self.groups.iter().map(|group| &group.own)).any(|own| own.operator == Operator::Clip)
    }
}

impl Operator {
    /// The meaning of a `composite-op`. Krita's own names count too, and so do names without a prefix.
    fn of(mode: &str) -> Self {
        let name = mode.trim().to_ascii_lowercase();
        match name.rsplit_once(':').map_or(name.as_str(), |(_, name)| name) {
            "" | "src-over" | "normal" => Self::Over,
            "dst-out" | "destination-out" | "erase" => Self::Erase,
            "dst-in" | "destination-in" => Self::Keep,
            "src-atop" | "source-atop" => Self::Clip,
            "clear" | "dst" => Self::Nothing,
            "src" | "src-in" | "src-out" | "dst-over" | "dst-atop" | "xor" | "in" | "out" | "behind" | "copy"
            | "destination-atop" => Self::Other,
            _ => Self::Blend,
        }
    }
}
