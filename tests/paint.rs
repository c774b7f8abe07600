//! Painting: strokes against the plainest loop that does the same, and what they cost.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use polyptych::document::{Document, History, Mask, PixelRect, Wrap};
use polyptych::paint::{Beyond, Brush, Sample, Stroke, Turn, turn_whole};
use std::sync::Arc;

fn brush(diameter: f32, hardness: f32, opacity: f32, erase: bool) -> Brush {
    Brush { diameter, hardness, opacity, erase, ..Brush::default() }
}

/// A mask of every value.
fn ramp(width: u32, height: u32) -> Mask {
    Mask::from_rows(width, height, |y, row| {
        (0..).zip(row).for_each(|(x, v): (u32, _)| *v = ((x * 3 + y * 5) % 256) as u8);
    })
}

/// Paints a whole stroke and checks that everything that changed lies inside the rectangles that were told.
fn paint(mask: &mut Mask, brush: Brush, wrap: Wrap, path: &[Sample]) -> Stroke {
    let before = mask.clone();
    let (mut stroke, mut dirty) = Stroke::begin(mask, brush, wrap, path[0]);
    for sample in &path[1..] {
        dirty.extend(stroke.extend(mask, *sample));
    }
    let inside =
        |x: u32, y: u32, r: &PixelRect| (r.x..r.x + r.width).contains(&x) && (r.y..r.y + r.height).contains(&y);
    for y in 0..mask.height() {
        for x in 0..mask.width() {
            if mask.get(x, y) != before.get(x, y) {
                assert!(dirty.iter().any(|r| inside(x, y, r)), "{x}, {y} changed outside {dirty:?}");
            }
        }
    }
    stroke
}

/// The plainest loop: for every pixel of the canvas the nearest of very many points along the path (and its copies around
/// a wrapped canvas) decides.
fn plain(before: &Mask, brush: Brush, wrap: Wrap, path: &[(f64, f64)]) -> Vec<f64> {
    let (width, height) = (f64::from(before.width()), f64::from(before.height()));
    let radius = f64::from(brush.diameter) / 2.0;
    let inner = (radius * f64::from(brush.hardness)).min(radius - 0.5);
    let times = |wraps: bool| if wraps { -2..=2 } else { 0..=0 };
    let mut out = Vec::new();
    for y in 0..before.height() {
        for x in 0..before.width() {
            let (px, py) = (f64::from(x) + 0.5, f64::from(y) + 0.5);
            let mut nearest = f64::MAX;
            for pair in path.windows(2) {
                for ny in times(wrap.y()) {
                    for nx in times(wrap.x()) {
                        let shift = |p: (f64, f64)| (p.0 + f64::from(nx) * width, p.1 + f64::from(ny) * height);
                        nearest = nearest.min(to_segment((px, py), shift(pair[0]), shift(pair[1])));
                    }
                }
            }
            let edge = (radius + 0.5 - nearest).clamp(0.0, 1.0);
            let cover = if radius - inner > 1.0 {
                let t = ((nearest - inner) / (radius - inner)).clamp(0.0, 1.0);
                (1.0 - t * t * (3.0 - 2.0 * t)).min(edge)
            } else {
                edge
            };
            let amount = cover * f64::from(brush.opacity);
            let target = if brush.erase { 0.0 } else { 255.0 };
            out.push(f64::from(before.get(x, y)) * (1.0 - amount) + target * amount);
        }
    }
    out
}

