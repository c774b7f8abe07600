//! The bar over the canvas while something else than a region is painted: that this goes on, what belongs to it, and the ways out.

use crate::app::App;
use crate::app::command::Command;
use crate::app::kit::{colour, theme, widgets};
use crate::app::shell::tool_options::FOLDS;
use crate::app::shell::toolbar::floating;
use crate::app::text::i18n::tr;
use egui::{Align2, Button, Color32, Label, Rect, Sense, Ui, vec2};

/// What a bar says and offers.
struct Mode {
    title: &'static str,
    /// The dot before the title, in the colour in which it is painted; none where a swatch stands there.
    dot: Option<Color32>,
    /// Text, name and command of each button.
    buttons: Vec<(&'static str, &'static str, Command)>,
    /// The name of the button that ends it, and what that does.
    done: (&'static str, Command),
}

impl App {
    /// Floats below the bar of the tool in hand.
    pub(in crate::app) fn mode_bar_ui(&mut self, ui: &Ui, canvas: Rect) {
        let t = theme::tokens(ui);
        // (Where there is little room one row is worth more than a sentence.)
        let roomy = canvas.width() >= FOLDS;
        let mode = if self.open.editor.paints_change() {
            Mode {
                title: if roomy { tr("Painting what may change") } else { tr("What may change") },
                dot: Some(t.change),
                buttons: vec![
                    (tr("Invert"), tr("Invert what may change"), Command::InvertRegion),
                    (tr("Clear"), tr("Clear what may change"), Command::ClearRegion),
                ],
                done: (tr("Done painting what may change"), Command::PaintChange),
            }
        } else if self.open.editor.paints_colours() {
            Mode {
                title: if roomy { tr("Painting in colour") } else { tr("Paint layer") },
                dot: None,
                buttons: vec![(tr("Clear"), tr("Clear the paint"), Command::ClearRegion)],
                done: (tr("Done painting in colour"), Command::PaintColours),
            }
        } else {
            return;
        };
        let at = canvas.center_top() + vec2(0.0, self.below_options_bar(ui));
        let mut called = None;
        floating(ui, "mode bar", at, Align2::CENTER_TOP, |ui| {
            ui.set_max_width((canvas.width() - 40.0).max(200.0));
            ui.horizontal_wrapped(|ui| {
                match mode.dot {
                    Some(colour) => {
                        let (dot, _) = ui.allocate_exact_size(vec2(12.0, 20.0), Sense::hover());
                        ui.painter().circle_filled(dot.center(), 5.0, colour);
                    }
                    None => self.colour_in_hand(ui),
                }
                let text = theme::strong(mode.title).color(t.text_strong);
                ui.add(Label::new(text).selectable(false));
                if self.open.editor.paints_change() {
                    self.refine_choice(ui, &mut called);
                }
                for (text, name, command) in mode.buttons {
                    let button = ui.add(Button::new(text)).accessible_name(name);
                    if button.on_hover_text(command.tooltip(ui)).clicked() {
                        called = Some(command);
                    }
                }
                let (name, command) = mode.done;
                let done = widgets::main_button(ui, tr("Done"), 64.0, 24.0, true).accessible_name(name);
                if done.on_hover_text(command.tooltip(ui)).clicked() {
                    called = Some(command);
                }
            });
        });
        if let Some(command) = called {
            self.perform(ui, command);
        }
    }

    /// The swatch of the colour that the tools paint with.
    fn colour_in_hand(&mut self, ui: &mut Ui) {
        let mut colour = self.open.editor.colour();
        let hint = tr("The colour you paint with. Alt+click on the canvas takes one from there");
        if colour::swatch(ui, &mut colour, tr("Colour in hand"), hint).changed() {
            self.open.editor.take_colour(colour);
        }
    }
}
