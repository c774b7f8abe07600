//! The painted examples that come with the program; a first start shows the first.

use crate::document::Document;

/// A painted example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Example {
    LighthouseBay,
    CastleAtDusk,
}

impl Example {
    /// What menus call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LighthouseBay => "Lighthouse bay",
            Self::CastleAtDusk => "Castle at dusk",
        }
    }

    /// The project.
    #[must_use]
    pub fn document(self) -> Document {
        let bytes: &[u8] = match self {
            Self::LighthouseBay => include_bytes!("../../assets/examples/lighthouse-bay.ora"),
            Self::CastleAtDusk => include_bytes!("../../assets/examples/castle-at-dusk.ora"),
        };
        Document::read_from(bytes).map_or_else(
            |error| {
                log::error!("the example {}: {error}", self.name());
                Document::new(512, 512)
            },
            |opened| opened.document,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_whole() {
        for example in [Example::LighthouseBay, Example::CastleAtDusk] {
            let document = example.document();
            assert!(document.regions.len() > 1, "{}", example.name());
            assert!(document.warnings().is_empty(), "{}: {:?}", example.name(), document.warnings());
        }
    }
}
