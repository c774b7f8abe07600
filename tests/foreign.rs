//! OpenRaster files of other programs, and damaged ones of our own: what can be opened is opened, the rest is told.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::ora::{bytes_of, changed, foreign, liar, png, rgba, zip_of};
use image::{Rgb as Pixel, RgbImage};
use polyptych::document::{Area, Carry, Document, InitImage, MAX_REGIONS, Mask, Opened, Problem, Take};
use std::sync::Arc;

const SIDE: u32 = 64;

/// A canvas of 64 × 64 pixels with these layers in its outermost stack.
fn stack(body: &str) -> String {
    format!(
        "<image xmlns:mypaint='http://mypaint.org/ns/openraster' w='{SIDE}' h='{SIDE}'><stack>{body}</stack></image>"
    )
}

fn open(bytes: &[u8]) -> Opened {
    Document::read_from(bytes).expect("it opens")
}

fn words(opened: &Opened) -> Vec<&str> {
    opened.document.regions.iter().map(|region| region.prompt.as_str()).collect()
}

/// The mask of the region with these words.
fn mask<'a>(opened: &'a Opened, words: &str) -> &'a Mask {
    let region = opened.document.regions.iter().find(|region| region.prompt == words);
    &region.unwrap_or_else(|| panic!("no region {words}: {:?}", opened.notes)).mask
}

/// True where exactly one note names this.
fn notes_naming(opened: &Opened, name: &str) -> usize {
    opened.notes.iter().filter(|note| note.contains(name)).count()
}

/// One colour, with this alpha.
fn plain(width: u32, height: u32, alpha: impl Fn(u32, u32) -> u8) -> Vec<u8> {
    rgba(width, height, |x, y| [200, 30, 40, alpha(x, y)])
}

fn full() -> Vec<u8> {
    plain(SIDE, SIDE, |_, _| 255)
}

/// A PNG whose last byte of pixels, or of their check sum, is another.
fn flipped(mut bytes: Vec<u8>, from_end: usize) -> Vec<u8> {
    let at = bytes.len() - 12 - from_end;
    bytes[at] ^= 0x55;
    bytes
}

/// Ways in which a layer can be lost.
fn damages() -> Vec<(&'static str, Option<Vec<u8>>)> {
    let good = plain(SIDE, SIDE, |x, y| (x * y) as u8);
    let half = good[..good.len() / 2].to_vec();
    vec![
        ("no bytes", Some(Vec::new())),
        ("not there", None),
        ("another kind", Some(b"GIF89a".to_vec())),
        ("cut in half", Some(half)),
        ("cut in its header", Some(good[..20].to_vec())),
        ("a wrong check sum", Some(flipped(good.clone(), 1))),
        ("a wrong byte", Some(flipped(good, 40))),
        ("lies about its size", Some(liar(40_000, 40_000))),
        ("absurd size", Some(liar(4_000_000_000, 1))),
        ("more pixels than are read", Some(liar(100_000, 100_000))),
    ]
}

// ---------------------------------------------------------------------------------------------------------------------
// Damage
// ---------------------------------------------------------------------------------------------------------------------

#[test]
fn a_damaged_layer_costs_that_layer_alone() {
    let body = "<layer name='good' src='g.png'/><layer name='lost' src='l.png'/><layer name='ground' src='g.png'/>";
    for (what, bytes) in damages() {
        let mut layers = vec![("g.png", full())];
        layers.extend(bytes.map(|bytes| ("l.png", bytes)));
        let opened = open(&foreign(&stack(body), &layers));
        assert_eq!(words(&opened), ["ground", "good"], "{what}");
        assert_eq!(notes_naming(&opened, "“lost”"), 1, "{what}: {:?}", opened.notes);
        assert!(opened.losses.iter().any(|loss| loss.contains("“lost”")), "{what}: {:?}", opened.losses);
    }
}

