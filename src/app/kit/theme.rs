//! The look: every colour, size and distance of the window, and nothing else of it.
//!
//! Neutral greys that do not tint the eye, one accent, an 8-point grid, two text sizes. `clippy.toml` forbids making
//! colours anywhere but here.
#![allow(clippy::disallowed_methods, reason = "this is the one place where colours are made")]

use crate::app::text::format;
use crate::document::Rgb;
use egui::emath::format_with_decimals_in_range;
use egui::style::NumberFormatter;
use egui::{Color32, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, TextStyle, Theme, Vec2};

/// The grid: distances are multiples of it, or half of it inside a control.
pub(in crate::app) const GRID: f32 = 8.0;
/// Half the grid.
pub(in crate::app) const HALF: f32 = 4.0;
/// Height of one control.
pub(in crate::app) const ROW: f32 = 28.0;
/// Side of a tool button.
pub(in crate::app) const TOOL: f32 = 36.0;
/// Size of running text.
pub(in crate::app) const TEXT: f32 = 13.0;
/// Size of everything quieter than running text.
pub(in crate::app) const TEXT_SMALL: f32 = 11.0;
/// Corner radius of cards and bars.
pub(in crate::app) const ROUND: u8 = 6;
/// Corner radius of controls.
pub(in crate::app) const ROUND_SMALL: u8 = 4;

/// The colours of one theme.
#[derive(Debug, Clone, Copy)]
pub(in crate::app) struct Tokens {
    /// Behind the canvas.
    pub desk: Color32,
    /// The canvas where there is no picture yet.
    pub paper: Color32,
    /// Words on the empty canvas.
    pub on_paper: Color32,
    /// Panels and bars.
    pub panel: Color32,
    /// Cards and fields on a panel.
    pub card: Color32,
    /// A card or field under the pointer.
    pub card_hover: Color32,
    /// The selected card.
    pub card_selected: Color32,
    /// The ground of a text field.
    pub field: Color32,
    /// The edge of a text field.
    pub edge: Color32,
    /// The rail of a slider.
    pub rail: Color32,
    /// The handle of a slider.
    pub handle: Color32,
    /// Lines between panels.
    pub line: Color32,
    /// Running text.
    pub text: Color32,
    /// Quiet text.
    pub text_weak: Color32,
    /// Text that stands out.
    pub text_strong: Color32,
    /// The one accent: selection, focus, progress.
    pub accent: Color32,
    /// Filled accent: the main button.
    pub accent_fill: Color32,
    /// The main button under the pointer.
    pub accent_hover: Color32,
    /// The selected tool and view.
    pub accent_quiet: Color32,
    /// Text on filled accent.
    pub on_accent: Color32,
    /// Text of warnings.
    pub warning: Color32,
    /// Ground of warnings.
    pub warning_ground: Color32,
    /// Text of errors.
    pub error: Color32,
    /// What may change of a picture, as masks are shown in red: no region has it.
    pub change: Color32,
    /// The shade behind a modal.
    pub shade: Color32,
    /// The dark half of the brush ring and of outlines.
    pub ring_dark: Color32,
    /// The light half of the brush ring.
    pub ring_light: Color32,
    /// The bar of the background's card.
    pub background_bar: Color32,
    /// The star of a picture, on a thumbnail's dark ground.
    pub star: Color32,
    /// Ground of the text on a thumbnail.
    pub caption_ground: Color32,
    /// Text on a thumbnail.
    pub caption: Color32,
}

/// The dark theme.
pub(in crate::app) const DARK: Tokens = Tokens {
    desk: Color32::from_rgb(22, 22, 22),
    paper: Color32::from_rgb(74, 74, 74),
    on_paper: Color32::from_rgb(190, 190, 190),
    panel: Color32::from_rgb(40, 40, 40),
    card: Color32::from_rgb(51, 51, 51),
    card_hover: Color32::from_rgb(62, 62, 62),
    card_selected: Color32::from_rgb(58, 58, 58),
    field: Color32::from_rgb(33, 33, 33),
    edge: Color32::from_rgb(132, 132, 132),
    rail: Color32::from_rgb(114, 114, 114),
    handle: Color32::from_rgb(232, 232, 232),
    line: Color32::from_rgb(26, 26, 26),
    text: Color32::from_rgb(214, 214, 214),
    text_weak: Color32::from_rgb(172, 172, 172),
    text_strong: Color32::from_rgb(242, 242, 242),
    accent: Color32::from_rgb(122, 167, 224),
    accent_fill: Color32::from_rgb(70, 116, 178),
    accent_hover: Color32::from_rgb(62, 104, 162),
    accent_quiet: Color32::from_rgb(58, 88, 128),
    on_accent: Color32::from_rgb(255, 255, 255),
    warning: Color32::from_rgb(232, 198, 112),
    warning_ground: Color32::from_rgb(58, 50, 33),
    error: Color32::from_rgb(240, 128, 112),
    change: Color32::from_rgb(226, 44, 70),
    shade: Color32::from_rgba_premultiplied(0, 0, 0, 140),
    ring_dark: Color32::from_rgba_premultiplied(0, 0, 0, 170),
    ring_light: Color32::from_rgb(255, 255, 255),
    background_bar: Color32::from_rgb(138, 138, 138),
    star: Color32::from_rgb(255, 204, 77),
    caption_ground: Color32::from_rgba_premultiplied(0, 0, 0, 150),
    caption: Color32::from_rgb(255, 255, 255),
};

