//! Shapes, fills and changes of whole masks against the plainest loops that do the same.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use polyptych::document::{Mask, PixelRect, Wrap};
use polyptych::paint::{
    Brush, Combine, Cover, Placement, Sample, Space, Stabiliser, Stroke, Symmetry, ellipse, flood, gradient, grow,
    place, polygon, rectangle, shrink, soften,
};

const WRAPS: [Wrap; 4] = [Wrap::None, Wrap::X, Wrap::Y, Wrap::Xy];

/// A mask made of one rule.
fn mask(width: u32, height: u32, rule: impl Fn(u32, u32) -> u8) -> Mask {
    let data: Vec<u8> = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| rule(x, y)).collect();
    Mask::from_raw(width, height, &data).expect("the right length")
}

/// Blots of every value, and much that is empty.
fn blots(width: u32, height: u32) -> Mask {
    mask(width, height, |x, y| match (x * 7 + y * 13) % 31 {
        0..3 => ((x * 29 + y * 17) % 256) as u8,
        _ if x > 12 && x < 20 && y > 5 && y < 17 => 255,
        _ => 0,
    })
}

/// The pixel so far from another, on a canvas that may wrap.
fn at(mask: &Mask, x: i64, y: i64, wrap: Wrap) -> Option<u8> {
    let (width, height) = (i64::from(mask.width()), i64::from(mask.height()));
    let x = if wrap.x() { x.rem_euclid(width) } else { x };
    let y = if wrap.y() { y.rem_euclid(height) } else { y };
    ((0..width).contains(&x) && (0..height).contains(&y)).then(|| mask.get(x as u32, y as u32))
}

#[test]
fn growing_is_a_dilation_with_a_disc_and_shrinking_its_opposite() {
    let before = blots(61, 43);
    for wrap in WRAPS {
        for by in [0_i64, 1, 2, 3, 5, 8, 13, 50] {
            let (grown, shrunk) = (grow(&before, by as u32, wrap), shrink(&before, by as u32, wrap));
            for y in 0..43 {
                for x in 0..61 {
                    let near = (-by..=by)
                        .flat_map(|dy| (-by..=by).map(move |dx| (dx, dy)))
                        .filter(|(dx, dy)| dx * dx + dy * dy <= by * by)
                        .filter_map(|(dx, dy)| at(&before, x + dx, y + dy, wrap));
                    let (most, least) = near.fold((0, 255), |(most, least), v| (most.max(v), least.min(v)));
                    let found = (grown.get(x as u32, y as u32), shrunk.get(x as u32, y as u32));
                    assert_eq!(found, (most, least), "{wrap:?}, by {by}, at {x}, {y}");
                }
            }
        }
    }
}

#[test]
fn softening_is_the_tent_it_says() {
    let before = blots(61, 43);
    for wrap in WRAPS {
        for by in [1_i64, 2, 7, 30] {
            let soft = soften(&before, by as u32, wrap);
            let tent = |d: i64| (by + 1 - d.abs()) as f64 / ((by + 1) * (by + 1)) as f64;
            for (x, y) in [(0, 0), (30, 20), (60, 42), (13, 6), (19, 16), (59, 1)] {
                let mut sum = 0.0;
                for dy in -by..=by {
                    for dx in -by..=by {
                        // Without wrapping the outermost pixels stand for what is behind them.
                        let near_x = if wrap.x() { x + dx } else { (x + dx).clamp(0, 60) };
                        let near_y = if wrap.y() { y + dy } else { (y + dy).clamp(0, 42) };
                        sum += tent(dx) * tent(dy) * f64::from(at(&before, near_x, near_y, wrap).expect("inside"));
                    }
                }
                let found = f64::from(soft.get(x as u32, y as u32));
                assert!((found - sum).abs() < 0.6, "{wrap:?}, by {by}, at {x}, {y}: {found} instead of {sum}");
            }
        }
    }
    let edge = soften(&mask(40, 3, |x, _| if x < 20 { 255 } else { 0 }), 4, Wrap::None);
    assert_eq!((edge.get(15, 1), edge.get(24, 1)), (255, 0), "it reaches as far as it says");
    assert!(edge.get(16, 1) < 255 && edge.get(23, 1) > 0);
}

