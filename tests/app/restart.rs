//! What the studio remembers from one session to the next, and the way back to the first day.

use super::painter::{Kept, Painter, Pretender, english};
use eframe::App as _;
use egui::accesskit::Role;
use egui::{Key, Modifiers, Rect, Theme, Vec2, ViewportCommand, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use polyptych::app::{App, Command, FileDialogs, Options};
use std::cell::Cell;
use std::rc::Rc;

/// The name under which eframe keeps what egui remembers: sizes of panels among others.
const EGUI: &str = "egui";

/// Begins a session as eframe does, with what the one before kept; the theme as the studio chose it, since the harness
/// chooses one of its own later on.
pub fn begins(kept: Kept, language: Option<polyptych::app::Language>) -> (Painter, Theme) {
    let chosen = Rc::new(Cell::new(None));
    let theirs = Rc::clone(&chosen);
    let kept: &'static Kept = Box::leak(Box::new(kept));
    let options =
        Options { engine: Some(Box::new(Pretender::default())), file_dialogs: FileDialogs::Own, language, ..english() };
    let h = Harness::builder().with_size(vec2(1440.0, 900.0)).build_eframe(move |cc| {
        if let Some(memory) = eframe::get_value(kept, EGUI) {
            cc.egui_ctx.memory_mut(|m| *m = memory);
        }
        cc.storage = Some(kept);
        let app = App::new(cc, options);
        theirs.set(Some(cc.egui_ctx.theme()));
        app
    });
    let mut painter = Painter { h };
    painter.h.run_ok();
    // The tour of the very first session is not what this is about.
    painter.presses(Modifiers::NONE, Key::Escape);
    (painter, chosen.get().expect("the studio was opened"))
}

/// Ends a session as eframe does.
pub fn ends(mut painter: Painter) -> Kept {
    let mut kept = Kept::default();
    painter.h.state_mut().save(&mut kept);
    painter.h.ctx.memory(|memory| eframe::set_value(&mut kept, EGUI, memory));
    painter.h.state_mut().on_exit();
    kept
}

fn canvas(painter: &Painter) -> Rect {
    painter.h.get_by_label("Canvas").rect()
}

/// What the panels at the right and below leave of the window: it may be of another size.
fn panels(painter: &Painter) -> Vec2 {
    painter.h.ctx.content_rect().max - canvas(painter).max
}

fn calls(painter: &mut Painter, command: Command) {
    let ctx = painter.h.ctx.clone();
    painter.h.state_mut().perform(&ctx, command);
    painter.h.run_ok();
}

/// Takes hold of an edge between panels and moves it.
fn pulls(painter: &mut Painter, from: egui::Pos2, by: Vec2) {
    painter.h.hover_at(from);
    painter.h.run_ok();
    painter.h.drag_at(from);
    painter.h.hover_at(from + by * 0.5);
    painter.h.hover_at(from + by);
    painter.h.drop_at(from + by);
    painter.h.run_ok();
    painter.h.remove_cursor();
    painter.h.run_ok();
}

/// Makes a picture, so that the strip of takes is there.
fn makes(painter: &mut Painter) {
    painter.presses(Modifiers::COMMAND, Key::Enter);
    painter.waits_for("the picture", |a| a.takes() == 1 && !a.is_generating());
}

fn unfolded(painter: &Painter) -> (bool, bool) {
    let there = |name: &str| painter.h.query_all_by_label(name).next().is_some();
    (there("Soft edge"), there("Stride"))
}

#[test]
fn a_second_session_is_as_the_first_was_left_and_a_reset_leads_back_to_the_first_day() {
    let english = english().language;
    let (mut painter, theme) = begins(Kept::default(), english);
    makes(&mut painter);
    let (first_day, panels_of_first_day) = (canvas(&painter), panels(&painter));
    assert_eq!((theme, unfolded(&painter)), (Theme::Dark, (false, false)));

    let right = egui::pos2(first_day.right() + 1.0, first_day.center().y);
    pulls(&mut painter, right, vec2(-120.0, 0.0));
    let below = egui::pos2(first_day.center().x, first_day.bottom() + 1.0);
    pulls(&mut painter, below, vec2(0.0, -60.0));
    let pulled = canvas(&painter);
    assert!((first_day.right() - pulled.right() - 120.0).abs() < 4.0, "{first_day:?} became {pulled:?}");
    assert!((first_day.bottom() - pulled.bottom() - 60.0).abs() < 4.0, "{first_day:?} became {pulled:?}");
    painter.clicks("More");
    painter.clicks("Advanced");
    assert_eq!(unfolded(&painter), (true, true));
    calls(&mut painter, Command::ThemeLight);
    calls(&mut painter, Command::Rulers);
    calls(&mut painter, Command::BrushLarger);
    let brush = painter.app().brush();
    let kept = ends(painter);

    let (mut painter, theme) = begins(kept, english);
    makes(&mut painter);
    assert_eq!(canvas(&painter), pulled, "panels are as wide and high");
    assert_eq!((theme, unfolded(&painter)), (Theme::Light, (true, true)));
    assert!(painter.app().canvas_look().rulers);
    assert_eq!(painter.app().brush(), brush);
    calls(&mut painter, Command::InterfaceLarger);
    let kept = ends(painter);

    let (mut painter, _) = begins(kept, english);
    assert!((painter.h.ctx.zoom_factor() - 1.1).abs() < 1e-4, "letters are as large");
    calls(&mut painter, Command::ResetStudio);
    painter.h.get_by_label("Reset").click();
    let mut sizes = Vec::new();
    for _ in 0..4 {
        painter.h.step();
        let commands = painter.h.output().viewport_output.values().flat_map(|viewport| viewport.commands.clone());
        sizes.extend(commands.filter_map(|command| match command {
            ViewportCommand::InnerSize(size) => Some(size),
            _ => None,
        }));
    }
    // The window is asked for this size while everything in it still is as large as before.
    assert_eq!(sizes, [vec2(1440.0, 900.0) / 1.1]);
    makes(&mut painter);
    assert_eq!(painter.h.ctx.zoom_factor(), 1.0);
    assert_eq!(panels(&painter), panels_of_first_day);
    assert_eq!((painter.h.ctx.theme(), unfolded(&painter)), (Theme::Dark, (false, false)));
    assert!(!painter.app().canvas_look().rulers);
    assert_ne!(painter.app().brush(), brush);
    let kept = ends(painter);

    let (mut painter, theme) = begins(kept, english);
    makes(&mut painter);
    assert_eq!((canvas(&painter), theme), (first_day, Theme::Dark), "the reset is kept, too");
}

#[test]
fn the_language_stays_chosen() {
    let (mut painter, _) = begins(Kept::default(), english().language);
    calls(&mut painter, Command::LanguageGerman);
    let kept = ends(painter);
    let (mut painter, _) = begins(kept, None);
    painter.h.get_by_role_and_label(Role::Button, "Bild machen");
    calls(&mut painter, Command::ResetStudio);
    painter.clicks("Zurücksetzen");
    assert!(painter.app().is_on(Command::LanguageSystem));
}
