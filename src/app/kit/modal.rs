//! Parts that all dialogs are made of.

use crate::app::kit::{theme, tooltips, widgets};
use egui::{Align, Button, FocusDirection, Frame, Id, Label, LayerId, Layout, Margin, Memory, Modal, Order, Ui};

/// Marks a dialog that was opened in the frame before.
#[derive(Clone, Default)]
struct Opened;

/// A modal; true where it is to be closed.
pub(in crate::app) fn modal(ui: &Ui, title: &str, width: f32, add: impl FnOnce(&mut Ui)) -> bool {
    let t = theme::tokens(ui);
    let frame = Frame::popup(ui.style()).fill(t.panel).inner_margin(Margin::same(16)).corner_radius(8);
    let id = Id::unique(("dialog", title));
    // Keys that are pressed from now on are for the dialog, not for a field below it.
    let opens = !ui.memory(|memory| memory.areas().visible_last_frame(&LayerId::new(Order::Foreground, id)));
    if opens && let Some(field) = ui.memory(Memory::focused) {
        ui.memory_mut(|memory| memory.surrender_focus(field));
    }
    // Who works by keys begins at the first control, where after a frame neither a field nor a main button has them.
    if opens {
        ui.data_mut(|data| data.insert_temp(id, Opened));
        tooltips::end(ui);
        ui.request_repaint();
    } else if ui.data_mut(|data| data.remove_temp::<Opened>(id)).is_some() && ui.memory(|m| m.focused().is_none()) {
        ui.memory_mut(|memory| memory.move_focus(FocusDirection::Next));
    }
    let area = Modal::default_area(id).accessible_name(title);
    Modal::new(id)
        .area(area)
        .frame(frame)
        .backdrop_color(t.shade)
        .show(ui, |ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing.y = theme::GRID;
            ui.add(Label::new(theme::strong(title).color(t.text_strong)).selectable(false));
            add(ui);
        })
        .should_close()
}

/// The buttons of a dialog, at the right, the main one last.
pub(in crate::app) fn buttons(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.add_space(theme::HALF);
    ui.allocate_ui_with_layout(egui::vec2(ui.available_width(), theme::ROW), Layout::right_to_left(Align::Center), add);
}

/// The main button. It has the keys wherever nothing else in the dialog does, so that Enter presses it: from the start where there
/// are no fields, and once a field has been left.
pub(in crate::app) fn main(ui: &mut Ui, text: &str, enabled: bool) -> bool {
    let t = theme::tokens(ui);
    let button = widgets::main_button(ui, theme::strong(text).color(t.on_accent), 88.0, theme::ROW, enabled);
    if enabled && ui.memory(|memory| memory.focused().is_none()) {
        button.request_focus();
    }
    button.clicked()
}

pub(in crate::app) fn other(ui: &mut Ui, text: &str) -> bool {
    ui.add(Button::new(text).min_size(egui::vec2(88.0, theme::ROW))).clicked()
}
