//! What the captions of finished pictures say: in what each is not as all the others.

use super::facts::{Facts, Painted, Start, start, way};
use crate::app::text::format::{decimal, localised};
use crate::app::text::i18n::{fill, tr};
use crate::document::TakeWay;
use std::collections::HashMap;

/// What most of the pictures share; a caption says what is not so.
struct Shared<'a> {
    seed: Option<u64>,
    start: Option<Start>,
    way: Option<TakeWay>,
    size: (u32, u32),
    steps: u32,
    guidance: f32,
    strength: f64,
    model: &'a str,
    words: &'a [String],
    painted: Option<Painted>,
}

/// The captions of pictures, the newest first.
pub(super) fn captions(all: &[Option<&Facts>]) -> Vec<String> {
    let known: Vec<&Facts> = all.iter().flatten().copied().collect();
    let Some(shared) = Shared::of(&known) else { return vec![String::new(); all.len()] };
    let mut captions: Vec<String> = Vec::new();
    for (at, facts) in all.iter().enumerate() {
        let older = || all[at + 1..].iter().flatten();
        captions.push(facts.map_or_else(String::new, |facts| {
            // A region that was drawn again stays so in the pictures that follow: the first of them says it.
            let again = facts.again.iter().filter(|one| !older().any(|f| f.again.contains(one)));
            let again: Vec<&str> = again.map(|(name, _)| name.as_str()).collect();
            caption(facts, &shared, &again)
        }));
    }
    number(&mut captions);
    captions
}

fn caption(facts: &Facts, shared: &Shared<'_>, again: &[&str]) -> String {
    let mut parts = Vec::new();
    if !again.is_empty() {
        parts.push(fill("{0} again", &[&again.join(", ")]));
    }
    let way = Some(facts.way).filter(|_| shared.way.is_none()).and_then(way);
    let start = Some(facts.start).filter(|_| shared.start.is_none()).and_then(start);
    // A frame, and an enlarged picture, start from one: that alone says nothing more.
    parts.extend(way.or(start).map(str::to_owned));
    if facts.size != shared.size {
        parts.push(format!("{} × {}", facts.size.0, facts.size.1));
    }
    if facts.model != shared.model {
        parts.push(tr("other model").to_owned());
    }
    if facts.steps != shared.steps {
        parts.push(fill("{0} steps", &[&facts.steps]));
    }
    if facts.words != shared.words {
        parts.push(tr("other words").to_owned());
    }
    if let (Some(painted), Some(shared)) = (facts.painted, shared.painted) {
        if painted.shapes != shared.shapes {
            parts.push(tr("other shapes").to_owned());
        }
        if painted.colours != shared.colours {
            parts.push(tr("other colours").to_owned());
        }
    }
    if facts.start != Start::Noise && (facts.strength - shared.strength).abs() > 1e-6 {
        parts.push(fill("strength {0}", &[&decimal(facts.strength, 2)]));
    }
    if facts.guidance != shared.guidance {
        parts.push(fill("guidance {0}", &[&localised(&facts.guidance.to_string())]));
    }
    if parts.is_empty() || shared.seed.is_none() {
        parts.push(fill("seed {0}", &[&facts.seed]));
    }
    parts.join(" · ")
}

impl<'a> Shared<'a> {
    fn of(known: &[&'a Facts]) -> Option<Self> {
        let started: Vec<&Facts> = known.iter().copied().filter(|f| f.start != Start::Noise).collect();
        Some(Self {
            seed: same(&known.iter().map(|f| f.seed).collect::<Vec<_>>()),
            start: same(&known.iter().map(|f| f.start).collect::<Vec<_>>()),
            way: same(&known.iter().map(|f| f.way).collect::<Vec<_>>()),
            size: usual(known, |f| f.size)?,
            steps: usual(known, |f| f.steps)?,
            guidance: usual(known, |f| f.guidance)?,
            // Of those that start from a picture; where none does, nobody asks.
            strength: usual(&started, |f| f.strength).unwrap_or(1.0),
            model: usual(known, |f| f.model.as_str())?,
            words: usual(known, |f| f.words.as_slice())?,
            painted: Painted::usual(known),
        })
    }
}

impl Painted {
    /// The shapes that most have, and the colours that most have, of those that have been looked at.
    fn usual(known: &[&Facts]) -> Option<Self> {
        let looked_at: Vec<&Facts> = known.iter().copied().filter(|f| f.painted.is_some()).collect();
        let shapes = usual(&looked_at, |f| f.painted.map(|painted| painted.shapes)).flatten()?;
        let colours = usual(&looked_at, |f| f.painted.map(|painted| painted.colours)).flatten()?;
        Some(Self { shapes, colours })
    }
}

/// The value of all of them, where they have the same.
fn same<T: PartialEq + Copy>(values: &[T]) -> Option<T> {
    let first = *values.first()?;
    values.iter().all(|value| *value == first).then_some(first)
}

/// The value that most have; of those that as many have, the older one.
fn usual<'a, T: PartialEq + Copy>(known: &[&'a Facts], value: impl Fn(&'a Facts) -> T) -> Option<T> {
    let values: Vec<T> = known.iter().map(|facts| value(facts)).collect();
    let count = |one: &T| values.iter().filter(|other| *other == one).count();
    // (Of equal ones `max_by_key` takes the last, which is the oldest.)
    values.iter().max_by_key(|one| count(one)).copied()
}

