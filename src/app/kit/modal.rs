//! Parts that all dialogs are made of.

use crate::app::kit::{theme, tooltips, widgets};
use egui::{
    Align, Button, FocusDirection, Frame, Id, Label, LayerId, Layout, Margin, Memory, Modal, Order, ScrollArea, Ui,
};

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
            // In a window smaller than the dialog its content scrolls; its frame and a little of what lies around it stay in sight.
            let room = ui.ctx().content_rect().size() - egui::Vec2::splat(48.0);
            ui.set_width(width.min(room.x));
            ui.spacing_mut().item_spacing.y = theme::GRID;
            ui.add(Label::new(theme::strong(title).color(t.text_strong)).selectable(false));
            let most = (room.y - ui.min_rect().height() - theme::GRID).max(80.0);
            let content = ScrollArea::vertical().id_salt("content").max_height(most).min_scrolled_height(most);
            content.auto_shrink([false, true]).show(ui, add);
        })
        .should_close()
}

/// The buttons of a dialog, at the right, the main one last: Tab goes through them as they stand, and a reader reads them so.
pub(in crate::app) fn buttons(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.add_space(theme::HALF);
    // (A layout from right to left would add the main one first. How wide they are is known when they have been drawn once.)
    let id = ui.scope_id().with("width of the buttons");
    let known: Option<f32> = ui.data(|data| data.get_temp(id));
    let size = egui::vec2(ui.available_width(), theme::ROW);
    // Where the window has no room for one row they take several, and begin at the left.
    let wraps = known.is_some_and(|width| width > size.x);
    let layout = Layout::left_to_right(Align::Center).with_main_wrap(wraps);
    ui.allocate_ui_with_layout(size, layout, |ui| {
        ui.add_space((size.x - known.unwrap_or(0.0)).max(0.0));
        let left = ui.cursor().left();
        add(ui);
        let width = ui.min_rect().right() - left;
        if !wraps && known.is_none_or(|known| (known - width).abs() > 0.5) {
            ui.data_mut(|data| data.insert_temp(id, width));
            ui.request_discard("the buttons of a dialog have another width");
        }
    });
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
