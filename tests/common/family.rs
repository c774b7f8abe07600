//! A checkpoint of any family: any number of latent channels, an autoencoder of any factor, noise predicted or a flow's velocity. Its
//! answers are exact, so that what a drawing must become is known without it.

use polyptych::diffusion::{Call, Moments, Network, NetworkError, Planes, PromptId, SchedulerConfig};
use polyptych::studio::{LatentToRgb, Model, Reading};
use std::f64::consts::PI;

pub struct Family {
    pub channels: usize,
    pub factor: usize,
    pub config: SchedulerConfig,
    /// Standard deviation of the latents that the network knows, around the prompt's colour.
    pub spread: f64,
    /// The prompts' colours, `"r g b"` in −1…1, by the number of the prompt.
    colours: Vec<[f32; 3]>,
    preview_map: Option<LatentToRgb>,
}

impl Family {
    pub fn new(channels: usize, factor: usize, config: SchedulerConfig) -> Self {
        Self { channels, factor, config, spread: 0.0, colours: Vec::new(), preview_map: None }
    }

    /// The latent of a colour: three columns of the discrete cosine transform, which are orthonormal.
    pub fn latent(&self, colour: [f32; 3]) -> Vec<f32> {
        let weight = |c: usize, k: usize| self.weight(c, k) as f32;
        (0..self.channels).map(|c| (0..3).map(|k| weight(c, k) * colour[k]).sum()).collect()
    }

    fn weight(&self, c: usize, k: usize) -> f64 {
        let n = self.channels as f64;
        (2.0 / n).sqrt() * (PI * (c as f64 + 0.5) * (k as f64 + 1.0) / n).cos()
    }

    /// Signal and noise of the network's input at a timestep.
    fn levels(&self, time: f64) -> (f64, f64) {
        if self.config.flow.is_some() {
            return (1.0 - time / 1000.0, time / 1000.0);
        }
        let bar = f64::from(self.config.alphas_cumprod()[time.round() as usize]);
        (bar.sqrt(), (1.0 - bar).sqrt())
    }
}

/// The colour of a prompt.
pub fn colour(words: &str) -> [f32; 3] {
    let mut numbers = words.split_whitespace().map(|n| n.parse().expect("a number"));
    [0; 3].map(|_| numbers.next().unwrap_or(0.0))
}

impl Network for Family {
    fn latent_channels(&self) -> usize {
        self.channels
    }

    fn predict(&mut self, inputs: &Planes, timestep: f32, calls: &[Call]) -> Result<Planes, NetworkError> {
        assert_eq!(inputs.channels, self.channels);
        let (signal, noise) = self.levels(f64::from(timestep));
        let variance = self.spread * self.spread;
        let gain = signal * variance / (signal * signal * variance + noise * noise);
        let flow = self.config.flow.is_some();
        let mut out = Planes { count: calls.len(), data: Vec::new(), ..*inputs };
        for call in calls {
            let planes = inputs.image(call.input).chunks_exact(inputs.plane_len());
            for (plane, centre) in planes.zip(self.latent(self.colours[call.prompt.0])) {
                let centre = f64::from(centre);
                out.data.extend(plane.iter().map(|x| {
                    let x = f64::from(*x);
                    let clean = centre + gain * (x - signal * centre);
                    let epsilon = (x - signal * clean) / noise;
                    (if flow { epsilon - clean } else { epsilon }) as f32
                }));
            }
        }
        Ok(out)
    }

    fn encode(&mut self, pictures: &Planes) -> Result<Moments, NetworkError> {
        let (f, wide) = (self.factor, pictures.width);
        assert!(pictures.height.is_multiple_of(f) && wide.is_multiple_of(f), "whole cells");
        let mut mean = Planes::zeros(1, self.channels, pictures.height / f, wide / f);
        let (cells, plane) = (mean.plane_len(), pictures.plane_len());
        for k in 0..3 {
            for (i, v) in pictures.data[k * plane..(k + 1) * plane].iter().enumerate() {
                let cell = i / wide / f * mean.width + i % wide / f;
                for c in 0..self.channels {
                    mean.data[c * cells + cell] += self.weight(c, k) as f32 * v / (f * f) as f32;
                }
            }
        }
        Ok(Moments { std: Planes::zeros(1, self.channels, mean.height, mean.width), mean })
    }

    fn decode(&mut self, latents: &Planes) -> Result<Planes, NetworkError> {
        assert_eq!(latents.channels, self.channels);
        let f = self.factor;
        let mut picture = Planes::zeros(1, 3, latents.height * f, latents.width * f);
        let (cells, plane, wide) = (latents.plane_len(), picture.plane_len(), picture.width);
        for (i, v) in picture.data.iter_mut().enumerate() {
            let cell = i % plane / wide / f * latents.width + i % plane % wide / f;
            *v = (0..self.channels).map(|c| self.weight(c, i / plane) as f32 * latents.data[c * cells + cell]).sum();
        }
        Ok(picture)
    }
}

impl Model for Family {
    fn network(&mut self) -> &mut dyn Network {
        self
    }

    fn window(&self) -> usize {
        6
    }

    fn factor(&self) -> usize {
        self.factor
    }

    fn scheduler(&self) -> &SchedulerConfig {
        &self.config
    }

    fn prompt(&mut self, words: &str, _reading: Reading) -> Result<PromptId, NetworkError> {
        self.colours.push(colour(words));
        Ok(PromptId(self.colours.len() - 1))
    }

    fn preview_map(&mut self) -> &mut Option<LatentToRgb> {
        &mut self.preview_map
    }

    fn device(&self) -> (String, String) {
        ("toy".to_owned(), "f32".to_owned())
    }
}
