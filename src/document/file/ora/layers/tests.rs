//! The bounds of one file, made small.

use super::super::super::stack::{Layer, Stack};
use super::super::pixels::encode;
use super::Layers;
use std::io::{Cursor, Write as _};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

/// Three layers of 64 × 64 pixels in entries of their own, no tile even or like another, and a fourth that shares the first
/// one's entry elsewhere.
fn stack() -> Stack {
    let layer = |src: &str, x: u32| Layer::plain(String::new(), src, x, 0, true);
    Stack::flat(128, 64, vec![layer("0.png", 0), layer("1.png", 0), layer("2.png", 0), layer("0.png", 5)])
}

fn archive() -> ZipArchive<Cursor<Vec<u8>>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for number in 0..3_u8 {
        let png = encode((64, 64), png::ColorType::Rgba, |y, row| {
            for (x, pixel) in (0..=255).zip(row.chunks_exact_mut(4)) {
                pixel.copy_from_slice(&[1, 2, 3, number.wrapping_add(x).wrapping_add((y % 64) as u8)]);
            }
        });
        zip.start_file(format!("{number}.png"), SimpleFileOptions::default()).unwrap();
        zip.write_all(&png.unwrap()).unwrap();
    }
    ZipArchive::new(zip.finish().unwrap()).unwrap()
}

/// Presence of each layer, in the order of the stack, where a file may be no larger than `limit` says.
fn there(limit: impl FnOnce(&mut Layers<'_, Cursor<Vec<u8>>>)) -> Vec<bool> {
    let stack = stack();
    let mut layers = Layers::new(archive(), &stack, 128, 64);
    limit(&mut layers);
    stack.layers.iter().map(|layer| layers.covered(layer, 1.0).is_ok()).collect()
}

#[test]
fn what_is_beyond_the_bounds_of_a_file_costs_those_layers() {
    const AREA: u64 = 64 * 64;
    assert_eq!(there(|_| {}), [true, true, true, true]);
    assert_eq!(there(|layers| layers.decoded = 2 * AREA), [true, true, false, true], "an entry is decoded once");
    assert_eq!(there(|layers| layers.laid = 3 * AREA), [true, true, false, true]);
    // The shifted one lies in two tiles.
    assert_eq!(there(|layers| layers.tiles.left = 4 * AREA), [true, true, false, true]);
    assert_eq!(there(|layers| layers.tiles.left = 0), [false, false, false, false]);
}

#[test]
fn a_damaged_layer_takes_only_the_pixels_that_were_decoded() {
    let stack = stack();
    let mut layers = Layers::new(archive(), &stack, 128, 64);
    layers.decoded = 3 * 64 * 64;
    let before = layers.decoded;
    let lost = Layer::plain(String::new(), "no.png", 0, 0, true);
    assert!(layers.covered(&lost, 1.0).is_err());
    assert_eq!(layers.decoded, before);
    assert!(stack.layers.iter().all(|layer| layers.covered(layer, 1.0).is_ok()));
}
