//! AMX: tiles of 16 rows of 64 bytes in registers of their own, and their products. Rust has no instructions by name for them yet,
//! so they are written as the assembler's.

use super::avx512::{self, WORDS};
use super::{Half, Left, Narrow};
use std::arch::asm;
use std::arch::x86_64::__cpuid_count;

pub(super) static BF16: Narrow = Narrow {
    name: Some("AMX"),
    half: Half::Bf16,
    words: WORDS,
    vectors: 2,
    steps: ROWS,
    rows: ROWS,
    begin,
    end,
    product,
    round: avx512::round_bf16,
    fold: avx512::fold_bf16,
};

/// Rows of a tile.
const ROWS: usize = 16;

/// True where the processor has tiles of bf16 and the system lets this process use them: their state is large, so Linux gives room
/// for it only to those that ask.
pub(super) fn allowed() -> bool {
    /// `ARCH_REQ_XCOMP_PERM`, and the number of the tiles' state.
    const ASK: libc::c_int = 0x1023;
    const TILES: libc::c_ulong = 18;
    // Leaf 7: bits 22 and 24 are tiles of bf16, and tiles.
    let has = __cpuid_count(7, 0).edx;
    // SAFETY: the call takes two numbers and writes nothing.
    has >> 22 & 1 == 1 && has >> 24 & 1 == 1 && unsafe { libc::syscall(libc::SYS_arch_prctl, ASK, TILES) } == 0
}

/// What `ldtilecfg` reads: palette, start row, bytes of a row and rows of each tile.
#[repr(C, align(64))]
struct Config {
    palette: u8,
    start: u8,
    reserved: [u8; 14],
    bytes: [u16; 16],
    rows: [u8; 16],
}

static CONFIG: Config = Config {
    palette: 1,
    start: 0,
    reserved: [0; 14],
    bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// # Safety
/// Tiles are allowed.
unsafe fn begin() {
    // SAFETY: the configuration has 64 bytes. Tiles are used by nothing else.
    unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const CONFIG, options(nostack, preserves_flags, readonly)) };
}

/// Gives the tiles back: the system need not keep them when the thread waits.
///
/// # Safety
/// Tiles are allowed, and nothing is read of them any more.
unsafe fn end() {
    // SAFETY: as the caller says.
    unsafe { asm!("tilerelease", options(nostack, preserves_flags, nomem)) };
}

/// # Safety
/// As [`Narrow::product`] asks, where tiles are allowed.
unsafe fn product(a: Left, vectors: usize, b: *const u32, ldb: usize, c: *mut f32, ldc: usize, first: bool) {
    if a.steps < ROWS {
        return;
    }
    let mut row = 0;
    while row < a.rows {
        // SAFETY: rows, filled up to a tile's, are among those that the caller vouches for.
        unsafe {
            let (from, to) = (Left { values: a.values.add(row * a.stride), ..a }, c.add(row * ldc));
            match (a.rows - row > ROWS, vectors) {
                (true, 2) => two_by_two(from, b, ldb, to, ldc, first),
                (true, _) => two_by_one(from, b, ldb, to, ldc, first),
                (false, 2) => one_by_two(from, b, ldb, to, ldc, first),
                (false, _) => one_by_one(from, b, ldb, to, ldc, first),
            }
        }
        row += 2 * ROWS;
    }
}

/// A kernel for some tiles of rows and of columns: its tiles of sums with their places, and the lines of one step. `{a}` and `{a2}` are the
/// first rows of two tiles of the left operand, `{b}` that of the right one; sums' tiles are at `{c}`, 64 bytes on, and at `{c2}`.
macro_rules! kernel {
    ($name:ident, $(($sum:literal, $at:literal)),* ; $($step:literal),*) => {
        /// # Safety
        /// As [`product`].
        unsafe fn $name(a: Left, mut b: *const u32, ldb: usize, c: *mut f32, ldc: usize, first: bool) {
            let c2 = c.wrapping_add(ROWS * ldc);
            // SAFETY: places are those that the caller vouches for. Compilers do not use these registers.
            unsafe {
                if first {
                    asm!($(concat!("tilezero ", $sum)),*, options(nostack, preserves_flags, nomem));
                } else {
                    asm!(
                        $(concat!("tileloadd ", $sum, ", ", $at)),*,
                        "/* {c} {c2} {ldc} */",
                        c = in(reg) c, c2 = in(reg) c2, ldc = in(reg) 4 * ldc,
                        options(nostack, preserves_flags, readonly),
                    );
                }
                for offset in a.offsets {
                    let from = a.values.add(*offset);
                    asm!(
                        "2:",
                        $($step,)*
                        "add {a}, 64",
                        "add {a2}, 64",
                        "add {b}, {next}",
                        "dec {steps}",
                        "jnz 2b",
                        a = inout(reg) from => _, a2 = inout(reg) from.wrapping_add(ROWS * a.stride) => _,
                        lda = in(reg) 4 * a.stride,
                        b = inout(reg) b, ldb = in(reg) 4 * ldb, next = in(reg) 4 * ldb * ROWS,
                        steps = inout(reg) a.steps / ROWS => _,
                        options(nostack, readonly),
                    );
                }
                asm!(
                    $(concat!("tilestored ", $at, ", ", $sum)),*,
                    "/* {c} {c2} {ldc} */",
                    c = in(reg) c, c2 = in(reg) c2, ldc = in(reg) 4 * ldc,
                    options(nostack, preserves_flags),
                );
            }
        }
    };
}

kernel!(
    two_by_two,
    ("tmm0", "[{c} + {ldc}]"), ("tmm1", "[{c} + {ldc} + 64]"), ("tmm2", "[{c2} + {ldc}]"), ("tmm3", "[{c2} + {ldc} + 64]");
    "tileloadd tmm4, [{a} + {lda}]",
    "tileloadd tmm6, [{b} + {ldb}]",
    "tdpbf16ps tmm0, tmm4, tmm6",
    "tileloadd tmm7, [{b} + {ldb} + 64]",
    "tdpbf16ps tmm1, tmm4, tmm7",
    "tileloadd tmm5, [{a2} + {lda}]",
    "tdpbf16ps tmm2, tmm5, tmm6",
    "tdpbf16ps tmm3, tmm5, tmm7"
);
kernel!(
    two_by_one,
    ("tmm0", "[{c} + {ldc}]"), ("tmm2", "[{c2} + {ldc}]");
    "tileloadd tmm4, [{a} + {lda}]",
    "tileloadd tmm6, [{b} + {ldb}]",
    "tdpbf16ps tmm0, tmm4, tmm6",
    "tileloadd tmm5, [{a2} + {lda}]",
    "tdpbf16ps tmm2, tmm5, tmm6"
);
kernel!(
    one_by_two,
    ("tmm0", "[{c} + {ldc}]"), ("tmm1", "[{c} + {ldc} + 64]");
    "tileloadd tmm4, [{a} + {lda}]",
    "tileloadd tmm6, [{b} + {ldb}]",
    "tdpbf16ps tmm0, tmm4, tmm6",
    "tileloadd tmm7, [{b} + {ldb} + 64]",
    "tdpbf16ps tmm1, tmm4, tmm7"
);
kernel!(
    one_by_one,
    ("tmm0", "[{c} + {ldc}]");
    "tileloadd tmm4, [{a} + {lda}]",
    "tileloadd tmm6, [{b} + {ldb}]",
    "tdpbf16ps tmm0, tmm4, tmm6"
);
