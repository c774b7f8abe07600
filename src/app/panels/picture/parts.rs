//! What replaces and fills in parts of the model: an autoencoder of one's own, and the model that gives what another lacks.

use crate::app::editor::Field;
use crate::app::kit::widgets;
use crate::app::panels::{Desk, Request};
use crate::app::session::models::model_name;
use crate::app::text::i18n::tr;
use egui::{ComboBox, Ui};

/// A choice of a field.
enum Chosen {
    Nothing,
    Model(String),
    Browse,
}

impl Desk<'_> {
    /// Both fields, as wide as a file's name needs.
    pub(in crate::app) fn parts_ui(&mut self, ui: &mut Ui, width: f32) {
        let settings = &self.editor.document().settings;
        let (vae, fallback, model) = (settings.vae.clone(), settings.fallback.clone(), settings.model.clone());
        let others: Vec<String> = self.added.models().filter(|other| **other != model).cloned().collect();
        let hint = tr("Turns what the model draws into colours: another one than the model's own");
        match part(ui, width, tr("VAE"), hint, tr("the model's own"), vae.as_deref(), &[]) {
            Some(Chosen::Nothing) => self.set_vae(None),
            Some(Chosen::Model(file)) => self.set_vae(Some(file)),
            Some(Chosen::Browse) => self.requests.push(Request::Vae),
            None => {}
        }
        let hint = tr("The model that gives what the chosen file lacks: text encoders or the VAE");
        match part(ui, width, tr("Missing parts"), hint, tr("from nowhere"), fallback.as_deref(), &others) {
            Some(Chosen::Nothing) => self.set_fallback(None),
            Some(Chosen::Model(model)) => self.set_fallback(Some(model)),
            Some(Chosen::Browse) => self.requests.push(Request::Fallback),
            None => {}
        }
    }

    /// Decodes with this file, or with the model's own autoencoder.
    pub(in crate::app) fn set_vae(&mut self, vae: Option<String>) {
        self.editor.change_field(Field::Vae, |d| d.settings.vae = vae);
        self.editor.close_step();
    }

    /// Takes what the model lacks from this one.
    pub(in crate::app) fn set_fallback(&mut self, fallback: Option<String>) {
        self.editor.change_field(Field::Fallback, |d| d.settings.fallback = fallback);
        self.editor.close_step();
    }
}

/// A field with nothing, these models, the one that is set, and a way to choose a file.
fn part(
    ui: &mut Ui,
    width: f32,
    name: &str,
    hint: &str,
    nothing: &str,
    set: Option<&str>,
    models: &[String],
) -> Option<Chosen> {
    let mut chosen = None;
    let title = set.map_or_else(|| nothing.to_owned(), model_name);
    let combo = ComboBox::from_id_salt(name).selected_text(title).truncate();
    let told = format!("{hint}\n{}", set.unwrap_or_default());
    widgets::choice(ui, width, (name, hint, &told), combo, |ui| {
        if ui.selectable_label(set.is_none(), nothing).clicked() {
            chosen = Some(Chosen::Nothing);
        }
        let other = set.filter(|set| models.iter().all(|model| model != set));
        for model in models.iter().map(String::as_str).chain(other) {
            if ui.selectable_label(set == Some(model), model_name(model)).on_hover_text(model).clicked() {
                chosen = Some(Chosen::Model(model.to_owned()));
            }
        }
        if ui.button(tr("Choose a model file…")).clicked() {
            chosen = Some(Chosen::Browse);
        }
    });
    chosen
}
