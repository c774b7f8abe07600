//! Conditions of commands: when each can be done, and which choices are the ones in use.

use crate::app::App;
use crate::app::canvas::{Compare, RegionLook, ViewMode};
use crate::app::command::{Command, KeySet, When};
use crate::app::editor::Selected;
use crate::app::text::i18n::Language;
use crate::app::tools::FillOver;
use crate::document::MAX_REGIONS;
use crate::paint::Combine;
use egui::ThemePreference;

/// A command that is a choice or a switch, and whether it is on.
type Switch = (Command, fn(&App) -> bool);

/// Every command that menus and buttons show as on or off.
const SWITCHES: &[Switch] = &[
    (Command::ViewBoth, |app| app.workspace.view_mode == ViewMode::Both),
    (Command::ViewRegions, |app| app.workspace.view_mode == ViewMode::Regions),
    (Command::ViewPicture, |app| app.workspace.view_mode == ViewMode::Picture),
    (Command::ViewCompare, |app| app.workspace.view_mode == ViewMode::Compare),
    (Command::CompareSides, |app| app.is_comparing_by(Compare::Sides)),
    (Command::CompareSlider, |app| app.is_comparing_by(Compare::Slider)),
    (Command::CompareBlink, |app| app.is_comparing_by(Compare::Blink)),
    (Command::LookTint, |app| app.prefs.canvas.regions == RegionLook::Tint),
    (Command::LookOutline, |app| app.prefs.canvas.regions == RegionLook::Outline),
    (Command::LookHatch, |app| app.prefs.canvas.regions == RegionLook::Hatch),
    (Command::LookHidden, |app| app.prefs.canvas.regions == RegionLook::Hidden),
    (Command::LatentMask, |app| app.prefs.canvas.latent),
    (Command::Rulers, |app| app.prefs.canvas.rulers),
    (Command::MirrorView, |app| app.workspace.canvas.view.is_mirrored()),
    (Command::TogglePanels, |app| app.prefs.panels_away),
    (Command::ThemeSystem, |app| app.prefs.theme == ThemePreference::System),
    (Command::ThemeDark, |app| app.prefs.theme == ThemePreference::Dark),
    (Command::ThemeLight, |app| app.prefs.theme == ThemePreference::Light),
    (Command::KeysOwn, |app| app.prefs.keys == KeySet::Own),
    (Command::KeysKrita, |app| app.prefs.keys == KeySet::Krita),
    (Command::KeysPhotoshop, |app| app.prefs.keys == KeySet::Photoshop),
    (Command::LanguageSystem, |app| app.prefs.language == Language::System),
    (Command::LanguageEnglish, |app| app.prefs.language == Language::English),
    (Command::LanguageGerman, |app| app.prefs.language == Language::German),
    (Command::LanguageChinese, |app| app.prefs.language == Language::Chinese),
    (Command::Live, |app| app.generation.live.is_on()),
    (Command::PaintChange, |app| app.open.editor.paints_change()),
    (Command::Refine, App::refines_change),
    (Command::PaintColours, |app| app.open.editor.paints_colours()),
    (Command::CompareTakes, |app| app.open.compare.is_some()),
    (Command::StarTake, App::shown_is_starred),
    (Command::PressureSize, |app| app.brush().pressure_size),
    (Command::PressureOpacity, |app| app.brush().pressure_opacity),
    (Command::SymmetryX, |app| app.prefs.tools.symmetry.x),
    (Command::SymmetryY, |app| app.prefs.tools.symmetry.y),
    (Command::CombineAdd, |app| app.prefs.tools.combine == Combine::Add),
    (Command::CombineSubtract, |app| app.prefs.tools.combine == Combine::Subtract),
    (Command::CombineReplace, |app| app.prefs.tools.combine == Combine::Replace),
    (Command::FillByRegions, |app| app.prefs.tools.fill_over == FillOver::Regions),
    (Command::FillByPicture, |app| app.prefs.tools.fill_over == FillOver::Picture),
    (Command::FillContiguous, |app| app.prefs.tools.contiguous),
];

impl App {
    fn is_comparing_by(&self, compare: Compare) -> bool {
        self.workspace.view_mode == ViewMode::Compare && self.prefs.canvas.compare == compare
    }

    /// True where the command can be done now.
    #[must_use]
    pub fn is_enabled(&self, command: Command) -> bool {
        let region = self.open.editor.selected_region().is_some();
        let document = self.open.editor.document();
        match command.when() {
            When::Always => true,
            When::UndoStep => self.open.editor.undo_label().is_some(),
            When::RedoStep => self.open.editor.redo_label().is_some(),
            When::Picture => document.take.is_some(),
            When::PictureOrInit => document.init_image.is_some() || document.take.is_some(),
            When::LostWork => !self.recovery.lost.is_empty(),
            When::Region => region,
            When::UnlockedRegion => region && !self.open.editor.is_locked(),
            When::VisibleRegion => self.open.editor.selected_region().is_some_and(|r| r.visible),
            When::UnlockedMask => self.open.editor.paints_change() || region && !self.open.editor.is_locked(),
            When::UnlockedRegions => region && !self.open.editor.selected_regions().any(|r| r.locked),
            When::UnlockedMasks => {
                let editor = &self.open.editor;
                editor.paints_change() || region && !editor.selected_regions().any(|r| r.locked)
            }
            When::MaskOrPaint => {
                let editor = &self.open.editor;
                editor.paints_colours() || editor.paints_change() || region && !editor.is_locked()
            }
            When::SeveralRegions => self.open.editor.selected_regions().count() > 1,
            When::GroupedRegion => self.open.editor.selected_regions().any(|r| !document.group_of(r.id).is_empty()),
            When::SomePaint => document.paint.is_some(),
            When::RegionAbove => self.open.editor.selected_neighbour(1).is_some(),
            When::RegionBelow => self.open.editor.selected_neighbour(-1).is_some(),
            When::CardAbove => self.open.editor.selected() != Selected::uppermost(document),
            When::CardBelow => self.open.editor.selected() != Selected::Background,
            When::SomeRegion => !document.regions.is_empty(),
            When::RoomForRegion => document.regions.len() < MAX_REGIONS,
            When::RegionAndRoom => {
                region && document.regions.len() + self.open.editor.selected_regions().count() <= MAX_REGIONS
            }
            When::Library => self.added.can_add(),
            When::Job => !self.generation.jobs.is_empty(),
            When::LivePicture => self.generation.live.can_be_kept(),
            When::Take => self.open.takes.len() > 0,
            When::AnyTake => self.open.takes.len() > 0 || self.open.takes.can_bring_back(),
            When::ShownTake => self.shown_take().is_some(),
            When::RemovedTake => self.open.takes.can_bring_back(),
            When::Comparable => self.open.takes.len() > 1 || self.open.compare.is_some(),
            When::Framed => self.open.editor.frame().is_some(),
            When::Stoppable => self.something_to_stop(),
        }
    }

    /// True for a choice that is the one in use, and for a switch that is on.
    #[must_use]
    pub fn is_on(&self, command: Command) -> bool {
        SWITCHES.iter().find(|(of, _)| *of == command).is_some_and(|(_, is_on)| is_on(self))
    }

    /// True where Escape has something to stop: a stroke, a change, a comparison or a job.
    pub(in crate::app) fn something_to_stop(&self) -> bool {
        self.stops_before_a_job() || self.is_generating()
    }

    /// True where something else than a job is stopped first.
    pub(in crate::app) fn stops_before_a_job(&self) -> bool {
        self.workspace.canvas.is_painting() || self.is_working() || self.open.compare.is_some()
    }
}
