//! Input of the engine: the canvas, its windows, and its parts (background and regions) with their masks and prompts.

use super::masks::LatentMask;
use super::trajectory::is_free;
use super::windows::{Window, WindowWeights, windows};
use super::{Changing, ControlSet, Guidance, InitLatent, PaintError, Planes, Prompt, PromptId, Underpainting};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// The background or a region, as the engine sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its mask at steps in which all parts take part; [`Painting::layouts`] replaces it at others.
    pub mask: LatentMask,
    /// Its prompt.
    pub prompt: Prompt,
    /// Its negative prompt, the unconditional input of guidance.
    pub negative: Changing,
    /// Steps for which it bootstraps; 0 for the background.
    pub bootstrap_steps: usize,
    /// Classifier-free guidance scale (Ho and Salimans 2021); 1 switches guidance off.
    pub guidance: f32,
    /// The guidance that the UNet is told, where it takes guidance as an input; [`Self::guidance`] is 1 then.
    pub guidance_input: Option<Guidance>,
    /// Factor of its mask in the average (the paper's W_i); above 0.
    pub weight: f32,
    /// Seed of the noise under its mask and of its bootstrap colours.
    pub seed: u64,
    /// The control images that count for it.
    pub controls: Vec<ControlSpan>,
}

/// A control image by its number in the network, and the steps in which it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlSpan {
    /// Its number, below [`ControlSet::MOST`].
    pub control: usize,
    /// The steps.
    pub steps: Range<usize>,
}

/// The masks of all parts from one step on, for paintings in which some take part in a share of the steps only.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// The first of its steps; the last is before the next layout's first.
    pub from: usize,
    /// One mask a part, in their order. Together they cover every cell.
    pub masks: Vec<LatentMask>,
}

/// Surroundings of a part while it bootstraps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Surround {
    /// Solid random colours (the paper, equation 9).
    #[default]
    RandomColours,
    /// White, with the part rolled to the middle of its window, where a distilled network draws its subject (SemanticDraw: Lee
    /// et al. 2025, arXiv:2403.09055, section 3.2).
    WhiteCentred,
}

/// Method that ties parts to their masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hold {
    /// MultiDiffusion: a UNet pass for every part in a window.
    #[default]
    MultiDiffusion,
    /// Attention: one UNet pass a window, in which each pixel attends to the prompts of the parts that cover it. Nothing
    /// bootstraps, and shapes are a hint.
    Attention,
}

/// A picture to paint. All lengths are in latent pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Painting {
    /// Rows of the canvas.
    pub height: usize,
    /// Columns of the canvas.
    pub width: usize,
    /// The background, then the regions, lowest first.
    pub parts: Vec<Part>,
    /// Masks by step, in the order of their first steps; before the first of them the parts' own count.
    pub layouts: Vec<Layout>,
    /// Seed of the initial latent and of the sampler's noise.
    pub seed: u64,
    /// Side of a window.
    pub window: usize,
    /// Distance between windows, at most a window's side.
    pub stride: usize,
    /// True for (x, y) where windows run over the canvas's edge.
    pub wrap: (bool, bool),
    /// The steps in which guidance counts (Kynkäänniemi et al. 2024, arXiv:2404.07724); in the others its scale is 1.
    pub guided_steps: Range<usize>,
    /// Weights of a window's values in the average.
    pub window_weights: WindowWeights,
    /// Surroundings of bootstrapping parts.
    pub surround: Surround,
    /// Method that ties parts to their masks.
    pub hold: Hold,
    /// Canvas pixels per latent pixel.
    pub factor: usize,
    /// The most images in one network call.
    pub batch: usize,
    /// Leave out network calls that cannot change the picture.
    pub savings: bool,
    /// Every step of so many is computed whole; the others reuse its deep features. With 1 all are whole.
    pub reuse: usize,
    /// The init image's latent; `None` to start from noise.
    pub init_latent: Option<InitLatent>,
    /// Colours that it grows from; `None` where it grows from noise, or the init image, alone.
    pub underpainting: Option<Underpainting>,
    /// Planes that an inpainting UNet sees beside the latent (Rombach et al. 2022, section 4.5), `[1, 1 + latent_channels, height,
    /// width]`: the mask, 1 where something may change, and the latent of the picture with grey there; `None` for any other UNet.
    pub conditions: Option<Planes>,
}

