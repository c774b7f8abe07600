//! The memory of a graphics card, which wgpu itself does not tell.

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
