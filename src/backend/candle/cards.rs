//! The graphics cards that candle draws on, where the program is built with them.

use super::super::choice::Record;
use super::super::speed::Speed;
use super::super::{Device, Dtype, Error, Result};
use super::Candle;
use std::time::Duration;

/// A card that is drawn on through its vendor's libraries.
#[derive(Debug, Clone)]
pub struct VendorCard {
    /// Its name for `--device`.
    pub device: Device,
    /// Its name for people.
    pub name: String,
    /// Bytes of its memory, where the driver tells.
    pub memory: Option<u64>,
}

/// The cards that this program is built for.
#[must_use]
pub fn cards() -> Vec<VendorCard> {
    #[cfg_attr(not(any(feature = "cuda", feature = "metal")), expect(unused_mut, reason = "there are none"))]
    let mut cards = Vec::new();
    #[cfg(feature = "cuda")]
    for (number, (name, memory)) in super::cuda::cards().into_iter().enumerate() {
        let device = Device::Cuda { number, dtype: Dtype::Auto };
        cards.push(VendorCard { device, name: format!("{name} (CUDA)"), memory: Some(memory) });
    }
    #[cfg(feature = "metal")]
    if candle_core::Device::new_metal(0).is_ok() {
        let device = Device::Metal { dtype: Dtype::Auto };
        cards.push(VendorCard { device, name: "Metal".to_owned(), memory: None });
    }
    cards
}

/// The card of this name.
///
/// # Errors
/// If there is none such.
pub fn find(device: Device) -> Result<VendorCard> {
    let device = device.with_dtype(Dtype::Auto).unwrap_or(device);
    let missing = || Error::Device {
        operator: "opening the graphics card",
        message: format!("there is no {device} for this program; see `polyptych devices`"),
    };
    cards().into_iter().find(|card| card.device == device).ok_or_else(missing)
}

impl VendorCard {
    /// Opens it in f32 and bf16, and measures it for so long.
    ///
    /// # Errors
    /// If it cannot be opened, or fails. One that computes wrong is told in the record.
    pub(in crate::backend) fn tried(&self, limit: Duration) -> Result<Record> {
        let mut record = Record::default();
        record.f32 = self.measured(Dtype::F32, limit, &mut record.faults)?;
        record.bf16 = self.measured(Dtype::Bf16, limit, &mut record.faults)?;
        Ok(record)
    }

    fn measured(&self, dtype: Dtype, limit: Duration, faults: &mut Vec<String>) -> Result<Option<Speed>> {
        let opened = match self.device {
            Device::Cuda { number, .. } => Candle::cuda(number, dtype),
            _ => Candle::metal(dtype),
        };
        match opened {
            Ok(card) => Speed::measure(&card, limit).map(Some),
            Err(Error::Wrong { what, .. }) => {
                faults.push(format!("{what} in {dtype}"));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

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
