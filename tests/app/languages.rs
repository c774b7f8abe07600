//! What follows the language of the window besides its texts.

use super::painter::{Painter, Pretender, english};
use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use polyptych::app::{App, Command, FileDialogs, Language, Options};

/// A studio with the example of a first start open.
fn with_an_example(language: Language) -> Painter {
    let options = Options {
        engine: Some(Box::new(Pretender::default())),
        file_dialogs: FileDialogs::Own,
        language: Some(language),
        ..english()
    };
    let h = Harness::builder().with_size(egui::vec2(1440.0, 900.0)).build_eframe(|cc| App::new(cc, options));
    let mut painter = Painter { h };
    painter.settles();
    painter
}

fn performs(painter: &mut Painter, command: Command) {
    let ctx = painter.h.ctx.clone();
    painter.h.state_mut().perform(&ctx, command);
    painter.settles();
}

fn names(painter: &Painter) -> Vec<String> {
    painter.document().regions.iter().map(|region| region.name.clone()).collect()
}

#[test]
fn what_an_example_was_given_with_follows_the_language_and_what_a_person_wrote_does_not() {
    let mut painter = with_an_example(Language::English);
    let english = names(&painter);
    performs(&mut painter, Command::LanguageGerman);
    let german = names(&painter);
    assert!(english.iter().zip(&german).all(|(english, german)| english != german), "{english:?}, {german:?}");
    assert!(!painter.app().editor().is_unsaved());
    assert_eq!(painter.app().editor().undo_label(), None);
    painter.paints(&[(100.0, 100.0), (140.0, 100.0)]);
    let painted = painter.selected_mask();
    painter.presses(Modifiers::NONE, Key::F2);
    painter.types("Mein Baum");
    painter.presses(Modifiers::NONE, Key::Enter);
    performs(&mut painter, Command::LanguageEnglish);
    let now = names(&painter);
    let last = now.len() - 1;
    assert_eq!((&now[..last], now[last].as_str()), (&english[..last], "Mein Baum"));
    assert_eq!(painter.selected_mask(), painted);
    painter.undoes();
    painter.undoes();
    assert_eq!(painter.app().editor().undo_label(), None, "the stroke and the name");
}

#[test]
fn numbers_are_read_and_written_with_the_mark_of_the_language() {
    let mut painter = with_an_example(Language::German);
    let shown = |painter: &Painter| painter.h.get_by_label("Worttreue").value();
    painter.sets("Worttreue", "6,5");
    assert_eq!(painter.document().settings.guidance, 6.5);
    assert_eq!(shown(&painter).as_deref(), Some("6,5"));
    painter.sets("Worttreue", "7.2");
    assert_eq!(painter.document().settings.guidance, 7.2);
    performs(&mut painter, Command::LanguageEnglish);
    assert_eq!(painter.h.get_by_label("Guidance").value().as_deref(), Some("7.2"));
}

#[test]
fn a_press_anywhere_on_a_field_with_a_list_opens_it() {
    let mut painter = with_an_example(Language::English);
    let field = painter.h.get_by_label("Sampler").rect();
    // At the left of the field, where its name stands.
    for _ in 0..2 {
        painter.h.hover_at(field.left_center() + egui::vec2(-4.0, 0.0));
        painter.h.drag_at(field.left_center() + egui::vec2(-4.0, 0.0));
        painter.h.drop_at(field.left_center() + egui::vec2(-4.0, 0.0));
        painter.settles();
        let open = painter.h.query_by_label("Euler a").is_some();
        assert!(open, "the list");
        painter.presses(Modifiers::NONE, Key::Escape);
    }
}
