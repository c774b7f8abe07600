//! The bar at the top: the menus, and the document's name in the middle.

use crate::app::App;
use crate::app::command::Command;
use crate::app::kit::{theme, widgets};
use crate::app::shell::leaving::Leave;
use crate::app::text::i18n::{key, tr};
use egui::containers::menu::menu_style;
use egui::text::LayoutJob;
use egui::{Align2, Button, FontId, MenuBar, Stroke, Ui};
use egui_material_icons::icons;
use std::path::PathBuf;

/// The least room for the document's name.
const TITLE: f32 = 48.0;

/// One menu: its name and its entries; `None` is a line between.
type Menu = (&'static str, &'static [Option<Command>]);

const MENUS: [Menu; 8] = [
    (
        key("File"),
        &[
            Some(Command::New),
            Some(Command::Open),
            Some(Command::Examples),
            Some(Command::Recover),
            None,
            Some(Command::Save),
            Some(Command::SaveAs),
            None,
            Some(Command::PlacePicture),
            Some(Command::ImportMask),
            Some(Command::ImportMap),
            Some(Command::ImportRegions),
            None,
            Some(Command::Export),
            Some(Command::ExportMask),
            Some(Command::ExportRegions),
            None,
            Some(Command::Quit),
        ],
    ),
    (
        key("Edit"),
        &[
            Some(Command::Undo),
            Some(Command::Redo),
            None,
            Some(Command::CopyPicture),
            Some(Command::PastePicture),
            None,
            Some(Command::SelectAll),
            Some(Command::GroupRegions),
            Some(Command::UngroupRegions),
            None,
            Some(Command::Preferences),
        ],
    ),
    (
        key("Region"),
        &[
            Some(Command::AddRegion),
            Some(Command::DuplicateRegion),
            Some(Command::RenameRegion),
            Some(Command::EditWords),
            Some(Command::DeleteRegion),
            None,
            Some(Command::ToggleRegion),
            Some(Command::SoloRegion),
            Some(Command::LockRegion),
            Some(Command::RaiseRegion),
            Some(Command::LowerRegion),
            Some(Command::SelectAbove),
            Some(Command::SelectBelow),
            None,
            Some(Command::FillRegion),
            Some(Command::ClearRegion),
            Some(Command::InvertRegion),
            None,
            Some(Command::TurnRegionLeft),
            Some(Command::TurnRegionRight),
            Some(Command::FlipRegionX),
            Some(Command::FlipRegionY),
            None,
            Some(Command::FillFree),
            Some(Command::KeepSeen),
            None,
            Some(Command::GrowRegion),
            Some(Command::ShrinkRegion),
            Some(Command::SoftenRegion),
        ],
    ),
    (
        key("Tools"),
        &[
            Some(Command::ToolBrush),
            Some(Command::ToolEraser),
            Some(Command::ToolSmudge),
            Some(Command::ToolLasso),
            Some(Command::ToolRectangle),
            Some(Command::ToolEllipse),
            Some(Command::ToolFill),
            Some(Command::ToolGradient),
            Some(Command::ToolMove),
            Some(Command::ToolFrame),
            Some(Command::ToolPick),
            Some(Command::ToolHand),
            Some(Command::ToolZoom),
            None,
            Some(Command::CombineAdd),
            Some(Command::CombineSubtract),
            Some(Command::CombineReplace),
            None,
            Some(Command::FillByRegions),
            Some(Command::FillByPicture),
            Some(Command::FillContiguous),
            None,
            Some(Command::SymmetryX),
            Some(Command::SymmetryY),
            None,
            Some(Command::PressureSize),
            Some(Command::PressureOpacity),
        ],
    ),
    (
        key("Picture"),
        &[
            Some(Command::Generate),
            Some(Command::GenerateNext),
            Some(Command::Cancel),
            Some(Command::CancelAll),
            Some(Command::Live),
            Some(Command::KeepLive),
            None,
            Some(Command::FrameRegion),
            Some(Command::FrameOff),
            Some(Command::PaintChange),
            Some(Command::Refine),
            Some(Command::RefinePicture),
            Some(Command::PaintColours),
            Some(Command::RemovePaint),
            Some(Command::NewSeed),
            Some(Command::RerollRegion),
            Some(Command::Models),
            Some(Command::AddModels),
            Some(Command::AddLora),
            Some(Command::AddOwnLora),
            Some(Command::Enlarge),
            Some(Command::CanvasSize),
            Some(Command::Settings),
        ],
    ),
    (
        key("Takes"),
        &[
            Some(Command::TakeBoard),
            None,
            Some(Command::NewerTake),
            Some(Command::OlderTake),
            Some(Command::CompareTakes),
            Some(Command::PeekTake),
            None,
            Some(Command::StarTake),
            Some(Command::NameTake),
            None,
            Some(Command::RestoreTake),
            Some(Command::StartFromTake),
            Some(Command::ExportTake),
            None,
            Some(Command::RemoveTake),
            Some(Command::BringBackTake),
        ],
    ),
    (
        key("View"),
        &[
            Some(Command::ZoomIn),
            Some(Command::ZoomOut),
            Some(Command::ZoomFit),
            Some(Command::ZoomActual),
            None,
            Some(Command::ViewBoth),
            Some(Command::ViewRegions),
            Some(Command::ViewPicture),
            Some(Command::ViewCompare),
            None,
            Some(Command::LookTint),
            Some(Command::LookOutline),
            Some(Command::LookHatch),
            Some(Command::LookHidden),
            Some(Command::LatentMask),
            None,
            Some(Command::RotateLeft),
            Some(Command::RotateRight),
            Some(Command::Straighten),
            Some(Command::MirrorView),
            Some(Command::Rulers),
            None,
            Some(Command::ThemeDark),
            Some(Command::ThemeLight),
            Some(Command::ThemeSystem),
            None,
            Some(Command::LanguageEnglish),
            Some(Command::LanguageGerman),
            Some(Command::LanguageChinese),
            Some(Command::LanguageSystem),
            None,
            Some(Command::KeysOwn),
            Some(Command::KeysKrita),
            Some(Command::KeysPhotoshop),
            None,
            Some(Command::TogglePanels),
            Some(Command::InterfaceLarger),
            Some(Command::InterfaceSmaller),
            Some(Command::ResetStudio),
        ],
    ),
    (
        key("Help"),
        &[
            Some(Command::Palette),
            Some(Command::Shortcuts),
            Some(Command::FocusCanvas),
            Some(Command::Tour),
            None,
            Some(Command::About),
        ],
    ),
];

