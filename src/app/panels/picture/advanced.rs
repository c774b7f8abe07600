//! Settings of the picture that are rarely touched, folded away until asked for.

use crate::app::editor::Field;
use crate::app::kit::{theme, widgets};
use crate::app::panels::Desk;
use crate::app::session::models::EMBEDDED;
use crate::app::text::i18n::{key, tr};
use crate::document::{
    BootstrapColour, CELL, Document, MAX_CLIP_SKIP, MAX_REUSE, MAX_WINDOW, Overlap, Prediction, PromptRule, Regions,
    Schedule, WindowWeights, Wrap,
};
use egui::{Align, ComboBox, DragValue, Label, Layout, RichText, Ui};

/// A choice of a setting: what it is called, and what it does to the picture.
type Choice<T> = (T, &'static str, &'static str);

const REGIONS: [Choice<Regions>; 2] = [
    (
        Regions::MultiDiffusion,
        key("Held, a pass for each region"),
        key("MultiDiffusion: shapes are held; each region costs a pass more per window."),
    ),
    (
        Regions::Attention,
        key("Hinted, one pass for all"),
        key(
            "Attention: as fast as one region however many there are, but shapes are a hint and “hold shape” does nothing.",
        ),
    ),
];

const OVERLAPS: [Choice<Overlap>; 2] = [
    (Overlap::Order, key("cover"), key("The upper region hides the lower one, as paint does")),
    (Overlap::Average, key("mix"), key("Both show at once, half and half, where they overlap")),
];

const WEIGHTS: [Choice<WindowWeights>; 2] = [
    (WindowWeights::Uniform, key("even"), key("Every window counts the same up to its edge")),
    (
        WindowWeights::Tent,
        key("fade out"),
        key("Windows fade out towards their edges: softer seams when the stride is wide"),
    ),
];

const SURROUNDS: [Choice<BootstrapColour>; 2] = [
    (BootstrapColour::Random, key("colours"), key("Plain colours by chance: the region does not grow over its edge")),
    (
        BootstrapColour::White,
        key("white"),
        key("White, with the region in the middle: where few steps leave stains of colour"),
    ),
];

const RULES: [Choice<PromptRule>; 2] = [
    (
        PromptRule::WebUi,
        key("web UI"),
        key("(more), [less], (much more:1.3), BREAK, AND, [first:then:0.5] and [by|turns] as in the web UIs"),
    ),
    (PromptRule::ComfyUi, key("Comfy"), key("(more) and (much more:1.3) as in ComfyUI; all else is plain words")),
];

const PREDICTIONS: [Choice<Prediction>; 4] = [
    (Prediction::Auto, key("automatic"), key("As the file says, or as its family is made")),
    (
        Prediction::Epsilon,
        key("noise (eps)"),
        key("Most models: pictures of others come out as grey noise or flat colours"),
    ),
    (Prediction::V, key("velocity (v)"), key("Models that are called “v-pred”, and Stable Diffusion 2 at 768 pixels")),
    (
        Prediction::VZsnr,
        key("velocity, zero terminal"),
        key("Models that are called “v-pred” and “zsnr”, such as NoobAI-XL v: they draw true black and white"),
    ),
];

const EDGES: [Choice<Wrap>; 4] = [
    (Wrap::None, key("apart"), key("The picture ends at its edges")),
    (Wrap::X, key("left–right"), key("The right edge goes on at the left: a panorama all round")),
    (Wrap::Y, key("top–bottom"), key("The bottom edge goes on at the top")),
    (Wrap::Xy, key("all round"), key("A tile: copies of the picture fit together on all sides")),
];

