//! The window's texts, in the person's language.
//!
//! English is written where it is said, inside [`tr`] or [`fill`]; every other language is one file in `assets/texts` that maps
//! the English to its own (as gettext does). A test holds the files complete: every text that is said has a translation,
//! every translation is still said, and the fonts inside the program have all its letters.

use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::collections::HashMap;
use std::fmt::Display;
use std::sync::OnceLock;

/// A choice of language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Language {
    /// The system's language, where it is one of these; else English.
    #[default]
    System,
    /// The language of the sources.
    English,
    /// `assets/texts/de.json`.
    German,
    /// `assets/texts/zh.json`.
    Chinese,
}

impl Language {
    /// The language that `System` stands for here.
    #[must_use]
    pub fn resolved(self) -> Self {
        match self {
            Self::System => sys_locale::get_locale().map_or(Self::English, |locale| Self::of_locale(&locale)),
            other => other,
        }
    }

    /// The language of a locale such as `de-AT` or `zh_CN.UTF-8`; English for those that are not spoken here.
    fn of_locale(locale: &str) -> Self {
        match locale.split(['-', '_', '.']).next() {
            Some("de") => Self::German,
            Some("zh") => Self::Chinese,
            _ => Self::English,
        }
    }

    /// English text to this language's; `None` for English.
    fn dictionary(self) -> Option<&'static HashMap<String, String>> {
        static GERMAN: OnceLock<HashMap<String, String>> = OnceLock::new();
        static CHINESE: OnceLock<HashMap<String, String>> = OnceLock::new();
        // A broken file is caught by the tests; a person would rather read English than nothing.
        let read = |json| serde_json::from_str(json).unwrap_or_default();
        match self {
            Self::German => Some(GERMAN.get_or_init(|| read(include_str!("../../../../assets/texts/de.json")))),
            Self::Chinese => Some(CHINESE.get_or_init(|| read(include_str!("../../../../assets/texts/zh.json")))),
            Self::System | Self::English => None,
        }
    }
}

thread_local! {
    /// The language of the window that this thread draws.
    static SPOKEN: Cell<Language> = const { Cell::new(Language::English) };
}

/// Sets the language of this thread's window.
pub(in crate::app) fn speak(language: Language) {
    SPOKEN.set(language.resolved());
}

/// True where this thread's window speaks English.
#[must_use]
pub(in crate::app) fn is_english() -> bool {
    SPOKEN.get().dictionary().is_none()
}

/// What stands between a number's whole and its fraction.
#[must_use]
pub(super) fn decimal_mark() -> &'static str {
    match SPOKEN.get() {
        Language::German => ",",
        Language::System | Language::English | Language::Chinese => ".",
    }
}

/// An English text in the language that is spoken; English where there is no translation.
#[must_use]
pub(in crate::app) fn tr(english: &str) -> &str {
    SPOKEN.get().dictionary().and_then(|texts| texts.get(english)).map_or(english, String::as_str)
}

/// An English text in every language there is.
pub(in crate::app) fn every(english: &'static str) -> impl Iterator<Item = &'static str> {
    let other = [Language::German, Language::Chinese].into_iter();
    let other = other.filter_map(move |language| language.dictionary()?.get(english).map(String::as_str));
    std::iter::once(english).chain(other)
}

/// Marks a text that is translated where it is shown, by [`tr`].
#[must_use]
pub(in crate::app) const fn key(english: &'static str) -> &'static str {
    english
}

/// [`tr`], with `{0}`, `{1}`, … replaced by the values.
#[must_use]
pub(in crate::app) fn fill(english: &'static str, values: &[&dyn Display]) -> String {
    let mut out = String::new();
    let mut rest = tr(english);
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let value = after.split_once('}').and_then(|(number, behind)| Some((number.parse::<usize>().ok()?, behind)));
        match value.and_then(|(number, behind)| Some((values.get(number)?, behind))) {
            Some((value, behind)) => {
                out.push_str(&value.to_string());
                rest = behind;
            }
            None => {
                out.push('{');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests;