/// What was chosen in the menus of a frame.
#[derive(Default)]
struct Chosen {
    command: Option<Command>,
    recent: Option<PathBuf>,
    size: Option<u16>,
}

/// True where all menus have room beside each other, with the program's name before them and what is searched by after them.
fn fit(ui: &Ui) -> bool {
    let width = |text: &str| widgets::text_width(ui, text);
    let around = 2.0 * ui.spacing().button_padding.x + ui.spacing().item_spacing.x;
    let menus: f32 = MENUS.iter().map(|(name, _)| width(tr(name)) + around).sum();
    let search = width(&Command::Palette.keys_text(ui)) + 48.0;
    width("Polyptych") + theme::GRID + menus + search < ui.available_width()
}

impl App {
    pub(in crate::app) fn menu_ui(&mut self, ui: &mut Ui) {
        let t = theme::tokens(ui);
        let bar = ui.max_rect();
        let mut chosen = Chosen::default();
        let (mut menus_end, mut title_end) = (0.0_f32, f32::INFINITY);
        let style = move |style: &mut egui::Style| {
            menu_style(style);
            // The head that has the keyboard is seen.
            style.visuals.widgets.active.bg_stroke = Stroke::new(1.0, t.accent);
        };
        MenuBar::new().style(style).ui(ui, |ui| {
            ui.set_min_height(bar.height());
            ui.spacing_mut().item_spacing.x = theme::HALF;
            // Where there is no room for them side by side, one menu holds all of them.
            if fit(ui) {
                ui.add(egui::Label::new(theme::strong("Polyptych").color(t.text_strong)).selectable(false));
                ui.add_space(theme::GRID);
                self.menus(ui, &mut chosen);
            } else {
                let all = ui.menu_button(icons::ICON_MENU.codepoint, |ui| self.menus(ui, &mut chosen)).response;
                all.accessible_name(tr("Menu"));
            }
            menus_end = ui.cursor().left();
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                widgets::flat(ui);
                let text = format!("{}  {}", icons::ICON_SEARCH.codepoint, Command::Palette.keys_text(ui));
                let button = ui.add(Button::new(text)).accessible_name(Command::Palette.label());
                if button.on_hover_text(Command::Palette.hint()).clicked() {
                    chosen.command = Some(Command::Palette);
                }
                title_end = ui.cursor().right() - theme::GRID;
            });
        });
        let dot = if self.open.editor.is_unsaved() { " •" } else { "" };
        let title = format!("{}{dot}", self.open.editor.title());
        let font = FontId::proportional(theme::TEXT);
        // In the middle of the window, or in a narrow one beside the menus.
        let room = title_end - menus_end - theme::GRID;
        let mut job = LayoutJob::simple_singleline(title, font, t.text_weak);
        job.wrap = egui::text::TextWrapping::truncate_at_width(room.max(0.0));
        let galley = ui.painter().layout_job(job);
        let left = ui.ctx().content_rect().center().x - galley.size().x * 0.5;
        let left = left.min(title_end - galley.size().x).max(menus_end + theme::GRID);
        let at = egui::pos2(left, bar.center().y);
        let rect = Align2::LEFT_CENTER.anchor_size(at, galley.size());
        // (In the least one there is no room for it: the system's frame has it as well.)
        if room >= TITLE {
            ui.painter().galley(rect.min, galley, t.text_weak);
        }
        if let Some(command) = chosen.command {
            self.perform(ui, command);
        }
        if let Some(path) = chosen.recent {
            self.leave(ui, Leave::OpenPath(path));
        }
        if let Some(size) = chosen.size {
            self.set_size(ui, size);
        }
    }

    fn menus(&self, ui: &mut Ui, chosen: &mut Chosen) {
        for (name, entries) in MENUS {
            ui.menu_button(tr(name), |ui| {
                ui.set_min_width(224.0);
                widgets::entries(ui, |ui| entries.iter().for_each(|entry| self.entry(ui, *entry, chosen)));
            });
        }
    }

    fn entry(&self, ui: &mut Ui, entry: Option<Command>, chosen: &mut Chosen) {
        let Some(command) = entry else {
            ui.separator();
            return;
        };
        self.menu_entry(ui, command, &mut chosen.command);
        match command {
            Command::Open => chosen.recent = self.recent_menu(ui, &mut chosen.command).or(chosen.recent.take()),
            Command::InterfaceSmaller => chosen.size = self.size_menu(ui).or(chosen.size),
            _ => {}
        }
    }

    pub(super) fn menu_entry(&self, ui: &mut Ui, command: Command, called: &mut Option<Command>) {
        let checked = self.is_on(command);
        // "Undo Paint": what would be taken back.
        let undone = (command == Command::Undo).then(|| self.open.editor.undo_label()).flatten();
        let label = undone.or_else(|| (command == Command::Redo).then(|| self.open.editor.redo_label()).flatten());
        let label = label.map_or_else(|| command.label().to_owned(), |l| format!("{}: {}", command.label(), tr(l)));
        let mut button = Button::new(label).shortcut_text(command.keys_text(ui));
        if checked {
            button = button.selected(true);
        }
        let response = ui.add_enabled(self.is_enabled(command), button).on_hover_text(command.hint());
        if response.clicked() {
            *called = Some(command);
        }
    }
}
