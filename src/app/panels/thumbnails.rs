//! The small pictures on the regions' cards: painted on a thread, anew where something changed.

use crate::app::editor::{Editor, Selected};
use crate::app::kit::background::Asked;
use crate::app::kit::{theme, thumbnail};
use crate::document::{RegionId, Take};
use egui::{Color32, ColorImage, TextureHandle, TextureOptions};
use std::collections::HashMap;
use std::sync::Arc;

/// The sources of a card's thumbnail; it is made anew when one of these changes.
#[derive(Clone)]
struct Source {
    mask: u64,
    colour: Color32,
    ground: Color32,
    take: Option<Arc<Take>>,
    size: (u32, u32),
}

impl Source {
    fn is(&self, other: &Self) -> bool {
        let take = |source: &Self| source.take.as_ref().map(Arc::as_ptr);
        (self.mask, self.colour, self.ground, self.size) == (other.mask, other.colour, other.ground, other.size)
            && take(self) == take(other)
    }
}

/// A count of changes that no mask has: the texture is another card's.
const BORROWED: u64 = u64::MAX;

type Card = (Selected, Source, ColorImage);

/// The thumbnails of the cards. They are painted on a thread of their own.
#[derive(Default)]
pub(in crate::app) struct Thumbnails {
    cards: HashMap<Selected, (Source, TextureHandle)>,
    painting: Option<Asked<Vec<Card>>>,
}

impl Thumbnails {
    /// Shows those that have been painted, and has those painted anew that are not of the document as it is.
    pub(in crate::app) fn update(&mut self, ctx: &egui::Context, editor: &Editor, ground: Color32) {
        let document = editor.document();
        match self.painting.take().map(Asked::answer) {
            Some(Ok(painted)) => painted.into_iter().for_each(|card| self.show(ctx, card)),
            Some(Err(painting)) => self.painting = painting,
            None => {}
        }
        self.cards.retain(|key, _| match key {
            Selected::Background => true,
            Selected::Region(id) => document.mask(*id).is_some(),
        });
        if self.painting.is_some() {
            return;
        }
        let size = (document.width, document.height);
        let of = |mask, colour| Source { mask, colour, ground, take: document.take.clone(), size };
        let regions = document.regions.iter().map(|region| {
            (Selected::Region(region.id), of(editor.mask_changes(region.id), theme::region(region.colour)))
        });
        let change = document.mask(RegionId::INPAINT).map(|_| {
            let mask = editor.mask_changes(RegionId::INPAINT);
            (Selected::Region(RegionId::INPAINT), of(mask, theme::tokens(ctx).change))
        });
        let paint = document.paint.as_ref().map(|_| {
            let key = Selected::Region(RegionId::PAINT);
            (key, Source { take: None, ..of(editor.mask_changes(RegionId::PAINT), ground) })
        });
        let all = std::iter::once((Selected::Background, of(0, ground))).chain(regions).chain(change).chain(paint);
        let stale: Vec<(Selected, Source)> =
            all.filter(|(key, source)| self.cards.get(key).is_none_or(|(shown, _)| !shown.is(source))).collect();
        if !stale.is_empty() {
            let document = document.clone();
            let paint = move |(key, source): (Selected, Source)| {
                let image = match key {
                    Selected::Region(RegionId::PAINT) => thumbnail::of_paint(document.paint.as_ref()?, ground),
                    Selected::Region(id) => thumbnail::of_region(&document, document.mask(id)?, source.colour, ground),
                    Selected::Background => thumbnail::background(&document, ground),
                };
                Some((key, source, image))
            };
            self.painting = Asked::begin(ctx, "thumbnails", move || stale.into_iter().filter_map(paint).collect());
        }
    }

    fn show(&mut self, ctx: &egui::Context, (key, source, image): Card) {
        match self.cards.get_mut(&key) {
            // (A copy shows its original's texture, which stays as it is.)
            Some((of, texture)) if of.mask != BORROWED => {
                texture.set(image, TextureOptions::LINEAR);
                *of = source;
            }
            _ => {
                let texture = ctx.load_texture("card", image, TextureOptions::LINEAR);
                self.cards.insert(key, (source, texture));
            }
        }
    }

    /// Shows a copy's card with the picture of the original until it has its own.
    pub(in crate::app) fn copy(&mut self, of: Selected, to: Selected) {
        if let Some((source, texture)) = self.cards.get(&of)
            && of != to
        {
            let source = Source { mask: BORROWED, ..source.clone() };
            self.cards.insert(to, (source, texture.clone()));
        }
    }

    #[must_use]
    pub(in crate::app) fn get(&self, key: Selected) -> Option<&TextureHandle> {
        self.cards.get(&key).map(|(_, texture)| texture)
    }
}
