//! Products whose operands have 16 bits, with sums in f32.
//!
//! All kinds read operands as words of 32 bits, so that packing, blocks and loops are the same. A word of the left operand is one
//! f16 twice, or two bf16 of neighbouring steps of `k` (the lower half is the first). A vector of the right operand is
//! sixteen words (four in plain Rust): f16 of twice as many columns, or a pair of steps of as many. AMX's tiles of bf16 have the
//! same order.

#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
mod amx;
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod avx512;
mod portable;

/// A type of 16 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Half {
    /// IEEE half precision: three and a half digits, up to 65504.
    F16,
    /// The upper half of an f32: all of its range, with two and a half digits.
    Bf16,
}

impl std::fmt::Display for Half {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        })
    }
}

/// A left operand: for each of its rows some steps from every offset on.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a> {
    pub values: *const u32,
    /// Words between rows.
    pub stride: usize,
    pub rows: usize,
    /// Steps from an offset on.
    pub steps: usize,
    /// Words from a row's first on.
    pub offsets: &'a [usize],
}

/// A product of all rows: the left operand, vectors of columns, the right operand, words between its steps, sums, values between
/// their rows, and whether the product replaces what they hold.
type Product = unsafe fn(Left, usize, *const u32, usize, *mut f32, usize, bool);

/// The kernels of one set of instructions for operands of 16 bits.
pub(crate) struct Narrow {
    /// `None` for plain Rust.
    name: Option<&'static str>,
    pub half: Half,
    /// Words of a vector.
    words: usize,
    /// Vectors in a row of the largest tile, and of a panel of packed weights.
    vectors: usize,
    /// Steps, in words, are filled up with zeros to a multiple of this.
    steps: usize,
    /// As many rows as this are read and written at a time: operands and sums have room for a multiple.
    rows: usize,
    /// What a thread does before its products and after them.
    begin: unsafe fn(),
    end: unsafe fn(),
    product: Product,
    round: unsafe fn(&[f32], &mut [u32]),
    fold: unsafe fn(&[f32], usize, &mut [u32]),
}

impl Narrow {
    /// The kernels for `half` that this processor has, the fastest first; the last are plain Rust.
    pub(crate) fn available(half: Half) -> Vec<&'static Self> {
        let mut found: Vec<&'static Self> = Vec::new();
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") {
            match half {
                Half::F16 if is_x86_feature_detected!("avx512fp16") => found.push(&avx512::F16),
                Half::Bf16 if is_x86_feature_detected!("avx512bf16") => {
                    #[cfg(target_os = "linux")]
                    if amx::allowed() {
                        found.push(&amx::BF16);
                    }
                    found.push(&avx512::BF16);
                }
                Half::F16 | Half::Bf16 => {}
            }
        }
        found.push(match half {
            Half::F16 => &portable::F16,
            Half::Bf16 => &portable::BF16,
        });
        found
    }

    /// The name of the instructions; `None` for plain Rust.
    pub(crate) fn name(&self) -> Option<&'static str> {
        self.name
    }

    /// Values of `k` in a word.
    pub(crate) fn per_word(&self) -> usize {
        match self.half {
            Half::F16 => 1,
            Half::Bf16 => 2,
        }
    }

    /// Columns of a vector.
    pub(crate) fn lanes(&self) -> usize {
        2 * self.words / self.per_word()
    }

    /// Columns of a panel of packed weights.
    pub(crate) fn panel(&self) -> usize {
        self.vectors * self.lanes()
    }

    /// Words that so many columns take in one step.
    pub(crate) fn words_of(&self, columns: usize) -> usize {
        columns * self.per_word() / 2
    }

    /// Words that so many values of `k` take, filled up.
    pub(crate) fn steps_of(&self, values: usize) -> usize {
        values.div_ceil(self.per_word()).next_multiple_of(self.steps)
    }

    /// So many rows, filled up.
    pub(crate) fn rows_of(&self, rows: usize) -> usize {
        rows.next_multiple_of(self.rows)
    }

    /// True where sums have not left the type's range: they are neither infinite nor no number. (bf16 has the range of f32.)
    pub(crate) fn holds(&self, sums: &[f32]) -> bool {
        const EXPONENT: u32 = 0x7f80_0000;
        let mut infinite = false;
        if self.half == Half::F16 {
            for sum in sums {
                infinite |= sum.to_bits() & EXPONENT == EXPONENT;
            }
        }
        !infinite
    }

    /// Calls `multiply`, in which this thread may call [`Narrow::product`].
    pub(crate) fn with<R>(&self, multiply: impl FnOnce() -> R) -> R {
        /// Ends also where `multiply` panics.
        struct End(unsafe fn());
        impl Drop for End {
            fn drop(&mut self) {
                // SAFETY: the processor has the kernels' instructions, or they were not available.
                unsafe { (self.0)() }
            }
        }
        // SAFETY: as above.
        unsafe { (self.begin)() };
        let _end = End(self.end);
        multiply()
    }

    /// A product of all rows with a panel of `vectors` vectors.
    ///
    /// # Safety
    /// It is called within [`Narrow::with`]. The pointers are good for what is read and written: [`Left`]'s rows (filled up, as
    /// [`Narrow::rows_of`] says), for all of its offsets as many steps of `b`, and as many rows of `c`. Steps are what
    /// [`Narrow::steps_of`] says, and `vectors` is at least 1 and no more than a panel has.
    #[expect(clippy::too_many_arguments, reason = "pointers and strides of three matrices")]
    pub(crate) unsafe fn product(
        &self,
        a: Left,
        vectors: usize,
        b: *const u32,
        ldb: usize,
        c: *mut f32,
        ldc: usize,
        first: bool,
    ) {
        // SAFETY: passed on; the processor has the kernels' instructions, or they were not available.
        unsafe { (self.product)(a, vectors, b, ldb, c, ldc, first) }
    }

    /// Rounds values to words of the left operand, and fills up with zeros.
    pub(crate) fn round(&self, from: &[f32], to: &mut [u32]) {
        assert!(from.len().div_ceil(self.per_word()) <= to.len(), "{} values to {} words", from.len(), to.len());
        // SAFETY: the processor has the kernels' instructions, or they were not available, and words are enough.
        unsafe { (self.round)(from, to) }
    }

    /// Rounds rows of `columns` values, a multiple of a vector, to steps of the right operand, and fills up with zeros.
    pub(crate) fn fold(&self, from: &[f32], columns: usize, to: &mut [u32]) {
        let (rows, step) = (from.len() / columns.max(1), self.words_of(columns));
        assert!(
            columns > 0 && columns.is_multiple_of(self.lanes()) && rows * columns == from.len(),
            "rows of {columns}"
        );
        assert!(rows.div_ceil(self.per_word()) * step <= to.len() && to.len().is_multiple_of(step), "{rows} rows");
        // SAFETY: the processor has the kernels' instructions, or they were not available, and words are enough.
        unsafe { (self.fold)(from, columns, to) }
    }
}

/// What threads do before and after products of vectors.
unsafe fn nothing() {}

impl std::fmt::Debug for Narrow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.half)
    }
}
