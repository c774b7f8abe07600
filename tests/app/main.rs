//! Stories of painters, told to the window through egui_kittest: no display and no graphics adapter is needed.

mod cards;
mod help;
mod making;
mod painter;
mod stories;
mod tools;
