//! Names of layers in other programs, and their meaning when a file comes back from them.
//!
//! A program that drops `polyptych.json` keeps the layer names, so the names carry what must not be lost:
//!
//! | layer | its name |
//! |---|---|
//! | a region with words | the words |
//! | a region without words | `polyptych: no words: ` and the card's name |
//! | a region whose words begin with `polyptych:` | `polyptych: words: ` and the words |
//! | the take, on top | `polyptych: take: seed ` and the seed |
//! | the picture the drawing starts from, below the regions | `polyptych: picture` |
//! | the colours painted below the regions | `polyptych: paint` |
//! | the mask of what may change of it, below it | `polyptych: change` |
//! | the background, at the bottom | `polyptych: background: ` and its words |
//! | the background's negative prompt, below it | `polyptych: negative: ` and the words |
//!
//! The card's name of a region with words, negative prompts of regions, settings and seeds are only in `polyptych.json`.

use crate::document::Region;
use std::collections::BTreeSet;

const PREFIX: &str = "polyptych: ";

/// Card names longer than this are shortened when they have to be made from words.
const NAME_LENGTH: usize = 40;

/// The meaning of a layer's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    Region { name: String, words: String },
    Take { seed: Option<u64> },
    Picture,
    Paint,
    Change,
    Background { words: String },
    Negative { words: String },
}

/// The layer name of a region.
pub(super) fn of_region(region: &Region) -> String {
    if region.prompt.is_empty() {
        format!("{PREFIX}no words: {}", region.name)
    } else if region.prompt.starts_with(PREFIX.trim_end()) {
        format!("{PREFIX}words: {}", region.prompt)
    } else {
        region.prompt.clone()
    }
}

/// The layer name of the take.
pub(super) fn of_take(seed: u64) -> String {
    format!("{PREFIX}take: seed {seed}")
}

/// The layer name of the picture that the drawing starts from.
pub(super) const OF_PICTURE: &str = "polyptych: picture";

/// The layer name of the colours painted below the regions.
pub(super) const OF_PAINT: &str = "polyptych: paint";

/// The layer name of the mask of what may change of it.
pub(super) const OF_CHANGE: &str = "polyptych: change";

/// The layer name of the background.
pub(super) fn of_background(words: &str) -> String {
    format!("{PREFIX}background: {words}")
}

/// The layer name of the background's negative prompt.
pub(super) fn of_negative(words: &str) -> String {
    format!("{PREFIX}negative: {words}")
}

/// The meaning of a layer of this name, where `polyptych.json` does not say.
pub(super) fn role(name: &str) -> Role {
    reserved(name).unwrap_or_else(|| Role::Region { name: short(name), words: name.to_owned() })
}

/// True of a name that only this program gives.
pub(super) fn is_reserved(name: &str) -> bool {
    reserved(name).is_some()
}

fn reserved(name: &str) -> Option<Role> {
    match name {
        OF_PICTURE => return Some(Role::Picture),
        OF_PAINT => return Some(Role::Paint),
        OF_CHANGE => return Some(Role::Change),
        _ => {}
    }
    let (kind, rest) = name.strip_prefix(PREFIX)?.split_once(':')?;
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    match kind {
        "take" => Some(Role::Take { seed: rest.strip_prefix("seed ").and_then(|s| s.trim().parse().ok()) }),
        "background" => Some(Role::Background { words: rest.to_owned() }),
        "negative" => Some(Role::Negative { words: rest.to_owned() }),
        "no words" => Some(Role::Region { name: rest.to_owned(), words: String::new() }),
        "words" => Some(Role::Region { name: short(rest), words: rest.to_owned() }),
        _ => None,
    }
}

/// The name without the number that GIMP gives the second of two layers of one name ("a red ship #1"). A number stays where
/// no layer has the name without it.
pub(super) fn without_number<'a>(name: &'a str, all: &BTreeSet<&str>) -> &'a str {
    match name.rsplit_once(" #") {
        Some((plain, number))
            if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) && all.contains(plain) =>
        {
            plain
        }
        _ => name,
    }
}

/// A card's name made from words: their first line, cut at a word.
fn short(words: &str) -> String {
    let line = words.trim().lines().next().unwrap_or_default().trim_end();
    if line.chars().count() <= NAME_LENGTH {
        return line.to_owned();
    }
    let cut: String = line.chars().take(NAME_LENGTH).collect();
    let cut = cut.rsplit_once(' ').map_or(cut.as_str(), |(head, _)| head);
    format!("{}…", cut.trim_end_matches([',', ' ', ';', '.']))
}
