//! The painted examples that come with the program: every project in assets/examples, in the order of the files' names. A
//! first start shows the first.

use crate::app::text::i18n::{every, key, tr};
use crate::document::Document;

/// Names and contents, listed by build.rs.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/examples.rs"));

/// The names of the examples and of their regions, which are told in the window's language.
const NAMES: [&str; 19] = [
    key("Castle at dusk"),
    key("Lighthouse bay"),
    key("Summer farm"),
    key("Balloon"),
    key("Barn"),
    key("Boat"),
    key("Castle"),
    key("Cloud"),
    key("Horse"),
    key("Lighthouse"),
    key("Meadow"),
    key("Moon"),
    key("Mountains"),
    key("Pines"),
    key("Sea"),
    key("Sheep"),
    key("Sun"),
    key("Tree"),
    key("Windmill"),
];

/// A name that an example was given in any language, in the window's; another one as it is.
pub(in crate::app) fn named(name: &str) -> String {
    let known = NAMES.iter().find(|known| every(known).any(|given| given == name));
    known.map_or_else(|| name.to_owned(), |known| tr(known).to_owned())
}

/// A painted example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example(usize);

impl Example {
    /// Every example.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..FILES.len()).map(Self)
    }

    /// Its name, after its file: `2-castle-at-dusk.ora` is “Castle at dusk”.
    #[must_use]
    pub fn name(self) -> String {
        let stem = FILES.get(self.0).map_or(tr("Untitled"), |(name, _)| name);
        let name = stem.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-').replace('-', " ");
        let mut letters = name.chars();
        named(&letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>())
    }

    /// The project; an empty canvas where there is none.
    #[must_use]
    pub fn document(self) -> Document {
        let read = FILES.get(self.0).map(|(_, bytes)| Document::read_from(bytes));
        match read {
            Some(Ok(opened)) => {
                let mut document = opened.document;
                document.regions.iter_mut().for_each(|region| region.name = named(&region.name));
                document
            }
            Some(Err(error)) => {
                log::error!("the example {}: {error}", self.name());
                Document::new(512, 512)
            }
            None => Document::new(512, 512),
        }
    }

    /// The one a first start shows.
    #[must_use]
    pub fn first() -> Self {
        Self(0)
    }
}

/// A document's content, in one line of its own words.
#[must_use]
pub(in crate::app) fn line(document: &Document) -> String {
    let words = |text: &str| text.lines().next().unwrap_or_default().trim().to_owned();
    let shown = document.regions.iter().rev().filter(|r| r.visible).map(|r| words(&r.prompt));
    let shown: Vec<String> = shown.filter(|w| !w.is_empty()).collect();
    let background = words(&document.background.prompt);
    let line = match (background.is_empty(), shown.is_empty()) {
        // (In the words' own language, which is the model's.)
        (false, false) => format!("{background}, with {}", shown.join(", ")),
        (false, true) => background,
        (true, _) => shown.join(", "),
    };
    let mut letters = line.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_project_of_the_folder_is_whole() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/examples");
        let files = std::fs::read_dir(folder).expect("it is there").flatten();
        let projects = files.filter(|f| f.path().extension().is_some_and(|e| e == "ora")).count();
        assert_eq!(Example::all().count(), projects);
        assert!(projects > 0);
        for example in Example::all() {
            let document = example.document();
            assert!(document.regions.len() > 1, "{}", example.name());
            assert!(document.warnings().is_empty(), "{}: {:?}", example.name(), document.warnings());
            assert!(!line(&document).is_empty());
            for name in document.regions.iter().map(|r| r.name.clone()).chain([example.name()]) {
                assert!(NAMES.contains(&name.as_str()), "{name} has no translation");
            }
        }
    }

    #[test]
    fn the_model_inside_the_program_knows_all_their_words() {
        let vocabulary = crate::studio::Vocabulary::open("embedded").expect("it is inside the program");
        let words = vocabulary.words().expect("it says what it knows");
        for example in Example::all().filter(|e| e.document().settings.model == "embedded") {
            let document = example.document();
            let prompts =
                document.regions.iter().map(|r| r.prompt.as_str()).chain([document.background.prompt.as_str()]);
            assert_eq!(words.note(prompts), None, "{}", example.name());
        }
    }

    #[test]
    fn the_line_is_made_of_the_words() {
        let mut document = Document::new(64, 64);
        assert_eq!(line(&document), "");
        document.background.prompt = "the sea".to_owned();
        assert_eq!(line(&document), "The sea");
        document.add_region("Boat", "a red boat");
        document.add_region("Sun", "a sun\nbright");
        assert_eq!(line(&document), "The sea, with a sun, a red boat");
    }
}
