//! What the window shows of each tool: its button, its hint and the options of its bar.

use super::Tool;
use crate::app::command::Command;
use crate::app::text::i18n::{key, tr};

/// The options that the bar over the canvas shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum OptionsBar {
    /// There is no bar.
    None,
    /// Size, hardness, opacity and smoothing.
    Brush,
    /// The same, with the opacity as the strength by which it smudges.
    Smudge,
    /// Whether shapes are added, taken away or replace the mask.
    Combine,
    /// What is filled, then as [`Self::Combine`].
    Fill,
}

/// What the window shows of a tool.
struct Facts {
    /// The command that takes it in hand, which has its name, icon and keys.
    command: Command,
    /// What to do with it, in the line at the bottom; to be translated.
    hint: &'static str,
    options: OptionsBar,
}

impl Tool {
    /// Every tool, in the order of the toolbar, which has a line before [`Self::Move`].
    pub(in crate::app) const ALL: [Self; 13] = [
        Self::Brush,
        Self::Eraser,
        Self::Smudge,
        Self::Lasso,
        Self::Rectangle,
        Self::Ellipse,
        Self::Fill,
        Self::Gradient,
        Self::Move,
        Self::Frame,
        Self::Pick,
        Self::Hand,
        Self::Zoom,
    ];

    /// The command that takes it in hand.
    pub(in crate::app) fn command(self) -> Command {
        self.facts().command
    }

    /// What to do with it, in the person's language.
    pub(in crate::app) fn hint(self) -> &'static str {
        tr(self.facts().hint)
    }

    /// The options of its bar.
    pub(in crate::app) fn options(self) -> OptionsBar {
        self.facts().options
    }

    fn facts(self) -> Facts {
        let facts = |command, options, hint| Facts { command, hint, options };
        let corners =
            key("Drag from corner to corner. Shift keeps the sides equal; Alt first takes away, Alt later centres.");
        match self {
            Self::Brush => facts(
                Command::ToolBrush,
                OptionsBar::Brush,
                key(
                    "Paint where the region shows. Shift+click draws a straight line, Shift+drag changes the brush, Alt+click picks the region.",
                ),
            ),
            Self::Eraser => facts(
                Command::ToolEraser,
                OptionsBar::Brush,
                key(
                    "Take paint away from the region. Shift+click draws a straight line from the last point, Shift+drag changes the eraser.",
                ),
            ),
            Self::Smudge => facts(
                Command::ToolSmudge,
                OptionsBar::Smudge,
                key("Drag colours along, or the edge of the region. Shift+drag changes the brush."),
            ),
            Self::Lasso => facts(
                Command::ToolLasso,
                OptionsBar::Combine,
                key(
                    "Draw around what you mean, or click corner by corner: Enter or a double click closes, Backspace takes one back.",
                ),
            ),
            Self::Rectangle => facts(Command::ToolRectangle, OptionsBar::Combine, corners),
            Self::Ellipse => facts(Command::ToolEllipse, OptionsBar::Combine, corners),
            Self::Fill => facts(
                Command::ToolFill,
                OptionsBar::Fill,
                key("Click to fill what hangs together. Alt+click picks the region under the pointer."),
            ),
            Self::Gradient => facts(
                Command::ToolGradient,
                OptionsBar::Combine,
                key("Drag from where the region is full to where it ends. Shift holds eight directions."),
            ),
            Self::Move => facts(
                Command::ToolMove,
                OptionsBar::None,
                key(
                    "Drag it, a handle or the knob that turns it. Ctrl: no snapping, and a corner or side moves alone. Shift+click adds one. Arrows move, with Ctrl scale.",
                ),
            ),
            Self::Frame => facts(
                Command::ToolFrame,
                OptionsBar::None,
                key("Drag over the part that is drawn next, at the model's own size; the rest of the picture stays."),
            ),
            Self::Pick => facts(Command::ToolPick, OptionsBar::None, key("Click a region to select it.")),
            Self::Hand => facts(Command::ToolHand, OptionsBar::None, key("Drag to move the canvas.")),
            Self::Zoom => facts(Command::ToolZoom, OptionsBar::None, key("Click to zoom in, Alt+click to zoom out.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tool_is_in_the_toolbar_once_and_has_an_icon() {
        for (at, tool) in Tool::ALL.into_iter().enumerate() {
            assert!(!Tool::ALL[..at].contains(&tool), "{tool:?}");
            assert!(tool.command().icon().is_some(), "{tool:?}");
        }
        let commands = Command::ALL.iter().filter(|command| format!("{command:?}").starts_with("Tool"));
        assert!(commands.eq(&Tool::ALL.map(Tool::command)), "a tool is missing, or its command stands elsewhere");
    }
}
