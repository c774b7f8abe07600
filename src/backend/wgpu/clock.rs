//! Seconds that the card itself spends, by the operators that asked for them.

use super::Result;
use super::gpu::Gpu;
use super::recorder::{LENGTH, Piece};
use std::collections::BTreeMap;

/// Bytes of a point in time.
const POINT: u64 = wgpu::QUERY_SIZE as u64;

/// Points in time before and after the dispatches of each operator.
#[derive(Debug)]
pub(super) struct Clock {
    points: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    read: wgpu::Buffer,
    /// Seconds of a tick.
    tick: f64,
    pub seconds: BTreeMap<&'static str, f64>,
}

impl Clock {
    /// A clock, where the card has one.
    pub(super) fn new(gpu: &Gpu) -> Option<Self> {
        if !gpu.device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return None;
        }
        let count = 2 * LENGTH as u32;
        let ty = wgpu::QueryType::Timestamp;
        let points = gpu.device.create_query_set(&wgpu::QuerySetDescriptor { label: None, ty, count });
        let buffer = |usage| {
            let size = u64::from(count) * POINT;
            gpu.device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
        };
        let resolved = buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC);
        let read = buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
        let tick = f64::from(gpu.queue.get_timestamp_period()) * 1e-9;
        Some(Self { points, resolved, read, tick, seconds: BTreeMap::new() })
    }

    /// Encodes at most [`LENGTH`] dispatches, a pass for each run of one operator.
    pub(super) fn encode(&self, encoder: &mut wgpu::CommandEncoder, piece: &Piece<'_>) {
        let runs = piece.chunk_by(|(a, _), (b, _)| a.operator == b.operator);
        let mut count = 0;
        for (run, first) in runs.zip((0..).step_by(2)) {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: None,
                timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                    query_set: &self.points,
                    beginning_of_pass_write_index: Some(first),
                    end_of_pass_write_index: Some(first + 1),
                }),
            });
            for (step, pipeline) in run {
                step.encode(pipeline, &mut pass);
            }
            count = first + 2;
        }
        if count > 0 {
            encoder.resolve_query_set(&self.points, 0..count, &self.resolved, 0);
            encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.read, 0, u64::from(count) * POINT);
        }
    }

    /// Adds up what a submission took, once it is done.
    pub(super) fn add(
        &mut self,
        gpu: &Gpu,
        operator: &'static str,
        index: wgpu::SubmissionIndex,
        piece: &Piece<'_>,
    ) -> Result<()> {
        self.read.map_async(wgpu::MapMode::Read, .., |_| ());
        gpu.wait(operator, Some(index))?;
        {
            let view = self.read.get_mapped_range(..).map_err(|error| super::failure(operator, &error))?;
            let ticks: Vec<u64> = view.as_chunks().0.iter().map(|bytes| u64::from_ne_bytes(*bytes)).collect();
            let runs = piece.chunk_by(|(a, _), (b, _)| a.operator == b.operator);
            for (run, points) in runs.zip(ticks.as_chunks::<2>().0) {
                let Some((step, _)) = run.first() else { continue };
                let ticks = points[1].saturating_sub(points[0]);
                *self.seconds.entry(step.operator).or_default() += ticks as f64 * self.tick;
            }
        }
        self.read.unmap();
        Ok(())
    }
}
