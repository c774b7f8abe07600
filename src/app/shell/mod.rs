//! The window around everything: one frame, the bars, and what each command does.

pub(super) mod bench;
pub(super) mod canvas_size;
mod change_bar;
pub(super) mod command_state;
pub(super) mod drawn_on;
pub(super) mod drops;
pub(super) mod frame;
pub(super) mod importing;
pub(super) mod leaving;
pub(super) mod logic;
pub(super) mod menu;
pub(super) mod models;
pub(super) mod open_document;
pub(super) mod paths;
pub(super) mod perform;
pub(super) mod prefs;
pub(super) mod questions;
pub(super) mod recovering;
mod refusal;
pub(super) mod saving;
pub(super) mod status;
pub(super) mod tool_options;
pub(super) mod toolbar;
pub(super) mod tour;
pub(super) mod ui_scale;
pub(super) mod view_bar;
pub(super) mod works;
