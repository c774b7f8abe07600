//! Paintings for the engine without a document.

use polyptych::diffusion::masks::LatentMask;
use polyptych::diffusion::windows::WindowWeights;
use polyptych::diffusion::{Hold, Painting, Part, PromptId, Surround};

/// Prompt `k`, also as its own negative, without guidance.
pub fn part(k: usize, mask: LatentMask, seed: u64) -> Part {
    Part {
        mask,
        prompt: PromptId(k).into(),
        negative: PromptId(k).into(),
        bootstrap_steps: 0,
        guidance: 1.0,
        guidance_input: None,
        controls: Vec::new(),
        weight: 1.0,
        seed,
    }
}

/// One window, one prompt, no guidance.
pub fn plain(height: usize, width: usize, seed: u64) -> Painting {
    Painting {
        height,
        width,
        parts: vec![part(0, LatentMask::new(height, width, &vec![1.0; height * width]), seed)],
        layouts: Vec::new(),
        seed,
        window: height.max(width),
        stride: 1,
        wrap: (false, false),
        guided_steps: 0..usize::MAX,
        window_weights: WindowWeights::Uniform,
        surround: Surround::RandomColours,
        hold: Hold::MultiDiffusion,
        factor: 8,
        batch: 4,
        savings: true,
        reuse: 1,
        init_latent: None,
        underpainting: None,
        conditions: None,
    }
}
