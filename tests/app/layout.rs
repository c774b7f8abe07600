//! The window in every size, at every size of letters and in every language: no text lies on another, none is cut without a sign,
//! and the cards keep their room.

use super::painter::{Painter, Pretender, english};
use egui::epaint::{ClippedShape, Shape};
use egui::{Key, Modifiers, Rect, Vec2, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use polyptych::app::{App, Command, FileDialogs, Language, Options};

/// Sizes of the window in pixels, and of everything in it: the least, usual ones with larger letters, and a large one.
const WINDOWS: [(f32, f32, f32); 10] = [
    (880.0, 560.0, 1.0),
    (880.0, 560.0, 1.5),
    (880.0, 560.0, 2.0),
    (1024.0, 640.0, 1.0),
    (1024.0, 640.0, 1.5),
    (1024.0, 640.0, 2.0),
    (1440.0, 900.0, 1.0),
    (1440.0, 900.0, 1.5),
    (1440.0, 900.0, 2.0),
    (2560.0, 1440.0, 2.0),
];
const LANGUAGES: [Language; 3] = [Language::English, Language::German, Language::Chinese];

/// A text on the screen: what it says, where it is, and what of it is seen.
#[derive(Debug, Clone)]
struct Text {
    says: String,
    whole: Rect,
    seen: Rect,
    /// It ends in “…”, for what there was no room.
    elided: bool,
}

fn texts(shapes: &[ClippedShape], window: Rect) -> Vec<Text> {
    fn walk(shape: &Shape, clip: Rect, found: &mut Vec<Text>) {
        match shape {
            Shape::Vec(shapes) => shapes.iter().for_each(|shape| walk(shape, clip, found)),
            Shape::Text(text) => {
                // (Icons are letters of a font of their own; glyphs' boxes are lower than a line.)
                let says = text.galley.text().to_owned();
                let whole = text.galley.rect.translate(text.pos.to_vec2()).shrink2(vec2(0.0, 2.0));
                let seen = whole.intersect(clip);
                if !says.trim().is_empty() && seen.width() > 2.0 && seen.height() > 2.0 {
                    found.push(Text { says, whole, seen, elided: text.galley.elided });
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    for ClippedShape { clip_rect, shape, .. } in shapes {
        walk(shape, clip_rect.intersect(window), &mut found);
    }
    found
}

fn sits_at(language: Language, size: Vec2) -> Painter {
    let options = Options {
        engine: Some(Box::new(Pretender::default())),
        file_dialogs: FileDialogs::Own,
        language: Some(language),
        ..english()
    };
    let mut h = Harness::builder().with_size(size).build_eframe(|cc| App::new(cc, options));
    h.run_ok();
    let mut painter = Painter { h };
    // A picture, one to start from, and a warning: what takes the most room.
    let ctx = painter.h.ctx.clone();
    painter.presses(Modifiers::COMMAND, Key::Enter);
    painter.waits_for("the picture", |a| a.takes() == 1 && !a.is_generating());
    for command in [Command::StartFromTake, Command::AddRegion] {
        painter.h.state_mut().perform(&ctx, command);
        painter.settles();
    }
    painter.presses(Modifiers::NONE, Key::Escape);
    painter
}

/// Everything that is wrong with the window as it is.
fn faults(painter: &mut Painter, size: Vec2) -> Vec<String> {
    faults_from(painter, size, None)
}

/// The same from the text on that says this: what was drawn before it lies below, under a dialog's shade.
fn faults_from(painter: &mut Painter, size: Vec2, first: Option<&str>) -> Vec<String> {
    painter.h.remove_cursor();
    painter.settles();
    let window = Rect::from_min_size(egui::Pos2::ZERO, size);
    let shapes = painter.h.output().shapes.clone();
    let texts = texts(&shapes, window);
    let from = first.map_or(0, |first| texts.iter().position(|text| text.says == first).expect("it is there"));
    let texts = &texts[from..];
    let mut faults = Vec::new();
    for (at, one) in texts.iter().enumerate() {
        for other in &texts[at + 1..] {
            let both = one.seen.intersect(other.seen);
            if both.width() > 2.0 && both.height() > 2.0 {
                faults.push(format!("“{}” lies on “{}” at {both:?}", one.says, other.says));
            }
        }
        // What scrolls is cut above and below; to the sides a cut is told by “…”.
        let cut = one.whole.right() - one.seen.right() > 2.0 || one.seen.left() - one.whole.left() > 2.0;
        if cut {
            faults.push(format!("“{}” is cut: {:?} of {:?}", one.says, one.seen, one.whole));
        }
    }
    faults
}

#[test]
fn no_text_lies_on_another_whatever_the_window() {
    let mut all = Vec::new();
    for (at, (width, height, zoom)) in WINDOWS.into_iter().enumerate() {
        let size = (vec2(width, height) / zoom).round();
        // (With large letters in the least window a message lies over bars that it has no room beside.)
        if size.x < 600.0 {
            continue;
        }
        // The other languages are longer or shorter: the least window shows it.
        let languages = if at == 0 { &LANGUAGES[..] } else { &LANGUAGES[..1] };
        for &language in languages {
            let mut painter = sits_at(language, size);
            let ctx = painter.h.ctx.clone();
            let mut look = |painter: &mut Painter, when: &str| {
                let found = faults(painter, size).into_iter();
                all.extend(found.map(|f| format!("{language:?} {width} × {height} at {zoom} {when}: {f}")));
            };
            look(&mut painter, "painting");
            for (command, when) in [(Command::PaintChange, "inpainting"), (Command::ToolFill, "filling")] {
                painter.h.state_mut().perform(&ctx, command);
                look(&mut painter, when);
            }
        }
    }
    assert!(all.is_empty(), "{} faults:\n{}", all.len(), all.join("\n"));
}

#[test]
fn the_hint_of_every_tool_is_whole_in_a_usual_window() {
    let size = vec2(1440.0, 900.0);
    let tools = [
        Command::ToolBrush,
        Command::ToolEraser,
        Command::ToolSmudge,
        Command::ToolLasso,
        Command::ToolRectangle,
        Command::ToolEllipse,
        Command::ToolFill,
        Command::ToolGradient,
        Command::ToolMove,
        Command::ToolFrame,
        Command::ToolPick,
        Command::ToolHand,
        Command::ToolZoom,
    ];
    for language in LANGUAGES {
        let mut painter = sits_at(language, size);
        let ctx = painter.h.ctx.clone();
        for tool in tools {
            painter.h.state_mut().perform(&ctx, tool);
            painter.settles();
            let shapes = painter.h.output().shapes.clone();
            let line = texts(&shapes, Rect::from_min_max(pos2(0.0, size.y - 28.0), size.to_pos2()));
            let cut: Vec<&Text> = line.iter().filter(|text| text.elided).collect();
            assert!(line.len() > 3 && cut.is_empty(), "{language:?}, {tool:?}: {cut:?}");
        }
    }
}

#[test]
fn no_text_of_the_board_lies_on_another() {
    let mut all = Vec::new();
    for (width, height) in [(880.0, 560.0), (2560.0, 1440.0)] {
        let size = vec2(width, height);
        for (language, title) in LANGUAGES.into_iter().zip(["All pictures", "Alle Bilder", "所有图片"]) {
            let mut painter = sits_at(language, size);
            let ctx = painter.h.ctx.clone();
            for command in [Command::Generate, Command::StarTake, Command::TakeBoard] {
                painter.h.state_mut().perform(&ctx, command);
                painter.waits_for("the picture", |a| !a.is_generating());
            }
            let mut look = |painter: &mut Painter, when: &str| {
                let found = faults_from(painter, size, Some(title)).into_iter();
                all.extend(found.map(|f| format!("{language:?} {width} × {height} {when}: {f}")));
            };
            look(&mut painter, "as it opens");
            painter.presses(Modifiers::NONE, Key::Delete);
            look(&mut painter, "with the way back");
        }
    }
    assert!(all.is_empty(), "{} faults:\n{}", all.len(), all.join("\n"));
}

#[test]
fn the_cards_keep_their_room_and_generate_is_in_sight() {
    for (width, height, zoom) in WINDOWS {
        let size = (vec2(width, height) / zoom).round();
        let mut painter = sits_at(Language::English, size);
        painter.settles();
        let window = Rect::from_min_size(egui::Pos2::ZERO, size);
        let generate = painter.h.get_by_label("Generate").rect();
        assert!(window.contains_rect(generate), "{size:?}: {generate:?}");
        // The cards lie between the words for all and what is below them, or scroll together with it.
        let called = painter.h.query_all_by_label("Regions");
        let top = called.map(|node| node.rect().top()).fold(f32::INFINITY, f32::min);
        // (A card has a triangle of its own.)
        let settings = painter.h.query_all_by_role_and_label(egui::accesskit::Role::DisclosureTriangle, "Settings");
        let below = settings.map(|node| node.rect().top()).fold(f32::INFINITY, f32::min);
        let room = if size.y - 64.0 < 540.0 { generate.top() - top } else { below - top - 68.0 };
        let least = if size.y < 400.0 { 100.0 } else { 220.0 };
        assert!(room >= least, "{size:?}: {room} points for the cards");
    }
}

#[test]
fn the_canvas_stays_where_it_is_when_a_picture_is_made() {
    let mut painter = Painter::sits_down();
    let at = |p: &Painter| (p.app().canvas_to_screen(0.0, 0.0), p.app().view().zoom());
    let before = at(&painter);
    painter.presses(Modifiers::COMMAND, Key::Enter);
    assert!(painter.app().is_generating());
    assert_eq!(at(&painter), before);
    painter.presses(Modifiers::NONE, Key::Escape);
    painter.waits_for("the job to stop", |a| !a.is_generating());
    assert_eq!(at(&painter), before);
}

#[test]
fn every_entry_of_a_menu_can_be_reached_in_the_least_window() {
    let size = vec2(880.0, 560.0);
    let window = Rect::from_min_size(egui::Pos2::ZERO, size);
    let mut painter = sits_at(Language::English, size);
    let card = painter.app().editor().selected_region().map(|region| format!("More for {}", region.name));
    let card = card.expect("a region that was added");
    let ends = [("File", "Quit"), ("Region", "Soften edge…"), ("View", "Reset the studio…"), (&*card, "Delete region")];
    for (menu, last) in ends {
        painter.clicks(menu);
        painter.h.get_by_label_contains(last).scroll_to_me();
        painter.settles();
        let entry = painter.h.get_by_label_contains(last).rect();
        assert!(window.contains_rect(entry), "{menu}: {last} is at {entry:?}");
        painter.presses(Modifiers::NONE, Key::Escape);
    }
}

#[test]
fn one_menu_holds_all_where_they_have_no_room_beside_each_other() {
    for (language, menu, help, last) in [
        (Language::English, "Menu", "Help", "About Polyptych"),
        (Language::German, "Menü", "Hilfe", "Über Polyptych"),
        (Language::Chinese, "菜单", "帮助", "关于 Polyptych"),
    ] {
        let size = vec2(440.0, 280.0);
        let mut painter = sits_at(language, size);
        let window = Rect::from_min_size(egui::Pos2::ZERO, size);
        for name in [menu, help] {
            let rect = painter.h.get_by_label(name).rect();
            assert!(window.contains_rect(rect), "{name} is at {rect:?}");
            painter.clicks(name);
        }
        painter.h.get_by_label_contains(last).scroll_to_me();
        painter.settles();
        let entry = painter.h.get_by_label_contains(last).rect();
        assert!(window.contains_rect(entry), "{last} is at {entry:?}");
    }
}

#[test]
fn every_tool_is_in_sight() {
    for zoom in [1.0, 1.25, 1.5, 1.75, 2.0] {
        let size = (vec2(1440.0, 900.0) / zoom).round();
        let painter = sits_at(Language::English, size);
        let below = painter.h.get_by_label("All pictures…").rect().top();
        for tool in ["Brush", "Hand", "Zoom"] {
            let rect = painter.h.get_by_role_and_label(egui::accesskit::Role::Button, tool).rect();
            assert!(rect.bottom() <= below, "{zoom}: {tool} ends at {} of {below}", rect.bottom());
        }
    }
}
