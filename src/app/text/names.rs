//! Names that the studio itself gave, in the language of the window.

use super::i18n::{every, fill, key};

/// The names of [`REGION_COLOURS`](crate::document::REGION_COLOURS), to be translated.
pub(in crate::app) const COLOURS: [&str; 7] =
    [key("Orange"), key("Sky blue"), key("Green"), key("Yellow"), key("Blue"), key("Vermilion"), key("Pink")];

/// A region's name as it is shown: one that nobody has chosen, such as “Region 3”, follows the language.
#[must_use]
pub(in crate::app) fn shown(name: &str) -> String {
    let number = every("Region {0}").find_map(|pattern| {
        let (before, after) = pattern.split_once("{0}")?;
        name.strip_prefix(before)?.strip_suffix(after)?.parse::<u32>().ok()
    });
    number.map_or_else(|| name.to_owned(), |number| fill("Region {0}", &[&number]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::text::i18n::{Language, speak};

    #[test]
    fn given_names_follow_the_language_and_chosen_ones_do_not() {
        speak(Language::Chinese);
        let chinese = shown("Region 3");
        assert_ne!(chinese, "Region 3");
        speak(Language::English);
        assert_eq!(shown(&chinese), "Region 3");
        for name in ["Region", "Region 3 copy", "Region three", "Tree", ""] {
            assert_eq!(shown(name), name);
        }
    }
}
