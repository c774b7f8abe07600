//! OpenRaster files made and taken apart without the code under test.
#![allow(dead_code, reason = "each test binary uses its own share of these helpers")]

use polyptych::document::Document;
use std::io::{Cursor, Read as _, Write as _};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

pub fn bytes_of(document: &Document) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    document.write_to(&mut out).unwrap();
    out.into_inner()
}

/// The entries of a zip, in order.
pub fn entries(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut file = archive.by_index(index).unwrap();
            let mut data = Vec::new();
            file.read_to_end(&mut data).unwrap();
            (file.name().unwrap().into_owned(), data)
        })
        .collect()
}

pub fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in entries {
        let method = if *name == "mimetype" { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The same zip without some entries, and with others replaced or added.
pub fn changed(bytes: &[u8], drop: &[&str], put: &[(&str, &[u8])]) -> Vec<u8> {
    let mut all: Vec<(String, Vec<u8>)> = entries(bytes);
    all.retain(|(name, _)| !drop.contains(&name.as_str()) && !put.iter().any(|(new, _)| new == name));
    let mut list: Vec<(&str, &[u8])> = all.iter().map(|(name, data)| (name.as_str(), data.as_slice())).collect();
    list.extend_from_slice(put);
    zip_of(&list)
}

pub fn png(width: u32, height: u32, colour: png::ColorType, depth: png::BitDepth, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if colour == png::ColorType::Indexed {
        encoder.set_palette(vec![255, 0, 0, 0, 255, 0]);
        encoder.set_trns(vec![255, 60]);
    }
    encoder.write_header().unwrap().write_image_data(data).unwrap();
    out
}

pub fn rgba(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Vec<u8> {
    let data: Vec<u8> =
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).collect();
    png(width, height, png::ColorType::Rgba, png::BitDepth::Eight, &data)
}

pub fn foreign(stack: &str, layers: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut list: Vec<(&str, &[u8])> = vec![("mimetype", b"image/openraster"), ("stack.xml", stack.as_bytes())];
    list.extend(layers.iter().map(|(name, data)| (*name, data.as_slice())));
    zip_of(&list)
}

/// A PNG that claims this size and holds almost nothing.
pub fn liar(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = rgba(1, 1, |_, _| [0; 4]);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let mut crc = flate_crc(&bytes[12..29]).to_be_bytes().to_vec();
    bytes.splice(29..33, crc.drain(..));
    bytes
}

fn flate_crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}
