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

use super::random::{TorchRandom, keyed, keyed_normals, keyed_uniform};
use super::windows::{Window, windows};
use super::{Network, NetworkError, Planes, PromptId, Sampler};
use std::collections::HashMap;

/// One region, or the background, as the engine sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Latent mask, `height * width` values from 0 to 1.
    pub mask: Vec<f32>,
    pub prompt: PromptId,
    pub negative: PromptId,
    /// Steps for which it bootstraps; 0 for the background.
    pub bootstrap_steps: usize,
}

/// What is to be painted. All lengths are on the latent grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Painting {
    pub height: usize,
    pub width: usize,
    /// The background first, then the regions, lowest first.
    pub parts: Vec<Part>,
    /// Classifier-free guidance scale (Ho and Salimans 2021).
    pub guidance: f32,
    pub seed: u64,
    pub window: usize,
    pub stride: usize,
    /// Whether windows run over the edge in x and in y.
    pub wrap: (bool, bool),
    /// Canvas pixels per latent pixel.
    pub factor: usize,
    /// The most images in one network call.
    pub batch: usize,
    /// Leave out network calls that cannot change the picture.
    pub savings: bool,
}

/// Watches a painting grow, and may stop it.
pub trait Observer {
    /// Asked before every network call.
    fn cancelled(&mut self) -> bool {
        false
    }

    /// Step `done` of `total` is taken; `denoised` is the clean latent the network expects at this point. The network is
    /// idle and may be used to decode it.
    fn stepped(&mut self, _done: usize, _total: usize, _denoised: &Planes, _network: &mut dyn Network) {}
}

/// Watches nothing.
impl Observer for () {}

/// A finished latent and what it cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Painted {
    /// `[1, 4, height, width]`, unscaled, as the sampler left it.
    pub latent: Planes,
    pub windows: usize,
    /// Batch elements the UNet evaluated.
    pub unet_samples: usize,
    /// What the paper's loop evaluates: windows × prompts × 2 × evaluations.
    pub unet_samples_reference: usize,
}

/// Why a painting was not finished.
#[derive(Debug, thiserror::Error)]
pub enum PaintError {
    #[error("cancelled")]
    Cancelled,
    #[error("the network failed: {0}")]
    Network(#[source] NetworkError),
    #[error("the picture stopped being a number at step {step} of {steps}; try a lower guidance or another checkpoint")]
    NotFinite { step: usize, steps: usize },
    #[error("{0}")]
    Invalid(String),
}

impl Painting {
    /// The windows this painting is made of.
    #[must_use]
    pub fn windows(&self) -> Vec<Window> {
        windows(self.height, self.width, self.window, self.stride, self.wrap)
    }

