//! What would go wrong with the picture, said before it is made.

use crate::document::{Document, Region};

/// Pixels looked at along each side.
const SAMPLES: u32 = 256;
/// A region of which more than this is covered by others is worth a word.
const HIDDEN: f32 = 0.1;

/// The warnings of the open document, found anew when it changes.
#[derive(Default)]
pub struct Checks {
    of: Option<u64>,
    warnings: Vec<String>,
}

impl Checks {
    /// The warnings of this revision of the document.
    pub fn update(&mut self, document: &Document, revision: u64) {
        if self.of != Some(revision) {
            self.of = Some(revision);
            self.warnings = warnings(document);
        }
    }

    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// The most serious first.
fn warnings(document: &Document) -> Vec<String> {
    let mut warnings = Vec::new();
    let visible: Vec<&Region> = document.regions.iter().filter(|r| r.visible).collect();
    let step = document.width.max(document.height).div_ceil(SAMPLES).max(1);
    let mut painted = vec![0u32; visible.len()];
    let mut shown = vec![0u32; visible.len()];
    let mut open = 0u32;
    for y in (0..document.height).step_by(step as usize) {
        for x in (0..document.width).step_by(step as usize) {
            let mut covered = false;
            for (i, region) in visible.iter().enumerate().rev() {
                if region.mask.get(x, y) > 127 {
                    painted[i] += 1;
                    shown[i] += u32::from(!covered);
                    covered = true;
                }
            }
            open += u32::from(!covered);
        }
    }
    for (i, region) in visible.iter().enumerate() {
        if painted[i] == 0 && region.mask.is_blank() {
            warnings.push(format!("{} is not painted yet.", region.name));
        } else if region.words.trim().is_empty() {
            warnings.push(format!("{} has no words yet.", region.name));
        }
    }
    if open > 0 && document.background.words.trim().is_empty() {
        warnings.push("The background shows but has no words.".to_owned());
    }
    for (i, region) in visible.iter().enumerate() {
        let hidden = painted[i] - shown[i];
        if painted[i] > 0 && hidden as f32 > HIDDEN * painted[i] as f32 {
            let over: Vec<&str> = visible[i + 1..]
                .iter()
                .filter(|upper| overlaps(region, upper, step))
                .map(|upper| upper.name.as_str())
                .collect();
            let percent = (hidden as f32 * 100.0 / painted[i] as f32).round();
            warnings.push(format!("{percent} % of {} lies under {}.", region.name, over.join(", ")));
        }
    }
    if !document.width.is_multiple_of(8) || !document.height.is_multiple_of(8) {
        warnings.push("Width and height should be multiples of 8.".to_owned());
    }
    warnings
}

fn overlaps(lower: &Region, upper: &Region, step: u32) -> bool {
    (0..lower.mask.height()).step_by(step as usize).any(|y| {
        (0..lower.mask.width()).step_by(step as usize).any(|x| lower.mask.get(x, y) > 127 && upper.mask.get(x, y) > 127)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn fill(document: &mut Document, index: usize, columns: std::ops::Range<usize>) {
        let width = document.width as usize;
        let mask = Arc::make_mut(&mut document.regions[index].mask);
        for row in mask.data_mut().chunks_exact_mut(width) {
            row[columns.clone()].fill(255);
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        let mut document = Document::new(64, 64);
        document.add_region("Sun", "the sun");
        assert_eq!(warnings(&document), ["Sun is not painted yet.", "The background shows but has no words."]);
        fill(&mut document, 0, 0..64);
        assert!(warnings(&document).is_empty(), "everything is covered");
        document.regions[0].words.clear();
        assert_eq!(warnings(&document), ["Sun has no words yet."]);
    }

    #[test]
    fn covered_regions_are_named() {
        let mut document = Document::new(64, 64);
        document.background.words = "a lake".to_owned();
        document.add_region("Pines", "pines");
        document.add_region("Cabin", "a cabin");
        fill(&mut document, 0, 0..40);
        fill(&mut document, 1, 30..50);
        assert_eq!(warnings(&document), ["25 % of Pines lies under Cabin."]);
    }
}
