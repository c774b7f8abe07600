//! A swatch that opens a colour picker: a square of saturation and value, a bar of hues, and the colour as `#rrggbb`, to read and to type.

use crate::app::kit::{theme, widgets};
use crate::app::text::i18n::tr;
use crate::document::Rgb;
use egui::ecolor::{hsv_from_rgb, rgb_from_hsv};
use egui::{
    Color32, Id, Margin, Mesh, Popup, PopupCloseBehavior, Pos2, Rect, Response, Role, Sense, Stroke, StrokeKind,
    TextEdit, Ui, WidgetInfo, lerp, pos2, remap_clamp, vec2,
};

/// Sides of the square, and the bar's height, in points.
const SQUARE: f32 = 200.0;
const BAR: f32 = 20.0;
/// Parts of the square's sides: between them its colours are mixed evenly.
const PARTS: u16 = 16;

/// Hue, saturation and value of a colour as it is stored (gamma-encoded sRGB), 0 to 1 each.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Hsv(f32, f32, f32);

impl Hsv {
    fn of(Rgb(rgb): Rgb) -> Self {
        let (hue, saturation, value) = hsv_from_rgb(rgb.map(|v| f32::from(v) / 255.0));
        Self(hue, saturation, value)
    }

    fn colour(self) -> Rgb {
        Rgb(rgb_from_hsv((self.0, self.1, self.2)).map(|v| (v * 255.0).round() as u8))
    }
}

/// The button, in the colour that it stands for; changed where another was picked.
pub(in crate::app) fn swatch(ui: &mut Ui, colour: &mut Rgb, name: &str, hint: &str) -> Response {
    let t = theme::tokens(ui);
    let before = *colour;
    let (rect, mut response) = ui.allocate_exact_size(ui.spacing().interact_size, Sense::click());
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ColorWell, true, name);
        info.current_text_value = Some(before.to_string());
        info
    });
    ui.painter().rect_filled(rect, theme::ROUND_SMALL, theme::region(before));
    let lit = response.has_focus() || response.hovered();
    let edge = if lit { Stroke::new(1.5, t.accent) } else { Stroke::new(1.0, t.edge) };
    ui.painter().rect_stroke(rect, theme::ROUND_SMALL, edge, StrokeKind::Inside);
    let id = response.id;
    let popup = Popup::menu(&response).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    popup.show(|ui| {
        ui.spacing_mut().item_spacing.y = theme::GRID;
        hex_field(ui, id.with("hex"), colour);
        picker(ui, id.with("hsv"), colour);
    });
    if *colour != before {
        response.mark_changed();
    }
    response.on_hover_text(hint)
}

/// The colour in letters. What is typed counts as soon as it is a colour.
fn hex_field(ui: &mut Ui, id: Id, colour: &mut Rgb) {
    let mut typed = ui.data(|data| data.get_temp(id)).unwrap_or_else(|| colour.to_string());
    let field = widgets::text(ui, TextEdit::singleline(&mut typed).desired_width(88.0).margin(Margin::symmetric(8, 4)))
        .accessible_name(tr("Colour code"));
    let field =
        field.on_hover_text(tr("The colour as red, green and blue in two hexadecimal digits each, such as #c8500a"));
    if field.changed()
        && let Some(read) = Rgb::from_hex(&format!("#{}", typed.trim().trim_start_matches('#')))
    {
        *colour = read;
    }
    // (Half a colour stays in the field while it is typed.)
    if field.has_focus() {
        ui.data_mut(|data| data.insert_temp(id, typed));
    } else {
        ui.data_mut(|data| data.remove_temp::<String>(id));
    }
}

