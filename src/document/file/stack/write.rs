//! Writing.

use super::{Layer, Stack};
use std::fmt::Write as _;

impl Stack {
    /// Writes `stack.xml`.
    pub(in super::super) fn to_xml(&self) -> String {
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let (w, h) = (self.width, self.height);
        // Writing to a string cannot fail.
        writeln!(xml, "<image version=\"0.0.3\" w=\"{w}\" h=\"{h}\" xres=\"72\" yres=\"72\">\n  <stack>").ok();
        for layer in &self.layers {
            let Layer { name, src, x, y, opacity, visible, .. } = layer;
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
