//! The graphics adapters of this machine, and the choice of one.

use super::trusted::device_memory;
use super::{Error, Result};
use std::fmt;

/// A graphics adapter that pictures can be drawn on.
#[derive(Debug, Clone)]
pub struct Adapter {
    /// Its place in the list: N of the device name `wgpu:N`.
    pub index: usize,
    /// The card's name.
    pub name: String,
    /// Its kind.
    pub kind: AdapterKind,
    /// The interface that it is reached through: Vulkan, Metal or DX12.
    pub api: String,
    /// Name and version of its driver, as far as they are told.
    pub driver: String,
    /// Bytes of its memory, where they are told.
    pub memory: Option<u64>,
    /// Whether it computes in f16 too.
    pub half: bool,
    pub(super) handle: wgpu::Adapter,
    /// The limits that its device is opened with.
    pub(super) limits: wgpu::Limits,
}

impl Adapter {
    /// The same adapter, of whose buffers a kernel sees at most so many bytes at a time: tests of what does not fit.
    #[doc(hidden)]
    #[must_use]
    pub fn with_binding(mut self, bytes: u64) -> Self {
        let most = &mut self.limits.max_storage_buffer_binding_size;
        *most = bytes.min(*most);
        self
    }
}

/// The kind of an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdapterKind {
    /// A card with memory of its own.
    Discrete,
    /// A part of the processor, with its memory.
    Integrated,
    /// A card seen through a virtual machine.
    Virtual,
    /// Unknown.
    Other,
    /// A program on the processor: right, and slower than drawing on the processor itself.
    Software,
}

impl fmt::Display for AdapterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discrete => "discrete",
            Self::Integrated => "integrated",
            Self::Virtual => "virtual",
            Self::Other => "other",
            Self::Software => "software",
        })
    }
}

/// The adapters of this machine in the order of their drivers; empty where there are no drivers.
#[must_use]
pub fn adapters() -> Vec<Adapter> {
    // OpenGL is left out: its drivers have no compute shaders that suffice.
    let backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = backends;
    descriptor.flags = wgpu::InstanceFlags::empty();
    // Buffers are refused before the system begins to move memory about.
    descriptor.memory_budget_thresholds.for_resource_creation = Some(95);
    let instance = wgpu::Instance::new(descriptor);
    let mut found = pollster::block_on(instance.enumerate_adapters(backends));
    // DX12's default compiler knows neither f16 nor subgroups: a card is reached through it only where Vulkan does not.
    let others: Vec<(u32, u32)> = found.iter().filter_map(|adapter| identity(adapter, false)).collect();
    found.retain(|adapter| identity(adapter, true).is_none_or(|card| !others.contains(&card)));
    found.into_iter().enumerate().map(|(index, handle)| describe(index, handle)).collect()
}

/// Vendor and device of an adapter that is reached through DX12, or one that is not.
fn identity(adapter: &wgpu::Adapter, dx12: bool) -> Option<(u32, u32)> {
    let info = adapter.get_info();
    ((info.backend == wgpu::Backend::Dx12) == dx12).then_some((info.vendor, info.device))
}

fn describe(index: usize, handle: wgpu::Adapter) -> Adapter {
    let info = handle.get_info();
    let kind = match info.device_type {
        wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
        wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
        wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
        wgpu::DeviceType::Cpu => AdapterKind::Software,
        wgpu::DeviceType::Other => AdapterKind::Other,
    };
    let api = match info.backend {
        wgpu::Backend::Vulkan => "Vulkan".to_owned(),
        wgpu::Backend::Metal => "Metal".to_owned(),
        wgpu::Backend::Dx12 => "DX12".to_owned(),
        other => format!("{other:?}"),
    };
    let driver = format!("{} {}", info.driver, info.driver_info).trim().to_owned();
    let half = handle.features().contains(wgpu::Features::SHADER_F16);
    // (A program on the processor has no memory of its own; some drivers name any number.)
    let memory = if kind == AdapterKind::Software { None } else { device_memory(&handle) };
    let limits = handle.limits();
    Adapter { index, name: info.name, kind, api, driver, memory, half, handle, limits }
}

/// The adapter of this number, or without one the one that promises most: a card of its own before a part of the processor.
pub(in crate::backend) fn choose(number: Option<usize>) -> Result<Adapter> {
    let mut all = adapters();
    let names: Vec<String> = all.iter().map(|adapter| format!("wgpu:{} {}", adapter.index, adapter.name)).collect();
    let order = [
        AdapterKind::Discrete,
        AdapterKind::Integrated,
        AdapterKind::Virtual,
        AdapterKind::Other,
        AdapterKind::Software,
    ];
    let chosen = match number {
        Some(number) => (number < all.len()).then_some(number),
        None => order.iter().find_map(|kind| all.iter().position(|adapter| adapter.kind == *kind)),
    };
    chosen.map(|index| all.swap_remove(index)).ok_or_else(|| Error::Device {
        operator: OPENING,
        message: match (number, names.is_empty()) {
            (_, true) => "this machine has no graphics adapter with a driver; draw with cpu".to_owned(),
            (Some(number), _) => format!("there is no wgpu:{number}, only {}", names.join(", ")),
            (None, _) => format!("choose one of {}", names.join(", ")),
        },
    })
}

/// The operator that messages name.
pub(in crate::backend) const OPENING: &str = "opening the graphics card";
