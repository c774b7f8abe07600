//! Masks in tiles against plain bytes that do the same, pixel by pixel.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use polyptych::document::{Mask, MaskDelta, PixelRect, TILE, Tile};

/// A mask as plain bytes.
#[derive(Clone)]
struct Plain {
    width: u32,
    height: u32,
    data: Vec<u8>,
}

impl Plain {
    fn new(width: u32, height: u32) -> Self {
        Self { width, height, data: vec![0; width as usize * height as usize] }
    }

    fn get(&self, x: i64, y: i64) -> u8 {
        let inside = (0..i64::from(self.width)).contains(&x) && (0..i64::from(self.height)).contains(&y);
        if inside { self.data[y as usize * self.width as usize + x as usize] } else { 0 }
    }

    fn set(&mut self, x: u32, y: u32, value: u8) {
        if x < self.width && y < self.height {
            self.data[y as usize * self.width as usize + x as usize] = value;
        }
    }

    fn bounds(&self) -> PixelRect {
        let covered: Vec<(u32, u32)> = (0..self.height)
            .flat_map(|y| (0..self.width).map(move |x| (x, y)))
            .filter(|(x, y)| self.get(i64::from(*x), i64::from(*y)) > 0)
            .collect();
        let least = |axis: fn(&(u32, u32)) -> u32| covered.iter().map(axis).min();
        let most = |axis: fn(&(u32, u32)) -> u32| covered.iter().map(axis).max().unwrap_or(0);
        let (Some(x), Some(y)) = (least(|p| p.0), least(|p| p.1)) else { return PixelRect::default() };
        PixelRect { x, y, width: most(|p| p.0) - x + 1, height: most(|p| p.1) - y + 1 }
    }
}

/// Numbers without a pattern, the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(limit.max(1))) as u32
    }

    fn rect(&mut self, width: u32, height: u32) -> PixelRect {
        let (x, y) = (self.below(width), self.below(height));
        PixelRect { x, y, width: self.below(width + 20), height: self.below(height + 20) }
    }

    /// All or nothing more often than anything between.
    fn value(&mut self) -> u8 {
        [0, 0, 255, 255, self.below(256) as u8][self.below(5) as usize]
    }
}

fn assert_same(mask: &Mask, plain: &Plain, what: &str) {
    assert_eq!((mask.width(), mask.height()), (plain.width, plain.height), "{what}");
    assert!(mask.to_raw() == plain.data, "{what}: not the same bytes");
    assert_eq!(mask.bounds(), plain.bounds(), "{what}");
    assert_eq!(mask.is_blank(), plain.data.iter().all(|v| *v == 0), "{what}");
    assert_eq!(mask, &Mask::from_raw(plain.width, plain.height, &plain.data).expect("its size"), "{what}");
}

const SIZES: [(u32, u32); 6] = [(1, 1), (64, 64), (65, 63), (130, 200), (3, 300), (257, 128)];

#[test]
fn tiles_hold_what_plain_bytes_hold() {
    for (seed, (width, height)) in (1..).zip(SIZES) {
        let mut chance = Chance(seed);
        let (mut mask, mut plain) = (Mask::empty(width, height), Plain::new(width, height));
        for step in 0..60 {
            let what = format!("{width} × {height}, step {step}");
            let (x, y) = (chance.below(width + 4), chance.below(height + 4));
            match chance.below(6) {
                0 => {
                    let length = chance.below(width + 20);
                    let row: Vec<u8> = (0..length).map(|_| chance.value()).collect();
                    mask.write_row(x, y, &row);
                    (x..).zip(&row).for_each(|(x, v)| plain.set(x, y, *v));
                }
                1 | 2 => {
                    let (rect, value) = (chance.rect(width, height), chance.value());
                    mask.fill(rect, value);
                    rect.rows().for_each(|y| rect.columns().for_each(|x| plain.set(x, y, value)));
                }
                3 => {
                    mask = mask.map(|v| 255 - v);
                    plain.data.iter_mut().for_each(|v| *v = 255 - *v);
                }
                4 => mask.pack(),
                _ => {
                    let value = chance.value();
                    mask.write_row(x, y, &[value]);
                    plain.set(x, y, value);
                }
            }
            assert_same(&mask, &plain, &what);
            let rect = chance.rect(width, height);
            let wanted: Vec<u8> = rect
                .rows()
                .flat_map(|y| rect.columns().map(move |x| (x, y)))
                .map(|(x, y)| plain.get(i64::from(x), i64::from(y)))
                .collect();
            assert_eq!(mask.crop(rect), wanted, "{what}, {rect:?}");
            assert_eq!(mask.is_blank_in(rect), wanted.iter().all(|v| *v == 0), "{what}, {rect:?}");
            assert_eq!(mask.get(x, y), plain.get(i64::from(x), i64::from(y)), "{what}");
        }
    }
}

