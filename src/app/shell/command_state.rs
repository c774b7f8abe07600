//! Conditions of commands: when each can be done, and which choices are the ones in use.

use crate::app::App;
use crate::app::canvas::ViewMode;
use crate::app::command::Command;
use crate::app::editor::Selected;
use crate::app::text::i18n::Language;
use crate::document::MAX_REGIONS;
use egui::ThemePreference;

impl App {
    /// True where the command can be done now.
    #[must_use]
    pub fn is_enabled(&self, command: Command) -> bool {
        let region = self.editor.selected_region().is_some();
        match command {
            Command::Undo => self.editor.undo_label().is_some(),
            Command::Redo => self.editor.redo_label().is_some(),
            Command::Export | Command::CopyPicture => self.editor.document().take.is_some(),
            Command::Recover => !self.recovery.lost.is_empty(),
            Command::ExportMask => region,
            Command::ImportMask => region && !self.editor.is_locked(),
            Command::ExportRegions => !self.editor.document().regions.is_empty(),
            Command::AddRegion => self.editor.document().regions.len() < MAX_REGIONS,
            Command::DuplicateRegion => region && self.editor.document().regions.len() < MAX_REGIONS,
            Command::RenameRegion | Command::ToggleRegion | Command::SoloRegion | Command::LockRegion => region,
            Command::DeleteRegion => region && !self.editor.is_locked(),
            Command::FillRegion
            | Command::ClearRegion
            | Command::InvertRegion
            | Command::GrowRegion
            | Command::ShrinkRegion
            | Command::SoftenRegion => self.editor.paints_change() || region && !self.editor.is_locked(),
            Command::RaiseRegion => self.editor.selected_neighbour(1).is_some(),
            Command::LowerRegion => self.editor.selected_neighbour(-1).is_some(),
            Command::SelectAbove => {
                let top =
                    self.editor.document().regions.last().map_or(Selected::Background, |r| Selected::Region(r.id));
                self.editor.selected() != top
            }
            Command::SelectBelow => self.editor.selected() != Selected::Background,
            Command::RerollRegion => self.editor.selected_region().is_some_and(|r| r.visible),
            Command::AddModels => self.added.can_add(),
            Command::CancelAll => !self.jobs.is_empty(),
            Command::KeepLive => self.live.can_be_kept(),
            Command::PaintChange => {
                self.editor.document().init_image.is_some() || self.editor.document().take.is_some()
            }
            Command::CompareTakes => self.takes.len() > 1 || self.compare.is_some(),
            Command::NewerTake | Command::OlderTake => self.takes.len() > 0,
            Command::RestoreTake | Command::StartFromTake | Command::ExportTake | Command::RemoveTake => {
                self.shown_take().is_some()
            }
            Command::BringBackTake => self.takes.can_bring_back(),
            Command::Cancel => self.something_to_stop(),
            _ => true,
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
