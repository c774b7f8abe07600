//! `stack.xml`: the list of layers of an OpenRaster file, read and written.
//!
//! Reading follows the baseline specification: the uppermost layer first, nested stacks (here flattened: offsets add up,
//! opacities multiply, a hidden stack hides what is in it), unknown elements and attributes ignored. Document types are
//! never expanded.

use crate::document::Problem;
use crate::document::error::reason;
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use std::fmt::Write as _;

/// Stacks in stacks deeper than this are refused.
const MAX_DEPTH: usize = 64;

/// Offsets are held within this many pixels of the canvas's corner.
const MAX_OFFSET: f64 = 1e6;

/// The whole `stack.xml`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stack {
    pub(super) width: u64,
    pub(super) height: u64,
    /// Layers, the uppermost first.
    pub(super) layers: Vec<Layer>,
}

/// One layer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layer {
    pub(super) name: String,
    /// The entry with its pixels.
    pub(super) src: String,
    pub(super) x: i64,
    pub(super) y: i64,
    /// 0 to 1.
    pub(super) opacity: f32,
    pub(super) visible: bool,
}

/// What a stack adds to the layers in it.
#[derive(Debug, Clone, Copy)]
struct Group {
    x: i64,
    y: i64,
    opacity: f32,
    visible: bool,
}

impl Stack {
    /// Reads `stack.xml`, up to `max_layers` layers.
    pub(super) fn parse(bytes: &[u8], max_layers: usize) -> Result<Self, Problem> {
        let bad = |what: &str| Problem::Stack(what.to_owned());
        let text = std::str::from_utf8(bytes).map_err(|_| bad("it is not UTF-8"))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = Reader::from_str(text);
        let mut size = None;
        let mut layers = Vec::new();
        let mut groups: Vec<Group> = Vec::new();
        let mut depth = 0_usize;
        loop {
            let event = reader.read_event().map_err(|e| Problem::Stack(reason(&e)))?;
            let (start, empty) = match event {
                Event::Start(start) => (start, false),
                Event::Empty(start) => (start, true),
                Event::End(end) => {
                    depth = depth.saturating_sub(1);
                    if end.local_name().as_ref() == b"stack" {
                        groups.pop();
                    }
                    continue;
                }
                Event::Eof => break,
                _ => continue,
            };
            if depth >= MAX_DEPTH {
                return Err(bad("its stacks are nested too deep"));
            }
            match start.local_name().as_ref() {
                b"image" if depth == 0 => {
                    let attributes = Attributes::of(&start)?;
                    size = Some((attributes.size("w")?, attributes.size("h")?));
                }
                _ if size.is_none() => return Err(bad("its root element is not <image>")),
                b"stack" => {
                    let own = Attributes::of(&start)?.group()?;
                    let parent = groups.last().copied();
                    groups.push(parent.map_or(own, |parent| parent.around(own)));
                    if empty {
                        groups.pop();
                    }
                }
                b"layer" => {
                    let attributes = Attributes::of(&start)?;
                    let own = attributes.group()?;
                    let all = groups.last().map_or(own, |parent| parent.around(own));
                    let src = attributes.get("src").ok_or_else(|| bad("a <layer> has no src"))?;
                    if layers.len() >= max_layers {
                        let (width, height) = size.unwrap_or_default();
                        return Err(Problem::TooManyLayers {
                            layers: layers.len() + 1,
                            width: u32::try_from(width).unwrap_or(u32::MAX),
                            height: u32::try_from(height).unwrap_or(u32::MAX),
                        });
                    }
                    layers.push(Layer {
                        name: attributes.get("name").unwrap_or_default().to_owned(),
                        src: src.to_owned(),
                        x: all.x,
                        y: all.y,
                        opacity: all.opacity,
                        visible: all.visible,
                    });
                }
                _ => {}
            }
            if !empty {
                depth += 1;
            }
        }
        if depth > 0 {
            return Err(bad("it ends early"));
        }
        let (width, height) = size.ok_or_else(|| bad("it has no <image> element"))?;
        Ok(Self { width, height, layers })
    }

    /// Writes `stack.xml`.
    pub(super) fn to_xml(&self) -> String {
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let (w, h) = (self.width, self.height);
        // Writing to a string cannot fail.
        writeln!(xml, "<image version=\"0.0.3\" w=\"{w}\" h=\"{h}\" xres=\"72\" yres=\"72\">\n  <stack>").ok();
        for layer in &self.layers {
            let Layer { name, src, x, y, opacity, visible } = layer;
            let (name, src) = (escape(name), escape(src));
            let visibility = if *visible { "visible" } else { "hidden" };
            writeln!(
                xml,
                "    <layer name=\"{name}\" src=\"{src}\" x=\"{x}\" y=\"{y}\" opacity=\"{opacity:?}\" \
                 visibility=\"{visibility}\" composite-op=\"svg:src-over\"/>"
            )
            .ok();
        }
        xml.push_str("  </stack>\n</image>\n");
        xml
    }
}

impl Group {
    fn around(self, inner: Self) -> Self {
        Self {
            x: self.x.saturating_add(inner.x),
            y: self.y.saturating_add(inner.y),
            opacity: self.opacity * inner.opacity,
            visible: self.visible && inner.visible,
        }
    }
}

/// The attributes of one element; of two of the same name the first counts.
struct Attributes(Vec<(String, String)>);

impl Attributes {
    fn of(start: &BytesStart<'_>) -> Result<Self, Problem> {
        let mut all = Vec::new();
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|e| Problem::Stack(reason(&e)))?;
            let key = String::from_utf8_lossy(attribute.key.local_name().as_ref()).into_owned();
            if !matches!(key.as_str(), "w" | "h" | "name" | "src" | "x" | "y" | "opacity" | "visibility") {
                continue;
            }
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|e| Problem::Stack(format!("attribute {key}: {}", reason(&e))))?;
            all.push((key, value.into_owned()));
            if all.len() > 64 {
                return Err(Problem::Stack("an element has too many attributes".to_owned()));
            }
        }
        Ok(Self(all))
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    fn size(&self, key: &str) -> Result<u64, Problem> {
        let text = self.get(key).ok_or_else(|| Problem::Stack(format!("<image> has no {key}")))?;
        text.trim().parse().map_err(|_| Problem::Stack(format!("{key} is not a whole number")))
    }

    fn offset(&self, key: &str) -> Result<i64, Problem> {
        let Some(text) = self.get(key) else { return Ok(0) };
        let value: f64 = text.trim().parse().map_err(|_| Problem::Stack(format!("{key} is not a number")))?;
        if !value.is_finite() {
            return Err(Problem::Stack(format!("{key} is not a number")));
        }
        #[expect(clippy::cast_possible_truncation, reason = "clamped to a million")]
        Ok(value.round().clamp(-MAX_OFFSET, MAX_OFFSET) as i64)
    }

    fn group(&self) -> Result<Group, Problem> {
        let opacity = match self.get("opacity").map(|text| text.trim().parse::<f32>()) {
            None => 1.0,
            Some(Ok(value)) if value.is_finite() => value.clamp(0.0, 1.0),
            Some(_) => return Err(Problem::Stack("an opacity is not a number".to_owned())),
        };
        let visible = self.get("visibility") != Some("hidden");
        Ok(Group { x: self.offset("x")?, y: self.offset("y")?, opacity, visible })
    }
}

/// Text as an attribute value: line breaks and tabs survive as character references, what XML 1.0 cannot hold becomes a
/// space.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\t' => out.push_str("&#9;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
