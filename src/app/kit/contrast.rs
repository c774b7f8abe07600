//! Contrast of the theme's colours, by the Web Content Accessibility Guidelines.
#![allow(clippy::disallowed_methods, reason = "colours of the standard's examples are made here")]

use super::theme::{DARK, LIGHT};
use egui::Color32;

/// The contrast of two colours: WCAG 2.2, "contrast ratio" and "relative luminance".
fn contrast(a: Color32, b: Color32) -> f64 {
    let luminance = |colour: Color32| {
        let [r, g, b, _] = colour.to_array().map(|v| {
            let v = f64::from(v) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn contrast_is_that_of_the_standard() {
    assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 1e-9);
    // A pair of the standard's own examples: #777777 on white is 4.48.
    assert!((contrast(Color32::from_rgb(119, 119, 119), Color32::WHITE) - 4.48).abs() < 0.005);
}

#[test]
fn texts_and_controls_stand_out_in_both_themes() {
    for (theme, t) in [("dark", DARK), ("light", LIGHT)] {
        let texts = [
            ("text on a panel", t.text, t.panel),
            ("text on a card", t.text, t.card),
            ("text in a field", t.text, t.field),
            ("keys of the chosen command", t.text, t.accent_quiet),
            ("quiet text on a panel", t.text_weak, t.panel),
            ("quiet text on a card", t.text_weak, t.card),
            ("quiet text on the selected card", t.text_weak, t.card_selected),
            ("quiet text on a card under the pointer", t.text_weak, t.card_hover),
            ("strong text on the selected tool", t.text_strong, t.accent_quiet),
            ("the main button", t.on_accent, t.accent_fill),
            ("the main button under the pointer", t.on_accent, t.accent_hover),
            ("warnings", t.warning, t.warning_ground),
            ("warnings on the selected card", t.warning, t.card_selected),
            ("warnings on a panel", t.warning, t.panel),
            ("errors", t.error, t.panel),
            ("words on the empty canvas", t.on_paper, t.paper),
        ];
        let controls = [
            ("the edge of a field on a panel", t.edge, t.panel),
            ("the edge of a field on a card", t.edge, t.card),
            ("the edge of a field on the selected card", t.edge, t.card_selected),
            ("the rail of a slider", t.rail, t.panel),
            ("the handle of a slider", t.handle, t.panel),
            ("focus and the selected tool on a panel", t.accent, t.panel),
            ("focus on a card", t.accent, t.card),
            ("the selected card", t.accent, t.card_selected),
        ];
        let least = texts.map(|pair| (pair, 4.5)).into_iter().chain(controls.map(|pair| (pair, 3.0)));
        for ((what, one, other), least) in least {
            let contrast = contrast(one, other);
            assert!(contrast >= least, "{theme}, {what}: {contrast:.2} of {least}");
        }
    }
}
