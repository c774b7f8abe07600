//! A checkpoint of a few operations: a prediction depends on its own value and the mean of its window, a decoded pixel on the
//! mean of the whole latent, as with group norms.

use polyptych::checkpoint::FewSteps;
use polyptych::diffusion::{Call, Moments, Network, NetworkError, Planes, PromptId, SchedulerConfig};
use polyptych::studio::{LatentToRgb, Model, Reading};

pub struct Toy {
    pub config: SchedulerConfig,
    pub few_steps: Option<FewSteps>,
    /// Added to the picture at every decode after the first, so that no two are alike.
    pub drift: f32,
    pub decodes: usize,
    /// The largest number of a prediction and of a decoded picture; what is larger becomes infinite. Finite as long as it
    /// computes in f16.
    pub most: [f32; 2],
    pub preview_map: Option<LatentToRgb>,
}

impl Toy {
    pub fn new() -> Self {
        let config = SchedulerConfig { clip_sample: Some(false), ..SchedulerConfig::default() };
        Self { config, few_steps: None, drift: 0.0, decodes: 0, most: [f32::INFINITY; 2], preview_map: None }
    }

    /// Its prediction for one image.
    pub fn prediction(image: &[f32]) -> Vec<f32> {
        let mean = image.iter().sum::<f32>() / image.len() as f32;
        image.iter().map(|v| 0.6 * v + 2.0 * mean).collect()
    }

    /// Its latent of a picture: the mean of every eight by eight pixels, and nothing in the fourth plane.
    pub fn latent(pictures: &Planes) -> Planes {
        let mut latent = Planes::zeros(pictures.count, 4, pictures.height / 8, pictures.width / 8);
        let (cells, plane) = (latent.plane_len(), pictures.plane_len());
        for c in 0..3 {
            for i in 0..plane {
                let (x, y) = (i % pictures.width, i / pictures.width);
                latent.data[c * cells + y / 8 * latent.width + x / 8] += pictures.data[c * plane + i] / 64.0;
            }
        }
        latent
    }
}

impl Network for Toy {
    fn latent_channels(&self) -> usize {
        4
    }

    fn predict(&mut self, inputs: &Planes, _timestep: f32, calls: &[Call]) -> Result<Planes, NetworkError> {
        let values = calls.iter().flat_map(|call| Self::prediction(inputs.image(call.input)));
        let data = values.map(|v| if v.abs() > self.most[0] { f32::INFINITY } else { v }).collect();
        Ok(Planes { count: calls.len(), data, ..*inputs })
    }

    fn encode(&mut self, pictures: &Planes) -> Result<Moments, NetworkError> {
        let mean = Self::latent(pictures);
        Ok(Moments { std: mean.clone(), mean })
    }

    fn decode(&mut self, latents: &Planes) -> Result<Planes, NetworkError> {
        let mut picture = Planes::zeros(latents.count, 3, latents.height * 8, latents.width * 8);
        let (cells, plane) = (latents.plane_len(), picture.plane_len());
        let mean = latents.data.iter().sum::<f32>() / latents.data.len() as f32;
        for (i, v) in picture.data.iter_mut().enumerate() {
            let (x, y) = (i % plane % (latents.width * 8), i % plane / (latents.width * 8));
            let latent = latents.data[i / plane * cells + y / 8 * latents.width + x / 8];
            *v = 0.6 * (0.1 * latent).tanh() - 0.2 * mean.tanh() + self.drift * self.decodes as f32;
            if v.abs() > self.most[1] {
                *v = f32::INFINITY;
            }
        }
        self.decodes += 1;
        Ok(picture)
    }
}

impl Model for Toy {
    fn network(&mut self) -> &mut dyn Network {
        self
    }

    fn window(&self) -> usize {
        16
    }

    fn factor(&self) -> usize {
        8
    }

    fn scheduler(&self) -> &SchedulerConfig {
        &self.config
    }

    fn in_f32(&mut self) -> bool {
        let half = self.most.into_iter().any(f32::is_finite);
        self.most = [f32::INFINITY; 2];
        half
    }

    fn few_steps(&self) -> Option<FewSteps> {
        self.few_steps
    }

    fn prompt(&mut self, _words: &str, _reading: Reading) -> Result<PromptId, NetworkError> {
        Ok(PromptId(0))
    }

    fn preview_map(&mut self) -> &mut Option<LatentToRgb> {
        &mut self.preview_map
    }

    fn device(&self) -> (String, String) {
        ("toy".to_owned(), "f32".to_owned())
    }
}
