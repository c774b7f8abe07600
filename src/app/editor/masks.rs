//! Changes of one mask that are made in one go: a region's, or that of what may change of the picture to start from.

use super::{Editor, Made, Moved, Selected, Way};
use crate::app::text::i18n::key;
use crate::document::{Document, Mask, MaskDelta, RegionId, Wrap};
use crate::paint::{Beyond, Combine, Cover, Placement, Turn, map_whole, part, place_whole, turn_within};
use std::sync::Arc;

/// What the mask of one region makes of another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// What either covers.
    Adding,
    /// What the other leaves.
    TakingAway,
    /// What both cover.
    Meeting,
    /// What the other covers.
    Copying,
}

impl By {
    /// All of them, with what they are called.
    pub(in crate::app) const ALL: [(Self, &'static str); 4] = [
        (Self::Adding, key("Add the shape of")),
        (Self::TakingAway, key("Take away the shape of")),
        (Self::Meeting, key("Keep what is also in")),
        (Self::Copying, key("Take the shape of")),
    ];

    /// The value of a pixel, from that of the changed mask and that of the other.
    fn of(self, own: u8, other: u8) -> u8 {
        match self {
            Self::Adding => own.max(other),
            Self::TakingAway => left_by(own, other),
            Self::Meeting => own.min(other),
            Self::Copying => other,
        }
    }
}

/// The share of a pixel that another mask leaves uncovered.
fn left_by(own: u8, other: u8) -> u8 {
    ((u32::from(own) * (255 - u32::from(other)) + 127) / 255) as u8
}

impl Editor {
    /// The mask that is painted on; `None` where the background is selected.
    #[must_use]
    pub fn selected_mask(&self) -> Option<(RegionId, &Arc<Mask>)> {
        let Selected::Region(id) = self.selected else { return None };
        self.document.mask(id).map(|mask| (id, mask))
    }

    /// Pixels of the canvas.
    #[must_use]
    pub fn area(&self) -> u64 {
        u64::from(self.document.width) * u64::from(self.document.height)
    }

    /// Lays a shape on a mask, as one undo step; `draw`, which looks at about so many pixels, draws it into a cover of the
    /// canvas's size.
    pub fn lay(
        &mut self,
        id: RegionId,
        label: &'static str,
        combine: Combine,
        pixels: u64,
        draw: impl Fn(&Document, &mut Cover) + Send + Sync + 'static,
    ) {
        let inks = self.inks(id);
        self.ask(label, pixels, None, move |document| {
            let mut cover = Cover::new(document.width, document.height);
            draw(document, &mut cover);
            let laid = |(id, full): (RegionId, u8)| {
                let mut mask = Mask::clone(document.mask(id)?);
                let mut delta = cover.lay_towards(&mut mask, combine, full);
                delta.swap(&mut mask);
                Some((id, delta, mask))
            };
            let mut laid: Vec<_> = inks.iter().copied().filter_map(laid).collect();
            if let (Combine::Replace, [(id, delta, mask)]) = (combine, laid.as_mut_slice()) {
                delta.swap(mask);
                return Some(made(document, vec![(*id, mask.clone(), None)]));
            }
            Some(Made::Masks(laid.into_iter().map(|(id, delta, _)| (id, delta)).collect()))
        });
    }

    /// Gives a region the mask that `make` makes of its own and the canvas's joined edges, as one undo step. Nothing of it
    /// is beyond the canvas afterwards.
    pub fn remake(
        &mut self,
        id: RegionId,
        label: &'static str,
        pixels: u64,
        make: impl Fn(&Mask, Wrap) -> Mask + Send + Sync + 'static,
    ) {
        self.ask(label, pixels, None, move |document| remade(document, id, &make));
    }

    /// Gives the selected region what `make` makes of its mask, with what is beyond the canvas, by an operation that looks at
    /// all of it a few times.
    pub fn remake_selected(&mut self, label: &'static str, make: impl Fn(&Mask, Wrap) -> Mask + Send + Sync + 'static) {
        let Selected::Region(id) = self.selected else { return };
        let canvases = if self.document.outside(id).is_some() { 9 } else { 1 };
        self.ask(label, 4 * self.area() * canvases, None, move |document| {
            let shape = shape(document, id)?;
            if shape.outside.is_none() {
                return remade(document, id, &make);
            }
            let (mask, outside) = part(make(&shape.join(), Wrap::None), document.width, document.height);
            Some(made(document, vec![(id, mask, outside)]))
        });
    }

