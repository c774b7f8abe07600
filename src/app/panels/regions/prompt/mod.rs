//! The field for a region's words: completion as one types, the palette of known words, the count of tokens, and an honest
//! note about words that the model was not trained on.
//!
//! The list of completions never takes the keyboard. It opens as letters are typed and closes when the cursor moves. Enter
//! and Tab take an offer only where one is chosen: by the arrows, by the pointer, or because it goes on with what was begun;
//! otherwise Enter stays a line break and Tab goes to the next field.

mod list;
mod palette;
mod weigh;

use crate::app::editor::Selected;
use crate::app::kit::background::Asked;
use crate::app::kit::{theme, widgets};
use crate::app::panels::Desk;
use crate::app::panels::regions::wish::Wish;
use crate::app::text::i18n::{fill, tr};
use crate::document::{Lora, Settings};
use crate::studio::{UnknownWord, Vocabulary, insert_phrase};
use egui::text::{CCursor, CCursorRange};
use egui::text_edit::TextEditState;
use egui::{
    Align, Button, EventFilter, Id, Key, Label, Layout, Margin, Modifiers, Rect, RichText, TextEdit, Ui, UiBuilder,
};
use std::ops::Range;
use std::sync::Arc;

use list::List;
use palette::Palette;

/// Height of the strip below the words, inside their field.
const STRIP: f32 = 20.0;
/// The count of tokens is shown from this share of what the model reads.
const TELL_FROM: f32 = 0.6;
/// Words told in the note of one card.
const TOLD: usize = 6;

/// The state of the fields for words.
#[derive(Default)]
pub(in crate::app) struct Writing {
    /// The open list of completions.
    list: Option<List>,
    palette: Palette,
    /// The field with the keyboard and the word at its cursor, which is not finished yet.
    unfinished: Option<(Selected, Range<usize>)>,
    /// The prompt whose tokens were counted last.
    counted: Option<(Counting, Tokens)>,
    /// The one whose are being counted; what it calls by name is looked for on the disk.
    counting: Option<(Counting, Asked<Tokens>)>,
}

/// A prompt's tokens, and as many as its pieces have room for; none where they cannot be counted.
type Tokens = Option<(usize, usize)>;

/// What the number of a prompt's tokens depends on.
#[derive(Clone, PartialEq)]
struct Counting {
    card: Selected,
    prompt: String,
    /// The vocabulary that counts, by its place in memory.
    by: usize,
    settings: Settings,
    /// LoRAs of the card and of the words.
    loras: Vec<Lora>,
}

impl Writing {
    /// Nothing is being written once no field has the keyboard.
    pub(in crate::app) fn follow(&mut self, ctx: &egui::Context) {
        if !ctx.text_edit_focused() {
            self.list = None;
            self.unfinished = None;
        }
    }

    /// True while the list of completions is open, so that Escape closes it.
    #[must_use]
    pub(in crate::app) fn is_listing(&self) -> bool {
        self.list.is_some()
    }

    /// A prompt without the word that is still being written.
    #[must_use]
    pub(in crate::app) fn finished(&self, key: Selected, text: &str) -> String {
        let mut text = text.to_owned();
        if let Some((of, word)) = &self.unfinished
            && *of == key
            && text.get(word.clone()).is_some()
        {
            text.replace_range(word.clone(), "");
        }
        text
    }

    /// True for a word that is still being written.
    #[must_use]
    pub(in crate::app) fn is_unfinished(&self, key: Selected, word: &Range<usize>) -> bool {
        self.unfinished.as_ref().is_some_and(|(of, at)| *of == key && at == word)
    }
}

