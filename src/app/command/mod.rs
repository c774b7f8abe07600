//! Everything a person can ask for, in one list: menu, shortcuts, tooltips and tests all come from here.

mod changed;
mod keys;
mod sets;

use crate::app::text::i18n::{fill, tr};
use egui::Key;
use egui_material_icons::{MaterialIcon, icons};
use keys::{ALT, CTRL, CTRL_ALT, CTRL_ALT_SHIFT, CTRL_SHIFT, PLAIN, SHIFT, key, place};

pub(in crate::app) use changed::{ChangedKeys, is_changed};
pub use keys::Keys;
pub use sets::KeySet;
pub(in crate::app) use sets::take_pressed;

/// A row of the table; the keys are in the order of preference, and menus show the first.
struct Row {
    label: &'static str,
    hint: &'static str,
    icon: Option<MaterialIcon>,
    keys: &'static [Keys],
    when: When,
    group: Option<Group>,
    /// Words of other programs for it.
    also: &'static str,
}

/// The condition under which a command can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum When {
    /// It always can.
    Always,
    /// There is a step to undo.
    UndoStep,
    /// There is a step to redo.
    RedoStep,
    /// The document has a picture.
    Picture,
    /// The document has a picture, or one to start from.
    PictureOrInit,
    /// A crash left work that was not saved.
    LostWork,
    /// A region is selected.
    Region,
    /// A region is selected, and not locked.
    UnlockedRegion,
    /// A region is selected that takes part in the picture.
    VisibleRegion,
    /// The mask of an unlocked region is painted on, or that of what may change.
    UnlockedMask,
    /// The same, or paint.
    MaskOrPaint,
    /// A region is selected, and none that is selected is locked.
    UnlockedRegions,
    /// Masks of unlocked regions are selected, or that of what may change.
    UnlockedMasks,
    /// Several regions are selected.
    SeveralRegions,
    /// A region is selected that is in a group.
    GroupedRegion,
    /// There is a region above the selected one.
    RegionAbove,
    /// There is a region below the selected one.
    RegionBelow,
    /// There is a card above the selected one.
    CardAbove,
    /// There is a card below the selected one.
    CardBelow,
    /// There are regions.
    SomeRegion,
    /// There is a paint layer.
    SomePaint,
    /// There may be more regions.
    RoomForRegion,
    /// A region is selected, and there may be as many more as are.
    RegionAndRoom,
    /// There is a place to keep the list of models in.
    Library,
    /// A job runs or waits.
    Job,
    /// There is a live picture that can become a take.
    LivePicture,
    /// There are takes.
    Take,
    /// There are takes, or some that can be brought back.
    AnyTake,
    /// A take is shown.
    ShownTake,
    /// There is a take that was removed.
    RemovedTake,
    /// There are takes to compare, or they are being compared.
    Comparable,
    /// Only a part of the canvas is drawn.
    Framed,
    /// Escape has something to stop.
    Stoppable,
}

/// The choices that a command is one of, where its label alone does not say of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Show,
    Compare,
    Regions,
    Zoom,
    Theme,
    Tool,
    Language,
    Keys,
}

impl Group {
    /// The label with what it is a choice of.
    fn told(self, label: &str) -> String {
        match self {
            Self::Show => fill("Show: {0}", &[&label]),
            Self::Compare => fill("Compare: {0}", &[&label]),
            Self::Regions => fill("Regions: {0}", &[&label]),
            Self::Zoom => fill("Zoom: {0}", &[&label]),
            Self::Theme => fill("Theme: {0}", &[&label]),
            Self::Tool => fill("Tool: {0}", &[&label]),
            Self::Language => fill("Language: {0}", &[&label]),
            Self::Keys => fill("Keys: {0}", &[&label]),
        }
    }
}

macro_rules! group {
    () => {
        None
    };
    ($group:ident) => {
        Some(Group::$group)
    };
}