/// The light theme.
pub(in crate::app) const LIGHT: Tokens = Tokens {
    desk: Color32::from_rgb(198, 198, 198),
    paper: Color32::from_rgb(240, 240, 240),
    on_paper: Color32::from_rgb(96, 96, 96),
    panel: Color32::from_rgb(236, 236, 236),
    card: Color32::from_rgb(245, 245, 245),
    card_hover: Color32::from_rgb(226, 226, 226),
    card_selected: Color32::from_rgb(250, 250, 250),
    field: Color32::from_rgb(255, 255, 255),
    edge: Color32::from_rgb(134, 134, 134),
    rail: Color32::from_rgb(134, 134, 134),
    handle: Color32::from_rgb(72, 72, 72),
    line: Color32::from_rgb(208, 208, 208),
    text: Color32::from_rgb(44, 44, 44),
    text_weak: Color32::from_rgb(98, 98, 98),
    text_strong: Color32::from_rgb(16, 16, 16),
    accent: Color32::from_rgb(48, 100, 170),
    accent_fill: Color32::from_rgb(56, 106, 176),
    accent_hover: Color32::from_rgb(44, 92, 160),
    accent_quiet: Color32::from_rgb(190, 208, 234),
    on_accent: Color32::from_rgb(255, 255, 255),
    warning: Color32::from_rgb(112, 80, 0),
    warning_ground: Color32::from_rgb(250, 236, 204),
    error: Color32::from_rgb(176, 40, 24),
    change: Color32::from_rgb(206, 24, 52),
    shade: Color32::from_rgba_premultiplied(0, 0, 0, 96),
    ring_dark: Color32::from_rgba_premultiplied(0, 0, 0, 190),
    ring_light: Color32::from_rgb(255, 255, 255),
    background_bar: Color32::from_rgb(138, 138, 138),
    star: Color32::from_rgb(255, 204, 77),
    caption_ground: Color32::from_rgba_premultiplied(0, 0, 0, 150),
    caption: Color32::from_rgb(255, 255, 255),
};

/// The tokens of the theme in use.
#[must_use]
pub(in crate::app) fn tokens(ctx: &egui::Context) -> &'static Tokens {
    of(ctx.theme())
}

fn of(theme: Theme) -> &'static Tokens {
    match theme {
        Theme::Dark => &DARK,
        Theme::Light => &LIGHT,
    }
}

/// A region's colour as the window draws it.
#[must_use]
pub(in crate::app) fn region(colour: Rgb) -> Color32 {
    let Rgb([r, g, b]) = colour;
    Color32::from_rgb(r, g, b)
}

/// The colour that a word names; `None` for words that name none.
#[must_use]
pub(in crate::app) fn named(word: &str) -> Option<Color32> {
    let [r, g, b] = match word {
        "red" => [206, 58, 52],
        "orange" => [234, 134, 50],
        "yellow" => [244, 204, 76],
        "green" => [88, 160, 80],
        "turquoise" => [62, 182, 178],
        "blue" => [60, 116, 200],
        "purple" => [132, 84, 174],
        "pink" => [238, 148, 178],
        "white" => [240, 240, 236],
        "snowy" => [226, 234, 242],
        "grey" | "gray" => [142, 146, 152],
        "brown" => [140, 98, 66],
        "black" => [58, 56, 68],
        "gold" | "golden" => [212, 166, 58],
        _ => return None,
    };
    Some(Color32::from_rgb(r, g, b))
}

/// A pixel of a picture or an overlay, its colour already multiplied by alpha.
#[inline]
#[must_use]
pub(in crate::app) fn pixel(r: u8, g: u8, b: u8, a: u8) -> Color32 {
    Color32::from_rgba_premultiplied(r, g, b, a)
}

/// White that lets this much of what is below it through, 0 to 1: the tint with which a texture is drawn.
#[must_use]
pub(in crate::app) fn opacity(alpha: f32) -> Color32 {
    Color32::WHITE.gamma_multiply(alpha)
}

/// The type family of things that stand out.
#[must_use]
pub(in crate::app) fn strong_family() -> FontFamily {
    FontFamily::Name("strong".into())
}

/// Text that stands out: card names, headings, the main button.
#[must_use]
pub(in crate::app) fn strong(text: impl Into<String>) -> egui::RichText {
    egui::RichText::new(text).family(strong_family())
}

/// The shadow under the canvas.
#[must_use]
pub(in crate::app) fn canvas_shadow() -> Shadow {
    Shadow { offset: [0, 4], blur: 24, spread: 0, color: Color32::from_black_alpha(96) }
}

