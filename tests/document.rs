//! Documents and their files: what a person saves comes back, whatever program it went through, and no file harms.

use image::{Rgb as Pixel, RgbImage};
use polyptych::document::{Document, Mask, Problem, REGION_COLOURS, Region, RegionId, Rgb, Sampler, Take, Wrap};
use std::collections::BTreeMap;
use std::io::{Cursor, Read as _, Write as _};
use std::sync::Arc;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

// ---------------------------------------------------------------------------------------------------------------------
// Making documents and files
// ---------------------------------------------------------------------------------------------------------------------

/// A mask in which every value from 0 to 255 occurs, inside a box.
fn ramp(width: u32, height: u32, left: u32, top: u32, right: u32, bottom: u32) -> Arc<Mask> {
    let mut mask = Mask::empty(width, height);
    for y in top..bottom {
        for x in left..right {
            mask.row_mut(y)[x as usize] = (1 + (x * 7 + y * 13) % 255) as u8;
        }
    }
    Arc::new(mask)
}

fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Pixel([(x % 256) as u8, (y % 256) as u8, ((x * y) % 251) as u8]))
}

const AWKWARD: &str =
    "a \"quoted\" <b>boat</b> & a 'hut',\n\tsecond line — “naïve” 🎨 \u{1F468}\u{200D}\u{1F3A8} 日本語  ";

/// A document in which nothing is as a new document has it.
fn painted() -> Document {
    let mut document = Document::new(160, 96);
    document.background.words = "a lake, dawn\nmist".to_owned();
    document.background.negative = "blurry; \"ugly\"".to_owned();
    let boat = document.add_region("Boat", AWKWARD);
    let wordless = document.add_region("Region 2: \"to do\"", "");
    let odd = document.add_region("Odd", "polyptych: take: seed 7");
    let hidden = document.add_region("", "hidden hill");
    let region = |document: &mut Document, id: RegionId, mask: Arc<Mask>| {
        if let Some(region) = document.region_mut(id) {
            region.mask = mask;
        }
    };
    region(&mut document, boat, ramp(160, 96, 11, 20, 75, 90));
    region(&mut document, odd, ramp(160, 96, 0, 0, 160, 96));
    region(&mut document, hidden, ramp(160, 96, 159, 95, 160, 96));
    document.region_mut(hidden).unwrap().visible = false;
    document.region_mut(hidden).unwrap().negative = Some("snow".to_owned());
    document.region_mut(wordless).unwrap().negative = Some(String::new());
    document.region_mut(boat).unwrap().bootstrap = Some(0.2);
    document.region_mut(odd).unwrap().colour = Rgb([1, 254, 127]);
    document.settings.model = "/models/sd 1.5".to_owned();
    document.settings.seed = u64::MAX - 3;
    document.settings.steps = 33;
    document.settings.sampler = Sampler::Euler;
    document.settings.guidance = 4.7;
    document.settings.window = Some(48);
    document.settings.stride = 24;
    document.settings.bootstrap = 0.1;
    document.settings.wrap = Wrap::Xy;
    document.take = Some(Arc::new(Take { image: picture(160, 96), seed: 1 << 60 }));
    document
}

fn bytes_of(document: &Document) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    document.write_to(&mut out).unwrap();
    out.into_inner()
}

fn back(bytes: &[u8]) -> Document {
    let opened = Document::read_from(bytes).unwrap();
    assert_eq!(opened.notes, Vec::<String>::new());
    opened.document
}

