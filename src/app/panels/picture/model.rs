//! The panel of the model.

use crate::app::command::Command;
use crate::app::kit::widgets;
use crate::app::panels::{Desk, Request};
use crate::app::session::import::Wanted;
use crate::app::session::models::{EMBEDDED, MOST, is_for_few_steps, model_name};
use crate::app::session::purpose::Purpose;
use crate::app::text::i18n::{fill, tr};
use egui::{ComboBox, Ui};
use egui_material_icons::icons;
use std::path::{Path, PathBuf};

/// The choices in the list of models.
enum Chosen {
    Model(String),
    Lora(PathBuf),
    Browse,
    BrowseFile,
    BrowseLora,
    All,
}

impl Desk<'_> {
    pub(in crate::app) fn model_field(&mut self, ui: &mut Ui, width: f32) {
        let current = self.editor.document().settings.model.clone();
        let hint = tr(
            "What draws the picture: the small model inside the program, or a file or folder with a Stable Diffusion model",
        );
        let mut chosen = None;
        // (So high that a dozen of models is seen at once.)
        let combo = ComboBox::from_id_salt("model").selected_text(short_name(&current)).truncate().height(400.0);
        let told = format!("{hint}\n{current}");
        widgets::choice(ui, width, (tr("Model"), hint, &told), combo, |ui| chosen = self.models_list(ui, &current));
        match chosen {
            Some(Chosen::Model(model)) => self.set_model(model),
            Some(Chosen::Lora(path)) => self.add_lora(None, &path),
            Some(Chosen::Browse) => self.requests.push(Request::File(Purpose::Model, Wanted::Model)),
            Some(Chosen::BrowseFile) => self.requests.push(Request::File(Purpose::ModelFile, Wanted::Model)),
            Some(Chosen::BrowseLora) => self.perform(Command::AddLora),
            Some(Chosen::All) => self.perform(Command::Models),
            None => {}
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
        if ui.button(Command::Models.label()).on_hover_text(Command::Models.hint()).clicked() {
            chosen = Some(Chosen::All);
        }
        if ui.button(tr("Choose a model file…")).clicked() {
            chosen = Some(Chosen::BrowseFile);
        }
        if ui.button(tr("Choose a model folder…")).clicked() {
            chosen = Some(Chosen::Browse);
        }
        ui.separator();
        for entry in self.added.listed.loras().take(MOST) {
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
    pub(in crate::app) fn set_model(&mut self, model: String) {
        // (Another choice may still be on its way.)
        if self.editor.is_working() || self.editor.document().settings.model != model {
            self.editor.choose_model(model);
        }
    }
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
