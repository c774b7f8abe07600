//! Documents and their files: what a person saves comes back, whatever program it went through, and no file harms.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::ora::{bytes_of, changed, entries, foreign, liar, png, rgba, zip_of};
use image::{Rgb as Pixel, RgbImage};
use polyptych::document::{
    Area, Background, BootstrapColour, Carry, Document, History, InitImage, Kind, Lora, MAX_FEATHER, MAX_LORA_WEIGHT,
    MAX_LORAS, MAX_REGIONS, MAX_WEIGHT, MIN_WEIGHT, Mask, MergeKey, Opened, Overlap, Paint, PixelRect, Prediction,
    Problem, REGION_COLOURS, Region, RegionId, Rgb, Sampler, Schedule, Settings, StartColour, TAKES_MEMORY, Take,
    WarningKind, WindowWeights, Wrap, describe, replace_file, write_atomically,
};
use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use std::sync::Arc;

// ---------------------------------------------------------------------------------------------------------------------
// Making documents and files
// ---------------------------------------------------------------------------------------------------------------------

/// A mask in which every value from 0 to 255 occurs, inside a box.
fn ramp(width: u32, height: u32, left: u32, top: u32, right: u32, bottom: u32) -> Arc<Mask> {
    let mask = Mask::from_rows(width, height, |y, row| {
        for x in (left..right).filter(|_| (top..bottom).contains(&y)) {
            row[x as usize] = (1 + (x * 7 + y * 13) % 255) as u8;
        }
    });
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
    document.background.prompt = "a lake, dawn\nmist".to_owned();
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
    document.region_mut(boat).unwrap().start_colour = Some(StartColour { colour: Rgb([200, 30, 4]), share: 0.4 });
    let odd = document.region_mut(odd).unwrap();
    odd.colour = Rgb([1, 254, 127]);
    (odd.feather, odd.weight, odd.guidance) = (24, 2.5, Some(3.25));
    (odd.seed, odd.reroll, odd.start, odd.end) = (Some(u64::MAX), Some(17), 0.125, 0.75);
    odd.locked = true;
    odd.group = Some(7);
    document.region_mut(boat).unwrap().group = Some(7);
    document.style = "oil painting, “rough”".to_owned();
    document.settings.model = "/models/sd 1.5".to_owned();
    document.settings.seed = u64::MAX - 3;
    document.settings.steps = 33;
    document.settings.sampler = Sampler::Euler;
    document.settings.guidance = 4.7;
    document.settings.window = Some(48);
    document.settings.stride = 24;
    document.settings.bootstrap = 0.1;
    document.settings.wrap = Wrap::Xy;
    document.settings.overlap = Overlap::Average;
    document.settings.window_weights = WindowWeights::Tent;
    document.settings.bootstrap_colour = BootstrapColour::White;
    document.settings.prediction = Prediction::VZsnr;
    document.settings.reuse = 3;
    document.take = Some(Arc::new(Take { image: Arc::new(picture(160, 96)), seed: 1 << 60 }));
    document
}

/// The same, over a picture to start from, with colours on it.
fn painted_over() -> Document {
    let image = Arc::new(RgbImage::from_fn(160, 96, |x, y| Pixel([y as u8, 200, x as u8])));
    let area = Area::Mask(ramp(160, 96, 40, 10, 70, 60));
    let paint = Paint::from_rows(160, 96, |y, row| {
        for (x, pixel) in (0_u32..).zip(row).skip(13).take(100).filter(|_| (7..80).contains(&y)) {
            *pixel = [x as u8, y as u8, 200, (x * y) as u8];
        }
    });
    let mut document = painted();
    document.background.start_colour = Some(StartColour { colour: Rgb([1, 2, 3]), share: 0.0 });
    document.paint = Some(paint.held_for(0.6));
    document.init_image = Some(InitImage { image, strength: 0.35, area });
    document
}

