//! An adapter opened: its device, its queue, and what has gone wrong with them.

use super::adapter::{Adapter, OPENING};
use super::losses::LOSSES;
use super::trusted::experimental;
use super::{Error, Result};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// The open device. Nothing of it is shared with the window.
#[derive(Debug)]
pub(super) struct Gpu {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub limits: wgpu::Limits,
    /// The side of its matrix units and the sizes that its subgroups may have, where it has such and they are open.
    pub units: Option<(u32, [u32; 2])>,
    /// The first fault. After one, no result can be trusted.
    fault: Arc<OnceLock<String>>,
}

/// Bytes of sizes that a dispatch can be given: the least that Vulkan promises.
pub(super) const IMMEDIATES: u32 = 128;

impl Gpu {
    /// Opens the adapter; with `half` for values of 16 bits too, with `units` for its matrix units where it has such.
    pub(super) fn open(adapter: &Adapter, half: bool, units: bool) -> Result<Self> {
        let fail = |message: String| {
            let message = format!("{}: {message}", adapter.name);
            Error::Device { operator: OPENING, message }
        };
        let mut features = wgpu::Features::IMMEDIATES;
        if half {
            features |= wgpu::Features::SHADER_F16;
        }
        let units = if units { square_units(&adapter.handle) } else { None };
        if units.is_some() {
            features |= UNITS;
        }
        if !adapter.handle.features().contains(features) {
            let missing = features - adapter.handle.features();
            return Err(fail(format!("has no {missing:?}; draw with cpu")));
        }
        features |= adapter.handle.features() & WELCOME;
        let limits = adapter.limits.clone();
        for (what, has, needs) in [
            ("bytes of immediates", limits.max_immediate_size, IMMEDIATES),
            ("bytes of workgroup memory", limits.max_compute_workgroup_storage_size, 16 << 10),
            ("threads a workgroup", limits.max_compute_invocations_per_workgroup, 256),
            ("storage buffers a shader", limits.max_storage_buffers_per_shader_stage, 6),
        ] {
            if has < needs {
                return Err(fail(format!("has {has} {what}, {needs} are needed; draw with cpu")));
            }
        }
        let request = adapter.handle.request_device(&wgpu::DeviceDescriptor {
            label: Some("painter"),
            required_features: features,
            required_limits: limits.clone(),
            experimental_features: if units.is_some() {
                experimental()
            } else {
                wgpu::ExperimentalFeatures::disabled()
            },
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            ..Default::default()
        });
        let (device, queue) = pollster::block_on(request).map_err(|error| fail(one_line(&error.to_string())))?;
        let fault = Arc::new(OnceLock::new());
        let (seen, key) = (Arc::clone(&fault), adapter.key());
        device.set_device_lost_callback(move |_, words| {
            LOSSES.note(&key);
            let _ = seen.set(format!("the graphics card was lost ({})", one_line(&words)));
        });
        let seen = Arc::clone(&fault);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            let _ = seen.set(one_line(&error.to_string()));
        }));
        Ok(Self { device, queue, limits, units, fault })
    }

    /// Fails where anything has gone wrong so far.
    pub(super) fn check(&self, operator: &'static str) -> Result<()> {
        match self.fault.get() {
            Some(message) => Err(Error::Device { operator, message: message.clone() }),
            None => Ok(()),
        }
    }

    /// Waits until a submission is done, or all are.
    pub(super) fn wait(&self, operator: &'static str, submission_index: Option<wgpu::SubmissionIndex>) -> Result<()> {
        let done = self.device.poll(wgpu::PollType::Wait { submission_index, timeout: None });
        self.check(operator)?;
        let Err(error) = done else { return Ok(()) };
        // A card that was lost refuses what is asked of it, and says why only when it is asked for nothing.
        let patience = Some(Duration::from_secs(1));
        let _ = self.device.poll(wgpu::PollType::Wait { submission_index: None, timeout: patience });
        self.check(operator)?;
        Err(Error::Device { operator, message: one_line(&error.to_string()) })
    }

    /// The error of what `make` asks the device for.
    pub(super) fn guarded<T>(&self, filter: wgpu::ErrorFilter, make: impl FnOnce() -> T) -> Result<T, String> {
        let scope = self.device.push_error_scope(filter);
        let made = make();
        match pollster::block_on(scope.pop()) {
            Some(error) => Err(one_line(&error.to_string())),
            None => Ok(made),
        }
    }
}

/// Features that are used where they are.
const WELCOME: wgpu::Features = wgpu::Features::PIPELINE_CACHE.union(wgpu::Features::TIMESTAMP_QUERY);

/// Features that matrix units need.
const UNITS: wgpu::Features = wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX.union(wgpu::Features::SUBGROUP);

/// The units that `kernels::units` is written for: square, f16 in, f32 sums. (Metal's are found too, but naga counts their
/// strides in values where the text has vectors, so they compute wrong and are left alone.)
pub(super) fn square_units(adapter: &wgpu::Adapter) -> Option<(u32, [u32; 2])> {
    if !adapter.features().contains(UNITS) {
        return None;
    }
    let f16 = wgpu::CooperativeScalarType::F16;
    let fits = |unit: &&wgpu::CooperativeMatrixProperties| {
        let square = unit.m_size == unit.n_size && unit.n_size == unit.k_size && matches!(unit.m_size, 8 | 16);
        square && unit.ab_type == f16 && unit.cr_type == wgpu::CooperativeScalarType::F32
    };
    let side = adapter.cooperative_matrix_properties().iter().filter(fits).map(|unit| unit.m_size).max()?;
    let info = adapter.get_info();
    Some((side, [info.subgroup_max_size, info.subgroup_min_size]))
}

/// The library's words in one line.
fn one_line(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The value behind a lock. A thread that panicked while it held the lock leaves a list or a count that is whole.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
