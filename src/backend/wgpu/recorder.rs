//! Dispatches recorded by the operators, gathered into submissions.
//!
//! A submission is cut where it would take long by the rate measured so far: the screen is drawn between submissions, and a
//! system takes the card away from a program that holds it for seconds.

use super::Result;
use super::gpu::{Gpu, locked};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Seconds of work that a submission should be, and a single dispatch at most.
const SUBMISSION: f64 = 0.008;
const DISPATCH: f64 = 0.03;
/// Dispatches of a submission at most, however short they are.
const LENGTH: usize = 512;
/// Submissions that the device has at a time.
const IN_FLIGHT: usize = 2;

/// One dispatch.
#[derive(Debug)]
pub(super) struct Step {
    pub pipeline: wgpu::ComputePipeline,
    pub bound: wgpu::BindGroup,
    /// Sizes, as the text's struct has them.
    pub words: Vec<u8>,
    pub groups: [u32; 3],
    /// Operations, roughly.
    pub work: f64,
}

#[derive(Debug)]
pub(super) struct Recorder {
    gpu: Arc<Gpu>,
    state: Mutex<State>,
    /// Operations a second that are assumed at least.
    slowest: f64,
}

#[derive(Debug)]
struct State {
    steps: Vec<Step>,
    work: f64,
    flying: VecDeque<Flight>,
    /// Operations a second, measured.
    rate: f64,
    /// The end of the submission before.
    done: Instant,
    /// The first submission since the device was last idle.
    busy: Instant,
    /// Operations handed over since then.
    operations: f64,
}

#[derive(Debug)]
struct Flight {
    index: wgpu::SubmissionIndex,
    work: f64,
    since: Instant,
}

impl Recorder {
    pub(super) fn new(gpu: Arc<Gpu>, slowest: f64) -> Self {
        let now = Instant::now();
        let (steps, flying) = (Vec::new(), VecDeque::new());
        let state = State { steps, work: 0.0, flying, rate: slowest, done: now, busy: now, operations: 0.0 };
        Self { gpu, state: Mutex::new(state), slowest }
    }

    /// Work that one dispatch should be at most.
    pub(super) fn largest(&self) -> f64 {
        locked(&self.state).rate * DISPATCH
    }

    /// Appends a dispatch; it runs after all before it.
    pub(super) fn push(&self, operator: &'static str, step: Step) -> Result<()> {
        let mut state = locked(&self.state);
        state.work += step.work;
        state.steps.push(step);
        if state.work > state.rate * SUBMISSION || state.steps.len() >= LENGTH {
            self.submit_to(operator, &mut state, &[])?;
        }
        Ok(())
    }

    /// Hands over what has been recorded.
    pub(super) fn submit(&self, operator: &'static str) -> Result<()> {
        let mut state = locked(&self.state);
        if state.steps.is_empty() { Ok(()) } else { self.submit_to(operator, &mut state, &[]) }
    }

    /// Hands over what has been recorded, and waits until all is done.
    pub(super) fn finish(&self, operator: &'static str) -> Result<()> {
        self.submit(operator)?;
        let mut state = locked(&self.state);
        while !state.flying.is_empty() {
            self.land(operator, &mut state)?;
        }
        // Over so many submissions, the way there and back counts little.
        let operations = std::mem::take(&mut state.operations);
        if operations > state.rate * SUBMISSION {
            state.rate = (operations / state.busy.elapsed().as_secs_f64().max(1e-4)).max(self.slowest);
        }
        Ok(())
    }

    /// The first bytes of some buffers, once all that was recorded is done.
    pub(super) fn read(&self, operator: &'static str, sources: &[(&wgpu::Buffer, u64)]) -> Result<Vec<Vec<u8>>> {
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let copies: Vec<(&wgpu::Buffer, wgpu::Buffer)> = sources
            .iter()
            .map(|&(source, bytes)| {
                let size = bytes.next_multiple_of(wgpu::COPY_BUFFER_ALIGNMENT);
                let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
                (source, self.gpu.device.create_buffer(&descriptor))
            })
            .collect();
        self.submit_to(operator, &mut locked(&self.state), &copies)?;
        for (_, copy) in &copies {
            copy.map_async(wgpu::MapMode::Read, .., |_| ());
        }
        self.finish(operator)?;
        let bytes = |((_, copy), (_, bytes)): (&(&wgpu::Buffer, wgpu::Buffer), &(&wgpu::Buffer, u64))| {
            let view = copy.get_mapped_range(..);
            let view = view.map_err(|error| super::failure(operator, &error))?;
            Ok(view.iter().copied().take(*bytes as usize).collect())
        };
        copies.iter().zip(sources).map(bytes).collect()
    }

    fn submit_to(
        &self,
        operator: &'static str,
        state: &mut State,
        copies: &[(&wgpu::Buffer, wgpu::Buffer)],
    ) -> Result<()> {
        self.gpu.check(operator)?;
        let mut encoder = self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        if !state.steps.is_empty() {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            for Step { pipeline, bound, words, groups: [x, y, z], .. } in state.steps.drain(..) {
                pass.set_pipeline(&pipeline);
                pass.set_bind_group(0, &bound, &[]);
                pass.set_immediates(0, &words);
                pass.dispatch_workgroups(x, y, z);
            }
        }
        for (source, copy) in copies {
            encoder.copy_buffer_to_buffer(source, 0, copy, 0, copy.size());
        }
        let index = self.gpu.queue.submit([encoder.finish()]);
        let work = std::mem::take(&mut state.work);
        if state.operations == 0.0 {
            state.busy = Instant::now();
        }
        state.operations += work;
        state.flying.push_back(Flight { index, work, since: Instant::now() });
        while state.flying.len() > IN_FLIGHT {
            self.land(operator, state)?;
        }
        self.gpu.check(operator)
    }

    /// Waits for the oldest submission. One that took far longer than it should makes the following ones shorter.
    fn land(&self, operator: &'static str, state: &mut State) -> Result<()> {
        let Some(Flight { index, work, since }) = state.flying.pop_front() else { return Ok(()) };
        self.gpu.wait(operator, Some(index))?;
        let now = Instant::now();
        let seconds = now.duration_since(since.max(state.done)).as_secs_f64();
        state.done = now;
        if seconds > 2.0 * SUBMISSION {
            state.rate = state.rate.min(work / seconds).max(self.slowest);
        }
        Ok(())
    }
}