fn back(bytes: &[u8]) -> Document {
    let opened = Document::read_from(bytes).unwrap();
    assert_eq!(opened.notes, Vec::<String>::new());
    opened.document
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
fn what_lies_beyond_the_canvas_is_saved_and_costs_itself_alone_when_it_is_damaged() {
    let mut document = painted_over();
    let whole = document.clone();
    let boat = document.regions[0].id;
    // Three canvases wide and high; the middle one, which is the canvas, is blank.
    let beyond = |left, top, right, bottom| Some(ramp(3 * 160, 3 * 96, left, top, right, bottom));
    document.regions[0].outside = beyond(100, 90, 160, 130);
    document.change_outside = beyond(320, 192, 480, 288);
    let bytes = bytes_of(&document);
    assert_eq!(back(&bytes), document);
    assert_eq!(bytes_of(&back(&bytes)), bytes, "and again");
    let names: Vec<String> = entries(&bytes).into_iter().map(|(name, _)| name).collect();
    let picture = format!("data/outside-{}.png", boat.0);
    assert!(names.contains(&picture) && names.contains(&"data/outside-change.png".to_owned()), "{names:?}");
    let stack = entries(&bytes).into_iter().find(|(name, _)| name == "stack.xml").expect("a stack").1;
    assert!(!String::from_utf8_lossy(&stack).contains("outside"), "it is no layer");

    // A document of which nothing lies outside has no such entries.
    assert!(entries(&bytes_of(&whole)).iter().all(|(name, _)| !name.contains("outside")));
    let broken = changed(&bytes, &[], &[(&picture, b"no picture")]);
    let opened = Document::read_from(&broken).expect("the rest is whole");
    assert_eq!(opened.losses.len(), 1, "{:?}", opened.losses);
    assert!(
        opened.losses[0].starts_with("what was moved over the canvas's edges was left out: "),
        "{:?}",
        opened.losses
    );
    assert!(opened.document.regions[0].outside.is_none());
    assert_eq!(
        (&opened.document.regions[0].mask, opened.document.change_outside),
        (&document.regions[0].mask, document.change_outside)
    );
    // What it claims to cover of the canvas is not its business, and a place far away is none.
    let json =
        String::from_utf8(entries(&bytes).into_iter().find(|(name, _)| name == "polyptych.json").unwrap().1).unwrap();
    let far = json.replace("\"x\": -60", "\"x\": 9000000000000000000");
    assert_ne!(far, json);
    let opened = Document::read_from(&changed(&bytes, &[], &[("polyptych.json", far.as_bytes())])).expect("readable");
    assert!(opened.document.regions[0].outside.is_none());
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
    document.regions[0].prompt = "&".repeat(9_000_000);
    let error = document.write_to(Cursor::new(Vec::new())).unwrap_err();
    assert!(matches!(error.problem(), Problem::TooMuchText(..)), "{error}");
}

#[test]
fn control_characters_in_words_survive() {
    let mut document = Document::new(64, 64);
    document.add_region("\u{0}name\u{1b}", "bell\u{7} nul\u{0} del\u{7f} \u{fffe} \r\n");
    document.background.prompt = "\u{c}".to_owned();
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

    for (name, data) in
        all.iter().filter(|(name, _)| std::path::Path::new(name).extension().is_some_and(|e| e == "png"))
    {
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
    for document in [painted(), painted_over()] {
        merged_is_of_layers(Document { take: None, ..document });
    }
}

fn merged_is_of_layers(document: Document) {
    let bytes = bytes_of(&document);
    let all: BTreeMap<String, Vec<u8>> = entries(&bytes).into_iter().collect();
    assert!(!all.contains_key("data/take.png"));
    let merged = image::load_from_memory(&all["mergedimage.png"]).unwrap().to_rgb8();
    for (x, y, pixel) in merged.enumerate_pixels() {
        let below = document.init_image.as_ref().map_or([255; 3], |start| start.image.get_pixel(x, y).0);
        let below = document.paint.as_ref().map_or(below, |paint| Paint::over(paint.get(x, y), below));
        let mut expected = below.map(f64::from);
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
    json["regions"][1]["lustre"] = 12.into();
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
    document.regions[0].prompt = "changed".to_owned();
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
    assert_eq!(json["regions"][0]["lustre"], 12, "it stays with its region");
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
        r#"{"polyptych": 1, "settings": {"sampler": "unheard-of", "guidance": 1e9, "steps": 0, "bootstrap": -1,
            "overlap": "pile", "regions": "by force", "window_weights": 7, "bootstrap_colour": "pink", "prediction": "guess"}}"#,
    ))
    .unwrap();
    assert_eq!(opened.document.settings.sampler, Sampler::Ddim);
    assert_eq!(opened.document.settings.steps, 1);
    // Projects from before deep features were reused are exact; what is out of range is held to it and told.
    assert_eq!(opened.document.settings.reuse, 1);
    for (value, reuse) in [("0", 1), ("1", 1), ("5", 5), ("999", 20)] {
        let opened =
            Document::read_from(&with(&format!(r#"{{"polyptych": 1, "settings": {{"reuse": {value}}}}}"#))).unwrap();
        assert_eq!(opened.document.settings.reuse, reuse);
        assert_eq!(
            opened.notes.iter().any(|note| note.contains("deep features")),
            reuse.to_string() != value,
            "{value}"
        );
    }
    // Every name that the command line knows is the name in files.
    for sampler in Sampler::ALL {
        for schedule in Schedule::ALL {
            let (s, c) = (sampler.name(), schedule.name());
            let json = format!(r#"{{"polyptych": 1, "settings": {{"sampler": "{s}", "schedule": "{c}"}}}}"#);
            let read = Document::read_from(&with(&json)).unwrap().document.settings;
            assert_eq!((read.sampler, read.schedule), (sampler, schedule));
            assert_eq!((Sampler::from_name(s), Schedule::from_name(c)), (Some(sampler), Some(schedule)));
        }
    }
    for prediction in Prediction::ALL {
        let name = prediction.name();
        let json = format!(r#"{{"polyptych": 1, "settings": {{"prediction": "{name}"}}}}"#);
        assert_eq!(Document::read_from(&with(&json)).unwrap().document.settings.prediction, prediction);
        assert_eq!(Prediction::from_name(name), Some(prediction));
    }
    let told = opened.notes.join("\n");
    for word in [
        "unheard-of",
        "guidance",
        "bootstrap",
        "steps",
        "“pile”",
        "“by force”",
        "window weighting",
        "“pink”",
        "“guess”",
    ] {
        assert!(told.contains(word), "{word}: {told}");
    }
}

#[test]
fn what_a_region_may_be_has_limits_and_an_old_file_says_none_of_it() {
    let with = |region: &str| {
        let json = format!(
            r#"{{"polyptych": 1, "background": {{"layer": "data/background.png"}},
                "regions": [{{"layer": "data/region-1.png", "id": 1{region}}}]}}"#
        );
        let opened = Document::read_from(&changed(&bytes_of(&painted()), &[], &[("polyptych.json", json.as_bytes())]));
        let opened = opened.unwrap();
        let region = opened.document.regions.iter().find(|r| r.id == RegionId(1)).cloned().unwrap();
        (region, opened.notes.join("\n"))
    };
    let (old, _) = with("");
    let fresh = Region::new(old.id, &old.name, old.colour, 0, 0);
    assert_eq!(Region { mask: Arc::clone(&old.mask), ..fresh }, old);
    let (wild, told) =
        with(r#", "feather": 4000000000, "weight": -3, "guidance": 1e9, "start": -2, "end": 7, "seed": 5"#);
    assert_eq!((wild.feather, wild.weight, wild.guidance), (MAX_FEATHER, MIN_WEIGHT, Some(100.0)));
    assert_eq!((wild.start, wild.end, wild.seed), (0.0, 1.0, Some(5)));
    for word in ["feather", "weight", "guidance", "start", "end"] {
        assert!(told.contains(&format!("the {word} of region")), "{word}: {told}");
    }
    assert_eq!(with(r#", "weight": 1e30"#).0.weight, MAX_WEIGHT);
    assert_eq!(with(r#", "weight": null, "end": null"#).0, old);
}

#[test]
fn the_picture_to_start_from_is_kept_undone_and_moved_with_the_canvas() {
    for area in [Area::Everything, Area::Regions, painted_over().init_image.unwrap().area] {
        let mut document = painted_over();
        document.init_image.as_mut().unwrap().area = area;
        assert_eq!(back(&bytes_of(&document)), document);
    }
    let with = |start: &str| {
        let json = format!(r#"{{"polyptych": 1, "start": {start}}}"#);
        let bytes = changed(&bytes_of(&painted_over()), &[], &[("polyptych.json", json.as_bytes())]);
        let Opened { document, notes, .. } = Document::read_from(&bytes).unwrap();
        (document.init_image.map(|start| (start.strength, start.area)), notes.join("\n"))
    };
    let layer = r#""layer": "data/start.png""#;
    assert_eq!(with(&format!(r"{{{layer}}}")).0, Some((InitImage::STRENGTH, Area::Everything)));
    let (start, told) = with(&format!(r#"{{{layer}, "strength": 7, "area": "sky"}}"#));
    assert_eq!(start, Some((1.0, Area::Regions)));
    assert!(told.contains("strength") && told.contains("what may change"), "{told}");
    let (start, told) = with(r#"{"layer": "data/none.png"}"#);
    assert!(start.is_none() && told.contains("picture to start from is gone"), "{told}");

    let (mut document, mut history) = (painted_over(), History::default());
    let before = document.clone();
    history.edit(&mut document, "Remove picture", |d| d.init_image = None);
    assert!(document.init_image.is_none());
    history.undo(&mut document);
    assert_eq!(document, before);
    document.resize_canvas(100, 120, -10, 20).unwrap();
    let start = document.init_image.clone().unwrap();
    assert_eq!(start.image.dimensions(), (100, 120));
    assert_eq!(start.image.get_pixel(5, 25), before.init_image.unwrap().image.get_pixel(15, 5));
    assert_eq!(start.image.get_pixel(5, 5), &Pixel([255; 3]));
    assert_eq!(back(&bytes_of(&document)), document);
    document.init_image.as_mut().unwrap().image = Arc::new(RgbImage::new(9, 9));
    let refused = document.write_to(Cursor::new(Vec::new())).unwrap_err().to_string();
    assert!(refused.contains("9×9"), "{refused}");
    assert!(
        painted_over().parameters(160, 96, 1).contains("Denoising strength: 0.35, Prediction type: v-zsnr, Version")
    );
}

// ---------------------------------------------------------------------------------------------------------------------
// Other programs
// ---------------------------------------------------------------------------------------------------------------------

#[test]
fn a_project_without_its_extra_entry_keeps_masks_and_words() {
    let document = painted_over();
    let opened = Document::read_from(&changed(&bytes_of(&document), &["polyptych.json"], &[])).unwrap();
    let [note] = opened.notes.as_slice() else { panic!("{:?}", opened.notes) };
    assert!(["style", "seed", "negative", "names"].iter().all(|lost| note.contains(lost)), "{note}");
    let found = opened.document;
    assert_eq!(found.background, Background { start_colour: None, ..document.background.clone() });
    assert_eq!(found.take, document.take);
    assert_eq!(found.paint, document.paint.clone().map(|paint| paint.held_for(StartColour::SHARE)));
    // Its strength is only in the extra entry.
    let start = document.init_image.clone().unwrap();
    assert_eq!(found.init_image, Some(InitImage { strength: InitImage::STRENGTH, ..start }));
    assert_eq!(found.regions.len(), document.regions.len());
    for (found, region) in found.regions.iter().zip(&document.regions) {
        assert_eq!(found.mask, region.mask);
        assert_eq!(found.prompt, region.prompt);
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
    assert_eq!(opened.notes.len(), 2, "the filter and the drawing: {:?}", opened.notes);
    let document = opened.document;
    assert!(document.extra.is_empty(), "what other programs keep for themselves may be stale after an edit here");
    assert_eq!((document.width, document.height), (100, 80));
    let [long, plain, tree, sky]: [Region; 4] = document.regions.try_into().unwrap();
    assert_eq!((sky.name.as_str(), sky.prompt.as_str(), sky.visible), ("sky & sea", "sky & sea", true));
    assert_eq!(sky.colour, Rgb([10, 20, 30]));
    for y in 0..80 {
        for x in 0..100 {
            let expected = if x < 20 && y < 25 { ((x + 10) * 8 + y + 5) as u8 } else { 0 };
            assert_eq!(sky.mask.get(x, y), expected);
        }
    }
    assert_eq!((tree.name.as_str(), tree.prompt.as_str(), tree.visible), ("a tree", "a tree\nwith leaves", false));
    assert!(REGION_COLOURS.contains(&tree.colour), "a layer of many colours takes one of the palette");
    assert_eq!(tree.mask.get(5, 7), 50, "alpha 200 × layer 0.5 × stack 0.5, at the sum of the offsets");
    assert_eq!(tree.mask.to_raw().iter().filter(|v| **v > 0).count(), 16);
    assert_eq!((plain.name.as_str(), plain.prompt.as_str()), ("Region 2", ""));
    assert!(plain.mask.to_raw().iter().all(|v| *v == 255), "no alpha means covered");
    assert_eq!(long.name, "a very long layer name that goes on…");
    assert_eq!(long.mask.to_raw().iter().filter(|v| **v == 255).count(), 30, "cut at the canvas's edge");
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

// ---------------------------------------------------------------------------------------------------------------------
// Hostile and broken files
// ---------------------------------------------------------------------------------------------------------------------

const TINY: &str = r#"<image w="64" h="64"><stack><layer name="n" src="l.png"/></stack></image>"#;

/// Bytes that count as a zip entry of this many zeros.
fn bomb(zeros: usize) -> Vec<u8> {
    vec![0; zeros]
}

#[test]
fn every_truncation_of_a_project_is_an_error() {
    let bytes = bytes_of(&painted());
    let step = (bytes.len() / 300).max(1);
    for length in (0..bytes.len()).step_by(step) {
        let error = Document::read_from(&bytes[..length]).expect_err("truncated");
        assert!(!error.to_string().contains('\n'));
    }
}

#[test]
fn flipped_bytes_never_panic() {
    let bytes = bytes_of(&painted());
    let mut state = 1_u32;
    for _ in 0..1500 {
        let mut broken = bytes.clone();
        for _ in 0..3 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = state as usize % broken.len();
            broken[at] ^= (state >> 24) as u8;
        }
        if let Err(error) = Document::read_from(&broken) {
            assert!(!error.to_string().contains('\n'));
        }
    }
}

#[test]
fn what_is_no_project_says_so() {
    assert!(matches!(problem(b""), Problem::UnknownKind));
    assert!(matches!(problem(b"not a project"), Problem::UnknownKind));
    assert!(matches!(problem(b"PK\x03\x04 and nothing else"), Problem::Zip(_)));
    assert!(
        matches!(problem(&zip_of(&[("mimetype", b"application/x-krita")])), Problem::OtherMimetype(kind) if kind == "application/x-krita")
    );
    assert!(
        matches!(problem(&zip_of(&[("mimetype", b"image/openraster")])), Problem::MissingEntry(entry) if entry == "stack.xml")
    );
    assert!(matches!(problem(&rgba(64, 64, |_, _| [0; 4])), Problem::NoProject));
    // Without a mimetype entry it is still readable.
    assert!(
        Document::read_from(&zip_of(&[("stack.xml", TINY.as_bytes()), ("l.png", &rgba(1, 1, |_, _| [1; 4]))])).is_ok()
    );
}

#[test]
fn duplicate_entries_are_refused() {
    // The zip writer refuses to make them, so make them of two names of the same length.
    let mut bytes = foreign(TINY, &[("l.png", rgba(1, 1, |_, _| [1; 4])), ("k.png", rgba(1, 1, |_, _| [2; 4]))]);
    for at in 0..bytes.len() - 5 {
        if &bytes[at..at + 5] == b"k.png" {
            bytes[at] = b'l';
        }
    }
    assert!(matches!(problem(&bytes), Problem::DuplicateEntries));
}

#[test]
fn bombs_are_stopped_by_their_size() {
    let large = bomb(20_000_000);
    let bytes = zip_of(&[("mimetype", b"image/openraster"), ("stack.xml", &large)]);
    assert!(bytes.len() < 100_000);
    assert!(matches!(problem(&bytes), Problem::EntryTooLarge { entry, .. } if entry == "stack.xml"));
    let bytes = zip_of(&[("stack.xml", TINY.as_bytes()), ("polyptych.json", &large)]);
    assert!(matches!(problem(&bytes), Problem::EntryTooLarge { entry, .. } if entry == "polyptych.json"));
    // The central directory lies about the size.
    let mut bytes = zip_of(&[("mimetype", b"image/openraster"), ("stack.xml", &large)]);
    let size = 20_000_000_u32.to_le_bytes();
    for at in 0..bytes.len() - 4 {
        if bytes[at..at + 4] == size {
            bytes[at..at + 4].copy_from_slice(&100_u32.to_le_bytes());
        }
    }
    assert!(Document::read_from(&bytes).is_err());
    // A layer that unpacks to far more than its header says is read no further than that.
    let mut layer = rgba(1, 1, |_, _| [1, 2, 3, 4]);
    layer.extend(bomb(50_000_000));
    assert_eq!(back(&foreign(TINY, &[("l.png", layer)])).regions[0].mask.get(0, 0), 4);
}

#[test]
fn absurd_sizes_are_refused_before_memory_is_taken() {
    for (width, height) in [(100_000, 100_000), (4_000_000_000, 4_000_000_000), (70_000, 70_000), (100_000, 1)] {
        let opened = Document::read_from(&foreign(TINY, &[("l.png", liar(width, height))])).unwrap();
        assert!(opened.document.regions.is_empty());
        assert!(opened.notes[0].contains("“n” was left out"), "{:?}", opened.notes);
        assert!(matches!(
            problem(&liar(width, height)),
            Problem::PictureTooLarge { .. } | Problem::Picture { .. } | Problem::NoProject
        ));
    }
    for size in ["w='100000' h='100000'", "w='16384' h='16384'", "w='0' h='64'", "w='63' h='64'", "w='16385' h='64'"] {
        let found = problem(&foreign(&format!("<image {size}><stack/></image>"), &[]));
        assert!(matches!(found, Problem::Canvas { .. }), "{found}");
    }
    let found = problem(&foreign("<image w='99999999999999999999' h='-1'><stack/></image>", &[]));
    assert!(matches!(found, Problem::Stack(_)), "{found}");
    let many = |count: usize, size: &str| {
        format!("<image {size}><stack>{}</stack></image>", "<layer src='l.png'/>".repeat(count))
    };
    let layer = || [("l.png", rgba(1, 1, |_, _| [1; 4]))];
    for count in [MAX_REGIONS + 6, 100_000] {
        let found = problem(&foreign(&many(count, "w='64' h='64'"), &layer()));
        assert!(matches!(found, Problem::TooManyLayers { layers, .. } if layers == count), "{found}");
    }
    // Many layers of next to nothing on the largest canvas take next to nothing.
    assert_eq!(back(&foreign(&many(200, "w='16384' h='4096'"), &layer())).regions.len(), 200);
}

#[test]
fn hostile_xml_is_refused_or_harmless() {
    let laughs = r#"<?xml version="1.0"?><!DOCTYPE image [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY x SYSTEM "file:///etc/passwd">]>"#;
    let layer = || [("l.png", rgba(1, 1, |_, _| [1; 4]))];
    let with = |name: &str| {
        format!("{laughs}<image w='64' h='64'><stack><layer name=\"{name}\" src='l.png'/></stack></image>")
    };
    for name in ["&b;", "&x;", "&#x110000;", "&#0;"] {
        assert!(matches!(problem(&foreign(&with(name), &layer())), Problem::Stack(_)), "{name}");
    }
    assert!(Document::read_from(&foreign(&with("&amp;&#65;"), &layer())).unwrap().document.regions[0].prompt == "&A");
    for stack in [
        "",
        "<stack/>",
        "<image w='64' h='64'>",
        "<image w='64' h='64'><stack></image></stack>",
        "<image w='64' h='64'><stack><layer/></stack></image>",
        "<image h='64'><stack/></image>",
        "\u{0}",
    ] {
        assert!(matches!(problem(&foreign(stack, &layer())), Problem::Stack(_)), "{stack}");
    }
    let deep = format!("<image w='64' h='64'>{}{}</image>", "<stack>".repeat(100_000), "</stack>".repeat(100_000));
    assert!(matches!(problem(&foreign(&deep, &[])), Problem::Stack(_)));
    let wide = format!("<image w='64' h='64'><stack><layer src='l.png' {}/></stack></image>", "x='1' ".repeat(100_000));
    assert!(matches!(problem(&foreign(&wide, &layer())), Problem::Stack(_)));
    let latin: Vec<u8> = [b"<image w='64' h='64'><stack name='".as_slice(), &[0xe9], b"'/></image>"].concat();
    assert!(matches!(problem(&zip_of(&[("stack.xml", &latin)])), Problem::Stack(_)));
    // Offsets far outside: the layer is nowhere to be seen, and nothing else happens.
    for far in ["1e300", "-99999999", "2147483647"] {
        let stack =
            format!("<image w='64' h='64'><stack x='{far}'><layer src='l.png' x='{far}' y='{far}'/></stack></image>");
        assert!(back(&foreign(&stack, &layer())).regions[0].mask.is_blank());
    }
}

#[test]
fn hostile_json_is_refused_or_harmless() {
    let with = |json: &str| {
        zip_of(&[
            ("stack.xml", TINY.as_bytes()),
            ("polyptych.json", json.as_bytes()),
            ("l.png", &rgba(1, 1, |_, _| [1; 4])),
        ])
    };
    let deep = format!("{{\"polyptych\": 1, \"x\": {}1{}}}", "[".repeat(200_000), "]".repeat(200_000));
    for json in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"polyptych": 0}"#,
        r#"{"polyptych": -1}"#,
        r#"{"polyptych": 1, "regions": 5}"#,
        &deep,
    ] {
        let opened = Document::read_from(&with(json)).unwrap();
        assert_eq!(opened.document.regions[0].prompt, "n", "the layers alone: {}", &json[..json.len().min(60)]);
        assert!(opened.notes[0].contains("polyptych.json is damaged"), "{:?}", opened.notes);
        assert_eq!(opened.losses[0], opened.notes[0]);
    }
    let same = r##"{"layer": "l.png", "id": 7, "colour": "#zzzzzz", "bootstrap": 1e30}"##;
    let opened = Document::read_from(&with(&format!(
        r#"{{"polyptych": 1, "regions": [{same}, {same}, {{"id": 4294967295}}, {{"layer": "no.png", "id": 7}}]}}"#
    )))
    .unwrap();
    let document = opened.document;
    assert_eq!(document.regions.len(), 3, "{:?}", opened.notes);
    assert_eq!(document.regions[0].bootstrap, Some(1.0));
    let mut ids: Vec<u32> = document.regions.iter().map(|r| r.id.0).collect();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    assert_eq!(back(&bytes_of(&document)), document);
}

#[test]
fn ids_never_run_out() {
    let mut document = Document::new(64, 64);
    document.add_region("a", "");
    document.regions[0].id = RegionId(u32::MAX);
    let id = document.add_region("b", "");
    assert_ne!(id, RegionId(u32::MAX));
}

// ---------------------------------------------------------------------------------------------------------------------
// Saving never harms what was there
// ---------------------------------------------------------------------------------------------------------------------

#[test]
fn a_failed_save_leaves_the_old_file_whole_and_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("work.ora");
    painted().save(&path).unwrap();
    let before = std::fs::read(&path).unwrap();
    // It fails half way.
    let error = replace_file(&path, |file| {
        file.write_all(&vec![7; 100_000]).map_err(Problem::Write)?;
        file.flush().map_err(Problem::Write)?;
        Err(Problem::Write(std::io::Error::other("disk full")))
    })
    .unwrap_err();
    let line = error.to_string();
    assert!(line.contains("work.ora") && line.contains("disk full") && line.contains("untouched"), "{line}");
    // It cannot be saved at all.
    let mut wrong = painted();
    wrong.regions[1].mask = Arc::new(Mask::empty(7, 7));
    assert!(matches!(wrong.save(&path).unwrap_err().problem(), Problem::MaskMismatch { number: 2, .. }));
    let mut small = Document::new(64, 64);
    small.width = 8;
    assert!(matches!(small.save(&path).unwrap_err().problem(), Problem::Canvas { .. }));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    // A folder in the way, and a folder that is not there.
    std::fs::create_dir(folder.path().join("folder.ora")).unwrap();
    let saved_to = |name: &str| painted().save(folder.path().join(name)).unwrap_err().into_problem();
    assert!(matches!(saved_to("folder.ora"), Problem::OutputIsFolder));
    assert!(matches!(saved_to("no/where.ora"), Problem::NoFolder(_)));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[cfg(unix)]
#[test]
fn links_and_rights_survive_a_save() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real.ora"), folder.path().join("link.ora"));
    write_atomically(&real, b"old").unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_ne!(mode(&real) & 0o400, 0);
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    painted().save(&link).unwrap();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(mode(&real), 0o640);
    assert_eq!(Document::open(&real).unwrap(), painted());
}

#[test]
fn a_missing_file_is_one_line() {
    let error = Document::open("/no/such/project.ora").unwrap_err().to_string();
    assert!(error.starts_with("/no/such/project.ora: cannot be read ("), "{error}");
    let error = Document::open(std::env::temp_dir()).unwrap_err().to_string();
    assert!(error.contains("cannot be read"), "{error}");
}

// ---------------------------------------------------------------------------------------------------------------------
// Pictures that carry their project
// ---------------------------------------------------------------------------------------------------------------------

fn exported(document: &Document, image: &RgbImage, carry: Carry) -> Vec<u8> {
    let mut bytes = Vec::new();
    document.write_png(image, carry, &mut bytes).unwrap();
    bytes
}

/// The text chunks of a PNG: kind, keyword, text.
fn texts(bytes: &[u8]) -> Vec<(&'static str, String, String)> {
    let reader = png::Decoder::new(Cursor::new(bytes)).read_info().unwrap();
    let info = reader.info();
    let latin = info.uncompressed_latin1_text.iter().map(|c| ("tEXt", c.keyword.clone(), c.text.clone()));
    let utf8 = info.utf8_text.iter().map(|c| ("iTXt", c.keyword.clone(), c.get_text().unwrap()));
    latin.chain(utf8).collect()
}

#[test]
fn an_exported_picture_opens_as_its_project() {
    let document = painted();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("picture.png");
    document.export_png(&path, &picture(160, 96), true).unwrap();
    assert_eq!(image::open(&path).unwrap().to_rgb8(), picture(160, 96));
    assert_eq!(Document::open(&path).unwrap(), document, "the take is the picture, with its seed");
    // Another picture than the take was drawn with the document's seed.
    let other = RgbImage::from_pixel(160, 96, Pixel([1, 2, 3]));
    document.export_png(&path, &other, true).unwrap();
    let opened = Document::open(&path).unwrap();
    assert_eq!(opened.take, Some(Arc::new(Take { image: Arc::new(other), seed: document.settings.seed })));
    // The pixels alone.
    document.export_png(&path, &picture(160, 96), false).unwrap();
    assert!(texts(&std::fs::read(&path).unwrap()).is_empty());
    let error = Document::open(&path).unwrap_err().to_string();
    assert!(error.ends_with("open the .ora, or a PNG exported with its project"), "{error}");
}

#[test]
fn parameters_are_what_the_web_uis_read() {
    let mut document = Document::new(128, 64);
    document.background.prompt = "a lake,\n  dawn".to_owned();
    document.background.negative = "blurry, ugly".to_owned();
    document.add_region("Boat", "a red boat");
    document.add_region("Hidden", "a ghost");
    document.add_region("Wordless", "");
    document.regions[1].visible = false;
    document.settings.seed = 42;
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!(
        "a lake, dawn BREAK\na red boat\nNegative prompt: blurry, ugly\nSteps: 20, Sampler: DDIM, CFG scale: 7.5, Seed: 42, \
         Size: 128x64, Model: embedded, Version: Polyptych {version}"
    );
    assert_eq!(document.parameters(128, 64, 42), expected);
    for (sampler, schedule, named) in [
        (Sampler::EulerAncestral, Schedule::Normal, "Euler a"),
        (Sampler::Dpmpp2m, Schedule::Karras, "DPM++ 2M Karras"),
        (Sampler::Dpmpp2mSde, Schedule::Exponential, "DPM++ 2M SDE Exponential"),
    ] {
        let settings = Settings { sampler, schedule, ..document.settings.clone() };
        let text = Document { settings, ..document.clone() }.parameters(128, 64, 42);
        assert!(text.contains(&format!("Sampler: {named}, ")), "{text}");
    }
    let carry = Carry { parameters: true, project: false };
    let image = picture(128, 64);
    assert_eq!(texts(&exported(&document, &image, carry)), [("tEXt", "parameters".to_owned(), expected)]);
    // Latin-1 stays tEXt, all else is iTXt; odd values are quoted; nothing at all is still settings.
    document.background.prompt = "café".to_owned();
    document.settings.model = "C:\\models, \"v1\"".to_owned();
    let chunks = texts(&exported(&document, &image, carry));
    assert_eq!(chunks[0].0, "tEXt");
    assert!(
        chunks[0].2.contains("café") && chunks[0].2.contains(r#"Model: "C:\\models, \"v1\"", "#),
        "{}",
        chunks[0].2
    );
    document.background.prompt = "日本\0".to_owned();
    let chunks = texts(&exported(&document, &image, carry));
    assert_eq!(chunks[0].0, "iTXt");
    assert!(chunks[0].2.starts_with("日本  BREAK\n") || chunks[0].2.starts_with("日本 BREAK\n"), "{}", chunks[0].2);
    assert!(Document::new(64, 64).parameters(64, 64, 0).starts_with("Steps: 20, "));
}

#[test]
fn a_picture_that_was_changed_still_gives_its_project() {
    let document = painted();
    let bytes = exported(&document, &picture(80, 48), Carry::ALL);
    let opened = Document::read_from(&bytes).unwrap();
    assert_eq!(opened.document.take, None);
    assert_eq!(opened.document.regions, document.regions);
    assert_eq!(opened.notes.len(), 1, "{:?}", opened.notes);
}

#[test]
fn a_damaged_project_in_a_picture_is_an_error() {
    let with = |text: &str, compressed: bool| {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, 64, 64);
        encoder.set_color(png::ColorType::Grayscale);
        let mut writer = encoder.write_header().unwrap();
        let mut chunk = png::text_metadata::ITXtChunk::new("polyptych", text);
        chunk.compressed = compressed;
        writer.write_text_chunk(&chunk).unwrap();
        writer.write_image_data(&[0; 4096]).unwrap();
        drop(writer);
        out
    };
    let bomb = "A".repeat(200_000_000);
    for (text, compressed) in [("", false), ("!", true), ("UEsDBA==", true), ("AAAA", false), (bomb.as_str(), true)] {
        let error = Document::read_from(&with(text, compressed)).unwrap_err();
        assert!(matches!(error.problem(), Problem::Embedded(_)), "{error}");
        assert!(!error.to_string().contains('\n'));
    }
    let bytes = exported(&painted(), &picture(160, 96), Carry::ALL);
    for length in (8..bytes.len()).step_by(bytes.len() / 200) {
        assert!(Document::read_from(&bytes[..length]).is_err());
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Masks from pictures, coverage, warnings, summaries
// ---------------------------------------------------------------------------------------------------------------------

fn imported(bytes: &[u8], width: u32, height: u32) -> Result<Mask, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mask.png");
    std::fs::write(&path, bytes).unwrap();
    Document::import_mask(&path, width, height).map_err(|e| e.to_string())
}

#[test]
fn masks_come_from_luminance_or_from_alpha() {
    use png::{BitDepth, ColorType};
    let grey: Vec<u8> = (0..64 * 64).map(|i| (i % 256) as u8).collect();
    assert_eq!(imported(&png(64, 64, ColorType::Grayscale, BitDepth::Eight, &grey), 64, 64).unwrap().to_raw(), grey);
    let bits = imported(&png(64, 64, ColorType::Grayscale, BitDepth::One, &[0b1010_1010; 512]), 64, 64).unwrap();
    assert_eq!(&bits.to_raw()[..4], [255, 0, 255, 0]);
    // Pillow: Image.new("RGB", (1, 1), c).convert("L") for these colours.
    for (colour, luminance) in
        [([255, 0, 0], 76), ([0, 255, 0], 150), ([0, 0, 255], 29), ([12, 200, 77], 130), ([255; 3], 255)]
    {
        let [r, g, b] = colour;
        assert_eq!(imported(&rgba(64, 64, |_, _| [r, g, b, 255]), 64, 64).unwrap().get(5, 5), luminance, "{colour:?}");
    }
    let shape = imported(&rgba(64, 64, |x, _| [0, 0, 0, x as u8]), 64, 64).unwrap();
    assert_eq!(shape.get(63, 2), 63);
    let error = imported(&rgba(64, 65, |_, _| [0; 4]), 64, 64).unwrap_err();
    assert!(error.contains("is 64×65 pixels but the canvas is 64×64"), "{error}");
    assert!(imported(b"GIF89a", 64, 64).unwrap_err().contains("save it as PNG, JPEG or WebP"));
    assert!(imported(&liar(64, 64), 64, 64).is_err());
    assert!(Document::import_mask("/no/mask.png", 64, 64).unwrap_err().to_string().starts_with("/no/mask.png: "));
}

fn rectangle(width: u32, height: u32, x: u32, y: u32, w: u32, h: u32, value: u8) -> Arc<Mask> {
    let mut mask = Mask::empty(width, height);
    mask.fill(PixelRect { x, y, width: w, height: h }, value);
    Arc::new(mask)
}

#[test]
fn upper_regions_cover_lower_ones() {
    let mut document = Document::new(100, 100);
    let low = document.add_region("low", "low");
    let high = document.add_region("high", "high");
    document.regions[0].mask = rectangle(100, 100, 0, 0, 100, 50, 255);
    document.regions[1].mask = rectangle(100, 100, 0, 0, 50, 100, 128);
    let coverage = document.coverage();
    let near = |a: f64, b: f64| assert!((a - b).abs() < 0.002, "{a} is not {b}");
    near(coverage.regions[0].painted, 0.5);
    near(coverage.regions[0].visible, 0.25 + 0.25 * 127.0 / 255.0);
    near(coverage.regions[1].painted, 0.5 * 128.0 / 255.0);
    near(coverage.regions[1].visible, 0.5 * 128.0 / 255.0);
    near(coverage.uncovered, 0.25 + 0.25 * 127.0 / 255.0);
    let mask = document.visible_mask(low).unwrap();
    assert_eq!((mask.get(10, 10), mask.get(60, 10), mask.get(10, 60)), (127, 255, 0));
    assert_eq!(document.visible_mask(high).unwrap(), *document.regions[1].mask);
    document.regions[1].visible = false;
    assert_eq!(document.visible_mask(low).unwrap(), *document.regions[0].mask);
    assert!(document.visible_mask(high).unwrap().is_blank());
    assert_eq!(document.visible_mask(RegionId(99)), None);
    let shown: f64 = document.coverage().regions.iter().map(|r| r.visible).sum();
    near(shown + document.coverage().uncovered, 1.0);
}

#[test]
fn warnings_say_what_is_wrong() {
    let kinds = |document: &Document| -> Vec<WarningKind> { document.warnings().iter().map(|w| w.kind).collect() };
    let mut document = Document::new(64, 64);
    assert_eq!(kinds(&document), [WarningKind::Uncovered]);
    document.background.prompt = "sea".to_owned();
    assert_eq!(kinds(&document), []);
    document.add_region("A", "a");
    assert_eq!(kinds(&document), [WarningKind::EmptyMask]);
    document.regions[0].mask = rectangle(64, 64, 0, 0, 32, 32, 255);
    document.regions[0].prompt = " \n".to_owned();
    assert_eq!(kinds(&document), [WarningKind::EmptyWords]);
    document.regions[0].prompt = "a".to_owned();
    document.add_region("B", "b");
    document.regions[1].mask = rectangle(64, 64, 0, 0, 40, 40, 255);
    assert_eq!(kinds(&document), [WarningKind::Covered]);
    assert_eq!(document.warnings()[0].region, Some(document.regions[0].id));
    assert_eq!(document.warnings()[0].to_string(), "region 1, “A”, lies under others and will not show; move it up");
    document.regions.iter_mut().for_each(|r| r.visible = false);
    assert_eq!(kinds(&document), [WarningKind::AllHidden]);
    document.background.prompt.clear();
    document.regions[1].visible = true;
    document.regions[1].mask = rectangle(64, 64, 0, 0, 64, 64, 255);
    assert_eq!(kinds(&document), []);
}

#[test]
fn a_summary_tells_what_a_file_holds() {
    let folder = tempfile::tempdir().unwrap();
    let (project, export) = (folder.path().join("p.ora"), folder.path().join("p.png"));
    painted().save(&project).unwrap();
    painted().export_png(&export, &picture(160, 96), true).unwrap();
    let (of_project, of_export) = (describe(&project).unwrap(), describe(&export).unwrap());
    assert_eq!((of_project.kind, of_export.kind), (Kind::Project, Kind::Picture));
    assert_eq!(of_project.regions, of_export.regions);
    let json = serde_json::to_value(&of_project).unwrap();
    assert_eq!(json["kind"], "project");
    assert_eq!((&json["width"], &json["height"]), (&160.into(), &96.into()));
    assert_eq!(json["background"]["words"], "a lake, dawn\nmist");
    assert_eq!(json["regions"][0]["words"], AWKWARD);
    assert_eq!(json["regions"][0]["number"], 1);
    assert_eq!(json["regions"][0]["colour"], "#e69f00");
    assert_eq!(json["regions"][1]["negative"], "");
    assert_eq!(json["regions"][2]["negative"], serde_json::Value::Null);
    assert_eq!(json["settings"]["seed"], u64::MAX - 3);
    assert_eq!(json["settings"]["sampler"], "euler");
    assert_eq!(json["take_seed"], 1_u64 << 60);
    let text = of_project.to_string();
    assert!(text.contains("p.ora: project, 160 × 96 pixels\n") && text.contains("region 4"), "{text}");
    assert!(text.lines().all(|line| !line.contains('\t')), "one line for each thing: {text}");
}

#[test]
fn a_resized_canvas_keeps_what_is_on_both() {
    let mut document = painted();
    let before = document.clone();
    document.resize_canvas(200, 80, 30, -10).unwrap();
    assert_eq!((document.width, document.height, &document.take), (200, 80, &None));
    for (new, old) in document.regions.iter().zip(&before.regions) {
        for y in 0..80 {
            for x in 0..200_u32 {
                let expected = x.checked_sub(30).map_or(0, |x| old.mask.get(x, y + 10));
                assert_eq!(new.mask.get(x, y), expected);
            }
        }
    }
    assert_eq!(back(&bytes_of(&document)), document);
    assert!(document.resize_canvas(10, 10, 0, 0).is_err());
    document.resize_canvas(64, 64, i32::MIN, i32::MAX).unwrap();
    assert!(document.regions.iter().all(|r| r.mask.is_blank()));
}

#[test]
fn the_box_of_a_mask_is_tight() {
    for (x, y, w, h) in [(0, 0, 1, 1), (63, 69, 1, 1), (5, 6, 7, 8), (0, 0, 64, 70), (0, 3, 64, 1)] {
        let mut mask = (*rectangle(64, 70, x, y, w, h, 1)).clone();
        let bounds = mask.bounds();
        assert_eq!((bounds.x, bounds.y, bounds.width, bounds.height), (x, y, w, h));
        mask.write_row(0, 69, &[1]);
        let bounds = mask.bounds();
        assert_eq!((bounds.x, bounds.y + bounds.height), (0, 70));
    }
    assert!(Mask::empty(64, 64).bounds().is_empty());
}

// ---------------------------------------------------------------------------------------------------------------------
// Undo and redo
// ---------------------------------------------------------------------------------------------------------------------

/// Every kind of change a person makes, as steps.
fn story(document: &mut Document, history: &mut History) -> Vec<Document> {
    let mut states = vec![document.clone()];
    let mut step = |document: &mut Document, history: &mut History, label: &str, change: &dyn Fn(&mut Document)| {
        history.edit(document, label, |d| change(d));
        states.push(document.clone());
    };
    step(document, history, "Add", &|d| {
        d.add_region("Sky", "clouds");
    });
    step(document, history, "Fill", &|d| d.regions[0].mask = ramp(160, 96, 10, 10, 100, 90));
    step(document, history, "Add", &|d| {
        d.add_region("Sea", "waves");
    });
    step(document, history, "Paint", &|d| d.regions[1].mask = Mask::even(160, 96, 99).into());
    step(document, history, "Order", &|d| d.regions.swap(0, 1));
    step(document, history, "Invert", &|d| {
        d.regions[0].mask = d.regions[0].mask.map(|v| 255 - v).into();
    });
    step(document, history, "Delete", &|d| {
        d.regions.remove(0);
    });
    step(document, history, "Feather", &|d| d.regions[0].feather = 9);
    step(document, history, "Paint colours", &|d| d.paint = Some(Paint::blank(160, 96)));
    step(document, history, "Splash", &|d| {
        d.paint = Some(Paint::from_rows(160, 96, |y, row| row[y as usize] = [9, 200, 30, 128]));
    });
    step(document, history, "Held", &|d| {
        if let Some(paint) = &mut d.paint {
            paint.share = 0.75;
        }
    });
    step(document, history, "Weight", &|d| d.regions[0].weight = 2.0);
    let start = StartColour { colour: Rgb([9, 8, 7]), share: 0.5 };
    step(document, history, "Colour", &|d| d.regions[0].start_colour = Some(start));
    step(document, history, "Ground", &|d| d.background.start_colour = Some(start));
    step(document, history, "Guidance", &|d| d.regions[0].guidance = Some(3.0));
    step(document, history, "Seed", &|d| d.regions[0].seed = Some(3));
    step(document, history, "Reroll", &|d| d.regions[0].reroll = Some(4));
    step(document, history, "Lock", &|d| d.regions[0].locked = true);
    step(document, history, "Group", &|d| d.regions[0].group = Some(1));
    step(document, history, "Style", &|d| d.style = "oil".to_owned());
    step(document, history, "Span", &|d| d.regions[0].start = 0.25);
    step(document, history, "Span", &|d| d.regions[0].end = 0.5);
    step(document, history, "Overlap", &|d| d.settings.overlap = Overlap::Average);
    step(document, history, "Settings", &|d| {
        d.settings.steps = 7;
        d.background.prompt = "sand".to_owned();
    });
    step(document, history, "Resize", &|d| d.resize_canvas(100, 200, 5, 5).unwrap());
    step(document, history, "Paint", &|d| {
        let mask = Arc::make_mut(&mut d.regions[0].mask);
        mask.write_row(77, 7, &[mask.get(77, 7) ^ 1]);
    });
    step(document, history, "Both", &|d| {
        d.regions[0].name = "Dunes".to_owned();
        Arc::make_mut(&mut d.regions[0].mask).write_row(3, 0, &[200]);
        d.add_region("Sun", "a sun");
    });
    states
}

#[test]
fn everything_is_undone_and_done_again() {
    let mut document = Document::new(160, 96);
    let mut history = History::default();
    let states = story(&mut document, &mut history);
    let mut revisions = vec![history.revision()];
    for _ in 0..3 {
        for state in states.iter().rev().skip(1) {
            history.undo(&mut document).unwrap();
            assert_eq!(&document, state);
            revisions.push(history.revision());
        }
        assert_eq!(history.undo(&mut document), None);
        assert_eq!((history.undo_label(), history.redo_label()), (None, Some("Add")));
        for state in states.iter().skip(1) {
            history.redo(&mut document).unwrap();
            assert_eq!(&document, state);
            revisions.push(history.revision());
        }
        assert_eq!(history.redo(&mut document), None);
    }
    revisions.sort_unstable();
    revisions.dedup();
    assert_eq!(revisions.len(), states.len(), "the same state has the same name");
    assert!(history.memory() > 0);
}

#[test]
fn a_new_step_ends_what_could_be_done_again() {
    let mut document = Document::new(64, 64);
    let mut history = History::default();
    history.edit(&mut document, "Steps", |d| d.settings.steps = 5);
    let saved = history.revision();
    history.edit(&mut document, "Steps", |d| d.settings.steps = 6);
    history.undo(&mut document);
    assert_eq!(history.revision(), saved);
    history.edit(&mut document, "Steps", |d| d.settings.steps = 8);
    assert_eq!(history.redo_label(), None);
    assert_ne!(history.revision(), saved);
    history.edit(&mut document, "Nothing", |_| ());
    assert_eq!(history.undo_label(), Some("Steps"));
}

#[test]
fn typing_is_one_step() {
    let mut document = Document::new(64, 64);
    let mut history = History::default();
    let id = history.edit(&mut document, "Add", |d| d.add_region("Sky", ""));
    let write = |document: &mut Document, history: &mut History, words: &str| {
        history.edit_merging(document, "Words", MergeKey("words", id.0), |d| {
            d.region_mut(id).unwrap().prompt = words.to_owned();
        });
    };
    for words in ["c", "cl", "clo", "clou", "cloud"] {
        write(&mut document, &mut history, words);
    }
    let typed = history.revision();
    history.close();
    write(&mut document, &mut history, "clouds");
    write(&mut document, &mut history, "clouds!");
    history.edit_merging(&mut document, "Steps", MergeKey("steps", 0), |d| d.settings.steps = 9);
    history.undo(&mut document);
    history.undo(&mut document);
    assert_eq!(document.regions[0].prompt, "cloud");
    assert_eq!(history.revision(), typed);
    // After an undo, typing begins anew and does not join what was undone to.
    write(&mut document, &mut history, "cloudy");
    history.undo(&mut document);
    assert_eq!(document.regions[0].prompt, "cloud");
    history.undo(&mut document);
    assert_eq!(document.regions[0].prompt, "");
    assert_eq!(history.undo_label(), Some("Add"));
    // Typed and taken away again is no step.
    history.close();
    for words in ["x", "xy", "x", ""] {
        write(&mut document, &mut history, words);
    }
    assert_eq!(history.undo_label(), Some("Add"));
}

#[test]
fn an_open_step_is_kept_or_taken_back() {
    let mut document = Document::new(64, 64);
    document.add_region("A", "a");
    let mut history = History::default();
    let before = document.clone();
    history.begin(&document);
    document.regions[0].mask = Mask::even(64, 64, 1).into();
    document.regions[0].name = "B".to_owned();
    assert!(history.is_open());
    history.abort(&mut document);
    assert_eq!(document, before);
    history.begin(&document);
    assert!(!history.commit(&document, "Nothing"));
    history.begin(&document);
    Arc::make_mut(&mut document.regions[0].mask).write_row(63, 63, &[1]);
    assert!(history.commit(&document, "Paint"));
    let change = history.undo(&mut document).unwrap();
    assert_eq!((change.label.as_str(), change.rest, change.masks.len()), ("Paint", false, 1));
    assert_eq!(document, before);
}

#[test]
fn a_finished_picture_is_not_taken_away_by_undoing_words() {
    let mut document = Document::new(64, 64);
    let mut history = History::default();
    history.edit(&mut document, "Steps", |d| d.settings.steps = 3);
    document.take = Some(Arc::new(Take { image: Arc::new(RgbImage::new(64, 64)), seed: 1 }));
    history.undo(&mut document);
    assert!(document.take.is_some());
    let kept = document.take.clone();
    history.edit(&mut document, "Discard", |d| d.take = None);
    history.undo(&mut document);
    assert_eq!(document.take, kept);
    history.redo(&mut document);
    assert_eq!(document.take, None);
}

#[test]
fn old_steps_go_when_memory_is_short() {
    let mut document = Document::new(640, 640);
    document.add_region("A", "a");
    let mut history = History::with_memory(1 << 20);
    for i in 0..40_u32 {
        history.edit(&mut document, "Noise", |d| {
            let noise: Vec<u8> = (0..640 * 640_u32).map(|at| (at * (i + 3) % 251) as u8).collect();
            d.regions[0].mask = Mask::from_raw(640, 640, &noise).expect("of this size").into();
        });
        assert!(history.memory() <= 1 << 20);
    }
    let mut undone = 0;
    let at_most = document.clone();
    while history.undo(&mut document).is_some() {
        undone += 1;
    }
    assert!((1..=2).contains(&undone), "{undone}");
    while history.redo(&mut document).is_some() {}
    assert_eq!(document, at_most);
    // Flat tiles cost next to nothing.
    let mut history = History::with_memory(1 << 20);
    for i in 0..100 {
        history.edit(&mut document, "Fill", |d| d.regions[0].mask = Mask::even(640, 640, i).into());
    }
    let mut undone = 0;
    while history.undo(&mut document).is_some() {
        undone += 1;
    }
    assert!(undone > 90, "{undone}");
    history.clear();
    assert_eq!((history.redo_label(), history.memory()), (None, 0));
}

#[test]
fn a_project_that_krita_saved_again_keeps_masks_and_words() {
    // tests/fixtures/lighthouse-bay.krita.ora is the example after `krita --export` of Debian's Krita 5.1.5: the layers are cut
    // to their boxes and polyptych.json is gone.
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let before = Document::open(root.join("assets/examples/lighthouse-bay.ora")).unwrap();
    let after = Document::open(root.join("tests/fixtures/lighthouse-bay.krita.ora")).unwrap();
    assert_eq!((after.width, after.height), (before.width, before.height));
    assert_eq!(after.background, before.background);
    assert_eq!(after.regions.len(), before.regions.len());
    for (after, before) in after.regions.iter().zip(&before.regions) {
        assert_eq!(after.prompt, before.prompt);
        assert_eq!(after.mask, before.mask, "the mask of {}", before.prompt);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Finished pictures beside the one that is kept
// ---------------------------------------------------------------------------------------------------------------------

/// A document with a painted region, and a picture made from it.
fn with_picture(seed: u64) -> (Document, Arc<Take>) {
    let mut document = Document::new(96, 64);
    let id = document.add_region("Boat", "a red boat");
    document.region_mut(id).expect("just added").mask = ramp(96, 64, 10, 10, 60, 50);
    let image = RgbImage::from_fn(96, 64, |x, y| Pixel([x as u8, y as u8, seed as u8]));
    (document, Arc::new(Take { image: Arc::new(image), seed }))
}

#[test]
fn finished_pictures_are_saved_with_what_made_them_and_do_not_travel_in_exported_ones() {
    let (mut document, take) = with_picture(4);
    let packed = document.pack_take(&take).expect("packed");
    document.set_packed_takes([(7, Arc::clone(&packed)), (12, Arc::clone(&packed))]);
    let mut file = Cursor::new(Vec::new());
    document.write_to(&mut file).expect("written");
    let reopened = Document::read_from(file.get_ref()).expect("read").document;
    let numbers: Vec<u64> = reopened.packed_takes().iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [7, 12], "the oldest first");
    let inside = Document::read_from(&reopened.packed_takes()[0].1).expect("a project").document;
    assert_eq!((inside.take.as_ref(), &inside.regions), (Some(&take), &document.regions));

    let mut picture = Vec::new();
    document.write_png(&take.image, Carry::ALL, &mut picture).expect("written");
    let carried = Document::read_from(&picture).expect("a project").document;
    assert!(carried.packed_takes().is_empty());
    assert!(document.without_takes().packed_takes().is_empty() && document.packed_takes().len() == 2);
}

#[test]
fn a_document_keeps_the_newest_pictures_within_its_bounds() {
    let (mut document, take) = with_picture(1);
    document.extra.insert("notes.txt".to_owned(), Arc::from(*b"mine"));
    let packed = document.pack_take(&take).expect("packed");
    document.set_packed_takes((1..=40).map(|number| (number, Arc::clone(&packed))));
    let numbers: Vec<u64> = document.packed_takes().iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (9..=40).collect::<Vec<u64>>());
    let large: Arc<[u8]> = vec![0; TAKES_MEMORY / 2 + 1].into();
    document.set_packed_takes((1..=3).map(|number| (number, Arc::clone(&large))));
    assert_eq!(document.packed_takes().len(), 1);
    assert!(document.extra.contains_key("notes.txt"), "what others put there stays");
}

#[test]
fn what_may_change_is_a_mask_like_those_of_regions() {
    let (mut document, take) = with_picture(1);
    assert!(document.mask(RegionId::INPAINT).is_none());
    let image = Arc::clone(&take.image);
    let area = Area::Mask(Arc::new(Mask::empty(96, 64)));
    document.init_image = Some(InitImage { image, strength: 0.5, area });
    let mut history = History::default();
    history.edit(&mut document, "Paint", |d| {
        *d.mask_mut(RegionId::INPAINT).expect("there") = Mask::even(96, 64, 255).into();
    });
    assert_eq!(document.mask(RegionId::INPAINT).map(|m| m.get(5, 5)), Some(255));
    assert_eq!(document.regions[0].mask.get(5, 5), 0);
    history.undo(&mut document);
    assert_eq!(document.mask(RegionId::INPAINT).map(|m| m.get(5, 5)), Some(0));
}

#[test]
fn new_canvas_around_a_picture_may_change_and_a_soft_border_inside_it() {
    let image = RgbImage::from_fn(256, 128, |x, y| Pixel([x as u8, y as u8, 9]));
    let start = InitImage::outpainted(&image, 384, 128, 0, 0);
    let Area::Mask(mask) = &start.area else { panic!("a mask") };
    let row: Vec<u8> = (0..384).map(|x| mask.get(x, 60)).collect();
    assert!(row[..200].iter().all(|v| *v == 0), "the picture, and its edges that stay edges");
    assert!(row[256..].iter().all(|v| *v == 255), "what is new");
    assert!(row[208..256].is_sorted() && row[208] < 20 && row[255] > 230, "{:?}", &row[200..260]);
    assert_eq!((start.image.get_pixel(100, 60).0, start.image.get_pixel(300, 60).0), ([100, 60, 9], [255, 60, 9]));
}

#[test]
fn pictures_to_start_from_are_of_any_size_and_kind() {
    let folder = tempfile::tempdir().expect("a folder");
    let image = RgbImage::from_fn(40, 24, |x, _| Pixel(if x < 20 { [250, 10, 10] } else { [10, 10, 250] }));
    for name in ["a.png", "a.jpg", "a.webp"] {
        let path = folder.path().join(name);
        image.save(&path).expect("written");
        let read = Document::import_picture(&path).expect(name);
        assert_eq!(read.dimensions(), (40, 24));
        let [r, _, b] = read.get_pixel(5, 12).0;
        assert!(r > 200 && b < 60, "{name}: {r} {b}");
    }
    let clear = folder.path().join("clear.webp");
    image::RgbaImage::from_pixel(16, 16, image::Rgba([0, 0, 0, 0])).save(&clear).expect("written");
    assert_eq!(Document::import_picture(&clear).expect("read").get_pixel(3, 3).0, [255; 3], "clear lies over white");
    let other = folder.path().join("other.jpg");
    std::fs::write(&other, b"GIF89a and so on").expect("written");
    let error = Document::import_picture(&other).expect_err("no picture").to_string();
    assert!(error.contains("other.jpg") && error.contains("PNG, JPEG or WebP"), "{error}");
}

#[test]
fn loras_are_kept_and_named_as_the_web_uis_do() {
    let mut document = painted();
    document.style.clear();
    document.background.prompt = "a lake".to_owned();
    document.background.negative = "blurry".to_owned();
    document.regions.clear();
    let lora = |file: &str, weight| Lora { file: file.to_owned(), weight };
    document.settings.loras = vec![
        lora("/loras/ink v1.2.safetensors", 0.8),
        lora("/loras/a<b:c>.safetensors", -1.5),
        lora("off.safetensors", 0.0),
    ];
    let text = document.parameters(160, 96, 1);
    let first = "a lake <lora:ink v1.2:0.8> <lora:a_b_c_:-1.5>\nNegative prompt: blurry\n";
    assert!(text.starts_with(first), "{text}");
    let folder = tempfile::tempdir().unwrap();
    let (project, picture_file) = (folder.path().join("a.ora"), folder.path().join("a.png"));
    document.save(&project).unwrap();
    document.export_png(&picture_file, &picture(160, 96), true).unwrap();
    for path in [&project, &picture_file] {
        assert_eq!(Document::open(path).unwrap().settings, document.settings);
        let told = polyptych::document::describe(path).unwrap().to_string();
        assert!(told.contains("LoRA          /loras/ink v1.2.safetensors, weight 0.8"), "{told}");
    }
    document.background.prompt.clear();
    assert!(document.parameters(160, 96, 1).starts_with("<lora:ink v1.2:0.8> "));

    // What is out of range is brought into it and told.
    document.settings.loras = vec![lora("strong.safetensors", 1e9)];
    document.settings.loras.resize(MAX_LORAS + 8, lora("more.safetensors", f32::NAN));
    document.save(&project).unwrap();
    let opened = Document::open_with_notes(&project).unwrap();
    let loras = &opened.document.settings.loras;
    assert_eq!((loras.len(), loras[0].weight, loras[1].weight), (MAX_LORAS, MAX_LORA_WEIGHT, 1.0));
    let notes = opened.notes.join("\n");
    assert!(notes.contains("there were 40 LoRAs") && notes.contains("the weight of LoRA “strong”"), "{notes}");
}
