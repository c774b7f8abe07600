//! The cards of what is no region: what may change of the picture to start from, the paint layer, and the background.

use crate::app::command::Command;
use crate::app::editor::Selected;
use crate::app::kit::{theme, widgets};
use crate::app::panels::Desk;
use crate::app::panels::regions::card::{THUMB, negative_field};
use crate::app::panels::regions::start_colour;
use crate::app::panels::regions::wish::Wish;
use crate::app::text::i18n::tr;
use crate::document::{RegionId, Rgb};
use egui::{Align, Color32, Layout, Sense, Ui, vec2};
use egui_material_icons::icons;

/// The colour first offered for the background to start from: a sky, as most grounds are.
const GROUND: Rgb = Rgb([150, 180, 205]);

impl Desk<'_> {
    /// The card of what may change of the picture to start from: above the regions, as it is painted over them.
    pub(super) fn change_card(&mut self, ui: &mut Ui, wishes: &mut Vec<Wish>) {
        let key = Selected::Region(RegionId::INPAINT);
        if self.editor.document().mask(RegionId::INPAINT).is_none() {
            return;
        }
        let open = self.editor.paints_change();
        let mut chosen = Vec::new();
        self.card(ui, key, open, &mut chosen, |desk, ui, wishes| {
            desk.head(ui, key, theme::tokens(ui).change, |desk, ui| {
                let line = tr("the rest of the picture stays (inpaint)");
                desk.card_title(ui, key, tr("What may change"), Some(line), true, wishes);
            });
            if open {
                desk.notes_on(ui, key);
            }
        });
        // Who selects it wants to paint it, with a tool and a view for that.
        if !open && !chosen.is_empty() {
            wishes.push(Wish::Run(self.editor.selected(), Command::PaintChange));
        }
    }

    /// The card of the paint layer: below the regions, as it is painted below them.
    pub(super) fn paint_card(&mut self, ui: &mut Ui, wishes: &mut Vec<Wish>) {
        let Some(share) = self.editor.document().paint.as_ref().map(|paint| paint.share) else { return };
        let key = Selected::Region(RegionId::PAINT);
        let open = self.editor.paints_colours();
        let mut chosen = Vec::new();
        self.card(ui, key, open, &mut chosen, |desk, ui, chosen| {
            desk.head(ui, key, theme::region(desk.editor.colour()), |desk, ui| {
                let remove = widgets::icon_button(ui, icons::ICON_CLOSE, Command::RemovePaint.label());
                if remove.on_hover_text(Command::RemovePaint.hint()).clicked() {
                    wishes.push(Wish::Run(desk.editor.selected(), Command::RemovePaint));
                }
                let line = tr("colours that the picture grows from");
                desk.card_title(ui, key, tr("Paint layer"), Some(line), true, chosen);
            });
            if open {
                start_colour::paint_row(ui, share, wishes);
            }
        });
        // Who selects it wants to paint it, with a tool and a view for that.
        if !open && !chosen.is_empty() {
            wishes.push(Wish::Run(self.editor.selected(), Command::PaintColours));
        }
    }

    pub(super) fn background_card(&mut self, ui: &mut Ui, wishes: &mut Vec<Wish>) {
        let key = Selected::Background;
        let open = self.editor.selected() == key;
        let background = self.editor.document().background.clone();
        self.card(ui, key, open, wishes, |desk, ui, wishes| {
            desk.head(ui, key, theme::tokens(ui).background_bar, |desk, ui| {
                let words = (!open).then_some(background.prompt.as_str());
                desk.card_title(ui, key, tr("Background"), words, true, wishes);
            });
            if open {
                desk.words_field(ui, key, &background.prompt, tr("What fills the rest of the picture"), wishes);
                negative_field(ui, key, (&background.negative, tr("nothing")), None, wishes);
                start_colour::row(ui, key, background.start_colour, GROUND, wishes);
                desk.own_loras_ui(ui, key, &background.loras, wishes);
            }
        });
    }

    /// The head of such a card: a bar of this colour, the thumbnail, and from the right what `add` makes.
    fn head(&mut self, ui: &mut Ui, key: Selected, colour: Color32, add: impl FnOnce(&mut Self, &mut Ui)) {
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(6.0, THUMB), Sense::hover());
            ui.painter().rect_filled(rect, 3.0, colour);
            self.thumbnail(ui, key);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| add(self, ui));
        });
    }
}