/// How much of a pixel lies inside a closed line, by very many points in it; what is gone around twice is inside.
fn inside(points: &[(f32, f32)], x: u32, y: u32) -> f64 {
    const POINTS: u32 = 24;
    let mut count = 0;
    for j in 0..POINTS {
        for i in 0..POINTS {
            let at = |p: u32, k: u32| p as f32 + (k as f32 + 0.5) / POINTS as f32;
            let (px, py) = (at(x, i), at(y, j));
            let mut winding = 0;
            for (k, a) in points.iter().enumerate() {
                let b = points[(k + 1) % points.len()];
                let left = (b.0 - a.0) * (py - a.1) - (px - a.0) * (b.1 - a.1);
                winding +=
                    i32::from(a.1 <= py && b.1 > py && left > 0.0) - i32::from(a.1 > py && b.1 <= py && left < 0.0);
            }
            count += u32::from(winding != 0);
        }
    }
    f64::from(count) / f64::from(POINTS * POINTS)
}

const STAR: [(f32, f32); 5] = [(40.3, 5.0), (60.0, 70.5), (8.0, 28.0), (73.0, 27.0), (20.0, 68.0)];

#[test]
fn a_polygon_covers_what_lies_inside() {
    let mut cover = Cover::new(90, 80);
    polygon(&mut cover, &STAR, Space::default());
    for y in 0..80 {
        for x in 0..90 {
            let (found, expected) = (f64::from(cover.get(x, y)) / 255.0, inside(&STAR, x, y));
            assert!((found - expected).abs() < 0.09, "at {x}, {y}: {found} instead of {expected}");
        }
    }
}

#[test]
fn shapes_wrap_and_are_mirrored() {
    for wrap in WRAPS {
        for symmetry in [(false, false), (true, false), (false, true), (true, true)] {
            let symmetry = Symmetry { x: symmetry.0, y: symmetry.1 };
            let moved: Vec<(f32, f32)> = STAR.iter().map(|(x, y)| (x - 30.0, y + 40.0)).collect();
            let (width, height) = (90, 80);
            let mut cover = Cover::new(width, height);
            polygon(&mut cover, &moved, Space { wrap, symmetry });
            // Every copy on a canvas of its own, the greatest of them in each pixel.
            let mut expected = Mask::empty(width, height);
            let times = |wraps: bool| if wraps { -2..=2 } else { 0..=0 };
            for (flip_x, flip_y) in [(false, false), (true, false), (false, true), (true, true)] {
                if (flip_x && !symmetry.x) || (flip_y && !symmetry.y) {
                    continue;
                }
                for down in times(wrap.y()) {
                    for right in times(wrap.x()) {
                        let copy: Vec<(f32, f32)> = moved
                            .iter()
                            .map(|(x, y)| (if flip_x { 90.0 - x } else { *x }, if flip_y { 80.0 - y } else { *y }))
                            .map(|(x, y)| (x + 90.0 * right as f32, y + 80.0 * down as f32))
                            .collect();
                        let mut one = Cover::new(width, height);
                        polygon(&mut one, &copy, Space::default());
                        for y in 0..height {
                            for x in 0..width {
                                expected.write_row(x, y, &[expected.get(x, y).max(one.get(x, y))]);
                            }
                        }
                    }
                }
            }
            for y in 0..height {
                for x in 0..width {
                    assert!(
                        cover.get(x, y).abs_diff(expected.get(x, y)) <= 1,
                        "{wrap:?} {symmetry:?} at {x}, {y}: {} instead of {}",
                        cover.get(x, y),
                        expected.get(x, y)
                    );
                }
            }
        }
    }
}

