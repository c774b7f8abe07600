//! The channels of a texture.

use eframe::wgpu;

/// Bytes per pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channels {
    /// Coverage.
    One,
    /// Red, green, blue, alpha.
    Four,
}

impl Channels {
    #[must_use]
    pub(crate) fn format(self) -> wgpu::TextureFormat {
        match self {
            Self::One => wgpu::TextureFormat::R8Unorm,
            Self::Four => wgpu::TextureFormat::Rgba8Unorm,
        }
    }
}
