//! One card: colour, thumbnail, name and words; the selected one is open and shows all of its settings.

use crate::app::command::Command;
use crate::app::editor::{Editor, Selected};
use crate::app::kit::{theme, widgets};
use crate::app::panels::Desk;
use crate::app::panels::regions::menu::entries;
use crate::app::panels::regions::start_colour;
use crate::app::panels::regions::wish::Wish;
use crate::app::text::i18n::{fill, tr};
use crate::app::text::names;
use crate::document::{REGION_COLOURS, Region};
use egui::text::{CCursor, CCursorRange};
use egui::{
    Align, Button, Frame, Key, Label, Layout, Margin, Popup, Response, RichText, Role, Sense, SetOpenCommand, Stroke,
    TextEdit, Ui, UiBuilder, WidgetInfo, vec2,
};
use egui_material_icons::icons;

/// Side of a card's thumbnail.
pub(super) const THUMB: f32 = 44.0;

impl Desk<'_> {
    pub(super) fn region_card(
        &mut self,
        ui: &mut Ui,
        region: &Region,
        handle: egui_dnd::Handle<'_>,
        dragged: bool,
        wishes: &mut Vec<Wish>,
    ) {
        let key = Selected::Region(region.id);
        let open = self.editor.selected() == key && !dragged;
        let card = self.card(ui, key, open, wishes, |desk, ui, wishes| {
            ui.horizontal(|ui| {
                let repeats = desk.editor.document().colour_repeats(region.id);
                colour_bar(ui, region, repeats, wishes);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let gap = std::mem::take(&mut ui.spacing_mut().item_spacing.x);
                    card_buttons(ui, region, open, desk.editor, wishes);
                    ui.add_space(theme::HALF);
                    ui.with_layout(Layout::top_down(Align::LEFT), |ui| {
                        ui.spacing_mut().item_spacing.x = gap;
                        // All but the buttons is what the card is dragged by.
                        let handle = handle.show_drag_cursor_on_hover(false).ui(ui, |ui| {
                            ui.horizontal_top(|ui| {
                                desk.thumbnail(ui, key)
                                    .on_hover_cursor(egui::CursorIcon::Grab)
                                    .on_hover_text(tr("Drag the card up or down to change what lies over what"));
                                let words = (!open).then_some(region.prompt.as_str());
                                desk.card_title(ui, key, &region.name, words, region.visible, wishes);
                            });
                        });
                        if dragged {
                            desk.panels.cards.dragging = Some(key);
                        }
                        handle
                    });
                });
            });
            if open {
                desk.notes_on(ui, key);
                desk.region_body(ui, region, wishes);
            }
        });
        // What lies on the card takes clicks of the left button only, and keeps those of the right one from it.
        let asked = card.contains_pointer() && ui.input(|i| i.pointer.secondary_clicked());
        let menu = Popup::context_menu(&card).open_memory(asked.then_some(SetOpenCommand::Bool(true)));
        menu.show(|ui| entries(ui, region, self.editor, wishes));
    }

    pub(super) fn card(
        &mut self,
        ui: &mut Ui,
        key: Selected,
        open: bool,
        wishes: &mut Vec<Wish>,
        add: impl FnOnce(&mut Self, &mut Ui, &mut Vec<Wish>),
    ) -> Response {
        let t = theme::tokens(ui);
        let builder = UiBuilder::new().id_salt(key).sense(Sense::CLICK);
        let response = ui
            .scope_builder(builder, |ui| {
                let over = ui.response().contains_pointer();
                if let Selected::Region(id) = key
                    && over
                {
                    self.canvas.pointed.card = Some(id);
                }
                let hovered = over || self.canvas.pointed.canvas == Some(key);
                let (fill, stroke) = match (open || self.editor.is_selected(key), hovered) {
                    (true, _) => (t.card_selected, Stroke::new(1.0, t.accent)),
                    (false, true) => (t.card_hover, Stroke::new(1.0, t.card_hover)),
                    (false, false) => (t.card, Stroke::new(1.0, t.card)),
                };
                Frame::new().fill(fill).stroke(stroke).corner_radius(theme::ROUND).inner_margin(Margin::same(7)).show(
                    ui,
                    |ui| {
                        ui.set_width(ui.available_width());
                        ui.spacing_mut().item_spacing = vec2(theme::GRID, theme::GRID);
                        add(self, ui, wishes);
                    },
                );
            })
            .response;
        if response.clicked() {
            wishes.push(Wish::of_click(key, ui.input(|i| i.modifiers)));
        }
        // (What is scrolled out of sight takes nothing that falls beside it.)
        self.panels.cards.places.push((key, response.rect.intersect(ui.clip_rect())));
        if open && self.panels.cards.reveal {
            response.scroll_to_me(None);
        }
        response
    }

    pub(super) fn thumbnail(&self, ui: &mut Ui, key: Selected) -> Response {
        let size = vec2(THUMB, THUMB);
        let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
        let unpainted = match key {
            Selected::Region(id) => self.editor.document().mask(id).is_some_and(|mask| mask.is_blank()),
            Selected::Background => false,
        };
        if unpainted {
            // An empty frame with a brush: the picture in it would look as if it were painted.
            let t = theme::tokens(ui);
            let frame = rect.shrink(0.5);
            let corners =
                [frame.left_top(), frame.right_top(), frame.right_bottom(), frame.left_bottom(), frame.left_top()];
            ui.painter().extend(egui::Shape::dashed_line(&corners, Stroke::new(1.0, t.text_weak), 4.0, 3.0));
            let font =
                egui::FontId::new(18.0, egui::FontFamily::Name(egui_material_icons::FONT_FAMILY_OUTLINED.into()));
            ui.painter().text(
                rect.center(),
                egui::Align2::CENTER_CENTER,
                icons::ICON_BRUSH.codepoint,
                font,
                t.text_weak,
            );
        } else if let Some(texture) = self.thumbnails.get(key) {
            egui::Image::from_texture((texture.id(), size)).corner_radius(theme::ROUND_SMALL).paint_at(ui, rect);
        }
        if self.checks.warns_on(key) {
            let t = theme::tokens(ui);
            ui.painter().circle(rect.right_top() + vec2(-2.0, 2.0), 4.5, t.warning, Stroke::new(1.5, t.card));
        }
        response
    }

    /// The notes on a card that is open.
    pub(super) fn notes_on(&self, ui: &mut Ui, key: Selected) {
        let t = theme::tokens(ui);
        let mut notes = self.checks.told_on(key).peekable();
        let there = notes.peek().is_some();
        widgets::at_times(ui, there, |ui| {
            for (note, mild) in notes {
                let colour = if mild { t.text_weak } else { t.warning };
                let text = RichText::new(note).size(theme::TEXT_SMALL).color(colour);
                ui.add(Label::new(text).wrap().selectable(false));
            }
        });
    }

    pub(super) fn card_title(
        &mut self,
        ui: &mut Ui,
        key: Selected,
        name: &str,
        words: Option<&str>,
        visible: bool,
        wishes: &mut Vec<Wish>,
    ) {
        let t = theme::tokens(ui);
        ui.with_layout(Layout::top_down(Align::LEFT), |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 2.0;
            // A name alone stands in the middle, beside the buttons.
            ui.add_space(if words.is_some() { 3.0 } else { 12.0 });
            if let (Selected::Region(id), Some((renamed, typed))) = (key, &mut self.panels.cards.renaming)
                && *renamed == id
            {
                let edit = TextEdit::singleline(typed).desired_width(f32::INFINITY).margin(Margin::symmetric(4, 1));
                let mut output = widgets::text_output(ui, edit);
                let response = output.response.response.accessible_name(tr("Name"));
                if std::mem::take(&mut self.panels.cards.focus_name) {
                    response.request_focus();
                    // What is typed takes the old name's place.
                    let all = CCursorRange::two(CCursor::new(0), CCursor::new(typed.chars().count()));
                    output.state.cursor.set_char_range(Some(all));
                    output.state.store(ui, response.id);
                } else if response.lost_focus() {
                    let escaped = ui.input(|i| i.key_pressed(Key::Escape));
                    if !escaped && !typed.trim().is_empty() {
                        wishes.push(Wish::Name(id, typed.trim().to_owned()));
                    }
                    self.panels.cards.renaming = None;
                }
            } else {
                ui.spacing_mut().interact_size.y = 0.0;
                let colour = if visible { t.text_strong } else { t.text_weak };
                let title = ui
                    .scope(|ui| {
                        ui.spacing_mut().button_padding = vec2(0.0, 0.0);
                        widgets::flat(ui);
                        ui.add(Button::new(RichText::new(name).color(colour)).frame(false).truncate())
                    })
                    .inner;
                if title.double_clicked() {
                    wishes.push(Wish::Run(key, Command::RenameRegion));
                } else if title.clicked() {
                    wishes.push(Wish::of_click(key, ui.input(|i| i.modifiers)));
                }
                let selected = self.editor.is_selected(key);
                title.widget_info(|| WidgetInfo::selected(Role::Button, true, selected, name));
            }
            // (An open card has its words in a field.)
            let Some(words) = words else { return };
            let line = if words.trim().is_empty() { tr("no words yet") } else { words };
            let line = line.lines().next().unwrap_or_default();
            let text = RichText::new(line).size(theme::TEXT_SMALL).color(t.text_weak);
            ui.add(Label::new(text).truncate().selectable(false));
        });
    }

    fn region_body(&mut self, ui: &mut Ui, region: &Region, wishes: &mut Vec<Wish>) {
        let key = Selected::Region(region.id);
        self.words_field(ui, key, &region.prompt, tr("What this region shows"), wishes);
        let (text, hint) = match &region.negative {
            None => ("", tr("as in the background")),
            Some(text) => (text.as_str(), tr("nothing")),
        };
        let nothing = Some(region.negative.as_deref() == Some("")).filter(|_| text.is_empty());
        negative_field(ui, key, (text, hint), nothing, wishes);
        self.own_loras_ui(ui, key, &region.loras, wishes);
        let mut hold = region.bootstrap.unwrap_or(self.editor.document().settings.bootstrap);
        let hint = tr("Left: the region melts into what is around it.\nRight: it keeps to the shape you painted.");
        // What nobody has set follows the model, which needs other values for few steps.
        let percent = format!("{:.0}", hold * 100.0);
        let (text, own) = match region.bootstrap {
            None => (tr("auto").to_owned(), fill("As the model needs it, now {0} %, until you move it.", &[&percent])),
            Some(_) => (format!("{percent} %"), tr("Double-click: as the model needs it.").to_owned()),
        };
        let hint = format!("{hint}\n{own}");
        let slider = widgets::slider_row(ui, tr("Blend – hold shape"), &hint, &mut hold, 0.0..=1.0, &text);
        // (A slider is dragged, and tells of no clicks.)
        let twice =
            slider.contains_pointer() && ui.input(|i| i.pointer.button_double_clicked(egui::PointerButton::Primary));
        if twice {
            wishes.push(Wish::Bootstrap(region.id, None));
        } else if slider.changed() {
            wishes.push(Wish::Bootstrap(region.id, Some((hold * 100.0).round() / 100.0)));
        }
        if slider.drag_stopped() || slider.lost_focus() {
            wishes.push(Wish::StepDone);
        }
        start_colour::row(ui, key, region.start_colour, region.colour, wishes);
        self.more_ui(ui, region, wishes);
    }
}

