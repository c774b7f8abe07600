//! Pipelines, each made once from its kernel's text, and the bind groups that tie buffers to them.

use super::gpu::{Gpu, IMMEDIATES, locked};
use super::kernels::{Kernel, Store};
use super::pool::Held;
use super::trusted::trusted;
use super::{Error, Result};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Buffers that a kernel reads, at most.
pub(super) const MOST_INPUTS: usize = 5;
/// Bind groups that are kept: some calls of the largest networks.
const GROUPS: usize = 1 << 14;

#[derive(Debug)]
pub(super) struct Pipelines {
    gpu: Arc<Gpu>,
    store: Store,
    /// By the number of buffers that are read; the last of a group is written.
    layouts: Vec<(wgpu::BindGroupLayout, wgpu::PipelineLayout)>,
    kernels: Mutex<HashMap<Kernel, wgpu::ComputePipeline>>,
    /// By the numbers of their buffers.
    groups: Mutex<HashMap<[u64; MOST_INPUTS + 1], wgpu::BindGroup>>,
}

impl Pipelines {
    pub(super) fn new(gpu: Arc<Gpu>, store: Store) -> Self {
        let layouts = (0..=MOST_INPUTS).map(|inputs| layout(&gpu.device, inputs)).collect();
        Self { gpu, store, layouts, kernels: Mutex::default(), groups: Mutex::default() }
    }

    pub(super) fn pipeline(&self, operator: &'static str, kernel: Kernel) -> Result<wgpu::ComputePipeline> {
        if let Some(known) = locked(&self.kernels).get(&kernel) {
            return Ok(known.clone());
        }
        let device = &self.gpu.device;
        let text = kernel.text(self.store);
        let made = self.gpu.guarded(wgpu::ErrorFilter::Validation, || {
            let module = if kernel.trusted() {
                trusted(device, text)
            } else {
                let source = wgpu::ShaderSource::Wgsl(text.into());
                device.create_shader_module(wgpu::ShaderModuleDescriptor { label: None, source })
            };
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: None,
                layout: self.layouts.get(kernel.inputs()).map(|(_, layout)| layout),
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    // Every kernel writes its workgroup memory before it reads it.
                    zero_initialize_workgroup_memory: false,
                    ..Default::default()
                },
                cache: None,
            })
        });
        let pipeline = made.map_err(|message| Error::Device { operator, message })?;
        locked(&self.kernels).insert(kernel, pipeline.clone());
        Ok(pipeline)
    }

    /// Binds buffers to be read, and one to be written.
    pub(super) fn bind(&self, operator: &'static str, inputs: &[&Held], output: &Held) -> Result<wgpu::BindGroup> {
        let Some((layout, _)) = self.layouts.get(inputs.len()) else {
            return Err(Error::Device { operator, message: format!("{} buffers are too many", inputs.len()) });
        };
        let mut key = [0; MOST_INPUTS + 1];
        key.iter_mut().zip(inputs.iter().chain([&output])).for_each(|(key, held)| *key = held.id);
        let mut groups = locked(&self.groups);
        if let Some(known) = groups.get(&key) {
            return Ok(known.clone());
        }
        if groups.len() >= GROUPS {
            groups.clear();
        }
        let buffers = inputs.iter().chain([&output]).zip(0..);
        let entries: Vec<wgpu::BindGroupEntry> = buffers
            .map(|(held, binding)| wgpu::BindGroupEntry { binding, resource: held.buffer.as_entire_binding() })
            .collect();
        let descriptor = wgpu::BindGroupDescriptor { label: None, layout, entries: &entries };
        let group = self.gpu.device.create_bind_group(&descriptor);
        groups.insert(key, group.clone());
        Ok(group)
    }

    /// Lets go of all bind groups, and with them of buffers that are used by nothing else.
    pub(super) fn unbind(&self) {
        locked(&self.groups).clear();
    }
}

fn layout(device: &wgpu::Device, inputs: usize) -> (wgpu::BindGroupLayout, wgpu::PipelineLayout) {
    let entry = |index: usize| wgpu::BindGroupLayoutEntry {
        binding: index as u32,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Storage { read_only: index < inputs },
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        count: None,
    };
    let entries: Vec<_> = (0..=inputs).map(entry).collect();
    let group = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries });
    let pipeline = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: None,
        bind_group_layouts: &[Some(&group)],
        immediate_size: IMMEDIATES,
    });
    (group, pipeline)
}