#[test]
fn a_rectangle_has_whole_pixels_and_an_ellipse_the_area_it_should() {
    let mut cover = Cover::new(64, 64);
    polygon(&mut cover, &rectangle((30.4, 50.2), (9.6, 20.4)), Space::default());
    for y in 0..64 {
        for x in 0..64 {
            let expected = if (10..30).contains(&x) && (20..50).contains(&y) { 255 } else { 0 };
            assert_eq!(cover.get(x, y), expected, "at {x}, {y}");
        }
    }
    let mut cover = Cover::new(300, 200);
    polygon(&mut cover, &ellipse((10.0, 20.0), (290.0, 180.0)), Space::default());
    let area: f64 = (0..200).flat_map(|y| (0..300).map(move |x| (x, y))).map(|(x, y)| f64::from(cover.get(x, y))).sum();
    let expected = 255.0 * std::f64::consts::PI * 140.0 * 80.0;
    assert!((area / expected - 1.0).abs() < 1e-3, "{area} instead of {expected}");
}

/// Lays a cover and checks that what changed was told, and that it can be taken back.
fn lay(cover: &Cover, mask: &mut Mask, combine: Combine) {
    let before = mask.clone();
    let mut back = cover.lay(mask, combine);
    let after = mask.clone();
    let dirty = back.swap(mask);
    assert_eq!(*mask, before);
    back.swap(mask);
    assert_eq!(*mask, after);
    let told =
        |x: u32, y: u32| dirty.iter().any(|r| (r.x..r.x + r.width).contains(&x) && (r.y..r.y + r.height).contains(&y));
    for y in 0..mask.height() {
        for x in 0..mask.width() {
            assert!(mask.get(x, y) == before.get(x, y) || told(x, y), "{x}, {y} changed outside {dirty:?}");
        }
    }
}

#[test]
fn shapes_add_take_away_and_replace() {
    let before = blots(200, 150);
    let mut cover = Cover::new(200, 150);
    polygon(&mut cover, &ellipse((40.0, 30.0), (140.5, 110.0)), Space::default());
    for combine in [Combine::Add, Combine::Subtract, Combine::Replace] {
        let mut mask = before.clone();
        lay(&cover, &mut mask, combine);
        for y in 0..150 {
            for x in 0..200 {
                let (was, c) = (f64::from(before.get(x, y)) / 255.0, f64::from(cover.get(x, y)) / 255.0);
                let expected = match combine {
                    Combine::Add => 1.0 - (1.0 - was) * (1.0 - c),
                    Combine::Subtract => was * (1.0 - c),
                    Combine::Replace => c,
                };
                assert!((f64::from(mask.get(x, y)) - 255.0 * expected).abs() <= 0.6, "{combine:?} at {x}, {y}");
            }
        }
    }
    let mut small = Mask::empty(10, 10);
    assert!(cover.lay(&mut small, Combine::Replace).is_empty(), "another canvas is left alone");
}

#[test]
fn a_small_shape_on_a_large_canvas_touches_only_its_tiles() {
    let mut cover = Cover::new(4096, 4096);
    let space = Space { wrap: Wrap::Xy, symmetry: Symmetry::default() };
    polygon(&mut cover, &rectangle((-20.0, -20.0), (20.0, 20.0)), space);
    let mut mask = Mask::empty(4096, 4096);
    let mut before = cover.lay(&mut mask, Combine::Add);
    assert_eq!(before.len(), 4, "one tile in every corner");
    let covered = mask.clone();
    let dirty = before.swap(&mut mask);
    assert_eq!(dirty.len(), 4);
    assert!(dirty.iter().all(|r| r.width <= 64 && r.height <= 64), "{dirty:?}");
    let mask = covered;
    assert_eq!((mask.get(0, 0), mask.get(4095, 4095), mask.get(20, 0)), (255, 255, 0));
}

fn is_blank(cover: &Cover) -> bool {
    (0..cover.height()).all(|y| (0..cover.width()).all(|x| cover.get(x, y) == 0))
}

