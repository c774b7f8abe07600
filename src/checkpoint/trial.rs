//! Measurements of networks at their full size, with random weights or a checkpoint's own.

use super::{Checkpoint, Device, EMBEDDED, Manners, Model, Result};
pub use crate::backend::counted::Account;
use crate::backend::counted::{Counted, Entry};
use crate::backend::{self, Backend, User};
use crate::networks::unet::{self, Added, Beside, Unet};
use crate::networks::vae::{self, Autoencoder};
use crate::networks::{self, RandomWeights, Sizes, Weights};
use serde_json::json;
use std::time::Instant;

/// The networks to measure.
#[derive(Debug, Clone)]
pub enum Shape {
    /// Stable Diffusion 1.5's, with random weights.
    Sd15,
    /// Stable Diffusion 2.1's, with random weights.
    Sd21,
    /// SDXL's, with random weights.
    Sdxl,
    /// A checkpoint's own.
    Checkpoint(Box<Checkpoint>),
}

/// The work to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Calls of the UNet, each latent with a prompt of its own.
    Unet,
    /// The same from deep features of another call.
    ShallowUnet,
    /// Decodes of latents.
    Decode,
}

/// One measurement.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The device in words.
    pub device: String,
    /// Height and width of a latent.
    pub size: [usize; 2],
    /// Latents at once.
    pub batch: usize,
    /// Values of the network's weights.
    pub parameters: usize,
    /// Seconds for reading and packing the weights.
    pub load: f64,
    /// Seconds of each run, from upload to download; a first one is not counted.
    pub runs: Vec<f64>,
    /// The most bytes of tensors alive at once in a run.
    pub peak: usize,
    /// Operators of one run, by kind, the slowest first. Where the device times them by itself, of one more run that is not
    /// among `runs`.
    pub operators: Vec<(&'static str, Entry)>,
}

/// The arguments of [`Trial::run`] but the device.
struct Run<'a> {
    shape: &'a Shape,
    work: Work,
    batch: usize,
    size: Option<[usize; 2]>,
    runs: usize,
}

impl User for Run<'_> {
    type Output = Result<Trial>;

    fn work<B: Backend>(self, backend: B) -> Self::Output {
        Trial::on(backend, self)
    }
}

impl Trial {
    /// Measures `runs` runs on `batch` latents at once, of `size` (the shape's own side where that is `None`).
    ///
    /// # Errors
    /// If the weights cannot be read or the device fails.
    pub fn run(
        device: Device,
        shape: &Shape,
        work: Work,
        batch: usize,
        size: Option<[usize; 2]>,
        runs: usize,
    ) -> Result<Self> {
        let run = Run { shape, work, batch, size, runs };
        backend::open(device, &Manners::default(), run).map_err(networks::Error::from)?
    }

    fn on<B: Backend>(backend: B, Run { shape, work, batch, size, runs }: Run) -> Result<Self> {
        let wide = if work == Work::Decode { backend.wide() } else { None };
        let b = Counted::new(wide.unwrap_or(backend));
        let random = RandomWeights::default();
        let (config, autoencoder) = shape.configs()?;
        let side = config.sample_size.unwrap_or(64);
        let [height, width] = size.unwrap_or([side, side]);
        let tensors = match (shape, work) {
            (Shape::Checkpoint(checkpoint), Work::Unet | Work::ShallowUnet) => Some(&checkpoint.unet.tensors),
            (Shape::Checkpoint(checkpoint), Work::Decode) => Some(&checkpoint.vae.tensors),
            (Shape::Sd15 | Shape::Sd21 | Shape::Sdxl, _) => None,
        };
        let weights: &dyn Weights = tensors.map_or(&random, |tensors| &**tensors);
        let begun = Instant::now();
        let mut trial = Self {
            device: b.describe(),
            size: [height, width],
            batch,
            parameters: 0,
            load: 0.0,
            runs: Vec::new(),
            peak: 0,
            operators: Vec::new(),
        };
        match work {
            Work::Unet | Work::ShallowUnet => {
                let width_of_words = config.cross_attention_dim().unwrap_or(0);
                let input = [batch, config.in_channels, height, width];
                let unet = Unet::load(config, &b, weights)?;
                trial.load = begun.elapsed().as_secs_f64();
                let words =
                    b.upload(&[1, 77, width_of_words], &waves(77 * width_of_words)).map_err(networks::Error::from)?;
                let prompts = (0..batch).map(|_| unet.prompt(&b, &words)).collect::<Result<Vec<_>, _>>()?;
                let prompts: Vec<_> = prompts.iter().collect();
                let sizes = Sizes::whole(8 * height, 8 * width);
                let added = unet.config().added.map(|added| Added { pooled: waves(added.pooled), sizes });
                let added: Vec<Added> = added.iter().cycle().take(batch).cloned().collect();
                let step = unet.step(&b, 500.0, &added)?;
                let rows: Vec<usize> = (0..batch).collect();
                let deep = if work == Work::ShallowUnet {
                    let x = b.upload(&input, &waves(input.iter().product())).map_err(networks::Error::from)?;
                    Some(unet.forward_keeping(&b, &x, &step, &rows, &prompts, Beside::default())?.1)
                } else {
                    None
                };
                trial.measure(&b, input, runs, |x| match &deep {
                    None => Ok(unet.forward(&b, x, &step, &rows, &prompts)?),
                    Some(deep) => Ok(unet.forward_shallow(&b, x, &step, &rows, &prompts, Beside::default(), deep)?),
                })?;
            }
            Work::Decode => {
                let input = [batch, autoencoder.latent_channels, height, width];
                let vae = Autoencoder::load(autoencoder, &b, weights)?;
                trial.load = begun.elapsed().as_secs_f64();
                trial.measure(&b, input, runs, |x| {
                    let room = super::loaded::room(vae.decode_bytes(&b, x)?);
                    Ok(vae.decode(&b, x.clone(), room)?)
                })?;
            }
        }
        trial.parameters = tensors.map_or_else(|| random.parameters(), |tensors| tensors.parameters());
        Ok(trial)
    }

