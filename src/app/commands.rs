//! Everything a person can ask for, in one list: menu, shortcuts, tooltips and tests all come from here.

use egui::{Key, Modifiers};
use egui_material_icons::{MaterialIcon, icons};

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    New,
    Open,
    Examples,
    Save,
    SaveAs,
    Export,
    Quit,
    Undo,
    Redo,
    AddRegion,
    DuplicateRegion,
    RenameRegion,
    EditWords,
    ToggleRegion,
    RaiseRegion,
    LowerRegion,
    SelectAbove,
    SelectBelow,
    FillRegion,
    ClearRegion,
    InvertRegion,
    DeleteRegion,
    Generate,
    Cancel,
    NewSeed,
    RerollRegion,
    CanvasSize,
    ToolBrush,
    ToolEraser,
    ToolHand,
    ToolZoom,
    BrushSmaller,
    BrushLarger,
    BrushSofter,
    BrushHarder,
    FocusCanvas,
    ZoomIn,
    ZoomOut,
    ZoomFit,
    ZoomActual,
    ViewBoth,
    ViewRegions,
    ViewPicture,
    ThemeSystem,
    ThemeDark,
    ThemeLight,
    Palette,
    Shortcuts,
    About,
}

/// A combination of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    pub modifiers: Modifiers,
    pub key: Key,
    /// Match the key by its place on the keyboard as well, whatever the layout prints on it.
    pub physical: bool,
}

const CTRL: Modifiers = Modifiers::COMMAND;
const SHIFT: Modifiers = Modifiers::SHIFT;
const ALT: Modifiers = Modifiers::ALT;
const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);
const PLAIN: Modifiers = Modifiers::NONE;

const fn key(modifiers: Modifiers, key: Key) -> Keys {
    Keys { modifiers, key, physical: false }
}

const fn place(modifiers: Modifiers, key: Key) -> Keys {
    Keys { modifiers, key, physical: true }
}

impl Command {
    /// Every command, in the order of the menus.
    pub const ALL: [Self; 49] = [
        Self::New,
        Self::Open,
        Self::Examples,
        Self::Save,
        Self::SaveAs,
        Self::Export,
        Self::Quit,
        Self::Undo,
        Self::Redo,
        Self::AddRegion,
        Self::DuplicateRegion,
        Self::RenameRegion,
        Self::EditWords,
        Self::ToggleRegion,
        Self::RaiseRegion,
        Self::LowerRegion,
        Self::SelectAbove,
        Self::SelectBelow,
        Self::FillRegion,
        Self::ClearRegion,
        Self::InvertRegion,
        Self::DeleteRegion,
        Self::Generate,
        Self::Cancel,
        Self::NewSeed,
        Self::RerollRegion,
        Self::CanvasSize,
        Self::ToolBrush,
        Self::ToolEraser,
        Self::ToolHand,
        Self::ToolZoom,
        Self::BrushSmaller,
        Self::BrushLarger,
        Self::BrushSofter,
        Self::BrushHarder,
        Self::FocusCanvas,
        Self::ZoomIn,
        Self::ZoomOut,
        Self::ZoomFit,
        Self::ZoomActual,
        Self::ViewBoth,
        Self::ViewRegions,
        Self::ViewPicture,
        Self::ThemeSystem,
        Self::ThemeDark,
        Self::ThemeLight,
        Self::Palette,
        Self::Shortcuts,
        Self::About,
    ];

