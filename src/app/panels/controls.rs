//! ControlNets of the picture and of single regions: what they follow, how strongly, and in which part of the work.

use crate::app::editor::Field;
use crate::app::kit::{theme, widgets};
use crate::app::panels::{Desk, Request};
use crate::app::session::purpose::Purpose;
use crate::app::text::format::decimal;
use crate::app::text::i18n::{fill, key, tr};
use crate::app::text::names;
use crate::document::{Control, ControlMap, Document, MAX_CONTROLS, RegionId};
use egui::{Align, Button, ComboBox, Frame, Label, Layout, Margin, Popup, RichText, Ui};
use egui_material_icons::icons;
use image::RgbImage;
use std::path::Path;
use std::sync::Arc;

/// The strongest weight of the slider. (Stronger ones come from files.)
const STRONGEST: f32 = 2.0;

/// The place of a ControlNet: the region that it counts for, none for the whole picture, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::app) struct Place {
    pub(in crate::app) region: Option<RegionId>,
    pub(in crate::app) index: usize,
}

impl Place {
    /// A number for each place, to join successive changes.
    pub(in crate::app) fn number(self) -> u32 {
        let region = self.region.map_or(0, |RegionId(id)| id);
        region.wrapping_mul(MAX_CONTROLS as u32).wrapping_add(self.index as u32)
    }

    fn change(self, document: &mut Document, change: impl FnOnce(&mut Control)) {
        if let Some(control) = document.controls_of(self.region).and_then(|all| all.get_mut(self.index)) {
            change(control);
        }
    }
}

/// The rows of the ControlNets.
#[derive(Default)]
pub(in crate::app) struct Rows {
    /// Their places on the screen.
    places: Vec<(Place, egui::Rect)>,
    /// Bring them into sight.
    reveal: bool,
}

/// What a ControlNet can follow: the map, what it is called, and what it is for.
const FOLLOWED: [(ControlMap, &str, &str); 3] = [
    (
        ControlMap::Segments,
        key("the regions"),
        key("Each region in the colour of what its words name: for a ControlNet of segments (seg)"),
    ),
    (
        ControlMap::Edges,
        key("outlines, thin"),
        key("The outlines of the regions as thin lines: for a ControlNet of edges (canny, lineart)"),
    ),
    (
        ControlMap::Scribble,
        key("outlines, wide"),
        key("The outlines of the regions as a pen would draw them: for a ControlNet of scribbles"),
    ),
];

fn title(map: &ControlMap) -> &'static str {
    match map {
        ControlMap::Picture(_) => tr("a picture"),
        ControlMap::Canny(_) => tr("edges of a picture"),
        of_regions => FOLLOWED.iter().find(|(map, ..)| map == of_regions).map_or("", |(_, title, _)| tr(title)),
    }
}

