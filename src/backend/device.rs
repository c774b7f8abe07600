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
}

/// A device name that this build does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown device `{0}`: this build draws on the processor only; say auto, cpu or candle")]
pub struct UnknownDevice(pub String);

impl FromStr for Device {
    type Err = UnknownDevice;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "auto" | "cpu" => Ok(Self::Cpu),
            "candle" => Ok(Self::Candle),
            _ => Err(UnknownDevice(name.chars().take(40).collect())),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Candle => f.write_str("candle"),
        }
    }
}
