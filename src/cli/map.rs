//! The options of a colour map: a flat-coloured picture in which each colour is a region.

use super::new::short_name;
use crate::document::{ColourMap, Document, Rgb, check_canvas};
use anyhow::{Context as _, bail};
use std::path::PathBuf;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct MapArgs {
    /// A colour map: a flat-coloured picture (PNG, JPEG or WebP) in which each colour is a region, the largest area lowest;
    /// colours of ADE20K's palette bring their class as words
    #[arg(long = "map", value_name = "MAP.png")]
    path: Option<PathBuf>,
    /// The words of a colour's region; COLOUR is #rrggbb, #rgb, r,g,b or a basic name such as red
    #[arg(long, value_name = "COLOUR=WORDS", requires = "path")]
    words: Vec<String>,
}

impl MapArgs {
    /// Reads the map, where one is given, and finds the size of the canvas: `size`, or the map's own.
    pub(super) fn open(&self, size: Option<(u32, u32)>) -> anyhow::Result<(Option<ColourMap>, (u32, u32))> {
        let Some(path) = &self.path else {
            return Ok((None, size.context("give the canvas's size with --size, such as 768x512")?));
        };
        let map = ColourMap::read(path)?;
        let (width, height) = (map.width(), map.height());
        let own = || {
            check_canvas(u64::from(width), u64::from(height)).with_context(|| {
                format!("{}: a canvas cannot be the map's size; give another with --size", path.display())
            })
        };
        let size = size.map_or_else(own, Ok)?;
        Ok((Some(map), size))
    }

    /// Adds the map's regions above those that are there; what the person should know is told to `notes`.
    pub(super) fn apply(
        &self,
        map: &ColourMap,
        document: &mut Document,
        notes: &mut Vec<String>,
    ) -> anyhow::Result<()> {
        let mut chosen = map.all();
        let mut given = vec![None; chosen.len()];
        for text in &self.words {
            let (name, words) = text
                .split_once('=')
                .with_context(|| format!("--words {text}: give a colour and its words, such as #87ceeb=a clear sky"))?;
            let colour = colour(name).with_context(|| {
                format!("--words {text}: {name} is no colour; write #rrggbb, #rgb, r,g,b or a basic name such as red")
            })?;
            let Some(place) = map.find(colour) else {
                bail!("--words {text}: the map has no such colour; it has {}", map.listed());
            };
            if let Some(other) = given[place].replace(name) {
                bail!("--words {text}: {other} has given this colour words already; give them once");
            }
            chosen[place].words = words.trim().to_owned();
            if !words.trim().is_empty() {
                chosen[place].name = short_name(words, place + 1);
            }
        }
        let (width, height) = (document.width, document.height);
        if (map.width(), map.height()) != (width, height) {
            notes.push(scaled(map, (width, height)));
        }
        notes.extend(map.notes().iter().map(|note| format!("the map: {note}")));
        document.add_regions(map.regions(width, height, &chosen));
        Ok(())
    }
}

/// Says what scaling does to a map.
fn scaled(map: &ColourMap, (width, height): (u32, u32)) -> String {
    let cut = match map.cut(width, height) {
        (x, _) if x >= 0.005 => format!(", and {:.0} % of its width, half at each side, lies outside", x * 100.0),
        (_, y) if y >= 0.005 => {
            format!(", and {:.0} % of its height, half above and half below, lies outside", y * 100.0)
        }
        _ => String::new(),
    };
    format!("the map is {}×{} and was scaled to cover the canvas of {width}×{height}{cut}", map.width(), map.height())
}

/// A colour as people write it.
fn colour(text: &str) -> Option<Rgb> {
    let text = text.trim();
    let byte = |text: &str| text.trim().parse::<u8>().ok();
    if let [r, g, b] = text.split(',').collect::<Vec<_>>()[..] {
        return Some(Rgb([byte(r)?, byte(g)?, byte(b)?]));
    }
    if let Some((_, colour)) = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        return Some(Rgb(*colour));
    }
    let hex = text.strip_prefix('#').unwrap_or(text);
    if !hex.bytes().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    let pair = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    let single = |at: usize| u8::from_str_radix(hex.get(at..=at)?, 16).ok().map(|v| v * 17);
    match hex.len() {
        6 => Some(Rgb([pair(0)?, pair(2)?, pair(4)?])),
        3 if text.starts_with('#') => Some(Rgb([single(0)?, single(1)?, single(2)?])),
        _ => None,
    }
}

/// The sixteen basic colours of CSS, orange, and the other names that three of them have.
const NAMES: [(&str, [u8; 3]); 20] = [
    ("aqua", [0, 255, 255]),
    ("black", [0, 0, 0]),
    ("blue", [0, 0, 255]),
    ("cyan", [0, 255, 255]),
    ("fuchsia", [255, 0, 255]),
    ("gray", [128, 128, 128]),
    ("green", [0, 128, 0]),
    ("grey", [128, 128, 128]),
    ("lime", [0, 255, 0]),
    ("magenta", [255, 0, 255]),
    ("maroon", [128, 0, 0]),
    ("navy", [0, 0, 128]),
    ("olive", [128, 128, 0]),
    ("orange", [255, 165, 0]),
    ("purple", [128, 0, 128]),
    ("red", [255, 0, 0]),
    ("silver", [192, 192, 192]),
    ("teal", [0, 128, 128]),
    ("white", [255, 255, 255]),
    ("yellow", [255, 255, 0]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_understood_as_people_write_them() {
        let rgb = |text| colour(text).map(|Rgb(rgb)| rgb);
        for text in ["#12ab34", "12AB34", "18,171,52", " 18, 171, 52 "] {
            assert_eq!(rgb(text), Some([18, 171, 52]), "{text}");
        }
        assert_eq!(rgb("#fa0"), Some([255, 170, 0]));
        assert_eq!((rgb("Grey"), rgb("green")), (Some([128; 3]), Some([0, 128, 0])));
        for text in ["", "#", "#12", "#1234567", "12ab3g", "1,2", "1,2,256", "1,2,3,4", "reddish", "+1+2+3", "fa0"] {
            assert_eq!(rgb(text), None, "{text}");
        }
    }
}