impl Desk<'_> {
    /// The list of ControlNets, and the button that adds one.
    pub(in crate::app) fn controls_ui(&mut self, ui: &mut Ui) {
        let hint =
            tr("Files that make the drawing follow a picture: its depths, poses or lines, or the regions you painted");
        ui.horizontal(|ui| {
            widgets::row_label(ui, tr("ControlNets"), hint);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                widgets::flat(ui);
                ui.spacing_mut().button_padding.x = theme::HALF;
                let text = fill("{0} Add", &[&icons::ICON_ADD.codepoint]);
                let add = ui.add(Button::new(text)).accessible_name(tr("Add a ControlNet")).on_hover_text(hint);
                Popup::menu(&add).show(|ui| {
                    let region = self.editor.selected_region().map(|region| (region.id, names::shown(&region.name)));
                    if ui.button(tr("For the whole picture…")).clicked() {
                        self.requests.push(Request::ControlNet(Purpose::ControlNet, None));
                    }
                    if let Some((id, name)) = &region
                        && ui.button(fill("For “{0}” alone…", &[name])).clicked()
                    {
                        self.requests.push(Request::ControlNet(Purpose::ControlNet, Some(*id)));
                    }
                    ui.separator();
                    if ui.button(tr("A folder, for the whole picture…")).clicked() {
                        self.requests.push(Request::ControlNet(Purpose::ControlFolder, None));
                    }
                    if let Some((id, name)) = &region
                        && ui.button(fill("A folder, for “{0}” alone…", &[name])).clicked()
                    {
                        self.requests.push(Request::ControlNet(Purpose::ControlFolder, Some(*id)));
                    }
                });
            });
        });
        let document = self.editor.document();
        let mut rows: Vec<(Place, Option<String>, Control)> = Vec::new();
        let of_regions = document.regions.iter().map(|r| (Some(r.id), Some(names::shown(&r.name)), &r.controls));
        for (region, name, controls) in [(None, None, &document.controls)].into_iter().chain(of_regions) {
            let all = controls.iter().enumerate();
            rows.extend(all.map(|(index, control)| (Place { region, index }, name.clone(), control.clone())));
        }
        self.panels.controls.places.clear();
        for (place, region, control) in rows {
            ui.push_id(("control", place), |ui| self.control_row(ui, place, region.as_deref(), &control));
        }
        if std::mem::take(&mut self.panels.controls.reveal) {
            ui.scroll_to_cursor(None);
        }
    }

    fn control_row(&mut self, ui: &mut Ui, place: Place, region: Option<&str>, control: &Control) {
        let t = theme::tokens(ui);
        let name = control.name();
        let frame = Frame::new().fill(t.card).corner_radius(theme::ROUND_SMALL).inner_margin(Margin::symmetric(8, 4));
        let row = frame.show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal(|ui| {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let text = fill("Remove ControlNet {0}", &[&name]);
                    if widgets::small_icon_button(ui, icons::ICON_CLOSE, &text).on_hover_text(&text).clicked() {
                        self.remove_control(place);
                    }
                    let of = region.map_or_else(|| name.clone(), |region| fill("{0} for “{1}”", &[&name, &region]));
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        let text = RichText::new(of).color(t.text_weak);
                        ui.add(Label::new(text).selectable(false).truncate()).on_hover_text(&control.net);
                    });
                });
            });
            self.followed_field(ui, place, control);
            let mut weight = control.weight;
            let hint = tr("How strictly the drawing follows it. 1 is as it was made, 0 not at all");
            let range = 0.0..=control.weight.max(STRONGEST);
            let text = decimal(f64::from(weight), 2);
            let slider = widgets::slider_row(ui, tr("Strength"), hint, &mut weight, range, &text);
            let slider = slider.accessible_name(fill("Strength of {0}", &[&name]));
            self.changed(&slider, Field::ControlWeight(place.number()), |d| {
                // (Hundredths are what the row shows.)
                place.change(d, |control| control.weight = (weight * 100.0).round() / 100.0);
            });
            self.control_span(ui, place, control);
        });
        self.panels.controls.places.push((place, row.response.rect.intersect(ui.clip_rect())));
    }

    /// The ControlNet whose row is at a position on the screen, and whether it follows the edges in a picture.
    pub(in crate::app) fn control_at(&self, at: egui::Pos2) -> Option<(Place, bool)> {
        let (place, _) = self.panels.controls.places.iter().find(|(_, rect)| rect.contains(at))?;
        let document = self.editor.document();
        let controls = match place.region {
            None => &document.controls,
            Some(id) => &document.region(id)?.controls,
        };
        let control = controls.get(place.index).filter(|_| self.prefs.advanced)?;
        Some((*place, matches!(control.map, ControlMap::Canny(_))))
    }

    /// The choice of what is followed.
    fn followed_field(&mut self, ui: &mut Ui, place: Place, control: &Control) {
        let t = theme::tokens(ui);
        let mut chosen = None;
        ui.horizontal(|ui| {
            let hint = tr("What the drawing follows. A picture dropped here is followed");
            let label = widgets::row_label(ui, tr("Follows"), hint);
            ui.visuals_mut().widgets.inactive.weak_bg_fill = t.field;
            let combo = ComboBox::from_id_salt("follows").selected_text(title(&control.map)).icon(widgets::chevron);
            let response = combo.width(ui.available_width()).truncate().show_ui(ui, |ui| {
                for (map, title, does) in FOLLOWED {
                    if ui.selectable_label(control.map == map, tr(title)).on_hover_text(tr(does)).clicked() {
                        chosen = Some(map);
                    }
                }
                let does = tr("A map of the kind that the ControlNet was made for: depths, poses, lines");
                if ui.button(tr("A picture…")).on_hover_text(does).clicked() {
                    self.requests.push(Request::Followed(place, false));
                }
                let does = tr("The edges in any picture, found by Canny's method: for a ControlNet of edges (canny)");
                if ui.button(tr("Edges of a picture…")).on_hover_text(does).clicked() {
                    self.requests.push(Request::Followed(place, true));
                }
            });
            response.response.labelled_by(label).on_hover_text(hint);
        });
        if let Some(map) = chosen {
            self.editor.change_field(Field::Controls, |d| place.change(d, |control| control.map = map));
            self.editor.close_step();
        }
    }

    /// The part of the work in which it counts.
    fn control_span(&mut self, ui: &mut Ui, place: Place, control: &Control) {
        let (mut start, mut end) = (control.start * 100.0, control.end * 100.0);
        let hint = tr("The part of the work in which it counts. Until 60 % or so: the rest finishes more freely");
        let t = theme::tokens(ui);
        ui.horizontal(|ui| {
            widgets::row_label(ui, tr("Counts"), hint);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 6.0;
                ui.visuals_mut().widgets.inactive.weak_bg_fill = t.field;
                let least = (start + 1.0).min(100.0);
                let until = ui.add(widgets::percent(&mut end, least..=100.0)).accessible_name(tr("Counts until"));
                ui.add(Label::new(tr("to")).selectable(false));
                let most = (control.end * 100.0 - 1.0).max(0.0);
                let from = ui.add(widgets::percent(&mut start, 0.0..=most)).accessible_name(tr("Counts from"));
                let field = Field::ControlSpan(place.number());
                self.changed(&from.on_hover_text(hint), field, |d| {
                    place.change(d, |control| control.start = (start / 100.0).clamp(0.0, 1.0));
                });
                self.changed(&until.on_hover_text(hint), field, |d| {
                    place.change(d, |control| control.end = (end / 100.0).clamp(0.0, 1.0));
                });
            });
        });
    }

    fn remove_control(&mut self, place: Place) {
        self.editor.change_field(Field::Controls, |d| {
            if let Some(controls) = d.controls_of(place.region).filter(|all| place.index < all.len()) {
                controls.remove(place.index);
            }
        });
        self.editor.close_step();
    }

    /// Adds a ControlNet, which follows the painted regions until something else is chosen.
    pub(in crate::app) fn add_control(&mut self, region: Option<RegionId>, path: &Path) {
        let control = Control::new(path.display().to_string(), ControlMap::Segments);
        let document = self.editor.document();
        let list = region.map_or(Some(&document.controls), |id| document.region(id).map(|region| &region.controls));
        let Some(count) = list.map(Vec::len) else { return };
        if count >= MAX_CONTROLS {
            self.toasts.warning(fill(
                "A picture takes {0} ControlNets at most, and as many for each region. Remove one first.",
                &[&MAX_CONTROLS],
            ));
            return;
        }
        self.toasts.info(fill(
            "{0} makes the drawing follow your regions. Choose under “Follows” what else.",
            &[&control.name()],
        ));
        // (Its row is where it is said what it follows.)
        (self.prefs.advanced, self.panels.controls.reveal) = (true, true);
        self.editor.change_field(Field::Controls, |d| {
            if let Some(controls) = d.controls_of(region) {
                controls.push(control);
            }
        });
        self.editor.close_step();
    }

    /// Lets a ControlNet follow a picture, or the edges in it.
    pub(in crate::app) fn control_picture(&mut self, place: Place, edges: bool, picture: RgbImage) {
        let picture = Arc::new(picture);
        let map = if edges { ControlMap::Canny(picture) } else { ControlMap::Picture(picture) };
        self.editor.change_field(Field::Controls, |d| place.change(d, |control| control.map = map));
        self.editor.close_step();
    }
}
