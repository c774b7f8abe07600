//! Sets of instructions, and the choice of one.

use crate::attention::{self, Block};
use crate::function::Activation;
use crate::loops::{self, End};
use crate::narrow::{Half, Narrow};
use crate::simd::{self, Simd};
use crate::threads::Scratch;
use crate::tile::{Left, Tiles, rows, tile};
use crate::winograd;
use std::sync::OnceLock;

/// Values, factors, offsets, whether SiLU follows, results.
type Normalise = unsafe fn(&[f32], &[f32], &[f32], bool, &mut [f32]);
/// Values, scale, shift, what is added to variances, results.
type LayerNorm = unsafe fn(&[f32], &[f32], &[f32], f32, &mut [f32]);
/// Pixels of a tile, and its points.
type ToPoints = unsafe fn(&[Option<&[f32]>; 36], &mut [&mut [f32]; 36]);

/// All kernels, compiled for one set of instructions. A reference to one is only handed out where the processor has them.
pub struct Set {
    name: &'static str,
    /// Values in a vector.
    lanes: usize,
    /// Vectors in a row of the largest tile, and of a panel of packed weights.
    vectors: usize,
    /// Heights of tiles, from the largest on down to 1, and the tiles themselves.
    by_rows: &'static [(usize, Tiles)],
    /// The same for left operands whose rows are adjacent.
    by_columns: &'static [(usize, Tiles)],
    end: unsafe fn(&[f32], &End, &mut [f32]),
    end_gated: unsafe fn(&[f32], Option<&[f32]>, &mut [f32]),
    geglu: unsafe fn(&[f32], &mut [f32]),
    map: unsafe fn(&[f32], Activation, &mut [f32]),
    widen_f16: unsafe fn(&[u16], &mut [f32]),
    widen_bf16: unsafe fn(&[u16], &mut [f32]),
    sums: unsafe fn(&[f32], &mut [f32]),
    normalise: Normalise,
    layer_norm: LayerNorm,
    to_points: ToPoints,
    weights_to_points: unsafe fn(&[f32], usize, &mut [f32]),
    to_results: unsafe fn(&[f32], usize, usize, &mut [f32]),
    attend: unsafe fn(&'static Set, &Block, &mut Scratch),
    /// Kernels of products whose operands are rounded; none where they stay f32.
    narrow: Option<&'static Narrow>,
}

impl std::fmt::Debug for Set {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)?;
        self.narrow.map_or(Ok(()), |narrow| write!(f, " in {narrow:?}"))
    }
}

