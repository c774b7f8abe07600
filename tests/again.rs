//! A region drawn again leaves every pixel outside its reach as it was: by the library, the worker and every option.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::says;
use common::toy::Toy;
use image::{Rgb, RgbImage};
use polyptych::checkpoint::Device;
use polyptych::document::{Area, Document, InitImage, Mask, Regions, Wrap};
use polyptych::studio::{Drawn, Event, Job, Model, Options, Studio, draw, load};
use std::sync::{Arc, mpsc};
use std::time::Duration;

const FEW: &str = "embedded/few_steps";

/// Two regions that touch, drawn in two steps.
fn document(width: u32, height: u32) -> Document {
    let mut document = Document::new(width, height);
    document.background.prompt = "a green meadow under a blue sky".to_owned();
    document.settings.model = FEW.to_owned();
    (document.settings.steps, document.settings.guidance, document.settings.seed) = (2, 1.0, 5);
    (document.settings.sampler, document.settings.stride) = (polyptych::document::Sampler::Lcm, 16);
    type Region<'a> = (&'a str, &'a dyn Fn(i32, i32) -> bool);
    let regions: [Region<'_>; 2] = [
        ("a red house", &|x, y| (x - 30).pow(2) + (y - 60).pow(2) < 24 * 24),
        ("a brown tree", &|x, y| (50..80).contains(&x) && (40..72).contains(&y)),
    ];
    for (words, inside) in regions {
        let id = document.add_region(words, words);
        let mask = Mask::from_rows(width, height, |y, row| {
            row.iter_mut().enumerate().for_each(|(x, m)| *m = if inside(x as i32, y as i32) { 255 } else { 0 });
        });
        document.region_mut(id).expect("the region").mask = mask.into();
    }
    document
}

fn again(document: &Document, seeds: [Option<u64>; 2]) -> Document {
    let mut document = document.clone();
    (document.regions[0].reroll, document.regions[1].reroll) = (seeds[0], seeds[1]);
    document
}

fn drawn(model: &mut dyn Model, document: &Document, options: &Options) -> Drawn {
    draw(document, model, options, &mut ()).expect("draws")
}

/// True for each pixel in a region's reach: its cells, and two more around them.
fn reach(document: &Document, region: usize) -> Vec<bool> {
    let (width, height) = (document.width as usize, document.height as usize);
    let (across, down) = (width.div_ceil(8), height.div_ceil(8));
    let painted = document.regions[region].mask.to_raw();
    let mut cells = vec![false; across * down];
    for (i, _) in painted.iter().enumerate().filter(|(_, m)| **m > 0) {
        let (x, y) = (i % width / 8, i / width / 8);
        for (dx, dy) in (0..25).map(|n| (n % 5 - 2, n / 5 - 2)) {
            let (x, y) = (x as i32 + dx, y as i32 + dy);
            let on = |at: i32, n: usize, joined: bool| joined || (0..n as i32).contains(&at);
            if on(x, across, document.settings.wrap.x()) && on(y, down, document.settings.wrap.y()) {
                cells[y.rem_euclid(down as i32) as usize * across + x.rem_euclid(across as i32) as usize] = true;
            }
        }
    }
    (0..width * height).map(|i| cells[i / width / 8 * across + i % width / 8]).collect()
}

/// Asserts that nothing differs outside `free`; returns the mean difference (of 255) inside.
#[track_caller]
fn change(what: &str, old: &RgbImage, new: &RgbImage, free: &[bool]) -> f64 {
    assert_eq!(old.dimensions(), new.dimensions(), "{what}");
    let (mut inside, mut pixels) = (0.0, 0);
    for ((i, free), (a, b)) in free.iter().enumerate().zip(old.pixels().zip(new.pixels())) {
        if *free {
            inside += a.0.iter().zip(b.0).map(|(a, b)| f64::from(a.abs_diff(b))).sum::<f64>() / 3.0;
            pixels += 1;
        } else {
            let (x, y) = (i as u32 % old.width(), i as u32 / old.width());
            assert_eq!(a, b, "{what}: pixel {x}, {y} is outside the reach");
        }
    }
    inside / f64::from(pixels.max(1))
}

