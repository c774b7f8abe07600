//! Conditions of commands: when each can be done, and which choices are the ones in use.

use crate::app::App;
use crate::app::canvas::ViewMode;
use crate::app::command::{Command, When};
use crate::app::editor::Selected;
use crate::app::text::i18n::Language;
use crate::document::MAX_REGIONS;
use egui::ThemePreference;

impl App {
    /// True where the command can be done now.
    #[must_use]
    pub fn is_enabled(&self, command: Command) -> bool {
        let region = self.editor.selected_region().is_some();
        let document = self.editor.document();
        match command.when() {
            When::Always => true,
            When::UndoStep => self.editor.undo_label().is_some(),
            When::RedoStep => self.editor.redo_label().is_some(),
            When::Picture => document.take.is_some(),
            When::PictureOrInit => document.init_image.is_some() || document.take.is_some(),
            When::LostWork => !self.recovery.lost.is_empty(),
            When::Region => region,
            When::UnlockedRegion => region && !self.editor.is_locked(),
            When::VisibleRegion => self.editor.selected_region().is_some_and(|r| r.visible),
            When::UnlockedMask => self.editor.paints_change() || region && !self.editor.is_locked(),
            When::RegionAbove => self.editor.selected_neighbour(1).is_some(),
            When::RegionBelow => self.editor.selected_neighbour(-1).is_some(),
            When::CardAbove => {
                let top = document.regions.last().map_or(Selected::Background, |r| Selected::Region(r.id));
                self.editor.selected() != top
            }
            When::CardBelow => self.editor.selected() != Selected::Background,
            When::SomeRegion => !document.regions.is_empty(),
            When::RoomForRegion => document.regions.len() < MAX_REGIONS,
            When::RegionAndRoom => region && document.regions.len() < MAX_REGIONS,
            When::Library => self.added.can_add(),
            When::Job => !self.jobs.is_empty(),
            When::LivePicture => self.live.can_be_kept(),
            When::Take => self.takes.len() > 0,
            When::ShownTake => self.shown_take().is_some(),
            When::RemovedTake => self.takes.can_bring_back(),
            When::Comparable => self.takes.len() > 1 || self.compare.is_some(),
            When::Stoppable => self.something_to_stop(),
        }
    }

    /// True for a choice that is the one in use.
    #[must_use]
    pub fn is_on(&self, command: Command) -> bool {
        match command {
            Command::ViewBoth => self.view_mode == ViewMode::Both,
            Command::ViewRegions => self.view_mode == ViewMode::Regions,
            Command::ViewPicture => self.view_mode == ViewMode::Picture,
            Command::ThemeSystem => self.prefs.theme == ThemePreference::System,
            Command::ThemeDark => self.prefs.theme == ThemePreference::Dark,
            Command::ThemeLight => self.prefs.theme == ThemePreference::Light,
            Command::TogglePanels => self.prefs.panels_away,
            Command::LanguageSystem => self.prefs.language == Language::System,
            Command::LanguageEnglish => self.prefs.language == Language::English,
            Command::LanguageGerman => self.prefs.language == Language::German,
            Command::LanguageChinese => self.prefs.language == Language::Chinese,
            Command::Live => self.live.is_on(),
            Command::PaintChange => self.editor.paints_change(),
            Command::CompareTakes => self.compare.is_some(),
            command => self.canvas_choice(command).unwrap_or_else(|| self.tool_setting(command)),
        }
    }

    /// True where Escape has something to stop: a stroke, a change, a comparison or a job.
    pub(in crate::app) fn something_to_stop(&self) -> bool {
        self.canvas.is_painting() || self.is_working() || self.compare.is_some() || !self.jobs.is_empty()
    }
}
