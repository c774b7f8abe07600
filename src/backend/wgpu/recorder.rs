//! Dispatches recorded by the operators, gathered into submissions.
//!
//! A submission is cut where it would take long by the rate measured so far: the screen is drawn between submissions, a drawing
//! is cancelled between them, and a system takes the card away from a program that holds it for seconds. While kernels are still
//! being made, dispatches are only gathered, so that those of a network's first call are made side by side.
//!
//! After a cancel, nothing more is recorded or handed over. What had been recorded stays (less than one submission of it, or in a
//! network's first call [`LENGTH`] dispatches): it runs before the next operator, so that a tensor that an earlier operator
//! returned holds its values all the same.

use super::clock::Clock;
use super::gpu::{Gpu, locked};
use super::pipelines::Making;
use super::{Error, Manners, Result};
use crate::backend::Interrupt;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Seconds of work that a submission should be beside a window, and where there is none.
const BESIDE_WINDOW: f64 = 0.008;
const ALONE: f64 = 0.05;
/// Seconds of work that a single dispatch should be at most.
const DISPATCH: f64 = 0.03;
/// Dispatches of a submission at most, however short they are.
pub(super) const LENGTH: usize = 512;
/// Submissions that the device has at a time.
const IN_FLIGHT: usize = 2;

/// One dispatch.
#[derive(Debug)]
pub(super) struct Step {
    pub operator: &'static str,
    pub pipeline: Arc<Making>,
    pub bound: wgpu::BindGroup,
    /// Sizes, as the text's struct has them.
    pub words: Vec<u8>,
    pub groups: [u32; 3],
    /// Operations, roughly.
    pub work: f64,
}

/// Dispatches of one submission, with the pipelines they have been waiting for.
pub(super) type Piece<'a> = [(&'a Step, &'a wgpu::ComputePipeline)];

impl Step {
    pub(super) fn encode(&self, pipeline: &wgpu::ComputePipeline, pass: &mut wgpu::ComputePass<'_>) {
        let [x, y, z] = self.groups;
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, &self.bound, &[]);
        pass.set_immediates(0, &self.words);
        pass.dispatch_workgroups(x, y, z);
    }
}

/// Bytes to be read, and the buffers that they are copied to.
type Copies<'a> = [(&'a wgpu::Buffer, wgpu::Buffer)];

#[derive(Debug)]
pub(super) struct Recorder {
    gpu: Arc<Gpu>,
    state: Mutex<State>,
    /// Operations a second that are assumed at least.
    slowest: f64,
    /// Seconds of work that a submission should be.
    submission: f64,
    interrupt: Interrupt,
}

#[derive(Debug)]
struct State {
    steps: Vec<Step>,
    /// Operations of the steps.
    work: f64,
    /// Pipelines among the steps that are still being made.
    unmade: Vec<Arc<Making>>,
    flying: VecDeque<Flight>,
    /// Operations a second, measured.
    rate: f64,
    /// The end of the submission before.
    done: Instant,
    /// The first submission since the device was last idle.
    busy: Instant,
    /// Operations handed over since then.
    operations: f64,
    /// Set where operators are timed.
    clock: Option<Clock>,
}

#[derive(Debug)]
struct Flight {
    index: wgpu::SubmissionIndex,
    work: f64,
    since: Instant,
}

impl Recorder {
    pub(super) fn new(gpu: Arc<Gpu>, slowest: f64, manners: &Manners) -> Self {
        let now = Instant::now();
        let state = State {
            steps: Vec::new(),
            work: 0.0,
            unmade: Vec::new(),
            flying: VecDeque::new(),
            rate: slowest,
            done: now,
            busy: now,
            operations: 0.0,
            clock: None,
        };
        let submission = if manners.window { BESIDE_WINDOW } else { ALONE };
        Self { gpu, state: Mutex::new(state), slowest, submission, interrupt: manners.interrupt.clone() }
    }

    /// Fails where the drawing was cancelled or anything has gone wrong.
    pub(super) fn check(&self, operator: &'static str) -> Result<()> {
        self.interrupt.check()?;
        self.gpu.check(operator)
    }

    /// Work that one dispatch should be at most.
    pub(super) fn largest(&self) -> f64 {
        locked(&self.state).rate * DISPATCH
    }

