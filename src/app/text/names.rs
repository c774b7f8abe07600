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

/// The name of a copy: “Tree copy”, and “Tree copy 2” where that is taken, also of a copy.
#[must_use]
pub(in crate::app) fn of_copy(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let name = shown(name);
    let unnumbered = name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end();
    let original = unnumbered.strip_suffix(&fill("{0} copy", &[&""])).unwrap_or(&name);
    let first = fill("{0} copy", &[&original]);
    let numbered = (2..).map(|number| format!("{first} {number}"));
    std::iter::once(first.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(first)
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

    #[test]
    fn copies_of_copies_are_counted() {
        speak(Language::English);
        let mut names = vec!["Tree".to_owned(), "Region 3".to_owned()];
        for (of, copy) in [
            ("Tree", "Tree copy"),
            ("Tree copy", "Tree copy 2"),
            ("Tree copy 2", "Tree copy 3"),
            ("Tree", "Tree copy 4"),
            ("Region 3", "Region 3 copy"),
            ("Region 3 copy", "Region 3 copy 2"),
            ("copy", "copy copy"),
            ("", " copy"),
        ] {
            let name = of_copy(of, |name| names.iter().any(|n| n == name));
            assert_eq!(name, copy);
            names.push(name);
        }
    }
}
