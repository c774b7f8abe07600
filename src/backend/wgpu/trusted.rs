//! The few calls that wgpu marks as unsafe.

/// Bytes of the largest heap that shaders read fastest. Known through Vulkan only.
#[cfg(target_vendor = "apple")]
pub(super) fn device_memory(_: &wgpu::Adapter) -> Option<u64> {
    None
}

/// Bytes of the largest heap that shaders read fastest. Known through Vulkan only.
#[cfg(not(target_vendor = "apple"))]
#[expect(unsafe_code, reason = "wgpu hands out Vulkan's handles by an unsafe call only")]
pub(super) fn device_memory(adapter: &wgpu::Adapter) -> Option<u64> {
    /// `VK_MEMORY_HEAP_DEVICE_LOCAL_BIT`.
    const DEVICE_LOCAL: u32 = 1;
    // SAFETY: the handles live as long as the adapter, and are only asked for properties.
    let heaps = unsafe {
        let vulkan = adapter.as_hal::<wgpu::hal::api::Vulkan>()?;
        let instance = vulkan.shared_instance().raw_instance();
        instance.get_physical_device_memory_properties(vulkan.raw_physical_device())
    };
    let local = heaps.memory_heaps_as_slice().iter().filter(|heap| heap.flags.as_raw() & DEVICE_LOCAL != 0);
    local.map(|heap| heap.size).max()
}

/// The permission to open a device with matrix units, which wgpu calls experimental.
#[expect(unsafe_code, reason = "experimental features may have faults; results are compared before they are used")]
pub(super) fn experimental() -> wgpu::ExperimentalFeatures {
    // SAFETY: only cooperative matrices are asked for, and a card that computes wrong with them draws without.
    unsafe { wgpu::ExperimentalFeatures::enabled() }
}

/// A shader without the checks that naga writes into others. Matrices may only be loaded where all threads are, and checks
/// make branches.
#[expect(unsafe_code, reason = "an index that leaves its array would be undefined")]
pub(super) fn trusted(device: &wgpu::Device, text: String) -> wgpu::ShaderModule {
    let source = wgpu::ShaderSource::Wgsl(text.into());
    let descriptor = wgpu::ShaderModuleDescriptor { label: None, source };
    // SAFETY: every index of `kernels::units` is bounded by the sizes it is written or launched for, and its loops end.
    unsafe { device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked()) }
}

/// A store of compiled kernels, filled with those that one of the same adapter had.
#[expect(unsafe_code, reason = "the driver reads data that it wrote in an earlier run")]
pub(super) fn pipeline_cache(device: &wgpu::Device, data: Option<&[u8]>) -> wgpu::PipelineCache {
    let descriptor = wgpu::PipelineCacheDescriptor { label: None, data, fallback: true };
    // SAFETY: the data is whole by its sum, and wgpu compares adapter and driver before it hands the data on.
    unsafe { device.create_pipeline_cache(&descriptor) }
}
