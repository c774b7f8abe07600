//! The panel of the model, and of the LoRAs laid over it.

use super::editor::Field;
use super::files::Purpose;
use super::texts::{fill, tr};
use super::{App, Command, theme, widgets};
use crate::document::{Lora, MAX_LORAS};
use crate::studio::{Catalogue, Entry, FEW_STEPS, FewSteps, Kind, PARTS_SEPARATOR, few_step_base, few_step_version};
use egui::{Align, ComboBox, Frame, Label, Layout, Margin, RichText, Ui, vec2};
use egui_material_icons::icons;
use std::path::{Path, PathBuf};

/// The name of the model inside the program.
pub(super) const EMBEDDED: &str = "embedded";

/// The strongest weight of the slider. (Stronger ones, and those below 0, come from files.)
const STRONGEST: f32 = 2.0;

/// The models to choose from: those added by `polyptych models add`, the one inside the program, and the document's own.
#[derive(Default)]
pub(super) struct Listed {
    /// The document's model.
    current: String,
    /// The checkpoints and LoRAs that were added.
    entries: Vec<Entry>,
    /// The checkpoints to choose from, those for few steps behind what they were made from.
    models: Vec<String>,
}

/// The list as it was last read, and where it is read from.
#[derive(Default)]
pub(super) struct Added {
    data: Option<PathBuf>,
    listed: Listed,
    /// The document's model that it was last asked for.
    asked: Option<String>,
}

impl Listed {
    /// Reads the catalogue of a data folder and looks for versions for few steps. A slow disk makes this slow, so it runs on a
    /// thread of its own.
    pub(super) fn read(data: Option<&Path>, current: String) -> Self {
        let entries = match data.map(Catalogue::open) {
            Some(Ok(catalogue)) => catalogue.entries().to_vec(),
            // `polyptych models` says what is wrong with it.
            Some(Err(error)) => {
                log::warn!("{error}");
                Vec::new()
            }
            None => Vec::new(),
        };
        let added = entries.iter().filter(|entry| entry.kind == Kind::Checkpoint);
        let added = added.map(|entry| entry.path.display().to_string());
        let base = few_step_base(&current).unwrap_or_else(|| current.clone());
        let mut models = Vec::new();
        for model in [EMBEDDED.to_owned()].into_iter().chain(added).chain([base]) {
            for model in [few_step_version(&model), Some(model)].into_iter().rev().flatten() {
                if !models.contains(&model) {
                    models.push(model);
                }
            }
        }
        Self { current, entries, models }
    }
}

impl Added {
    /// The list of this data folder, which is still to be read.
    pub(super) fn of(data: Option<PathBuf>) -> Self {
        Self { data, ..Self::default() }
    }
}

/// The choices in the list of models.
enum Chosen {
    Model(String),
    Lora(PathBuf),
    Browse,
    BrowseFile,
    BrowseLora,
}

impl App {
    pub(super) fn model_field(&mut self, ui: &mut Ui, width: f32) {
        let current = self.editor.document().settings.model.clone();
        let hint = tr(
            "What draws the picture: the small model inside the program, or a file or folder with a Stable Diffusion model",
        );
        let mut chosen = None;
        widgets::field(ui, width, tr("Model"), hint, |ui, label| {
            let combo = ComboBox::from_id_salt("model").selected_text(short_name(&current)).icon(widgets::chevron);
            // (So high that a dozen of models is seen at once.)
            let response = combo.truncate().height(400.0).show_ui(ui, |ui| {
                chosen = self.models_list(ui, &current);
            });
            response.response.labelled_by(label).on_hover_text(format!("{hint}\n{current}"));
        });
        match chosen {
            Some(Chosen::Model(model)) => self.set_model(model),
            Some(Chosen::Lora(path)) => self.add_lora(&path),
            Some(Chosen::Browse) => self.ask_path(Purpose::Model),
            Some(Chosen::BrowseFile) => self.ask_path(Purpose::ModelFile),
            Some(Chosen::BrowseLora) => self.perform(ui, Command::AddLora),
            None => {}
        }
    }

    /// Reads the list of models anew where the document has another model, and where the window comes back to the front: models
    /// may have been added in a terminal meanwhile. (Before the list is opened, since it keeps the size it opened with.)
    pub(super) fn follow_models(&mut self, ui: &Ui) {
        let current = &self.editor.document().settings.model;
        let back = ui.input(|i| i.events.iter().any(|event| matches!(event, egui::Event::WindowFocused(true))));
        if back || self.added.asked.as_ref() != Some(current) {
            self.added.asked = Some(current.clone());
            self.files.list_models(self.added.data.clone(), current.clone());
        }
    }

    /// Takes in a list that has been read, unless another was asked for since.
    pub(super) fn models_listed(&mut self, listed: Listed) {
        if self.added.asked.as_ref() == Some(&listed.current) {
            self.added.listed = listed;
        }
    }

    /// The models there are, then the LoRAs that were added, each with a way to choose another.
    fn models_list(&self, ui: &mut Ui, current: &str) -> Option<Chosen> {
        let mut chosen = None;
        for model in &self.added.listed.models {
            let mut entry = ui.selectable_label(model == current, model_name(model));
            if is_for_few_steps(Path::new(model)) {
                let hint = tr(
                    "Made for few steps: quick, and plainer. It brings its sampler, steps, guidance and hold-shape along",
                );
                entry = entry.on_hover_text(hint);
            }
            if model != EMBEDDED {
                entry = entry.on_hover_text(model);
            }
            if entry.clicked() {
                chosen = Some(Chosen::Model(model.clone()));
            }
        }
        if ui.button(tr("Choose a model file…")).clicked() {
            chosen = Some(Chosen::BrowseFile);
        }
        if ui.button(tr("Choose a model folder…")).clicked() {
            chosen = Some(Chosen::Browse);
        }
        ui.separator();
        for entry in self.added.listed.entries.iter().filter(|entry| entry.kind == Kind::Lora) {
            let text = fill("Add {0}", &[&entry.name]);
            if ui.selectable_label(false, text).on_hover_text(entry.path.display().to_string()).clicked() {
                chosen = Some(Chosen::Lora(entry.path.clone()));
            }
        }
        if ui.button(Command::AddLora.label()).on_hover_text(Command::AddLora.hint()).clicked() {
            chosen = Some(Chosen::BrowseLora);
        }
        chosen
    }

