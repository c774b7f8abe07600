//! Refining: what may change is drawn over from what is there, by a denoising strength below 1, and not anew.

use crate::app::App;
use crate::app::command::Command;
use crate::app::editor::Field;
use crate::app::kit::widgets;
use crate::app::text::i18n::tr;
use crate::document::Area;
use egui::{Button, Ui};

impl App {
    /// True where the picture to start from is drawn over, and not forgotten.
    pub(in crate::app) fn refines_change(&self) -> bool {
        self.open.editor.document().init_image.as_ref().is_some_and(|start| start.strength < 1.0)
    }

    /// True where a part of a picture is drawn over next: what may change of it, or what lies in the frame. (With all of it free to change one
    /// makes a picture, after another.)
    pub(in crate::app) fn refines(&self) -> bool {
        let document = self.open.editor.document();
        match self.framed() {
            Some(framed) => framed.strength < 1.0 && (document.take.is_some() || document.init_image.is_some()),
            None => {
                let start = document.init_image.as_ref();
                self.refines_change() && start.is_some_and(|start| !matches!(start.area, Area::Everything))
            }
        }
    }

    /// Draws what may change over, or anew again. Where there is no picture to start from, what may change of the one on show is painted.
    pub(in crate::app) fn refine_change(&mut self) {
        let Some(start) = &self.open.editor.document().init_image else {
            return self.paint_change_at(self.prefs.refining);
        };
        let strength = start.strength;
        self.prefs.keep_refining(strength);
        self.open.editor.close_step();
        self.set_strength(if strength < 1.0 { 1.0 } else { self.prefs.refining });
        self.open.editor.close_step();
    }

    /// Starts from the picture on show and draws it over, where it may change.
    pub(in crate::app) fn refine_picture(&mut self) {
        self.finish_gesture();
        let Some(start) = self.open.editor.document().start_from_take(self.prefs.refining) else { return };
        self.open.editor.set_start(Some(start));
        self.generate(false);
    }

    /// Sets the denoising strength of the picture to start from.
    pub(super) fn set_strength(&mut self, strength: f64) {
        self.open.editor.change_field(Field::Strength, |d| {
            if let Some(start) = &mut d.init_image {
                start.strength = strength;
            }
        });
    }

    /// What becomes of what may change, in the bar over the canvas: a choice of two, and the strength of the second.
    pub(super) fn refine_choice(&mut self, ui: &mut Ui, called: &mut Option<Command>) {
        let Some(start) = &self.open.editor.document().init_image else { return };
        let (refines, mut strength) = (self.refines_change(), start.strength);
        let choices = [
            (tr("New"), tr("New, from noise"), tr("What may change is drawn anew").to_owned(), !refines),
            (tr("Refine"), Command::Refine.label(), Command::Refine.tooltip(ui), refines),
        ];
        for (text, name, told, on) in choices {
            let button = ui.add(Button::new(text).selected(on)).on_hover_text(told);
            button.widget_info(|| egui::WidgetInfo::selected(egui::Role::RadioButton, true, on, name));
            if button.clicked() && !on {
                *called = Some(Command::Refine);
            }
        }
        if refines {
            let told = tr("How much of the picture becomes new: little keeps it, 1 all but forgets it");
            let value = widgets::strength(&mut strength, 0.99);
            let value = ui.add(value).accessible_name(tr("Strength of refining")).on_hover_text(told);
            if value.changed() {
                self.prefs.keep_refining(strength);
                self.set_strength(strength);
            }
            if value.drag_stopped() || value.lost_focus() {
                self.open.editor.close_step();
            }
        }
    }
}
