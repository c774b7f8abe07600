//! What stands above and below the pictures of the board.

use super::{Board, Row, View, Wanted};
use crate::app::command::Command;
use crate::app::generation::takes::{Item, Wish};
use crate::app::kit::{theme, widgets};
use crate::app::text::i18n::{fill, tr};
use egui::{Align, Button, Label, Layout, RichText, Ui, vec2};
use egui_material_icons::icons;

impl Board {
    /// All or those with a star, what the keys do, and the way out; true where that is taken.
    pub(super) fn head(&mut self, ui: &mut Ui, view: &View<'_>) -> bool {
        let t = theme::tokens(ui);
        let all = view.takes.len();
        let starred = view.takes.items().iter().filter(|item| item.is_starred()).count();
        ui.horizontal(|ui| {
            ui.set_min_height(theme::ROW);
            ui.spacing_mut().item_spacing.x = theme::HALF;
            for (only, text) in [(false, fill("All: {0}", &[&all])), (true, fill("With a star: {0}", &[&starred]))] {
                let on = self.starred_only == only;
                let button = Button::new(text).selected(on).frame_when_inactive(on).min_size(vec2(0.0, 24.0));
                if ui.add(button).clicked() {
                    self.starred_only = only;
                    self.follow = true;
                }
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let close = widgets::icon_button(ui, icons::ICON_CLOSE, tr("Close the board"));
                ui.add_space(theme::GRID);
                let hint = tr("Arrows and 1 to 9 choose · Enter shows · S star · F2 name · C compare · Del removes");
                let hint = RichText::new(hint).size(theme::TEXT_SMALL).color(t.text_weak);
                ui.add(Label::new(hint).truncate().selectable(false));
                close.clicked()
            })
            .inner
        })
        .inner
    }

    /// What is chosen or was removed, and what can be done with it.
    pub(super) fn foot(&mut self, ui: &mut Ui, view: &View<'_>, rows: &[Row<'_>]) -> Option<Wanted> {
        let t = theme::tokens(ui);
        let mut wanted = None;
        let list: Vec<u64> = rows.iter().map(|row| row.item.number).collect();
        let (chosen, current) = (self.chosen.of(&list), self.chosen.current);
        let row = Layout::right_to_left(Align::Center);
        ui.allocate_ui_with_layout(vec2(ui.available_width(), theme::ROW), row, |ui| {
            let any = !chosen.is_empty();
            let show = theme::strong(tr("Show")).color(t.on_accent);
            let one = current.filter(|_| any);
            if widgets::main_button(ui, show, 88.0, theme::ROW, one.is_some()).clicked() {
                wanted = one.map(|number| Wanted::Of(number, Wish::Show));
            }
            let button = |ui: &mut Ui, text: &str| {
                let button = Button::new(text).min_size(vec2(64.0, theme::ROW));
                ui.add_enabled(any, button).clicked()
            };
            if button(ui, tr("Compare")) {
                wanted = one.map(|number| Wanted::Of(number, Wish::Compare));
            }
            if button(ui, tr("Name"))
                && let Some(number) = one
            {
                self.begin_name(view, number);
            }
            if button(ui, Command::StarTake.label()) {
                wanted = self.star(view, &list);
            }
            // What takes away stands by itself.
            ui.add_space(24.0);
            if button(ui, tr("Remove")) {
                wanted = self.remove(&list);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = if self.removed > 0 && view.takes.can_bring_back() {
                    let undo = ui.add(Button::new(tr("Undo")).min_size(vec2(64.0, theme::ROW)));
                    if undo.on_hover_text(tr("Bring them back to their places (Ctrl+Z)")).clicked() {
                        wanted = Some(Wanted::BringBack);
                    }
                    match self.removed {
                        1 => tr("The picture was removed.").to_owned(),
                        count => fill("{0} pictures were removed.", &[&count]),
                    }
                } else {
                    match chosen.as_slice() {
                        [number] => view.takes.item(*number).map(Item::told).unwrap_or_default(),
                        [] => String::new(),
                        many => fill("{0} pictures are chosen.", &[&many.len()]),
                    }
                };
                let text = RichText::new(text).color(t.text_weak);
                ui.add(Label::new(text).truncate().selectable(false));
            });
        });
        wanted
    }
}