/// Makes [`Command`] and its rows of `Name: label, hint, icon, [keys], when, in group, also words;`; the last two may be left out.
macro_rules! commands {
    ($($name:ident: $label:literal, $hint:literal, $icon:expr, [$($keys:expr),*], $when:ident
        $(, in $group:ident)? $(, also $also:literal)?;)*) => {
        /// One thing to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Command {
            $(#[doc = $hint] $name,)*
        }

        impl Command {
            /// Every command, in the order of the menus.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            fn row(self) -> &'static Row {
                match self {
                    $(Self::$name => const {
                        &Row {
                            label: $label, hint: $hint, icon: $icon, keys: &[$($keys),*], when: When::$when,
                            group: group!($($group)?),
                            also: concat!("", $($also)?),
                        }
                    },)*
                }
            }
        }
    };
}

commands! {
    New: "New…", "Start an empty canvas", None, [key(CTRL, Key::N)], Always, also "create document file blank";
    Open: "Open…", "Open a project (.ora), or any picture (PNG, JPEG, WebP) to go on from", None, [key(CTRL, Key::O)], Always, also "load file image import";
    Recent: "Recent projects…", "Open one of the projects you had open of late", None, [key(CTRL_SHIFT, Key::O)], Always, also "history last documents";
    Recover: "Bring back unsaved work…", "What was not saved when the studio ended without being closed", None, [], LostWork, also "crash restore autosave backup";
    Examples: "Examples…", "Open one of the painted examples", None, [], Always, also "samples demo templates";
    Save: "Save", "Save the project", None, [key(CTRL, Key::S)], Always, also "store write";
    SaveAs: "Save as…", "Save the project under another name", None, [key(CTRL_SHIFT, Key::S)], Always, also "copy rename store ora";
    Export: "Export picture…", "Write the picture as a PNG, JPEG or WebP file", None, [key(CTRL, Key::E)], Picture, also "save image jpg png webp render";
    ExportMask: "Export mask…", "Write the mask of the selected region as a PNG file", None, [], Region, also "save layer alpha";
    ExportRegions: "Export regions…", "Keep names, words, settings and colours of the regions for other pictures, without their masks", None, [], SomeRegion, also "palette layers template";
    ImportRegions: "Import regions…", "Add regions that were exported, their masks still to be painted", None, [], Always, also "palette layers template";
    ImportMap: "Import colour map…", "Add the regions of a flat-coloured picture in which each colour is one", None, [], Always, also "segmentation semantic colour color id map ade20k";
    PlacePicture: "Place picture…", "Choose a picture and say what it is for: to start from it, or as a mask", None, [], Always, also "import image img2img init reference background underlay";
    ImportMask: "Import mask…", "Give the selected region the mask in a picture", None, [], UnlockedRegion, also "load layer mask alpha";
    Quit: "Quit", "Close the studio", None, [key(CTRL, Key::Q)], Always, also "exit close";
    Undo: "Undo", "Take back the last change", None, [key(CTRL, Key::Z)], UndoStep, also "history back revert step";
    Redo: "Redo", "Do again what was taken back", None, [key(CTRL_SHIFT, Key::Z), key(CTRL, Key::Y)], RedoStep, also "history forward repeat";
    CopyPicture: "Copy picture", "Put the picture on the clipboard", None, [key(CTRL_SHIFT, Key::C)], Picture, also "clipboard image";
    PastePicture: "Paste picture", "Start from the picture on the clipboard, or take it as a mask", None, [key(CTRL, Key::V)], Always, also "clipboard image img2img";
    AddRegion: "Add region", "Add a region on top of the others", Some(icons::ICON_ADD), [key(CTRL_SHIFT, Key::N)], RoomForRegion, also "new layer create mask";
    DuplicateRegion: "Duplicate region", "Copy the region with its words", Some(icons::ICON_CONTENT_COPY), [key(CTRL, Key::J)], RegionAndRoom, also "copy layer clone";
    RenameRegion: "Rename region", "Give the region another name", Some(icons::ICON_EDIT), [key(PLAIN, Key::F2)], Region, also "layer name title";
    EditWords: "Write words", "Write what the region shows", None, [key(PLAIN, Key::W)], Always, also "prompt text positive negative describe";
    ToggleRegion: "Hide or show region", "A hidden region takes no part in the picture", None, [], Region, also "layer visibility visible eye disable";
    SoloRegion: "Show this region alone", "Hide all other regions, or show them again", None, [key(SHIFT, Key::S)], Region, also "isolate solo layer only";
    LockRegion: "Lock or unlock region", "A locked region cannot be painted on, changed or deleted by mistake", None, [place(PLAIN, Key::Slash)], Region, also "protect layer";
    RaiseRegion: "Move region up", "Upper regions cover lower ones", Some(icons::ICON_ARROW_UPWARD), [place(CTRL, Key::CloseBracket)], RegionAbove, also "layer order front forward";
    LowerRegion: "Move region down", "Upper regions cover lower ones", Some(icons::ICON_ARROW_DOWNWARD), [place(CTRL, Key::OpenBracket)], RegionBelow, also "layer order back backward";
    SelectAbove: "Select region above", "Go to the next region up the list", None, [place(ALT, Key::CloseBracket)], CardAbove, also "next layer";
    SelectBelow: "Select region below", "Go to the next region down the list", None, [place(ALT, Key::OpenBracket)], CardBelow, also "previous layer";
    SelectAll: "Select all regions", "To move, scale, turn or hide them together; Ctrl+click on a card selects one more", None, [key(CTRL, Key::A)], SomeRegion, also "layers several multiple";
    GroupRegions: "Group regions", "Bind the selected regions together: a click on one selects them all", None, [key(CTRL, Key::G)], SeveralRegions, also "layers link folder bind";
    UngroupRegions: "Ungroup regions", "Each region of the group is selected by itself again", None, [key(CTRL_SHIFT, Key::G)], GroupedRegion, also "layers unlink loose split";
    FillRegion: "Fill region", "Let the region cover the whole canvas", None, [key(SHIFT, Key::F)], MaskOrPaint, also "select all whole mask";
    ClearRegion: "Clear region", "Wipe the region's paint and keep its words", None, [key(SHIFT, Key::C)], MaskOrPaint, also "deselect erase none empty mask";
    InvertRegion: "Invert region", "Cover what the region leaves open, and the other way round", None, [key(SHIFT, Key::V)], UnlockedMask, also "inverse selection mask";
    TurnRegionLeft: "Rotate region left", "Turn what is painted by a quarter, about its own middle", Some(icons::ICON_ROTATE_90_DEGREES_CCW), [], UnlockedMasks, also "turn 90 degrees counterclockwise layer mask";
    TurnRegionRight: "Rotate region right", "Turn what is painted by a quarter, about its own middle", Some(icons::ICON_ROTATE_90_DEGREES_CW), [], UnlockedMasks, also "turn 90 degrees clockwise layer mask";
    FlipRegionX: "Flip region left and right", "Left and right of what is painted change places", None, [], UnlockedMasks, also "mirror horizontal layer mask";
    FlipRegionY: "Flip region top and bottom", "Top and bottom of what is painted change places", None, [], UnlockedMasks, also "mirror vertical layer mask";
    FillFree: "Fill what is free", "Add to the region what no other one covers", None, [], UnlockedMask, also "remaining rest empty background mask";
    KeepSeen: "Keep what is seen", "Take away from the region what those above it cover", None, [], UnlockedRegion, also "cut subtract overlap trim mask";
    GrowRegion: "Grow region…", "Move the region’s edge outwards by some pixels", None, [], UnlockedMask, also "expand dilate enlarge selection mask";
    ShrinkRegion: "Shrink region…", "Move the region’s edge inwards by some pixels", None, [], UnlockedMask, also "contract erode reduce selection mask";
    SoftenRegion: "Soften edge…", "Blur the region’s edge by some pixels", None, [], MaskOrPaint, also "feather blur smooth selection mask";
    DeleteRegion: "Delete region", "Remove the region and its words", Some(icons::ICON_DELETE), [key(PLAIN, Key::Delete)], UnlockedRegions, also "remove layer";
    Generate: "Generate", "Make the picture; while one is made, put this one into the queue", None, [key(CTRL, Key::Enter)], Always, also "render create make txt2img image imagine invoke queue batch run";
    GenerateNext: "Generate next", "Make the picture before those that wait in the queue", None, [key(CTRL_SHIFT, Key::Enter)], Always, also "queue priority front";
    Cancel: "Cancel", "Stop making the picture", None, [key(SHIFT, Key::X), key(PLAIN, Key::Escape)], Stoppable, also "stop abort interrupt";
    CancelAll: "Cancel all", "Stop making the picture and empty the queue", None, [key(CTRL_SHIFT, Key::X)], Job, also "stop abort interrupt clear queue";
    Live: "Live painting", "A quick picture follows every stroke and word; nothing is kept until you say so", Some(icons::ICON_BOLT), [key(CTRL, Key::L)], Always, also "realtime preview interactive";
    KeepLive: "Keep the live picture", "Put the quick picture into the strip", None, [key(CTRL_SHIFT, Key::L)], LivePicture, also "save snapshot";
    PaintColours: "Paint colours", "Paint in colour below the regions: the picture grows from it", Some(icons::ICON_PALETTE), [key(SHIFT, Key::B)], Always, also "color layer underpainting sketch swatch picker";
    RemovePaint: "Remove the paint", "Take all painted colours away", None, [], SomePaint, also "delete color paint layer erase clear";
    PaintChange: "Paint what may change", "Paint with the brush where the picture may change; everywhere else it stays as it is", None, [key(SHIFT, Key::Q)], PictureOrInit, also "inpaint inpainting img2img denoise mask repaint selection quick heal healing remove object";
    Refine: "Refine what may change", "What may change is drawn over from what is there, at a strength of its own; off: it is drawn anew", None, [], PictureOrInit, also "img2img in selection denoise denoising strength inpaint";
    RefinePicture: "Refine this picture", "Start from the picture on show and draw it over: strength says how much becomes new", None, [], Picture, also "img2img denoise enhance detail rework improve sharpen";
    NewerTake: "Newer picture", "Show the picture made after this one", None, [key(PLAIN, Key::PageUp)], Take, also "next image variation";
    OlderTake: "Older picture", "Show the picture made before this one", None, [key(PLAIN, Key::PageDown)], Take, also "previous image variation";
    CompareTakes: "Compare pictures", "Lay the picture over the one made before it, with a line to drag", None, [key(PLAIN, Key::C)], Comparable, also "before after difference image";
    PeekTake: "Peek at the picture shown before", "Hold the key to see it in place of this one; let go to come back", None, [place(PLAIN, Key::Backslash)], Comparable, also "ab hold toggle last flip";
    TakeBoard: "All pictures…", "All pictures large on one page: choose, star, name, compare and remove them", Some(icons::ICON_GRID_VIEW), [key(CTRL, Key::B)], AnyTake, also "board gallery grid contact sheet overview browser lighttable";
    StarTake: "Star", "Keep the picture when older ones are let go for want of room", None, [], ShownTake, also "favourite favorite like rate mark pin";
    NameTake: "Name the picture…", "Give the picture a name, which the strip shows", None, [], ShownTake, also "rename title label";
    RestoreTake: "Bring back its regions and settings", "Regions, words and settings as they were when the picture was made", None, [], ShownTake, also "load parameters recall history";
    StartFromTake: "Keep as the picture to start from", "Put the picture below the regions, to go on from it", None, [], ShownTake, also "img2img init image send to canvas use as reference";
    ExportTake: "Export as it was made…", "Write the picture as a PNG file with the regions and settings that made it", None, [], ShownTake, also "save image";
    RemoveTake: "Remove picture", "Take the picture out of the strip", None, [key(SHIFT, Key::Delete)], ShownTake, also "delete image discard";
    BringBackTake: "Bring back what was removed", "Put the pictures that were removed last back to their places", None, [], RemovedTake, also "undelete restore image";
    FrameRegion: "Frame around the region", "Draw only the part of the canvas around the selected region", None, [key(SHIFT, Key::D)], Region, also "generation frame bounding box detail refine inpaint area part";
    FrameOff: "Draw the whole canvas", "Take the frame away", None, [], Framed, also "generation frame bounding box off none";
    NewSeed: "Roll a new seed", "Another seed gives another picture of the same words", Some(icons::ICON_CASINO), [key(CTRL, Key::R)], Always, also "random variation reroll dice shuffle";
    RerollRegion: "Draw this one again", "Another seed for this region alone; the rest of the picture stays as it is", Some(icons::ICON_CASINO), [key(CTRL_SHIFT, Key::R)], VisibleRegion, also "variation regenerate random seed inpaint region";
    Models: "Models…", "Everything in your folders of models: choose, search, add the folder of ComfyUI or of a web UI, fetch", None, [], Always, also "checkpoint lora embedding textual inversion library civitai hugging face download vae controlnet";
    AddModels: "Add a folder of models…", "List everything in a folder, such as that of ComfyUI or of a web UI; its files stay where they are", None, [], Library, also "checkpoint path directory comfyui automatic1111 library";
    AddLora: "Add a LoRA…", "Lay a LoRA (.safetensors) over the model: it changes how it draws", None, [], Always, also "lycoris locon style adapter";
    AddOwnLora: "Add a LoRA to the region…", "Lay a LoRA over the selected region alone, or over the background: nothing else is drawn with it", None, [], Always, also "lycoris locon regional adapter";
    Enlarge: "Enlarge picture…", "Make the canvas larger and draw the picture over at that size, with the same regions", None, [], Picture, also "upscale upscaler hires fix second pass resolution superresolution bigger";
    CanvasSize: "Canvas size…", "Change width and height of the picture", None, [], Always, also "resize crop resolution dimensions outpaint extend expand aspect ratio width height image size scale";
    Settings: "Picture settings", "Size, model, steps and more of the picture", None, [], Always, also "sampler sampling cfg guidance scale seed scheduler parameters advanced clip skip tiling seamless";
    ToolBrush: "Brush", "Paint where the region shows", Some(icons::ICON_BRUSH), [key(PLAIN, Key::B)], Always, in Tool, also "paint pen draw pencil stabilizer stabiliser smoothing";
    ToolEraser: "Eraser", "Take paint away from the region", Some(icons::ICON_INK_ERASER), [key(PLAIN, Key::E)], Always, in Tool, also "rubber erase";
    ToolSmudge: "Smudge", "Drag colours along, or the edge of the region, as with a finger through wet paint", Some(icons::ICON_TOUCH_APP), [key(PLAIN, Key::S)], Always, in Tool, also "blend blur finger mix smear";
    ToolLasso: "Lasso", "Draw around what the region covers, or click corner by corner", Some(icons::ICON_LASSO_SELECT), [key(PLAIN, Key::L)], Always, in Tool, also "selection polygon freehand outline";
    ToolRectangle: "Rectangle", "Drag a rectangle: Shift for a square, Alt first to take away, Alt later from the centre", Some(icons::ICON_CROP_SQUARE), [key(PLAIN, Key::U)], Always, in Tool, also "square box marquee selection shape";
    ToolEllipse: "Ellipse", "Drag an ellipse: Shift for a circle, Alt first to take away, Alt later from the centre", Some(icons::ICON_CIRCLE), [key(SHIFT, Key::U)], Always, in Tool, also "circle oval selection shape";
    ToolFill: "Fill", "Fill what hangs together, over the regions or over the picture", Some(icons::ICON_FORMAT_COLOR_FILL), [key(PLAIN, Key::F)], Always, in Tool, also "bucket paint flood";
    ToolGradient: "Gradient", "Drag from where the region is full to where it ends", Some(icons::ICON_TRANSITION_FADE), [key(PLAIN, Key::G)], Always, in Tool, also "fade ramp blend";
    ToolMove: "Move", "Move, scale and turn the region; arrow keys move it pixel by pixel, with Ctrl they scale it", Some(icons::ICON_OPEN_WITH), [key(PLAIN, Key::V)], Always, in Tool, also "transform scale resize drag free rotate turn align skew shear distort perspective";
    ToolFrame: "Frame", "Draw only a part of the canvas, at the model's own size, and lay it back into the picture", Some(icons::ICON_CROP_FREE), [key(PLAIN, Key::D)], Always, in Tool, also "generation frame bounding box detail refine inpaint area part crop";
    ToolPick: "Pick region", "Select the region under the pointer (or Alt+click with a brush)", Some(icons::ICON_ARROW_SELECTOR_TOOL), [key(PLAIN, Key::I)], Always, in Tool, also "select layer eyedropper";
    ToolHand: "Hand", "Move the canvas (or hold Space)", Some(icons::ICON_PAN_TOOL), [key(PLAIN, Key::H)], Always, in Tool, also "pan scroll";
    ToolZoom: "Zoom", "Click to zoom in, Alt+click to zoom out", Some(icons::ICON_SEARCH), [key(PLAIN, Key::Z)], Always, in Tool, also "magnify magnifier loupe";
    CombineAdd: "Add to region", "Shapes, fills and gradients are added to the region", None, [], Always, also "union join mode";
    CombineSubtract: "Take away from region", "Shapes, fills and gradients are taken away from the region (or hold Alt while beginning)", None, [], Always, also "difference cut mode";
    CombineReplace: "Replace region", "Shapes, fills and gradients become the whole region", None, [], Always, also "mode new";
    FillByRegions: "Fill by regions", "Fill what one region shows, or what none covers", None, [], Always, also "bucket layers";
    FillByPicture: "Fill by picture", "Fill what has about the same colour in the picture", None, [], Always, also "magic wand colour color similar";
    FillContiguous: "Fill only what hangs together", "Off: everything on the canvas that is alike", None, [], Always, also "connected adjacent magic wand";
    SymmetryX: "Mirror left and right", "Paint both halves alike, over a line down the middle", None, [], Always, also "symmetry horizontal flip axis";
    SymmetryY: "Mirror top and bottom", "Paint both halves alike, over a line across the middle", None, [], Always, also "symmetry vertical flip axis";
    PressureSize: "Pen pressure: size", "The harder the pen is pressed, the wider the stroke; without a pen nothing changes", None, [], Always, also "tablet stylus wacom dynamics";
    PressureOpacity: "Pen pressure: opacity", "The harder the pen is pressed, the stronger the stroke; without a pen nothing changes", None, [], Always, also "tablet stylus wacom dynamics flow";
    BrushSmaller: "Smaller brush", "Change the size of brush and eraser", None, [place(PLAIN, Key::OpenBracket)], Always, also "decrease size diameter radius";
    BrushLarger: "Larger brush", "Change the size of brush and eraser", None, [place(PLAIN, Key::CloseBracket)], Always, also "increase size diameter radius";
    BrushSofter: "Softer brush", "Change how sharp the edge of the stroke is", None, [place(SHIFT, Key::OpenBracket)], Always, also "decrease hardness feather";
    BrushHarder: "Harder brush", "Change how sharp the edge of the stroke is", None, [place(SHIFT, Key::CloseBracket)], Always, also "increase hardness sharp";
    BrushFainter: "Fainter brush", "Change how strongly the stroke is laid down", None, [], Always, also "decrease opacity flow transparency";
    BrushStronger: "Stronger brush", "Change how strongly the stroke is laid down", None, [], Always, also "increase opacity flow transparency";
    FocusCanvas: "Paint with the keyboard", "Arrow keys move the brush, Space paints a dab, Enter puts it down or lifts it", None, [key(PLAIN, Key::F6)], Always, also "accessibility keys arrows";
    ZoomIn: "Zoom in", "Change how large the canvas is shown", None, [key(CTRL, Key::Plus), key(CTRL, Key::Equals), key(CTRL_SHIFT, Key::Plus)], Always, also "magnify larger";
    ZoomOut: "Zoom out", "Change how large the canvas is shown", None, [key(CTRL, Key::Minus)], Always, also "smaller";
    ZoomFit: "Fit canvas in window", "Show the whole canvas", None, [key(CTRL, Key::Num0)], Always, also "reset view home fit screen";
    ZoomActual: "Actual size", "One pixel of the picture on one pixel of the screen", None, [key(CTRL, Key::Num1)], Always, also "100 % reset zoom original size";
    ViewBoth: "Both", "Show the regions over the picture", None, [key(PLAIN, Key::Num1)], Always, in Show, also "overlay";
    ViewRegions: "Regions", "Show the regions alone", None, [key(PLAIN, Key::Num2)], Always, in Show, also "layers masks";
    ViewPicture: "Picture", "Show the picture alone", None, [key(PLAIN, Key::Num3)], Always, in Show, also "image only";
    ViewCompare: "Compare", "Show picture and regions beside each other", None, [key(PLAIN, Key::Y)], Always, in Show, also "split before after";
    CompareSides: "Side by side", "The picture at the left, the regions at the right", Some(icons::ICON_VERTICAL_SPLIT), [], Always, in Compare, also "split";
    CompareSlider: "With a slider", "Drag a line between picture and regions", Some(icons::ICON_COMPARE), [], Always, in Compare, also "split before after";
    CompareBlink: "Blinking", "Picture and regions in turn, in the same place", Some(icons::ICON_FLIP_TO_FRONT), [], Always, in Compare, also "flicker toggle";
    LookTint: "Tint", "Show regions as an even colour with an outline", None, [], Always, in Regions, also "overlay colour color";
    LookOutline: "Outline", "Show regions by their outline alone", None, [], Always, in Regions, also "border contour";
    LookHatch: "Hatching", "Show regions as lines, each in another direction: readable without colour", None, [], Always, in Regions, also "pattern colour blind";
    LookHidden: "Hidden", "Show no regions; they take part in the picture all the same", None, [], Always, in Regions, also "overlay off";
    HideLook: "Show or hide all regions", "Look at the picture without them; they take part in it all the same", None, [key(SHIFT, Key::H)], Always, also "overlay toggle layers";
    LatentMask: "As the model sees them", "Show regions on the model's grid of 8 by 8 pixels (the latent mask): what is thin or soft counts less there", None, [key(SHIFT, Key::L)], Always, in Regions, also "grid debug";
    Rulers: "Rulers", "Show where one is on the canvas, in pixels", None, [key(SHIFT, Key::R)], Always, also "guides grid measure";
    Zoom200: "200 %", "One pixel of the picture on two by two of the screen", None, [key(CTRL, Key::Num2)], Always, in Zoom, also "magnify";
    Zoom400: "400 %", "One pixel of the picture on four by four of the screen", None, [key(CTRL, Key::Num3)], Always, in Zoom, also "magnify";
    RotateLeft: "Turn view left", "Turn the canvas on the screen; the picture stays as it is", Some(icons::ICON_ROTATE_LEFT), [key(PLAIN, Key::Num4)], Always, also "rotate canvas counterclockwise";
    RotateRight: "Turn view right", "Turn the canvas on the screen; the picture stays as it is", Some(icons::ICON_ROTATE_RIGHT), [key(PLAIN, Key::Num6)], Always, also "rotate canvas clockwise";
    Straighten: "Straighten view", "Upright again, and not mirrored", None, [key(PLAIN, Key::Num5)], Always, also "reset view rotation";
    MirrorView: "Mirror view", "Swap left and right on the screen to see mistakes; the picture stays as it is", Some(icons::ICON_FLIP), [key(PLAIN, Key::M)], Always, also "flip horizontal view";
    PanLeft: "Move view left", "See more of what lies to the left", None, [key(ALT, Key::ArrowLeft)], Always, also "scroll";
    PanRight: "Move view right", "See more of what lies to the right", None, [key(ALT, Key::ArrowRight)], Always, also "scroll";
    PanUp: "Move view up", "See more of what lies above", None, [key(ALT, Key::ArrowUp)], Always, also "scroll";
    PanDown: "Move view down", "See more of what lies below", None, [key(ALT, Key::ArrowDown)], Always, also "scroll";
    ThemeSystem: "Like the system", "Dark or light as the desktop is", None, [], Always, in Theme, also "preferences settings options appearance";
    ThemeDark: "Dark", "Light text on dark grey", None, [], Always, in Theme, also "preferences settings options appearance mode night";
    ThemeLight: "Light", "Dark text on light grey", None, [], Always, in Theme, also "preferences settings options appearance mode day";
    Palette: "Find a command…", "Type what you want to do", Some(icons::ICON_SEARCH), [key(CTRL, Key::K)], Always, also "search command help";
    Shortcuts: "Keyboard shortcuts", "All keys on one page", None, [key(PLAIN, Key::F1)], Always, also "keys hotkeys keymap help preferences cheat sheet";
    Preferences: "Preferences…", "Language, theme, size, keys and more on one page", None, [key(CTRL, Key::Comma)], Always, also "settings options configure setup";
    TogglePanels: "Hide or show panels", "Leave the whole window to the canvas", None, [place(CTRL, Key::Backslash)], Always, also "fullscreen full screen distraction free tab dock sidebar";
    InterfaceLarger: "Larger interface", "Letters, buttons and panels become larger", None, [key(CTRL_ALT, Key::Plus), key(CTRL_ALT, Key::Equals), key(CTRL_ALT_SHIFT, Key::Plus)], Always, also "font size ui scale zoom accessibility preferences options";
    InterfaceSmaller: "Smaller interface", "Letters, buttons and panels become smaller", None, [key(CTRL_ALT, Key::Minus)], Always, also "font size ui scale zoom preferences options";
    ResetStudio: "Reset the studio…", "Put theme, panels, brushes and window back as they were on the first day", None, [], Always, also "defaults factory preferences settings options workspace";
    LanguageSystem: "Language of the system", "English where the system's is not spoken here", None, [], Always, in Language, also "preferences settings options locale translation";
    LanguageEnglish: "English", "The window speaks English", None, [], Always, in Language, also "language preferences";
    LanguageGerman: "Deutsch", "Das Fenster spricht Deutsch", None, [], Always, in Language, also "language german preferences";
    LanguageChinese: "中文", "界面使用简体中文", None, [], Always, in Language, also "language chinese preferences";
    KeysOwn: "Polyptych’s own", "The keys of this program, close to Krita’s", None, [], Always, in Keys, also "shortcuts hotkeys preferences settings options";
    KeysKrita: "As in Krita", "The keys that Krita has for the same thing", None, [], Always, in Keys, also "shortcuts hotkeys preferences settings options";
    KeysPhotoshop: "As in Photoshop", "The keys that Photoshop has for the same thing; digits are the brush’s opacity", None, [], Always, in Keys, also "shortcuts hotkeys preferences settings options adobe";
    Tour: "Take the tour", "Four notes on how a picture is made", None, [], Always, also "help tutorial introduction guide onboarding";
    About: "About Polyptych", "Version and licences", None, [], Always, also "help version licence license info";
}