/// A project with everything in it that has pixels.
fn project() -> Document {
    let mut document = Document::new(96, 80);
    document.background.prompt = "a lake".to_owned();
    document.style = "oil".to_owned();
    for (name, left) in [("Boat", 3), ("Hut", 40)] {
        let id = document.add_region(name, &format!("a red {name}"));
        let region = document.region_mut(id).unwrap();
        region.mask = Arc::new(Mask::from_rows(96, 80, |y, row| row[left..left + 30].fill((y * 3) as u8)));
        (region.negative, region.feather, region.seed) = (Some("fog".to_owned()), 7, Some(11));
    }
    let image = |v: u8| RgbImage::from_fn(96, 80, |x, y| Pixel([x as u8, y as u8, v]));
    let area = Area::Mask(Arc::new(Mask::from_rows(96, 80, |_, row| row[..9].fill(99))));
    document.init_image = Some(InitImage { image: Arc::new(image(1)), strength: 0.5, area });
    let take = Arc::new(Take { image: Arc::new(image(2)), seed: 5 });
    document.set_packed_takes([(1, document.pack_take(&take).unwrap()), (2, document.pack_take(&take).unwrap())]);
    document.take = Some(take);
    document
}

#[test]
fn a_whole_project_has_nothing_to_lose() {
    let document = project();
    let opened = open(&bytes_of(&document));
    assert_eq!((opened.notes, opened.losses), (Vec::new(), Vec::new()));
    assert!(opened.document == document, "another document");
    let mut bytes = Vec::new();
    document.write_png(&document.take.as_ref().unwrap().image, Carry::ALL, &mut bytes).unwrap();
    let opened = open(&bytes);
    assert_eq!((opened.notes, opened.losses), (Vec::new(), Vec::new()));
}

#[test]
fn a_damaged_layer_of_our_own_keeps_its_card() {
    let document = project();
    let bytes = bytes_of(&document);
    for (what, damaged) in damages() {
        let put: Vec<(&str, &[u8])> = damaged.iter().map(|bytes| ("data/region-1.png", bytes.as_slice())).collect();
        let opened = open(&changed(&bytes, &["data/region-1.png"], &put));
        let mut expected = document.clone();
        expected.regions[0].mask = Arc::new(Mask::empty(96, 80));
        assert!(opened.document == expected, "{what}: another document");
        assert_eq!(notes_naming(&opened, "“Boat”"), 1, "{what}: {:?}", opened.notes);
        assert_eq!(opened.losses, opened.notes, "{what}");
    }
}

#[test]
fn a_damaged_picture_or_mask_of_our_own_costs_itself_alone() {
    let document = project();
    let bytes = bytes_of(&document);
    for (what, damaged) in damages() {
        let open = |entry: &str| {
            let put: Vec<(&str, &[u8])> = damaged.iter().map(|bytes| (entry, bytes.as_slice())).collect();
            let opened = open(&changed(&bytes, &[entry], &put));
            assert_eq!(opened.notes.len(), 1, "{what}, {entry}: {:?}", opened.notes);
            assert_eq!(opened.losses, opened.notes);
            opened.document
        };
        assert!(open("data/take.png") == Document { take: None, ..document.clone() }, "{what}: another document");
        assert!(
            open("data/start.png") == Document { init_image: None, ..document.clone() },
            "{what}: another document"
        );
        let start = document.init_image.clone().map(|start| InitImage { area: Area::Regions, ..start });
        assert!(
            open("data/change.png") == Document { init_image: start, ..document.clone() },
            "{what}: another document"
        );
    }
}

#[test]
fn a_damaged_finished_picture_beside_the_others_is_told() {
    let document = project();
    let mut bytes = bytes_of(&document);
    // A byte of what is stored as takes/1.png, so that the zip's own check sum is wrong.
    let name = bytes.windows(11).position(|w| w == b"takes/1.png").unwrap();
    bytes[name + 200] ^= 1;
    let opened = open(&bytes);
    assert_eq!(notes_naming(&opened, "takes/1.png"), 1, "{:?}", opened.notes);
    assert_eq!(opened.losses, opened.notes);
    let kept: Vec<u64> = opened.document.packed_takes().iter().map(|(number, _)| *number).collect();
    assert_eq!(kept, [2]);
    assert!(opened.document.regions == document.regions, "other regions");
}

