//! The engine: one denoising process over many windows and regions, fused at every step.
//!
//! Per step, for window *i* and region *k* that is not empty in *i*: x_ik = crop_i(z), or while *k* bootstraps
//! m_ik·x_ik + (1 − m_ik)·noised(solid colour); predict, apply guidance, and fuse
//!
//! ```text
//! fused = Σ_ik w_ik · prediction_ik / Σ_ik w_ik
//! ```
//!
//! which is the least-squares solution of equation 5 in the paper; then take one sampler step on the whole latent.

use super::colours::{Colours, roll, to_centre};
use super::painting::Piece;
use super::random::{TorchRandom, keyed_normals};
use super::region_noise::mixed;
use super::trajectory::is_free;
use super::windows::Window;
use super::{
    Call, ControlSet, Features, Guidance, Hold, Kept, Network, NetworkError, Painting, Place, Planes, PromptId,
    Sampler, Surround,
};
use std::collections::HashMap;

/// Observer of a run, which may stop it.
pub trait Observer {
    /// Asked before every network call; `true` stops the run. (A call that is stopped on its way says so by
    /// [`NetworkError::Cancelled`].)
    fn cancelled(&mut self) -> bool {
        false
    }

    /// Receives the latent before the first step and after every network evaluation.
    fn latent(&mut self, _latent: &Planes) {}

    /// Step `done` of `total` is taken; `denoised` is the network's estimate of the clean latent. The network is idle and may be
    /// used to decode it.
    fn stepped(&mut self, _done: usize, _total: usize, _denoised: &Planes, _network: &mut dyn Network) {}
}

/// Watches nothing.
impl Observer for () {}

/// A finished latent and its cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Painted {
    /// `[1, latent_channels, height, width]`, unscaled, as the sampler left it.
    pub latent: Planes,
    /// Windows on the canvas.
    pub windows: usize,
    /// Batch elements that the UNet evaluated.
    pub unet_samples: usize,
    /// Those among them that were computed from deep features of an earlier step.
    pub unet_samples_shallow: usize,
    /// Different inputs among them: evaluations of the UNet's part before its first cross-attention.
    pub unet_inputs: usize,
    /// Batch elements of the paper's loop: windows × prompts × 2 × evaluations.
    pub unet_samples_reference: usize,
}