impl Command {
    /// The name in menus and on buttons, with `…` where it asks for more first.
    #[must_use]
    pub fn label(self) -> &'static str {
        if self.speaks_for_itself() { self.row().label } else { tr(self.row().label) }
    }

    /// The name in the list of all commands, where the label alone does not say enough.
    #[must_use]
    pub fn full_label(self) -> String {
        self.row().group.map_or_else(|| self.label().to_owned(), |group| group.told(self.label()))
    }

    /// Other words for it, by which it is found: what other programs call it.
    pub(in crate::app) fn also(self) -> &'static str {
        self.row().also
    }

    /// One line on what it does, for tooltips and the palette.
    #[must_use]
    pub fn hint(self) -> &'static str {
        if self.speaks_for_itself() { self.row().hint } else { tr(self.row().hint) }
    }

    /// Its name in English, whatever language the window speaks.
    pub(in crate::app) fn english_label(self) -> &'static str {
        self.row().label
    }

    /// Languages are called by their own names, whatever language the window speaks.
    fn speaks_for_itself(self) -> bool {
        matches!(self, Self::LanguageEnglish | Self::LanguageGerman | Self::LanguageChinese)
    }

    /// The English texts that are to be translated.
    #[cfg(test)]
    pub(in crate::app) fn english(self) -> impl Iterator<Item = &'static str> {
        [self.row().label, self.row().hint].into_iter().filter(move |_| !self.speaks_for_itself())
    }

    /// Its icon, where a button shows one.
    #[must_use]
    pub fn icon(self) -> Option<MaterialIcon> {
        self.row().icon
    }

    /// The keys of the program's own set.
    fn own_keys(self) -> &'static [Keys] {
        self.row().keys
    }

    /// The condition under which it can be done.
    pub(in crate::app) fn when(self) -> When {
        self.row().when
    }
}