/// `repeats` lower regions have the same colour: the bar has so many notches.
fn colour_bar(ui: &mut Ui, region: &Region, repeats: usize, wishes: &mut Vec<Wish>) {
    let (rect, response) = ui.allocate_exact_size(vec2(6.0, THUMB), Sense::click());
    let bar = if response.hovered() || response.has_focus() { rect.expand2(vec2(1.0, 0.0)) } else { rect };
    ui.painter().rect_filled(bar, 3.0, theme::region(region.colour));
    for notch in 1..=repeats.min(8) {
        let y = bar.top() + bar.height() * notch as f32 / (repeats.min(8) + 1) as f32;
        let stroke = Stroke::new(2.0, theme::tokens(ui).card);
        ui.painter().hline(bar.x_range().expand(0.5), y, stroke);
    }
    let name = fill("Colour of {0}", &[&region.name]);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
    let response =
        response.on_hover_text(tr("Change the region's colour")).on_hover_cursor(egui::CursorIcon::PointingHand);
    Popup::menu(&response).show(|ui| {
        ui.horizontal(|ui| {
            for (colour, name) in REGION_COLOURS.into_iter().zip(names::COLOURS) {
                let (rect, swatch) = ui.allocate_exact_size(vec2(24.0, 24.0), Sense::click());
                ui.painter().rect_filled(rect, theme::ROUND_SMALL, theme::region(colour));
                if colour == region.colour || swatch.hovered() || swatch.has_focus() {
                    let stroke = Stroke::new(2.0, theme::tokens(ui).text_strong);
                    ui.painter().rect_stroke(rect, theme::ROUND_SMALL, stroke, egui::StrokeKind::Outside);
                }
                swatch.widget_info(|| {
                    egui::WidgetInfo::selected(egui::Role::Button, true, colour == region.colour, tr(name))
                });
                if swatch.on_hover_text(tr(name)).clicked() {
                    wishes.push(Wish::Recolour(region.id, colour));
                    ui.close();
                }
            }
        });
    });
}

