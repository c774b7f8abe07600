//! Looking at the canvas: zooming, turning, mirroring, comparing; and what the graphics card makes of it.

use super::painter::{Painter, Pretender, adapter, english};
use egui::{Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, Pos2, TouchPhase, Vec2, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use image::RgbImage;
use polyptych::app::{App, Command, Compare, FileDialogs, Options, RegionLook, ViewMode};
use polyptych::document::{Document, PixelRect, Region, Take, Wrap};
use std::sync::Arc;

const NONE: Modifiers = Modifiers::NONE;

/// The position of the screen comes back from the canvas.
fn returns(painter: &Painter, at: Pos2) {
    let there = painter.app().screen_to_canvas(at);
    let back = painter.app().canvas_to_screen(there.x, there.y);
    assert!((back - at).length() < 0.05, "{at:?} came back as {back:?}");
}

fn calls(painter: &mut Painter, command: Command) {
    let ctx = painter.h.ctx.clone();
    painter.h.state_mut().perform(&ctx, command);
    painter.h.run_ok();
}

fn middle(painter: &Painter) -> Pos2 {
    painter.h.get_by_label("Canvas").rect().center()
}

#[test]
fn strokes_land_under_the_pointer_however_the_canvas_is_turned() {
    for keys in [&[][..], &[Key::Num6, Key::Num6], &[Key::M], &[Key::Num4, Key::M, Key::Num4, Key::Num4]] {
        let mut painter = Painter::sits_down();
        let at = middle(&painter);
        painter.h.hover_at(at);
        painter.h.run_ok();
        for key in keys {
            painter.presses(NONE, *key);
        }
        for _ in 0..3 {
            painter.presses(Modifiers::COMMAND, Key::Plus);
        }
        painter.presses(Modifiers::ALT, Key::ArrowLeft);
        for p in [at, at + vec2(-211.0, 87.0), at + vec2(13.0, -170.0)] {
            returns(&painter, p);
        }
        let pixel = painter.app().screen_to_canvas(at + vec2(40.0, -30.0));
        let (x, y) = (pixel.x as u32, pixel.y as u32);
        let id = painter.selected();
        let before = painter.document().region(id).expect("selected").mask.get(x, y);
        painter.paints(&[(pixel.x, pixel.y), (pixel.x + 2.0, pixel.y)]);
        let after = painter.document().region(id).expect("selected").mask.get(x, y);
        assert_eq!((before, after), (0, 255), "{keys:?} at {x}, {y}");
    }
}

#[test]
fn keys_turn_mirror_and_straighten_the_view() {
    let mut painter = Painter::sits_down();
    painter.presses(NONE, Key::Num6);
    painter.presses(NONE, Key::Num6);
    painter.presses(NONE, Key::Num4);
    assert_eq!(painter.app().view().degrees().round(), 15.0);
    // What lies to the right of the canvas's middle has gone down.
    let (a, b) = (painter.app().canvas_to_screen(384.0, 256.0), painter.app().canvas_to_screen(484.0, 256.0));
    assert!(b.x > a.x && b.y > a.y + 1.0, "{a:?} {b:?}");
    painter.presses(NONE, Key::M);
    assert!(painter.app().view().is_mirrored());
    let mirrored = painter.app().canvas_to_screen(484.0, 256.0);
    assert!((mirrored.x - (2.0 * a.x - b.x)).abs() < 0.1 && (mirrored.y - b.y).abs() < 0.1);
    painter.clicks("Straighten view");
    assert!(painter.app().view().degrees() == 0.0 && !painter.app().view().is_mirrored());
}

#[test]
fn zooming_holds_what_is_under_the_pointer() {
    let mut painter = Painter::sits_down();
    painter.presses(NONE, Key::Num6);
    let at = middle(&painter) + vec2(120.0, -60.0);
    painter.h.hover_at(at);
    painter.h.run_ok();
    let under = painter.app().screen_to_canvas(at);
    let wheel = |delta: Vec2| Event::MouseWheel {
        unit: MouseWheelUnit::Line,
        delta,
        modifiers: NONE,
        phase: TouchPhase::Move,
        source: MouseWheelSource::Wheel,
    };
    painter.h.event(wheel(vec2(0.0, 3.0)));
    painter.h.event(Event::Zoom(1.5));
    painter.h.event(Event::Rotate(0.4));
    painter.h.run_ok();
    let now = painter.app().screen_to_canvas(at);
    assert!((now - under).length() < 0.05, "{under:?} became {now:?}");
    painter.presses(Modifiers::COMMAND, Key::Num1);
    assert_eq!(painter.app().view().zoom(), 1.0);
    painter.presses(Modifiers::COMMAND, Key::Num3);
    assert_eq!(painter.app().view().zoom(), 4.0);
    painter.presses(Modifiers::COMMAND, Key::Num0);
    assert!(painter.app().view().zoom() < 4.0);
}

#[test]
fn picture_and_regions_are_compared_side_by_side_and_both_halves_are_painted_on() {
    let mut painter = Painter::sits_down();
    painter.presses(NONE, Key::Y);
    assert_eq!(painter.app().view_mode(), ViewMode::Compare);
    painter.h.run_ok();
    let area = painter.h.get_by_label("Canvas").rect();
    let right = painter.app().canvas_to_screen(384.0, 256.0);
    assert!(right.x > area.center().x, "regions are at the right");
    let left = right - vec2(area.width() * 0.5, 0.0);
    let under = painter.app().screen_to_canvas(left);
    assert!((under - pos2(384.0, 256.0)).length() < 0.1, "the same place at the left: {under:?}");
    let id = painter.selected();
    painter.h.hover_at(left);
    painter.h.drag_at(left);
    painter.h.hover_at(left + vec2(2.0, 0.0));
    painter.h.drop_at(left + vec2(2.0, 0.0));
    painter.h.run_ok();
    assert_eq!(painter.document().region(id).expect("selected").mask.get(384, 256), 255);

    painter.clicks("With a slider");
    assert_eq!(painter.app().canvas_look().compare, Compare::Slider);
    assert!(painter.h.query_by_label("Between picture and regions").is_some());
    painter.presses(NONE, Key::Num1);
    assert!(painter.h.query_by_label("Between picture and regions").is_none());
}

#[test]
fn regions_are_shown_as_tint_outline_hatching_or_not_at_all() {
    let mut painter = Painter::sits_down();
    painter.clicks("How regions are shown");
    painter.clicks("Hatching");
    assert_eq!(painter.app().canvas_look().regions, RegionLook::Hatch);
    painter.presses(Modifiers::SHIFT, Key::H);
    assert_eq!(painter.app().canvas_look().regions, RegionLook::Hidden);
    assert!(painter.document().regions.iter().all(|r| r.visible), "hidden from view, not from the picture");
    painter.presses(Modifiers::SHIFT, Key::H);
    assert_eq!(painter.app().canvas_look().regions, RegionLook::Hatch);
    painter.presses(Modifiers::SHIFT, Key::L);
    assert!(painter.app().canvas_look().latent);
    painter.presses(Modifiers::SHIFT, Key::R);
    assert!(painter.app().canvas_look().rulers);
}

#[test]
fn arrow_keys_move_the_brush_as_the_screen_shows_it() {
    let mut painter = Painter::sits_down();
    for _ in 0..6 {
        painter.presses(NONE, Key::Num6);
    }
    assert_eq!(painter.app().view().degrees().round(), 90.0);
    painter.presses(NONE, Key::F6);
    let id = painter.selected();
    calls(&mut painter, Command::InvertRegion);
    calls(&mut painter, Command::ClearRegion);
    for _ in 0..4 {
        painter.presses(NONE, Key::ArrowRight);
    }
    painter.presses(NONE, Key::Space);
    // The screen's right is the canvas's upper side.
    let bounds = painter.document().region(id).expect("selected").mask.bounds();
    let (x, y) = (bounds.x + bounds.width / 2, bounds.y + bounds.height / 2);
    assert!(x.abs_diff(384) <= 1 && y < 200, "painted around {x}, {y}");
}

/// A painting over a take that fills several tiles, in a window that is drawn for real.
fn drawn(wrap: Wrap) -> Painter {
    let (width, height) = (1400, 1100);
    let mut document = Document::new(width, height);
    document.settings.wrap = wrap;
    for (columns, rows) in [(100..900, 150..800), (500..1400, 400..1000)] {
        let id = document.add_region("A thing", "a thing");
        let (x, y) = (columns.start, rows.start);
        let rect = PixelRect { x, y, width: columns.end - x, height: rows.end - y };
        Arc::make_mut(&mut document.region_mut(id).expect("just added").mask).fill(rect, 255);
    }
    let image = RgbImage::from_fn(width, height, |x, y| image::Rgb([(x / 6) as u8, (y / 5) as u8, 90]));
    document.take = Some(Arc::new(Take { image: Arc::new(image), seed: 1 }));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tiles.ora");
    document.save(&path).expect("saved");
    let options = Options {
        project: Some(path),
        engine: Some(Box::new(Pretender::default())),
        file_dialogs: FileDialogs::Own,
        ..english()
    };
    let h = Harness::builder().with_size(vec2(1440.0, 900.0)).wgpu().build_eframe(|cc| App::new(cc, options));
    let mut painter = Painter { h };
    painter.waits_for("the project", |a| !a.is_busy_with_files() && a.editor().document().width == 1400);
    painter.waits_for("the picture", App::is_picture_ready);
    painter
}

/// What a naive compositor makes of a canvas pixel: the picture, then the topmost region's colour over it.
fn composite(document: &Document, x: u32, y: u32, picture: bool, cover: f32, paper: [f32; 3]) -> [f32; 3] {
    let take = document.take.as_ref().filter(|_| picture);
    let ground = take.map_or(paper, |t| t.image.get_pixel(x, y).0.map(f32::from));
    let top = document.regions.iter().rev().find(|r| r.visible && r.mask.get(x, y) > 127);
    let Some(region) = top else { return ground };
    let colour = region.colour.0.map(f32::from);
    std::array::from_fn(|i| ground[i] * (1.0 - cover) + colour[i] * cover)
}

/// True where a region's edge or that of the canvas is within so many canvas pixels.
fn near_an_edge(document: &Document, x: u32, y: u32, within: u32) -> bool {
    let inside = |region: &Region, x: u32, y: u32| region.mask.get(x, y) > 127;
    let (left, right) = (x.saturating_sub(within), (x + within).min(document.width - 1));
    let (top, bottom) = (y.saturating_sub(within), (y + within).min(document.height - 1));
    let edge = x < within || y < within || x + within >= document.width || y + within >= document.height;
    edge || document.regions.iter().any(|region| {
        let here = inside(region, x, y);
        [(left, top), (right, top), (left, bottom), (right, bottom), (left, y), (right, y), (x, top), (x, bottom)]
            .into_iter()
            .any(|(x, y)| inside(region, x, y) != here)
    })
}

/// Compares the drawn canvas with the naive compositor wherever no edge and nothing floating is near.
fn compare(painter: &mut Painter, picture: bool, cover: f32) {
    painter.h.remove_cursor();
    painter.h.run_ok();
    let area = painter.h.get_by_label("Canvas").rect();
    let shot = painter.h.render().expect("drawn");
    let document = painter.document().clone();
    let mut seen = 0;
    let mut worst = (0.0_f32, String::new());
    for y in (0..document.height).step_by(37) {
        for x in (0..document.width).step_by(41) {
            let at = painter.app().canvas_to_screen(x as f32 + 0.5, y as f32 + 0.5);
            let bars = at.y < area.top() + 52.0 || at.y > area.bottom() - 60.0;
            if bars || !area.shrink(4.0).contains(at) || near_an_edge(&document, x, y, 12) {
                continue;
            }
            let drawn = shot.get_pixel(at.x as u32, at.y as u32).0;
            let wanted = composite(&document, x, y, picture, cover, [74.0; 3]);
            let off = (0..3).map(|i| (f32::from(drawn[i]) - wanted[i]).abs()).fold(0.0, f32::max);
            if off > worst.0 {
                worst = (off, format!("{x}, {y} is {drawn:?} and should be {wanted:?}"));
            }
            seen += 1;
        }
    }
    assert!(seen > 200, "{seen} pixels compared");
    assert!(worst.0 <= 6.0, "{}", worst.1);
}

#[test]
fn the_graphics_card_draws_what_a_naive_compositor_does() {
    if !adapter() {
        return;
    }
    let mut painter = drawn(Wrap::None);
    let cover = |painter: &Painter, picture| painter.app().canvas_look().cover(picture);
    let over = cover(&painter, true);
    compare(&mut painter, true, over);
    painter.presses(NONE, Key::Num3);
    compare(&mut painter, true, 0.0);
    painter.presses(NONE, Key::Num1);
    // Turned, mirrored and nearer.
    painter.presses(NONE, Key::Num6);
    painter.presses(NONE, Key::M);
    painter.presses(Modifiers::COMMAND, Key::Plus);
    compare(&mut painter, true, over);
    painter.presses(NONE, Key::Num5);
    painter.presses(Modifiers::COMMAND, Key::Num0);
    // A stroke over the seam of two tiles.
    painter.paints(&[(950.0, 200.0), (1100.0, 200.0)]);
    compare(&mut painter, true, over);
    painter.presses(Modifiers::COMMAND, Key::Z);
    compare(&mut painter, true, over);
    painter.presses(Modifiers::SHIFT, Key::H);
    compare(&mut painter, true, 0.0);
    painter.presses(Modifiers::SHIFT, Key::H);
    // On the model's grid, whole cells are as the masks are.
    painter.presses(Modifiers::SHIFT, Key::L);
    let latent = cover(&painter, true);
    compare(&mut painter, true, latent);
}

#[test]
fn the_tint_steps_back_from_a_finished_picture_until_something_is_painted() {
    if !adapter() {
        return;
    }
    let mut painter = drawn(Wrap::None);
    let over = painter.app().canvas_look().cover(true);
    let before = painter.document().take.clone().expect("a picture");
    calls(&mut painter, Command::Generate);
    let is_another = |a: &App| a.editor().document().take.as_ref().is_some_and(|take| !Arc::ptr_eq(take, &before));
    painter.waits_for("the picture", |a| is_another(a) && a.is_picture_ready());
    assert!(!painter.sees("Nothing has changed"), "what the picture in the file was made from is not known");
    compare(&mut painter, true, 0.0);
    // A click that takes hold of a region and lets go paints nothing.
    painter.presses(NONE, Key::V);
    painter.paints(&[(1200.0, 900.0)]);
    painter.presses(NONE, Key::B);
    compare(&mut painter, true, 0.0);
    painter.paints(&[(950.0, 200.0), (1100.0, 200.0)]);
    compare(&mut painter, true, over);
}

#[test]
fn outlines_and_hatching_are_drawn_where_they_belong() {
    if !adapter() {
        return;
    }
    let mut painter = drawn(Wrap::None);
    let bright = |painter: &mut Painter, from: (f32, f32), to: (f32, f32)| -> Vec<[u8; 4]> {
        painter.h.remove_cursor();
        painter.h.run_ok();
        let shot = painter.h.render().expect("drawn");
        let (a, b) = (painter.app().canvas_to_screen(from.0, from.1), painter.app().canvas_to_screen(to.0, to.1));
        (0..200).map(|i| a + (b - a) * (i as f32 / 199.0)).map(|p| shot.get_pixel(p.x as u32, p.y as u32).0).collect()
    };
    // Along the left edge of the lower region dashes change with gaps.
    let along = bright(&mut painter, (100.0, 250.0), (100.0, 750.0));
    let orange = along.iter().filter(|p| p[0] > 190 && p[2] < 60).count();
    assert!((40..190).contains(&orange), "{orange} of 200 pixels along the edge are its colour");
    let away = bright(&mut painter, (60.0, 250.0), (60.0, 750.0));
    assert!(away.iter().all(|p| p[0] < 60), "none beside it");

    calls(&mut painter, Command::LookHatch);
    let across = bright(&mut painter, (200.0, 200.0), (450.0, 780.0));
    let levels = across.iter().map(|p| p[0]);
    let (low, high) = (levels.clone().min().unwrap_or(0), levels.max().unwrap_or(0));
    assert!(high - low > 60, "stripes from {low} to {high}");
}

#[test]
fn a_joined_canvas_shows_its_neighbours_dimmed() {
    if !adapter() {
        return;
    }
    let outside = |painter: &mut Painter| {
        for _ in 0..4 {
            painter.presses(Modifiers::COMMAND, Key::Minus);
        }
        painter.h.remove_cursor();
        painter.h.run_ok();
        let shot = painter.h.render().expect("drawn");
        let at = |x: f32, y: f32| {
            let p = painter.app().canvas_to_screen(x, y);
            shot.get_pixel(p.x as u32, p.y as u32).0
        };
        (at(-200.0, 60.0), at(1200.0, 60.0))
    };
    let (desk, _) = outside(&mut drawn(Wrap::None));
    let (neighbour, own) = outside(&mut drawn(Wrap::X));
    assert_eq!(desk[0], desk[2], "nothing but the desk beside a canvas that is not joined: {desk:?}");
    assert!(neighbour[0] > desk[0] + 15 && neighbour[0] + 15 < own[0], "{desk:?}, {neighbour:?}, {own:?}");
}

#[test]
fn a_region_on_its_way_is_drawn_where_it_will_lie() {
    if !adapter() {
        return;
    }
    // The upper region, from inside it and by its lower right corner; on a joined canvas it goes on at the other side, and what
    // was outside before comes back with it.
    for (wrap, outside, from, to) in [
        (Wrap::None, None, (950.0, 700.0), (760.0, 480.0)),
        (Wrap::None, None, (1400.0, 1000.0), (1100.0, 640.0)),
        (Wrap::None, Some(((950.0, 700.0), (1400.0, 700.0))), (1400.0, 700.0), (900.0, 640.0)),
        (Wrap::Xy, None, (950.0, 700.0), (1250.0, 900.0)),
    ] {
        let mut painter = drawn(wrap);
        painter.presses(NONE, Key::V);
        if let Some((from, to)) = outside {
            painter.drags(NONE, &[from, to]);
            assert!(painter.app().editor().selected_region().is_some_and(|region| region.outside.is_some()));
        }
        let b = painter.app().canvas_to_screen(to.0, to.1);
        let [still, going, there] = drag_is_seen(&mut painter, NONE, from, to);
        let area = painter.h.get_by_label("Canvas").rect().shrink(60.0);
        // But for the size that is told beside the pointer, and the frame.
        let differ = |one: &image::RgbaImage, other: &image::RgbaImage| {
            let all = one.enumerate_pixels().zip(other.pixels()).filter(|((x, y, _), _)| {
                let at = pos2(*x as f32, *y as f32);
                area.contains(at) && (at - b).length() > 120.0
            });
            all.filter(|((.., p), q)| (0..3).any(|i| p.0[i].abs_diff(q.0[i]) > 8)).count()
        };
        let (moved, off) = (differ(&still, &there), differ(&going, &there));
        assert!(moved > 20_000 && off * 20 < moved, "{off} pixels are off, where {moved} changed: {wrap:?}");
    }
}

#[test]
fn corners_and_several_regions_on_their_way_are_drawn_where_they_will_lie() {
    if !adapter() {
        return;
    }
    for (several, keys, from, to) in [
        (false, Modifiers::COMMAND, (1400.0, 1000.0), (1150.0, 700.0)),
        (false, Modifiers::COMMAND, (1400.0, 1000.0), (1400.0, 620.0)),
        (true, NONE, (700.0, 600.0), (600.0, 500.0)),
        (true, Modifiers::COMMAND, (1400.0, 1000.0), (1100.0, 800.0)),
    ] {
        let mut painter = drawn(Wrap::None);
        painter.presses(NONE, Key::V);
        if several {
            calls(&mut painter, Command::SelectAll);
        }
        let [still, going, there] = drag_is_seen(&mut painter, keys, from, to);
        let area = painter.h.get_by_label("Canvas").rect().shrink(60.0);
        // Areas, not lines: the frame with its handles is another one on the way.
        let differ = |one: &image::RgbaImage, other: &image::RgbaImage| {
            let off = |x: u32, y: u32| {
                let (p, q) = (one.get_pixel(x, y).0, other.get_pixel(x, y).0);
                (0..3).any(|i| p[i].abs_diff(q[i]) > 8)
            };
            let around = [(0, 8), (8, 0), (8, 16), (16, 8), (8, 8)];
            let (columns, rows) = (area.left() as u32..area.right() as u32, area.top() as u32..area.bottom() as u32);
            let all = rows.flat_map(|y| columns.clone().map(move |x| (x, y)));
            all.filter(|(x, y)| around.iter().all(|(right, down)| off(x + right, y + down))).count()
        };
        let (moved, off) = (differ(&still, &there), differ(&going, &there));
        assert!(moved > 5_000 && off * 50 < moved, "{off} pixels are off, where {moved} changed: {several}, {to:?}");
    }
}

/// What is seen before a drag with the move tool, on its way, and after it. The mask changes at the end only.
fn drag_is_seen(painter: &mut Painter, keys: Modifiers, from: (f32, f32), to: (f32, f32)) -> [image::RgbaImage; 3] {
    let id = painter.selected();
    let before = painter.mask(id);
    let shot = |painter: &mut Painter| {
        painter.h.run_ok();
        painter.h.render().expect("drawn")
    };
    let still = shot(painter);
    painter.presses_button(keys, from);
    painter.moves_on(keys, &[to]);
    let going = shot(painter);
    assert_eq!(painter.mask(id), before);
    painter.lets_go(keys, to);
    let there = shot(painter);
    assert_ne!(painter.mask(id), before);
    [still, going, there]
}

#[test]
fn what_may_change_is_hatched_over_the_picture() {
    if !adapter() {
        return;
    }
    let mut painter = drawn(Wrap::None);
    painter.presses(Modifiers::SHIFT, Key::Q);
    assert!(painter.app().editor().paints_change());
    let shot = |painter: &mut Painter| {
        painter.h.remove_cursor();
        painter.h.run_ok();
        painter.h.render().expect("drawn")
    };
    let before = shot(&mut painter);
    painter.paints(&[(950.0, 250.0), (1150.0, 250.0)]);
    let after = shot(&mut painter);
    let changed = |y: f32| -> Vec<u8> {
        let (a, b) = (painter.app().canvas_to_screen(950.0, y), painter.app().canvas_to_screen(1150.0, y));
        let along = (0..60).map(|i| a + (b - a) * (i as f32 / 59.0));
        let pixel = |shot: &image::RgbaImage, p: Pos2| shot.get_pixel(p.x as u32, p.y as u32).0;
        let off = |p: [u8; 4], q: [u8; 4]| (0..3).map(|i| p[i].abs_diff(q[i])).max().unwrap_or(0);
        along.map(|p| off(pixel(&before, p), pixel(&after, p))).collect()
    };
    let (within, beside) = (changed(250.0), changed(320.0));
    assert!(within.iter().filter(|off| **off > 8).count() > 50, "{within:?}");
    let (least, most) = (within.iter().min(), within.iter().max());
    assert!(most.zip(least).is_some_and(|(most, least)| most - least > 40), "lines and what is between: {within:?}");
    assert!(beside.iter().all(|off| *off < 4), "{beside:?}");
}
