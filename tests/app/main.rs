//! Stories of painters, told to the window through egui_kittest: no display and no graphics adapter is needed.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]
#![allow(unreachable_pub, reason = "the painter is shared by all stories")]
#![allow(clippy::print_stdout, reason = "cargo shows what a failed test says")]

mod board;
mod brought;
mod brush;
mod canvas;
mod cards;
mod change;
mod colour_map;
mod colours;
#[path = "../common/mod.rs"]
mod common;
mod controls;
mod corners;
mod dialogs;
mod drawn_on;
mod few_steps;
mod files;
mod framing;
mod help;
mod languages;
mod layout;
mod library;
mod loras;
mod making;
mod over_the_edge;
mod painter;
mod pen;
mod pictures;
mod reader;
mod refusals;
mod restart;
mod several;
mod snapshots;
mod stories;
mod tools;
