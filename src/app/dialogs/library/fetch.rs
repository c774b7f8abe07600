//! Getting a model from Hugging Face: its name, the folder that it goes into, how far it is.

use super::{LibraryPanel, View, Wish};
use crate::app::kit::{theme, widgets};
use crate::app::text::i18n::{fill, tr};
use egui::{Align, Button, Key, Label, Layout, Margin, ProgressBar, RichText, TextEdit, Ui};
use egui_material_icons::icons;

impl LibraryPanel {
    /// The name of what is to be fetched, or how far that is.
    pub(super) fn fetch_line(&mut self, ui: &mut Ui, view: &View<'_>, wish: &mut Option<Wish>) {
        let t = theme::tokens(ui);
        if let Some(fetching) = view.fetching {
            ui.horizontal(|ui| {
                let text = match fetching.progress() {
                    _ if fetching.is_stopping() => tr("Cancelling…").to_owned(),
                    None => fill("Asking for {0}…", &[&fetching.name]),
                    Some(progress) if progress.checking => fill("Checking {0}…", &[&fetching.name]),
                    Some(progress) => {
                        let [done, total] = [progress.done, progress.total].map(|bytes| bytes / 1_000_000);
                        fill("{0}: {1} of {2} MB", &[&fetching.name, &done, &total])
                    }
                };
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if ui.button(tr("Stop fetching")).clicked() {
                        *wish = Some(Wish::StopFetching);
                    }
                    let share = fetching.progress().map_or(0.0, |now| now.done as f32 / now.total.max(1) as f32);
                    ui.add(ProgressBar::new(share).desired_height(theme::GRID).desired_width(160.0).fill(t.accent));
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        ui.add(Label::new(RichText::new(text).color(t.text_weak)).truncate().selectable(false));
                    });
                });
            });
            return;
        }
        let Some(typed) = &mut self.fetched else { return };
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let fetch = ui.add_enabled(!typed.trim().is_empty(), Button::new(tr("Fetch")));
                let edit = TextEdit::singleline(typed)
                    .hint_text(tr("OWNER/NAME, OWNER/NAME:FILE, or the address of its page on huggingface.co"))
                    .desired_width(f32::INFINITY)
                    .margin(Margin::symmetric(8, 5));
                let field = widgets::text(ui, edit).accessible_name(tr("Name on Hugging Face"));
                let enter = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
                if (fetch.clicked() || enter) && !typed.trim().is_empty() {
                    *wish = Some(Wish::Fetch(typed.clone()));
                }
            });
        });
    }

    /// The folder that what is named is fetched into, and ways to another.
    pub(super) fn fetch_into_line(&self, ui: &mut Ui, view: &View<'_>, wish: &mut Option<Wish>) {
        if self.fetched.is_none() || view.fetching.is_some() {
            return;
        }
        let t = theme::tokens(ui);
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.button(tr("Another folder…")).clicked() {
                    *wish = Some(Wish::FetchElsewhere);
                }
                if view.fetch_into.is_some() {
                    let text = tr("Back to this program's own folder");
                    widgets::flat(ui);
                    if widgets::small_icon_button(ui, icons::ICON_CLOSE, text).on_hover_text(text).clicked() {
                        *wish = Some(Wish::FetchToOwn);
                    }
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let own = || tr("this program's own folder").to_owned();
                    let folder = view.fetch_into.map_or_else(own, |path| path.display().to_string());
                    let text = RichText::new(fill("Goes into {0}", &[&folder])).color(t.text_weak);
                    ui.add(Label::new(text).truncate().selectable(false)).on_hover_text(folder);
                });
            });
        });
    }
}