#[test]
fn a_damaged_polyptych_json_leaves_the_layers_and_the_finished_pictures() {
    let document = project();
    let bytes = changed(&bytes_of(&document), &[], &[("polyptych.json", b"{\"polyptych\": 1, \"style")]);
    let opened = open(&bytes);
    assert_eq!(opened.notes.len(), 1, "{:?}", opened.notes);
    assert_eq!(opened.losses[0], opened.notes[0]);
    assert_eq!(words(&opened), ["a red Boat", "a red Hut"]);
    assert_eq!(opened.document.background.prompt, "a lake");
    assert!(opened.document.take == document.take, "another take");
    assert!(opened.document.packed_takes() == document.packed_takes(), "other finished pictures");
    let later = changed(&bytes_of(&document), &[], &[("polyptych.json", b"{\"polyptych\": 2}")]);
    let error = Document::read_from(&later).unwrap_err();
    assert!(matches!(error.problem(), Problem::Newer { .. }), "a later format is refused still: {error}");
}

// ---------------------------------------------------------------------------------------------------------------------
// Size
// ---------------------------------------------------------------------------------------------------------------------

#[test]
fn a_layer_larger_than_the_canvas_counts_where_it_lies_on_it() {
    let alpha = |x: u32, y: u32| ((x * 7 + y * 13) % 256) as u8;
    let photo = plain(1900, 1300, alpha);
    for (x, y) in [(-1000_i64, -700_i64), (-1880, -1290), (20, 30), (-3, 60)] {
        let body = format!("<layer name='photo' src='p.png' x='{x}' y='{y}'/>");
        let opened = open(&foreign(&stack(&body), &[("p.png", photo.clone())]));
        assert_eq!(opened.notes, Vec::<String>::new());
        let mask = mask(&opened, "photo");
        for (cx, cy) in (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y))) {
            let inside = |v: u32, at: i64, side: i64| Some(i64::from(v) - at).filter(|v| (0..side).contains(v));
            let expected = match (inside(cx, x, 1900), inside(cy, y, 1300)) {
                (Some(px), Some(py)) => alpha(px as u32, py as u32),
                _ => 0,
            };
            assert_eq!(mask.get(cx, cy), expected, "at {cx}, {cy} with the photo at {x}, {y}");
        }
    }
}

#[test]
fn layers_that_name_one_entry_share_what_it_takes() {
    // No pixel is like its neighbours, so that no tile is even.
    let layer = plain(256, 256, |x, y| (x * 31 + y * 17) as u8);
    let body: String = (0..40).map(|i| format!("<layer name='l{i}' src='l.png'/>")).collect();
    let xml = format!("<image w='256' h='256'><stack>{body}</stack></image>");
    let opened = open(&foreign(&xml, &[("l.png", layer)]));
    let [first, others @ ..] = opened.document.regions.as_slice() else { panic!("no regions") };
    assert_eq!(others.len(), 39);
    assert!(others.iter().all(|region| Arc::ptr_eq(&region.mask, &first.mask)));
    assert_eq!(first.mask.get(3, 5), (3 * 31 + 5 * 17) as u8);
}

#[test]
fn no_more_regions_than_a_document_holds_are_opened() {
    let body: String = (0..MAX_REGIONS + 3).map(|i| format!("<layer name='l{i}' src='l.png'/>")).collect();
    let opened = open(&foreign(&stack(&body), &[("l.png", full())]));
    assert_eq!(opened.document.regions.len(), MAX_REGIONS);
    assert_eq!(opened.notes.len(), 3, "{:?}", opened.notes);
    open(&bytes_of(&opened.document));
    // A list of regions without layers is no way around it.
    let regions: Vec<String> = (0..20_000).map(|i| format!("{{\"layer\": \"{i}\"}}")).collect();
    let json = format!("{{\"polyptych\": 1, \"regions\": [{}]}}", regions.join(","));
    let xml = "<image w='16384' h='4096'><stack/></image>";
    let opened = open(&zip_of(&[("stack.xml", xml.as_bytes()), ("polyptych.json", json.as_bytes())]));
    assert_eq!(opened.document.regions.len(), MAX_REGIONS);
    assert!(opened.notes.len() < 30 && opened.notes.last().unwrap().contains("more"), "{:?}", opened.notes);
}

// ---------------------------------------------------------------------------------------------------------------------
// Layers that paint nothing
// ---------------------------------------------------------------------------------------------------------------------

/// Alpha of the layers `a.png` … `d.png` of [`drawn`] at a pixel, 0 to 1.
fn alpha(layer: char, x: u32, y: u32) -> f64 {
    let value = match layer {
        'a' => x * 4,
        'b' => y * 4,
        'c' => (x + y) * 2,
        _ => 255 - x * 3,
    };
    f64::from(value.min(255) as u8) / 255.0
}

