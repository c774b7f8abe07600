//! Buffers of the device, counted against a budget, and kept for the next tensor of their size.

use super::gpu::{Gpu, locked};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Buffers are this many bytes or a multiple: sizes repeat more often, and reads by fours stay inside.
const GRAIN: u64 = 256;
/// Downloads for which a buffer that nothing uses is kept.
const PATIENCE: u64 = 8;

/// The buffers. A network asks for the same sizes in every step, so after the first hardly any is made.
#[derive(Debug)]
pub(super) struct Pool {
    gpu: Arc<Gpu>,
    budget: u64,
    state: Mutex<State>,
    /// Set when a buffer has gone that others may still hold for it.
    gone: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes of tensors and weights.
    held: u64,
    /// Bytes of buffers that wait for a tensor.
    idle: u64,
    free: HashMap<u64, Vec<Idle>>,
    age: u64,
    last_id: u64,
    /// Bytes that would have been held, and those that may be, at the last refusal.
    refused: Option<[u64; 2]>,
}

#[derive(Debug)]
struct Idle {
    buffer: wgpu::Buffer,
    id: u64,
    age: u64,
}

/// A buffer in use, which returns to its pool.
#[derive(Debug)]
pub(super) struct Held {
    pub buffer: wgpu::Buffer,
    /// Another one for every buffer.
    pub id: u64,
    bytes: u64,
    weight: bool,
    pool: Arc<Pool>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = locked(&self.pool.state);
        state.held -= self.bytes;
        if self.weight {
            self.pool.gone.store(true, Ordering::Relaxed);
            return;
        }
        state.idle += self.bytes;
        let idle = Idle { buffer: self.buffer.clone(), id: self.id, age: state.age };
        state.free.entry(self.bytes).or_default().push(idle);
    }
}

impl Pool {
    pub(super) fn new(gpu: Arc<Gpu>, budget: u64) -> Arc<Self> {
        Arc::new(Self { gpu, budget, state: Mutex::default(), gone: AtomicBool::new(false) })
    }

    /// A buffer of at least so many bytes, with any values in it; `None` where the budget, the device or the size of a binding
    /// leaves no room. Weights stay for long, and are made anew.
    pub(super) fn take(self: &Arc<Self>, bytes: usize, weight: bool) -> Option<Held> {
        let bytes = u64::try_from(bytes).ok()?.max(1).checked_next_multiple_of(GRAIN)?;
        let most = self.gpu.limits.max_storage_buffer_binding_size.min(self.gpu.limits.max_buffer_size);
        let mut state = locked(&self.state);
        if bytes > most {
            state.refused = Some([bytes, most]);
            return None;
        }
        let found = if weight { None } else { state.free.get_mut(&bytes).and_then(Vec::pop) };
        let (buffer, id) = if let Some(Idle { buffer, id, .. }) = found {
            state.idle -= bytes;
            (buffer, id)
        } else {
            let wanted = state.held + bytes;
            if state.idle + wanted > self.budget {
                state.refused = Some([wanted, self.budget]);
                return None;
            }
            let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
            let descriptor = wgpu::BufferDescriptor { label: None, size: bytes, usage, mapped_at_creation: false };
            let made = self.gpu.guarded(wgpu::ErrorFilter::OutOfMemory, || self.gpu.device.create_buffer(&descriptor));
            let Ok(buffer) = made else {
                state.refused = Some([wanted, state.held]);
                return None;
            };
            state.last_id += 1;
            (buffer, state.last_id)
        };
        state.held += bytes;
        drop(state);
        Some(Held { buffer, id, bytes, weight, pool: Arc::clone(self) })
    }

    /// Bytes that would have been held, and those that may be, at the last refusal.
    pub(super) fn refused(&self) -> Option<[u64; 2]> {
        locked(&self.state).refused
    }

    /// Bytes that tensors may still take.
    pub(super) fn room(&self) -> u64 {
        self.budget.saturating_sub(locked(&self.state).held)
    }

    /// Lets go of buffers that nothing has used for a while. Called once a download.
    pub(super) fn grow_older(&self) {
        let mut state = locked(&self.state);
        state.age += 1;
        let oldest = state.age.saturating_sub(PATIENCE);
        self.keep(&mut state, |idle| idle.age >= oldest);
    }

    /// Lets go of all buffers that nothing uses.
    pub(super) fn trim(&self) {
        self.keep(&mut locked(&self.state), |_| false);
    }

    fn keep(&self, state: &mut State, keep: impl Fn(&Idle) -> bool) {
        let mut idle = 0;
        for (bytes, list) in &mut state.free {
            let before = list.len();
            list.retain(&keep);
            if list.len() < before {
                self.gone.store(true, Ordering::Relaxed);
            }
            idle += bytes * list.len() as u64;
        }
        state.idle = idle;
    }

    /// Whether buffers have gone since this was last asked.
    pub(super) fn some_gone(&self) -> bool {
        self.gone.swap(false, Ordering::Relaxed)
    }
}
