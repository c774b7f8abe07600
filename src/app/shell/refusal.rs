//! Why a command that was called cannot be done just now, and the way out where there is one.

use crate::app::App;
use crate::app::command::{Command, When};
use crate::app::editor::{Offer, Selected};
use crate::app::text::i18n::{fill, tr};
use crate::app::text::names;

impl App {
    /// Tells why a command cannot be done, where a person would wonder; false where that needs no words.
    pub(in crate::app) fn refuse(&mut self, command: Command) -> bool {
        match command.when() {
            When::UnlockedRegion
            | When::UnlockedMask
            | When::MaskOrPaint
            | When::UnlockedRegions
            | When::UnlockedMasks => {
                let locked = self.open.editor.selected_region().filter(|r| r.locked);
                let several = matches!(command.when(), When::UnlockedRegions | When::UnlockedMasks);
                let any = self.open.editor.selected_regions().find(|r| several && r.locked);
                if let Some(region) = locked.or(any) {
                    let text = fill("{0} is locked. Unlock it to change or delete it.", &[&names::shown(&region.name)]);
                    let offer = (Selected::Region(region.id), Command::LockRegion);
                    self.toasts.offer(text, tr("Unlock it"), offer);
                } else {
                    self.toasts.info(tr("Select a region first."));
                }
            }
            When::VisibleRegion => {
                if let Some(region) = self.open.editor.selected_region() {
                    let text = fill("{0} is hidden and takes no part in the picture.", &[&names::shown(&region.name)]);
                    let offer = (Selected::Region(region.id), Command::ToggleRegion);
                    self.toasts.offer(text, tr("Show it"), offer);
                } else {
                    self.toasts.info(tr("Select a region first."));
                }
            }
            When::Region => self.toasts.info(tr("Select a region first.")),
            When::Picture | When::Take | When::AnyTake | When::ShownTake | When::PictureOrInit => {
                if self.is_generating() {
                    self.toasts.info(tr("The first picture is still being made."));
                } else {
                    let generate = (self.open.editor.selected(), Command::Generate);
                    self.toasts.offer(tr("There is no picture yet."), Command::Generate.label(), generate);
                }
            }
            When::Comparable => {
                self.toasts.info(tr("There is only one picture yet. Make another one to compare them."));
            }
            When::RoomForRegion | When::RegionAndRoom => {
                self.toasts.info(fill("A document has room for {0} regions.", &[&crate::document::MAX_REGIONS]));
            }
            When::SeveralRegions => {
                self.toasts.info(tr("Select several regions first: Ctrl+click on a card selects one more."));
            }
            When::GroupedRegion => self.toasts.info(tr("No selected region is in a group.")),
            When::SomePaint => self.toasts.info(tr("Nothing is painted in colour yet.")),
            When::RemovedTake => self.toasts.info(tr("No picture was removed.")),
            // What is at its end, or has nothing to stop, says so by itself.
            When::Always
            | When::UndoStep
            | When::RedoStep
            | When::LostWork
            | When::RegionAbove
            | When::RegionBelow
            | When::CardAbove
            | When::CardBelow
            | When::SomeRegion
            | When::Library
            | When::Job
            | When::LivePicture
            | When::Framed
            | When::Stoppable => return false,
        }
        true
    }

    /// Does what a message offered, unless that has been done meanwhile.
    pub(super) fn take_up(&mut self, ctx: &egui::Context, (selected, command): Offer) {
        let region = match selected {
            Selected::Region(id) => self.open.editor.document().region(id),
            Selected::Background => None,
        };
        let done = (command == Command::ToggleRegion && region.is_none_or(|r| r.visible))
            || (command == Command::LockRegion && region.is_none_or(|r| !r.locked));
        if !done {
            self.open.editor.select_within(selected);
            self.perform(ctx, command);
        }
    }
}
