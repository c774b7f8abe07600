//! A pen: how hard it must be pressed, and its two ends.

use super::painter::{Kept, Painter, Pretender, english};
use super::restart::{begins, ends};
use super::tools::{NONE, button};
use egui::{Event, Key};
use polyptych::app::{Command, FileDialogs, Options, PenEnd, PenTold, Pens, Tool};
use std::sync::{Arc, Mutex};

impl Painter {
    /// Sets how hard a pen must be pressed, in percent.
    fn likes_a_pen(&mut self, firmness: &str) {
        self.asks_for(Command::Preferences);
        self.sets("Pen feel: number", firmness);
        self.clicks("Close");
    }
}

#[test]
fn a_pen_is_as_soft_or_firm_as_a_hand_wants_it_and_stays_so() {
    let (mut painter, _) = begins(Kept::default(), english().language);
    painter.begins_afresh();
    let size = painter.app().brush().size;
    let wide = |painter: &mut Painter, force| painter.dabs_with_a_pen(force).0;
    assert_eq!(wide(&mut painter, Some(0.5)), size as u32 / 2, "untouched at first");
    painter.likes_a_pen("100");
    assert_eq!(wide(&mut painter, Some(0.5)), size as u32 / 8, "half of it goes an eighth of the way");
    painter.likes_a_pen("-100");
    let soft = wide(&mut painter, Some(0.125));
    assert_eq!(soft, size as u32 / 2, "an eighth goes half of the way");
    assert_eq!(wide(&mut painter, Some(1.0)), size as u32, "and all of it all the way");
    assert_eq!(wide(&mut painter, None), size as u32, "a mouse is as it was");
    let curve = painter.app().pressure();

    let (mut painter, _) = begins(ends(painter), english().language);
    assert_eq!(painter.app().pressure(), curve);
    painter.begins_afresh();
    assert_eq!(wide(&mut painter, Some(0.125)), soft);
    painter.asks_for(Command::ResetStudio);
    painter.clicks("Reset");
    assert_eq!(painter.app().pressure().firmness, 0.0, "a reset leads back");
}

/// A pen that tells what a test says.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<PenTold>>);

impl Told {
    fn says(&self, end: Option<PenEnd>, pressures: &[f32]) {
        *self.0.lock().expect("a pen") = PenTold { end, pressures: pressures.to_vec() };
    }
}

impl Pens for Told {
    fn told(&mut self) -> PenTold {
        let mut told = self.0.lock().expect("a pen");
        PenTold { end: told.end, pressures: std::mem::take(&mut told.pressures) }
    }
}

/// On an empty canvas of 512 × 512, with one region.
fn with_a_pen() -> (Painter, Told) {
    let told = Told::default();
    let mut painter = Painter::opens(Options {
        engine: Some(Box::new(Pretender::default())),
        file_dialogs: FileDialogs::Own,
        pens: Some(Box::new(told.clone())),
        ..english()
    });
    painter.begins_afresh();
    (painter, told)
}

#[test]
fn a_pen_beside_the_windows_own_events_gives_them_its_pressure_and_no_more() {
    let (mut painter, pen) = with_a_pen();
    let size = painter.app().brush().size as u32;
    let [from, to] = [(156.0, 256.0), (356.0, 256.0)].map(|at| painter.on_screen(at));
    // All of a stroke in one frame, told to the pointer in two samples and by the pen in four.
    pen.says(Some(PenEnd::Tip), &[0.0, 0.5, 0.5, 0.5]);
    painter.holding(NONE, [Event::PointerMoved(from), button(from, true, NONE)]);
    pen.says(Some(PenEnd::Tip), &[0.6, 0.8, 1.0]);
    painter.holding(NONE, [Event::PointerMoved(to)]);
    painter.holding(NONE, [button(to, false, NONE)]);
    let mask = painter.selected_mask();
    let wide = |x| (0..512).filter(|y| mask.get(x, *y) > 0).count() as u32;
    assert!(wide(156).abs_diff(size / 2) <= 2, "{}", wide(156));
    assert!(wide(356).abs_diff(size) <= 2, "{}", wide(356));
    assert!(wide(206) < wide(256) && wide(256) < wide(306), "it grows in between");
    painter.undoes();
    assert!(painter.selected_mask().is_blank(), "one step");

    // The mouse afterwards is as strong as ever, though the pen hovered last.
    pen.says(Some(PenEnd::Tip), &[0.0]);
    painter.holding(NONE, [Event::PointerMoved(from)]);
    pen.says(None, &[]);
    painter.clicks_canvas(NONE, (256.0, 256.0));
    assert_eq!(painter.selected_mask().bounds().width, size);
}

#[test]
fn the_eraser_end_of_a_pen_is_the_eraser_while_it_is_near() {
    let (mut painter, pen) = with_a_pen();
    painter.paints(&[(100.0, 256.0), (400.0, 256.0)]);
    painter.presses(NONE, Key::L);
    pen.says(Some(PenEnd::Eraser), &[1.0]);
    painter.holding(NONE, []);
    assert_eq!(painter.app().tool(), Tool::Eraser);
    painter.paints(&[(200.0, 200.0), (200.0, 300.0)]);
    assert_eq!(painter.selected_mask().get(200, 256), 0, "it erases");
    assert_eq!(painter.selected_mask().get(300, 256), 255);

    // Turned while it is down: the stroke is ended first.
    painter.presses_button(NONE, (300.0, 200.0));
    pen.says(Some(PenEnd::Tip), &[]);
    painter.moves_on(NONE, &[(300.0, 300.0)]);
    assert_eq!(painter.app().tool(), Tool::Eraser);
    painter.lets_go(NONE, (300.0, 300.0));
    assert_eq!(painter.selected_mask().get(300, 256), 0);
    assert_eq!(painter.app().tool(), Tool::Lasso, "what was in hand before is again");

    // What is chosen meanwhile stays.
    pen.says(Some(PenEnd::Eraser), &[]);
    painter.holding(NONE, []);
    painter.presses(NONE, Key::V);
    pen.says(None, &[]);
    painter.holding(NONE, []);
    assert_eq!(painter.app().tool(), Tool::Move);
}
