//! Everything a person can ask for, in one list: menu, shortcuts, tooltips and tests all come from here.

use crate::app::text::i18n::{fill, tr};
use egui::{Key, Modifiers};
use egui_material_icons::{MaterialIcon, icons};

/// A row of the table; the keys are in the order of preference, and menus show the first.
struct Row {
    label: &'static str,
    hint: &'static str,
    icon: Option<MaterialIcon>,
    keys: &'static [Keys],
}

/// Makes [`Command`] and its rows of `Name: label, hint, icon, [keys];`.
macro_rules! commands {
    ($($name:ident: $label:literal, $hint:literal, $icon:expr, [$($keys:expr),*];)*) => {
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
                        &Row { label: $label, hint: $hint, icon: $icon, keys: &[$($keys),*] }
                    },)*
                }
            }
        }
    };
}

/// A combination of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// The modifiers, exactly these.
    pub modifiers: Modifiers,
    /// The key itself.
    pub key: Key,
    /// Match the key by its place on the keyboard as well, whatever the layout prints on it.
    pub physical: bool,
}

const CTRL: Modifiers = Modifiers::COMMAND;
const SHIFT: Modifiers = Modifiers::SHIFT;
const ALT: Modifiers = Modifiers::ALT;
const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);
const CTRL_ALT: Modifiers = Modifiers::COMMAND.plus(Modifiers::ALT);
const PLAIN: Modifiers = Modifiers::NONE;

const fn key(modifiers: Modifiers, key: Key) -> Keys {
    Keys { modifiers, key, physical: false }
}

const fn place(modifiers: Modifiers, key: Key) -> Keys {
    Keys { modifiers, key, physical: true }
}