fn card_buttons(ui: &mut Ui, region: &Region, open: bool, editor: &Editor, wishes: &mut Vec<Wish>) {
    let key = Selected::Region(region.id);
    let more = widgets::icon_button(ui, icons::ICON_MORE_HORIZ, &fill("More for {0}", &[&region.name]));
    Popup::menu(&more).show(|ui| entries(ui, region, editor, wishes));
    let (icon, name) = if region.visible {
        (icons::ICON_VISIBILITY, fill("Hide {0}", &[&region.name]))
    } else {
        (icons::ICON_VISIBILITY_OFF, fill("Show {0}", &[&region.name]))
    };
    let eye = widgets::icon_button(ui, icon, &name);
    let hint = format!("{}\n{}", Command::ToggleRegion.hint(), tr("Alt+click: this region alone"));
    if eye.on_hover_text(hint).clicked() {
        let alone = ui.input(|i| i.modifiers.alt);
        wishes.push(Wish::Run(key, if alone { Command::SoloRegion } else { Command::ToggleRegion }));
    }
    if !editor.document().group_of(region.id).is_empty() {
        let link = widgets::icon_button(ui, icons::ICON_LINK, &fill("Ungroup {0}", &[&region.name]));
        if link.on_hover_text(tr("A click on one of its group selects them all. Press to ungroup them")).clicked() {
            wishes.push(Wish::Run(key, Command::UngroupRegions));
        }
    }
    let (icon, name) = if region.locked {
        (icons::ICON_LOCK, fill("Unlock {0}", &[&region.name]))
    } else {
        (icons::ICON_LOCK_OPEN, fill("Lock {0}", &[&region.name]))
    };
    // An open lock says nothing: it is there on the open card, and where it can be pressed.
    if region.locked || open {
        let lock = widgets::icon_button(ui, icon, &name);
        if lock.on_hover_text(Command::LockRegion.hint()).clicked() {
            wishes.push(Wish::Run(key, Command::LockRegion));
        }
    }
}