    pub(super) fn check(&self) -> Result<(), PaintError> {
        let invalid = |text: String| Err(PaintError::Invalid(text));
        if self.parts.is_empty() || self.height == 0 || self.width == 0 {
            return invalid("there is nothing to paint: the canvas or the list of regions is empty".to_owned());
        }
        if self.parts.iter().any(|p| p.mask.len() != self.height * self.width) {
            return invalid("a mask has another size than the canvas".to_owned());
        }
        if !self.guidance.is_finite() {
            return invalid(format!("guidance is {}; give a number such as 7.5", self.guidance));
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

/// One evaluation of the UNet: an input and the words it is conditioned on.
struct Request {
    input: usize,
    prompt: PromptId,
}

/// What a (window, region) pair is made of, once its requests are answered.
struct Pair {
    window: usize,
    part: usize,
    input: usize,
    conditional: usize,
    unconditional: Option<usize>,
}

/// Requests gathered until there are enough for full batches.
#[derive(Default)]
struct Gathered {
    inputs: Vec<Vec<f32>>,
    requests: Vec<Request>,
    pairs: Vec<Pair>,
    known: HashMap<(usize, PromptId), usize>,
}

impl Gathered {
    /// The request for `prompt` on `input`; with `share`, one that is already there is used again.
    fn request(&mut self, input: usize, prompt: PromptId, share: bool) -> usize {
        if let (true, Some(&known)) = (share, self.known.get(&(input, prompt))) {
            return known;
        }
        self.requests.push(Request { input, prompt });
        self.known.insert((input, prompt), self.requests.len() - 1);
        self.requests.len() - 1
    }
}

/// Paints: the whole denoising process.
///
/// # Errors
/// Where the painting makes no sense, the network fails, the picture becomes NaN, or `observer` cancels.
pub fn paint(
    painting: &Painting,
    sampler: &mut dyn Sampler,
    network: &mut dyn Network,
    observer: &mut dyn Observer,
) -> Result<Painted, PaintError> {
    painting.check()?;
    let (height, width) = (painting.height, painting.width);
    let windows = painting.windows();
    let evaluations = sampler.timesteps().len();
    let steps = sampler.steps();

    let mut noise = Planes::zeros(1, 4, height, width);
    noise.data = TorchRandom::new(painting.seed).randn(noise.data.len());
    let mut latent = noise.clone();
    latent.data.iter_mut().for_each(|v| *v *= sampler.initial_scale());

    let mut engine = Engine {
        colours: Colours::new(painting),
        crops: windows.iter().map(|w| Crop::new(*w, painting)).collect(),
        painting,
        noise,
        samples: 0,
    };
    let mut denoised = Planes::zeros(1, 4, height, width);
    for i in 0..evaluations {
        let fused = engine.fused_prediction(i, &latent, sampler, network, observer)?;
        denoised.data = sampler.denoised(i, &latent.data, &fused);
        let fresh =
            if sampler.noise(i) { keyed_normals(painting.seed, i, latent.channels, height, width) } else { Vec::new() };
        sampler.step(i, &mut latent.data, &fused, &fresh);
        let step = sampler.step_of(i) + 1;
        if latent.data.iter().any(|v| !v.is_finite()) {
            return Err(PaintError::NotFinite { step, steps });
        }
        // Where a step takes several evaluations, it is done with the last of them.
        if i + 1 == evaluations || sampler.step_of(i + 1) == step {
            observer.stepped(step, steps, &denoised, network);
        }
    }
    Ok(Painted {
        latent,
        windows: windows.len(),
        unet_samples: engine.samples,
        unet_samples_reference: windows.len() * painting.parts.len() * 2 * evaluations,
    })
}

/// A window with what does not change from step to step: every part's mask in it.
struct Crop {
    window: Window,
    /// Per part: its mask here, or `None` where it is empty.
    masks: Vec<Option<Vec<f32>>>,
}

impl Crop {
    fn new(window: Window, painting: &Painting) -> Self {
        let mask = |part: &Part| {
            let mask = window.crop_plane(&part.mask, painting.height, painting.width);
            mask.iter().any(|&m| m != 0.0).then_some(mask)
        };
        Self { window, masks: painting.parts.iter().map(mask).collect() }
    }
}

struct Engine<'a> {
    painting: &'a Painting,
    crops: Vec<Crop>,
    colours: Colours,
    /// The noise the first latent was made of.
    noise: Planes,
    samples: usize,
}

impl Engine<'_> {
    /// Σ w·prediction / Σ w over all pairs, in the sampler's fusable form.
    fn fused_prediction(
        &mut self,
        i: usize,
        latent: &Planes,
        sampler: &dyn Sampler,
        network: &mut dyn Network,
        observer: &mut dyn Observer,
    ) -> Result<Vec<f32>, PaintError> {
        let mut value = vec![0.0_f32; latent.data.len()];
        let mut weight = vec![0.0_f32; latent.plane_len()];
        let enough = self.painting.batch.max(1) * 8;
        let mut gathered = Gathered::default();
        for index in 0..self.crops.len() {
            self.gather(index, i, latent, sampler, network, &mut gathered)?;
            if gathered.requests.len() >= enough || index + 1 == self.crops.len() {
                let gathered = std::mem::take(&mut gathered);
                let answers = self.answer(i, &gathered, sampler, network, observer)?;
                self.fuse(i, &gathered, &answers, sampler, &mut value, &mut weight);
            }
        }
        for plane in value.chunks_exact_mut(weight.len()) {
            for (v, w) in plane.iter_mut().zip(&weight) {
                if *w > 0.0 {
                    *v /= w;
                }
            }
        }
        Ok(value)
    }

    /// Adds the pairs of one window.
    fn gather(
        &mut self,
        index: usize,
        i: usize,
        latent: &Planes,
        sampler: &dyn Sampler,
        network: &mut dyn Network,
        gathered: &mut Gathered,
    ) -> Result<(), PaintError> {
        let painting = self.painting;
        let crop = &self.crops[index];
        let area = crop.window.area();
        let mut shared = vec![0.0; 4 * area];
        crop.window.crop(latent, &mut shared);
        gathered.inputs.push(shared);
        let plain = gathered.inputs.len() - 1;
        for (k, part) in painting.parts.iter().enumerate() {
            let mask = match &crop.masks[k] {
                Some(mask) => Some(mask),
                None if painting.savings => continue,
                None => None,
            };
            let input = match mask {
                Some(mask) if sampler.step_of(i) < part.bootstrap_steps && mask.iter().any(|&m| m != 1.0) => {
                    let choice = keyed(&[painting.seed, 1, i as u64, index as u64, k as u64]);
                    let colour = self.colours.latent(choice, crop.window, painting, network)?;
                    let mut noise = vec![0.0; 4 * area];
                    crop.window.crop(&self.noise, &mut noise);
                    let mut copy = gathered.inputs[plain].clone();
                    for (j, (x, (&clean, &noise))) in copy.iter_mut().zip(colour.iter().zip(&noise)).enumerate() {
                        let m = mask[j % area];
                        *x = m * *x + (1.0 - m) * sampler.add_noise(i, clean, noise);
                    }
                    gathered.inputs.push(copy);
                    gathered.inputs.len() - 1
                }
                _ => plain,
            };
            let share = painting.savings;
            let conditional = gathered.request(input, part.prompt, share);
            let guided = painting.guidance != 1.0 || !share;
            let unconditional = guided.then(|| gathered.request(input, part.negative, share));
            gathered.pairs.push(Pair { window: index, part: k, input, conditional, unconditional });
        }
        Ok(())
    }

    /// Runs the network over all gathered requests, a batch at a time.
    fn answer(
        &mut self,
        i: usize,
        gathered: &Gathered,
        sampler: &dyn Sampler,
        network: &mut dyn Network,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Vec<f32>>, PaintError> {
        let Some(Window { width, height, .. }) = self.crops.first().map(|c| c.window) else { return Ok(Vec::new()) };
        let scale = sampler.input_scale(i);
        let mut answers = Vec::with_capacity(gathered.requests.len());
        for requests in gathered.requests.chunks(self.painting.batch.max(1)) {
            if observer.cancelled() {
                return Err(PaintError::Cancelled);
            }
            let mut batch = Planes::zeros(requests.len(), 4, height, width);
            for (n, request) in requests.iter().enumerate() {
                for (to, from) in batch.image_mut(n).iter_mut().zip(&gathered.inputs[request.input]) {
                    *to = from * scale;
                }
            }
            let prompts: Vec<PromptId> = requests.iter().map(|r| r.prompt).collect();
            let out = network.predict(&batch, sampler.timesteps()[i], &prompts).map_err(PaintError::Network)?;
            if out.data.len() != batch.data.len() {
                return Err(PaintError::Invalid(
                    "the network answered with another shape than it was asked".to_owned(),
                ));
            }
            answers.extend((0..requests.len()).map(|n| out.image(n).to_vec()));
            self.samples += requests.len();
        }
        Ok(answers)
    }

    /// Applies guidance to every pair and adds it, weighted, to the sums.
    fn fuse(
        &self,
        i: usize,
        gathered: &Gathered,
        answers: &[Vec<f32>],
        sampler: &dyn Sampler,
        value: &mut [f32],
        weight: &mut [f32],
    ) {
        let painting = self.painting;
        for pair in &gathered.pairs {
            let crop = &self.crops[pair.window];
            let Some(mask) = &crop.masks[pair.part] else { continue };
            let mut prediction = guided(answers, pair.conditional, pair.unconditional, painting.guidance);
            sampler.fusable(i, &gathered.inputs[pair.input], &mut prediction);
            let area = crop.window.area();
            for (c, plane) in value.chunks_exact_mut(weight.len()).enumerate() {
                let prediction = &prediction[c * area..(c + 1) * area];
                crop.window.for_each_run(painting.height, painting.width, |from, to, n| {
                    for j in 0..n {
                        plane[to + j] += mask[from + j] * prediction[from + j];
                    }
                });
            }
            crop.window.for_each_run(painting.height, painting.width, |from, to, n| {
                for j in 0..n {
                    weight[to + j] += mask[from + j];
                }
            });
        }
    }
}

/// Classifier-free guidance: u + s·(c − u).
fn guided(answers: &[Vec<f32>], conditional: usize, unconditional: Option<usize>, scale: f32) -> Vec<f32> {
    let conditional = &answers[conditional];
    match unconditional {
        Some(u) => answers[u].iter().zip(conditional).map(|(u, c)| u + scale * (c - u)).collect(),
        None => conditional.clone(),
    }
}

/// The solid colours of bootstrapping: as many as there are bootstrapped steps (as in the released code), each encoded when
/// it is first used.
struct Colours {
    latents: Vec<Option<Vec<f32>>>,
}

impl Colours {
    fn new(painting: &Painting) -> Self {
        let count = painting.parts.iter().map(|p| p.bootstrap_steps).max().unwrap_or(0);
        Self { latents: vec![None; count] }
    }

    /// The latent (posterior mean) of the colour that `choice` falls on.
    fn latent(
        &mut self,
        choice: u64,
        window: Window,
        painting: &Painting,
        network: &mut dyn Network,
    ) -> Result<&[f32], PaintError> {
        let index = (choice % self.latents.len().max(1) as u64) as usize;
        let slot = &mut self.latents[index];
        if slot.is_none() {
            let channel = |c: u64| keyed_uniform(&[painting.seed, 2, index as u64, c]);
            let colour = [channel(0), channel(1), channel(2)];
            let picture = solid(colour, window.height * painting.factor, window.width * painting.factor);
            let moments = network.encode(&picture).map_err(PaintError::Network)?;
            if moments.mean.data.len() != 4 * window.area() {
                return Err(PaintError::Invalid("the encoder answered with another shape than a window's".to_owned()));
            }
            *slot = Some(moments.mean.data);
        }
        Ok(slot.as_deref().unwrap_or_default())
    }
}

/// A picture of one colour (channels 0 to 1) in the network's range.
pub(super) fn solid(colour: [f32; 3], height: usize, width: usize) -> Planes {
    let mut picture = Planes::zeros(1, 3, height, width);
    for (plane, c) in picture.data.chunks_exact_mut(height * width).zip(colour) {
        plane.fill(2.0 * c - 1.0);
    }
    picture
}