commands! {
    New: "New…", "Start an empty canvas", None, [key(CTRL, Key::N)];
    Open: "Open…", "Open a project (.ora), or any picture (PNG, JPEG, WebP) to go on from", None, [key(CTRL, Key::O)];
    Recent: "Recent projects…", "Open one of the projects you had open of late", None, [key(CTRL_SHIFT, Key::O)];
    Recover: "Bring back unsaved work…", "What was not saved when the studio ended without being closed", None, [];
    Examples: "Examples…", "Open one of the painted examples", None, [];
    Save: "Save", "Save the project", None, [key(CTRL, Key::S)];
    SaveAs: "Save as…", "Save the project under another name", None, [key(CTRL_SHIFT, Key::S)];
    Export: "Export picture…", "Write the picture as a PNG, JPEG or WebP file", None, [key(CTRL, Key::E)];
    ExportMask: "Export mask…", "Write the mask of the selected region as a PNG file", None, [];
    ExportRegions: "Export regions…", "Keep names, words, settings and colours of the regions for other pictures, without their masks", None, [];
    ImportRegions: "Import regions…", "Add regions that were exported, their masks still to be painted", None, [];
    ImportMap: "Import colour map…", "Add the regions of a flat-coloured picture in which each colour is one", None, [];
    PlacePicture: "Place picture…", "Choose a picture and say what it is for: to start from it, or as a mask", None, [];
    ImportMask: "Import mask…", "Give the selected region the mask in a picture", None, [];
    Quit: "Quit", "Close the studio", None, [key(CTRL, Key::Q)];
    Undo: "Undo", "Take back the last change", None, [key(CTRL, Key::Z)];
    Redo: "Redo", "Do again what was taken back", None, [key(CTRL_SHIFT, Key::Z), key(CTRL, Key::Y)];
    CopyPicture: "Copy picture", "Put the picture on the clipboard", None, [key(CTRL_SHIFT, Key::C)];
    PastePicture: "Paste picture", "Start from the picture on the clipboard, or take it as a mask", None, [key(CTRL, Key::V)];
    AddRegion: "Add region", "Add a region on top of the others", Some(icons::ICON_ADD), [key(CTRL_SHIFT, Key::N)];
    DuplicateRegion: "Duplicate region", "Copy the region with its words", Some(icons::ICON_CONTENT_COPY), [key(CTRL, Key::J)];
    RenameRegion: "Rename region", "Give the region another name", Some(icons::ICON_EDIT), [key(PLAIN, Key::F2)];
    EditWords: "Write words", "Write what the region shows", None, [key(PLAIN, Key::W)];
    ToggleRegion: "Hide or show region", "A hidden region takes no part in the picture", None, [];
    SoloRegion: "Show this region alone", "Hide all other regions, or show them again", None, [key(SHIFT, Key::S)];
    LockRegion: "Lock or unlock region", "A locked region cannot be painted on, changed or deleted by mistake", None, [place(PLAIN, Key::Slash)];
    RaiseRegion: "Move region up", "Upper regions cover lower ones", Some(icons::ICON_ARROW_UPWARD), [place(CTRL, Key::CloseBracket)];
    LowerRegion: "Move region down", "Upper regions cover lower ones", Some(icons::ICON_ARROW_DOWNWARD), [place(CTRL, Key::OpenBracket)];
    SelectAbove: "Select region above", "Go to the next region up the list", None, [place(ALT, Key::CloseBracket)];
    SelectBelow: "Select region below", "Go to the next region down the list", None, [place(ALT, Key::OpenBracket)];
    FillRegion: "Fill region", "Let the region cover the whole canvas", None, [key(SHIFT, Key::F)];
    ClearRegion: "Clear region", "Wipe the region's paint and keep its words", None, [key(SHIFT, Key::C)];
    InvertRegion: "Invert region", "Cover what the region leaves open, and the other way round", None, [key(SHIFT, Key::V)];
    GrowRegion: "Grow region…", "Move the region’s edge outwards by some pixels", None, [];
    ShrinkRegion: "Shrink region…", "Move the region’s edge inwards by some pixels", None, [];
    SoftenRegion: "Soften edge…", "Blur the region’s edge by some pixels", None, [];
    DeleteRegion: "Delete region", "Remove the region and its words", Some(icons::ICON_DELETE), [key(PLAIN, Key::Delete)];
    Generate: "Generate", "Make the picture; while one is made, put this one into the queue", None, [key(CTRL, Key::Enter)];
    GenerateNext: "Generate next", "Make the picture before those that wait in the queue", None, [key(CTRL_SHIFT, Key::Enter)];
    Cancel: "Cancel", "Stop making the picture", None, [key(SHIFT, Key::X), key(PLAIN, Key::Escape)];
    CancelAll: "Cancel all", "Stop making the picture and empty the queue", None, [key(CTRL_SHIFT, Key::X)];
    Live: "Live painting", "A quick picture follows every stroke and word; nothing is kept until you say so", Some(icons::ICON_BOLT), [key(CTRL, Key::L)];
    KeepLive: "Keep the live picture", "Put the quick picture into the strip", None, [key(CTRL_SHIFT, Key::L)];
    PaintChange: "Paint what may change", "Paint with the brush where the picture may change; everywhere else it stays as it is", None, [key(SHIFT, Key::Q)];
    NewerTake: "Newer picture", "Show the picture made after this one", None, [key(PLAIN, Key::PageUp)];
    OlderTake: "Older picture", "Show the picture made before this one", None, [key(PLAIN, Key::PageDown)];
    CompareTakes: "Compare pictures", "Lay the picture over the one made before it, with a line to drag", None, [key(PLAIN, Key::C)];
    RestoreTake: "Bring back its regions and settings", "Regions, words and settings as they were when the picture was made", None, [];
    StartFromTake: "Keep as the picture to start from", "Put the picture below the regions, to go on from it", None, [];
    ExportTake: "Export as it was made…", "Write the picture as a PNG file with the regions and settings that made it", None, [];
    RemoveTake: "Remove picture", "Take the picture out of the strip", None, [key(SHIFT, Key::Delete)];
    BringBackTake: "Bring back the removed picture", "Put the picture that was removed last back into the strip", None, [];
    NewSeed: "Roll a new seed", "Another seed gives another picture of the same words", Some(icons::ICON_CASINO), [key(CTRL, Key::R)];
    RerollRegion: "Draw this one again", "Another seed for this region alone; the rest of the picture stays as it is", Some(icons::ICON_CASINO), [key(CTRL_SHIFT, Key::R)];
    Models: "Models…", "Everything in your folders of models: choose, search, add the folder of ComfyUI or of a web UI, fetch", None, [];
    AddModels: "Add a folder of models…", "List everything in a folder, such as that of ComfyUI or of a web UI; its files stay where they are", None, [];
    AddLora: "Add a LoRA…", "Lay a LoRA (.safetensors) over the model: it changes how it draws", None, [];
    AddOwnLora: "Add a LoRA to the region…", "Lay a LoRA over the selected region alone, or over the background: nothing else is drawn with it", None, [];
    CanvasSize: "Canvas size…", "Change width and height of the picture", None, [];
    ToolBrush: "Brush", "Paint where the region shows", Some(icons::ICON_BRUSH), [key(PLAIN, Key::B)];
    ToolEraser: "Eraser", "Take paint away from the region", Some(icons::ICON_INK_ERASER), [key(PLAIN, Key::E)];
    ToolLasso: "Lasso", "Draw around what the region covers, or click corner by corner", Some(icons::ICON_LASSO_SELECT), [key(PLAIN, Key::L)];
    ToolRectangle: "Rectangle", "Drag a rectangle: Shift for a square, Alt first to take away, Alt later from the centre", Some(icons::ICON_CROP_SQUARE), [key(PLAIN, Key::U)];
    ToolEllipse: "Ellipse", "Drag an ellipse: Shift for a circle, Alt first to take away, Alt later from the centre", Some(icons::ICON_CIRCLE), [key(SHIFT, Key::U)];
    ToolFill: "Fill", "Fill what hangs together, over the regions or over the picture", Some(icons::ICON_FORMAT_COLOR_FILL), [key(PLAIN, Key::F)];
    ToolGradient: "Gradient", "Drag from where the region is full to where it ends", Some(icons::ICON_GRADIENT), [key(PLAIN, Key::G)];
    ToolMove: "Move", "Move and scale the region; arrow keys move it pixel by pixel, with Ctrl they scale it", Some(icons::ICON_OPEN_WITH), [key(PLAIN, Key::V)];
    ToolPick: "Pick region", "Select the region under the pointer (or Alt+click with a brush)", Some(icons::ICON_ADS_CLICK), [key(PLAIN, Key::I)];
    ToolHand: "Hand", "Move the canvas (or hold Space)", Some(icons::ICON_PAN_TOOL), [key(PLAIN, Key::H)];
    ToolZoom: "Zoom", "Click to zoom in, Alt+click to zoom out", Some(icons::ICON_SEARCH), [key(PLAIN, Key::Z)];
    CombineAdd: "Add to region", "Shapes, fills and gradients are added to the region", None, [];
    CombineSubtract: "Take away from region", "Shapes, fills and gradients are taken away from the region (or hold Alt while beginning)", None, [];
    CombineReplace: "Replace region", "Shapes, fills and gradients become the whole region", None, [];
    FillByRegions: "Fill by regions", "Fill what one region shows, or what none covers", None, [];
    FillByPicture: "Fill by picture", "Fill what has about the same colour in the picture", None, [];
    FillContiguous: "Fill only what hangs together", "Off: everything on the canvas that is alike", None, [];
    SymmetryX: "Mirror left and right", "Paint both halves alike, over a line down the middle", None, [];
    SymmetryY: "Mirror top and bottom", "Paint both halves alike, over a line across the middle", None, [];
    PressureSize: "Pen pressure: size", "The harder the pen is pressed, the wider the stroke; without a pen nothing changes", None, [];
    PressureOpacity: "Pen pressure: opacity", "The harder the pen is pressed, the stronger the stroke; without a pen nothing changes", None, [];
    BrushSmaller: "Smaller brush", "Change the size of brush and eraser", None, [place(PLAIN, Key::OpenBracket)];
    BrushLarger: "Larger brush", "Change the size of brush and eraser", None, [place(PLAIN, Key::CloseBracket)];
    BrushSofter: "Softer brush", "Change how sharp the edge of the stroke is", None, [place(SHIFT, Key::OpenBracket)];
    BrushHarder: "Harder brush", "Change how sharp the edge of the stroke is", None, [place(SHIFT, Key::CloseBracket)];
    FocusCanvas: "Paint with the keyboard", "Arrow keys move the brush, Space paints a dab, Enter puts it down or lifts it", None, [key(PLAIN, Key::F6)];
    ZoomIn: "Zoom in", "Change how large the canvas is shown", None, [key(CTRL, Key::Plus), key(CTRL, Key::Equals), key(CTRL_SHIFT, Key::Plus)];
    ZoomOut: "Zoom out", "Change how large the canvas is shown", None, [key(CTRL, Key::Minus)];
    ZoomFit: "Fit canvas in window", "Show the whole canvas", None, [key(CTRL, Key::Num0)];
    ZoomActual: "Actual size", "One pixel of the picture on one pixel of the screen", None, [key(CTRL, Key::Num1)];
    ViewBoth: "Both", "Show the regions over the picture", None, [key(PLAIN, Key::Num1)];
    ViewRegions: "Regions", "Show the regions alone", None, [key(PLAIN, Key::Num2)];
    ViewPicture: "Picture", "Show the picture alone", None, [key(PLAIN, Key::Num3)];
    ViewCompare: "Compare", "Show picture and regions beside each other", None, [key(PLAIN, Key::Y)];
    CompareSides: "Side by side", "The picture at the left, the regions at the right", Some(icons::ICON_VERTICAL_SPLIT), [];
    CompareSlider: "With a slider", "Drag a line between picture and regions", Some(icons::ICON_COMPARE), [];
    CompareBlink: "Blinking", "Picture and regions in turn, in the same place", Some(icons::ICON_FLIP_TO_FRONT), [];
    LookTint: "Tint", "Show regions as an even colour with an outline", None, [];
    LookOutline: "Outline", "Show regions by their outline alone", None, [];
    LookHatch: "Hatching", "Show regions as lines, each in another direction: readable without colour", None, [];
    LookHidden: "Hidden", "Show no regions; they take part in the picture all the same", None, [];
    HideLook: "Show or hide all regions", "Look at the picture without them; they take part in it all the same", None, [key(SHIFT, Key::H)];
    LatentMask: "As the model sees them", "Show regions on the model's grid of 8 by 8 pixels (the latent mask): what is thin or soft counts less there", None, [key(SHIFT, Key::L)];
    Rulers: "Rulers", "Show where one is on the canvas, in pixels", None, [key(SHIFT, Key::R)];
    Zoom200: "200 %", "One pixel of the picture on two by two of the screen", None, [key(CTRL, Key::Num2)];
    Zoom400: "400 %", "One pixel of the picture on four by four of the screen", None, [key(CTRL, Key::Num3)];
    RotateLeft: "Turn view left", "Turn the canvas on the screen; the picture stays as it is", Some(icons::ICON_ROTATE_LEFT), [key(PLAIN, Key::Num4)];
    RotateRight: "Turn view right", "Turn the canvas on the screen; the picture stays as it is", Some(icons::ICON_ROTATE_RIGHT), [key(PLAIN, Key::Num6)];
    Straighten: "Straighten view", "Upright again, and not mirrored", None, [key(PLAIN, Key::Num5)];
    MirrorView: "Mirror view", "Swap left and right on the screen to see mistakes; the picture stays as it is", Some(icons::ICON_FLIP), [key(PLAIN, Key::M)];
    PanLeft: "Move view left", "See more of what lies to the left", None, [key(ALT, Key::ArrowLeft)];
    PanRight: "Move view right", "See more of what lies to the right", None, [key(ALT, Key::ArrowRight)];
    PanUp: "Move view up", "See more of what lies above", None, [key(ALT, Key::ArrowUp)];
    PanDown: "Move view down", "See more of what lies below", None, [key(ALT, Key::ArrowDown)];
    ThemeSystem: "Like the system", "Dark or light as the desktop is", None, [];
    ThemeDark: "Dark", "Light text on dark grey", None, [];
    ThemeLight: "Light", "Dark text on light grey", None, [];
    Palette: "Find a command…", "Type what you want to do", Some(icons::ICON_SEARCH), [key(CTRL, Key::K)];
    Shortcuts: "Keyboard shortcuts", "All keys on one page", None, [key(PLAIN, Key::F1)];
    TogglePanels: "Hide or show panels", "Leave the whole window to the canvas", None, [place(CTRL, Key::Backslash)];
    InterfaceLarger: "Larger interface", "Letters, buttons and panels become larger", None, [key(CTRL_ALT, Key::Plus), key(CTRL_ALT, Key::Equals)];
    InterfaceSmaller: "Smaller interface", "Letters, buttons and panels become smaller", None, [key(CTRL_ALT, Key::Minus)];
    ResetStudio: "Reset the studio…", "Put theme, panels, brushes and window back as they were on the first day", None, [];
    LanguageSystem: "Language of the system", "English where the system's is not spoken here", None, [];
    LanguageEnglish: "English", "The window speaks English", None, [];
    LanguageGerman: "Deutsch", "Das Fenster spricht Deutsch", None, [];
    LanguageChinese: "中文", "界面使用简体中文", None, [];
    Tour: "Take the tour", "Four notes on how a picture is made", None, [];
    About: "About Polyptych", "Version and licences", None, [];
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
        let label = self.label();
        match self {
            Self::ViewBoth | Self::ViewRegions | Self::ViewPicture | Self::ViewCompare => fill("Show: {0}", &[&label]),
            Self::CompareSides | Self::CompareSlider | Self::CompareBlink => fill("Compare: {0}", &[&label]),
            Self::LookTint | Self::LookOutline | Self::LookHatch | Self::LookHidden | Self::LatentMask => {
                fill("Regions: {0}", &[&label])
            }
            Self::Zoom200 | Self::Zoom400 => fill("Zoom: {0}", &[&label]),
            Self::ThemeSystem | Self::ThemeDark | Self::ThemeLight => fill("Theme: {0}", &[&label]),
            Self::ToolBrush | Self::ToolEraser | Self::ToolHand | Self::ToolZoom => fill("Tool: {0}", &[&label]),
            Self::ToolLasso | Self::ToolRectangle | Self::ToolEllipse => fill("Tool: {0}", &[&label]),
            Self::ToolFill | Self::ToolGradient | Self::ToolMove | Self::ToolPick => fill("Tool: {0}", &[&label]),
            Self::LanguageSystem | Self::LanguageEnglish | Self::LanguageGerman | Self::LanguageChinese => {
                fill("Language: {0}", &[&label])
            }
            _ => label.to_owned(),
        }
    }

    /// One line on what it does, for tooltips and the palette.
    #[must_use]
    pub fn hint(self) -> &'static str {
        if self.speaks_for_itself() { self.row().hint } else { tr(self.row().hint) }
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

    /// The keys that call it; the first is the one that menus show.
    #[must_use]
    pub fn keys(self) -> &'static [Keys] {
        self.row().keys
    }

    /// The keys as the menu prints them, empty where it has none.
    #[must_use]
    pub fn keys_text(self, ctx: &egui::Context) -> String {
        self.keys().first().map(|k| k.text(ctx)).unwrap_or_default()
    }

    /// Label, keys and hint in one tooltip.
    #[must_use]
    pub fn tooltip(self, ctx: &egui::Context) -> String {
        let keys = self.keys_text(ctx);
        if keys.is_empty() {
            format!("{}\n{}", self.label(), self.hint())
        } else {
            format!("{} ({keys})\n{}", self.label(), self.hint())
        }
    }

    /// True where its keys also work while words are being typed.
    fn while_typing(self) -> bool {
        !matches!(self, Self::Undo | Self::Redo) && self.keys().iter().any(|k| k.modifiers.command || k.key == Key::F1)
    }

    /// True where holding its keys down repeats it.
    fn repeats(self) -> bool {
        matches!(
            self,
            Self::Undo
                | Self::Redo
                | Self::BrushSmaller
                | Self::BrushLarger
                | Self::BrushSofter
                | Self::BrushHarder
                | Self::ZoomIn
                | Self::ZoomOut
                | Self::RotateLeft
                | Self::RotateRight
                | Self::PanLeft
                | Self::PanRight
                | Self::PanUp
                | Self::PanDown
        )
    }
}