/// The frame of a floating bar.
pub(in crate::app) fn bar_frame(tokens: &Tokens) -> egui::Frame {
    egui::Frame::new().fill(tokens.panel).corner_radius(ROUND).inner_margin(Margin::symmetric(8, 4)).shadow(Shadow {
        offset: [0, 1],
        blur: 6,
        spread: 0,
        color: Color32::from_black_alpha(64),
    })
}

/// Fonts and styles of both themes.
pub(in crate::app) fn install(ctx: &egui::Context) {
    ctx.set_fonts(fonts());
    for theme in [Theme::Dark, Theme::Light] {
        ctx.style_mut_of(theme, |style| apply(style, of(theme)));
    }
}

const CHINESE: &str = "Noto Sans SC";

/// Inter for the letters people read most, the Chinese letters of the window's own texts, egui's own for what both lack, then icons;
/// what people write in other scripts comes from the system's fonts.
fn fonts() -> egui::FontDefinitions {
    let mut fonts = egui::FontDefinitions::default();
    let icons = egui_material_icons::font_insert();
    for (name, data) in [
        ("Inter", egui::FontData::from_static(include_bytes!("../../../assets/fonts/Inter-Regular.otf"))),
        ("Inter SemiBold", egui::FontData::from_static(include_bytes!("../../../assets/fonts/Inter-SemiBold.otf"))),
        (CHINESE, egui::FontData::from_static(include_bytes!("../../../assets/fonts/NotoSansSC-subset.otf"))),
        (icons.name.as_str(), icons.data),
    ] {
        fonts.font_data.insert(name.to_owned(), data.into());
    }
    let icon_family = FontFamily::Name(egui_material_icons::FONT_FAMILY_OUTLINED.into());
    fonts.families.entry(icon_family).or_default().push(icons.name.clone());
    let proportional = fonts.families.entry(FontFamily::Proportional).or_default();
    // (Before egui's own, whose wide marks are those of its pictures.)
    proportional.splice(0..0, ["Inter".to_owned(), CHINESE.to_owned()]);
    proportional.push(icons.name);
    let mut strong = proportional.clone();
    strong.insert(0, "Inter SemiBold".to_owned());
    fonts.families.insert(strong_family(), strong);
    fonts
}

fn apply(style: &mut egui::Style, t: &Tokens) {
    style.text_styles = [
        (TextStyle::Heading, FontId::new(TEXT, strong_family())),
        (TextStyle::Body, FontId::proportional(TEXT)),
        (TextStyle::Button, FontId::proportional(TEXT)),
        (TextStyle::Monospace, FontId::monospace(TEXT)),
        (TextStyle::Small, FontId::proportional(TEXT_SMALL)),
    ]
    .into();
    style.drag_value_text_style = TextStyle::Button;
    style.number_formatter =
        NumberFormatter::new(|value, places| format::localised(&format_with_decimals_in_range(value, places)));
    style.animation_time = 0.1;

    let s = &mut style.spacing;
    s.item_spacing = Vec2::new(GRID, GRID);
    s.button_padding = Vec2::new(GRID, HALF);
    s.interact_size = Vec2::new(32.0, 24.0);
    s.menu_margin = Margin::same(4);
    s.window_margin = Margin::same(16);
    s.slider_rail_height = 4.0;
    s.slider_width = 96.0;
    s.icon_width = 16.0;
    s.icon_width_inner = 10.0;
    s.icon_spacing = 8.0;
    s.combo_width = 0.0;
    s.scroll.floating = true;

    let v = &mut style.visuals;
    v.override_text_color = None;
    v.weak_text_color = Some(t.text_weak);
    v.panel_fill = t.panel;
    v.window_fill = t.panel;
    v.window_stroke = Stroke::new(1.0, t.line);
    v.window_corner_radius = CornerRadius::same(8);
    v.menu_corner_radius = CornerRadius::same(ROUND);
    v.extreme_bg_color = t.field;
    v.text_edit_bg_color = Some(t.field);
    v.faint_bg_color = t.card;
    v.code_bg_color = t.field;
    v.warn_fg_color = t.warning;
    v.error_fg_color = t.error;
    v.hyperlink_color = t.accent;
    v.selection.bg_fill = t.accent_quiet;
    v.selection.stroke = Stroke::new(1.0, t.text_strong);
    v.slider_trailing_fill = true;
    v.handle_shape = egui::style::HandleShape::Circle;
    v.striped = false;
    v.indent_has_left_vline = false;

    let widget = |fill: Color32, weak: Color32, outline: Stroke, text: Color32| egui::style::WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: weak,
        bg_stroke: outline,
        corner_radius: CornerRadius::same(ROUND_SMALL),
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    };
    let focus = Stroke::new(1.0, t.accent);
    v.widgets.noninteractive = widget(t.panel, t.panel, Stroke::new(1.0, t.line), t.text);
    v.widgets.inactive = widget(t.card_hover, t.card, Stroke::NONE, t.text);
    v.widgets.hovered = widget(t.card_hover, t.card_hover, Stroke::NONE, t.text_strong);
    v.widgets.active = widget(t.card_hover, t.card_hover, focus, t.text_strong);
    v.widgets.open = widget(t.card_hover, t.card_hover, Stroke::NONE, t.text_strong);
}
