//! Regions by attention, the cheaper method beside MultiDiffusion.
//!
//! One UNet pass per window however many regions: in every cross-attention layer a pixel attends to the prompts of the parts
//! that cover it, each part's result weighted by its mask (regional attention as in "Attention Couple", compare Ge et al.
//! 2023, arXiv:2304.06720). A second pass does the same with negative prompts. The other layers see the whole window, so
//! lighting and style agree, and shapes are only a hint. Nothing bootstraps. Windows are fused as in MultiDiffusion.

use super::engine::{Engine, Sums};
use super::painting::Piece;
use super::windows::Window;
use super::{Area, AreaCall, Guidance, Network, Observer, PaintError, Place, Planes, PromptId, Sampler};

/// The parts of one window.
struct Held {
    window: Window,
    crop: Vec<f32>,
    pieces: Vec<Piece>,
    /// Guidance scale per pixel: the parts' scales, averaged by their masks.
    guidance: Vec<f32>,
    guided: bool,
    /// What the UNet is told: the same average over the whole window, since a step has no place.
    guidance_input: Option<Guidance>,
}

impl Engine<'_> {
    /// The weighted average of all windows' predictions, in the sampler's fusable form; 0 where no window is evaluated.
    pub(super) fn fused_by_attention(
        &mut self,
        i: usize,
        latent: &Planes,
        sampler: &dyn Sampler,
        network: &mut dyn Network,
        observer: &mut dyn Observer,
    ) -> Result<Vec<f32>, PaintError> {
        let mut sums = Sums::new(latent);
        let at_once = (self.painting.batch / 2).max(1);
        for from in (0..self.windows.len()).step_by(at_once) {
            if observer.cancelled() {
                return Err(PaintError::Cancelled);
            }
            let step = sampler.step_of(i);
            let windows = &self.windows[from..(from + at_once).min(self.windows.len())];
            let held: Vec<Held> = windows.iter().map(|&(_, window)| self.hold(window, step, latent)).collect();
            let Some(&Window { width, height, .. }) = held.first().map(|held| &held.window) else { break };

            let scale = sampler.input_scale(i);
            let mut inputs = Planes::zeros(held.len(), network.in_channels(), height, width);
            let mut calls = Vec::new();
            for (input, held) in held.iter().enumerate() {
                let (latent, conditions) = inputs.image_mut(input).split_at_mut(self.channels * height * width);
                for (to, from) in latent.iter_mut().zip(&held.crop) {
                    *to = from * scale;
                }
                conditions.copy_from_slice(&self.conditions(&held.window));
                let place = Some(Place { guidance: held.guidance_input, ..Place::of(held.window) });
                let areas = self.areas(&held.pieces, |part| self.painting.prompts(part, step).0);
                calls.push(AreaCall { input, place, areas });
                if held.guided {
                    let areas =
                        self.areas(&held.pieces, |part| vec![(1.0, self.painting.parts[part].negative.at(step))]);
                    calls.push(AreaCall { input, place, areas });
                }
            }
            let out = network.predict_areas(&inputs, sampler.timesteps()[i], &calls)?;
            if out.data.len() != calls.len() * self.channels * height * width {
                return Err(PaintError::Invalid(
                    "the network answered with another shape than it was asked".to_owned(),
                ));
            }
            self.samples += calls.len();
            self.inputs += inputs.count;

            let mut next = 0;
            for held in &held {
                let mut prediction = out.image(next).to_vec();
                next += 1;
                if held.guided {
                    for (j, (c, u)) in prediction.iter_mut().zip(out.image(next)).enumerate() {
                        *c = u + held.guidance[j % held.guidance.len()] * (*c - u);
                    }
                    next += 1;
                }
                sampler.fusable(i, &held.crop, &mut prediction);
                sums.add(&held.window, &prediction, &self.weights);
            }
        }
        Ok(sums.average())
    }

    fn hold(&self, window: Window, step: usize, latent: &Planes) -> Held {
        let mut crop = vec![0.0; self.channels * window.area()];
        window.crop(latent, &mut crop);
        let pieces = self.painting.pieces(&window, step);
        let (mut guidance, mut weight) = (vec![0.0; window.area()], vec![0.0; window.area()]);
        let (mut told, mut whole) = (None, 0.0);
        for Piece { part, mask, .. } in &pieces {
            let (scale, part) = (self.painting.guidance(*part, step), &self.painting.parts[*part]);
            if let Some(input) = part.guidance_input {
                let share = part.weight * mask.iter().flatten().sum::<f32>();
                told = Some(told.unwrap_or(0.0) + share * input.scale());
                whole += share;
            }
            for (j, m) in mask.iter().flatten().enumerate() {
                guidance[j] += m * part.weight * scale;
                weight[j] += m * part.weight;
            }
        }
        for (g, w) in guidance.iter_mut().zip(weight) {
            *g /= w;
        }
        let guidance_input = told.map(|told| Guidance::new(told / whole));
        Held { window, crop, guided: self.painting.guided(&pieces, step), pieces, guidance, guidance_input }
    }

    /// The prompts of all pieces with their areas; pieces of the same prompt share one. Prompts that are joined share their part's
    /// area by their weights; one that weighs less than nothing has no place in an average.
    fn areas(&self, pieces: &[Piece], words: impl Fn(usize) -> Vec<(f32, PromptId)>) -> Vec<Area> {
        let mut areas: Vec<Area> = Vec::new();
        for Piece { part, mask, .. } in pieces {
            let Some(mask) = mask else { continue };
            let words = words(*part);
            let sum: f32 = words.iter().map(|(weight, _)| weight.max(0.0)).sum();
            for (share, prompt) in words {
                let share = if sum > 0.0 { share.max(0.0) / sum } else { 1.0 };
                let weight = self.painting.parts[*part].weight * share;
                match areas.iter_mut().find(|area| area.prompt == prompt) {
                    Some(area) => area.mask.iter_mut().zip(mask).for_each(|(a, m)| *a += m * weight),
                    None => areas.push(Area { prompt, mask: mask.iter().map(|m| m * weight).collect() }),
                }
            }
        }
        areas
    }
}
