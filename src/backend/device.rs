//! The devices by the names that people give.

use std::{fmt, str::FromStr};

/// A device as named on the command line and in the settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Device {
    /// The processor, in f32: works everywhere.
    #[default]
    Cpu,
    /// The processor with candle's own kernels in f32: slower, and what the others are checked against.
    Candle,
    /// A graphics card: the one of this number in [`adapters`](super::wgpu::adapters), or the one that promises most.
    Wgpu {
        /// The adapter's number.
        adapter: Option<usize>,
        /// The type of its tensors.
        dtype: Dtype,
    },
}

/// The type that tensors are kept in. Sums are f32 in all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// The one that suits the device: f32 on all there are.
    #[default]
    Auto,
    /// 32 bits.
    F32,
    /// 16 bits: half the memory, and too small a range for some autoencoders.
    F16,
}

impl FromStr for Dtype {
    type Err = UnknownDtype;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "auto" => Ok(Self::Auto),
            "f32" => Ok(Self::F32),
            "f16" => Ok(Self::F16),
            _ => Err(UnknownDtype),
        }
    }
}

/// A type's name that this build does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("choose one of: auto, f32, f16")]
pub struct UnknownDtype;

/// A type that a device has not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} draws in f32 only; leave --dtype out, or draw on a graphics card with --device wgpu")]
pub struct NoSuchDtype(Device);

impl Device {
    /// The graphics card of this number, in the type that suits it.
    #[must_use]
    pub const fn card(number: usize) -> Self {
        Self::Wgpu { adapter: Some(number), dtype: Dtype::Auto }
    }

    /// The same device with tensors of this type.
    ///
    /// # Errors
    /// If it has none such.
    pub fn with_dtype(self, dtype: Dtype) -> Result<Self, NoSuchDtype> {
        match self {
            Self::Wgpu { adapter, .. } => Ok(Self::Wgpu { adapter, dtype }),
            Self::Cpu | Self::Candle if dtype == Dtype::F16 => Err(NoSuchDtype(self)),
            Self::Cpu | Self::Candle => Ok(self),
        }
    }
}

/// A device name that this build does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown device `{0}`: say auto, cpu, candle, wgpu, or wgpu:N with a number that `polyptych devices` lists")]
pub struct UnknownDevice(pub String);

impl FromStr for Device {
    type Err = UnknownDevice;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let wgpu = |adapter| Self::Wgpu { adapter, dtype: Dtype::Auto };
        let number = || name.strip_prefix("wgpu:").and_then(|number| number.parse().ok());
        match name {
            "auto" | "cpu" => Ok(Self::Cpu),
            "candle" => Ok(Self::Candle),
            "wgpu" => Ok(wgpu(None)),
            _ => match number() {
                Some(number) => Ok(wgpu(Some(number))),
                None => Err(UnknownDevice(name.chars().take(40).collect())),
            },
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Candle => f.write_str("candle"),
            Self::Wgpu { adapter: None, .. } => f.write_str("wgpu"),
            Self::Wgpu { adapter: Some(number), .. } => write!(f, "wgpu:{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_read_back_from_its_name() {
        let cards = [None, Some(0), Some(12)].map(|adapter| Device::Wgpu { adapter, dtype: Dtype::Auto });
        for device in [Device::Cpu, Device::Candle].into_iter().chain(cards) {
            assert_eq!(device.to_string().parse(), Ok(device));
        }
        assert_eq!("auto".parse(), Ok(Device::Cpu));
    }

    #[test]
    fn only_a_graphics_card_takes_16_bits() {
        let card = Device::Wgpu { adapter: Some(1), dtype: Dtype::Auto };
        assert_eq!(card.with_dtype(Dtype::F16), Ok(Device::Wgpu { adapter: Some(1), dtype: Dtype::F16 }));
        assert_eq!(Device::Cpu.with_dtype(Dtype::F32), Ok(Device::Cpu));
        let error = Device::Cpu.with_dtype(Dtype::F16).unwrap_err();
        assert!(error.to_string().starts_with("cpu draws in f32 only"), "{error}");
    }

    #[test]
    fn an_unknown_device_is_told_with_those_there_are() {
        for name in ["cuda", "wgpu:", "wgpu:x", "wgpu:-1", "wgpu 1", "WGPU", ""] {
            let error = name.parse::<Device>().unwrap_err();
            assert!(error.to_string().contains("auto, cpu, candle, wgpu"), "{error}");
        }
    }
}
