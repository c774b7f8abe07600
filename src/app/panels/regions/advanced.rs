//! Settings of one region that are rarely touched, folded away until asked for.

use crate::app::editor::Field;
use crate::app::kit::{theme, widgets};
use crate::app::panels::Desk;
use crate::app::panels::regions::wish::Wish;
use crate::app::text::i18n::{fill, tr};
use crate::document::{MAX_GUIDANCE, MAX_WEIGHT, MIN_WEIGHT, Region};
use egui::{Align, DragValue, Id, Layout, Response, Ui};
use egui_material_icons::icons;

/// The widest feather of the slider, in canvas pixels. (Wider ones come from files.)
const FEATHER: f32 = 128.0;

impl Desk<'_> {
    pub(in crate::app) fn more_ui(&mut self, ui: &mut Ui, region: &Region, wishes: &mut Vec<Wish>) {
        let hint = tr("Edge, strength, seed and time of this region");
        widgets::fold(ui, &mut self.prefs.more, tr("More"), hint);
        if !self.prefs.more {
            return;
        }
        let settings = &self.editor.document().settings;
        let (guidance, seed) = (settings.guidance, settings.seed);
        feather_row(ui, region, wishes);
        weight_row(ui, region, wishes);
        guidance_row(ui, region, guidance, wishes);
        seed_row(ui, region, seed, wishes);
        span_row(ui, region, wishes);
        reroll_row(ui, region, wishes);
    }
}

fn feather_row(ui: &mut Ui, region: &Region, wishes: &mut Vec<Wish>) {
    let mut feather = (region.feather as f32).min(FEATHER);
    let hint = tr("How softly the region melts into what is beside it.\n0: its edge is as sharp as you painted it.");
    let text = format!("{} px", region.feather);
    let slider = widgets::slider_row(ui, tr("Soft edge"), hint, &mut feather, 0.0..=FEATHER, &text);
    edit(&slider, region, Field::Feather(region.id), wishes, move |r| r.feather = feather.round() as u32);
}

fn weight_row(ui: &mut Ui, region: &Region, wishes: &mut Vec<Wish>) {
    let mut weight = region.weight;
    let hint =
        tr("How much it counts where it meets others, at soft edges and in mixed overlaps.\n1 is the same as all");
    row(ui, tr("Strength"), hint, |ui, label| {
        let value = widgets::decimal(&mut weight).range(MIN_WEIGHT..=MAX_WEIGHT).speed(0.02).max_decimals(2);
        let response = ui.add(value).labelled_by(label).on_hover_text(hint);
        edit(&response, region, Field::Weight(region.id), wishes, move |r| r.weight = weight);
    });
}

fn guidance_row(ui: &mut Ui, region: &Region, of_picture: f32, wishes: &mut Vec<Wish>) {
    let own = Own {
        name: tr("Guidance"),
        own_name: tr("Guidance of its own"),
        hint: tr("How strictly this region follows its words.\nUnlocked: as the whole picture does"),
        field: Field::OwnGuidance(region.id),
        value: region.guidance,
        of_picture,
        set: |r, value| r.guidance = value,
    };
    own.row(ui, region, wishes, |value| {
        widgets::decimal(value).range(-MAX_GUIDANCE..=MAX_GUIDANCE).speed(0.05).max_decimals(1)
    });
}

fn seed_row(ui: &mut Ui, region: &Region, of_picture: u64, wishes: &mut Vec<Wish>) {
    let own = Own {
        name: tr("Seed"),
        own_name: tr("Seed of its own"),
        hint: tr("Locked: this region keeps its chance when the picture gets another seed"),
        field: Field::OwnSeed(region.id),
        value: region.seed,
        of_picture,
        set: |r, value| r.seed = value,
    };
    own.row(ui, region, wishes, |value| DragValue::new(value).speed(1.0));
}

/// A value that a region has of its own, or takes from the picture.
struct Own<T> {
    name: &'static str,
    own_name: &'static str,
    hint: &'static str,
    field: Field,
    value: Option<T>,
    of_picture: T,
    set: fn(&mut Region, Option<T>),
}