/// A region's words, and its coverage from 0 to 1 at a pixel.
type Expected<'a> = (&'a str, &'a dyn Fn(u32, u32) -> f64);

/// Opens these layers and compares the masks with what the formulas of the specification give.
#[track_caller]
fn drawn(body: &str, expected: &[Expected<'_>]) -> Opened {
    let picture = |layer: char| plain(SIDE, SIDE, |x, y| (alpha(layer, x, y) * 255.0).round() as u8);
    let layers = [("a.png", picture('a')), ("b.png", picture('b')), ("c.png", picture('c')), ("d.png", picture('d'))];
    let opened = open(&foreign(&stack(body), &layers));
    let names: Vec<&str> = expected.iter().map(|(name, _)| *name).collect();
    assert_eq!(words(&opened), names, "{:?}", opened.notes);
    for (name, expected) in expected {
        let mask = mask(&opened, name);
        for (x, y) in (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y))) {
            let (found, right) = (f64::from(mask.get(x, y)), expected(x, y) * 255.0);
            assert!((found - right).abs() <= 2.0, "{name} at {x}, {y}: {found}, not {right}");
        }
    }
    opened
}

#[test]
fn an_eraser_takes_away_from_what_lies_below_it() {
    for mode in ["svg:dst-out", "krita:erase"] {
        let body = format!(
            "<layer name='top' src='a.png'/><layer name='hole' src='b.png' opacity='0.5' composite-op='{mode}'/>\
             <layer name='ground' src='c.png' opacity='0.8'/>"
        );
        let opened = drawn(
            &body,
            &[
                ("ground", &|x, y| 0.8 * alpha('c', x, y) * (1.0 - 0.5 * alpha('b', x, y))),
                ("top", &|x, y| alpha('a', x, y)),
            ],
        );
        assert_eq!(notes_naming(&opened, "“hole”"), 1, "{:?}", opened.notes);
        assert!(opened.losses.iter().any(|loss| loss.contains("“hole”")), "{:?}", opened.losses);
    }
}

#[test]
fn an_eraser_takes_away_in_its_own_stack_only() {
    let inside = "<layer name='hole' src='b.png' composite-op='svg:dst-out'/><layer name='inner' src='c.png'/>";
    let erased = |x, y| alpha('c', x, y) * (1.0 - alpha('b', x, y));
    let ground = |x, y| alpha('d', x, y);
    for isolation in ["", "isolation='isolate'", "isolation='auto' opacity='0.5'"] {
        let body = format!("<stack {isolation}>{inside}</stack><layer name='ground' src='d.png'/>");
        let by = if isolation.contains("0.5") { 0.5 } else { 1.0 };
        drawn(&body, &[("ground", &ground), ("inner", &|x, y| by * erased(x, y))]);
    }
    // A stack that lets through is as none.
    let body = format!("<stack isolation='auto'>{inside}</stack><layer name='ground' src='d.png'/>");
    drawn(&body, &[("ground", &|x, y| ground(x, y) * (1.0 - alpha('b', x, y))), ("inner", &erased)]);
    // One outside reaches into the stacks below it.
    let body =
        "<layer name='hole' src='b.png' composite-op='svg:dst-out'/><stack><layer name='inner' src='c.png'/></stack>";
    drawn(body, &[("inner", &erased)]);
}

#[test]
fn hidden_erasers_do_nothing() {
    let body = "<layer name='hole' src='b.png' visibility='hidden' composite-op='svg:dst-out'/>\
                <stack visibility='hidden' composite-op='svg:dst-in'><layer name='cut' src='a.png'/></stack>\
                <layer name='ground' src='c.png'/>";
    let opened = drawn(body, &[("ground", &|x, y| alpha('c', x, y))]);
    assert_eq!(notes_naming(&opened, "“hole”"), 1, "{:?}", opened.notes);
}

#[test]
fn a_layer_that_keeps_leaves_only_what_it_covers() {
    let body = "<layer name='cutter' src='b.png' x='5' composite-op='svg:dst-in'/><layer name='ground' src='c.png'/>";
    let shifted = |x: u32, y| if x < 5 { 0.0 } else { alpha('b', x - 5, y) };
    drawn(body, &[("ground", &|x, y| alpha('c', x, y) * shifted(x, y))]);
}

