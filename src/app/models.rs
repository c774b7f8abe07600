//! The panel of the model, and of the LoRAs laid over it.

use super::editor::Field;
use super::files::Purpose;
use super::texts::{fill, tr};
use super::{App, Command, theme, widgets};
use crate::document::{Lora, MAX_LORAS};
use crate::studio::{Catalogue, Entry, FEW_STEPS, FewSteps, Kind, few_step_base, few_step_version};
use egui::{Align, ComboBox, Frame, Label, Layout, Margin, RichText, Ui, vec2};
use egui_material_icons::icons;
use std::path::{Path, PathBuf};

/// The name of the model inside the program.
const EMBEDDED: &str = "embedded";

/// The strongest weight of the slider. (Stronger ones, and those below 0, come from files.)
const STRONGEST: f32 = 2.0;

/// The checkpoints and LoRAs added by `polyptych models add`.
#[derive(Default)]
pub(super) struct Added {
    data: Option<PathBuf>,
    entries: Vec<Entry>,
    /// The checkpoints to choose from, those for few steps behind what they were made from.
    models: Vec<String>,
    /// True while the list that shows it is open.
    shown: bool,
}

impl Added {
    /// The list of this data folder, which is read when it is shown.
    pub(super) fn of(data: Option<PathBuf>) -> Self {
        Self { data, ..Self::default() }
    }

    /// The list is open; as it opens, the catalogue is read. (Before its first frame, since a list keeps the size it opened with.)
    fn show(&mut self, current: &str) {
        if std::mem::replace(&mut self.shown, true) {
            return;
        }
        self.entries = match self.data.as_deref().map(Catalogue::open) {
            Some(Ok(catalogue)) => catalogue.entries().to_vec(),
            // `polyptych models` says what is wrong with it.
            Some(Err(error)) => {
                log::warn!("{error}");
                Vec::new()
            }
            None => Vec::new(),
        };
        let added = self.of_kind(Kind::Checkpoint).map(|entry| entry.path.display().to_string());
        let current = few_step_base(current).unwrap_or_else(|| current.to_owned());
        let mut models = Vec::new();
        for model in [EMBEDDED.to_owned()].into_iter().chain(added).chain([current]) {
            for model in [few_step_version(&model), Some(model)].into_iter().rev().flatten() {
                if !models.contains(&model) {
                    models.push(model);
                }
            }
        }
        self.models = models;
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.kind == kind)
    }
}

/// The choices in the list of models.
enum Chosen {
    Model(String),
    Lora(PathBuf),
    Browse,
    BrowseLora,
}

impl App {
    pub(super) fn model_field(&mut self, ui: &mut Ui, width: f32) {
        let current = self.editor.document().settings.model.clone();
        let hint =
            tr("What draws the picture: the small model inside the program, or a folder with a Stable Diffusion model");
        let mut chosen = None;
        let mut shown = false;
        widgets::field(ui, width, tr("Model"), hint, |ui, label| {
            let combo = ComboBox::from_id_salt("model").selected_text(short_name(&current)).icon(widgets::chevron);
            // (So high that a dozen of models is seen at once.)
            let response = combo.truncate().height(400.0).show_ui(ui, |ui| {
                shown = true;
                self.added.show(&current);
                chosen = self.models_list(ui, &current);
            });
            response.response.labelled_by(label).on_hover_text(format!("{hint}\n{current}"));
        });
        self.added.shown &= shown;
        match chosen {
            Some(Chosen::Model(model)) => self.set_model(model),
            Some(Chosen::Lora(path)) => self.add_lora(&path),
            Some(Chosen::Browse) => self.ask_path(Purpose::Model),
            Some(Chosen::BrowseLora) => self.perform(ui, Command::AddLora),
            None => {}
        }
    }

    /// The models there are, then the LoRAs that were added, each with a way to choose another.
    fn models_list(&self, ui: &mut Ui, current: &str) -> Option<Chosen> {
        let mut chosen = None;
        for model in &self.added.models {
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
        if ui.button(tr("Choose a model folder…")).clicked() {
            chosen = Some(Chosen::Browse);
        }
        ui.separator();
        for entry in self.added.of_kind(Kind::Lora) {
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
        if self.editor.document().settings.model != model {
            let presets = &mut self.presets;
            self.editor.change_field(Field::Model, |d| presets.choose(&mut d.settings, model));
            self.editor.close_step();
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

/// A model's name: the last part of its path.
pub(super) fn model_name(model: &str) -> String {
    let path = Path::new(model);
    if let Some(base) = path.parent().and_then(Path::to_str).filter(|_| is_for_few_steps(path)) {
        return fill("{0}, {1} steps", &[&model_name(base), &FewSteps::STEPS]);
    }
    if model == EMBEDDED {
        return tr("Built in").to_owned();
    }
    path.file_stem().map_or_else(|| model.to_owned(), |s| s.to_string_lossy().into_owned())
}
