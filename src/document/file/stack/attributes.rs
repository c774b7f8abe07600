//! The attributes of an element of `stack.xml`, and the numbers in them.

use super::super::report::Few;
use super::{Operator, Own};
use crate::document::Problem;
use crate::document::error::{one_line, reason};
use quick_xml::XmlVersion;
use quick_xml::events::BytesStart;

/// Offsets are held within this many pixels of the canvas's corner.
const MAX_OFFSET: f64 = 1e6;

/// More attributes of one element are refused.
const MAX_ATTRIBUTES: usize = 64;

/// The attributes that are read; one of another vocabulary (with a prefix) is not meant by these names.
const KNOWN: [&[u8]; 13] = [
    b"w",
    b"h",
    b"name",
    b"src",
    b"x",
    b"y",
    b"opacity",
    b"visibility",
    b"composite-op",
    b"isolation",
    b"alpha-preserve",
    b"type",
    b"background_tile",
];

/// MyPaint's attribute of the page, in whatever prefix its vocabulary has; early versions wrote `background_tile`.
const PAGE: &str = "background-tile";

/// The attributes of one element; of two of the same name the first counts.
pub(super) struct Attributes(Vec<(String, String)>);

impl Attributes {
    pub(super) fn of(start: &BytesStart<'_>) -> Result<Self, Problem> {
        let mut all = Vec::new();
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|e| Problem::Stack(reason(&e)))?;
            let local = attribute.key.local_name();
            let known = match attribute.key.prefix() {
                None => KNOWN.contains(&local.as_ref()),
                Some(_) => local.as_ref() == PAGE.as_bytes(),
            };
            if !known {
                continue;
            }
            let key = String::from_utf8_lossy(local.as_ref()).into_owned();
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|e| Problem::Stack(format!("attribute {key}: {}", reason(&e))))?;
            all.push((key, value.into_owned()));
            if all.len() > MAX_ATTRIBUTES {
                return Err(Problem::Stack("an element has too many attributes".to_owned()));
            }
        }
        Ok(Self(all))
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    pub(super) fn name(&self) -> &str {
        self.get("name").unwrap_or_default()
    }

    pub(super) fn is_page(&self) -> bool {
        self.get(PAGE).or_else(|| self.get("background_tile")).is_some()
    }

    /// True where the layers of a stack are put together before they meet what lies below it.
    pub(super) fn is_isolated(&self, own: &Own) -> bool {
        let open = self.get("isolation").is_some_and(|text| text.trim().eq_ignore_ascii_case("auto"));
        !open || own.opacity < 1.0 || own.operator != Operator::Over
    }

    /// A side of the canvas.
    pub(super) fn size(&self, key: &str) -> Result<u64, Problem> {
        let text = self.get(key).ok_or_else(|| Problem::Stack(format!("<image> has no {key}")))?;
        let value = number(text).filter(|value| (0.0..1e15).contains(value));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1e15")]
        let value = value.map(|value| value.round() as u64);
        value.ok_or_else(|| Problem::Stack(format!("{key} is not a whole number")))
    }

    /// The offset in `key`; `element` is what `misread` calls the one it belongs to.
    pub(super) fn offset(&self, key: &str, element: &str, misread: &mut Few) -> i64 {
        let value = self.number(key, number, 0.0, element, misread);
        #[expect(clippy::cast_possible_truncation, reason = "clamped to a million")]
        let pixels = value.round().clamp(-MAX_OFFSET, MAX_OFFSET) as i64;
        pixels
    }

    /// Reads opacity, visibility and operator of an element; `element` is its name in `misread`.
    pub(super) fn own(&self, element: &str, misread: &mut Few) -> Own {
        let opacity = self.number("opacity", share, 1.0, element, misread).clamp(0.0, 1.0);
        let mode = one_line(self.get("composite-op").unwrap_or_default().trim(), 40);
        let operator = match Operator::of(&mode) {
            // Drawpile's way of saying that a layer is clipped to what lies below.
            Operator::Over | Operator::Blend if self.get("alpha-preserve") == Some("true") => Operator::Clip,
            operator => operator,
        };
        let hidden = self.get("visibility").is_some_and(|text| text.trim().eq_ignore_ascii_case("hidden"));
        #[expect(clippy::cast_possible_truncation, reason = "from 0 to 1")]
        let opacity = opacity as f32;
        Own { opacity, visible: !hidden, operator, mode }
    }

    fn number(&self, key: &str, read: fn(&str) -> Option<f64>, default: f64, element: &str, misread: &mut Few) -> f64 {
        let Some(text) = self.get(key) else { return default };
        read(text).unwrap_or_else(|| {
            let name = one_line(self.name(), 60);
            let text = one_line(text, 40);
            misread
                .push(format!("the {key} “{text}” of {element} “{name}” is not a number; {default} is used instead"));
            default
        })
    }
}

/// A number as programs and people write it: with a decimal comma, a unit of pixels, or the minus sign of typography.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let text = text.strip_suffix("px").unwrap_or(text).trim_end().replace('\u{2212}', "-");
    let text = if text.contains('.') { text } else { text.replace(',', ".") };
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// A share: a number, or one in percent.
fn share(text: &str) -> Option<f64> {
    match text.trim().strip_suffix('%') {
        Some(text) => number(text).map(|value| value / 100.0),
        None => number(text),
    }
}
