//! Random numbers: torch's generator, so that seeds agree with other programs, and a counter-based one for everything else.

use std::f32::consts::PI as PI32;
use std::f64::consts::PI;

const N: usize = 624;
const M: usize = 397;

/// The Mersenne twister of PyTorch's CPU generator, with its conversions of 32-bit outputs to floats.
///
/// `TorchRandom::new(s)` followed by [`randn`](Self::randn) gives what `torch.manual_seed(s); torch.randn(n)` gives on
/// the CPU, to rounding (Matsumoto and Nishimura 1998 for the engine).
#[derive(Debug, Clone)]
pub struct TorchRandom {
    state: [u32; N],
    next: usize,
    /// The second normal of the last pair drawn singly; torch keeps it for the next small call.
    kept: Option<f64>,
}

impl TorchRandom {
    /// `torch.manual_seed(seed)`: the engine sees the low 32 bits.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut state = [0_u32; N];
        state[0] = (seed & 0xffff_ffff) as u32;
        for i in 1..N {
            let last = state[i - 1];
            state[i] = 1_812_433_253_u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(i as u32);
        }
        Self { state, next: N, kept: None }
    }

    fn u32(&mut self) -> u32 {
        if self.next == N {
            for i in 0..N {
                let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7fff_ffff);
                let odd = if y & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[i] = self.state[(i + M) % N] ^ (y >> 1) ^ odd;
            }
            self.next = 0;
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    fn uniform(&mut self) -> f32 {
        (self.u32() & 0x00ff_ffff) as f32 / 16_777_216.0
    }

    fn uniform_f64(&mut self) -> f64 {
        let high = u64::from(self.u32());
        let bits = ((high << 32) | u64::from(self.u32())) & ((1 << 53) - 1);
        bits as f64 / 9_007_199_254_740_992.0
    }

    /// `torch.rand(n)`: uniform in [0, 1).
    pub fn rand(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.uniform()).collect()
    }

    /// `torch.randn(n)`: standard normal values.
    pub fn randn(&mut self, n: usize) -> Vec<f32> {
        if n < 16 {
            return (0..n).map(|_| self.normal_f64() as f32).collect();
        }
        let mut out = self.rand(n);
        for block in out.chunks_exact_mut(16) {
            box_muller(block);
        }
        if !n.is_multiple_of(16) {
            let tail = &mut out[n - 16..];
            tail.fill_with(|| self.uniform());
            box_muller(tail);
        }
        out
    }

    fn normal_f64(&mut self) -> f64 {
        if let Some(kept) = self.kept.take() {
            return kept;
        }
        let u1 = self.uniform_f64();
        let u2 = self.uniform_f64();
        let radius = (-2.0 * (-u2).ln_1p()).sqrt();
        let theta = 2.0 * PI * u1;
        self.kept = Some(radius * theta.sin());
        radius * theta.cos()
    }

    /// `torch.randint(0, bound, (n,))` for bounds under 2^32.
    ///
    /// # Panics
    /// Where `bound` is 0.
    pub fn randint(&mut self, bound: u32, n: usize) -> Vec<usize> {
        (0..n).map(|_| (self.u32() % bound) as usize).collect()
    }
}

/// Turns sixteen uniforms into sixteen normals: the first eight are radii, the last eight angles.
fn box_muller(block: &mut [f32]) {
    for j in 0..8 {
        let radius = (-2.0 * (1.0 - block[j]).ln()).sqrt();
        let theta = 2.0 * PI32 * block[j + 8];
        block[j] = radius * theta.cos();
        block[j + 8] = radius * theta.sin();
    }
}

/// Purposes of draws in one run. Every key is (seed, purpose, …), so that draws for different purposes are independent.
pub(super) mod purpose {
    /// The choice of the random colour around a bootstrapping part.
    pub(in crate::diffusion) const COLOUR_CHOICE: u64 = 1;
    /// The random colours.
    pub(in crate::diffusion) const COLOUR: u64 = 2;
    /// The noise that a sampler adds.
    pub(in crate::diffusion) const STEP_NOISE: u64 = 3;
}

/// A counter-based draw of 64 bits: a function of the key, so that skipping or batching draws changes no other one
/// (SplitMix64's finaliser, Steele, Lea and Flood 2014, chained over the key).
#[must_use]
pub fn keyed(key: &[u64]) -> u64 {
    let mut hash = 0x9e37_79b9_7f4a_7c15_u64;
    for &part in key {
        hash = (hash ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^= hash >> 31;
    }
    hash
}

/// A counter-based uniform in [0, 1).
#[must_use]
pub fn keyed_uniform(key: &[u64]) -> f32 {
    (keyed(key) >> 40) as f32 / 16_777_216.0
}

/// Standard normal noise `[channels, height, width]`. Every value is a draw keyed by (seed, evaluation, channel, row, column),
/// the same whatever windows and regions there are.
#[must_use]
pub fn keyed_normals(seed: u64, evaluation: usize, channels: usize, height: usize, width: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(channels * height * width);
    for c in 0..channels {
        for y in 0..height {
            for x in 0..width {
                let bits = keyed(&[seed, purpose::STEP_NOISE, evaluation as u64, c as u64, y as u64, x as u64]);
                // Box and Muller 1958: the upper half of the draw is the radius, the lower half the angle.
                let unit = |half: u64| (half as f64 + 0.5) / 4_294_967_296.0;
                let radius = (-2.0 * unit(bits >> 32).ln()).sqrt();
                out.push((radius * (2.0 * PI * unit(bits & 0xffff_ffff)).cos()) as f32);
            }
        }
    }
    out
}