#[test]
fn outside_its_reach_no_pixel_of_the_picture_changes() {
    let (mut model, _) = load(FEW, Device::Cpu, &[]).expect("loads");
    let start = |area: Area, document: &mut Document| {
        let (width, height) = (document.width, document.height);
        let image = RgbImage::from_fn(width, height, |x, y| Rgb([x as u8, 200 - y as u8, (x + y) as u8]));
        document.init_image = Some(InitImage { image: image.into(), strength: 1.0, area });
    };
    let soft = |width, height| {
        let shade = |x: usize, y: u32| if y < 64 { 255 - 2 * x as u8 } else { 0 };
        Mask::from_rows(width, height, |y, row| row.iter_mut().enumerate().for_each(|(x, m)| *m = shade(x, y)))
    };
    type Case<'a> = (&'a str, (u32, u32), &'a dyn Fn(&mut Document));
    let cases: [Case<'_>; 9] = [
        ("as it is", (128, 96), &|_| ()),
        ("feathered", (128, 96), &|d| d.regions[0].feather = 5),
        ("joined edges", (128, 96), &|d| d.settings.wrap = Wrap::Xy),
        ("off the grid", (125, 93), &|_| ()),
        ("joined edges off the grid", (125, 93), &|d| d.settings.wrap = Wrap::Xy),
        ("from a picture", (128, 96), &|d| start(Area::Everything, d)),
        ("where regions are", (128, 96), &|d| start(Area::Regions, d)),
        ("in a soft mask", (120, 96), &|d| start(Area::Mask(soft(120, 96).into()), d)),
        ("by attention", (128, 96), &|d| d.settings.regions = Regions::Attention),
    ];
    for (what, (width, height), set) in cases {
        let mut document = document(width, height);
        set(&mut document);
        let first = drawn(&mut model, &document, &Options { keep: true, ..Options::default() });
        let found = drawn(&mut model, &again(&document, [Some(9), None]), &Options::default());
        let mut free = reach(&document, 0);
        if document.regions[0].feather > 0 {
            // Its cells reach five pixels further.
            let mut wide = document.clone();
            let mask = Mask::from_rows(width, height, |y, row| {
                for (x, m) in row.iter_mut().enumerate() {
                    let (dx, dy) = (x as i32 - 30, y as i32 - 60);
                    *m = if dx * dx + dy * dy < 32 * 32 { 255 } else { 0 };
                }
            });
            wide.regions[0].mask = mask.into();
            free = reach(&wide, 0);
        }
        let inside = change(what, &first.image, &found.image, &free);
        assert!(inside > 3.0, "{what}: {inside}");
        // Found out first or known, the picture is one; and it says what it was drawn over.
        let known = Options { kept: first.kept.clone(), ..Options::default() };
        let quick = drawn(&mut model, &again(&document, [Some(9), None]), &known);
        assert_eq!(quick.image, found.image, "{what}");
        assert_eq!(quick.kept.expect("kept").image, first.kept.expect("kept").image, "{what}");
    }
}

#[test]
fn the_border_shows_no_seam() {
    let (mut model, _) = load(FEW, Device::Cpu, &[]).expect("loads");
    let document = document(128, 96);
    let first = drawn(&mut model, &document, &Options::default());
    let found = drawn(&mut model, &again(&document, [Some(9), None]), &Options::default());
    // The decoder alone would have changed other pixels, too: that is what the border is for.
    let plain = model.network().decode(&found.latent).expect("decodes");
    let byte = |v: f32| ((v / 2.0 + 0.5).clamp(0.0, 1.0) * 255.0).round() as u8;
    let decoded = |c: usize, i: usize| byte(plain.data[c * 128 * 96 + i]);
    let free = reach(&document, 0);
    let outside = |i: &usize| !free[*i];
    let pixels: Vec<[u8; 3]> = first.image.pixels().map(|p| p.0).collect();
    let moved = (0..128 * 96).filter(outside).map(|i| decoded(0, i).abs_diff(pixels[i][0])).max();
    assert!(moved > Some(0), "the decoder moved nothing");
    // From pixel to pixel over the end of the reach, the step is what it was before, but for what the border begins with.
    let step = |image: &RgbImage, x: u32, y: u32| {
        let (a, b) = (image.get_pixel(x, y).0, image.get_pixel(x + 1, y).0);
        [0, 1, 2].map(|c| i32::from(b[c]) - i32::from(a[c]))
    };
    let mut most = 0;
    for (x, y) in (0..127 * 96).map(|i| (i % 127, i / 127)) {
        let at = (y * 128 + x) as usize;
        if free[at] != free[at + 1] {
            let (old, new) = (step(&first.image, x, y), step(&found.image, x, y));
            most = old.iter().zip(new).map(|(old, new)| old.abs_diff(new)).max().unwrap_or(0).max(most);
        }
    }
    assert!(most <= 2, "a step of {most}");
    // On the region's own cells nothing of the old picture is left: they are decoded as they are.
    let own = |i: usize| (18..42).contains(&(i % 128)) && (48..72).contains(&(i / 128));
    let off = (0..128 * 96).filter(|i| own(*i)).map(|i| decoded(0, i).abs_diff(found.image.as_raw()[3 * i])).max();
    assert_eq!(off, Some(0));
}