/// What can be reached, by looking at every pixel again and again until nothing comes to it.
fn spread(width: u32, height: u32, wrap: Wrap, start: (u32, u32), open: impl Fn(u32, u32) -> u8) -> Mask {
    let mut inside = Mask::empty(width, height);
    if open(start.0, start.1) > 127 {
        inside.write_row(start.0, start.1, &[255]);
    }
    loop {
        let before = inside.clone();
        for y in 0..height {
            for x in 0..width {
                let near = [(1, 0), (-1, 0), (0, 1), (0, -1)]
                    .iter()
                    .any(|(dx, dy)| at(&before, i64::from(x) + dx, i64::from(y) + dy, wrap) == Some(255));
                if near && open(x, y) > 127 {
                    inside.write_row(x, y, &[255]);
                }
            }
        }
        if inside == before {
            break;
        }
    }
    let ring = |x: u32, y: u32| {
        (-1..=1)
            .flat_map(|dy| (-1..=1).map(move |dx| (dx, dy)))
            .any(|(dx, dy)| at(&inside, i64::from(x) + dx, i64::from(y) + dy, wrap) == Some(255))
    };
    mask(width, height, |x, y| if inside.get(x, y) == 255 || (ring(x, y) && open(x, y) > 0) { 255 } else { 0 })
}

#[test]
fn a_fill_reaches_what_hangs_together_and_its_smooth_edge() {
    let (width, height) = (70, 50);
    // A maze with soft walls; its rooms reach the edges.
    let open = |x: u32, y: u32| match (x % 9, y % 11, (x / 9 + y / 11) % 3) {
        (0, _, 0 | 1) | (_, 0, 1 | 2) => 0,
        (1, _, 0) => 60,
        _ => 255,
    };
    for wrap in WRAPS {
        for start in [(3, 3), (40, 30), (69, 49), (0, 25)] {
            let filled = flood((width, height), wrap, start, true, open);
            let expected = spread(width, height, wrap, start, open);
            for y in 0..height {
                for x in 0..width {
                    assert_eq!(filled.get(x, y), expected.get(x, y), "{wrap:?} from {start:?} at {x}, {y}");
                }
            }
        }
    }
    let everywhere = flood((width, height), Wrap::None, (3, 3), false, open);
    assert!((0..height).all(|y| (0..width).all(|x| open(x, y) <= 127 || everywhere.get(x, y) == 255)));
    let outside = flood((width, height), Wrap::None, (900, 3), true, open);
    assert!(is_blank(&outside));
}

#[test]
fn a_gradient_falls_evenly_from_full_to_nothing() {
    let mut cover = Cover::new(200, 100);
    let (from, to) = ((50.0, 20.0), (150.0, 70.0));
    gradient(&mut cover, from, to);
    for (x, y) in [(0, 0), (50, 20), (100, 45), (149, 69), (180, 95), (75, 80), (120, 3)] {
        let (dx, dy) = (100.0, 50.0);
        let t = ((f64::from(x) + 0.5 - 50.0) * dx + (f64::from(y) + 0.5 - 20.0) * dy) / (dx * dx + dy * dy);
        let expected = 255.0 * (1.0 - t.clamp(0.0, 1.0));
        assert!((f64::from(cover.get(x, y)) - expected).abs() < 0.6, "at {x}, {y}");
    }
    let mut nothing = Cover::new(200, 100);
    gradient(&mut nothing, (5.0, 5.0), (5.2, 5.0));
    assert!(is_blank(&nothing), "no way, no gradient");
}

