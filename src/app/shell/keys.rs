//! The keys of a frame: they call commands, and a tool is in hand for as long as its key is held where it was used meanwhile.

use crate::app::canvas::Borrowed;
use crate::app::command::Command;
use crate::app::tools::Tool;
use crate::app::{App, command};
use egui::{Event, Key, Modifiers, Ui};

impl App {
    pub(super) fn keys(&mut self, ui: &Ui) {
        self.give_back_tool(ui);
        self.end_peek(ui);
        if self.is_asking() {
            return;
        }
        self.digits(ui);
        self.escape_closes_a_message(ui);
        let escape = ui.input(|i| i.key_pressed(Key::Escape));
        for command in command::take_pressed(ui, self.escape_stops()) {
            if command == Command::Cancel && escape && self.escape_spares_the_picture(ui) {
                continue;
            }
            let before = self.workspace.tool;
            self.perform(ui, command);
            if is_tool(command) && self.workspace.tool != before {
                let begun = self.workspace.canvas.begun();
                self.workspace.borrowed = Some(Borrowed { by: command, before, begun, ends: false });
            }
        }
    }

    /// Digits set the opacity of the brush in hand, where the chosen keys have it so: 1 is 10 %, 0 all.
    fn digits(&mut self, ui: &Ui) {
        if !self.prefs.keys.has_opacity_digits() || !self.workspace.tool.paints() || ui.text_edit_focused() {
            return;
        }
        const DIGITS: [Key; 10] = [
            Key::Num1,
            Key::Num2,
            Key::Num3,
            Key::Num4,
            Key::Num5,
            Key::Num6,
            Key::Num7,
            Key::Num8,
            Key::Num9,
            Key::Num0,
        ];
        for (tenths, key) in (1_u8..).zip(DIGITS) {
            if ui.input_mut(|i| i.consume_key(Modifiers::NONE, key)) {
                self.brush_mut().opacity = f32::from(tenths) / 10.0;
            }
        }
    }

    /// Goes back to the tool before when the key of a borrowed one is let go. One that was not used stays: its key was only pressed.
    fn give_back_tool(&mut self, ui: &Ui) {
        let canvas = &self.workspace.canvas;
        let Some(borrowed) = &mut self.workspace.borrowed else { return };
        let let_go = |event: &Event| match event {
            Event::Key { key, pressed: false, .. } => borrowed.by.keys().iter().any(|keys| keys.key == *key),
            Event::WindowFocused(false) => true,
            _ => false,
        };
        borrowed.ends |= ui.input(|i| i.events.iter().any(let_go));
        if !borrowed.ends || (canvas.is_painting() && canvas.begun() != borrowed.begun) {
            return;
        }
        let (used, before) = (canvas.begun() != borrowed.begun, borrowed.before);
        self.workspace.borrowed = None;
        if used {
            self.take_tool(before);
        }
    }
}

/// True for the commands that take a tool in hand.
fn is_tool(command: Command) -> bool {
    Tool::ALL.iter().any(|tool| tool.command() == command)
}