    /// Draws with another model; one that was made for few steps brings its sampler, steps, guidance and bootstrapping along.
    pub(super) fn set_model(&mut self, model: String) {
        // (Another choice may still be on its way.)
        if self.editor.is_working() || self.editor.document().settings.model != model {
            self.editor.choose_model(model);
        }
    }

    /// Lays a LoRA over the model.
    pub(super) fn add_lora(&mut self, path: &Path) {
        let lora = Lora::new(path.display().to_string());
        if self.editor.document().settings.loras.len() >= MAX_LORAS {
            self.toasts.warning(fill("A picture takes {0} LoRAs at most. Remove one first.", &[&MAX_LORAS]));
            return;
        }
        self.toasts.info(fill("{0} changes how the model draws from now on.", &[&lora.name()]));
        self.editor.change_field(Field::Loras, |d| d.settings.loras.push(lora));
        self.editor.close_step();
    }

    /// A row for each LoRA: its name, how strongly it counts, and its end.
    pub(super) fn loras_ui(&mut self, ui: &mut Ui) {
        let mut removed = None;
        for (index, lora) in self.editor.document().settings.loras.clone().into_iter().enumerate() {
            let mut weight = lora.weight;
            let response =
                ui.push_id(("lora", index), |ui| row(ui, &lora, &mut weight, || removed = Some(index))).inner;
            self.changed(&response, Field::LoraWeight(index), |d| {
                if let Some(lora) = d.settings.loras.get_mut(index) {
                    // (Hundredths are what the row shows.)
                    lora.weight = (weight * 100.0).round() / 100.0;
                }
            });
        }
        if let Some(index) = removed {
            self.editor.change_field(Field::Loras, |d| {
                d.settings.loras.remove(index);
            });
            self.editor.close_step();
        }
    }
}

/// The row of a LoRA; returns its slider.
fn row(ui: &mut Ui, lora: &Lora, weight: &mut f32, mut remove: impl FnMut()) -> egui::Response {
    let t = theme::tokens(ui);
    let name = lora.name();
    let hint = tr("A LoRA: it changes how the model draws. 1 is as it was made, 0 not at all");
    let hint = format!("{hint}\n{}", lora.file);
    let frame = Frame::new().fill(t.card).corner_radius(theme::ROUND_SMALL).inner_margin(Margin::symmetric(8, 0));
    let inner = frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.set_height(theme::ROW);
        ui.horizontal_centered(|ui| {
            ui.spacing_mut().item_spacing.x = theme::HALF;
            let third = (ui.available_width() * 0.4).floor();
            ui.allocate_ui_with_layout(vec2(third, theme::ROW), Layout::left_to_right(Align::Center), |ui| {
                ui.set_min_width(third);
                let text = RichText::new(&name).color(t.text_weak);
                ui.add(Label::new(text).selectable(false).truncate()).on_hover_text(&hint);
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                widgets::flat(ui);
                let text = fill("Remove LoRA {0}", &[&name]);
                if widgets::small_icon_button(ui, icons::ICON_CLOSE, &text).on_hover_text(&text).clicked() {
                    remove();
                }
                let value = RichText::new(format!("{:.2}", lora.weight)).color(t.text_strong);
                ui.add_sized(vec2(40.0, theme::ROW), Label::new(value).selectable(false));
                ui.spacing_mut().slider_width = ui.available_width() - theme::HALF;
                let range = lora.weight.min(0.0)..=lora.weight.max(STRONGEST);
                let slider = ui.add(widgets::slider(weight, range));
                slider.accessible_name(fill("Weight of {0}", &[&name])).on_hover_text(&hint)
            })
            .inner
        })
        .inner
    });
    inner.inner
}

/// True where a model lies in the folder for few steps inside another's.
fn is_for_few_steps(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == FEW_STEPS)
}

/// The text of the narrow field: for few steps, the lightning of live painting and the name of the model that the version was
/// made from.
fn short_name(model: &str) -> String {
    let path = Path::new(model);
    match path.parent().and_then(Path::to_str).filter(|_| is_for_few_steps(path)) {
        Some(base) => format!("{} {}", icons::ICON_BOLT.codepoint, model_name(base)),
        None => model_name(model),
    }
}

/// A model's name: the last part of its path; of one from several files, those of all.
pub(super) fn model_name(model: &str) -> String {
    let path = Path::new(model);
    if model.contains(PARTS_SEPARATOR) && !path.exists() {
        return model.split(PARTS_SEPARATOR).map(model_name).collect::<Vec<_>>().join(PARTS_SEPARATOR);
    }
    if let Some(base) = path.parent().and_then(Path::to_str).filter(|_| is_for_few_steps(path)) {
        return fill("{0}, {1} steps", &[&model_name(base), &FewSteps::STEPS]);
    }
    if model == EMBEDDED {
        return tr("Built in").to_owned();
    }
    path.file_stem().map_or_else(|| model.to_owned(), |s| s.to_string_lossy().into_owned())
}
