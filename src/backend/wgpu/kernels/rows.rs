//! Products of a few rows: linear layers of vectors, such as the step's embedding.

use super::product::{Bits, Output};
use super::{Lanes, Store, head};

/// Rows of a product at most, and columns of a workgroup's results.
pub(in super::super) const ROWS: usize = 4;
pub(in super::super) const COLUMNS: usize = 32;

/// The parts of the text that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) struct Variant {
    pub output: Output,
    pub bits: Bits,
}

impl Variant {
    pub(super) fn text(self, store: Store) -> String {
        let [w, weight] = self.bits.text();
        head(store, Lanes::Four)
            + &format!("alias X = E;\nalias W = {w};\n")
            + &self.output.common(false, false)
            + &include_str!("../shaders/product_rows.wgsl").replace("WEIGHT", weight)
    }
}
