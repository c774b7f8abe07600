//! The panel at the right: a card for each region, the uppermost first, and the background's.

mod advanced;
mod card;
mod layers;
mod menu;
pub(in crate::app) mod prompt;
mod start_colour;
pub(super) mod wish;

use crate::app::command::Command;
use crate::app::editor::{Field, Selected};
use crate::app::kit::{theme, widgets};
use crate::app::panels::Desk;
use crate::app::panels::loras;
use crate::app::text::i18n::{fill, tr};
use crate::app::text::names;
use crate::document::{Region, RegionId};
use crate::studio::insert_phrase;
use egui::{Align, Button, Id, Layout, Margin, ScrollArea, TextEdit, Ui};
use egui_material_icons::icons;
use wish::Wish;

/// Seconds that a card needs to come to its place.
const SETTLES: f64 = 0.3;

/// The state of the cards.
#[derive(Default)]
pub(in crate::app) struct Cards {
    /// The region whose name is being typed, and the name so far.
    renaming: Option<(RegionId, String)>,
    /// Put the keyboard into the words of the selected card.
    pub(in crate::app) focus_words: bool,
    /// Put the keyboard into the name that is being typed.
    focus_name: bool,
    /// Bring the selected card into sight.
    reveal: bool,
    /// The card that is being dragged.
    dragging: Option<Selected>,
    /// The time until which a card that was let go is on its way to its place.
    settles_until: f64,
    /// The size of the window in which the open card was brought into sight.
    window: egui::Vec2,
    /// The height of all of them.
    pub(in crate::app) height: f32,
    /// The places of the cards on the screen.
    places: Vec<(Selected, egui::Rect)>,
}

impl Cards {
    pub(in crate::app) fn rename(&mut self, region: &Region) {
        self.renaming = Some((region.id, names::shown(&region.name)));
        self.focus_name = true;
        self.reveal = true;
    }

    /// The card at a position on the screen.
    pub(in crate::app) fn card_at(&self, at: egui::Pos2) -> Option<Selected> {
        self.places.iter().find(|(_, rect)| rect.contains(at)).map(|(key, _)| *key)
    }

    pub(in crate::app) fn write_words(&mut self) {
        self.focus_words = true;
        self.reveal = true;
    }

    pub(in crate::app) fn reveal(&mut self) {
        self.reveal = true;
    }
}

