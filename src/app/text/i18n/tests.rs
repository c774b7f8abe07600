//! The translations are complete, and nothing in them is left over.

use super::*;
use crate::app::command::Command;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const LANGUAGES: [Language; 2] = [Language::German, Language::Chinese];

/// The string literals that stand as the first argument of `tr`, `fill` and `key` in the sources of the window.
fn said() -> BTreeSet<String> {
    fn read(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("the sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                read(&path, found);
            } else if path.file_name().is_some_and(|name| name != "tests.rs") {
                let text = std::fs::read_to_string(&path).expect("a source");
                for call in ["tr(", "fill(", "key("] {
                    for (at, _) in text.match_indices(call) {
                        // Not the end of another name.
                        let alone = !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
                        let literal = text[at + call.len()..].trim_start().strip_prefix('"');
                        if let (true, Some(literal)) = (alone, literal) {
                            found.insert(unescaped(literal));
                        }
                    }
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/app"), &mut found);
    for command in Command::ALL {
        found.extend(command.english().map(str::to_owned));
    }
    found
}

/// A Rust string literal up to its closing quote.
fn unescaped(literal: &str) -> String {
    let mut out = String::new();
    let mut chars = literal.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('\n') => {
                    let rest = chars.as_str().trim_start();
                    chars = rest.chars();
                }
                Some(other) => out.push(other),
                None => break,
            },
            other => out.push(other),
        }
    }
    out
}

#[test]
fn every_text_has_its_translation_and_no_translation_is_left_over() {
    let said = said();
    assert!(said.len() > 100, "{}", said.len());
    for language in LANGUAGES {
        let texts: BTreeMap<_, _> = language.dictionary().expect("a dictionary").iter().collect();
        let missing: Vec<_> = said.iter().filter(|text| !texts.contains_key(text)).collect();
        let surplus: Vec<_> = texts.keys().filter(|text| !said.contains(**text)).collect();
        assert!(missing.is_empty(), "{language:?} lacks {}: {missing:#?}", missing.len());
        assert!(surplus.is_empty(), "{language:?} has what nobody says: {surplus:#?}");
        for (english, text) in texts {
            let places = |text: &str| {
                let mut all: Vec<String> =
                    text.match_indices('{').map(|(at, _)| text[at..].chars().take(3).collect()).collect();
                all.sort();
                all
            };
            assert_eq!(places(english), places(text), "{language:?}: {english} has other places than {text}");
            assert!(!text.trim().is_empty(), "{language:?}: {english}");
        }
    }
}

#[test]
fn the_fonts_inside_the_program_have_every_letter() {
    let ctx = egui::Context::default();
    crate::app::kit::theme::install(&ctx);
    // Fonts are there from the first frame on.
    ctx.run_ui(egui::RawInput::default(), |_| ()).textures_delta.clear();
    for language in LANGUAGES {
        for text in language.dictionary().expect("a dictionary").values() {
            for family in [egui::FontFamily::Proportional, crate::app::kit::theme::strong_family()] {
                let font = egui::FontId::new(13.0, family);
                for c in text.chars().filter(|c| !c.is_control()) {
                    assert!(ctx.fonts_mut(|fonts| fonts.has_glyph(&font, c)), "{language:?}: {c} of {text}");
                }
            }
        }
    }
}

#[test]
fn places_are_filled_in_the_order_of_the_language() {
    speak(Language::English);
    assert_eq!(fill("{1} of {0}, {2}", &[&1, &"two"]), "two of 1, {2}");
    assert_eq!(fill("a brace { and {0}", &[&7]), "a brace { and 7");
    assert_eq!(Language::of_locale("de_AT.UTF-8"), Language::German);
    assert_eq!(Language::of_locale("zh-Hans-CN"), Language::Chinese);
    assert_eq!(Language::of_locale("C"), Language::English);
}
