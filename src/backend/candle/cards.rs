//! The graphics cards that candle draws on, where the program is built with them.

use super::super::{Dtype, Error, Result};
use super::Candle;

impl Candle {
    /// NVIDIA's card of this number, without a choice in bf16. Operators have kernels of our own if those compute right.
    ///
    /// # Errors
    /// If there is no such card, or it computes wrong.
    #[cfg(feature = "cuda")]
    pub fn cuda(number: usize, dtype: Dtype) -> Result<Self> {
        let plain = Self::new(super::cuda::open(number)?, float(dtype));
        let own = Self { own_kernels: true, ..plain.clone() };
        if own.check().is_ok() {
            return Ok(own);
        }
        plain.check()?;
        Ok(plain)
    }

    /// NVIDIA's card of this number.
    ///
    /// # Errors
    /// Always: this program is built without CUDA.
    #[cfg(not(feature = "cuda"))]
    pub fn cuda(_number: usize, _dtype: Dtype) -> Result<Self> {
        Err(not_built("CUDA", "cuda"))
    }

    /// Apple's graphics card, without a choice in bf16.
    ///
    /// # Errors
    /// If there is none, or it computes wrong.
    #[cfg(feature = "metal")]
    pub fn metal(dtype: Dtype) -> Result<Self> {
        let device = super::on("opening the graphics card", || candle_core::Device::new_metal(0))?;
        let this = Self::new(device, float(dtype));
        this.check()?;
        Ok(this)
    }

    /// Apple's graphics card.
    ///
    /// # Errors
    /// Always: this program is built without Metal.
    #[cfg(not(feature = "metal"))]
    pub fn metal(_dtype: Dtype) -> Result<Self> {
        Err(not_built("Metal", "metal"))
    }

    /// Fails where it computes wrong.
    #[cfg(any(feature = "cuda", feature = "metal"))]
    fn check(&self) -> Result<()> {
        use super::super::{Backend as _, truth};
        let bound = match self.dtype {
            candle_core::DType::BF16 => truth::BF16,
            candle_core::DType::F16 => truth::F16,
            // The vendor's libraries may round factors to 10 bits.
            _ => truth::TF32,
        };
        truth::check(self, &self.describe(), bound)
    }
}

/// candle's name of a type. bf16 has the range of f32, so that nothing overflows.
#[cfg(any(feature = "cuda", feature = "metal"))]
fn float(dtype: Dtype) -> candle_core::DType {
    match dtype {
        Dtype::F32 => candle_core::DType::F32,
        Dtype::F16 => candle_core::DType::F16,
        Dtype::Auto | Dtype::Bf16 => candle_core::DType::BF16,
    }
}

#[cfg(not(all(feature = "cuda", feature = "metal")))]
fn not_built(what: &str, feature: &str) -> Error {
    let message =
        format!("this program is built without {what}; draw with wgpu or cpu, or build with --features {feature}");
    Error::Device { operator: "opening the graphics card", message }
}