#[test]
fn a_clipped_layer_shows_only_where_something_lies_below_it_in_its_stack() {
    let over = |below: f64, above: f64| below + above - below * above;
    for attribute in ["composite-op='svg:src-atop'", "composite-op='svg:multiply' alpha-preserve='true'"] {
        let body = format!(
            "<stack opacity='0.5'><layer name='shade' src='a.png' {attribute}/><layer name='upper' src='b.png' opacity='0.6'/>\
             <layer name='lower' src='c.png'/></stack><layer name='ground' src='d.png'/>"
        );
        drawn(
            &body,
            &[
                ("ground", &|x, y| alpha('d', x, y)),
                ("lower", &|x, y| 0.5 * alpha('c', x, y)),
                ("upper", &|x, y| 0.5 * 0.6 * alpha('b', x, y)),
                ("shade", &|x, y| 0.5 * alpha('a', x, y) * over(alpha('c', x, y), 0.6 * alpha('b', x, y))),
            ],
        );
    }
    // With nothing below it nothing shows, and what was erased there does not count.
    let body = "<layer name='shade' src='a.png' composite-op='svg:src-atop'/>\
                <layer name='hole' src='b.png' composite-op='svg:dst-out'/><layer name='lower' src='c.png'/>";
    let left = |x, y| alpha('c', x, y) * (1.0 - alpha('b', x, y));
    drawn(body, &[("lower", &left), ("shade", &|x, y| alpha('a', x, y) * left(x, y))]);
}

#[test]
fn a_stack_erases_and_is_clipped_as_a_layer_is() {
    let body = "<stack name='holes' opacity='0.5' composite-op='svg:dst-out'><layer name='p' src='a.png'/>\
                <layer name='q' src='b.png'/></stack><layer name='ground' src='c.png'/>";
    let holes = |x, y| 0.5 * (1.0 - (1.0 - alpha('a', x, y)) * (1.0 - alpha('b', x, y)));
    let opened = drawn(body, &[("ground", &|x, y| alpha('c', x, y) * (1.0 - holes(x, y)))]);
    assert_eq!(notes_naming(&opened, "“holes”"), 1, "{:?}", opened.notes);
    let body =
        "<stack composite-op='svg:src-atop'><layer name='p' src='a.png'/></stack><layer name='ground' src='c.png'/>";
    drawn(body, &[("ground", &|x, y| alpha('c', x, y)), ("p", &|x, y| alpha('a', x, y) * alpha('c', x, y))]);
}

#[test]
fn other_operators_are_told_where_they_change_coverage_and_not_where_they_blend_colours() {
    for mode in ["svg:xor", "svg:src-out", "svg:dst-atop", "svg:clear", "krita:destination-atop"] {
        let body = format!("<layer name='odd' src='a.png' composite-op='{mode}'/><layer name='ground' src='c.png'/>");
        let opened = open(&foreign(&stack(&body), &[("a.png", full()), ("c.png", full())]));
        assert_eq!(notes_naming(&opened, "“odd”"), 1, "{mode}: {:?}", opened.notes);
        assert_eq!(words(&opened).contains(&"odd"), mode != "svg:clear");
    }
    for mode in ["svg:multiply", "svg:screen", "krita:gamma_dark", "svg:plus"] {
        let body = format!("<layer name='shade' src='a.png' composite-op='{mode}'/><layer name='ground' src='c.png'/>");
        let opened = drawn(&body, &[("ground", &|x, y| alpha('c', x, y)), ("shade", &|x, y| alpha('a', x, y))]);
        assert_eq!(opened.notes, Vec::<String>::new(), "{mode}");
    }
}