fn picker(ui: &mut Ui, id: Id, colour: &mut Rgb) {
    // A grey has no hue of its own: the one that was picked last is kept.
    let kept = ui.data(|data| data.get_temp::<(Rgb, Hsv)>(id)).filter(|(of, _)| of == colour);
    let Hsv(mut hue, mut saturation, mut value) = kept.map_or_else(|| Hsv::of(*colour), |(_, hsv)| hsv);

    let (rect, response) = ui.allocate_exact_size(vec2(SQUARE, SQUARE), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Group, true, tr("Saturation and brightness")));
    let mut picked = false;
    if let Some(at) = response.interact_pointer_pos() {
        saturation = remap_clamp(at.x, rect.x_range(), 0.0..=1.0);
        value = remap_clamp(at.y, rect.bottom()..=rect.top(), 0.0..=1.0);
        picked = true;
    }
    let side = f32::from(PARTS);
    grid(ui, rect, (PARTS, PARTS), |x, y| Hsv(hue, x / side, 1.0 - y / side));
    let at = pos2(lerp(rect.x_range(), saturation), lerp(rect.bottom()..=rect.top(), value));
    mark(ui, at, Hsv(hue, saturation, value));

    let (rect, response) = ui.allocate_exact_size(vec2(SQUARE, BAR), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Group, true, tr("Hue")));
    if let Some(at) = response.interact_pointer_pos() {
        hue = remap_clamp(at.x, rect.x_range(), 0.0..=1.0);
        picked = true;
    }
    // (Between six hues the others are mixed evenly.)
    grid(ui, rect, (6, 1), |x, _| Hsv(x / 6.0, 1.0, 1.0));
    mark(ui, pos2(lerp(rect.x_range(), hue), rect.center().y), Hsv(hue, 1.0, 1.0));

    if picked {
        let hsv = Hsv(hue, saturation, value);
        *colour = hsv.colour();
        ui.data_mut(|data| data.insert_temp(id, (*colour, hsv)));
    }
}

/// A rectangle in so many parts, whose corners have these colours.
fn grid(ui: &Ui, rect: Rect, (columns, rows): (u16, u16), colour: impl Fn(f32, f32) -> Hsv) {
    let mut mesh = Mesh::default();
    for (y, x) in (0..=rows).flat_map(|y| (0..=columns).map(move |x| (f32::from(y), f32::from(x)))) {
        let at = pos2(lerp(rect.x_range(), x / f32::from(columns)), lerp(rect.y_range(), y / f32::from(rows)));
        mesh.colored_vertex(at, theme::region(colour(x, y).colour()));
    }
    let (columns, rows) = (u32::from(columns), u32::from(rows));
    for (y, x) in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))) {
        let corner = y * (columns + 1) + x;
        mesh.add_triangle(corner, corner + 1, corner + columns + 1);
        mesh.add_triangle(corner + 1, corner + columns + 2, corner + columns + 1);
    }
    ui.painter().add(mesh);
}

/// Where a colour lies.
fn mark(ui: &Ui, at: Pos2, hsv: Hsv) {
    let t = theme::tokens(ui);
    ui.painter().circle(at, 6.0, theme::region(hsv.colour()), Stroke::new(3.0, t.ring_dark));
    ui.painter().circle(at, 6.0, Color32::TRANSPARENT, Stroke::new(1.5, t.ring_light));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_comes_back_from_hue_saturation_and_value() {
        for code in (0..=0x00ff_ffff_u32).step_by(997).chain([0, 0x00ff_ffff, 0x0080_8080]) {
            let [_, r, g, b] = code.to_be_bytes();
            assert_eq!(Hsv::of(Rgb([r, g, b])).colour(), Rgb([r, g, b]));
        }
        // Foley and van Dam's table of the six corners.
        for (sixth, rgb) in
            [[255, 0, 0], [255, 255, 0], [0, 255, 0], [0, 255, 255], [0, 0, 255], [255, 0, 255]].into_iter().enumerate()
        {
            assert_eq!(Hsv(sixth as f32 / 6.0, 1.0, 1.0).colour(), Rgb(rgb));
        }
    }
}
