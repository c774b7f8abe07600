//! Pipelines, each made once from its kernel's text on a thread of its own, and the bind groups that tie buffers to them.

use super::gpu::{Gpu, IMMEDIATES, locked};
use super::kept::Kept;
use super::kernels::{Kernel, Store};
use super::pool::Held;
use super::trusted::trusted;
use super::{Error, Result};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock};

/// Buffers that a kernel reads, at most.
pub(super) const MOST_INPUTS: usize = 5;
/// Bind groups that are kept: some calls of the largest networks.
const GROUPS: usize = 1 << 14;

#[derive(Debug)]
pub(super) struct Pipelines {
    maker: Arc<Maker>,
    kernels: Mutex<HashMap<(Kernel, Store), Arc<Making>>>,
    /// By the numbers of their buffers.
    groups: Mutex<HashMap<[u64; MOST_INPUTS + 1], wgpu::BindGroup>>,
}

/// All that a pipeline is made with.
#[derive(Debug)]
struct Maker {
    gpu: Arc<Gpu>,
    /// By the number of buffers that are read; the last of a group is written.
    layouts: Vec<(wgpu::BindGroupLayout, wgpu::PipelineLayout)>,
    kept: Option<Kept>,
}

/// A pipeline that is being made, or is made.
#[derive(Debug)]
pub(super) struct Making {
    maker: Arc<Maker>,
    kernel: Kernel,
    store: Store,
    made: OnceLock<Result<wgpu::ComputePipeline, String>>,
}

impl Making {
    pub(super) fn is_made(&self) -> bool {
        self.made.get().is_some()
    }

    /// The pipeline once it is made, or why it cannot be.
    pub(super) fn get(&self) -> Result<&wgpu::ComputePipeline, &String> {
        self.made.get_or_init(|| self.maker.make(self.kernel, self.store)).as_ref()
    }
}

impl Maker {
    fn make(&self, kernel: Kernel, store: Store) -> Result<wgpu::ComputePipeline, String> {
        let device = &self.gpu.device;
        let text = kernel.text(store);
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
                cache: self.kept.as_ref().map(|kept| &kept.cache),
            })
        });
        if let Some(kept) = &self.kept {
            kept.change();
        }
        made
    }
}

impl Pipelines {
    pub(super) fn new(gpu: Arc<Gpu>, kept: Option<Kept>) -> Self {
        let layouts = (0..=MOST_INPUTS).map(|inputs| layout(&gpu.device, inputs)).collect();
        let maker = Arc::new(Maker { gpu, layouts, kept });
        Self { maker, kernels: Mutex::default(), groups: Mutex::default() }
    }

    /// The kernel's pipeline for tensors of this type; a thread begins to make it where there is none yet.
    pub(super) fn pipeline(&self, kernel: Kernel, store: Store) -> Arc<Making> {
        let mut kernels = locked(&self.kernels);
        let making = kernels.entry((kernel, store)).or_insert_with(|| {
            let maker = Arc::clone(&self.maker);
            let making = Arc::new(Making { maker, kernel, store, made: OnceLock::new() });
            let theirs = Arc::clone(&making);
            // Whoever waits for the pipeline meets the same panic, and can be told of it.
            rayon::spawn(move || drop(catch_unwind(AssertUnwindSafe(|| theirs.get().is_ok()))));
            making
        });
        Arc::clone(making)
    }

    /// Keeps what has been made for the next start.
    pub(super) fn save(&self) {
        if let Some(kept) = &self.maker.kept {
            kept.save();
        }
    }

    /// Binds buffers to be read, and one to be written.
    pub(super) fn bind(&self, operator: &'static str, inputs: &[&Held], output: &Held) -> Result<wgpu::BindGroup> {
        let Some((layout, _)) = self.maker.layouts.get(inputs.len()) else {
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
        let group = self.maker.gpu.device.create_bind_group(&descriptor);
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
