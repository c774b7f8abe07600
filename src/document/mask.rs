//! A mask: the coverage of a region, one byte per pixel, 0 (outside) to 255 (inside).

/// A rectangle of pixels: left, top, width and height. Empty where width or height is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PixelRect {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
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

    /// The whole of a canvas.
    #[must_use]
    pub fn whole(width: u32, height: u32) -> Self {
        Self { x: 0, y: 0, width, height }
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

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
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

    /// The bytes of row `y`; none where there is no such row.
    #[must_use]
    pub fn row(&self, y: u32) -> &[u8] {
        let width = self.width as usize;
        let start = (y as usize).saturating_mul(width);
        self.data.get(start..start.saturating_add(width)).unwrap_or_default()
    }

    /// The bytes of row `y`, to change them; none where there is no such row.
    pub fn row_mut(&mut self, y: u32) -> &mut [u8] {
        let width = self.width as usize;
        let start = (y as usize).saturating_mul(width);
        self.data.get_mut(start..start.saturating_add(width)).unwrap_or_default()
    }

    /// The smallest rectangle that holds every covered pixel; empty where there is none.
    #[must_use]
    pub fn bounds(&self) -> PixelRect {
        let covered = |y: &u32| self.row(*y).iter().any(|&v| v != 0);
        let Some(top) = (0..self.height).find(covered) else { return PixelRect::default() };
        let bottom = (top..self.height).rev().find(covered).unwrap_or(top);
        let (mut left, mut right) = (self.width as usize, 0);
        for y in top..=bottom {
            let row = self.row(y);
            // Only what lies outside the columns found so far can widen them.
            if let Some(x) = row.iter().take(left).position(|&v| v != 0) {
                left = x;
            }
            if let Some(x) = row.iter().skip(right).rposition(|&v| v != 0) {
                right += x + 1;
            }
        }
        let edge = |x: usize| u32::try_from(x).unwrap_or(self.width);
        let (left, right) = (edge(left), edge(right));
        PixelRect { x: left, y: top, width: right.saturating_sub(left), height: bottom - top + 1 }
    }

    /// The same coverage on another canvas, moved right by `dx` and down by `dy`: what falls outside is lost, what is new
    /// is not covered.
    #[must_use]
    pub fn moved_to(&self, width: u32, height: u32, dx: i32, dy: i32) -> Self {
        let mut out = Self::empty(width, height);
        let skip = usize::try_from(-i64::from(dx)).unwrap_or(0);
        let left = usize::try_from(dx).unwrap_or(0);
        for y in 0..height {
            let Ok(from) = u32::try_from(i64::from(y) - i64::from(dy)) else { continue };
            let row = self.row(from);
            for (out, v) in out.row_mut(y).iter_mut().skip(left).zip(row.iter().skip(skip)) {
                *out = *v;
            }
        }
        out
    }

    /// True where no pixel is covered at all.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.data.iter().all(|&v| v == 0)
    }
}