fn to_segment(p: (f64, f64), a: (f64, f64), b: (f64, f64)) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx * dx + dy * dy;
    let t = if length > 0.0 { (((p.0 - a.0) * dx + (p.1 - a.1) * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    (p.0 - a.0 - t * dx).hypot(p.1 - a.1 - t * dy)
}

const PATH: [(f64, f64); 5] = [(20.0, 30.0), (90.5, 34.25), (60.0, 80.0), (61.0, 79.0), (140.0, 100.0)];

fn samples(path: &[(f64, f64)]) -> Vec<Sample> {
    path.iter().map(|(x, y)| Sample::new(*x as f32, *y as f32)).collect()
}

#[test]
fn a_stroke_is_what_the_plainest_loop_paints() {
    for diameter in [1.0, 3.0, 9.5, 40.0, 150.0] {
        for (hardness, opacity, erase) in [(1.0, 1.0, false), (0.0, 1.0, false), (0.6, 0.5, true), (0.9, 0.25, false)] {
            let brush = brush(diameter, hardness, opacity, erase);
            let before = ramp(150, 130);
            let mut mask = before.clone();
            paint(&mut mask, brush, Wrap::None, &samples(&PATH));
            let expected = plain(&before, brush, Wrap::None, &PATH);
            let worst =
                mask.to_raw().iter().zip(&expected).map(|(got, e)| (f64::from(*got) - e).abs()).fold(0.0, f64::max);
            // Coverage, what opacity leaves of it and what they make are each rounded to a byte.
            assert!(worst <= 1.5, "{brush:?}: off by {worst}");
        }
    }
}

#[test]
fn a_wrapped_stroke_is_what_the_plainest_loop_paints() {
    let path = [(5.0, 40.0), (-30.0, 3.0), (-31.0, -20.0), (70.0, -25.0)];
    for (wrap, diameter) in [(Wrap::X, 20.0), (Wrap::Y, 20.0), (Wrap::Xy, 31.0), (Wrap::Xy, 90.0)] {
        let brush = brush(diameter, 0.7, 1.0, false);
        let before = Mask::empty(70, 64);
        let mut mask = before.clone();
        paint(&mut mask, brush, wrap, &samples(&path));
        let expected = plain(&before, brush, wrap, &path);
        let worst = mask.to_raw().iter().zip(&expected).map(|(got, e)| (f64::from(*got) - e).abs()).fold(0.0, f64::max);
        assert!(worst <= 1.5, "{wrap:?}: off by {worst}");
    }
}

#[test]
fn a_wrapped_dab_is_the_same_wherever_it_lies() {
    let dab = |x: f32, y: f32| {
        let mut mask = Mask::empty(96, 80);
        paint(&mut mask, brush(30.0, 0.5, 1.0, false), Wrap::Xy, &[Sample::new(x, y)]);
        mask
    };
    let (centre, corner) = (dab(48.0, 40.0), dab(0.0, 80.0));
    for y in 0..80 {
        for x in 0..96 {
            assert_eq!(centre.get(x, y), corner.get((x + 48) % 96, (y + 40) % 80));
        }
    }
}

#[test]
fn nothing_adds_up_within_a_stroke_and_it_does_from_stroke_to_stroke() {
    let brush = brush(20.0, 1.0, 0.5, false);
    let mut mask = Mask::empty(100, 64);
    let there_and_back: Vec<Sample> =
        (0..400).map(|i| Sample::new(50.0 + 20.0 * (i as f32 / 7.0).sin(), 32.0)).collect();
    paint(&mut mask, brush, Wrap::None, &there_and_back);
    assert_eq!(mask.get(50, 32), 128);
    paint(&mut mask, brush, Wrap::None, &there_and_back);
    assert_eq!(mask.get(50, 32), 192);
    let mut whole = brush;
    (whole.opacity, whole.erase) = (1.0, true);
    paint(&mut mask, whole, Wrap::None, &there_and_back);
    assert_eq!(mask.get(50, 32), 0);
}

#[test]
fn many_small_samples_paint_as_few_large_ones() {
    let path = |steps: u32| -> Vec<Sample> {
        (0..=steps)
            .map(|i| Sample::new(10.0 + 130.0 * i as f32 / steps as f32, 20.0 + 60.0 * i as f32 / steps as f32))
            .collect()
    };
    let stroke = |steps| {
        let mut mask = Mask::empty(150, 100);
        paint(&mut mask, brush(24.0, 0.8, 1.0, false), Wrap::None, &path(steps));
        mask
    };
    let (few, many) = (stroke(1), stroke(977));
    let worst = few.to_raw().iter().zip(&many.to_raw()).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(worst <= Some(1), "off by {worst:?}");
}

/// Where the pressure changes along the way, as very many dabs between the samples: all but a quarter of a pixel of the edge, and
/// the strength of one piece (at most 14 on this path).
#[test]
fn a_pressed_stroke_is_what_very_many_dabs_paint() {
    let path = [(30.0, 40.0, 0.1), (80.0, 50.0, 0.9), (120.0, 90.0, 1.0), (60.0, 100.0, 0.3)];
    let samples = path.map(|(x, y, pressure)| Sample { x, y, pressure });
    for (hardness, pressure_size, pressure_opacity) in [(1.0, true, false), (0.3, true, true), (0.3, false, true)] {
        let brush = Brush { pressure_size, pressure_opacity, ..brush(48.0, hardness, 1.0, false) };
        let mut mask = Mask::empty(150, 130);
        paint(&mut mask, brush, Wrap::None, &samples);
        let mut worst: f32 = 0.0;
        for (x, y) in (0..130).flat_map(|y| (0..150).map(move |x| (x, y))) {
            let mut most: f32 = 0.0;
            for (pair, step) in samples.windows(2).flat_map(|pair| (0..=1000).map(move |step| (pair, step))) {
                let t = step as f32 / 1000.0;
                let between = |from: f32, to: f32| from + (to - from) * t;
                let pressure = between(pair[0].pressure, pair[1].pressure);
                let radius = if pressure_size { 24.0 * pressure } else { 24.0_f32 }.max(0.5);
                let dx = x as f32 + 0.5 - between(pair[0].x, pair[1].x);
                let dy = y as f32 + 0.5 - between(pair[0].y, pair[1].y);
                let (distance, inner) = (dx.hypot(dy), (radius * hardness).min(radius - 0.5));
                let edge = (radius + 0.5 - distance).clamp(0.0, 1.0);
                let t = ((distance - inner) / (radius - inner).max(1.0)).clamp(0.0, 1.0);
                let fall = if radius - inner > 1.0 { (1.0 - t * t * (3.0 - 2.0 * t)).min(edge) } else { edge };
                most = most.max(fall * if pressure_opacity { pressure } else { 1.0 });
            }
            worst = worst.max((f32::from(mask.get(x, y)) - 255.0 * most).abs());
        }
        let allowed = if pressure_size { 255.0 / 4.0 + 2.0 } else { 14.0 + 2.0 };
        assert!(worst <= allowed, "{brush:?}: off by {worst}");
    }
}

#[test]
fn pressure_scales_the_diameter() {
    let width_at = |pressure: f32| {
        let mut mask = Mask::empty(128, 128);
        let at = Sample { x: 64.0, y: 64.0, pressure };
        paint(&mut mask, brush(80.0, 1.0, 1.0, false), Wrap::None, &[at]);
        (0..128).filter(|x| mask.get(*x, 64) > 127).count()
    };
    assert_eq!((width_at(1.0), width_at(0.5), width_at(0.25)), (80, 40, 20));
    assert_eq!(width_at(0.0), 0, "no pressure leaves a trace of one pixel at most");
}

#[test]
fn a_stroke_is_taken_back_byte_by_byte() {
    let before = ramp(200, 150);
    let mut mask = before.clone();
    let stroke = paint(&mut mask, brush(60.0, 0.3, 0.8, false), Wrap::Xy, &samples(&PATH));
    let after = mask.clone();
    assert_ne!(before, after);
    let mut delta = stroke.commit(&mut mask);
    delta.swap(&mut mask);
    assert_eq!(mask, before);
    delta.swap(&mut mask);
    assert_eq!(mask, after);

    let mut mask = before.clone();
    let stroke = paint(&mut mask, brush(60.0, 0.3, 0.8, true), Wrap::None, &samples(&PATH));
    let dirty = stroke.abort(&mut mask);
    assert_eq!(mask, before);
    assert!(!dirty.is_empty());
}

#[test]
fn a_stroke_that_changes_nothing_is_no_step() {
    let mut document = Document::new(128, 128);
    let id = document.add_region("Sky", "sky");
    let mut history = History::default();
    let mask = Arc::make_mut(&mut document.regions[0].mask);
    let (stroke, dirty) = Stroke::begin(mask, brush(30.0, 1.0, 1.0, true), Wrap::None, Sample::new(64.0, 64.0));
    let delta = stroke.commit(mask);
    assert!(delta.is_empty() && !dirty.is_empty());
    assert!(!history.push_mask(id, delta, "Erase"));
    assert_eq!(history.undo(&mut document), None);
}

#[test]
fn strokes_are_steps_of_the_history() {
    let mut document = Document::new(300, 200);
    let id = document.add_region("Sky", "sky");
    let mut history = History::default();
    let mut states = vec![document.clone()];
    for i in 0..5 {
        let mask = Arc::make_mut(&mut document.regions[0].mask);
        let at = Sample::new(40.0 * i as f32, 100.0);
        let (mut stroke, _) = Stroke::begin(mask, brush(50.0, 0.5, 1.0, i == 3), Wrap::None, at);
        stroke.extend(mask, Sample::new(150.0, 30.0 * i as f32));
        let delta = stroke.commit(mask);
        assert!(history.push_mask(id, delta, "Brush"));
        states.push(document.clone());
    }
    for state in states.iter().rev().skip(1) {
        let change = history.undo(&mut document).unwrap();
        assert_eq!((change.label.as_str(), change.rest, change.masks.len()), ("Brush", false, 1));
        assert_eq!(&document, state);
    }
    for state in states.iter().skip(1) {
        history.redo(&mut document).unwrap();
        assert_eq!(&document, state);
    }
}

#[test]
fn what_a_stroke_keeps_follows_the_stroke_and_not_the_canvas() {
    let kept = |side: u32| {
        let mut mask = Mask::empty(side, side);
        let path: Vec<Sample> = (0..60).map(|i| Sample::new(20.0 + i as f32 * 4.0, 100.0)).collect();
        let (mut stroke, _) = Stroke::begin(&mut mask, brush(24.0, 0.8, 1.0, false), Wrap::None, path[0]);
        for sample in &path[1..] {
            stroke.extend(&mut mask, *sample);
        }
        let delta = stroke.commit(&mut mask);
        (delta.len(), delta.memory())
    };
    assert_eq!(kept(512), kept(4096));
    // 260 × 24 pixels around row 100 of 64-pixel tiles.
    assert_eq!(kept(4096).0, 5);
}

/// Each pixel of a turned shape comes from where the plainest reckoning says, on the canvas and beyond it.
#[test]
fn a_shape_turns_about_its_own_middle() {
    let (width, height) = (60, 40);
    let mut mask = Mask::empty(width, height);
    let covered = PixelRect { x: 31, y: 3, width: 12, height: 30 };
    for y in covered.y..covered.y + covered.height {
        let row: Vec<u8> = (0..covered.width).map(|x| (1 + (x * 7 + y * 3) % 255) as u8).collect();
        mask.write_row(covered.x, y, &row);
    }
    let shape = Beyond { mask: &mask, outside: None };
    for turn in [Turn::Left, Turn::Right, Turn::FlipX, Turn::FlipY] {
        let (turned, outside) = turn_whole(shape, turn, Wrap::None);
        let all = Beyond { mask: &turned, outside: outside.as_ref() }.join();
        // Both boxes have one middle; a quarter turn makes 30 × 12 of 12 × 30.
        let quarter = matches!(turn, Turn::Left | Turn::Right);
        let (at, size) = if quarter { ((22, 12), (30, 12)) } else { ((31, 3), (12, 30)) };
        let mut seen = 0;
        for (x, y) in (0..3 * width).flat_map(|x| (0..3 * height).map(move |y| (x, y))) {
            let (u, v) = (i64::from(x) - i64::from(width) - at.0, i64::from(y) - i64::from(height) - at.1);
            let from = match turn {
                Turn::Left => (11 - v, u),
                Turn::Right => (v, 29 - u),
                Turn::FlipX => (11 - u, v),
                Turn::FlipY => (u, 29 - v),
            };
            let inside = (0..size.0).contains(&u) && (0..size.1).contains(&v);
            let value = if inside { mask.get(31 + from.0 as u32, 3 + from.1 as u32) } else { 0 };
            assert_eq!(all.get(x, y), value, "{turn:?} at {u}, {v}");
            seen += u32::from(value > 0);
        }
        assert_eq!(seen, 12 * 30);
    }
}

#[test]
fn turns_lead_back_to_where_they_began() {
    let mut mask = Mask::empty(70, 50);
    for y in 20..49 {
        mask.write_row(2, y, &[200, 0, 40, 255, 7]);
    }
    let turned = |turns: &[Turn]| {
        turns.iter().fold((mask.clone(), None), |(mask, outside), turn| {
            turn_whole(Beyond { mask: &mask, outside: outside.as_ref() }, *turn, Wrap::None)
        })
    };
    // (Its box is 5 × 29, so that a quarter turn leaves the canvas at the left.)
    assert!(turned(&[Turn::Left]).1.is_some());
    for turns in [
        &[Turn::Left, Turn::Right][..],
        &[Turn::Right, Turn::Left],
        &[Turn::Left; 4],
        &[Turn::FlipX; 2],
        &[Turn::FlipY; 2],
        &[Turn::FlipX, Turn::FlipY, Turn::Right, Turn::Right],
    ] {
        assert_eq!(turned(turns), (mask.clone(), None), "{turns:?}");
    }
    let nothing = Mask::empty(8, 8);
    assert_eq!(turn_whole(Beyond { mask: &nothing, outside: None }, Turn::Left, Wrap::None), (nothing.clone(), None));
}

#[test]
fn samples_that_make_no_sense_do_no_harm() {
    let mut mask = Mask::empty(64, 64);
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1e30, 1e30, 0.0];
    for wrap in [Wrap::None, Wrap::Xy] {
        for diameter in [f32::NAN, f32::INFINITY, -5.0, 0.0, 3.0] {
            let brush = Brush { diameter, hardness: f32::NAN, opacity: f32::NAN, ..Brush::default() };
            let (mut stroke, _) = Stroke::begin(&mut mask, brush, wrap, Sample::new(5.0, 5.0));
            for x in odd {
                for pressure in odd {
                    stroke.extend(&mut mask, Sample { x, y: 3.0, pressure });
                }
            }
            let mut other = Mask::empty(10, 10);
            assert!(stroke.extend(&mut other, Sample::new(1.0, 1.0)).is_empty(), "another mask is left alone");
            assert!(stroke.commit(&mut other).is_empty());
        }
    }
}

/// Not an assertion but a figure: `cargo test --release --test paint -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn cost_of_a_step() {
    for side in [512, 4096, 16384] {
        for diameter in [8.0, 64.0, 512.0] {
            let mut mask = Mask::empty(side, side.min(4096));
            let (mut stroke, _) =
                Stroke::begin(&mut mask, brush(diameter, 0.8, 1.0, false), Wrap::None, Sample::new(100.0, 100.0));
            let start = std::time::Instant::now();
            let samples = 400;
            for i in 0..samples {
                let angle = i as f32 * 0.1;
                stroke.extend(&mut mask, Sample::new(250.0 + 120.0 * angle.cos(), 250.0 + 120.0 * angle.sin()));
            }
            let micros = start.elapsed().as_secs_f64() * 1e6 / f64::from(samples);
            println!("canvas {side:5}, brush {diameter:3}: {micros:8.1} µs for each 12-pixel sample");
        }
    }
}