#[test]
fn moving_keeps_every_byte_and_scaling_the_area() {
    let before = blots(61, 43);
    let box_ = PixelRect { x: 10, y: 4, width: 20, height: 15 };
    for wrap in WRAPS {
        let to = Placement { x: 50, y: -6, width: 20, height: 15 };
        let moved = place(&before, box_, to, wrap);
        for y in 0..43_i64 {
            for x in 0..61_i64 {
                let mut expected = 0;
                for (source_y, source_x) in (4..19_i64).flat_map(|y| (10..30_i64).map(move |x| (y, x))) {
                    let (mut tx, mut ty) = (source_x + 40, source_y - 10);
                    tx = if wrap.x() { tx.rem_euclid(61) } else { tx };
                    ty = if wrap.y() { ty.rem_euclid(43) } else { ty };
                    if (tx, ty) == (x, y) {
                        expected = before.get(source_x as u32, source_y as u32);
                    }
                }
                assert_eq!(moved.get(x as u32, y as u32), expected, "{wrap:?} at {x}, {y}");
            }
        }
    }
    let disc = mask(200, 200, |x, y| if (f64::from(x) - 50.0).hypot(f64::from(y) - 50.0) < 30.0 { 255 } else { 0 });
    let sum = |m: &Mask| m.to_raw().into_iter().map(f64::from).sum::<f64>();
    let twice = place(&disc, disc.bounds(), Placement { x: 20, y: 30, width: 118, height: 59 }, Wrap::None);
    assert!((sum(&twice) / sum(&disc) - 2.0).abs() < 0.02, "{}", sum(&twice) / sum(&disc));
    let bounds = twice.bounds();
    assert_eq!((bounds.x, bounds.y, bounds.width, bounds.height), (20, 30, 118, 59));
}

#[test]
fn a_mirrored_stroke_is_the_stroke_and_its_mirror_image() {
    let brush = Brush { diameter: 14.0, ..Brush::default() };
    let path = [Sample::new(20.0, 12.0), Sample::new(60.0, 40.0), Sample::new(-8.0, 55.0)];
    for wrap in [Wrap::None, Wrap::X] {
        let paint = |symmetry: Symmetry| {
            let mut mask = Mask::empty(100, 64);
            let (mut stroke, _) = Stroke::begin(&mut mask, brush, Space { wrap, symmetry }, path[0]);
            for at in &path[1..] {
                stroke.extend(&mut mask, *at);
            }
            let delta = stroke.commit(&mut mask);
            assert!(!delta.is_empty());
            mask
        };
        let plain = paint(Symmetry::default());
        let mirrored = paint(Symmetry { x: true, y: true });
        for y in 0..64 {
            for x in 0..100 {
                let copies = [plain.get(x, y), plain.get(99 - x, y), plain.get(x, 63 - y), plain.get(99 - x, 63 - y)];
                let most = copies.into_iter().max().expect("four");
                assert!(mirrored.get(x, y).abs_diff(most) <= 2, "{wrap:?} at {x}, {y}");
            }
        }
    }
}

#[test]
fn pressure_changes_what_the_brush_says() {
    let dab = |brush: Brush, pressure: f32| {
        let mut mask = Mask::empty(64, 64);
        let _ = Stroke::begin(&mut mask, brush, Wrap::None, Sample { x: 32.0, y: 32.0, pressure });
        (mask.get(32, 32), mask.bounds().width)
    };
    let plain = Brush { diameter: 40.0, hardness: 1.0, pressure_size: false, ..Brush::default() };
    assert_eq!(dab(plain, 0.5), (255, 40));
    assert_eq!(dab(Brush { pressure_size: true, ..plain }, 0.5), (255, 20));
    let (middle, width) = dab(Brush { pressure_opacity: true, ..plain }, 0.5);
    assert!(middle.abs_diff(128) <= 1 && width == 40, "{middle}, {width}");
    assert_eq!(dab(Brush { pressure_opacity: true, ..plain }, 0.0).0, 0);
}