#[test]
fn the_page_of_mypaint_and_drawpile_is_no_region() {
    for attribute in ["mypaint:background-tile='t.png'", "background_tile='t.png'"] {
        let body = format!(
            "<layer name='a ship' src='s.png'/><layer name='background' src='f.png' {attribute}/>\
             <layer name='Background' src='f.png'/>"
        );
        let opened = open(&foreign(&stack(&body), &[("s.png", plain(9, 9, |_, _| 255)), ("f.png", full())]));
        assert_eq!(words(&opened), ["Background", "a ship"], "an ordinary layer of that name is a region");
        assert_eq!(notes_naming(&opened, "“background”"), 1, "{:?}", opened.notes);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// stack.xml as other programs write it
// ---------------------------------------------------------------------------------------------------------------------

/// `stack.xml` of one layer, before and behind its name.
fn around(encoding: &str) -> (String, String) {
    let head = format!("<?xml version=\"1.0\" encoding='{encoding}'?>\n<image w=\"64\" h=\"64\"><stack><layer name=\"");
    (head, "\" src=\"l.png\"/></stack></image>".to_owned())
}

#[test]
fn the_list_of_layers_is_read_in_the_encoding_it_is_written_in() {
    let single: [(&str, &[u8], &str); 6] = [
        ("ISO-8859-1", &[b'c', 0xe2, b't'], "cât"),
        ("iso-8859-2", &[0xb3, 0xf3, b'd', 0xbc], "łódź"),
        ("windows-1252", &[0x80], "€"),
        ("Shift_JIS", &[0x91, 0x44], "船"),
        ("GBK", &[0xb4, 0xac], "船"),
        ("utf-8", "船".as_bytes(), "船"),
    ];
    let read = |xml: &[u8]| Document::read_from(&zip_of(&[("stack.xml", xml), ("l.png", &full())]));
    for (encoding, name, expected) in single {
        let (head, tail) = around(encoding);
        let xml = [head.as_bytes(), name, tail.as_bytes()].concat();
        assert_eq!(read(&xml).unwrap().document.regions[0].prompt, expected, "{encoding}");
    }
    for declared in ["UTF-16", "UTF-8"] {
        let (head, tail) = around(declared);
        let text = format!("{head}船 🎨{tail}");
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = |mark: [u8; 2], text: &[u8]| [mark.as_slice(), text].concat();
        for xml in [marked([0xff, 0xfe], &little), marked([0xfe, 0xff], &big), little, big, text.clone().into_bytes()] {
            assert_eq!(read(&xml).unwrap().document.regions[0].prompt, "船 🎨", "{declared}");
        }
    }
    for (encoding, name) in [("utf-8", [0xe9, b'"'].as_slice()), ("no-such-thing", b"n"), ("Shift_JIS", &[0x91, b' '])]
    {
        let (head, tail) = around(encoding);
        let error = read(&[head.as_bytes(), name, tail.as_bytes()].concat()).unwrap_err();
        assert!(matches!(error.problem(), Problem::Stack(_)), "{encoding}: {error}");
    }
}

#[test]
fn numbers_are_read_as_people_and_programs_write_them() {
    let layer = |attributes: &str| {
        let body = format!("<layer name='n' src='l.png' {attributes}/>");
        open(&foreign(&stack(&body), &[("l.png", plain(9, 9, |_, _| 200))]))
    };
    let of = |attributes: &str| {
        let opened = layer(attributes);
        let bounds = opened.document.regions[0].mask.bounds();
        let value = opened.document.regions[0].mask.get(bounds.x, bounds.y);
        (value, bounds.x, bounds.y, opened.notes.len())
    };
    for half in ["0.5", "0,5", " 0,5 ", "50%", "50 %", ".5", "5e-1"] {
        assert_eq!(of(&format!("opacity='{half}'")), (100, 0, 0, 0), "{half}");
    }
    for whole in ["1", "1,0", "100%", "7", "+1"] {
        assert_eq!(of(&format!("opacity='{whole}'")), (200, 0, 0, 0), "{whole}");
    }
    for place in ["x='12' y='3'", "x='12,0' y='3.0'", "x='12px' y=' 3 px'", "x='11.6' y='2,7'"] {
        assert_eq!(of(place), (200, 12, 3, 0), "{place}");
    }
    for odd in ["", "half", "NaN", "inf", "1,2,3", "1e999"] {
        let opened = layer(&format!("opacity='{odd}' x='{odd}'"));
        assert_eq!(opened.document.regions[0].mask.get(0, 0), 200, "{odd}");
        assert_eq!(notes_naming(&opened, "“n”"), 2, "{odd}: {:?}", opened.notes);
        assert!(opened.notes.iter().all(|note| note.contains(&format!("“{odd}”"))), "{:?}", opened.notes);
    }
    let canvas = |w: &str| Document::read_from(&foreign(&format!("<image w='{w}' h='64'><stack/></image>"), &[]));
    for side in ["512", "512.0", "512px", "512,0", " 512 "] {
        assert_eq!(canvas(side).unwrap().document.width, 512, "{side}");
    }
    for side in ["", "wide", "-512", "NaN", "inf"] {
        assert!(matches!(canvas(side).unwrap_err().problem(), Problem::Stack(_)), "{side}");
    }
}

#[test]
fn what_is_no_layer_is_told_by_name_and_never_without_end() {
    let body = "<text name='title' x='1' y='2'><span>words</span></text><filter type='blur'><params version='1'/></filter>\
                <layer name='a' src='l.png'/>";
    let opened = open(&foreign(&stack(body), &[("l.png", full())]));
    assert_eq!(opened.notes.len(), 2, "{:?}", opened.notes);
    assert_eq!((notes_naming(&opened, "text “title”"), notes_naming(&opened, "filter “blur”")), (1, 1));
    assert!(opened.notes.iter().all(|note| opened.losses.contains(note)), "{:?}", opened.losses);
    let body =
        "<text name='t'/><layer name='a' src='no.png' x='odd' opacity='odd'/>".repeat(200) + &"<text/>".repeat(100_000);
    let opened = open(&foreign(&stack(&body), &[]));
    assert!(opened.notes.len() <= 30 && opened.losses.len() <= 30, "{} notes", opened.notes.len());
    assert!(opened.notes.last().unwrap().contains("more"), "{:?}", opened.notes.last());
}

#[test]
fn flipped_bytes_of_a_list_of_layers_never_panic() {
    let xml = stack(
        "<stack name='g' opacity='0.5' isolation='auto'><layer name='shade #1' src='a.png' composite-op='svg:src-atop'/>\
         <layer name='hole' src='b.png' x='-7' y='9,5' composite-op='svg:dst-out'/><stack composite-op='svg:dst-in'>\
         <layer name='shade' src='a.png'/></stack></stack><text name='t'/><layer name='ground' src='b.png' opacity='50%'/>\
         <layer name='polyptych: picture' src='a.png'/><layer name='page' src='b.png' mypaint:background-tile='b.png'/>",
    );
    let layers = [("a.png", plain(30, 50, |x, y| (x * y) as u8)), ("b.png", full())];
    let mut state = 7_u32;
    let mut opened = 0;
    for _ in 0..1500 {
        let mut broken = xml.clone().into_bytes();
        for _ in 0..3 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = state as usize % broken.len();
            broken[at] ^= 1 << (state >> 24 & 7);
        }
        let mut entries = vec![("stack.xml", broken.as_slice())];
        entries.extend(layers.iter().map(|(name, bytes)| (*name, bytes.as_slice())));
        match Document::read_from(&zip_of(&entries)) {
            Ok(_) => opened += 1,
            Err(error) => assert!(!error.to_string().contains('\n')),
        }
    }
    assert!(opened > 100, "{opened} of the broken files opened");
}

// ---------------------------------------------------------------------------------------------------------------------
// Paintings, and projects that were away
// ---------------------------------------------------------------------------------------------------------------------

#[test]
fn a_project_that_was_away_tells_what_did_not_come_back() {
    let bytes = changed(&bytes_of(&project()), &["polyptych.json"], &[]);
    let opened = open(&bytes);
    let [note] = opened.notes.as_slice() else { panic!("{:?}", opened.notes) };
    assert!(["style", "settings", "seed", "negative", "names"].iter().all(|lost| note.contains(lost)), "{note}");
    assert!(!opened.losses.is_empty());
    assert_eq!(opened.document.init_image.as_ref().map(|start| start.image.get_pixel(9, 7).0), Some([9, 7, 1]));
    assert!(opened.document.take == project().take, "another take");
}

#[test]
fn numbers_that_gimp_gives_equal_names_are_no_words() {
    let layer = |name: &str| format!("<layer name='{name}' src='l.png'/>");
    let names = ["a ship #2", "a ship #1", "a ship", "cabin #1", "hut #x", "hut", "a fish Copy", "a fish"];
    let body: String = names.iter().map(|name| layer(name)).collect();
    let opened = open(&foreign(&stack(&body), &[("l.png", full())]));
    let expected = ["a fish", "a fish Copy", "hut", "hut #x", "cabin #1", "a ship", "a ship", "a ship"];
    assert_eq!(words(&opened), expected);
    assert_eq!(opened.document.regions[7].name, "a ship");
    // A project that holds its words is believed.
    let mut document = Document::new(64, 64);
    document.add_region("one", "a ship");
    document.add_region("two", "a ship #1");
    assert_eq!(words(&open(&bytes_of(&document))), ["a ship", "a ship #1"]);
}

/// A file of another program with this picture of all layers together.
fn painting(merged: Vec<u8>) -> Opened {
    let body = "<layer name='walls' src='l.png'/>";
    open(&foreign(&stack(body), &[("l.png", full()), ("mergedimage.png", merged)]))
}

#[test]
fn the_painting_of_another_program_is_the_picture_to_start_from() {
    let opened = painting(rgba(SIDE, SIDE, |x, y| [x as u8, y as u8, 7, if x < 32 { 255 } else { 0 }]));
    let start = opened.document.init_image.as_ref().expect("a start picture");
    assert_eq!((start.strength, &start.area), (InitImage::STRENGTH, &Area::Everything));
    assert_eq!((start.image.get_pixel(9, 5).0, start.image.get_pixel(40, 5).0), ([9, 5, 7], [255; 3]));
    let [note] = opened.notes.as_slice() else { panic!("{:?}", opened.notes) };
    assert!(note.contains("mergedimage.png") && note.contains("choose noise as the start"), "{note}");
    // One of another size is fitted.
    let opened = painting(rgba(32, 32, |_, _| [1, 200, 3, 255]));
    let start = opened.document.init_image.expect("a start picture");
    assert_eq!((start.image.dimensions(), start.image.get_pixel(60, 60).0), ((SIDE, SIDE), [1, 200, 3]));
    assert!(opened.notes[0].contains("fitted"), "{:?}", opened.notes);
}

#[test]
fn a_painting_that_cannot_be_shown_is_told() {
    let damaged = damages().into_iter().filter_map(|(what, bytes)| Some((what, bytes?)));
    let strip = ("a strip", png(16_000, 1, png::ColorType::Grayscale, png::BitDepth::Eight, &[9; 16_000]));
    for (what, bytes) in damaged.chain([strip]) {
        let opened = painting(bytes);
        assert!(opened.document.init_image.is_none(), "{what}");
        assert_eq!(words(&opened), ["walls"]);
        assert_eq!(notes_naming(&opened, "the painting"), 1, "{what}: {:?}", opened.notes);
    }
    // Nothing was painted: there is nothing to start from, and nothing to tell.
    let opened = painting(rgba(SIDE, SIDE, |_, _| [0; 4]));
    assert!(opened.document.init_image.is_none() && opened.notes.is_empty(), "{:?}", opened.notes);
}

#[test]
fn what_saving_over_a_painting_would_lose_is_named() {
    let body = "<stack name='castle' opacity='0.5'><layer name='walls' src='w.png' composite-op='svg:multiply'/></stack>\
                <layer name='sky' src='s.png'/><layer name='ground' src='f.png'/><text name='title'/>";
    let coloured = |v: u8| rgba(SIDE, SIDE, |x, y| [x as u8, y as u8, v, 255]);
    let opened = open(&foreign(&stack(body), &[("w.png", coloured(1)), ("s.png", coloured(2)), ("f.png", full())]));
    let told = |words: &[&str]| opened.losses.iter().any(|loss| words.iter().all(|word| loss.contains(word)));
    assert!(told(&["flat colour", "“walls”", "“sky”"]), "{:?}", opened.losses);
    assert!(told(&["groups", "“castle”"]) && told(&["opacities", "“castle”"]), "{:?}", opened.losses);
    assert!(told(&["multiply", "“walls”"]) && told(&["“title”"]), "{:?}", opened.losses);
    assert!(!opened.losses.iter().any(|loss| loss.contains("ground")), "{:?}", opened.losses);
    // A file of one flat layer would still lose what its program keeps in it.
    let opened = open(&foreign(&stack("<layer name='ground' src='f.png'/>"), &[("f.png", full())]));
    assert!(!opened.losses.is_empty());
    assert_eq!(opened.notes, Vec::<String>::new());
}