    /// Moves regions' whole shapes, which looks at about so many pixels of each. What leaves the canvas is kept.
    pub(in crate::app) fn move_shapes(&mut self, label: &'static str, pixels: u64, moved: Moved) {
        let (plan, regions) = (self.plan(&moved), moved.regions.len());
        self.ask(label, pixels.saturating_mul(regions as u64), Some(moved), move |document| {
            let wrap = document.settings.wrap;
            let (shapes, from, to) = plan.of(document);
            let shapes = shapes.iter().map(|(id, mask, outside)| {
                let shape = Beyond { mask, outside: outside.as_deref() };
                let (mask, outside) = match &to {
                    Way::Box(to) => place_whole(shape, from, *to, wrap),
                    Way::Map(map) => map_whole(shape, from, map, wrap),
                };
                (*id, mask, outside)
            });
            let shapes = shapes.collect();
            Some(made(document, shapes))
        });
    }

    /// Turns what is selected about the middle of the box around it. What leaves the canvas is kept.
    pub fn turn_selected(&mut self, turn: Turn) {
        let ids = self.selected_masks();
        let label = match (turn, ids.len()) {
            (Turn::Left | Turn::Right, 0..=1) => key("Rotate region"),
            (Turn::Left | Turn::Right, _) => key("Rotate regions"),
            (Turn::FlipX | Turn::FlipY, 0..=1) => key("Flip region"),
            (Turn::FlipX | Turn::FlipY, _) => key("Flip regions"),
        };
        self.ask(label, 4 * self.area() * ids.len() as u64, None, move |document| {
            let from = extent(document, &ids)?;
            let shapes = ids.iter().filter_map(|id| {
                let (mask, outside) = turn_within(shape(document, *id)?, from, turn, document.settings.wrap);
                Some((*id, mask, outside))
            });
            Some(made(document, shapes.collect()))
        });
    }

    /// The selected masks that cover anything, and the box around them, also beyond the canvas; `None` where there are none.
    #[must_use]
    pub fn selected_shapes(&self) -> Option<(Arc<[RegionId]>, Placement)> {
        let extent = |id: RegionId| Some((id, shape(&self.document, id)?.extent()?));
        let (ids, extents): (Vec<_>, Vec<_>) = self.selected_masks().into_iter().filter_map(extent).unzip();
        Some((ids.into(), extents.into_iter().reduce(Placement::union)?))
    }

    /// Covers all of the selected mask, or all of the paint layer with the colour in hand.
    pub fn fill_mask(&mut self, label: &'static str) {
        let Selected::Region(id) = self.selected else { return };
        self.lay(id, label, Combine::Add, self.area(), |document, cover| {
            let row = vec![u8::MAX; document.width as usize];
            (0..document.height).for_each(|y| cover.add_row(0, y, &row));
        });
    }

    /// Replaces the selected region's mask by what `edit` makes of each byte.
    pub fn map_mask(&mut self, label: &'static str, edit: impl Fn(u8) -> u8 + Send + Sync + 'static) {
        let Selected::Region(id) = self.selected else { return };
        // What is even costs nothing.
        let pixels = self.document.mask(id).map_or(0, |mask| mask.memory() as u64);
        self.remake(id, label, pixels, move |mask, _| mask.map(&edit));
    }

    /// Changes a region's mask by another region's.
    pub fn change_by(&mut self, id: RegionId, other: RegionId, by: By) {
        let label = By::ALL.iter().find(|(of, _)| *of == by).map_or("", |(_, label)| *label);
        self.ask(label, 2 * self.area(), None, move |document| {
            let (mask, other) = (document.mask(id)?, document.mask(other)?);
            Some(made(document, vec![(id, mask.with(other, |own, other| by.of(own, other)), None)]))
        });
    }

    /// Adds to the selected region what no other visible one covers.
    pub fn fill_free(&mut self) {
        let Selected::Region(id) = self.selected else { return };
        let pixels = self.area() * (self.document.regions.len() as u64 + 1);
        self.ask(key("Fill what is free"), pixels, None, move |document| {
            let others = document.regions.iter().filter(|r| r.visible && r.id != id);
            let all = Mask::even(document.width, document.height, 255);
            let free = others.fold(all, |free, other| free.with(&other.mask, left_by));
            Some(made(document, vec![(id, document.mask(id)?.with(&free, u8::max), None)]))
        });
    }

    /// Takes away from the selected region what the visible ones above it cover.
    pub fn keep_seen(&mut self) {
        let Selected::Region(id) = self.selected else { return };
        let pixels = self.area() * (self.document.regions.len() as u64 + 1);
        self.ask(key("Keep what is seen"), pixels, None, move |document| {
            let above = document.regions.iter().skip_while(|r| r.id != id).skip(1).filter(|r| r.visible);
            let mask = Mask::clone(document.mask(id)?);
            Some(made(document, vec![(id, above.fold(mask, |mask, upper| mask.with(&upper.mask, left_by)), None)]))
        });
    }

