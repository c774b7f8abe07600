//! The devices by the names that people give.

use polyptych_kernels::{Half, Set};
use std::{fmt, str::FromStr};

/// A device as named on the command line and in the settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Device {
    /// The fastest by measurement; [`Devices::choose`](super::choice::Devices::choose) says which that is.
    #[default]
    Auto,
    /// The processor, in f32: works everywhere.
    Cpu,
    /// The processor, with the operands of products rounded to 16 bits: faster where it has instructions for them.
    CpuIn(Half),
    /// The processor with candle's own kernels in f32: slower, and what the others are checked against.
    Candle,
    /// A graphics card: the one of this number in [`adapters`](super::wgpu::adapters), or the one that promises most.
    Wgpu {
        /// The adapter's number.
        adapter: Option<usize>,
        /// The type of its tensors.
        dtype: Dtype,
    },
    /// NVIDIA's card of this number through candle, in a program that is built with the feature `cuda`.
    Cuda {
        /// The card's number in CUDA's order.
        number: usize,
        /// The type of its tensors.
        dtype: Dtype,
    },
    /// Apple's card through candle, in a program that is built with the feature `metal`.
    Metal {
        /// The type of its tensors.
        dtype: Dtype,
    },
}

/// The type that tensors are kept in. Sums are f32 in all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// The faster one that the device computes right in; bf16 on CUDA and Metal.
    #[default]
    Auto,
    /// 32 bits.
    F32,
    /// 16 bits: half the memory, and too small a range for some autoencoders.
    F16,
    /// The upper 16 bits of f32: all of its range, with three digits.
    Bf16,
}

impl FromStr for Dtype {
    type Err = UnknownDtype;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "auto" => Ok(Self::Auto),
            "f32" => Ok(Self::F32),
            "f16" => Ok(Self::F16),
            "bf16" => Ok(Self::Bf16),
            _ => Err(UnknownDtype),
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        })
    }
}

/// A type's name that this build does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("choose one of: auto, f32, f16, bf16")]
pub struct UnknownDtype;

/// A type that a device has not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{device} draws in {these}")]
pub struct NoSuchDtype {
    device: Device,
    /// Its types, and what to do.
    these: String,
}

impl Device {
    /// The graphics card of this number, in the type that suits it.
    #[must_use]
    pub const fn card(number: usize) -> Self {
        Self::Wgpu { adapter: Some(number), dtype: Dtype::Auto }
    }

    /// True for the processor with this program's own kernels.
    #[must_use]
    pub const fn is_processor(self) -> bool {
        matches!(self, Self::Cpu | Self::CpuIn(_))
    }

    /// The same device with tensors of this type. The automatic choice depends on the type, so it stays open.
    ///
    /// # Errors
    /// If it has none such.
    pub fn with_dtype(self, dtype: Dtype) -> Result<Self, NoSuchDtype> {
        let no_such = |these: &str| NoSuchDtype { device: self, these: these.to_owned() };
        let narrow = |half| {
            if Set::best_in(half).is_some() {
                return Ok(Self::CpuIn(half));
            }
            let other = [Half::F16, Half::Bf16].into_iter().find(|&half| Set::best_in(half).is_some());
            let these = other.map_or("f32 only".to_owned(), |other| format!("f32 and {other}"));
            Err(NoSuchDtype {
                device: Self::Cpu,
                these: format!("{these}: this processor has no instructions for {half}"),
            })
        };
        match (self, dtype) {
            (Self::Wgpu { adapter, .. }, Dtype::Auto | Dtype::F32 | Dtype::F16) => Ok(Self::Wgpu { adapter, dtype }),
            (Self::Cuda { number, .. }, _) => Ok(Self::Cuda { number, dtype }),
            (Self::Metal { .. }, _) => Ok(Self::Metal { dtype }),
            (Self::Auto, _) | (Self::Cpu | Self::Candle, Dtype::Auto | Dtype::F32) => Ok(self),
            (Self::CpuIn(_), Dtype::F32) => Ok(Self::Cpu),
            (Self::CpuIn(half), Dtype::Auto) => narrow(half),
            (Self::Cpu | Self::CpuIn(_), Dtype::F16) => narrow(Half::F16),
            (Self::Cpu | Self::CpuIn(_), Dtype::Bf16) => narrow(Half::Bf16),
            (Self::Wgpu { .. }, Dtype::Bf16) => Err(no_such("f32 and f16; bf16 is for cpu, cuda and metal")),
            (Self::Candle, Dtype::F16 | Dtype::Bf16) => {
                Err(no_such("f32 only; leave --dtype out, or draw with --device cpu or wgpu"))
            }
        }
    }
}

/// A device name that this build does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown device `{0}`: say auto, cpu, candle, wgpu, cuda or metal; cpu:f32, cpu:f16 or cpu:bf16; or wgpu:N or cuda:N with a number that `polyptych devices` lists"
)]
pub struct UnknownDevice(pub String);

