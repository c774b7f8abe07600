//! The menu at the pointer: the regions to paint, the brush, and what is most often wanted meanwhile.

use crate::app::App;
use crate::app::command::Command;
use crate::app::editor::Selected;
use crate::app::kit::{theme, widgets};
use crate::app::text::i18n::{fill, tr};
use crate::app::text::names;
use egui::{Id, Popup, PopupCloseBehavior, Response, Sense, SetOpenCommand, Stroke, StrokeKind, Ui, vec2};

/// The side of a region's swatch.
const SWATCH: f32 = 22.0;
const WIDTH: f32 = 264.0;
/// Width of the names of the brush's sliders.
const NAMES: f32 = 72.0;

/// Commands of the menu; `None` is a line between.
const ENTRIES: [Option<Command>; 15] = [
    Some(Command::Undo),
    Some(Command::Redo),
    None,
    Some(Command::AddRegion),
    Some(Command::DuplicateRegion),
    Some(Command::FillRegion),
    Some(Command::ClearRegion),
    Some(Command::InvertRegion),
    Some(Command::SoloRegion),
    Some(Command::LockRegion),
    None,
    Some(Command::PaintChange),
    Some(Command::PaintColours),
    Some(Command::RerollRegion),
    Some(Command::Generate),
];

impl App {
    /// Opens at a click of the right button on the canvas, and closes at the next click beside it or on an entry.
    pub(super) fn canvas_menu_ui(&mut self, ui: &Ui, canvas: &Response, opens: bool) {
        let mut called = None;
        let id = Id::unique("canvas menu");
        // A click on the canvas, whose menu it is, closes it, too.
        let set = (opens || canvas.clicked()).then_some(SetOpenCommand::Bool(opens));
        let menu = Popup::context_menu(canvas).id(id).open_memory(set);
        menu.close_behavior(PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
            ui.set_width(WIDTH);
            self.swatches(ui);
            if self.workspace.tool.paints() {
                ui.spacing_mut().slider_width = 120.0;
                ui.spacing_mut().item_spacing.x = 6.0;
                self.brush_sliders(ui, NAMES);
            }
            ui.separator();
            widgets::entries(ui, |ui| {
                for entry in ENTRIES {
                    match entry {
                        None => drop(ui.separator()),
                        Some(command) => self.menu_entry(ui, command, &mut called),
                    }
                }
            });
            if called.is_some() {
                ui.close();
            }
        });
        if let Some(command) = called {
            self.perform(ui, command);
        }
    }

    /// A swatch for each region, the uppermost first, and one for the background: a click selects it.
    fn swatches(&mut self, ui: &mut Ui) {
        let t = theme::tokens(ui);
        let document = self.open.editor.document();
        let regions = document.regions.iter().rev();
        let regions = regions.map(|r| (Selected::Region(r.id), theme::region(r.colour), names::shown(&r.name)));
        let background = (Selected::Background, t.background_bar, tr("Background").to_owned());
        let all: Vec<_> = regions.chain([background]).collect();
        let mut chosen = None;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
            for (key, colour, name) in all {
                let (rect, swatch) = ui.allocate_exact_size(vec2(SWATCH, SWATCH), Sense::click());
                ui.painter().rect_filled(rect, theme::ROUND_SMALL, colour);
                let on = self.open.editor.is_selected(key);
                if on || swatch.hovered() || swatch.has_focus() {
                    let stroke = Stroke::new(2.0, t.text_strong);
                    ui.painter().rect_stroke(rect, theme::ROUND_SMALL, stroke, StrokeKind::Outside);
                }
                let said = fill("Select {0}", &[&name]);
                swatch.widget_info(|| egui::WidgetInfo::selected(egui::Role::RadioButton, true, on, &said));
                if swatch.on_hover_text(name).clicked() {
                    chosen = Some(key);
                    ui.close();
                }
            }
        });
        if let Some(key) = chosen {
            self.open.editor.select(key);
            self.panels.cards.reveal();
        }
    }
}