/// A part inside a window at a step.
pub(super) struct Piece {
    /// Its number among the parts.
    pub(super) part: usize,
    /// Its mask cropped to the window; `None` where that is empty (only without savings).
    pub(super) mask: Option<Vec<f32>>,
    /// True while it bootstraps there: its input is then its own.
    pub(super) own_input: bool,
}

impl Painting {
    /// All windows over the canvas.
    #[must_use]
    pub fn windows(&self) -> Vec<Window> {
        windows(self.height, self.width, self.window, self.stride, self.wrap)
    }

    /// The windows that are evaluated: those in which something may change.
    #[must_use]
    pub fn evaluated_windows(&self) -> Vec<Window> {
        match self.free() {
            Some(free) => self.windows().into_iter().filter(|window| is_free(window, self, free)).collect(),
            None => self.windows(),
        }
    }

    /// Freedom of each cell of the init image to change, 0 (held) to 1; `None` where all is free.
    pub(super) fn free(&self) -> Option<&Vec<f32>> {
        self.init_latent.as_ref().and_then(|start| start.free.as_ref())
    }

    /// The first step of the run; later than 0 with an init image, or where colours are held everywhere.
    #[must_use]
    pub fn first_step(&self) -> usize {
        let of_image = self.init_latent.as_ref().map_or(0, |start| start.from);
        let cells = self.height * self.width;
        let of_colours = self.underpainting.as_ref().map_or(0, |colours| colours.first_step(cells));
        of_image.max(of_colours)
    }

    /// The mask of part `k` at `step`.
    #[must_use]
    pub fn mask(&self, k: usize, step: usize) -> &LatentMask {
        self.layout(step).map_or(&self.parts[k].mask, |at| &self.layouts[at].masks[k])
    }

    pub(super) fn layout(&self, step: usize) -> Option<usize> {
        self.layouts.iter().rposition(|layout| layout.from <= step)
    }

    /// The parts inside `window` at `step`.
    pub(super) fn pieces(&self, window: &Window, step: usize) -> Vec<Piece> {
        let piece = |(part, Part { bootstrap_steps, .. }): (usize, &Part)| {
            let mask = self.mask(part, step).crop(window);
            if mask.is_none() && self.savings {
                return None;
            }
            let holes = mask.as_ref().is_some_and(|mask| mask.iter().any(|&m| m != 1.0));
            Some(Piece { part, own_input: holes && step < *bootstrap_steps, mask })
        };
        self.parts.iter().enumerate().filter_map(piece).collect()
    }

    /// The guidance scale of part `k` at a step.
    pub(super) fn guidance(&self, k: usize, step: usize) -> f32 {
        if self.guided_steps.contains(&step) { self.parts[k].guidance } else { 1.0 }
    }

    /// The prompts that part `k` is predicted with at a step: its own with their weights, and the negative one where guidance is on or
    /// several are joined.
    pub(super) fn prompts(&self, k: usize, step: usize) -> (Vec<(f32, PromptId)>, Option<PromptId>) {
        let Part { prompt, negative, .. } = &self.parts[k];
        let guided = self.guidance(k, step) != 1.0 || !prompt.is_single() || !self.savings;
        (prompt.at(step).collect(), guided.then(|| negative.at(step)))
    }

    /// The control images that count for part `k` at a step.
    pub(super) fn controls(&self, k: usize, step: usize) -> ControlSet {
        let counting = self.parts[k].controls.iter().filter(|span| span.steps.contains(&step));
        counting.fold(ControlSet::default(), |set, span| set.with(span.control))
    }