/// Tells those that would read the same by a number, in the order they were made in.
fn number(captions: &mut [String]) {
    let mut seen: HashMap<String, u32> = HashMap::new();
    for caption in captions.iter_mut().rev().filter(|caption| !caption.is_empty()) {
        let times = seen.entry(caption.clone()).or_default();
        *times += 1;
        if *times > 1 {
            *caption = format!("{caption} · {times}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Area, Document, InitImage, Mask, Paint, PixelRect, Rgb, StartColour};
    use image::RgbImage;
    use std::sync::Arc;

    /// The captions of pictures that are given the oldest first.
    fn said(made: &[Facts]) -> Vec<String> {
        let mut captions = captions(&made.iter().rev().map(Some).collect::<Vec<_>>());
        captions.reverse();
        captions
    }

    fn document() -> Document {
        let mut document = Document::new(64, 64);
        document.add_region("Tree", "a tree");
        document
    }

    fn starts(area: Area) -> InitImage {
        InitImage { image: Arc::new(RgbImage::new(64, 64)), strength: 0.5, area }
    }

    #[test]
    fn what_all_share_is_not_said() {
        let document = document();
        let facts = |seed| Facts::of(seed, &document, TakeWay::Drawn);
        assert_eq!(said(&[facts(7)]), ["seed 7"]);
        assert_eq!(said(&[facts(7), facts(8)]), ["seed 7", "seed 8"]);
        assert_eq!(said(&[facts(7), facts(7), facts(7)]), ["seed 7", "seed 7 · 2", "seed 7 · 3"]);
        assert_eq!(captions(&[None, Some(&facts(7))]), ["", "seed 7"], "one that is still being read");
        assert!(captions(&[]).is_empty());
    }

    #[test]
    fn what_is_not_as_most_are_is_said() {
        let mut document = document();
        let first = Facts::of(7, &document, TakeWay::Drawn);
        document.settings.steps = 4;
        let quick = Facts::of(7, &document, TakeWay::Drawn);
        document.settings.steps = first.steps;
        document.regions[0].reroll = Some(9);
        let again = Facts::of(7, &document, TakeWay::Drawn);
        document.regions[0].prompt = "an oak".to_owned();
        let oak = Facts::of(7, &document, TakeWay::Drawn);
        let made = [first.clone(), first, quick, again, oak];
        assert_eq!(said(&made), ["seed 7", "seed 7 · 2", "4 steps", "Tree again", "other words"]);
    }

    #[test]
    fn pictures_of_other_shapes_and_colours_are_told_apart() {
        let mut document = document();
        let painted = |document: &Document| {
            let facts = Facts::of(7, document, TakeWay::Drawn);
            Facts { painted: Some(Painted::of(document)), ..facts }
        };
        let first = painted(&document);
        // The same, painted elsewhere and taken away again.
        let rect = PixelRect { x: 8, y: 8, width: 20, height: 30 };
        Arc::make_mut(&mut document.regions[0].mask).fill(rect, 255);
        let shape = painted(&document);
        Arc::make_mut(&mut document.regions[0].mask).fill(rect, 0);
        assert_eq!(painted(&document), first);
        document.paint = Some(Paint::blank(64, 64));
        assert_eq!(painted(&document), first, "nothing is painted on the layer");
        document.background.start_colour = Some(StartColour { colour: Rgb([200, 0, 0]), share: 0.5 });
        let colour = painted(&document);
        let unread = Facts { painted: None, ..shape.clone() };
        document.background.start_colour = None;
        document.add_region("Region 2", "");
        assert_eq!(painted(&document), first, "a region that is painted nowhere and has no words");
        assert_eq!(
            said(&[first.clone(), first, shape, colour, unread]),
            ["seed 7", "seed 7 · 2", "other shapes", "other colours", "seed 7 · 3"]
        );
    }

    #[test]
    fn inpainting_frames_and_larger_pictures_are_told_apart() {
        let mut document = document();
        let first = Facts::of(7, &document, TakeWay::Drawn);
        document.init_image = Some(starts(Area::Everything));
        let (started, frame) = (Facts::of(7, &document, TakeWay::Drawn), Facts::of(7, &document, TakeWay::Frame));
        document.init_image = Some(starts(Area::Mask(Arc::new(Mask::even(64, 64, 255)))));
        let part = Facts::of(7, &document, TakeWay::Drawn);
        let mut large = Document::new(128, 128);
        large.add_region("Tree", "a tree");
        large.init_image = Some(starts(Area::Everything));
        let large = Facts::of(8, &large, TakeWay::Enlarged);
        assert_eq!(
            said(&[first.clone(), started, frame, part.clone(), part.clone()]),
            ["seed 7", "from a picture", "in a frame", "in part (inpaint)", "in part (inpaint) · 2"]
        );
        assert_eq!(said(&[first, large]), ["seed 7", "enlarged · 128 × 128 · seed 8"]);
        assert_eq!(said(&[part.clone(), part]), ["seed 7", "seed 7 · 2"], "all of them are");
    }
}
