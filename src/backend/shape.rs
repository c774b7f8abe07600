//! Sizes of a tensor.

use std::fmt;
use std::ops::Deref;

/// At most four sizes, slowest first, without an allocation. Reads as a slice of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    sizes: [usize; 4],
    rank: usize,
}

impl Shape {
    /// The most axes there are.
    pub const AXES: usize = 4;

    /// These sizes; `None` where there are more than four.
    #[must_use]
    pub fn new(sizes: &[usize]) -> Option<Self> {
        let mut all = [1; Self::AXES];
        all.get_mut(..sizes.len())?.copy_from_slice(sizes);
        Some(Self { sizes: all, rank: sizes.len() })
    }

    /// The number of values.
    #[must_use]
    pub fn values(&self) -> usize {
        self.iter().product()
    }

    /// The same with another size of one axis.
    #[must_use]
    pub fn with(mut self, axis: usize, size: usize) -> Self {
        if let Some(old) = self.sizes.get_mut(axis).filter(|_| axis < self.rank) {
            *old = size;
        }
        self
    }
}

impl From<[usize; 4]> for Shape {
    fn from(sizes: [usize; 4]) -> Self {
        Self { sizes, rank: 4 }
    }
}

impl From<[usize; 3]> for Shape {
    fn from([n, t, c]: [usize; 3]) -> Self {
        Self { sizes: [n, t, c, 1], rank: 3 }
    }
}

impl From<[usize; 2]> for Shape {
    fn from([n, c]: [usize; 2]) -> Self {
        Self { sizes: [n, c, 1, 1], rank: 2 }
    }
}

impl Deref for Shape {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        self.sizes.get(..self.rank).unwrap_or_default()
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
