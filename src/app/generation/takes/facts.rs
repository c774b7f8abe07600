//! What a finished picture was made with: what its caption is made of.

use crate::app::text::i18n::{fill, tr};
use crate::app::text::names;
use crate::document::{Area, Document, Mask, PixelRect, RegionId, StartColour, TakeWay};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// How the picture to start from was used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Start {
    Noise,
    Picture,
    /// Only a part of it could change.
    Part,
}

/// A way of coming about, in words; nothing of the usual one.
pub(in crate::app) fn way(way: TakeWay) -> Option<&'static str> {
    match way {
        TakeWay::Drawn => None,
        TakeWay::Frame => Some(tr("in a frame")),
        TakeWay::Enlarged => Some(tr("enlarged")),
        TakeWay::Mixed => Some(tr("region taken over")),
        TakeWay::Live => Some(tr("live")),
    }
}

/// What a picture was started from, in words; nothing of noise.
pub(super) fn start(start: Start) -> Option<&'static str> {
    match start {
        Start::Noise => None,
        Start::Picture => Some(tr("from a picture")),
        Start::Part => Some(tr("in part (inpaint)")),
    }
}

/// What was painted for a picture, each as one number: two that are equal were painted alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Painted {
    /// The shapes of the regions that were seen, in their order.
    pub shapes: u64,
    /// The paint layer, and what regions and background were given to start from.
    pub colours: u64,
}

impl Painted {
    /// Reads all that is painted: tens of milliseconds for many regions on a large canvas.
    #[must_use]
    pub(super) fn of(document: &Document) -> Self {
        let (mut shapes, mut colours) = (DefaultHasher::new(), DefaultHasher::new());
        let start = |start: StartColour| (start.colour.0, start.share.to_bits());
        document.background.start_colour.map(start).hash(&mut colours);
        // (A region that is painted nowhere shows nothing.)
        let painted = document.regions.iter().filter(|region| region.visible && !region.mask.is_blank());
        for (place, region) in painted.enumerate() {
            region.feather.hash(&mut shapes);
            read(&region.mask, &mut shapes);
            if let Some(colour) = region.start_colour {
                (place, start(colour)).hash(&mut colours);
            }
        }
        // A layer that nothing was painted on is none.
        if let Some(paint) = document.paint.as_ref().filter(|paint| !paint.cover().is_blank()) {
            paint.share.to_bits().hash(&mut colours);
            RegionId::PAINT_PLANES.iter().filter_map(|id| paint.plane(*id)).for_each(|plane| read(plane, &mut colours));
        }
        Self { shapes: shapes.finish(), colours: colours.finish() }
    }
}

/// Where a mask covers something, and what.
fn read(mask: &Mask, into: &mut DefaultHasher) {
    let PixelRect { x, y, width, height } = mask.bounds();
    (x, y, width, height).hash(into);
    let mut row = vec![0; width as usize];
    for y in y..y + height {
        mask.read_row(x, y, &mut row);
        into.write(&row);
    }
}

/// What a picture was made with, as far as a few words can say.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Facts {
    pub seed: u64,
    pub way: TakeWay,
    pub start: Start,
    pub strength: f64,
    pub size: (u32, u32),
    pub steps: u32,
    pub guidance: f32,
    pub model: String,
    /// Regions that were drawn again, with their seeds.
    pub again: Vec<(String, u64)>,
    /// All words.
    pub words: Vec<String>,
    /// What was painted; `None` until a thread has looked at it.
    pub painted: Option<Painted>,
}

impl Facts {
    #[must_use]
    pub(super) fn of(seed: u64, document: &Document, way: TakeWay) -> Self {
        let start = document.init_image.as_ref();
        let words = [&document.style, &document.background.prompt, &document.background.negative];
        let shown = document.regions.iter().filter(|r| r.visible);
        let again = shown.clone().filter_map(|r| Some((names::shown(&r.name), r.reroll?)));
        Self {
            seed,
            way,
            start: match start.map(|start| &start.area) {
                None => Start::Noise,
                Some(Area::Everything) => Start::Picture,
                Some(Area::Regions | Area::Mask(_)) => Start::Part,
            },
            strength: start.map_or(1.0, |start| start.strength),
            size: (document.width, document.height),
            steps: document.settings.steps,
            guidance: document.settings.guidance,
            model: document.settings.model.clone(),
            again: again.collect(),
            words: words
                .into_iter()
                .chain(shown.map(|r| &r.prompt).filter(|p| !p.trim().is_empty()))
                .cloned()
                .collect(),
            painted: None,
        }
    }

    /// All of them in one line, for who rests the pointer on the picture.
    #[must_use]
    pub(super) fn line(&self) -> String {
        let mut parts = vec![fill("seed {0}", &[&self.seed]), fill("{0} steps", &[&self.steps])];
        parts.extend(way(self.way).map(str::to_owned));
        // A frame, and an enlarged picture, start from one anyhow.
        let told = self.start == Start::Part || matches!(self.way, TakeWay::Drawn | TakeWay::Live);
        parts.extend(start(self.start).filter(|_| told).map(str::to_owned));
        parts.extend(self.again.iter().map(|(name, _)| fill("{0} again", &[name])));
        parts.join(" · ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{InitImage, Mask};
    use image::RgbImage;
    use std::sync::Arc;

    #[test]
    fn one_line_says_all_of_it() {
        let mut document = Document::new(64, 64);
        document.add_region("Tree", "a tree");
        document.settings.steps = 4;
        document.regions[0].reroll = Some(9);
        let area = Area::Mask(Arc::new(Mask::even(64, 64, 255)));
        let start = |area| Some(InitImage { image: Arc::new(RgbImage::new(64, 64)), strength: 0.5, area });
        document.init_image = start(area);
        let line = |document: &Document, way| Facts::of(7, document, way).line();
        assert_eq!(line(&document, TakeWay::Drawn), "seed 7 · 4 steps · in part (inpaint) · Tree again");
        document.init_image = start(Area::Everything);
        assert_eq!(line(&document, TakeWay::Drawn), "seed 7 · 4 steps · from a picture · Tree again");
        assert_eq!(line(&document, TakeWay::Frame), "seed 7 · 4 steps · in a frame · Tree again");
    }
}