    /// Runs once to warm up, then `runs` times, then once more where the device times its operators.
    fn measure<B: Backend>(
        &mut self,
        b: &Counted<B>,
        input: [usize; 4],
        runs: usize,
        run: impl Fn(&<Counted<B> as Backend>::Tensor) -> Result<<Counted<B> as Backend>::Tensor>,
    ) -> Result<()> {
        let values = waves(input.iter().product());
        for number in 0..=runs + 1 {
            if number > runs && !b.time_operators() {
                break;
            }
            let _ = b.operators();
            let _ = b.peak();
            let begun = Instant::now();
            let y = run(&b.upload(&input, &values).map_err(networks::Error::from)?)?;
            b.download(&y).map_err(networks::Error::from)?;
            if number == 0 {
                b.tune().map_err(networks::Error::from)?;
            }
            if (1..=runs).contains(&number) {
                self.runs.push(begun.elapsed().as_secs_f64());
            }
            (self.operators, self.peak) = (b.operators(), b.peak());
        }
        Ok(())
    }

    /// The median of the runs' seconds.
    #[must_use]
    pub fn median(&self) -> f64 {
        let mut runs = self.runs.clone();
        runs.sort_by(f64::total_cmp);
        runs.get(runs.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// Operations of one run; a multiplication with its addition counts as two.
    #[must_use]
    pub fn operations(&self) -> f64 {
        self.operators.iter().map(|(_, entry)| entry.operations).sum()
    }
}

/// A model to draw with, and the account of its tensors. One of random weights has the vocabulary and the noise schedule of the
/// checkpoint inside the program.
#[derive(Debug)]
pub struct Subject {
    /// The checkpoint, or its options.
    pub checkpoint: Checkpoint,
    /// The model on its device.
    pub model: Model,
    /// The account of its device's tensors.
    pub account: Account,
}

impl User for &Shape {
    type Output = Result<Subject>;

    fn work<B: Backend>(self, backend: B) -> Self::Output {
        Subject::on(backend, self)
    }
}

impl Subject {
    /// Puts the networks of a shape on a device.
    ///
    /// # Errors
    /// If the weights cannot be read or the device fails.
    pub fn load(device: Device, shape: &Shape) -> Result<Self> {
        backend::open(device, &Manners::default(), shape).map_err(networks::Error::from)?
    }

    fn on<B: Backend>(backend: B, shape: &Shape) -> Result<Self> {
        let b = Counted::new(backend);
        let account = b.account();
        if let Shape::Checkpoint(checkpoint) = shape {
            return Ok(Self { model: checkpoint.load_on(b)?, checkpoint: *checkpoint.clone(), account });
        }
        let mut checkpoint = Checkpoint::open(EMBEDDED)?;
        (checkpoint.unet.config, checkpoint.vae.config) = shape.configs()?;
        Ok(Self { model: Model::random(&checkpoint, b)?, checkpoint, account })
    }
}

impl Shape {
    /// A shape by its name, or the checkpoint of that name or folder.
    ///
    /// # Errors
    /// If there is neither.
    pub fn named(name: &str) -> Result<Self> {
        Ok(match name {
            "sd15" => Self::Sd15,
            "sd21" => Self::Sd21,
            "sdxl" => Self::Sdxl,
            name => Self::Checkpoint(Box::new(Checkpoint::open(name)?)),
        })
    }

    /// Options of UNet and autoencoder.
    fn configs(&self) -> Result<(unet::Config, vae::Config)> {
        let (unet, window) = match self {
            Self::Checkpoint(checkpoint) => return Ok((checkpoint.unet.config.clone(), checkpoint.vae.config.clone())),
            Self::Sd15 => (json!({"cross_attention_dim": 768, "attention_head_dim": 8}), 64),
            Self::Sd21 => (
                json!({"cross_attention_dim": 1024, "attention_head_dim": [5, 10, 20, 20], "use_linear_projection": true}),
                96,
            ),
            Self::Sdxl => (
                json!({
                    "block_out_channels": [320, 640, 1280],
                    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
                    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
                    "transformer_layers_per_block": [1, 2, 10],
                    "attention_head_dim": [5, 10, 20],
                    "cross_attention_dim": 2048,
                    "use_linear_projection": true,
                    "addition_embed_type": "text_time",
                    "addition_time_embed_dim": 256,
                    "projection_class_embeddings_input_dim": 2816,
                }),
                128,
            ),
        };
        // Everything else is as diffusers has it by default.
        let mut unet = unet::Config::parse(&unet, "random UNet")?;
        unet.sample_size = Some(window);
        let vae = json!({
            "block_out_channels": [128, 256, 512, 512],
            "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"],
            "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"],
            "layers_per_block": 2,
            "latent_channels": 4,
        });
        Ok((unet, vae::Config::parse(&vae, "random VAE")?))
    }
}

/// So many values of a wave between −1 and 1.
fn waves(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i as f32 * 0.37).sin()).collect()
}