#[test]
fn a_moved_mask_is_moved_pixel_by_pixel() {
    for (seed, (width, height)) in (1..).zip(SIZES) {
        let mut chance = Chance(seed);
        let mut mask = Mask::empty(width, height);
        for _ in 0..6 {
            mask.fill(chance.rect(width, height), chance.value());
        }
        let old = Plain { width, height, data: mask.to_raw() };
        for (dx, dy) in [(0, 0), (5, -3), (-70, 64), (64, 128), (300, 0), (i32::MIN, i32::MAX)] {
            let mut new = Plain::new(width + 30, height);
            for y in 0..height {
                for x in 0..width + 30 {
                    let from = (i64::from(x) - i64::from(dx), i64::from(y) - i64::from(dy));
                    new.set(x, y, old.get(from.0, from.1));
                }
            }
            let moved = mask.moved_to(width + 30, height, dx, dy);
            assert_same(&moved, &new, &format!("{width} × {height} by {dx}, {dy}"));
        }
    }
}

#[test]
fn masks_of_other_sizes_or_bytes_are_not_equal() {
    let mask = Mask::even(65, 65, 7);
    assert_ne!(mask, Mask::even(65, 64, 7));
    let mut other = mask.clone();
    // What lies beyond the mask in its last tiles means nothing.
    other.tile_mut(1, 1).bytes_mut()[63] = 9;
    assert_eq!(mask, other);
    other.write_row(64, 64, &[8]);
    assert_ne!(mask, other);
    assert!(Mask::from_raw(65, 65, &[0; 65 * 64]).is_none());
}

#[test]
fn a_copy_shares_its_tiles_until_it_is_written_to() {
    let side = 16 * TILE;
    let noise: Vec<u8> = (0..side * side).map(|at| (at * 7 % 251) as u8).collect();
    let first = Mask::from_raw(side, side, &noise).expect("its size");
    let mut second = first.clone();
    second.write_row(3 * TILE + 5, 7 * TILE + 9, &[255, 254, 253]);
    let shared = |a: &Mask, b: &Mask| {
        let same =
            |a: &Tile, b: &Tile| matches!((a, b), (Tile::Each(a), Tile::Each(b)) if std::sync::Arc::ptr_eq(a, b));
        a.tiles().zip(b.tiles()).filter(|((.., a), (.., b))| same(a, b)).count()
    };
    assert_eq!(shared(&first, &second), 255, "all but the tile that was written to");
    assert_eq!(first.to_raw(), noise, "and the first is as it was");
    // Taking the change back brings the shared tile back, too.
    let mut delta = MaskDelta::between(&second, &first).expect("of one size");
    assert_eq!(delta.len(), 1);
    assert_eq!(delta.swap(&mut second), [PixelRect { x: 3 * TILE, y: 7 * TILE, width: TILE, height: TILE }]);
    assert_eq!(shared(&first, &second), 256);
    delta.swap(&mut second);
    assert_eq!(second.get(3 * TILE + 5, 7 * TILE + 9), 255);
}

#[test]
fn what_is_even_takes_no_memory() {
    let table = Mask::empty(4096, 4096).memory();
    assert!(table < 1 << 17, "{table}");
    let mut mask = Mask::even(4096, 4096, 255);
    assert_eq!(mask.memory(), table);
    mask.fill(PixelRect { x: 1, y: 1, width: 4094, height: 4094 }, 90);
    assert!(mask.memory() < table + 4 * 64 * 4096, "its border alone: {}", mask.memory());
    mask.write_row(100, 100, &[1]);
    mask.write_row(100, 100, &[90]);
    let full = mask.memory();
    mask.pack();
    assert_eq!(mask.memory(), full - 4096, "a tile that is even again");
}

/// Not an assertion but figures: `cargo test --release --test masks -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn cost_on_a_large_canvas() {
    let side = 4096_u32;
    let disc = |x: u32, y: u32| (f64::from(x) - 1500.0).hypot(f64::from(y) - 2000.0) < 700.0;
    let mask = Mask::from_rows(side, side, |y, row| {
        (0..).zip(row).for_each(|(x, v)| *v = if disc(x, y) { 255 } else { 0 });
    });
    let plain = mask.to_raw();
    let best = |what: &str, run: &dyn Fn()| {
        let time = |()| {
            let begin = std::time::Instant::now();
            run();
            begin.elapsed()
        };
        let least = (0..9).map(|_| time(())).min().unwrap_or_default();
        println!("{what:50} {:9.1} µs", least.as_secs_f64() * 1e6);
    };
    println!("memory: {} KiB in tiles, {} KiB as bytes", mask.memory() >> 10, plain.len() >> 10);
    best("first write to a shared mask, tiles", &|| mask.clone().write_row(1500, 1300, &[7]));
    best("first write to a shared mask, bytes", &|| plain.clone()[1300 * 4096 + 1500] = 7);
    best("box of what is covered, tiles", &|| assert_eq!(mask.bounds().width, 1399));
    best("box of what is covered, bytes", &|| {
        let rows = plain.chunks_exact(4096).filter_map(|row| Some((row.iter().position(|v| *v > 0)?, row)));
        let wide = rows.map(|(first, row)| (first, row.iter().rposition(|v| *v > 0).unwrap_or(first)));
        let (low, high) = wide.fold((usize::MAX, 0), |(low, high), (a, b)| (low.min(a), high.max(b)));
        assert_eq!(high + 1 - low, 1399);
    });
    best("inverting, tiles", &|| drop(mask.map(|v| 255 - v)));
    best("inverting, bytes", &|| drop(plain.iter().map(|v| 255 - v).collect::<Vec<u8>>()));
    let inverted = mask.map(|v| 255 - v);
    best("what differs, tiles", &|| assert!(MaskDelta::between(&mask, &inverted).is_some()));
}