impl Desk<'_> {
    pub(in crate::app) fn words_field(
        &mut self,
        ui: &mut Ui,
        key: Selected,
        words: &str,
        hint: &str,
        wishes: &mut Vec<Wish>,
    ) {
        let id = ui.make_persistent_id(("words", key));
        let vocabulary = self.generation.vocabulary.clone();
        let known = vocabulary.as_ref().and_then(|v| v.words());
        let mut list = self.panels.writing.list.take_if(|list| list.key == key);
        let pressed = list.as_mut().map(|list| list.keys(ui)).unwrap_or_default();
        if pressed.close {
            list = None;
        }

        let mut text = words.to_owned();
        if let Some((written, at)) = weigh_keys(ui, id, &text) {
            wishes.push(Wish::Words(key, written.clone()));
            wishes.push(Wish::StepDone);
            select(ui, id, chars(&written, at.start)..chars(&written, at.end));
            text = written;
        }
        let filter = EventFilter {
            tab: list.as_ref().is_some_and(|list| list.chosen.is_some()),
            escape: list.is_some(),
            horizontal_arrows: true,
            vertical_arrows: true,
        };
        let edit = TextEdit::multiline(&mut text)
            .id(id)
            .event_filter(filter)
            .hint_text(hint)
            .desired_rows(2)
            .desired_width(f32::INFINITY)
            .margin(Margin { left: 8, right: 8, top: 6, bottom: 4 + STRIP as i8 });
        let output = list::without_losing_focus(ui, id, |ui| widgets::text_output(ui, edit));
        let response = output.response.response.clone().accessible_name(tr("Words"));
        if std::mem::take(&mut self.panels.cards.focus_words) {
            response.request_focus();
        }
        if response.changed() {
            wishes.push(Wish::Words(key, text.clone()));
        }
        if response.lost_focus() {
            wishes.push(Wish::StepDone);
        }

        let cursor = output
            .cursor_range
            .filter(egui::text::CCursorRange::is_empty)
            .map(|range| byte(&text, range.primary.index.0));
        let cursor = cursor.filter(|_| response.has_focus());
        if response.changed() {
            let completion = cursor.and_then(|cursor| known?.complete(&text, cursor));
            list = completion.map(|completion| List::new(key, &text, cursor.unwrap_or_default(), completion));
        } else if list.as_ref().is_some_and(|list| !list.is_of(&text, cursor)) {
            list = None;
        }
        self.panels.writing.unfinished = match cursor {
            Some(cursor) => Some((key, word_at(&text, cursor))),
            None => self.panels.writing.unfinished.take().filter(|(of, _)| *of != key),
        };
        if let Some(mut open) = list {
            let at = output.galley.pos_from_cursor(CCursor::new(chars(&text, open.completion.range.start)));
            let taken = pressed.take.or_else(|| open.show(ui, id, at.translate(output.galley_pos.to_vec2()), &text));
            match taken.and_then(|i| open.completion.offers.get(i)) {
                Some(offer) => {
                    let mut written = text.clone();
                    written.replace_range(open.completion.range.clone(), &offer.text);
                    put_cursor(ui, id, chars(&written, open.completion.range.start + offer.text.len()));
                    wishes.push(Wish::Words(key, written));
                    response.request_focus();
                    ui.request_repaint();
                }
                None => self.panels.writing.list = Some(open),
            }
        }
        // The keys of the next frame are sorted before the field is drawn again.
        if response.has_focus() {
            let list = self.panels.writing.list.as_ref().filter(|list| list.key == key);
            let filter =
                EventFilter { tab: list.is_some_and(|l| l.chosen.is_some()), escape: list.is_some(), ..filter };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
        }

        let field = response.rect.shrink2(egui::vec2(4.0, 3.0));
        let strip = Rect::from_min_max(egui::pos2(field.left(), field.bottom() - STRIP), field.max);
        let mut strip = ui.new_child(UiBuilder::new().max_rect(strip).layout(Layout::right_to_left(Align::Center)));
        if let Some(phrase) = known.and_then(|known| self.panels.writing.palette.show(&mut strip, key, known)) {
            let state = TextEditState::load(ui, id);
            let at = state.and_then(|s| s.cursor.char_range()).map_or(text.len(), |r| byte(&text, r.primary.index.0));
            let (written, end) = insert_phrase(&text, at, &phrase);
            put_cursor(ui, id, chars(&written, end));
            wishes.push(Wish::Words(key, written));
            wishes.push(Wish::StepDone);
            response.request_focus();
        }
        self.token_count(&mut strip, key, &self.editor.document().prompt(&text));
        let mut unknown = known.map(|known| known.unknown(&text)).unwrap_or_default();
        unknown.retain(|u| !self.panels.writing.is_unfinished(key, &u.range));
        // (It comes when the field is left: the next one is to keep the keyboard.)
        widgets::at_times(ui, !unknown.is_empty(), |ui| unknown_note(ui, key, &text, &unknown, wishes));
    }

    /// Shows the number of tokens of the words, and as many as fit before they cost more, once it is worth a thought.
    fn token_count(&mut self, ui: &mut Ui, card: Selected, text: &str) {
        let Some(vocabulary) = self.generation.vocabulary.clone() else { return };
        let tokens = self.count_tokens(ui, &vocabulary, card, text);
        let Some((tokens, room)) = tokens.filter(|(tokens, room)| *tokens as f32 >= TELL_FROM * *room as f32) else {
            return;
        };
        let text =
            RichText::new(format!("{tokens} / {room}")).size(theme::TEXT_SMALL).color(theme::tokens(ui).text_weak);
        let hint = fill(
            "Tokens, which are words and parts of words. Beyond {0} the model reads them in one more piece, which takes longer",
            &[&room],
        );
        ui.add(Label::new(text).selectable(false)).on_hover_text(hint);
    }

    /// The number of tokens of a card's words, and as many as their pieces have room for, as they were last counted.
    fn count_tokens(
        &mut self,
        ctx: &egui::Context,
        vocabulary: &Arc<Vocabulary>,
        card: Selected,
        text: &str,
    ) -> Tokens {
        let document = self.editor.document();
        let mut loras = match card {
            Selected::Background => document.background.loras.clone(),
            Selected::Region(id) => document.region(id).map(|region| region.loras.clone()).unwrap_or_default(),
        };
        if text.contains('<') {
            loras.extend(self.added.known_loras().named_in(document, text));
        }
        let by = Arc::as_ptr(vocabulary) as usize;
        let of = Counting { card, prompt: text.to_owned(), by, settings: document.settings.clone(), loras };
        if let Some((counting, asked)) = self.panels.writing.counting.take() {
            match asked.answer() {
                Ok(tokens) => self.panels.writing.counted = Some((counting, tokens)),
                Err(Some(asked)) => self.panels.writing.counting = Some((counting, asked)),
                Err(None) => self.panels.writing.counted = Some((counting, None)),
            }
        }
        let known = self.panels.writing.counted.as_ref().is_some_and(|(counted, _)| *counted == of);
        if !known && self.panels.writing.counting.is_none() {
            let (vocabulary, counting) = (Arc::clone(vocabulary), of.clone());
            let count = move || vocabulary.tokens(&counting.prompt, &counting.settings, &counting.loras);
            self.panels.writing.counting = Asked::begin(ctx, "tokens", count).map(|asked| (of, asked));
        }
        // (The last count stands while a letter more is counted.)
        self.panels.writing.counted.as_ref().filter(|(counted, _)| counted.card == card)?.1
    }
}

