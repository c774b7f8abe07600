//! Plain Rust that compilers make vectors of: what every processor can do, what Miri runs, and the oracle for the other sets.

use super::Simd;
use half::f16;

/// Vectors of four values: SSE2's and NEON's.
pub(crate) struct Portable;

const LANES: usize = 4;

#[inline(always)]
fn each(a: [f32; LANES], b: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])]
}

impl Simd for Portable {
    type V = [f32; LANES];
    const LANES: usize = LANES;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self::V {
        [x; LANES]
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self::V {
        // SAFETY: the caller's pointer is good for a vector.
        unsafe { from.cast::<[f32; LANES]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self::V {
        if count >= LANES {
            // SAFETY: the caller's pointer is good for a vector.
            return unsafe { Self::load(from) };
        }
        let mut x = [0.0; LANES];
        for (lane, x) in x.iter_mut().enumerate().take(count) {
            // SAFETY: the caller's pointer is good for `count` values.
            *x = unsafe { from.add(lane).read_unaligned() };
        }
        x
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, x: Self::V) {
        // SAFETY: the caller's pointer is good for a vector.
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(x) }
    }

    #[inline(always)]
    unsafe fn store_first(to: *mut f32, count: usize, x: Self::V) {
        if count >= LANES {
            // SAFETY: the caller's pointer is good for a vector.
            return unsafe { Self::store(to, x) };
        }
        for (lane, &x) in x.iter().enumerate().take(count) {
            // SAFETY: the caller's pointer is good for `count` values.
            unsafe { to.add(lane).write_unaligned(x) };
        }
    }

    #[inline(always)]
    unsafe fn load_f16(from: *const u16) -> Self::V {
        // SAFETY: the caller's pointer is good for a vector.
        unsafe { from.cast::<[u16; LANES]>().read_unaligned() }.map(|bits| f16::from_bits(bits).to_f32())
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u16) -> Self::V {
        // SAFETY: the caller's pointer is good for a vector.
        let bits = unsafe { from.cast::<[u16; LANES]>().read_unaligned() };
        bits.map(|bits| f32::from_bits(u32::from(bits) << 16))
    }

    #[inline(always)]
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
        each(a, b, |a, b| a + b)
    }

    #[inline(always)]
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
        each(a, b, |a, b| a - b)
    }

    #[inline(always)]
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
        each(a, b, |a, b| a * b)
    }

    #[inline(always)]
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V {
        each(a, b, |a, b| a / b)
    }

    #[inline(always)]
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        if cfg!(target_arch = "aarch64") {
            return [
                a[0].mul_add(b[0], c[0]),
                a[1].mul_add(b[1], c[1]),
                a[2].mul_add(b[2], c[2]),
                a[3].mul_add(b[3], c[3]),
            ];
        }
        // A fused one is a call of a library where the processor may lack it.
        each(each(a, b, |a, b| a * b), c, |product, c| product + c)
    }

    #[inline(always)]
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V {
        each(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    unsafe fn select_less(a: Self::V, b: Self::V, x: Self::V, y: Self::V) -> Self::V {
        let mut chosen = y;
        for lane in 0..LANES {
            if a[lane] < b[lane] {
                chosen[lane] = x[lane];
            }
        }
        chosen
    }

    #[inline(always)]
    unsafe fn any_less(a: Self::V, b: Self::V) -> bool {
        a.iter().zip(b).any(|(a, b)| *a < b)
    }

    #[inline(always)]
    unsafe fn sum(x: Self::V) -> f32 {
        (x[0] + x[1]) + (x[2] + x[3])
    }

    #[inline(always)]
    unsafe fn split(x: Self::V) -> (Self::V, Self::V) {
        // Adding 1.5 · 2²³ leaves a whole number in the lowest bits; taking it away again gives that number.
        const ROUND: f32 = 12_582_912.0;
        let x = x.map(|x| if x > 126.0 { 126.0 } else { x }).map(|x| if x < -126.0 { -126.0 } else { x });
        let whole = x.map(|x| (x + ROUND) - ROUND);
        (whole, each(x, whole, |x, whole| x - whole))
    }

    #[inline(always)]
    unsafe fn scale(x: Self::V, whole: Self::V) -> Self::V {
        each(x, whole, |x, whole| x * f32::from_bits(((whole as i32 + 127) as u32) << 23))
    }
}