    /// What menus and buttons call it. `…` where it asks for more first.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::New => "New…",
            Self::Open => "Open…",
            Self::Examples => "Examples…",
            Self::Save => "Save",
            Self::SaveAs => "Save as…",
            Self::Export => "Export picture…",
            Self::Quit => "Quit",
            Self::Undo => "Undo",
            Self::Redo => "Redo",
            Self::AddRegion => "Add region",
            Self::DuplicateRegion => "Duplicate region",
            Self::RenameRegion => "Rename region",
            Self::EditWords => "Write words",
            Self::ToggleRegion => "Hide or show region",
            Self::RaiseRegion => "Move region up",
            Self::LowerRegion => "Move region down",
            Self::SelectAbove => "Select region above",
            Self::SelectBelow => "Select region below",
            Self::FillRegion => "Fill region",
            Self::ClearRegion => "Clear region",
            Self::InvertRegion => "Invert region",
            Self::DeleteRegion => "Delete region",
            Self::Generate => "Generate",
            Self::Cancel => "Cancel",
            Self::NewSeed => "Roll a new seed",
            Self::RerollRegion => "Draw this one again",
            Self::CanvasSize => "Canvas size…",
            Self::ToolBrush => "Brush",
            Self::ToolEraser => "Eraser",
            Self::ToolHand => "Hand",
            Self::ToolZoom => "Zoom",
            Self::BrushSmaller => "Smaller brush",
            Self::BrushLarger => "Larger brush",
            Self::BrushSofter => "Softer brush",
            Self::BrushHarder => "Harder brush",
            Self::FocusCanvas => "Paint with the keyboard",
            Self::ZoomIn => "Zoom in",
            Self::ZoomOut => "Zoom out",
            Self::ZoomFit => "Fit canvas in window",
            Self::ZoomActual => "Actual size",
            Self::ViewBoth => "Both",
            Self::ViewRegions => "Regions",
            Self::ViewPicture => "Picture",
            Self::ThemeSystem => "Like the system",
            Self::ThemeDark => "Dark",
            Self::ThemeLight => "Light",
            Self::Palette => "Find a command…",
            Self::Shortcuts => "Keyboard shortcuts",
            Self::About => "About Polyptych",
        }
    }

    /// What the list of all commands calls it, where the name alone does not say enough.
    #[must_use]
    pub fn full_label(self) -> String {
        let label = self.label();
        match self {
            Self::ViewBoth | Self::ViewRegions | Self::ViewPicture => format!("Show: {label}"),
            Self::ThemeSystem | Self::ThemeDark | Self::ThemeLight => format!("Theme: {label}"),
            Self::ToolBrush | Self::ToolEraser | Self::ToolHand | Self::ToolZoom => format!("Tool: {label}"),
            _ => label.to_owned(),
        }
    }

    /// One line on what it does, for tooltips and the palette.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            Self::New => "Start an empty canvas",
            Self::Open => "Open a project (.ora) or a picture exported from Polyptych (.png)",
            Self::Examples => "Open one of the painted examples",
            Self::Save => "Save the project",
            Self::SaveAs => "Save the project under another name",
            Self::Export => "Write the picture as a PNG file",
            Self::Quit => "Close the studio",
            Self::Undo => "Take back the last change",
            Self::Redo => "Do again what was taken back",
            Self::AddRegion => "Add a region on top of the others",
            Self::DuplicateRegion => "Copy the region with its words",
            Self::RenameRegion => "Give the region another name",
            Self::EditWords => "Write what the region shows",
            Self::ToggleRegion => "A hidden region takes no part in the picture",
            Self::RaiseRegion => "Upper regions cover lower ones",
            Self::LowerRegion => "Upper regions cover lower ones",
            Self::SelectAbove => "Go to the next region up the list",
            Self::SelectBelow => "Go to the next region down the list",
            Self::FillRegion => "Let the region cover the whole canvas",
            Self::ClearRegion => "Wipe the region's paint and keep its words",
            Self::InvertRegion => "Cover what the region leaves open, and the other way round",
            Self::DeleteRegion => "Remove the region and its words",
            Self::Generate => "Make the picture",
            Self::Cancel => "Stop making the picture",
            Self::NewSeed => "Another seed gives another picture of the same words",
            Self::RerollRegion => "Another seed for this region alone; the rest of the picture stays as it is",
            Self::CanvasSize => "Change width and height of the picture",
            Self::ToolBrush => "Paint where the region shows",
            Self::ToolEraser => "Take paint away from the region",
            Self::ToolHand => "Move the canvas (or hold Space)",
            Self::ToolZoom => "Click to zoom in, Alt+click to zoom out",
            Self::BrushSmaller | Self::BrushLarger => "Change the size of brush and eraser",
            Self::BrushSofter | Self::BrushHarder => "Change how sharp the edge of the stroke is",
            Self::FocusCanvas => "Arrow keys move the brush, Space paints a dab, Enter puts it down or lifts it",
            Self::ZoomIn | Self::ZoomOut => "Change how large the canvas is shown",
            Self::ZoomFit => "Show the whole canvas",
            Self::ZoomActual => "One pixel of the picture on one pixel of the screen",
            Self::ViewBoth => "Show the regions over the picture",
            Self::ViewRegions => "Show the regions alone",
            Self::ViewPicture => "Show the picture alone",
            Self::ThemeSystem => "Dark or light as the desktop is",
            Self::ThemeDark => "Light text on dark grey",
            Self::ThemeLight => "Dark text on light grey",
            Self::Palette => "Type what you want to do",
            Self::Shortcuts => "All keys on one page",
            Self::About => "Version and licences",
        }
    }

    /// Its icon, where a button shows one.
    #[must_use]
    pub fn icon(self) -> Option<MaterialIcon> {
        Some(match self {
            Self::ToolBrush => icons::ICON_BRUSH,
            Self::ToolEraser => icons::ICON_INK_ERASER,
            Self::ToolHand => icons::ICON_PAN_TOOL,
            Self::ToolZoom => icons::ICON_SEARCH,
            Self::AddRegion => icons::ICON_ADD,
            Self::DuplicateRegion => icons::ICON_CONTENT_COPY,
            Self::RenameRegion => icons::ICON_EDIT,
            Self::RaiseRegion => icons::ICON_ARROW_UPWARD,
            Self::LowerRegion => icons::ICON_ARROW_DOWNWARD,
            Self::DeleteRegion => icons::ICON_DELETE,
            Self::NewSeed | Self::RerollRegion => icons::ICON_CASINO,
            Self::Palette => icons::ICON_SEARCH,
            _ => return None,
        })
    }

    /// The keys that call it; the first is the one that menus show.
    #[must_use]
    pub fn keys(self) -> &'static [Keys] {
        match self {
            Self::New => const { &[key(CTRL, Key::N)] },
            Self::Open => const { &[key(CTRL, Key::O)] },
            Self::Save => const { &[key(CTRL, Key::S)] },
            Self::SaveAs => const { &[key(CTRL_SHIFT, Key::S)] },
            Self::Export => const { &[key(CTRL, Key::E)] },
            Self::Quit => const { &[key(CTRL, Key::Q)] },
            Self::Undo => const { &[key(CTRL, Key::Z)] },
            Self::Redo => const { &[key(CTRL_SHIFT, Key::Z), key(CTRL, Key::Y)] },
            Self::AddRegion => const { &[key(CTRL_SHIFT, Key::N)] },
            Self::DuplicateRegion => const { &[key(CTRL, Key::J)] },
            Self::RenameRegion => const { &[key(PLAIN, Key::F2)] },
            Self::EditWords => const { &[key(PLAIN, Key::W)] },
            Self::RaiseRegion => const { &[place(CTRL, Key::CloseBracket)] },
            Self::LowerRegion => const { &[place(CTRL, Key::OpenBracket)] },
            Self::SelectAbove => const { &[place(ALT, Key::CloseBracket)] },
            Self::SelectBelow => const { &[place(ALT, Key::OpenBracket)] },
            Self::FillRegion => const { &[key(SHIFT, Key::F)] },
            Self::ClearRegion => const { &[key(SHIFT, Key::C)] },
            Self::InvertRegion => const { &[key(SHIFT, Key::V)] },
            Self::DeleteRegion => const { &[key(PLAIN, Key::Delete)] },
            Self::Generate => const { &[key(CTRL, Key::Enter)] },
            Self::Cancel => const { &[key(SHIFT, Key::X), key(PLAIN, Key::Escape)] },
            Self::NewSeed => const { &[key(CTRL, Key::R)] },
            Self::RerollRegion => const { &[key(CTRL_SHIFT, Key::R)] },
            Self::ToolBrush => const { &[key(PLAIN, Key::B)] },
            Self::ToolEraser => const { &[key(PLAIN, Key::E)] },
            Self::ToolHand => const { &[key(PLAIN, Key::H)] },
            Self::ToolZoom => const { &[key(PLAIN, Key::Z)] },
            Self::BrushSmaller => const { &[place(PLAIN, Key::OpenBracket)] },
            Self::BrushLarger => const { &[place(PLAIN, Key::CloseBracket)] },
            Self::BrushSofter => const { &[place(SHIFT, Key::OpenBracket)] },
            Self::BrushHarder => const { &[place(SHIFT, Key::CloseBracket)] },
            Self::FocusCanvas => const { &[key(PLAIN, Key::F6)] },
            Self::ZoomIn => const { &[key(CTRL, Key::Plus), key(CTRL, Key::Equals), key(CTRL_SHIFT, Key::Plus)] },
            Self::ZoomOut => const { &[key(CTRL, Key::Minus)] },
            Self::ZoomFit => const { &[key(CTRL, Key::Num0)] },
            Self::ZoomActual => const { &[key(CTRL, Key::Num1)] },
            Self::ViewBoth => const { &[key(PLAIN, Key::Num1)] },
            Self::ViewRegions => const { &[key(PLAIN, Key::Num2)] },
            Self::ViewPicture => const { &[key(PLAIN, Key::Num3)] },
            Self::Palette => const { &[key(CTRL, Key::K)] },
            Self::Shortcuts => const { &[key(PLAIN, Key::F1)] },
            Self::Examples
            | Self::ToggleRegion
            | Self::CanvasSize
            | Self::ThemeSystem
            | Self::ThemeDark
            | Self::ThemeLight
            | Self::About => &[],
        }
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
            Key::Escape => "Esc",
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
pub fn take_pressed(ctx: &egui::Context, something_to_stop: bool) -> Vec<Command> {
    let typing = ctx.text_edit_focused();
    let escape = something_to_stop && !egui::Popup::is_any_open(ctx);
    let mut called = Vec::new();
    ctx.input_mut(|input| {
        input.events.retain(|event| {
            let found = Command::ALL
                .into_iter()
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