impl<T: Copy + 'static> Own<T> {
    /// A row with a lock; `control` makes what the value is dragged with.
    fn row(self, ui: &mut Ui, region: &Region, wishes: &mut Vec<Wish>, control: impl FnOnce(&mut T) -> DragValue<'_>) {
        let Self { name, own_name, hint, field, value: own, of_picture, set } = self;
        let mut value = own.unwrap_or(of_picture);
        row(ui, name, hint, |ui, label| {
            if lock(ui, own.is_some(), own_name) {
                let locked = own.is_none().then_some(value);
                push(region, field, wishes, move |r| set(r, locked));
                wishes.push(Wish::StepDone);
            }
            let control = control(&mut value);
            let response = quiet_unless(ui, own.is_some(), |ui| ui.add(control).labelled_by(label));
            edit(&response.on_hover_text(hint), region, field, wishes, move |r| set(r, Some(value)));
        });
    }
}

fn span_row(ui: &mut Ui, region: &Region, wishes: &mut Vec<Wish>) {
    let (mut start, mut end) = (region.start * 100.0, region.end * 100.0);
    let hint = "The part of the work it takes part in. From 0 %: it shapes the picture.\n\
                From 40 % or so: it only adds detail to what is there. Until less than 100 %: the rest finishes without it";
    row(ui, tr("Takes part"), hint, |ui, _| {
        let least = start + 1.0;
        let until = ui
            .add(widgets::percent(&mut end, least..=100.0))
            .accessible_name(tr("Takes part until"))
            .on_hover_text(hint);
        ui.add(egui::Label::new(tr("to")).selectable(false));
        let most = region.end * 100.0 - 1.0;
        let from =
            ui.add(widgets::percent(&mut start, 0.0..=most)).accessible_name(tr("Takes part from")).on_hover_text(hint);
        edit(&from, region, Field::Span(region.id), wishes, move |r| r.start = (start / 100.0).clamp(0.0, 1.0));
        edit(&until, region, Field::Span(region.id), wishes, move |r| r.end = (end / 100.0).clamp(0.0, 1.0));
    });
}

/// Says that it was drawn again, and takes that back.
fn reroll_row(ui: &mut Ui, region: &Region, wishes: &mut Vec<Wish>) {
    let Some(seed) = region.reroll else { return };
    let hint = tr("It is drawn once more over the finished picture, with this seed; the rest stays as it is");
    row(ui, tr("Drawn again"), hint, |ui, _| {
        let back = widgets::small_icon_button(ui, icons::ICON_CLOSE, tr("Back to the first drawing of this region"));
        if back.on_hover_text(tr("Back to the first drawing of this region")).clicked() {
            push(region, Field::Reroll(region.id), wishes, |r| r.reroll = None);
            wishes.push(Wish::StepDone);
        }
        ui.label(fill("seed {0}", &[&seed])).on_hover_text(hint);
    });
}

/// A row of the card: what it is at the left, its controls from the right.
fn row(ui: &mut Ui, name: &str, hint: &str, add: impl FnOnce(&mut Ui, Id)) {
    let t = theme::tokens(ui);
    ui.horizontal(|ui| {
        let label = widgets::row_label(ui, name, hint);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            ui.visuals_mut().widgets.inactive.weak_bg_fill = t.field;
            add(ui, label);
        });
    });
}

/// The switch between a value of its own and the picture's; true where it was pressed.
fn lock(ui: &mut Ui, own: bool, name: &str) -> bool {
    let (icon, hint) = if own {
        (icons::ICON_LOCK, tr("Locked to a value of its own. Unlock to follow the picture"))
    } else {
        (icons::ICON_LOCK_OPEN, tr("Follows the picture. Lock to give it a value of its own"))
    };
    widgets::small_icon_button(ui, icon, name).on_hover_text(hint).clicked()
}

/// Quiet where the value is the picture's.
fn quiet_unless(ui: &mut Ui, own: bool, add: impl FnOnce(&mut Ui) -> Response) -> Response {
    let t = theme::tokens(ui);
    ui.scope(|ui| {
        if !own {
            ui.visuals_mut().widgets.inactive.fg_stroke.color = t.text_weak;
        }
        add(ui)
    })
    .inner
}

fn push(region: &Region, field: Field, wishes: &mut Vec<Wish>, change: impl FnOnce(&mut Region) + 'static) {
    wishes.push(Wish::Edit(region.id, field, Box::new(change)));
}

/// Turns the change of a control into a wish, and the end of the change into the end of its undo step.
fn edit(
    response: &Response,
    region: &Region,
    field: Field,
    wishes: &mut Vec<Wish>,
    change: impl FnOnce(&mut Region) + 'static,
) {
    if response.changed() {
        push(region, field, wishes, change);
    }
    if response.drag_stopped() || response.lost_focus() {
        wishes.push(Wish::StepDone);
    }
}