/// Reason for which a run was not finished.
#[derive(Debug, thiserror::Error)]
pub enum PaintError {
    /// The observer stopped it.
    #[error("cancelled")]
    Cancelled,
    /// A network call failed.
    #[error("the network failed: {0}")]
    Network(#[source] NetworkError),
    /// The latent has infinite values or NaN.
    #[error("the picture stopped being a number at step {step} of {steps}; try a lower guidance or another checkpoint")]
    NotFinite {
        /// The step after which it was seen.
        step: usize,
        /// Steps of the run.
        steps: usize,
    },
    /// The painting makes no sense, in one line.
    #[error("{0}")]
    Invalid(String),
}

impl From<NetworkError> for PaintError {
    fn from(error: NetworkError) -> Self {
        match error {
            NetworkError::Cancelled => Self::Cancelled,
            other => Self::Network(other),
        }
    }
}

/// A part inside a window, and the requests whose answers make its prediction.
struct Pair {
    window: Window,
    /// Its number among the parts.
    part: usize,
    /// Its mask in the window; empty where it counts nothing.
    mask: Vec<f32>,
    /// Its number among the inputs.
    input: usize,
    /// The requests with its prompts, and their weights.
    conditional: Vec<(f32, usize)>,
    /// The request with its negative prompt, where guidance is on.
    unconditional: Option<usize>,
}

/// Requests of several windows, gathered until they fill batches.
#[derive(Default)]
struct Gathered {
    inputs: Vec<Vec<f32>>,
    places: Vec<Place>,
    /// Planes of an inpainting UNet beside each input; empty for any other.
    conditions: Vec<Vec<f32>>,
    requests: Vec<Call>,
    pairs: Vec<Pair>,
    known: HashMap<Call, usize>,
}

impl Gathered {
    /// The number of the request for `prompt` on `input` with what the part's calls read besides; with `share`, an equal one is used
    /// again.
    fn request(
        &mut self,
        input: usize,
        prompt: PromptId,
        (controls, guidance): (ControlSet, Option<Guidance>),
        share: bool,
    ) -> usize {
        let place = self.places.get(input).map(|&place| Place { controls, guidance, ..place });
        let call = Call { input, prompt, place };
        if let (true, Some(&known)) = (share, self.known.get(&call)) {
            return known;
        }
        self.requests.push(call);
        self.known.insert(call, self.requests.len() - 1);
        self.requests.len() - 1
    }
}

/// Runs the whole denoising process.
///
/// # Errors
/// If the painting makes no sense, the network fails, the latent becomes NaN, or `observer` cancels.
pub fn paint(
    painting: &Painting,
    sampler: &mut dyn Sampler,
    network: &mut dyn Network,
    observer: &mut dyn Observer,
) -> Result<Painted, PaintError> {
    run(painting, None, sampler, network, observer)
}

/// Runs the denoising process again and keeps a part of an earlier run: after every evaluation, cells that are not free are set
/// back to the kept trajectory. Only windows with a free cell are evaluated. Cells that are not free stay to the last bit.
///
/// # Errors
/// As [`paint`]; also where the kept run is of another canvas or another number of steps.
pub fn repaint(
    painting: &Painting,
    kept: &Kept,
    sampler: &mut dyn Sampler,
    network: &mut dyn Network,
    observer: &mut dyn Observer,
) -> Result<Painted, PaintError> {
    run(painting, Some(kept), sampler, network, observer)
}

/// Runs the process, however it ends, without features from before and leaving none behind: another run's latents and words are others.
fn run(
    painting: &Painting,
    kept: Option<&Kept>,
    sampler: &mut dyn Sampler,
    network: &mut dyn Network,
    observer: &mut dyn Observer,
) -> Result<Painted, PaintError> {
    network.set_features(Features::Forget);
    let _ = network.shallow_calls();
    let painted = denoise(painting, kept, sampler, network, observer);
    network.set_features(Features::Forget);
    Ok(Painted { unet_samples_shallow: network.shallow_calls(), ..painted? })
}

fn denoise(
    painting: &Painting,
    kept: Option<&Kept>,
    sampler: &mut dyn Sampler,
    network: &mut dyn Network,
    observer: &mut dyn Observer,
) -> Result<Painted, PaintError> {
    painting.check()?;
    let (height, width) = (painting.height, painting.width);
    let channels = network.latent_channels();
    let evaluations = sampler.timesteps().len();
    let start = painting.init_latent.as_ref();
    if let Some(start) = start {
        start.check(painting, channels, sampler.steps())?;
    }
    let underpainting = painting.underpainting.as_ref();
    if let Some(colours) = underpainting {
        colours.check(painting, channels, sampler.steps())?;
    }
    let planes = network.in_channels();
    let seen = painting.conditions.as_ref();
    if planes != channels + seen.map_or(0, |c| c.channels)
        || seen.is_some_and(|c| (c.height, c.width) != (height, width))
    {
        return Err(PaintError::Invalid(format!(
            "the UNet takes {planes} planes, which is not what there is to paint"
        )));
    }
    let first_step = painting.first_step();
    let steps = sampler.steps() - first_step;
    let first = sampler.evaluation_of(first_step);
    if let Some(kept) = kept {
        kept.check(painting, channels, evaluations - first)?;
    }

    let mut noise = Planes::zeros(1, channels, height, width);
    noise.data = mixed(painting, |seed| TorchRandom::new(seed).randn(channels * height * width));
    let mut latent = noise.clone();
    match start {
        Some(start) => latent.data = start.begin(first, sampler, &noise),
        None => latent.data.iter_mut().for_each(|v| *v *= sampler.initial_scale()),
    }
    if let Some(colours) = underpainting {
        colours.hold(first_step, Some(first), sampler, &noise, &mut latent);
    }
    if let Some(kept) = kept {
        kept.hold(0, &mut latent);
    }
    observer.latent(&latent);

    let all = painting.windows();
    let count = all.len();
    let may_change = |window: &Window| {
        let free = [kept.map(|kept| &kept.free), painting.free()];
        free.into_iter().flatten().all(|free| is_free(window, painting, free))
    };
    let windows: Vec<(usize, Window)> = all.into_iter().enumerate().filter(|(_, w)| may_change(w)).collect();
    let held = painting.free().map(|free| held(painting, free, &windows));
    let weights = windows.first().map(|(_, w)| w.weights(painting.window_weights)).unwrap_or_default();
    let colours = Colours::new(painting);
    let mut engine = Engine { painting, channels, windows, weights, colours, noise, samples: 0, inputs: 0 };
    let mut denoised = Planes::zeros(1, channels, height, width);
    for i in first..evaluations {
        network.set_features(painting.features(sampler.step_of(i)));
        let fused = engine.fused_prediction(i, &latent, sampler, network, observer)?;
        denoised.data = sampler.denoised(i, &latent.data, &fused);
        let fresh = if sampler.noise(i) {
            mixed(painting, |seed| keyed_normals(seed, i, channels, height, width))
        } else {
            Vec::new()
        };
        sampler.step(i, &mut latent.data, &fused, &fresh);
        let next = Some(i + 1).filter(|next| *next < evaluations);
        if let (Some(colours), Some(next)) = (underpainting, next) {
            let step = sampler.step_of(next);
            colours.hold(step, Some(next), sampler, &engine.noise, &mut latent);
            colours.hold(step, None, sampler, &engine.noise, &mut denoised);
        }
        if let (Some(start), Some(free)) = (start, &held) {
            let left = next.map_or(0, |next| first_step + steps - sampler.step_of(next)) as f32 / steps.max(1) as f32;
            start.hold(free, (next, left), sampler, &engine.noise, &mut latent);
            start.hold(free, (None, left), sampler, &engine.noise, &mut denoised);
        }
        if let Some(kept) = kept {
            kept.hold(i + 1 - first, &mut latent);
            kept.hold(evaluations - first, &mut denoised);
        }
        let step = sampler.step_of(i) + 1 - first_step;
        if latent.data.iter().any(|v| !v.is_finite()) {
            return Err(PaintError::NotFinite { step, steps });
        }
        observer.latent(&latent);
        // A step of several evaluations is done with the last of them.
        if i + 1 == evaluations || sampler.step_of(i + 1) - first_step == step {
            observer.stepped(step, steps, &denoised, network);
        }
    }
    Ok(Painted {
        latent,
        windows: count,
        unet_samples: engine.samples,
        unet_samples_shallow: 0,
        unet_inputs: engine.inputs,
        unet_samples_reference: count * painting.parts.len() * 2 * (evaluations - first),
    })
}

/// Freedom of each cell to leave the init image, 0 (held) to 1. An inpainting UNet keeps the picture by itself, except in cells that no evaluated
/// window covers.
fn held(painting: &Painting, free: &[f32], windows: &[(usize, Window)]) -> Vec<f32> {
    if painting.conditions.is_none() {
        return free.to_vec();
    }
    let mut evaluated = vec![0.0; free.len()];
    for (_, window) in windows {
        window.for_each_run(painting.height, painting.width, |_, at, n| evaluated[at..at + n].fill(1.0));
    }
    evaluated
}

pub(super) struct Engine<'a> {
    pub(super) painting: &'a Painting,
    /// Channels of the latent.
    pub(super) channels: usize,
    /// The evaluated windows, with their numbers among all.
    pub(super) windows: Vec<(usize, Window)>,
    /// Weight of each value of a window.
    pub(super) weights: Vec<f32>,
    colours: Colours,
    /// The noise of the initial latent.
    noise: Planes,
    pub(super) samples: usize,
    pub(super) inputs: usize,
}