impl FromStr for Device {
    type Err = UnknownDevice;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let wgpu = |adapter| Self::Wgpu { adapter, dtype: Dtype::Auto };
        let number = |kind| name.strip_prefix(kind).and_then(|number| number.parse().ok());
        match name {
            "auto" => Ok(Self::Auto),
            "cpu" | "cpu:f32" => Ok(Self::Cpu),
            "cpu:f16" => Ok(Self::CpuIn(Half::F16)),
            "cpu:bf16" => Ok(Self::CpuIn(Half::Bf16)),
            "candle" => Ok(Self::Candle),
            "wgpu" => Ok(wgpu(None)),
            "cuda" => Ok(Self::Cuda { number: 0, dtype: Dtype::Auto }),
            "metal" => Ok(Self::Metal { dtype: Dtype::Auto }),
            _ => match (number("wgpu:"), number("cuda:")) {
                (Some(number), _) => Ok(wgpu(Some(number))),
                (_, Some(number)) => Ok(Self::Cuda { number, dtype: Dtype::Auto }),
                (None, None) => Err(UnknownDevice(name.chars().take(40).collect())),
            },
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::CpuIn(half) => write!(f, "cpu:{half}"),
            Self::Candle => f.write_str("candle"),
            Self::Wgpu { adapter: None, .. } => f.write_str("wgpu"),
            Self::Wgpu { adapter: Some(number), .. } => write!(f, "wgpu:{number}"),
            Self::Cuda { number, .. } => write!(f, "cuda:{number}"),
            Self::Metal { .. } => f.write_str("metal"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_read_back_from_its_name() {
        let cards = [None, Some(0), Some(12)].map(|adapter| Device::Wgpu { adapter, dtype: Dtype::Auto });
        let cuda = [0, 3].map(|number| Device::Cuda { number, dtype: Dtype::Auto });
        let metal = Device::Metal { dtype: Dtype::Auto };
        let narrow = [Half::F16, Half::Bf16].map(Device::CpuIn);
        let others = [Device::Auto, Device::Cpu, Device::Candle, metal];
        for device in others.into_iter().chain(narrow).chain(cards).chain(cuda) {
            assert_eq!(device.to_string().parse(), Ok(device));
        }
        assert_eq!("cpu:f32".parse(), Ok(Device::Cpu));
        assert_eq!("cuda".parse(), Ok(cuda[0]));
        assert_eq!(Device::default().to_string(), "auto");
    }

    #[test]
    fn a_device_takes_the_types_that_it_has() {
        let card = Device::Wgpu { adapter: Some(1), dtype: Dtype::Auto };
        assert_eq!(card.with_dtype(Dtype::F16), Ok(Device::Wgpu { adapter: Some(1), dtype: Dtype::F16 }));
        assert_eq!(Device::Cpu.with_dtype(Dtype::F32), Ok(Device::Cpu));
        assert_eq!(Device::Auto.with_dtype(Dtype::F16), Ok(Device::Auto));
        for (half, dtype) in [(Half::F16, Dtype::F16), (Half::Bf16, Dtype::Bf16)] {
            let narrow = Device::CpuIn(half);
            assert_eq!(narrow.with_dtype(Dtype::F32), Ok(Device::Cpu));
            for named in [Device::Cpu.with_dtype(dtype), narrow.with_dtype(Dtype::Auto)] {
                match named {
                    Ok(device) => assert!(device == narrow && Set::best_in(half).is_some()),
                    Err(error) => {
                        let error = error.to_string();
                        assert!(error.starts_with("cpu draws in f32") && Set::best_in(half).is_none(), "{error}");
                    }
                }
            }
        }
        let error = Device::Candle.with_dtype(Dtype::F16).unwrap_err();
        assert!(error.to_string().starts_with("candle draws in f32 only"), "{error}");
        let error = card.with_dtype(Dtype::Bf16).unwrap_err();
        assert!(error.to_string().starts_with("wgpu:1 draws in f32 and f16"), "{error}");
        let cuda = Device::Cuda { number: 2, dtype: Dtype::Auto };
        assert_eq!(cuda.with_dtype(Dtype::Bf16), Ok(Device::Cuda { number: 2, dtype: Dtype::Bf16 }));
    }

    #[test]
    fn an_unknown_device_is_told_with_those_there_are() {
        for name in [
            "opencl", "cpu:", "cpu:f64", "cpu:0", "cuda:", "metal:0", "wgpu:", "wgpu:x", "wgpu:-1", "wgpu 1", "WGPU",
            "",
        ] {
            let error = name.parse::<Device>().unwrap_err();
            assert!(error.to_string().contains("auto, cpu, candle, wgpu"), "{error}");
        }
    }
}
