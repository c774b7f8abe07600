//! Regions without their masks, to be kept and shared: names, words, settings and colours, as one JSON file.
//!
//! ```json
//! {
//!   "polyptych_regions": 1,
//!   "style": "an oil painting",
//!   "background": {"words": "a lake at dawn", "negative": "blurry"},
//!   "regions": [{"name": "Boat", "words": "a red boat", "colour": "#e69f00", "feather": 4}]
//! }
//! ```
//!
//! A region has the fields it has in `polyptych.json`; all but the name may be left out.

use super::Output;
use super::project::RegionEntry;
use crate::document::error::reason;
use crate::document::{Background, Document, FileError, MAX_REGIONS, Problem, REGION_COLOURS, Region, RegionId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

/// The format written, and the newest one read.
const FORMAT: u64 = 1;
/// No larger file is one of these.
const LARGEST: u64 = 1 << 24;

/// Regions without masks, and what belongs to them.
#[derive(Debug, Clone, PartialEq)]
pub struct Palette {
    /// Words added to all others.
    pub style: String,
    /// The region below all others.
    pub background: Background,
    /// From the lowest to the uppermost, their masks empty (0 × 0).
    pub regions: Vec<Region>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct PaletteEntry {
    polyptych_regions: u64,
    style: String,
    background: Words,
    regions: Vec<Value>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Words {
    words: String,
    negative: String,
}

impl Document {
    /// Writes the regions without their masks, and the words of the background, as JSON.
    ///
    /// # Errors
    /// One line naming the file, the fact and the remedy; the old file is then as it was.
    pub fn export_regions(&self, path: impl AsRef<Path>) -> Result<(), FileError> {
        self.export_regions_to(&Output::at(path.as_ref())?)
    }

    /// Writes as [`Self::export_regions`] does, to an output that was found to be writable before.
    ///
    /// # Errors
    /// As [`Self::export_regions`].
    pub fn export_regions_to(&self, output: &Output) -> Result<(), FileError> {
        let region = |region: &Region| {
            let mut value = serde_json::to_value(RegionEntry::of(region, String::new())).unwrap_or_default();
            if let Value::Object(map) = &mut value {
                // What belongs to a place in a file, and what says nothing.
                map.retain(|key, value| {
                    !["layer", "id", "reroll", "group"].contains(&key.as_str()) && !value.is_null()
                });
            }
            value
        };
        let entry = PaletteEntry {
            polyptych_regions: FORMAT,
            style: self.style.clone(),
            background: Words { words: self.background.prompt.clone(), negative: self.background.negative.clone() },
            regions: self.regions.iter().map(region).collect(),
        };
        output.write(|file| {
            let bytes = serde_json::to_vec_pretty(&entry).map_err(|e| Problem::Regions(reason(&e)))?;
            file.write_all(&bytes).map_err(Problem::Write)
        })
    }
}

impl Palette {
    /// Reads what [`Document::export_regions`] writes.
    ///
    /// # Errors
    /// One line naming the file, the fact and the remedy.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref();
        read(path).map_err(|problem| FileError::new(path, problem))
    }
}

fn read(path: &Path) -> Result<Palette, Problem> {
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(Problem::Read)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Problem::Regions("it is larger than 16 MiB".to_owned()));
    }
    let entry: PaletteEntry = serde_json::from_slice(&bytes).map_err(|e| Problem::Regions(reason(&e)))?;
    match entry.polyptych_regions {
        1..=FORMAT => {}
        0 => return Err(Problem::Regions("it is not a list of regions".to_owned())),
        found => return Err(Problem::Newer { found, known: FORMAT }),
    }
    if entry.regions.len() > MAX_REGIONS {
        return Err(Problem::Regions(format!("it has {} regions, more than {MAX_REGIONS}", entry.regions.len())));
    }
    let mut regions = Vec::new();
    for (value, colour) in entry.regions.into_iter().zip(REGION_COLOURS.into_iter().cycle()) {
        let entry: RegionEntry = serde_json::from_value(value).map_err(|e| Problem::Regions(reason(&e)))?;
        let mut region = Region::new(RegionId(0), "", entry.colour().unwrap_or(colour), 0, 0);
        // Values out of range are brought into it, as in a project.
        entry.fill(&mut region, &mut Vec::new());
        (region.reroll, region.group) = (None, None);
        regions.push(region);
    }
    let (prompt, negative) = (entry.background.words, entry.background.negative);
    let background = Background { prompt, negative, ..Background::default() };
    Ok(Palette { style: entry.style, background, regions })
}