impl Engine<'_> {
    /// Σ w·prediction / Σ w over all pairs, in the sampler's fusable form; 0 where no window is evaluated.
    fn fused_prediction(
        &mut self,
        i: usize,
        latent: &Planes,
        sampler: &dyn Sampler,
        network: &mut dyn Network,
        observer: &mut dyn Observer,
    ) -> Result<Vec<f32>, PaintError> {
        if self.painting.hold == Hold::Attention {
            return self.fused_by_attention(i, latent, sampler, network, observer);
        }
        let mut sums = Sums::new(latent);
        let enough = self.painting.batch.max(1) * 8;
        let mut gathered = Gathered::default();
        for at in 0..self.windows.len() {
            self.gather(at, i, latent, sampler, network, &mut gathered)?;
            if gathered.requests.len() >= enough || at + 1 == self.windows.len() {
                let gathered = std::mem::take(&mut gathered);
                let answers = self.answer(i, &gathered, sampler, network, observer)?;
                self.fuse(i, &gathered, &answers, sampler, &mut sums);
            }
        }
        Ok(sums.average())
    }

    /// The planes that an inpainting UNet sees beside the latent, cropped to a window; empty for any other.
    pub(super) fn conditions(&self, window: &Window) -> Vec<f32> {
        self.painting.conditions.as_ref().map_or(Vec::new(), |conditions| {
            let mut cut = vec![0.0; conditions.channels * window.area()];
            window.crop(conditions, &mut cut);
            cut
        })
    }

    /// Adds the pairs and requests of one window.
    fn gather(
        &mut self,
        at: usize,
        i: usize,
        latent: &Planes,
        sampler: &dyn Sampler,
        network: &mut dyn Network,
        gathered: &mut Gathered,
    ) -> Result<(), PaintError> {
        let painting = self.painting;
        let (index, window) = self.windows[at];
        let area = window.area();
        let mut shared = vec![0.0; self.channels * area];
        window.crop(latent, &mut shared);
        gathered.inputs.push(shared);
        gathered.places.push(Place::of(window));
        gathered.conditions.push(self.conditions(&window));
        let plain = gathered.inputs.len() - 1;
        let step = sampler.step_of(i);
        for Piece { part, mask, own_input } in painting.pieces(&window, step) {
            let mask = mask.unwrap_or_default();
            let mut input = plain;
            if own_input {
                let colour = self.colours.latent(painting, (step, index, part), window, network)?;
                let mut noise = vec![0.0; self.channels * area];
                window.crop(&self.noise, &mut noise);
                let mut copy = gathered.inputs[plain].clone();
                for (j, (x, (&clean, &noise))) in copy.iter_mut().zip(colour.iter().zip(&noise)).enumerate() {
                    let m = mask[j % area];
                    *x = m * *x + (1.0 - m) * sampler.add_noise(i, clean, noise);
                }
                let mut conditions = gathered.conditions[plain].clone();
                let mut rolled = (0, 0);
                if painting.surround == Surround::WhiteCentred {
                    rolled = to_centre(&mask, window.height, window.width);
                    roll(&mut copy, window.height, window.width, rolled);
                    roll(&mut conditions, window.height, window.width, rolled);
                }
                gathered.inputs.push(copy);
                gathered.places.push(Place { rolled, copy_of: Some(part), ..Place::of(window) });
                gathered.conditions.push(conditions);
                input = gathered.inputs.len() - 1;
            }
            let (own, negative) = painting.prompts(part, step);
            let besides = (painting.controls(part, step), painting.parts[part].guidance_input);
            let mut request = |prompt| gathered.request(input, prompt, besides, painting.savings);
            let conditional = own.into_iter().map(|(weight, prompt)| (weight, request(prompt))).collect();
            let unconditional = negative.map(request);
            gathered.pairs.push(Pair { window, part, mask, input, conditional, unconditional });
        }
        Ok(())
    }

    /// Runs the network over all gathered requests, a batch at a time. Requests of one group on one input go into one batch as far
    /// as they fit, since the network computes their shared part once.
    fn answer(
        &mut self,
        i: usize,
        gathered: &Gathered,
        sampler: &dyn Sampler,
        network: &mut dyn Network,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Vec<f32>>, PaintError> {
        let Some(&(_, Window { width, height, .. })) = self.windows.first() else { return Ok(Vec::new()) };
        let scale = sampler.input_scale(i);
        let planes = network.in_channels();
        let share = self.painting.savings && network.shares_inputs();
        let mut order: Vec<usize> = (0..gathered.requests.len()).collect();
        let groups: Vec<usize> = gathered.requests.iter().map(|call| network.group(call.prompt)).collect();
        order.sort_by_key(|&r| (groups[r], gathered.requests[r].input));
        let mut answers = vec![Vec::new(); order.len()];
        let of_groups = order.chunk_by(|&a, &b| groups[a] == groups[b]);
        for order in of_groups.flat_map(|of_group| of_group.chunks(self.painting.batch.max(1))) {
            if observer.cancelled() {
                return Err(PaintError::Cancelled);
            }
            let mut inputs: Vec<usize> = Vec::with_capacity(order.len());
            let mut calls = Vec::with_capacity(order.len());
            for &r in order {
                let Call { input, prompt, place } = gathered.requests[r];
                if !share || inputs.last() != Some(&input) {
                    inputs.push(input);
                }
                calls.push(Call { input: inputs.len() - 1, prompt, place });
            }
            let mut batch = Planes::zeros(inputs.len(), planes, height, width);
            for (n, &input) in inputs.iter().enumerate() {
                let (latent, conditions) = batch.image_mut(n).split_at_mut(self.channels * height * width);
                for (to, from) in latent.iter_mut().zip(&gathered.inputs[input]) {
                    *to = from * scale;
                }
                conditions.copy_from_slice(&gathered.conditions[input]);
            }
            let out = network.predict(&batch, sampler.timesteps()[i], &calls)?;
            if out.data.len() != calls.len() * self.channels * height * width {
                return Err(PaintError::Invalid(
                    "the network answered with another shape than it was asked".to_owned(),
                ));
            }
            for (n, &r) in order.iter().enumerate() {
                answers[r] = out.image(n).to_vec();
            }
            self.samples += calls.len();
            self.inputs += inputs.len();
        }
        Ok(answers)
    }

    /// Applies guidance to every pair and adds it, weighted, to the sums.
    fn fuse(&self, i: usize, gathered: &Gathered, answers: &[Vec<f32>], sampler: &dyn Sampler, sums: &mut Sums) {
        let (painting, step) = (self.painting, sampler.step_of(i));
        for pair in gathered.pairs.iter().filter(|pair| !pair.mask.is_empty()) {
            let (window, part) = (pair.window, &painting.parts[pair.part]);
            let mut prediction =
                guided(answers, &pair.conditional, pair.unconditional, painting.guidance(pair.part, step));
            sampler.fusable(i, &gathered.inputs[pair.input], &mut prediction);
            let Place { rolled, .. } = gathered.places[pair.input];
            if rolled != (0, 0) {
                let back = (window.height - rolled.0, window.width - rolled.1);
                roll(&mut prediction, window.height, window.width, back);
            }
            let w: Vec<f32> = pair.mask.iter().zip(&self.weights).map(|(m, w)| m * w * part.weight).collect();
            sums.add(&window, &prediction, &w);
        }
    }
}