    /// True where a window with these pieces needs a pass with negative prompts.
    pub(super) fn guided(&self, pieces: &[Piece], step: usize) -> bool {
        pieces.iter().any(|piece| self.prompts(piece.part, step).1.is_some())
    }

    /// Counts the batch elements that the UNet evaluates for `windows`, with one evaluation for each item of `steps`.
    #[must_use]
    pub fn unet_samples(&self, windows: &[Window], steps: impl IntoIterator<Item = usize>) -> usize {
        // Steps differ only by their layout, their prompts, the parts that bootstrap and the control images that count.
        let mut known = HashMap::new();
        let mut count = |step| {
            let bootstraps: Vec<bool> = self.parts.iter().map(|p| step < p.bootstrap_steps).collect();
            let at_step = || windows.iter().map(|window| self.samples_in(window, step)).sum::<usize>();
            let controls: Vec<ControlSet> = (0..self.parts.len()).map(|k| self.controls(k, step)).collect();
            let prompts: Vec<_> = (0..self.parts.len()).map(|k| self.prompts(k, step)).collect();
            let prompts = prompts
                .into_iter()
                .map(|(own, negative)| (own.into_iter().map(|(_, p)| p).collect::<Vec<_>>(), negative));
            let prompts: Vec<_> = prompts.collect();
            *known.entry((self.layout(step), prompts, bootstraps, controls)).or_insert_with(at_step)
        };
        steps.into_iter().map(&mut count).sum()
    }

    fn samples_in(&self, window: &Window, step: usize) -> usize {
        if self.hold == Hold::Attention {
            return 1 + usize::from(self.guided(&self.pieces(window, step), step));
        }
        let calls = self.pieces(window, step).into_iter().flat_map(|piece| {
            let (own, negative) = self.prompts(piece.part, step);
            let input = piece.own_input.then_some(piece.part);
            let besides = (self.controls(piece.part, step), self.parts[piece.part].guidance_input);
            own.into_iter().map(|(_, prompt)| prompt).chain(negative).map(move |prompt| (input, prompt, besides))
        });
        if self.savings { calls.collect::<HashSet<_>>().len() } else { calls.count() }
    }

    pub(super) fn check(&self) -> Result<(), PaintError> {
        let invalid = |text: String| Err(PaintError::Invalid(text));
        if self.parts.is_empty() || self.height == 0 || self.width == 0 {
            return invalid("there is nothing to paint: the canvas or the list of regions is empty".to_owned());
        }
        for part in &self.parts {
            if !part.guidance.is_finite() {
                return invalid(format!("guidance is {}; give a number such as 7.5", part.guidance));
            }
            if !(part.weight.is_finite() && part.weight > 0.0) {
                return invalid(format!("a region's weight is {}; give a number above 0", part.weight));
            }
            if part.controls.iter().any(|span| span.control >= ControlSet::MOST) {
                return invalid(format!("a picture takes {} control images at most", ControlSet::MOST));
            }
        }
        let layouts = self.layouts.iter().map(|layout| layout.masks.iter().collect());
        for masks in layouts.chain([self.parts.iter().map(|p| &p.mask).collect::<Vec<_>>()]) {
            if masks.len() != self.parts.len()
                || masks.iter().any(|mask| (mask.height(), mask.width()) != (self.height, self.width))
            {
                return invalid("a mask has another size than the canvas".to_owned());
            }
            let mut sum = vec![0.0; self.height * self.width];
            masks.iter().for_each(|mask| mask.add_to(&mut sum));
            if sum.iter().any(|s| !s.is_finite() || *s <= 0.0) {
                return invalid("a place of the canvas is covered by nothing, not even the background".to_owned());
            }
        }
        if self.reuse == 0 {
            return invalid("deep features are reused in 0 steps; give 1 for none, or more".to_owned());
        }
        if self.window == 0 || self.stride == 0 || self.stride > self.window {
            return invalid(format!(
                "windows of {} at stride {} would leave gaps; the stride goes from 1 to the window's size",
                self.window, self.stride
            ));
        }
        Ok(())
    }
}