/// Says quietly which words the model does not know, and what it could draw instead.
fn unknown_note(ui: &mut Ui, key: Selected, text: &str, unknown: &[UnknownWord], wishes: &mut Vec<Wish>) {
    let t = theme::tokens(ui);
    let label = |ui: &mut Ui, text: &str, colour| {
        let text = RichText::new(text).size(theme::TEXT_SMALL).color(colour);
        ui.add(Label::new(text).selectable(false))
    };
    let (told, rest) = unknown.split_at(unknown.len().min(TOLD));
    let names = |words: &[UnknownWord]| words.iter().map(|u| u.word.as_str()).collect::<Vec<_>>().join(", ");
    ui.spacing_mut().item_spacing.y = 2.0;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(theme::HALF, 2.0);
        label(ui, tr("This model does not know"), t.text_weak);
        label(ui, &names(told), t.warning);
        if !rest.is_empty() {
            label(ui, &format!("+{}", rest.len()), t.text_weak).on_hover_text(names(rest));
        }
    });
    for word in told.iter().filter(|word| !word.instead.is_empty()) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = theme::HALF;
            ui.spacing_mut().button_padding = egui::vec2(6.0, 1.0);
            ui.spacing_mut().interact_size.y = 20.0;
            ui.visuals_mut().widgets.inactive.weak_bg_fill = t.field;
            label(ui, &fill("Instead of {0} try", &[&word.word]), t.text_weak);
            for instead in &word.instead {
                let button = ui.add(Button::new(RichText::new(instead).size(theme::TEXT_SMALL)));
                let hint = fill("Write {0} in place of {1}", &[instead, &word.word]);
                if button.accessible_name(&hint).on_hover_text(&hint).clicked() {
                    let mut written = text.to_owned();
                    written.replace_range(word.range.clone(), instead);
                    wishes.push(Wish::Words(key, written));
                    wishes.push(Wish::StepDone);
                }
            }
        });
    }
}

/// The byte at which this character begins.
fn byte(text: &str, character: usize) -> usize {
    text.char_indices().nth(character).map_or(text.len(), |(at, _)| at)
}

/// The number of characters before this byte.
fn chars(text: &str, byte: usize) -> usize {
    text.get(..byte).unwrap_or(text).chars().count()
}

/// The word that the cursor touches, in bytes.
fn word_at(text: &str, cursor: usize) -> Range<usize> {
    let (before, after) = text.split_at(text.floor_char_boundary(cursor));
    let start = before.trim_end_matches(char::is_alphanumeric).len();
    start..text.len() - after.trim_start_matches(char::is_alphanumeric).len()
}

fn put_cursor(ui: &Ui, id: Id, character: usize) {
    select(ui, id, character..character);
}

/// Selects these characters.
fn select(ui: &Ui, id: Id, range: Range<usize>) {
    let mut state = TextEditState::load(ui, id).unwrap_or_default();
    state.cursor.set_char_range(Some(CCursorRange::two(CCursor::new(range.start), CCursor::new(range.end))));
    state.store(ui, id);
}

/// The text after the keys that weigh words, and the range of the words that were weighed; `None` where none was pressed.
fn weigh_keys(ui: &Ui, id: Id, text: &str) -> Option<(String, Range<usize>)> {
    if !ui.memory(|memory| memory.has_focus(id)) {
        return None;
    }
    let pressed = |key| ui.input_mut(|input| input.count_and_consume_key(Modifiers::COMMAND, key));
    let steps = pressed(Key::ArrowUp) as f32 - pressed(Key::ArrowDown) as f32;
    if steps == 0.0 {
        return None;
    }
    let selected = TextEditState::load(ui, id)?.cursor.char_range()?.as_sorted_char_range();
    weigh::weighed(text, byte(text, selected.start.0)..byte(text, selected.end.0), steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_bytes_and_in_characters() {
        let text = "größe ho";
        assert_eq!((byte(text, 3), chars(text, 4), byte(text, 99)), (4, 3, text.len()));
        assert_eq!(&text[word_at(text, 2)], "größe");
        assert_eq!(&text[word_at(text, text.len())], "ho");
        assert_eq!(word_at("", 0), 0..0);
    }
}