/// The sums Σ w·prediction and Σ w over the canvas.
pub(super) struct Sums {
    value: Vec<f32>,
    weight: Vec<f32>,
    height: usize,
    width: usize,
}

impl Sums {
    pub(super) fn new(latent: &Planes) -> Self {
        Self {
            value: vec![0.0; latent.data.len()],
            weight: vec![0.0; latent.plane_len()],
            height: latent.height,
            width: latent.width,
        }
    }

    /// Adds a window's prediction, weighted by `w`.
    pub(super) fn add(&mut self, window: &Window, prediction: &[f32], w: &[f32]) {
        let area = window.area();
        for (plane, prediction) in self.value.chunks_exact_mut(self.weight.len()).zip(prediction.chunks_exact(area)) {
            window.for_each_run(self.height, self.width, |from, to, n| {
                for j in 0..n {
                    plane[to + j] += w[from + j] * prediction[from + j];
                }
            });
        }
        window.for_each_run(self.height, self.width, |from, to, n| {
            for j in 0..n {
                self.weight[to + j] += w[from + j];
            }
        });
    }

    /// Σ w·prediction / Σ w, and 0 where nothing was added.
    pub(super) fn average(mut self) -> Vec<f32> {
        for plane in self.value.chunks_exact_mut(self.weight.len()) {
            for (v, w) in plane.iter_mut().zip(&self.weight) {
                if *w > 0.0 {
                    *v /= w;
                }
            }
        }
        self.value
    }
}

/// Classifier-free guidance by one or several prompts: u + s·Σ wᵢ·(cᵢ − u).
fn guided(answers: &[Vec<f32>], conditional: &[(f32, usize)], unconditional: Option<usize>, scale: f32) -> Vec<f32> {
    let Some(u) = unconditional.map(|u| &answers[u]) else {
        // One of weight 1: nothing else goes without guidance.
        return conditional.first().map_or_else(Vec::new, |&(_, c)| answers[c].clone());
    };
    if let [(weight, c)] = *conditional {
        let scale = scale * weight;
        return u.iter().zip(&answers[c]).map(|(u, c)| u + scale * (c - u)).collect();
    }
    let mut sum = u.clone();
    for &(weight, c) in conditional {
        let scale = scale * weight;
        sum.iter_mut().zip(u).zip(&answers[c]).for_each(|((sum, u), c)| *sum += scale * (c - u));
    }
    sum
}