#[test]
fn of_several_each_leaves_the_others_as_they_are() {
    let (mut model, _) = load(FEW, Device::Cpu, &[]).expect("loads");
    let document = document(128, 96);
    let first = drawn(&mut model, &document, &Options { keep: true, ..Options::default() });
    let known = Options { kept: first.kept, ..Options::default() };
    let mut image = |seeds| drawn(&mut model, &again(&document, seeds), &known).image;
    let (house, tree, both) = (image([Some(9), None]), image([None, Some(4)]), image([Some(9), Some(4)]));
    let other = image([Some(7), Some(4)]);
    let [near_house, near_tree] = [0, 1].map(|region| reach(&document, region));
    // Whatever was drawn again before, and whichever lies above.
    assert!(change("the tree after the house", &house, &both, &near_tree) > 3.0);
    assert!(change("the house after the tree", &tree, &both, &near_house) > 3.0);
    assert!(change("the house once more", &both, &other, &near_house) > 3.0);
    let either: Vec<bool> = near_house.iter().zip(&near_tree).map(|(a, b)| *a || *b).collect();
    change("both", &first.image, &both, &either);
}

/// The worker's pictures of these documents, one after the other.
fn finished(studio: &Studio, woken: &mpsc::Receiver<()>, documents: &[Document]) -> Vec<Arc<RgbImage>> {
    let mut images = Vec::new();
    for document in documents {
        studio.submit(Job { document: document.clone(), live: false, frame: None });
        'job: loop {
            woken.recv_timeout(Duration::from_mins(2)).expect("the worker reports");
            for event in studio.events() {
                match event {
                    Event::Finished { image, .. } => {
                        images.push(image);
                        break 'job;
                    }
                    Event::Failed { failure, .. } => panic!("{failure}"),
                    _ => {}
                }
            }
        }
    }
    images
}

#[test]
fn the_window_keeps_the_very_pixels_that_were_seen() {
    let (wake, woken) = mpsc::channel();
    // Every decode of this one is a little brighter, so that a picture decoded once more would not be the one that was seen.
    let loader =
        Box::new(|_: &str, _: &[_]| Ok((Box::new(Toy { drift: 0.03, ..Toy::new() }) as Box<dyn Model>, Vec::new())));
    let studio = Studio::start_with(loader, move || {
        wake.send(()).ok();
    });
    let document = document(128, 96);
    let seeds = [[None, None], [Some(9), None], [Some(8), None], [Some(8), Some(3)]];
    let images = finished(&studio, &woken, &seeds.map(|seeds| again(&document, seeds)));
    let [house, tree] = [0, 1].map(|region| reach(&document, region));
    assert!(change("the house", &images[0], &images[1], &house) > 1.0);
    assert!(change("the house once more", &images[1], &images[2], &house) > 1.0);
    let either: Vec<bool> = house.iter().zip(&tree).map(|(a, b)| *a || *b).collect();
    change("the tree", &images[0], &images[3], &either);
}

#[test]
fn the_command_line_keeps_them_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let mut document = document(128, 96);
    document.settings.wrap = Wrap::X;
    document.save(path("scene.ora")).expect("saved");
    let render = |name: &str, more: &[&str]| {
        let mut render = std::process::Command::new(env!("CARGO_BIN_EXE_polyptych"));
        render.arg("render").arg(path("scene.ora")).arg("-o").arg(path(name)).arg("--quiet").args(more);
        let output = render.output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        image::open(path(name)).expect("a picture").to_rgb8()
    };
    let (first, found) = (render("first.png", &[]), render("again.png", &["--reroll", "1=9"]));
    assert!(change("--reroll", &first, &found, &reach(&document, 0)) > 3.0);
}

#[test]
fn a_kept_picture_of_another_canvas_is_refused() {
    let small = drawn(&mut Toy::new(), &document(128, 88), &Options { keep: true, ..Options::default() });
    let large = drawn(&mut Toy::new(), &document(128, 96), &Options { keep: true, ..Options::default() });
    let mut kept = large.kept.expect("kept");
    let refused = |kept| {
        let options = Options { kept: Some(kept), ..Options::default() };
        draw(&again(&document(128, 96), [Some(1), None]), &mut Toy::new(), &options, &mut ())
            .expect_err("refused")
            .to_string()
    };
    let other = small.kept.expect("kept");
    says(&refused(other.clone()), &["another size", "draw it again"]);
    kept.image = other.image;
    says(&refused(kept), &["another size", "draw it again"]);
}
