//! A model around another, for what a test wants to happen before its calls.

use polyptych::checkpoint::FewSteps;
use polyptych::diffusion::{Call, Moments, Network, NetworkError, Planes, PromptId, SchedulerConfig};
use polyptych::studio::{LatentToRgb, Model, Reading};

pub struct Around<M> {
    pub inner: M,
    /// May fail in a prediction's place.
    pub before_prediction: Box<dyn FnMut() -> Result<(), NetworkError> + Send>,
    pub before_decoding: Box<dyn FnMut(&Planes) + Send>,
    /// Bytes that it takes.
    pub memory: usize,
}

impl<M: Model> Around<M> {
    pub fn new(inner: M) -> Self {
        let memory = inner.memory();
        Self { inner, before_prediction: Box::new(|| Ok(())), before_decoding: Box::new(|_| ()), memory }
    }
}

impl<M: Model + Network> Network for Around<M> {
    fn latent_channels(&self) -> usize {
        self.inner.latent_channels()
    }

    fn predict(&mut self, inputs: &Planes, timestep: f32, calls: &[Call]) -> Result<Planes, NetworkError> {
        (self.before_prediction)()?;
        self.inner.predict(inputs, timestep, calls)
    }

    fn encode(&mut self, pictures: &Planes) -> Result<Moments, NetworkError> {
        self.inner.encode(pictures)
    }

    fn decode(&mut self, latents: &Planes) -> Result<Planes, NetworkError> {
        (self.before_decoding)(latents);
        self.inner.decode(latents)
    }
}

impl<M: Model + Network> Model for Around<M> {
    fn network(&mut self) -> &mut dyn Network {
        self
    }

    fn window(&self) -> usize {
        self.inner.window()
    }

    fn factor(&self) -> usize {
        self.inner.factor()
    }

    fn scheduler(&self) -> &SchedulerConfig {
        self.inner.scheduler()
    }

    fn few_steps(&self) -> Option<FewSteps> {
        self.inner.few_steps()
    }

    fn memory(&self) -> usize {
        self.memory
    }

    fn prompt(&mut self, words: &str, reading: Reading) -> Result<PromptId, NetworkError> {
        self.inner.prompt(words, reading)
    }

    fn preview_map(&mut self) -> &mut Option<LatentToRgb> {
        self.inner.preview_map()
    }

    fn device(&self) -> (String, String) {
        self.inner.device()
    }
}
