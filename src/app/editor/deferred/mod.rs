//! Changes that may be too much for a frame: worked out beside the window, and one undo step each when they are there.
//!
//! They are done in the order in which they were asked for, each on the document as the one before has left it. What they
//! change stays open to the brush meanwhile: a change that comes back to another mask than it was made of is made again, so
//! that no stroke is lost. Small ones are done at once, as long as none waits.

#[cfg(test)]
mod tests;

use super::{Editor, Field, Selected};
use crate::document::{Control, Document, InitImage, Lora, Mask, MaskDelta, Paint, Region, RegionId};
use crate::paint::{Placement, Projective};
use crate::studio::{Nature, few_steps_of};
use std::sync::Arc;

/// Pixels looked at by a change that is done at once: a millisecond or so.
const AT_ONCE: u64 = 1 << 19;

/// A change that has been worked out.
#[derive(Debug)]
pub enum Made {
    /// The deltas from masks to the new ones: a region's, or the planes of the paint layer.
    Masks(Vec<(RegionId, MaskDelta)>),
    /// Regions' new masks, and what of each is beyond the canvas.
    Shapes(Vec<(RegionId, Arc<Mask>, Option<Arc<Mask>>)>),
    /// The canvas in another size.
    Canvas(Box<Reshaped>),
    /// Regions above all others, for a canvas of this size: the document's, or that of one in which nothing is yet.
    Regions((u32, u32), Vec<Region>),
    /// Another model, with the natures of the one before and of this one.
    Model(String, [Nature; 2]),
    /// Other LoRAs, with the nature of the model.
    Loras(Vec<Lora>, Nature),
}

/// The masks and the picture to start from on a canvas of another size.
#[derive(Debug)]
pub struct Reshaped {
    pub width: u32,
    pub height: u32,
    /// Of each region the mask, and what of it is beyond the canvas.
    pub masks: Vec<(RegionId, Arc<Mask>, Option<Arc<Mask>>)>,
    pub start: Option<InitImage>,
    pub paint: Option<Paint>,
    /// ControlNets of the picture, and of its regions.
    pub controls: Vec<(Option<RegionId>, Vec<Control>)>,
}

/// Regions on their way to another place, which are shown there before they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    pub regions: Arc<[RegionId]>,
    /// The box around all of them.
    pub from: Placement,
    pub to: Way,
}

/// Where a box of shapes goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Way {
    /// Moved and scaled to another box.
    Box(Placement),
    /// Turned, or with corners of their own.
    Map(Projective),
}

type Make = dyn Fn(&Document) -> Option<Made> + Send + Sync;

/// A change that waits, or is being worked out.
pub(super) struct Work {
    number: u64,
    label: &'static str,
    make: Arc<Make>,
    moved: Option<Moved>,
    /// The document it is being made of, and its [`Editor::edits`].
    of: Option<(Document, (u64, u64))>,
}

impl Editor {
    /// Changes the document as `make` says, which looks at about so many pixels: at once, or when it has been worked out.
    pub(super) fn ask(
        &mut self,
        label: &'static str,
        pixels: u64,
        moved: Option<Moved>,
        make: impl Fn(&Document) -> Option<Made> + Send + Sync + 'static,
    ) {
        // A stroke belongs to the mask as it is.
        if pixels <= AT_ONCE && self.works.is_empty() && !self.in_stroke {
            if let Some(made) = make(&self.document) {
                self.keep(label, made);
            }
            return;
        }
        self.works_asked += 1;
        self.works.push_back(Work { number: self.works_asked, label, make: Arc::new(make), moved, of: None });
    }

    /// Draws with another model; one of another family, or that was made for few steps, brings its sampler, steps and guidance along.
    /// Files tell of which kind a model is, and they may lie on a slow disk.
    pub(in crate::app) fn choose_model(&mut self, model: String) {
        let (_, label) = Field::Model.key();
        self.ask(label, u64::MAX, None, move |document| {
            let before = &document.settings.model;
            let natures = || [before, &model].map(|name| Nature::of(name));
            (*before != model).then(|| Made::Model(model.clone(), natures()))
        });
    }

    /// Changes the list of LoRAs. Those for few steps bring their sampler, steps and guidance, and take them along.
    /// The others need no look at the model's files and are there at once.
    pub(in crate::app) fn change_loras(&mut self, change: impl Fn(&mut Vec<Lora>) + Send + Sync + 'static) {
        let changed = move |document: &Document| {
            let mut loras = document.settings.loras.clone();
            change(&mut loras);
            loras
        };
        let loras = changed(&self.document);
        if self.works.is_empty() && few_steps_of(&loras) == few_steps_of(&self.document.settings.loras) {
            self.change_field(Field::Loras, |document| document.settings.loras = loras);
            return self.close_step();
        }
        let (_, label) = Field::Loras.key();
        self.ask(label, u64::MAX, None, move |document| {
            Some(Made::Loras(changed(document), Nature::of(&document.settings.model)))
        });
    }

    /// The model that was chosen since the last call, and whether it brought settings along.
    pub(in crate::app) fn take_chosen(&mut self) -> Option<(Nature, bool)> {
        self.chosen.take()
    }

    /// True while changes are being worked out.
    #[must_use]
    pub fn is_working(&self) -> bool {
        !self.works.is_empty()
    }