/// Compiles all kernels once more, with `features` enabled.
macro_rules! set {
    ($module:ident, $simd:ty, $name:literal, [$($height:literal),*] by $vectors:literal $(, $features:literal)?) => {
        mod $module {
            #[allow(clippy::wildcard_imports, reason = "a part of this file")]
            use super::*;

            $(#[target_feature(enable = $features)])?
            #[expect(clippy::too_many_arguments, reason = "pointers and strides of three matrices")]
            unsafe fn by_rows<const M: usize, const N: usize>(
                k: usize, a: *const f32, stride: usize, b: *const f32, ldb: usize, c: *mut f32, ldc: usize, first: bool,
            ) {
                // SAFETY: passed on.
                unsafe { tile::<$simd, M, N, false>(k, a, stride, b, ldb, c, ldc, first) }
            }

            $(#[target_feature(enable = $features)])?
            #[expect(clippy::too_many_arguments, reason = "pointers and strides of three matrices")]
            unsafe fn by_columns<const M: usize, const N: usize>(
                k: usize, a: *const f32, stride: usize, b: *const f32, ldb: usize, c: *mut f32, ldc: usize, first: bool,
            ) {
                // SAFETY: passed on.
                unsafe { tile::<$simd, M, N, true>(k, a, stride, b, ldb, c, ldc, first) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn end(sums: &[f32], end: &End, out: &mut [f32]) {
                // SAFETY: passed on.
                unsafe { loops::end::<$simd>(sums, end, out) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn end_gated(sums: &[f32], bias: Option<&[f32]>, out: &mut [f32]) {
                // SAFETY: passed on.
                unsafe { loops::end_gated::<$simd>(sums, bias, out) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn geglu(x: &[f32], y: &mut [f32]) {
                // SAFETY: passed on.
                unsafe { loops::geglu::<$simd>(x, y) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn map(x: &[f32], activation: Activation, y: &mut [f32]) {
                // SAFETY: passed on.
                unsafe { loops::map::<$simd>(x, activation, y) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn widen_f16(from: &[u16], to: &mut [f32]) {
                // SAFETY: passed on.
                unsafe { loops::widen::<$simd, false>(from, to) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn widen_bf16(from: &[u16], to: &mut [f32]) {
                // SAFETY: passed on.
                unsafe { loops::widen::<$simd, true>(from, to) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn sums(x: &[f32], sums: &mut [f32]) {
                // SAFETY: passed on.
                unsafe { loops::sums::<$simd>(x, sums) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn normalise(x: &[f32], factors: &[f32], offsets: &[f32], silu: bool, y: &mut [f32]) {
                // SAFETY: passed on.
                unsafe { loops::normalise::<$simd>(x, factors, offsets, silu, y) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn layer_norm(x: &[f32], scale: &[f32], shift: &[f32], eps: f32, y: &mut [f32]) {
                // SAFETY: passed on.
                unsafe { loops::layer_norm::<$simd>(x, scale, shift, eps, y) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn attend(set: &'static Set, block: &Block, scratch: &mut Scratch) {
                // SAFETY: passed on.
                unsafe { attention::attend::<$simd>(set, block, scratch) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn to_points(pixels: &[Option<&[f32]>; 36], points: &mut [&mut [f32]; 36]) {
                // SAFETY: passed on.
                unsafe { winograd::to_points::<$simd>(pixels, points) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn weights_to_points(taps: &[f32], step: usize, points: &mut [f32]) {
                // SAFETY: passed on.
                unsafe { winograd::weights_to_points::<$simd>(taps, step, points) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn to_results(sums: &[f32], step: usize, width: usize, results: &mut [f32]) {
                // SAFETY: passed on.
                unsafe { winograd::to_results::<$simd>(sums, step, width, results) }
            }

            pub(super) const KERNELS: Set = Set {
                name: $name,
                lanes: <$simd as Simd>::LANES,
                vectors: $vectors,
                by_rows: &[$(($height, [by_rows::<$height, 1>, by_rows::<$height, 2>, by_rows::<$height, 3>])),*],
                by_columns: &[
                    $(($height, [by_columns::<$height, 1>, by_columns::<$height, 2>, by_columns::<$height, 3>])),*
                ],
                end,
                end_gated,
                geglu,
                map,
                widen_f16,
                widen_bf16,
                sums,
                normalise,
                layer_norm,
                to_points,
                weights_to_points,
                to_results,
                attend,
                narrow: None,
            };

            pub(super) static SET: Set = KERNELS;
        }
    };
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
set!(avx512, simd::Avx512, "AVX-512", [8, 4, 2, 1] by 3, "avx512f");
#[cfg(all(target_arch = "x86_64", not(miri)))]
set!(avx2, simd::Avx2, "AVX2", [6, 4, 2, 1] by 2, "avx2,fma,f16c");
#[cfg(target_arch = "aarch64")]
set!(portable, simd::Portable, "portable", [8, 4, 2, 1] by 3);
#[cfg(not(target_arch = "aarch64"))]
set!(portable, simd::Portable, "portable", [4, 2, 1] by 3);

impl Set {
    /// The sets that this processor has, the widest first; the last one is plain Rust, which every processor has.
    #[must_use]
    pub fn available() -> &'static [&'static Self] {
        static AVAILABLE: OnceLock<Vec<&'static Set>> = OnceLock::new();
        AVAILABLE.get_or_init(|| {
            let mut sets: Vec<&'static Self> = Vec::new();
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            {
                if is_x86_feature_detected!("avx512f") {
                    sets.push(&avx512::SET);
                }
                if is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("fma")
                    && is_x86_feature_detected!("f16c")
                {
                    sets.push(&avx2::SET);
                }
            }
            sets.push(&portable::SET);
            sets
        })
    }

    /// The sets whose products round their operands to `half`, the fastest first. All else is f32 in them, sums too. The last one
    /// is plain Rust, which is slower than f32 and only there to compare with.
    #[must_use]
    pub fn available_in(half: Half) -> &'static [Self] {
        static AVAILABLE: [OnceLock<Vec<Set>>; 2] = [const { OnceLock::new() }; 2];
        let [f16, bf16] = &AVAILABLE;
        let available = match half {
            Half::F16 => f16,
            Half::Bf16 => bf16,
        };
        available.get_or_init(|| {
            let found = Narrow::available(half).into_iter().map(|narrow| match narrow.name() {
                None => Self { narrow: Some(narrow), ..portable::KERNELS },
                #[cfg(all(target_arch = "x86_64", not(miri)))]
                Some(name) => Self { narrow: Some(narrow), name, ..avx512::KERNELS },
                #[cfg(any(not(target_arch = "x86_64"), miri))]
                Some(name) => Self { narrow: Some(narrow), name, ..portable::KERNELS },
            });
            found.collect()
        })
    }

    /// The fastest set that rounds operands to `half`; `None` where this processor has no instructions for it.
    #[must_use]
    pub fn best_in(half: Half) -> Option<&'static Self> {
        Self::available_in(half).first().filter(|set| set.narrow.is_some_and(|narrow| narrow.name().is_some()))
    }

    /// The set of this name, where the processor has it.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::available().iter().find(|set| set.name == name).copied()
    }

    /// The widest set. Of those here it is never much slower than a narrower one, and choosing by a measurement would let the
    /// choice, and with it a picture's last bits, change from one start to the next on a busy machine.
    #[must_use]
    pub fn best() -> &'static Self {
        Self::available().first().copied().unwrap_or(&portable::SET)
    }

    /// The set's name, such as `AVX-512`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The type that operands of products are rounded to; `None` where they stay f32.
    #[must_use]
    pub fn half(&self) -> Option<Half> {
        self.narrow.map(|narrow| narrow.half)
    }

    /// Kernels of products whose operands are rounded.
    pub(crate) fn narrow(&self) -> Option<&'static Narrow> {
        self.narrow
    }

    /// Values in a vector.
    pub(crate) fn lanes(&self) -> usize {
        self.lanes
    }

    /// Columns of a panel of packed weights.
    pub(crate) fn panel(&self) -> usize {
        self.vectors * self.lanes
    }

    /// A product of all rows with a panel of `vectors` vectors.
    ///
    /// # Safety
    /// The pointers are good for what is read and written: [`Left`]'s rows, as many steps of `b`, and all rows of `c`;
    /// `vectors` is between 1 and 3.
    #[expect(clippy::too_many_arguments, reason = "pointers and strides of three matrices")]
    pub(crate) unsafe fn product(
        &self,
        a: Left,
        vectors: usize,
        b: *const f32,
        ldb: usize,
        c: *mut f32,
        ldc: usize,
        first: bool,
    ) {
        // SAFETY: passed on; the processor has the set's instructions.
        unsafe { rows(self.by_rows, false, a, vectors, b, ldb, c, ldc, first) }
    }

    /// [`Set::product`] with a left operand whose rows are adjacent.
    ///
    /// # Safety
    /// As there.
    #[expect(clippy::too_many_arguments, reason = "pointers and strides of three matrices")]
    pub(crate) unsafe fn product_by_columns(
        &self,
        a: Left,
        vectors: usize,
        b: *const f32,
        ldb: usize,
        c: *mut f32,
        ldc: usize,
        first: bool,
    ) {
        // SAFETY: passed on; the processor has the set's instructions.
        unsafe { rows(self.by_columns, true, a, vectors, b, ldb, c, ldc, first) }
    }

    pub(crate) fn end(&self, sums: &[f32], end: &End, out: &mut [f32]) {
        // SAFETY: the processor has the set's instructions, or there would be no reference to it.
        unsafe { (self.end)(sums, end, out) }
    }

    pub(crate) fn end_gated(&self, sums: &[f32], bias: Option<&[f32]>, out: &mut [f32]) {
        // SAFETY: the processor has the set's instructions, or there would be no reference to it.
        unsafe { (self.end_gated)(sums, bias, out) }
    }

    pub(crate) fn geglu(&self, x: &[f32], y: &mut [f32]) {
        // SAFETY: the processor has the set's instructions, or there would be no reference to it.
        unsafe { (self.geglu)(x, y) }
    }

    pub(crate) fn map(&self, x: &[f32], activation: Activation, y: &mut [f32]) {
        // SAFETY: the processor has the set's instructions, or there would be no reference to it.
        unsafe { (self.map)(x, activation, y) }
    }

    pub(crate) fn widen_f16(&self, from: &[u16], to: &mut [f32]) {
        // SAFETY: the processor has the set's instructions, or there would be no reference to it.
        unsafe { (self.widen_f16)(from, to) }
    }

    pub(crate) fn widen_bf16(&self, from: &[u16], to: &mut [f32]) {
        // SAFETY: the processor has the set's instructions, or there would be no reference to it.
        unsafe { (self.widen_bf16)(from, to) }
    }

    pub(crate) fn sums(&self, x: &[f32], sums: &mut [f32]) {
        // SAFETY: the processor has the set's instructions, or there would be no reference to it.
        unsafe { (self.sums)(x, sums) }
    }

    pub(crate) fn normalise(&self, x: &[f32], factors: &[f32], offsets: &[f32], silu: bool, y: &mut [f32]) {
        // SAFETY: the processor has the set's instructions, or there would be no reference to it.
        unsafe { (self.normalise)(x, factors, offsets, silu, y) }
    }

    pub(crate) fn layer_norm(&self, x: &[f32], scale: &[f32], shift: &[f32], eps: f32, y: &mut [f32]) {
        // SAFETY: the processor has the set's instructions, or there would be no reference to it.
        unsafe { (self.layer_norm)(x, scale, shift, eps, y) }
    }

    pub(crate) fn attend(&'static self, block: &Block, scratch: &mut Scratch) {
        // SAFETY: the processor has the set's instructions, or there would be no reference to it.
        unsafe { (self.attend)(self, block, scratch) }
    }

    pub(crate) fn to_points(&self, pixels: &[Option<&[f32]>; 36], points: &mut [&mut [f32]; 36]) {
        // SAFETY: the processor has the set's instructions, or there would be no reference to it.
        unsafe { (self.to_points)(pixels, points) }
    }

    pub(crate) fn weights_to_points(&self, taps: &[f32], step: usize, points: &mut [f32]) {
        // SAFETY: the processor has the set's instructions, or there would be no reference to it.
        unsafe { (self.weights_to_points)(taps, step, points) }
    }

    pub(crate) fn to_results(&self, sums: &[f32], step: usize, width: usize, results: &mut [f32]) {
        // SAFETY: the processor has the set's instructions, or there would be no reference to it.
        unsafe { (self.to_results)(sums, step, width, results) }
    }
}