    /// Gives a region another mask, which `make` makes for a canvas of this size.
    pub fn set_mask(&mut self, id: RegionId, make: impl Fn(u32, u32) -> Mask + Send + Sync + 'static) {
        self.select(Selected::Region(id));
        let pixels = 8 * self.area();
        self.remake(id, key("New mask"), pixels, move |mask, _| make(mask.width(), mask.height()));
    }
}

/// The change to what `make` makes of a mask and the canvas's joined edges; of each plane of the paint layer.
fn remade(document: &Document, id: RegionId, make: &impl Fn(&Mask, Wrap) -> Mask) -> Option<Made> {
    let wrap = document.settings.wrap;
    if id != RegionId::PAINT {
        return Some(made(document, vec![(id, make(document.mask(id)?, wrap), None)]));
    }
    let plane = |id: RegionId| {
        let mask = document.mask(id)?;
        Some((id, MaskDelta::between(mask, &make(mask, wrap))?))
    };
    Some(Made::Masks(RegionId::PAINT_PLANES.into_iter().filter_map(plane).collect()))
}

/// A mask on its canvas and beyond it.
fn shape(document: &Document, id: RegionId) -> Option<Beyond<'_>> {
    Some(Beyond { mask: document.mask(id)?, outside: document.outside(id).map(AsRef::as_ref) })
}

/// The box around what these masks cover; `None` where that is nothing.
fn extent(document: &Document, ids: &[RegionId]) -> Option<Placement> {
    ids.iter().filter_map(|id| shape(document, *id)?.extent()).reduce(Placement::union)
}

/// The change to these masks; only where something is beyond the canvas, before or after, is it one of the regions as well.
fn made(document: &Document, shapes: Vec<(RegionId, Mask, Option<Mask>)>) -> Made {
    let beyond = |(id, _, outside): &(RegionId, Mask, Option<Mask>)| {
        document.mask(*id).is_some() && (document.outside(*id).is_some() || outside.is_some())
    };
    if shapes.iter().any(beyond) {
        let shapes = shapes.into_iter().map(|(id, mask, outside)| (id, Arc::new(mask), outside.map(Arc::new)));
        return Made::Shapes(shapes.collect());
    }
    let delta = |(id, mask, _): (RegionId, Mask, _)| Some((id, MaskDelta::between(document.mask(id)?, &mask)?));
    Made::Masks(shapes.into_iter().filter_map(delta).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::PixelRect;

    /// Three regions side by side that overlap, the middle one half covering: left 0 to 4, middle 2 to 8, right 6 to 10 of 12.
    fn editor() -> (Editor, [RegionId; 3]) {
        let mut document = Document::new(64, 64);
        let ids = ["left", "middle", "right"].map(|name| document.add_region(name, name));
        for (id, (x, width, value)) in ids.into_iter().zip([(0, 4, 255), (2, 6, 100), (6, 4, 255)]) {
            let region = document.region_mut(id).expect("a region");
            Arc::make_mut(&mut region.mask).fill(PixelRect { x, y: 0, width, height: 64 }, value);
        }
        (Editor::new(document, "masks"), ids)
    }

    fn row(editor: &Editor, id: RegionId) -> Vec<u8> {
        let mask = editor.document().mask(id).expect("a mask");
        (0..12).map(|x| mask.get(x, 7)).collect()
    }

    #[test]
    fn masks_are_made_of_others_as_a_naive_loop_makes_them() {
        type Pixel = fn(f64, f64) -> f64;
        let ways: [(By, Pixel); 4] = [
            (By::Adding, f64::max),
            (By::TakingAway, |own, other| own * (1.0 - other)),
            (By::Meeting, f64::min),
            (By::Copying, |_, other| other),
        ];
        for (by, pixel) in ways {
            let (mut editor, [left, middle, _]) = editor();
            let (own, other) = (row(&editor, left), row(&editor, middle));
            editor.change_by(left, middle, by);
            for (i, value) in row(&editor, left).into_iter().enumerate() {
                let expected = pixel(f64::from(own[i]) / 255.0, f64::from(other[i]) / 255.0) * 255.0;
                assert!((f64::from(value) - expected).abs() <= 0.5, "{by:?}, {i}: {value}, {expected}");
            }
            assert_eq!(row(&editor, middle), other, "the other stays");
            editor.undo();
            assert_eq!(row(&editor, left), own, "one step");
        }
    }

    #[test]
    fn what_is_free_is_what_no_other_covers_and_what_is_seen_what_none_above_does() {
        let (mut editor, [left, middle, _]) = editor();
        editor.select(Selected::Region(left));
        editor.fill_free();
        assert_eq!(row(&editor, left), [255, 255, 255, 255, 155, 155, 0, 0, 0, 0, 255, 255]);
        editor.undo();
        editor.keep_seen();
        assert_eq!(row(&editor, left), [255, 255, 155, 155, 0, 0, 0, 0, 0, 0, 0, 0]);
        editor.select(Selected::Region(middle));
        editor.keep_seen();
        assert_eq!(row(&editor, middle), [0, 0, 100, 100, 100, 100, 0, 0, 0, 0, 0, 0], "only those above count");
    }
}