/// The entries of a zip, in order.
fn entries(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
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

fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in entries {
        let method = if *name == "mimetype" { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The same zip without some entries, and with others replaced or added.
fn changed(bytes: &[u8], drop: &[&str], put: &[(&str, &[u8])]) -> Vec<u8> {
    let mut all: Vec<(String, Vec<u8>)> = entries(bytes);
    all.retain(|(name, _)| !drop.contains(&name.as_str()) && !put.iter().any(|(new, _)| new == name));
    let mut list: Vec<(&str, &[u8])> = all.iter().map(|(name, data)| (name.as_str(), data.as_slice())).collect();
    list.extend_from_slice(put);
    zip_of(&list)
}

fn png(width: u32, height: u32, colour: png::ColorType, depth: png::BitDepth, data: &[u8]) -> Vec<u8> {
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

fn rgba(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Vec<u8> {
    let data: Vec<u8> =
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).collect();
    png(width, height, png::ColorType::Rgba, png::BitDepth::Eight, &data)
}

fn foreign(stack: &str, layers: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut list: Vec<(&str, &[u8])> = vec![("mimetype", b"image/openraster"), ("stack.xml", stack.as_bytes())];
    list.extend(layers.iter().map(|(name, data)| (*name, data.as_slice())));
    zip_of(&list)
}

fn problem(bytes: &[u8]) -> Problem {
    let error = Document::read_from(bytes).expect_err("it should not open");
    let line = error.to_string();
    assert!(!line.contains('\n') && line.len() < 600 && line.starts_with("the file: "), "{line}");
    error.into_problem()
}

// ---------------------------------------------------------------------------------------------------------------------
// Saving and opening again
// ---------------------------------------------------------------------------------------------------------------------

#[test]
fn a_saved_project_comes_back_as_it_was() {
    let document = painted();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a project.ora");
    document.save(&path).unwrap();
    assert_eq!(Document::open(&path).unwrap(), document);
    // Saving over it leaves one file, readable as the first.
    document.save(&path).unwrap();
    assert_eq!(Document::open(&path).unwrap(), document);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_empty_document_and_large_thin_ones_come_back() {
    for (width, height) in [(64, 64), (513, 64), (64, 2000), (16384, 64)] {
        let mut document = Document::new(width, height);
        document.add_region("Corner", "a corner");
        document.regions[0].mask = ramp(width, height, width - 3, height - 2, width, height);
        assert_eq!(back(&bytes_of(&document)), document);
    }
}

#[test]
fn saving_is_deterministic() {
    assert_eq!(bytes_of(&painted()), bytes_of(&painted()));
}

#[test]
fn a_megabyte_of_words_comes_back_and_more_than_a_file_may_hold_is_refused() {
    let mut document = Document::new(64, 64);
    document.add_region("Long", &"slow clouds & ".repeat(80_000));
    assert_eq!(back(&bytes_of(&document)), document);
    document.regions[0].words = "&".repeat(9_000_000);
    let error = document.write_to(Cursor::new(Vec::new())).unwrap_err();
    assert!(matches!(error.problem(), Problem::TooMuchText(..)), "{error}");
}

#[test]
fn control_characters_in_words_survive() {
    let mut document = Document::new(64, 64);
    document.add_region("\u{0}name\u{1b}", "bell\u{7} nul\u{0} del\u{7f} \u{fffe} \r\n");
    document.background.words = "\u{c}".to_owned();
    assert_eq!(back(&bytes_of(&document)), document);
}

// ---------------------------------------------------------------------------------------------------------------------
// The OpenRaster specification
// ---------------------------------------------------------------------------------------------------------------------

#[test]
fn the_file_is_openraster_by_the_letter() {
    let bytes = bytes_of(&painted());
    // The local header of the first entry: name at 30, no extra field, stored, its content right behind.
    assert_eq!(&bytes[..4], b"PK\x03\x04");
    let u16_at = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    assert_eq!(u16_at(6), 0, "no flags");
    assert_eq!(u16_at(8), 0, "stored");
    assert_eq!((u16_at(26), u16_at(28)), (8, 0), "name length, extra field length");
    assert_eq!(&bytes[30..54], b"mimetypeimage/openraster");

    let all: BTreeMap<String, Vec<u8>> = entries(&bytes).into_iter().collect();
    let stack = std::str::from_utf8(&all["stack.xml"]).unwrap();
    assert!(stack.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"));
    let mut reader = quick_xml::Reader::from_str(stack);
    let (mut sources, mut names, mut depth) = (Vec::new(), Vec::new(), 0);
    loop {
        use quick_xml::events::Event;
        let event = reader.read_event().unwrap();
        let start = match event {
            Event::Eof => break,
            Event::Start(ref start) => {
                depth += 1;
                start
            }
            Event::Empty(ref start) => start,
            Event::End(_) => {
                depth -= 1;
                continue;
            }
            _ => continue,
        };
        let attributes: BTreeMap<String, String> = start
            .attributes()
            .map(|a| a.unwrap())
            .map(|a| {
                let value = a.normalized_value(quick_xml::XmlVersion::Implicit1_0).unwrap().into_owned();
                (String::from_utf8(a.key.as_ref().to_vec()).unwrap(), value)
            })
            .collect();
        match start.name().as_ref() {
            b"image" => {
                assert_eq!(depth, 1);
                assert_eq!((attributes["w"].as_str(), attributes["h"].as_str()), ("160", "96"));
                assert_eq!(attributes["version"], "0.0.3");
                assert_eq!((attributes["xres"].as_str(), attributes["yres"].as_str()), ("72", "72"));
            }
            b"stack" => assert!(attributes.is_empty(), "the root stack has no attributes"),
            b"layer" => {
                assert_eq!(depth, 2);
                let opacity: f32 = attributes["opacity"].parse().unwrap();
                assert!((0.0..=1.0).contains(&opacity));
                assert!(["visible", "hidden"].contains(&attributes["visibility"].as_str()));
                attributes["x"].parse::<i32>().unwrap();
                attributes["y"].parse::<i32>().unwrap();
                names.push(attributes["name"].clone());
                sources.push(attributes["src"].clone());
            }
            other => panic!("{}", String::from_utf8_lossy(other)),
        }
    }
    // The uppermost first: the take, regions 4 to 1, the paper, the negative prompt.
    assert_eq!(names[0], "polyptych: take: seed 1152921504606846976");
    assert_eq!(names[1], "hidden hill");
    assert_eq!(names[2], "polyptych: words: polyptych: take: seed 7");
    assert_eq!(names[3], "polyptych: no words: Region 2: \"to do\"");
    assert_eq!(names[4], AWKWARD);
    assert_eq!(names[5], "polyptych: background: a lake, dawn\nmist");
    assert_eq!(names[6], "polyptych: negative: blurry; \"ugly\"");
    // Everything in data/ is referenced, and the other way round.
    let mut in_data: Vec<String> = all.keys().filter(|name| name.starts_with("data/")).cloned().collect();
    sources.sort();
    in_data.sort();
    assert_eq!(sources, in_data);

    for (name, data) in all.iter().filter(|(name, _)| name.ends_with(".png")) {
        let reader = png::Decoder::new(Cursor::new(data)).read_info().unwrap();
        let info = reader.info();
        assert_eq!(info.bit_depth, png::BitDepth::Eight, "{name}");
        assert!(!info.interlaced, "{name}");
    }
    let size = |name: &str| image::load_from_memory(&all[name]).unwrap().to_rgb8();
    assert_eq!(size("mergedimage.png"), picture(160, 96));
    assert_eq!(size("Thumbnails/thumbnail.png").dimensions(), (160, 96));
}

#[test]
fn thumbnails_are_at_most_256_pixels_and_keep_the_aspect() {
    for (width, height, expected) in [(1024, 512, (256, 128)), (512, 2048, (64, 256)), (16384, 64, (256, 1))] {
        let bytes = bytes_of(&Document::new(width, height));
        let all: BTreeMap<String, Vec<u8>> = entries(&bytes).into_iter().collect();
        let thumbnail = image::load_from_memory(&all["Thumbnails/thumbnail.png"]).unwrap().to_rgb8();
        assert_eq!(thumbnail.dimensions(), expected);
        assert!(thumbnail.pixels().all(|p| p.0 == [255; 3]));
    }
}

#[test]
fn the_merged_image_is_what_the_layers_make_together() {
    let mut document = painted();
    document.take = None;
    let bytes = bytes_of(&document);
    let all: BTreeMap<String, Vec<u8>> = entries(&bytes).into_iter().collect();
    assert!(!all.contains_key("data/take.png"));
    let merged = image::load_from_memory(&all["mergedimage.png"]).unwrap().to_rgb8();
    for (x, y, pixel) in merged.enumerate_pixels() {
        let mut expected = [255.0_f64; 3];
        for region in document.regions.iter().filter(|r| r.visible) {
            let alpha = f64::from(region.mask.get(x, y)) / 255.0;
            for (channel, colour) in expected.iter_mut().zip(region.colour.0) {
                *channel = (*channel * (1.0 - alpha) + f64::from(colour) * alpha).round();
            }
        }
        for (got, expected) in pixel.0.iter().zip(expected) {
            assert!((f64::from(*got) - expected).abs() <= 1.0, "at {x}, {y}");
        }
    }
}

#[test]
fn unknown_fields_and_entries_of_newer_versions_survive_a_save() {
    let bytes = bytes_of(&painted());
    let all: BTreeMap<String, Vec<u8>> = entries(&bytes).into_iter().collect();
    let mut json: serde_json::Value = serde_json::from_slice(&all["polyptych.json"]).unwrap();
    json["program"] = "9.9".into();
    json["lenses"] = serde_json::json!({"deep": [1, 2.5, "x"]});
    json["settings"]["eta"] = 0.25.into();
    json["background"]["style"] = "oil".into();
    json["take"]["stars"] = 5.into();
    json["regions"][1]["feather"] = 12.into();
    let newer = changed(
        &bytes,
        &[],
        &[
            ("polyptych.json", json.to_string().as_bytes()),
            ("history/take-1.webp", b"not really a picture"),
            ("data/control.png", b"nor this"),
            ("../climbing", b"never kept"),
            ("C:\\windows", b"nor this"),
        ],
    );
    let opened = Document::read_from(&newer).unwrap();
    assert_eq!(opened.notes.len(), 2, "{:?}", opened.notes);
    let mut document = opened.document;
    assert_eq!(document.regions, painted().regions);
    document.regions.remove(0);
    document.regions[0].words = "changed".to_owned();
    let saved = bytes_of(&document);
    let all: BTreeMap<String, Vec<u8>> = entries(&saved).into_iter().collect();
    assert_eq!(all["history/take-1.webp"], b"not really a picture");
    assert_eq!(all["data/control.png"], b"nor this");
    assert!(!all.keys().any(|name| name.contains("climbing") || name.contains("windows")));
    let json: serde_json::Value = serde_json::from_slice(&all["polyptych.json"]).unwrap();
    assert_eq!(json["lenses"]["deep"][1], 2.5);
    assert_eq!(json["settings"]["eta"], 0.25);
    assert_eq!(json["background"]["style"], "oil");
    assert_eq!(json["take"]["stars"], 5);
    assert_eq!(json["regions"][0]["feather"], 12, "it stays with its region");
    assert_eq!(json["regions"][0]["words"], "changed");
    assert_eq!(json["program"], env!("CARGO_PKG_VERSION"));
    assert_eq!(back(&saved), document);
}

#[test]
fn a_later_format_is_refused_and_later_names_are_told() {
    let bytes = bytes_of(&painted());
    let with = |json: &str| changed(&bytes, &[], &[("polyptych.json", json.as_bytes())]);
    assert!(matches!(problem(&with(r#"{"polyptych": 2}"#)), Problem::Newer { found: 2, known: 1 }));
    let opened = Document::read_from(&with(
        r#"{"polyptych": 1, "settings": {"sampler": "unheard-of", "guidance": 1e9, "steps": 0, "bootstrap": -1}}"#,
    ))
    .unwrap();
    assert_eq!(opened.document.settings.sampler, Sampler::Ddim);
    assert_eq!(opened.document.settings.steps, 1);
    let told = opened.notes.join("\n");
    assert!(told.contains("unheard-of") && told.contains("guidance") && told.contains("bootstrap"), "{told}");
}

// ---------------------------------------------------------------------------------------------------------------------
// Other programs
// ---------------------------------------------------------------------------------------------------------------------

#[test]
fn a_project_without_its_extra_entry_keeps_masks_and_words() {
    let document = painted();
    let opened = Document::read_from(&changed(&bytes_of(&document), &["polyptych.json"], &[])).unwrap();
    assert_eq!(opened.notes, Vec::<String>::new());
    let found = opened.document;
    assert_eq!(found.background, document.background);
    assert_eq!(found.take, document.take);
    assert_eq!(found.regions.len(), document.regions.len());
    for (found, region) in found.regions.iter().zip(&document.regions) {
        assert_eq!(found.mask, region.mask);
        assert_eq!(found.words, region.words);
        assert_eq!(found.visible, region.visible);
        if !region.mask.is_blank() {
            assert_eq!(found.colour, region.colour);
        }
    }
    assert_eq!(found.regions[1].name, "Region 2: \"to do\"");
    assert_eq!(found.regions[0].name, "a \"quoted\" <b>boat</b> & a 'hut',");
}

#[test]
fn each_layer_of_a_foreign_file_becomes_a_region() {
    // Written as other programs do: no declaration, attributes in any order and quotes, stacks in stacks, comments.
    let stack = r#"<image h='80' w='100' version="0.0.1">
      <stack name="" x="0" y="0" opacity="1" visibility="visible" isolation="isolate">
        <!-- painted in another program -->
        <layer src="data/a.png" name="sky &amp; sea" x="-10" y="-5" composite-op="svg:src-over" selected="true"/>
        <stack name="group" x="5" opacity="0.5" visibility="hidden">
          <stack y="7"><layer name="a tree&#10;with leaves" src="data/b.png" opacity="0.5"></layer></stack>
          <filter type="blur"/>
        </stack>
        <layer src="data/c.png"/>
        <layer name="a very long layer name that goes on, and on, and then a little further still" src="data/d.PNG" x="90" y="70"/>
        <layer name="drawing" src="data/e.svg"/>
      </stack></image>"#;
    let grey = png(100, 80, png::ColorType::Grayscale, png::BitDepth::Eight, &[77; 8000]);
    let bytes = foreign(
        stack,
        &[
            ("data/a.png", rgba(30, 30, |x, y| [10, 20, 30, (x * 8 + y) as u8])),
            ("data/b.png", rgba(4, 4, |x, _| [x as u8, 0, 0, 200])),
            ("data/c.png", grey),
            ("data/d.PNG", rgba(200, 3, |x, _| [9, 9, 9, if x < 20 { 255 } else { 0 }])),
            ("data/e.svg", b"<svg/>".to_vec()),
            ("data/orphan.png", b"stale".to_vec()),
        ],
    );
    let opened = Document::read_from(&bytes).unwrap();
    assert_eq!(opened.notes.len(), 1, "{:?}", opened.notes);
    let document = opened.document;
    assert!(document.extra.is_empty(), "what other programs keep for themselves may be stale after an edit here");
    assert_eq!((document.width, document.height), (100, 80));
    let [long, plain, tree, sky]: [Region; 4] = document.regions.try_into().unwrap();
    assert_eq!((sky.name.as_str(), sky.words.as_str(), sky.visible), ("sky & sea", "sky & sea", true));
    assert_eq!(sky.colour, Rgb([10, 20, 30]));
    for y in 0..80 {
        for x in 0..100 {
            let expected = if x < 20 && y < 25 { ((x + 10) * 8 + y + 5) as u8 } else { 0 };
            assert_eq!(sky.mask.get(x, y), expected);
        }
    }
    assert_eq!((tree.name.as_str(), tree.words.as_str(), tree.visible), ("a tree", "a tree\nwith leaves", false));
    assert!(REGION_COLOURS.contains(&tree.colour), "a layer of many colours takes one of the palette");
    assert_eq!(tree.mask.get(5, 7), 50, "alpha 200 × layer 0.5 × stack 0.5, at the sum of the offsets");
    assert_eq!(tree.mask.data().iter().filter(|v| **v > 0).count(), 16);
    assert_eq!((plain.name.as_str(), plain.words.as_str()), ("Region 2", ""));
    assert!(plain.mask.data().iter().all(|v| *v == 255), "no alpha means covered");
    assert_eq!(long.name, "a very long layer name that goes on…");
    assert_eq!(long.mask.data().iter().filter(|v| **v == 255).count(), 30, "cut at the canvas's edge");
}

#[test]
fn every_kind_of_png_is_a_layer() {
    let stack = r#"<image w="64" h="64"><stack><layer name="n" src="l.png"/></stack></image>"#;
    let opened = |layer: Vec<u8>| back(&foreign(stack, &[("l.png", layer)])).regions.remove(0).mask;
    let pixels = 64 * 64;
    let of = |colour, depth, data: &[u8]| opened(png(64, 64, colour, depth, &data.repeat(pixels)));
    use png::{BitDepth, ColorType};
    assert_eq!(of(ColorType::Rgb, BitDepth::Eight, &[1, 2, 3]).get(9, 9), 255);
    assert_eq!(of(ColorType::GrayscaleAlpha, BitDepth::Eight, &[1, 99]).get(9, 9), 99);
    assert_eq!(of(ColorType::Rgba, BitDepth::Sixteen, &[1, 0, 2, 0, 3, 0, 99, 200]).get(9, 9), 99);
    assert_eq!(of(ColorType::Indexed, BitDepth::Eight, &[1]).get(9, 9), 60);
    let bits = png(64, 64, ColorType::Grayscale, BitDepth::One, &[0; 8 * 64]);
    assert_eq!(opened(bits).get(9, 9), 255);
    assert_eq!(opened(include_bytes!("fixtures/interlaced.png").to_vec()).get(3, 1), 13);
}

#[test]
fn edits_of_a_program_that_keeps_the_extra_entry_are_taken_over() {
    let mut document = painted();
    document.take = None;
    let bytes = bytes_of(&document);
    let all: BTreeMap<String, Vec<u8>> = entries(&bytes).into_iter().collect();
    let stack = String::from_utf8(all["stack.xml"].clone()).unwrap();
    let without: Vec<&str> = stack.lines().filter(|line| !line.contains("data/region-3.png")).collect();
    let stack = without.join("\n").replace("<stack>", "<stack><layer name=\"a kite\" src=\"data/new.png\"/>");
    let edited = changed(
        &bytes,
        &["data/region-3.png"],
        &[("stack.xml", stack.as_bytes()), ("data/new.png", &rgba(64, 64, |_, _| [5, 6, 7, 8]))],
    );
    let opened = Document::read_from(&edited).unwrap();
    assert_eq!(opened.notes.len(), 2, "{:?}", opened.notes);
    let names: Vec<&str> = opened.document.regions.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["Boat", "Region 2: \"to do\"", "", "a kite", "Odd"]);
    assert!(opened.document.regions[4].mask.is_blank());
    let mut ids: Vec<u32> = opened.document.regions.iter().map(|r| r.id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}