impl Keys {
    /// As people write it: `Ctrl+Shift+S`.
    #[must_use]
    pub fn text(self, ctx: &egui::Context) -> String {
        let key = match self.key {
            Key::OpenBracket => "[",
            Key::CloseBracket => "]",
            Key::Plus => "+",
            Key::Equals => "=",
            Key::Minus => "-",
            Key::Slash => "/",
            Key::Backslash => "\\",
            Key::Escape => "Esc",
            Key::ArrowLeft => "←",
            Key::ArrowRight => "→",
            Key::ArrowUp => "↑",
            Key::ArrowDown => "↓",
            key => key.name(),
        };
        let modifiers = ctx.format_modifiers(self.modifiers);
        if modifiers.is_empty() { key.to_owned() } else { format!("{modifiers}+{key}") }
    }

    fn match_event(self, event: &egui::Event) -> bool {
        let egui::Event::Key { key, physical_key, pressed: true, modifiers, .. } = event else {
            return false;
        };
        let same_key = *key == self.key || (self.physical && *physical_key == Some(self.key));
        same_key && modifiers.matches_exact(self.modifiers)
    }
}

/// Takes the commands called by keys out of this frame's events, in the order they were pressed.
///
/// While words are being typed only combinations with Ctrl are taken, so that `]` stays a letter. Escape is taken where
/// there is something to stop, and otherwise left to close what is open.
#[must_use]
pub(in crate::app) fn take_pressed(ctx: &egui::Context, something_to_stop: bool) -> Vec<Command> {
    let typing = ctx.text_edit_focused();
    let escape = something_to_stop && !egui::Popup::is_any_open(ctx);
    let mut called = Vec::new();
    ctx.input_mut(|input| {
        input.events.retain(|event| {
            let found = Command::ALL
                .iter()
                .copied()
                .find(|c| (!typing || c.while_typing()) && c.keys().iter().any(|k| k.match_event(event)));
            let Some(command) = found else { return true };
            let egui::Event::Key { key, repeat, .. } = event else { return true };
            if *key == Key::Escape && !escape {
                return true;
            }
            if !*repeat || command.repeats() {
                called.push(command);
            }
            false
        });
    });
    called
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_commands_have_the_same_keys() {
        for (i, command) in Command::ALL.iter().enumerate() {
            for other in &Command::ALL[i + 1..] {
                for keys in command.keys() {
                    assert!(!other.keys().contains(keys), "{command:?} and {other:?}: {keys:?}");
                }
            }
        }
    }
}
