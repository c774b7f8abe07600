//! What a screen reader is told: every control has a name, in every panel and dialog, and a dialog has the keyboard.

use super::painter::Painter;
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use polyptych::app::Command;

/// The roles of what can be pressed, moved or written in.
const CONTROLS: [Role; 14] = [
    Role::Button,
    Role::CheckBox,
    Role::ColorWell,
    Role::ComboBox,
    Role::DisclosureTriangle,
    Role::Link,
    Role::ListBoxOption,
    Role::MenuItem,
    Role::MultilineTextInput,
    Role::RadioButton,
    Role::Slider,
    Role::SpinButton,
    Role::Switch,
    Role::TextInput,
];

impl Painter {
    fn calls(&mut self, command: Command) {
        let ctx = self.h.ctx.clone();
        self.h.state_mut().perform(&ctx, command);
        self.settles();
    }

    /// The controls that are seen and have no name: an icon of the symbol font is none.
    fn nameless(&self) -> Vec<String> {
        let is_word = |c: char| c.is_alphanumeric() && !('\u{e000}'..='\u{f8ff}').contains(&c);
        let all = self.h.root().children_recursive().filter(|node| {
            let node = node.accesskit_node();
            let named = node.label().is_some_and(|label| label.chars().any(is_word));
            CONTROLS.contains(&node.role()) && !node.is_hidden() && !named
        });
        let told = all.map(|node| {
            let of = node.accesskit_node();
            format!("{:?} {:?} {:?} at {:?}", of.role(), of.label(), of.value(), node.rect())
        });
        told.collect()
    }

    fn all_are_named(&self, place: &str) {
        let nameless = self.nameless();
        assert!(nameless.is_empty(), "{place}:\n{}", nameless.join("\n"));
    }
}

#[test]
fn every_control_of_the_window_has_a_name() {
    let mut painter = Painter::sits_down();
    painter.all_are_named("a project");
    painter.clicks("More");
    painter.clicks("Advanced");
    painter.all_are_named("everything unfolded");
    painter.clicks("Background");
    painter.clicks("Choose a start colour");
    painter.all_are_named("the background");
    painter.presses(Modifiers::SHIFT, Key::B);
    painter.paints(&[(100.0, 100.0), (300.0, 300.0)]);
    painter.all_are_named("painting in colour");
    painter.clicks("Done painting in colour");
    painter.calls(Command::Generate);
    painter.waits_for("a picture", |app| app.editor().document().take.is_some());
    painter.calls(Command::PaintChange);
    painter.all_are_named("painting what may change");
    painter.calls(Command::PaintChange);
    painter.calls(Command::ToolFrame);
    painter.drags(Modifiers::NONE, &[(100.0, 100.0), (400.0, 400.0)]);
    painter.all_are_named("a frame");
    for tool in [Command::ToolLasso, Command::ToolFill, Command::ToolGradient, Command::ToolMove, Command::ToolPick] {
        painter.calls(tool);
        painter.all_are_named(tool.label());
    }
}

#[test]
fn every_control_of_a_dialog_has_a_name_and_one_has_the_keyboard() {
    let mut painter = Painter::sits_down();
    painter.calls(Command::Generate);
    painter.waits_for("a picture", |app| app.editor().document().take.is_some());
    for (command, title) in [
        (Command::New, "New canvas"),
        (Command::Examples, "Examples"),
        (Command::Export, "Export picture"),
        (Command::ExportRegions, "Export regions"),
        (Command::CanvasSize, "Canvas size"),
        (Command::Enlarge, "Enlarge picture"),
        (Command::GrowRegion, "Grow region"),
        (Command::Models, "Models"),
        (Command::ResetStudio, "Reset the studio?"),
        (Command::Palette, "Find a command"),
        (Command::Shortcuts, "Keyboard shortcuts"),
        (Command::Preferences, "Preferences"),
        (Command::About, "About Polyptych"),
    ] {
        painter.calls(command);
        let dialogs: Vec<String> = painter
            .h
            .root()
            .children_recursive()
            .filter(|node| node.accesskit_node().role() == Role::Dialog)
            .filter_map(|node| node.accesskit_node().label())
            .collect();
        assert_eq!(dialogs, [title], "{command:?}");
        painter.all_are_named(title);
        let focused = painter.h.root().children_recursive().find(|node| node.accesskit_node().is_focused());
        assert!(focused.is_some(), "{title}: nothing has the keyboard");
        painter.presses(Modifiers::NONE, Key::Escape);
        assert!(painter.h.query_by_role_and_label(Role::Dialog, title).is_none(), "{title}: Escape closes it");
    }
}