    /// Measures from now on the seconds that the card spends for each operator; submissions then wait for each other. False
    /// where the card has no clock.
    pub(super) fn time(&self) -> bool {
        let clock = Clock::new(&self.gpu);
        let found = clock.is_some();
        locked(&self.state).clock = clock;
        found
    }

    /// The seconds of each operator since this was last asked.
    pub(super) fn seconds(&self) -> BTreeMap<&'static str, f64> {
        let mut state = locked(&self.state);
        state.clock.as_mut().map(|clock| std::mem::take(&mut clock.seconds)).unwrap_or_default()
    }

    /// Appends a dispatch; it runs after all before it.
    pub(super) fn push(&self, step: Step) -> Result<()> {
        let operator = step.operator;
        self.check(operator)?;
        let mut state = locked(&self.state);
        state.work += step.work;
        if !step.pipeline.is_made() {
            state.unmade.push(Arc::clone(&step.pipeline));
        }
        state.steps.push(step);
        let due = state.work > state.rate * self.submission;
        if state.steps.len() >= LENGTH || due && state.is_made() {
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
            if let Err(error) = self.check(operator).and_then(|()| self.land(operator, &mut state)) {
                // The time since then says nothing of the rate.
                state.operations = 0.0;
                return Err(error);
            }
        }
        // Over so many submissions, the way there and back counts little.
        let operations = std::mem::take(&mut state.operations);
        if operations > state.rate * self.submission {
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

    /// Hands over all steps in submissions of the right length, and copies after the last.
    fn submit_to(&self, operator: &'static str, state: &mut State, copies: &Copies<'_>) -> Result<()> {
        let mut refused = Ok(());
        loop {
            self.check(operator)?;
            let length = state.length(self.submission);
            let later = state.steps.split_off(length);
            let steps = std::mem::replace(&mut state.steps, later);
            let copies = if state.steps.is_empty() { copies } else { &[] };
            // A dispatch whose kernel cannot be made is left out; the others' results are right without it.
            let mut piece = Vec::new();
            for step in &steps {
                match step.pipeline.get() {
                    Ok(pipeline) => piece.push((step, pipeline)),
                    Err(message) => {
                        let message = message.clone();
                        refused = refused.and(Err(Error::Device { operator: step.operator, message }));
                    }
                }
            }
            self.hand_over(operator, state, &piece, copies)?;
            if state.steps.is_empty() {
                break;
            }
        }
        state.work = 0.0;
        state.unmade.clear();
        refused
    }

    /// Dispatches that have not been handed over.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        locked(&self.state).steps.len()
    }

    /// One submission.
    fn hand_over(
        &self,
        operator: &'static str,
        state: &mut State,
        piece: &Piece<'_>,
        copies: &Copies<'_>,
    ) -> Result<()> {
        let mut encoder = self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        match &state.clock {
            Some(clock) => clock.encode(&mut encoder, piece),
            None if piece.is_empty() => {}
            None => {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                piece.iter().for_each(|(step, pipeline)| step.encode(pipeline, &mut pass));
            }
        }
        for (source, copy) in copies {
            encoder.copy_buffer_to_buffer(source, 0, copy, 0, copy.size());
        }
        let index = self.gpu.queue.submit([encoder.finish()]);
        let work = piece.iter().map(|(step, _)| step.work).sum();
        if state.operations == 0.0 {
            state.busy = Instant::now();
        }
        state.operations += work;
        if let Some(clock) = &mut state.clock {
            clock.add(&self.gpu, operator, index.clone(), piece)?;
        }
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
        if seconds > 2.0 * self.submission {
            state.rate = state.rate.min(work / seconds).max(self.slowest);
        }
        Ok(())
    }
}

impl State {
    /// Whether all pipelines of the steps are made.
    fn is_made(&mut self) -> bool {
        self.unmade.retain(|pipeline| !pipeline.is_made());
        self.unmade.is_empty()
    }

    /// Steps that make a submission of so many seconds.
    fn length(&self, seconds: f64) -> usize {
        let mut work = 0.0;
        let over = |step: &Step| {
            work += step.work;
            work > self.rate * seconds
        };
        let length = self.steps.iter().position(over).map_or(self.steps.len(), |last| last + 1);
        length.min(LENGTH)
    }
}