#[test]
fn a_steady_hand_is_led_by_the_way_and_not_by_how_often_it_is_told() {
    let path = [(0.0, 0.0), (100.0, 0.0), (100.0, 80.0), (30.0, 60.0)];
    let led = |pieces: u32| {
        let mut steady = Stabiliser::begin(24.0, Sample::new(0.0, 0.0));
        let mut last = Sample::new(0.0, 0.0);
        for pair in path.windows(2) {
            for piece in 1..=pieces {
                let t = piece as f32 / pieces as f32;
                let at = |a: f32, b: f32| a + (b - a) * t;
                let to = Sample::new(at(pair[0].0, pair[1].0), at(pair[0].1, pair[1].1));
                last = steady.extend(to).last().copied().unwrap_or(last);
            }
        }
        (last, steady.finish())
    };
    let (once, end) = led(1);
    let (often, _) = led(57);
    assert!((once.x - often.x).hypot(once.y - often.y) < 0.01, "{once:?}, {often:?}");
    assert_eq!(end.map(|s| (s.x, s.y)), Some((30.0, 60.0)), "it catches up");

    // On a long straight way it is the lag behind; a tremble is smaller than the hand's.
    let mut steady = Stabiliser::begin(24.0, Sample::new(0.0, 0.0));
    let straight = steady.extend(Sample::new(500.0, 0.0)).last().copied().expect("it moved");
    assert!((straight.x - 476.0).abs() < 0.1, "{straight:?}");
    let mut steady = Stabiliser::begin(24.0, Sample::new(0.0, 0.0));
    let trembling =
        (1..200).flat_map(|i| steady.extend(Sample::new(i as f32 * 2.0, if i % 2 == 0 { 2.0 } else { -2.0 })));
    let most = trembling.map(|s| s.y.abs()).fold(0.0, f32::max);
    assert!(most < 0.4, "2 pixels of trembling became {most}");

    let mut none = Stabiliser::begin(0.0, Sample::new(0.0, 0.0));
    assert_eq!(none.extend(Sample::new(3.0, 4.0)), [Sample::new(3.0, 4.0)], "without lag it is the pointer");
    assert_eq!(none.finish(), None);
    let mut odd = Stabiliser::begin(f32::NAN, Sample::new(0.0, 0.0));
    assert!(odd.extend(Sample::new(f32::NAN, 1.0)).is_empty());
}

/// Not an assertion but figures: `cargo test --release --test shapes -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn cost_on_a_large_canvas() {
    let side = 4096;
    let disc =
        mask(side, side, |x, y| if (f64::from(x) - 2048.0).hypot(f64::from(y) - 2048.0) < 1500.0 { 255 } else { 0 });
    let time = |what: &str, run: &dyn Fn()| {
        let start = std::time::Instant::now();
        run();
        println!("{what:30} {:7.1} ms", start.elapsed().as_secs_f64() * 1e3);
    };
    let small = |cover: &mut Cover| polygon(cover, &ellipse((100.0, 100.0), (200.0, 200.0)), Space::default());
    let large = |cover: &mut Cover| polygon(cover, &ellipse((0.0, 0.0), (4096.0, 4096.0)), Space::default());
    let shape = |draw: &dyn Fn(&mut Cover)| {
        let mut cover = Cover::new(side, side);
        draw(&mut cover);
        cover
    };
    time("copy of the mask", &|| drop(disc.clone()));
    let mut target = disc.clone();
    time("small ellipse", &|| drop(shape(&small)));
    time("large ellipse", &|| drop(shape(&large)));
    time("gradient", &|| drop(shape(&|cover| gradient(cover, (0.0, 0.0), (4096.0, 4096.0)))));
    let cover = shape(&large);
    let start = std::time::Instant::now();
    let _ = cover.lay(&mut target, Combine::Add);
    println!("{:30} {:7.1} ms", "laying the large ellipse", start.elapsed().as_secs_f64() * 1e3);
    time("fill of what is open", &|| {
        drop(flood((side, side), Wrap::None, (0, 0), true, |x, y| 255 - disc.get(x, y)));
    });
    for by in [8, 64, 256] {
        time(&format!("grow by {by}"), &|| drop(grow(&disc, by, Wrap::None)));
        time(&format!("shrink by {by}"), &|| drop(shrink(&disc, by, Wrap::None)));
    }
    time("soften by 32", &|| drop(soften(&disc, 32, Wrap::None)));
    let bounds = disc.bounds();
    let moved = Placement { x: 0, ..bounds.into() };
    let scaled = Placement { width: bounds.width + 100, ..bounds.into() };
    time("move", &|| drop(place(&disc, bounds, moved, Wrap::None)));
    time("scale", &|| drop(place(&disc, bounds, scaled, Wrap::None)));
}