    /// The label of the newest change that is still being worked out.
    #[must_use]
    pub fn work(&self) -> Option<&'static str> {
        self.works.back().map(|work| work.label)
    }

    /// The number of the change that is to be worked out next.
    #[must_use]
    pub fn next_work(&self) -> Option<u64> {
        self.works.front().map(|work| work.number)
    }

    /// Takes the next change as a function that works it out, of the document as it is.
    pub fn begin_work(&mut self) -> Option<impl FnOnce() -> Option<Made> + Send + use<>> {
        let (document, edits) = (self.document.clone(), self.edits());
        let work = self.works.front_mut()?;
        work.of = Some((document.clone(), edits));
        let make = Arc::clone(&work.make);
        Some(move || make(&document))
    }

    /// The change of this number has been worked out: it is kept, unless what it was made of has changed since.
    pub fn end_work(&mut self, number: u64, made: Option<Made>) {
        let edits = self.edits();
        let Some(work) = self.works.front_mut().filter(|work| work.number == number) else { return };
        let Some((of, of_edits)) = work.of.take() else { return };
        let is_still = |id: RegionId| match (of.mask(id), self.document.mask(id)) {
            (Some(then), Some(now)) => Arc::ptr_eq(then, now),
            (_, now) => now.is_none(),
        };
        let holds = match &made {
            Some(Made::Masks(masks)) => masks.iter().all(|(id, _)| is_still(*id)),
            Some(Made::Shapes(shapes)) => shapes.iter().all(|(id, ..)| is_still(*id)),
            Some(Made::Canvas(_) | Made::Regions(..)) => of_edits == edits,
            Some(Made::Model(..)) => of.settings.model == self.document.settings.model,
            Some(Made::Loras(..)) => {
                let [then, now] = [&of.settings, &self.document.settings];
                (&then.model, &then.loras) == (&now.model, &now.loras)
            }
            None => true,
        };
        if !holds {
            return;
        }
        let label = work.label;
        self.works.pop_front();
        // Its tiles are written to now: nobody else is to hold them.
        drop(of);
        if let Some(made) = made {
            self.keep(label, made);
        }
    }

    /// Leaves the change that was asked for last and is not there yet; false where there is none.
    pub fn leave_last_work(&mut self) -> bool {
        self.works.pop_back().is_some()
    }

    /// Leaves everything that is not there yet.
    pub fn leave_works(&mut self) {
        self.works.clear();
    }

    /// The place that a region is being moved to.
    #[must_use]
    pub fn moved(&self, region: RegionId) -> Option<&Moved> {
        self.works.iter().rev().filter_map(|work| work.moved.as_ref()).find(|moved| moved.regions.contains(&region))
    }

    /// One undo step.
    fn keep(&mut self, label: &str, made: Made) {
        self.follow_mapped(|editor| editor.take_in(label, made));
    }

    fn take_in(&mut self, label: &str, made: Made) {
        match made {
            Made::Masks(mut masks) => {
                masks.retain(|(id, delta)| !delta.is_empty() && self.document.mask(*id).is_some());
                for (id, delta) in &mut masks {
                    let Some(mask) = self.document.mask_mut(*id) else { continue };
                    let rects = delta.swap(Arc::make_mut(mask));
                    self.painted(*id, rects);
                }
                if self.history.push_masks(masks, label) {
                    self.changes += 1;
                }
            }
            Made::Shapes(shapes) => self.change(label, |document| {
                for (id, mask, outside) in shapes {
                    document.set_shape(id, mask, outside);
                }
            }),
            Made::Canvas(reshaped) => {
                let Reshaped { width, height, masks, start, paint, controls } = *reshaped;
                self.change(label, |document| {
                    for (id, mask, outside) in masks {
                        document.set_shape(id, mask, outside);
                    }
                    for (region, controls) in controls {
                        if let Some(own) = document.controls_of(region) {
                            *own = controls;
                        }
                    }
                    (document.width, document.height) = (width, height);
                    (document.init_image, document.paint, document.take) = (start, paint, None);
                });
            }
            Made::Model(model, natures) => {
                let mut presets = std::mem::take(&mut self.presets);
                let mut brought = false;
                self.change_field(Field::Model, |document| {
                    brought = presets.choose(&mut document.settings, model, natures);
                });
                self.close_step();
                self.presets = presets;
                let [_, nature] = natures;
                self.chosen = Some((nature, brought));
            }
            Made::Loras(loras, nature) => {
                let mut presets = std::mem::take(&mut self.presets);
                self.change_field(Field::Loras, |document| {
                    presets.lay(&mut document.settings, nature, |settings| settings.loras = loras);
                });
                self.close_step();
                self.presets = presets;
            }
            Made::Regions((width, height), regions) => {
                let before = self.document.regions.len();
                self.change(label, |document| {
                    (document.width, document.height) = (width, height);
                    document.add_regions(regions);
                });
                // The first that is still without words, to write them, or else the uppermost.
                let added = self.document.regions.get(before..).unwrap_or_default();
                let first = added.iter().find(|region| region.prompt.trim().is_empty()).or(added.last());
                if let Some(id) = first.map(|region| region.id) {
                    self.turn_to(Selected::Region(id));
                }
            }
        }
    }
}