/// The words in it, and what it says without any. `nothing` is true where not even the background's negative words count, and `None`
/// where there is no such choice.
pub(super) fn negative_field(
    ui: &mut Ui,
    key: Selected,
    (text, hint): (&str, &str),
    nothing: Option<bool>,
    wishes: &mut Vec<Wish>,
) {
    let mut typed = text.to_owned();
    ui.horizontal(|ui| {
        let label = widgets::row_label(ui, tr("Leave out"), tr("What should not appear (negative words)"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if let (Some(on), Selected::Region(id)) = (nothing, key) {
                let (icon, name) = if on {
                    (icons::ICON_UNDO, tr("Leave out what the background does"))
                } else {
                    (icons::ICON_BLOCK, tr("Leave nothing out"))
                };
                let button = widgets::small_icon_button(ui, icon, name);
                let told = if on { name } else { tr("Leave nothing out, not even what the background does") };
                if button.on_hover_text(told).clicked() {
                    wishes.extend([Wish::NoNegative(id, !on), Wish::StepDone]);
                }
            }
            let edit = TextEdit::singleline(&mut typed)
                .id_salt(("negative", key))
                .hint_text(hint.to_owned())
                .desired_width(f32::INFINITY)
                .margin(Margin::symmetric(8, 4));
            let response = widgets::text(ui, edit).labelled_by(label);
            if response.changed() {
                wishes.push(Wish::Negative(key, typed.clone()));
            }
            if response.lost_focus() {
                wishes.push(Wish::StepDone);
            }
        });
    });
}
