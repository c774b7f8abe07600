//! The one array type of the engine: a batch of images made of planes.

/// `count` images of `channels` planes of `height` × `width` values, in that order (NCHW), contiguous.
#[derive(Debug, Clone, PartialEq)]
pub struct Planes {
    /// Images.
    pub count: usize,
    /// Planes of each image.
    pub channels: usize,
    /// Rows of a plane.
    pub height: usize,
    /// Columns of a plane.
    pub width: usize,
    /// The values.
    pub data: Vec<f32>,
}

impl Planes {
    /// Images of zeros.
    #[must_use]
    pub fn zeros(count: usize, channels: usize, height: usize, width: usize) -> Self {
        Self { count, channels, height, width, data: vec![0.0; count * channels * height * width] }
    }

    /// The first `channels` planes of every image.
    #[must_use]
    pub fn of_channels(&self, channels: usize) -> Self {
        let len = channels * self.plane_len();
        let images = (0..self.count).flat_map(|index| self.image(index).iter().take(len));
        Self { channels, data: images.copied().collect(), ..*self }
    }

    /// Values of one image: `channels * height * width`.
    #[must_use]
    pub fn image_len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Values of one plane: `height * width`.
    #[must_use]
    pub fn plane_len(&self) -> usize {
        self.height * self.width
    }

    /// The values of image `index`.
    ///
    /// # Panics
    /// Where there is no such image.
    #[must_use]
    pub fn image(&self, index: usize) -> &[f32] {
        let len = self.image_len();
        &self.data[index * len..(index + 1) * len]
    }

    /// The values of image `index`, mutable.
    ///
    /// # Panics
    /// Where there is no such image.
    pub fn image_mut(&mut self, index: usize) -> &mut [f32] {
        let len = self.image_len();
        &mut self.data[index * len..(index + 1) * len]
    }
}
