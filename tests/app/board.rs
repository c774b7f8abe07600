//! The board of all pictures: its keys, stars, names, many removed at once, a look at the picture shown before, and what captions say.

use super::making::makes;
use super::painter::{Painter, Pretender, english};
use super::tools::NONE;
use egui::accesskit::{Role, Toggled};
use egui::{Event, Key, Modifiers, PointerButton, Pos2, Rect, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use polyptych::app::{App, Command, FileDialogs, Options};
use polyptych::document::{Document, Take, TakeNote, TakeWay};
use std::path::Path;
use std::sync::Arc;

const CTRL: Modifiers = Modifiers::COMMAND;
const SHIFT: Modifiers = Modifiers::SHIFT;

/// The blue of a picture of this seed, as the pretending engine makes it.
fn blue(seed: u64) -> u8 {
    255 - seed as u8 % 128
}

impl Painter {
    /// With pictures of these seeds, the last one on the canvas.
    pub fn with_pictures(seeds: std::ops::RangeInclusive<u64>) -> Self {
        let mut painter = Self::sits_down();
        painter.makes_pictures(seeds);
        painter
    }

    fn makes_pictures(&mut self, seeds: std::ops::RangeInclusive<u64>) {
        let count = seeds.clone().count();
        self.sets("Steps", "1");
        self.sets("Pictures", &count.to_string());
        makes_all(self, *seeds.start(), count);
        self.sets("Pictures", "1");
    }

    fn shown(&self) -> Option<u64> {
        self.document().take.as_ref().map(|take| take.seed)
    }

    /// True where the board is open.
    fn has_board(&self) -> bool {
        self.h.query_by_role_and_label(Role::Dialog, "All pictures").is_some()
    }

    /// A picture on the board; the strip has it, too, as a button.
    fn on_board<'a>(&'a self, label: &'a str) -> egui_kittest::Node<'a> {
        self.h.get_by_role_and_label(Role::ListBoxOption, label)
    }

    fn board_has(&self, label: &str) -> bool {
        self.h.query_by_role_and_label(Role::ListBoxOption, label).is_some()
    }

    /// The seeds of the pictures that are chosen on the board.
    fn chosen(&self) -> Vec<u64> {
        let all = self.h.query_all_by_role(Role::ListBoxOption);
        let chosen = all.filter(|node| node.accesskit_node().toggled() == Some(Toggled::True));
        let seed = |name: String| name.split("seed ").nth(1)?.split(',').next()?.parse().ok();
        chosen.filter_map(|node| seed(node.accesskit_node().label()?)).collect()
    }

    /// Clicks within one frame, so often and with these keys held.
    fn clicks_place(&mut self, at: Pos2, times: usize, modifiers: Modifiers) {
        self.h.event(Event::ModifiersChanged(modifiers));
        self.h.event(Event::PointerMoved(at));
        self.h.step();
        let click = |pressed| Event::PointerButton { pos: at, button: PointerButton::Primary, pressed, modifiers };
        for _ in 0..times {
            self.h.input_mut().events.extend([click(true), click(false)]);
        }
        self.h.step();
        self.h.event(Event::ModifiersChanged(NONE));
        self.settles();
    }
}

fn makes_all(painter: &mut Painter, first: u64, count: usize) {
    let before = painter.app().takes();
    painter.sets("Seed", &first.to_string());
    painter.presses(CTRL, Key::Enter);
    painter.waits_for("the pictures", |a| a.takes() == before + count && !a.is_generating());
}

/// A place in the middle of a picture, above its name.
fn middle(rect: Rect) -> Pos2 {
    rect.center_top() + vec2(0.0, rect.height() * 0.4)
}

/// A place on the name of a picture.
fn name(rect: Rect) -> Pos2 {
    rect.left_bottom() + vec2(30.0, -30.0)
}

#[test]
fn the_board_is_walked_by_keys() {
    let mut painter = Painter::with_pictures(1..=6);
    painter.asks_for(Command::KeysPhotoshop);
    painter.presses(CTRL, Key::B);
    assert!(painter.has_board());
    assert_eq!(painter.chosen(), [6], "it opens at the one on the canvas");
    let opacity = painter.app().brush().opacity;
    painter.presses(NONE, Key::Num3);
    assert_eq!(painter.chosen(), [4], "digits choose");
    assert_eq!(painter.app().brush().opacity, opacity, "and are no brush here");
    assert_eq!(painter.shown(), Some(6), "choosing shows nothing yet");
    painter.presses(NONE, Key::ArrowRight);
    assert_eq!(painter.chosen(), [3]);
    painter.presses(NONE, Key::ArrowLeft);
    painter.presses(NONE, Key::ArrowLeft);
    assert_eq!(painter.chosen(), [5]);
    // Four stand in a row of this window.
    painter.presses(NONE, Key::ArrowDown);
    assert_eq!(painter.chosen(), [1]);
    painter.presses(NONE, Key::ArrowUp);
    assert_eq!(painter.chosen(), [5]);
    painter.presses(NONE, Key::End);
    painter.presses(NONE, Key::Enter);
    assert!(!painter.has_board());
    assert_eq!(painter.shown(), Some(1), "Enter shows it");

    painter.presses(CTRL, Key::B);
    assert_eq!(painter.chosen(), [1]);
    painter.presses(NONE, Key::Num2);
    painter.presses(NONE, Key::Escape);
    assert!(!painter.has_board());
    assert_eq!(painter.shown(), Some(1), "Escape changes nothing");
    painter.presses(CTRL, Key::B);
    painter.presses(CTRL, Key::B);
    assert!(!painter.has_board(), "its key closes it, too");
    painter.presses(NONE, Key::Num3);
    assert!((painter.app().brush().opacity - 0.3).abs() < 1e-6, "on the canvas they are a brush again");
}

#[test]
fn the_board_is_used_with_the_pointer() {
    let mut painter = Painter::with_pictures(1..=4);
    painter.clicks("All pictures…");
    let at = |painter: &Painter, label: &str| painter.on_board(label).rect();
    let (three, one) = (at(&painter, "Take, seed 3"), at(&painter, "Take, seed 1"));
    painter.clicks_place(middle(three), 1, NONE);
    assert_eq!(painter.chosen(), [3]);
    painter.clicks_place(middle(one), 1, CTRL);
    assert_eq!(painter.chosen(), [3, 1]);
    painter.clicks_place(middle(three), 1, NONE);
    painter.clicks_place(middle(one), 1, SHIFT);
    assert_eq!(painter.chosen(), [3, 2, 1]);
    painter.clicks_place(middle(three), 2, NONE);
    assert!(!painter.has_board());
    assert_eq!(painter.shown(), Some(3), "a double click shows it");

    painter.clicks("All pictures…");
    painter.presses(NONE, Key::Num4);
    painter.presses(NONE, Key::C);
    assert!(!painter.has_board());
    assert!(
        painter.h.query_by_label("Line between the two pictures").is_some(),
        "C compares with the one on the canvas"
    );
}

#[test]
fn many_are_removed_at_once_and_come_back_to_their_places() {
    let mut painter = Painter::with_pictures(1..=5);
    painter.presses(CTRL, Key::B);
    painter.presses(SHIFT, Key::ArrowRight);
    assert_eq!(painter.chosen(), [5, 4]);
    painter.presses(NONE, Key::Delete);
    assert_eq!(painter.app().takes(), 3);
    assert_eq!(painter.shown(), Some(3), "the next one is shown");
    assert_eq!(painter.chosen(), [3]);
    assert!(painter.sees("2 pictures were removed."));
    assert!(painter.app().editor().is_unsaved());
    painter.clicks("Undo");
    assert_eq!(painter.app().takes(), 5);
    assert_eq!(painter.shown(), Some(5), "what was on the canvas is again");
    assert!(!painter.sees("were removed"));

    painter.presses(CTRL, Key::A);
    assert_eq!(painter.chosen(), [5, 4, 3, 2, 1]);
    painter.clicks("Remove");
    assert_eq!((painter.app().takes(), painter.shown()), (0, None));
    assert!(painter.sees("There is no picture here any more."));
    painter.presses(CTRL, Key::Z);
    assert_eq!((painter.app().takes(), painter.shown()), (5, Some(5)));
    painter.presses(NONE, Key::Escape);
    let strip: Vec<f32> =
        (1..=5).map(|seed| painter.h.get_by_label(&format!("Take, seed {seed}")).rect().left()).collect();
    assert!(strip.is_sorted_by(|a, b| a > b), "each is in its place: {strip:?}");

    // From the strip the message has the way back.
    painter.presses(SHIFT, Key::Delete);
    painter.waits_for("the next one", |a| a.editor().document().take.as_ref().is_some_and(|take| take.seed == 4));
    assert_eq!(painter.app().takes(), 4);
    assert!(painter.sees("The picture was removed."));
    painter.clicks("Undo");
    painter.waits_for("the first one", |a| a.editor().document().take.as_ref().is_some_and(|take| take.seed == 5));
    assert_eq!(painter.app().takes(), 5);
    // Another one that is chosen meanwhile stays.
    painter.presses(SHIFT, Key::Delete);
    painter.clicks("Take, seed 2");
    painter.waits_for("it", |a| a.editor().document().take.as_ref().is_some_and(|take| take.seed == 2));
    painter.asks_for(Command::BringBackTake);
    painter.settles();
    assert_eq!((painter.app().takes(), painter.shown()), (5, Some(2)));
}

#[test]
fn names_and_stars_are_given_and_come_back_with_the_document() {
    let folder = tempfile::tempdir().expect("a folder");
    let project = folder.path().join("named.ora");
    let mut painter = Painter::with_pictures(1..=3);
    painter.presses(CTRL, Key::B);
    painter.presses(NONE, Key::Num2);
    painter.presses(NONE, Key::F2);
    painter.types("dusk");
    painter.presses(NONE, Key::Enter);
    assert!(painter.has_board() && painter.board_has("Take, seed 2, dusk"));
    painter.presses(NONE, Key::S);
    assert!(painter.h.query_by_label("Take the star from Take, seed 2, dusk").is_some());
    let one = painter.on_board("Take, seed 1").rect();
    painter.clicks_place(name(one), 2, NONE);
    painter.types("first");
    painter.presses(NONE, Key::Escape);
    assert!(painter.has_board() && painter.board_has("Take, seed 1"), "Escape leaves the name as it was");
    painter.clicks_place(name(one), 2, NONE);
    painter.types("first");
    painter.clicks_place(middle(painter.on_board("Take, seed 3, on the canvas").rect()), 1, NONE);
    assert!(painter.board_has("Take, seed 1, first"), "leaving the field gives the name");
    painter.clicks("Give Take, seed 1, first a star");
    painter.clicks("With a star: 2");
    assert!(!painter.board_has("Take, seed 3, on the canvas"), "only those with a star");
    painter.clicks("Take the star from Take, seed 1, first");
    assert!(!painter.board_has("Take, seed 1, first"));
    painter.presses(NONE, Key::Escape);
    assert!(painter.h.query_by_label("Take, seed 2, dusk").is_some(), "the strip shows the name");

    // By the menu of the strip.
    painter.h.get_by_label("Take, seed 3").focus();
    painter.h.run_ok();
    painter.presses(SHIFT, Key::F10);
    painter.chooses("Name it…");
    painter.types("lost");
    painter.presses(NONE, Key::Enter);
    painter.clicks("Take, seed 3, lost");
    painter.asks_for(Command::NameTake);
    painter.types("last");
    painter.presses(NONE, Key::Enter);
    assert!(!painter.has_board() && painter.h.query_by_label("Take, seed 3, last").is_some());

    painter.waits_for("all to be packed", |a| a.editor().document().packed_takes().len() == 3);
    painter.presses(CTRL.plus(SHIFT), Key::S);
    painter.answers_with(&project, "Save");
    painter.waits_for("the file", |a| !a.is_busy_with_files());
    let said = |document: &Document| -> Vec<(String, bool)> {
        document.take_notes().into_values().map(|note| (note.name, note.starred)).collect()
    };
    let wanted = [("first", false), ("dusk", true), ("last", false)].map(|(name, star)| (name.to_owned(), star));
    assert_eq!(said(&Document::open(&project).expect("saved")), wanted);

    let mut again = Painter::with(Some(&project), Box::new(Pretender::default()));
    again.waits_for("the strip", |a| a.takes() == 3);
    for _ in 0..2000 {
        if again.h.query_by_label("Take, seed 1, first").is_some() {
            break;
        }
        again.h.step();
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(!again.app().editor().is_unsaved());
    again.presses(CTRL, Key::B);
    assert!(again.h.query_by_label("Take the star from Take, seed 2, dusk").is_some());
    again.presses(NONE, Key::Escape);
    // A star that is taken away is a change to be saved.
    again.clicks("Take, seed 2, dusk");
    again.asks_for(Command::StarTake);
    assert!(again.app().editor().is_unsaved() && !again.app().is_on(Command::StarTake));
}

/// A project with so many pictures, of seeds from 1; the first one has a name and a star.
pub fn album(path: &Path, (width, height): (u32, u32), count: u64) {
    let mut document = Document::new(width, height);
    let take = |seed: u64| {
        let pixel = |x, y| image::Rgb([(x * 255 / width) as u8, (y * 255 / height) as u8, (seed * 37 % 256) as u8]);
        Arc::new(Take { image: Arc::new(image::RgbImage::from_fn(width, height, pixel)), seed })
    };
    let packed: Vec<_> = (1..=count).map(|n| (n, document.pack_take(&take(n)).expect("packed"))).collect();
    document.take = Some(take(count));
    document.set_packed_takes(packed);
    let mut star = TakeNote::new(TakeWay::Drawn, None);
    (star.starred, star.name) = (true, "keep me".to_owned());
    document.set_take_notes([(1, star)]);
    document.save(path).expect("saved");
}

#[test]
fn one_with_a_star_stays_when_older_ones_are_let_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("full.ora");
    album(&path, (64, 64), 32);
    let mut painter = Painter::with(Some(&path), Box::new(Pretender::default()));
    painter.waits_for("the strip", |a| a.takes() == 32);
    painter.sets("Steps", "1");
    painter.sets("Seed", "90");
    painter.presses(CTRL, Key::Enter);
    painter.waits_for("the picture", |a| {
        !a.is_generating() && a.editor().document().take.as_ref().is_some_and(|t| t.seed == 90)
    });
    painter
        .waits_for("it to be packed", |a| a.editor().document().packed_takes().iter().any(|(number, _)| *number == 33));
    assert_eq!(painter.app().takes(), 32);
    let kept: Vec<u64> = painter.document().packed_takes().into_iter().map(|(number, _)| number).collect();
    assert_eq!((kept[0], kept[1], kept.len()), (1, 3, 32), "the oldest without a star went: {kept:?}");
    assert_eq!(painter.document().take_notes()[&1].name, "keep me");
}

#[test]
fn captions_say_what_is_not_as_in_the_others() {
    let mut painter = Painter::sits_down();
    makes(&mut painter, 7);
    painter.presses(NONE, Key::D);
    painter.drags(CTRL, &[(100.0, 60.0), (300.0, 200.0)]);
    makes(&mut painter, 7);
    assert!(painter.h.query_by_label("Take, seed 7, in a frame").is_some());
    assert!(!painter.sees("from a picture"), "a frame is not called so");
    makes(&mut painter, 7);
    assert!(painter.h.query_by_label("Take, seed 7, in a frame · 2").is_some(), "no two read the same");
    painter.asks_for(Command::FrameOff);
    painter.sets("Steps", "3");
    makes(&mut painter, 7);
    assert!(painter.h.query_by_label("Take, seed 7, 3 steps").is_some());
    assert!(painter.h.query_by_label("Take, seed 7").is_some(), "the first has nothing else to say than its seed");
    painter.sets("Steps", "8");
    painter.asks_for(Command::Enlarge);
    painter.clicks("Enlarge");
    painter.waits_for("the larger picture", |a| a.takes() == 5 && !a.is_generating());
    assert!(painter.sees("enlarged · "), "and its size");
}

#[test]
fn the_picture_shown_before_is_seen_while_the_key_is_held() {
    let mut painter = Painter::with_pictures(1..=3);
    painter.clicks("Take, seed 1");
    painter.clicks("Take, seed 3");
    let seen = |painter: &Painter| painter.app().seen_pixel(10, 10).map(|pixel| pixel[2]);
    let hold = |painter: &mut Painter, pressed: bool| {
        painter.h.event(Event::Key {
            key: Key::Backslash,
            physical_key: Some(Key::Backslash),
            pressed,
            repeat: false,
            modifiers: NONE,
        });
        painter.settles();
    };
    assert_eq!(seen(&painter), Some(blue(3)));
    hold(&mut painter, true);
    assert_eq!(seen(&painter), Some(blue(1)), "not the one made before, but the one shown before");
    assert!(painter.h.query_by_label("Shown before: seed 1").is_some());
    assert_eq!(painter.shown(), Some(3), "the document keeps its own");
    hold(&mut painter, false);
    assert_eq!(seen(&painter), Some(blue(3)));
    assert!(!painter.sees("Shown before"));

    // Called without a key it lasts until the next press.
    painter.asks_for(Command::PeekTake);
    assert_eq!(seen(&painter), Some(blue(1)));
    painter.presses(NONE, Key::Escape);
    assert_eq!(seen(&painter), Some(blue(3)));

    // In each set of keys it is free for that.
    for set in [Command::KeysKrita, Command::KeysPhotoshop] {
        painter.asks_for(set);
        hold(&mut painter, true);
        assert_eq!(seen(&painter), Some(blue(1)), "{set:?}");
        hold(&mut painter, false);
    }
    // One that was removed is not looked at: then it is the one made before.
    painter.clicks("Take, seed 1");
    painter.asks_for(Command::RemoveTake);
    assert_eq!(painter.shown(), Some(2));
    painter.clicks("Take, seed 3");
    painter.clicks("Take, seed 2");
    hold(&mut painter, true);
    assert_eq!(seen(&painter), Some(blue(3)));
    hold(&mut painter, false);
}

#[test]
fn the_board_fits_every_window() {
    for (width, height, columns) in [(880.0, 560.0, 3), (1440.0, 900.0, 4), (2560.0, 1440.0, 5)] {
        let options =
            Options { engine: Some(Box::new(Pretender::default())), file_dialogs: FileDialogs::Own, ..english() };
        let mut h = Harness::builder().with_size(vec2(width, height)).build_eframe(|cc| App::new(cc, options));
        h.run_ok();
        let mut painter = Painter { h };
        painter.h.state_mut().perform(&egui::Context::default(), Command::Generate);
        painter.waits_for("the picture", |a| a.takes() == 1 && !a.is_generating());
        for takes in 2..=6 {
            painter.h.state_mut().perform(&egui::Context::default(), Command::Generate);
            painter.waits_for("the picture", |a| a.takes() == takes && !a.is_generating());
        }
        painter.presses(CTRL, Key::B);
        let window = Rect::from_min_size(Pos2::ZERO, vec2(width, height));
        let cells: Vec<Rect> = painter.h.query_all_by_role(Role::ListBoxOption).map(|node| node.rect()).collect();
        assert_eq!(cells.len(), 6);
        let row = cells.iter().filter(|cell| (cell.top() - cells[0].top()).abs() < 1.0).count();
        assert_eq!(row, columns, "{width}: {cells:?}");
        for (at, cell) in cells.iter().enumerate() {
            assert!(cell.width() > 200.0 && cell.left() >= 0.0 && cell.right() <= width, "{cell:?} in {width}");
            assert!(cells[at + 1..].iter().all(|other| !cell.shrink(1.0).intersects(*other)), "{cells:?}");
        }
        let compare = painter.h.get_all_by_label("Compare").last().expect("one on the board").rect();
        let foot = painter.h.get_by_label("Remove").rect().union(compare);
        assert!(window.contains_rect(foot) && foot.top() >= cells[0].bottom().min(height - 60.0), "{foot:?}");
    }
}