impl Desk<'_> {
    pub(in crate::app) fn advanced_ui(&mut self, ui: &mut Ui, width: f32) {
        widgets::fold(ui, &mut self.prefs.advanced, tr("Advanced"), tr("How regions and windows become one picture"));
        if !self.prefs.advanced {
            return;
        }
        let settings = self.editor.document().settings.clone();
        if !self.editor.document().regions.is_empty() {
            let whole = ui.available_width();
            let hint = tr("What keeps regions in their places");
            self.choice(ui, whole, tr("Shapes"), hint, settings.regions, &REGIONS, Field::Regions, |d, v| {
                d.settings.regions = v;
            });
        }
        ui.horizontal(|ui| {
            let schedules: Vec<Choice<Schedule>> = Schedule::ALL
                .into_iter()
                .filter(|s| settings.sampler.follows(*s))
                .map(|s| (s, s.title(), schedule_hint(s)))
                .collect();
            let hint = tr("How the steps are spread from much noise to little");
            self.choice(ui, width, tr("Schedule"), hint, settings.schedule, &schedules, Field::Schedule, |d, v| {
                d.settings.schedule = v;
            });
            let hint = tr("Which edges of the picture are joined");
            self.choice(ui, width, tr("Edges"), hint, settings.wrap, &EDGES, Field::Wrap, |d, v| d.settings.wrap = v);
        });
        ui.horizontal(|ui| {
            let hint = tr("What is seen where regions overlap");
            self.choice(ui, width, tr("Overlaps"), hint, settings.overlap, &OVERLAPS, Field::Overlap, |d, v| {
                d.settings.overlap = v;
            });
            let hint = tr("What surrounds a region in the first steps, while it holds its shape");
            self.choice(
                ui,
                width,
                tr("Around"),
                hint,
                settings.bootstrap_colour,
                &SURROUNDS,
                Field::Surround,
                |d, v| {
                    d.settings.bootstrap_colour = v;
                },
            );
        });
        ui.horizontal(|ui| {
            let hint = tr("How the windows count that the picture is made of");
            self.choice(
                ui,
                width,
                tr("Windows"),
                hint,
                settings.window_weights,
                &WEIGHTS,
                Field::WindowWeights,
                |d, v| {
                    d.settings.window_weights = v;
                },
            );
            self.stride_field(ui, width);
        });
        self.guidance_span(ui, width);
        self.reuse_field(ui, width);
        ui.horizontal(|ui| {
            let hint = tr("How words are made to count more, and what else may stand between them");
            self.choice(ui, width, tr("Emphasis"), hint, settings.prompt_rule, &RULES, Field::PromptRule, |d, v| {
                d.settings.prompt_rule = v;
            });
            self.clip_skip_field(ui, width, settings.clip_skip);
        });
        // (The model inside the program is known, and whole.)
        let inside = settings.model.split('/').next() == Some(EMBEDDED);
        let told = settings.prediction != Prediction::Auto || settings.vae.is_some() || settings.fallback.is_some();
        if told || !inside {
            let whole = ui.available_width();
            let hint = tr("What the model predicts. Few files tell: choose it where pictures are nothing but noise");
            self.choice(
                ui,
                whole,
                tr("Prediction"),
                hint,
                settings.prediction,
                &PREDICTIONS,
                Field::Prediction,
                |d, v| {
                    d.settings.prediction = v;
                },
            );
            self.parts_ui(ui, whole);
        }
        self.controls_ui(ui);
    }

    fn clip_skip_field(&mut self, ui: &mut Ui, width: f32, set: Option<u32>) {
        // 0 stands for none.
        let mut skip = set.unwrap_or(0);
        let hint = tr("Words are read from a text layer before the last one: some checkpoints ask for 2");
        let off = tr("off");
        let response = widgets::number_field(ui, width, (tr("Clip skip"), hint), |ui, label| {
            let value = DragValue::new(&mut skip).range(0..=MAX_CLIP_SKIP).speed(0.05).update_while_editing(false);
            let value = value.custom_formatter(|n, _| if n < 1.0 { off.to_owned() } else { n.to_string() });
            ui.add(value).labelled_by(label).on_hover_text(hint)
        });
        self.changed(&response, Field::ClipSkip, |d| d.settings.clip_skip = Some(skip).filter(|skip| *skip > 0));
    }

    fn guidance_span(&mut self, ui: &mut Ui, width: f32) {
        let settings = &self.editor.document().settings;
        let (mut start, mut end) = (settings.guidance_start * 100.0, settings.guidance_end * 100.0);
        let hint = tr(
            "The part of the work in which guidance counts. Steps without it take half the time, and follow the words less",
        );
        ui.horizontal(|ui| {
            let percent = |ui: &mut Ui, name, value: &mut f32, range| {
                widgets::number_field(ui, width, (name, hint), |ui, label| {
                    let value = widgets::percent(value, range);
                    ui.add(value).labelled_by(label).on_hover_text(hint)
                })
            };
            let (most, least) = (end, start);
            let from = percent(ui, tr("Guidance from"), &mut start, 0.0..=most);
            let until = percent(ui, tr("Guidance until"), &mut end, least..=100.0);
            self.changed(&from, Field::GuidanceSpan, |d| d.settings.guidance_start = (start / 100.0).clamp(0.0, 1.0));
            self.changed(&until, Field::GuidanceSpan, |d| d.settings.guidance_end = (end / 100.0).clamp(0.0, 1.0));
        });
    }

    fn reuse_field(&mut self, ui: &mut Ui, width: f32) {
        let mut reuse = self.editor.document().settings.reuse;
        let hint = tr(
            "Only every step of so many is worked out whole; the others reuse what it found. About as much faster, and the picture changes a little",
        );
        let off = tr("off");
        let response = widgets::number_field(ui, width, (tr("Reuse"), hint), |ui, label| {
            let value = DragValue::new(&mut reuse).range(1..=MAX_REUSE).speed(0.05).update_while_editing(false);
            let value = value.custom_formatter(|n, _| if n < 2.0 { off.to_owned() } else { n.to_string() });
            ui.add(value).labelled_by(label).on_hover_text(hint)
        });
        self.changed(&response, Field::Reuse, |d| d.settings.reuse = reuse.clamp(1, MAX_REUSE));
    }

    fn stride_field(&mut self, ui: &mut Ui, width: f32) {
        let mut stride = self.editor.document().settings.stride * CELL;
        let hint = tr("How far apart windows lie. Closer: smoother, and slower");
        let response = widgets::number_field(ui, width, (tr("Stride"), hint), |ui, label| {
            // (Rounded to the latent's grid, so not letter by letter.)
            let value = DragValue::new(&mut stride).range(CELL..=MAX_WINDOW * CELL).speed(CELL).suffix(" px");
            let value = value.update_while_editing(false);
            ui.add(value).labelled_by(label).on_hover_text(hint)
        });
        self.changed(&response, Field::Stride, |d| d.settings.stride = (stride / CELL).max(1));
    }

    /// A field with a list to choose from; each entry says what it does.
    #[expect(clippy::too_many_arguments, reason = "a field is its name, its hint, its value, its choices and its step")]
    fn choice<T: Copy + PartialEq>(
        &mut self,
        ui: &mut Ui,
        width: f32,
        name: &str,
        hint: &str,
        current: T,
        choices: &[Choice<T>],
        field: Field,
        set: impl FnOnce(&mut Document, T),
    ) {
        let t = theme::tokens(ui);
        let mut chosen = None;
        let (title, does) = choices.iter().find(|c| c.0 == current).map_or(("", ""), |c| (tr(c.1), tr(c.2)));
        let combo = ComboBox::from_id_salt(name).selected_text(title).truncate();
        let told = format!("{hint}\n{does}");
        widgets::choice(ui, width, (name, hint, &told), combo, |ui| {
            ui.set_max_width(264.0);
            ui.spacing_mut().item_spacing.y = 2.0;
            for (value, title, does) in choices {
                if ui.selectable_label(*value == current, tr(title)).clicked() {
                    chosen = Some(*value);
                }
                let does = RichText::new(tr(does)).size(theme::TEXT_SMALL).color(t.text_weak);
                let frame = egui::Frame::new().inner_margin(egui::Margin { left: 8, right: 8, top: 0, bottom: 6 });
                frame.show(ui, |ui| {
                    // (The list's own layout would justify it.)
                    ui.with_layout(Layout::top_down(Align::LEFT), |ui| {
                        ui.set_min_width(216.0);
                        ui.add(Label::new(does).wrap().selectable(false));
                    });
                });
            }
        });
        if let Some(value) = chosen {
            self.editor.change_field(field, |d| set(d, value));
            self.editor.close_step();
        }
    }
}

fn schedule_hint(schedule: Schedule) -> &'static str {
    match schedule {
        Schedule::Normal => tr("As the model was made"),
        Schedule::Karras => tr("Smaller steps near the end: finer detail in few steps"),
        Schedule::Exponential => tr("Even ratios of noise: smooth, soft pictures"),
        Schedule::Trailing => tr("Begins at the very noisiest: deeper darks and lights"),
        Schedule::Sgm => tr("As the makers of the few-step models spread them"),
    }
}
