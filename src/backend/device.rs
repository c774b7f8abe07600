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
    Wgpu(Option<usize>),
}

/// A device name that this build does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown device `{0}`: say auto, cpu, candle, wgpu, or wgpu:N with a number that `polyptych devices` lists")]
pub struct UnknownDevice(pub String);

impl FromStr for Device {
    type Err = UnknownDevice;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let number = || name.strip_prefix("wgpu:").and_then(|number| number.parse().ok());
        match name {
            "auto" | "cpu" => Ok(Self::Cpu),
            "candle" => Ok(Self::Candle),
            "wgpu" => Ok(Self::Wgpu(None)),
            _ => match number() {
                Some(number) => Ok(Self::Wgpu(Some(number))),
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
            Self::Wgpu(None) => f.write_str("wgpu"),
            Self::Wgpu(Some(number)) => write!(f, "wgpu:{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_read_back_from_its_name() {
        for device in [Device::Cpu, Device::Candle, Device::Wgpu(None), Device::Wgpu(Some(0)), Device::Wgpu(Some(12))] {
            assert_eq!(device.to_string().parse(), Ok(device));
        }
        assert_eq!("auto".parse(), Ok(Device::Cpu));
    }

    #[test]
    fn an_unknown_device_is_told_with_those_there_are() {
        for name in ["cuda", "wgpu:", "wgpu:x", "wgpu:-1", "wgpu 1", "WGPU", ""] {
            let error = name.parse::<Device>().unwrap_err();
            assert!(error.to_string().contains("auto, cpu, candle, wgpu"), "{error}");
        }
    }
}
