//! Sizes of panels: where the window has too little room for one, it comes back to its size with the room. (egui alone keeps what the
//! smallest window left of it.)

use egui::containers::panel::PanelState;
use egui::{Id, Pos2, Rangef, Rect, Ui, Vec2};

/// Gives the panel of this name the width (`axis` 0) or height (1) that a person gave it, or else the `usual` one, as far as there is room.
/// To be called right before it is shown.
pub(super) fn keep(ui: &Ui, name: &'static str, axis: usize, usual: f32, range: Rangef) {
    let panel = ui.scope_id().with(name);
    let (chosen, given) = (Id::unique((name, "chosen size")), Id::unique((name, "given size")));
    let now = PanelState::load(ui, panel).map(|state| state.size()[axis]);
    // egui writes down what a panel has become when its edge is let go: only then is it what a person wants.
    let held = ui.input(|i| i.pointer.any_down() || i.pointer.any_released());
    let before: Option<(f32, bool)> = ui.data(|data| data.get_temp(given));
    if let (Some(now), Some((before, true))) = (now, before)
        && (now - before).abs() > 0.5
    {
        ui.data_mut(|data| data.insert_persisted(chosen, now));
    }
    let size = range.clamp(ui.data_mut(|data| data.get_persisted(chosen)).unwrap_or(usual));
    let outer_rect = Rect::from_min_size(Pos2::ZERO, Vec2::splat(size));
    ui.data_mut(|data| {
        data.insert_temp(given, (size, held));
        data.insert_persisted(panel, PanelState { outer_rect });
    });
}
