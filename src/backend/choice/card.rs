//! Graphics cards by any of the ways to them.

use super::Record;
use crate::backend::candle::{self, VendorCard};
use crate::backend::wgpu::{self, Adapter, AdapterKind, adapters};
use crate::backend::{Device, Result};
use std::time::Duration;

/// A graphics card by one of the ways to it; a card is there once for each way.
#[derive(Debug, Clone)]
pub enum Card {
    /// Through wgpu.
    Adapter(Box<Adapter>),
    /// Through its vendor's libraries, in a program that is built with them.
    Vendor(VendorCard),
}

impl Card {
    /// The cards of this machine. Drivers take their time.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let adapters = adapters().into_iter().map(|adapter| Self::Adapter(Box::new(adapter)));
        adapters.chain(candle::cards().into_iter().map(Self::Vendor)).collect()
    }

    /// The one that a device names.
    pub(super) fn of(device: Device) -> Result<Self> {
        Ok(match device {
            Device::Wgpu { adapter, .. } => Self::Adapter(Box::new(wgpu::find(adapter)?)),
            other => Self::Vendor(candle::find(other)?),
        })
    }

    /// Its name for people.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Adapter(adapter) => &adapter.name,
            Self::Vendor(card) => &card.name,
        }
    }

    /// Its name for `--device`, in the type that suits it.
    #[must_use]
    pub fn device(&self) -> Device {
        match self {
            Self::Adapter(adapter) => Device::card(adapter.index),
            Self::Vendor(card) => card.device,
        }
    }

    /// Bytes of its memory, where the driver tells.
    #[must_use]
    pub fn memory(&self) -> Option<u64> {
        match self {
            Self::Adapter(adapter) => adapter.memory,
            Self::Vendor(card) => card.memory,
        }
    }

    /// True for a program on the processor, which is never faster than the processor's own kernels.
    #[must_use]
    pub fn is_software(&self) -> bool {
        matches!(self, Self::Adapter(adapter) if adapter.kind == AdapterKind::Software)
    }

    /// The number of times that it was lost in this session.
    pub(super) fn losses(&self) -> u32 {
        match self {
            Self::Adapter(adapter) => adapter.losses(),
            Self::Vendor(_) => 0,
        }
    }

    /// The name that its record is kept by.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Adapter(adapter) => adapter.key(),
            Self::Vendor(card) => format!("{}, {}", card.name, card.device),
        }
    }

    /// Opens it in each of its types and measures it for so long.
    pub(super) fn tried(&self, limit: Duration) -> Result<Record> {
        match self {
            Self::Adapter(adapter) => adapter.tried(limit),
            Self::Vendor(card) => card.tried(limit),
        }
    }
}
