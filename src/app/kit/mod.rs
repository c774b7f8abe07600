//! The floor of the window: its look, controls and messages, and helpers that know nothing of what is open in it.

pub(super) mod background;
pub(super) mod colour;
#[cfg(test)]
mod contrast;
pub(super) mod debounce;
pub(super) mod landmarks;
pub(super) mod modal;
pub(super) mod star;
pub(super) mod tasks;
pub(super) mod theme;
pub(super) mod thumbnail;
pub(super) mod toasts;
pub(super) mod tooltips;
pub(super) mod widgets;