impl Desk<'_> {
    /// `scrolls` is false where they scroll with what lies below them.
    pub(in crate::app) fn regions_ui(&mut self, ui: &mut Ui, scrolls: bool) {
        let t = theme::tokens(ui);
        ui.horizontal(|ui| {
            ui.label(theme::strong(tr("Regions")).color(t.text_strong));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                widgets::flat(ui);
                ui.spacing_mut().button_padding.x = theme::HALF;
                let text = fill("{0} Add", &[&icons::ICON_ADD.codepoint]);
                let add = ui.add(Button::new(text)).accessible_name(Command::AddRegion.label());
                if add.on_hover_text(Command::AddRegion.tooltip(ui)).clicked() {
                    self.perform(Command::AddRegion);
                }
                let paint = widgets::icon_button(ui, icons::ICON_PALETTE, Command::PaintColours.label());
                if paint.on_hover_text(Command::PaintColours.tooltip(ui)).clicked() {
                    self.perform(Command::PaintColours);
                }
            });
        });
        self.style_field(ui);
        self.panels.writing.follow(ui);
        self.panels.cards.places.clear();
        let mut wishes = Vec::new();
        let dragged = self.panels.cards.dragging.take();
        // In a window of another size the open card is not to be looked for.
        let window = ui.ctx().content_rect().size();
        self.panels.cards.reveal |= std::mem::replace(&mut self.panels.cards.window, window) != window;
        if scrolls {
            let cards = ScrollArea::vertical().id_salt("cards").auto_shrink(false);
            self.panels.cards.height = cards.show(ui, |ui| self.cards_ui(ui, &mut wishes)).content_size.y;
        } else {
            self.cards_ui(ui, &mut wishes);
        }
        // A click that slipped selects, as any other does.
        let slipped = dragged.filter(|_| self.panels.cards.dragging.is_none());
        wishes.extend(slipped.map(|card| Wish::of_click(card, ui.input(|i| i.modifiers))));
        self.panels.cards.reveal = false;
        for wish in wishes {
            self.grant_card(wish);
        }
    }

    fn cards_ui(&mut self, ui: &mut Ui, wishes: &mut Vec<Wish>) {
        ui.spacing_mut().item_spacing.y = theme::GRID;
        self.change_card(ui, wishes);
        let shown = |region: &Region| Region { name: names::shown(&region.name), ..region.clone() };
        let regions: Vec<Region> = self.editor.document().regions.iter().rev().map(shown).collect();
        let order = egui_dnd::dnd(ui, Id::unique("region cards")).show(
            regions.iter().map(|r| r.id),
            |ui, id, handle, state| {
                if let Some(region) = regions.iter().find(|r| r.id == id) {
                    self.region_card(ui, region, handle, state.dragged, wishes);
                }
            },
        );
        if let Some(update) = order.final_update() {
            self.panels.cards.settles_until = ui.input(|i| i.time) + SETTLES;
            let last = regions.len().saturating_sub(1);
            // `to` is the gap the card was let go in, counted with the card still in its place.
            let to = if update.to > update.from { update.to - 1 } else { update.to };
            self.editor.move_region(last.saturating_sub(update.from), last.saturating_sub(to.min(last)));
        }
        // (A card that was let go comes to its place by itself, while no event asks for a frame.)
        if ui.input(|i| i.time) < self.panels.cards.settles_until {
            ui.request_repaint();
        }
        self.paint_card(ui, wishes);
        self.background_card(ui, wishes);
    }

    /// Words for all regions and the background.
    fn style_field(&mut self, ui: &mut Ui) {
        let mut style = self.editor.document().style.clone();
        ui.horizontal(|ui| {
            let hint = tr("The style of the whole picture: added to the words of every region and of the background");
            let label = widgets::row_label(ui, tr("Style"), hint);
            let edit = TextEdit::singleline(&mut style)
                .id_salt("style")
                // On a panel the ground of fields on cards would hardly be seen.
                .background_color(theme::tokens(ui).card)
                .hint_text(tr("for all, such as watercolour"))
                .desired_width(f32::INFINITY)
                .margin(Margin::symmetric(8, 4));
            let response = widgets::text(ui, edit).labelled_by(label);
            self.changed(&response, Field::Style, |d| d.style = style);
        });
    }

    fn grant_card(&mut self, wish: Wish) {
        match wish {
            Wish::Select(key) => {
                if self.editor.selected() != key || self.editor.has_companions() {
                    self.editor.select(key);
                }
            }
            Wish::SelectToo(id) => self.editor.select_too(id),
            Wish::SelectUpTo(id) => self.editor.select_up_to(id),
            Wish::Run(key, command) => {
                if self.editor.selected() != key {
                    self.editor.select_within(key);
                }
                self.perform(command);
            }
            Wish::Recolour(id, colour) => self.editor.recolour(id, colour),
            Wish::Name(id, name) => self.editor.change_field(Field::Name(Selected::Region(id)), |d| {
                if let Some(region) = d.region_mut(id) {
                    region.name = name;
                }
            }),
            Wish::Words(key, words) => self.editor.change_field(Field::Words(key), |d| match key {
                Selected::Background => d.background.prompt = words,
                Selected::Region(id) => {
                    if let Some(region) = d.region_mut(id) {
                        region.prompt = words;
                    }
                }
            }),
            Wish::Negative(key, words) => self.editor.change_field(Field::Negative(key), |d| match key {
                Selected::Background => d.background.negative = words,
                Selected::Region(id) => {
                    if let Some(region) = d.region_mut(id) {
                        region.negative = (!words.is_empty()).then_some(words);
                    }
                }
            }),
            Wish::NoNegative(id, nothing) => self.editor.change_field(Field::Negative(Selected::Region(id)), |d| {
                if let Some(region) = d.region_mut(id) {
                    region.negative = nothing.then(String::new);
                }
            }),
            Wish::Bootstrap(id, hold) => self.editor.change_field(Field::Bootstrap(id), |d| {
                if let Some(region) = d.region_mut(id) {
                    region.bootstrap = hold;
                }
            }),
            Wish::PaintShare(share) => self.editor.change_field(Field::PaintShare, |d| {
                if let Some(paint) = &mut d.paint {
                    paint.share = share;
                }
            }),
            Wish::StartColour(key, start) => self.editor.set_start_colour(key, start),
            Wish::Edit(id, field, change) => self.editor.change_field(field, |d| {
                if let Some(region) = d.region_mut(id) {
                    change(region);
                }
            }),
            Wish::Loras(key, field, change) => self.editor.change_field(field, |d| {
                if let Some(loras) = loras::of(d, Some(key)) {
                    change(loras);
                }
            }),
            Wish::AddLora(key, path) => self.add_lora(Some(key), &path),
            Wish::Write(key, phrase) => self.write_words(key, &phrase),
            Wish::Mask(id, other, by) => self.editor.change_by(id, other, by),
            Wish::StepDone => self.editor.close_step(),
        }
    }

    /// Writes a phrase at the end of the words of the selected card.
    pub(in crate::app) fn write_selected(&mut self, phrase: &str) {
        self.write_words(self.editor.selected(), phrase);
    }

    /// Writes a phrase at the end of a region's words, or of the background's.
    pub(in crate::app) fn write_words(&mut self, selected: Selected, phrase: &str) {
        let document = self.editor.document();
        let (name, words) = match selected {
            Selected::Region(id) => match document.region(id) {
                Some(region) => (names::shown(&region.name), region.prompt.clone()),
                None => return,
            },
            Selected::Background => (tr("Background").to_owned(), document.background.prompt.clone()),
        };
        let (written, _) = insert_phrase(&words, words.len(), phrase);
        self.editor.change_field(Field::Words(selected), |d| match selected {
            Selected::Background => d.background.prompt = written,
            Selected::Region(id) => {
                if let Some(region) = d.region_mut(id) {
                    region.prompt = written;
                }
            }
        });
        self.editor.close_step();
        self.toasts.info(fill("Written into “{0}”: {1}", &[&name, &phrase]));
    }
}
