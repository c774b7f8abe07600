//! A mask: the coverage of a region, one byte per pixel, 0 (outside) to 255 (inside).

/// A rectangle of pixels: left, top, width and height. Empty where width or height is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PixelRect {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

impl PixelRect {
    /// True where no pixel lies in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// The smallest rectangle that holds both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        if self.is_empty() {
            return other;
        }
        if other.is_empty() {
            return self;
        }
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let right = (self.x + self.width).max(other.x + other.width);
        let bottom = (self.y + self.height).max(other.y + other.height);
        Self { x, y, width: right - x, height: bottom - y }
    }
}

/// Coverage per pixel, row by row from the top left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    width: u32,
    height: u32,
    data: Vec<u8>,
}

impl Mask {
    /// A mask that covers nothing.
    #[must_use]
    pub fn empty(width: u32, height: u32) -> Self {
        Self { width, height, data: vec![0; width as usize * height as usize] }
    }

    /// A mask from `width * height` bytes row by row; `None` where the length is another.
    #[must_use]
    pub fn from_raw(width: u32, height: u32, data: Vec<u8>) -> Option<Self> {
        (data.len() == width as usize * height as usize).then_some(Self { width, height, data })
    }

    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// All bytes, row by row.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// All bytes, to change them.
    pub fn data_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    /// Coverage at a pixel; 0 outside the mask.
    #[must_use]
    pub fn get(&self, x: u32, y: u32) -> u8 {
        if x < self.width && y < self.height { self.data[y as usize * self.width as usize + x as usize] } else { 0 }
    }

    /// True where no pixel is covered at all.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.data.iter().all(|&v| v == 0)
    }
}
