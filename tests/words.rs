//! Stories of painters who write: completion, the palette of known words, the note on unknown ones, examples, and the
//! settings that are folded away.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use polyptych::app::{App, Engine, Example, FileDialogs, Language, Options, Selected};
use polyptych::document::{
    BootstrapColour, Document, Overlap, PixelRect, Region, Regions, Schedule, Settings, WindowWeights, Wrap,
};
use polyptych::studio::{Event as Report, Job, JobId, KnownWords, Thing, Vocabulary, Words};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Makes no pictures, but knows words, and keeps what it was asked to draw.
struct Reader {
    vocabulary: Arc<Vocabulary>,
    asked: Arc<Mutex<Vec<Document>>>,
}

impl Engine for Reader {
    fn submit(&mut self, job: Job) -> JobId {
        let mut asked = self.asked.lock().expect("no test panics with it");
        asked.push(job.document);
        JobId(asked.len() as u64)
    }

    fn cancel(&mut self, _job: JobId) {}

    fn events(&mut self) -> Vec<Report> {
        Vec::new()
    }

    fn device(&self) -> String {
        "Reader".to_owned()
    }

    fn vocabulary(&self, _model: &str) -> Option<Arc<Vocabulary>> {
        Some(Arc::clone(&self.vocabulary))
    }
}

fn known() -> KnownWords {
    let list = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    let thing = |name: &str, group: &str, synonyms: &[&str], colours: &[&str]| Thing {
        name: name.to_owned(),
        group: group.to_owned(),
        synonyms: list(synonyms),
        colours: list(colours),
    };
    KnownWords {
        things: vec![
            thing("blue sky", "skies", &[], &[]),
            thing("sea", "grounds", &["ocean"], &[]),
            thing("meadow", "grounds", &["grass"], &[]),
            thing("house", "things", &["cottage"], &["red", "blue", "white"]),
            thing("horse", "animals", &[], &["brown"]),
        ],
        colours: list(&["red", "blue", "white", "brown"]),
        moods: list(&["at night"]),
        styles: list(&["watercolour"]),
    }
}

/// A person who writes.
struct Writer {
    h: Harness<'static, App>,
    asked: Arc<Mutex<Vec<Document>>>,
    _folder: tempfile::TempDir,
}

impl Writer {
    /// With one empty region selected and its words field in use.
    fn sits_down() -> Self {
        Self::with(Vocabulary::new(Some(Words::new(known()))))
    }

    fn with(vocabulary: Vocabulary) -> Self {
        let mut document = Document::new(256, 256);
        document.background.prompt = "a meadow".to_owned();
        let id = document.add_region("First", "");
        let upper_half = PixelRect::whole(256, 128);
        Arc::make_mut(&mut document.region_mut(id).expect("just added").mask).fill(upper_half, 255);
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("scene.ora");
        document.save(&path).expect("saved");
        let asked = Arc::default();
        let engine = Reader { vocabulary: Arc::new(vocabulary), asked: Arc::clone(&asked) };
        let options = Options {
            project: Some(path),
            engine: Some(Box::new(engine)),
            file_dialogs: FileDialogs::Own,
            language: Some(Language::English),
            ..Options::default()
        };
        let mut h = Harness::builder().with_size(vec2(1440.0, 900.0)).build_eframe(|cc| App::new(cc, options));
        h.run_ok();
        let mut writer = Self { h, asked, _folder: folder };
        let end = Instant::now() + Duration::from_mins(1);
        while writer.h.state().is_busy_with_files() {
            assert!(Instant::now() < end, "waited a minute for the project");
            writer.h.step();
            std::thread::sleep(Duration::from_millis(2));
        }
        writer.h.run_ok();
        writer.goes_to_the_words();
        writer
    }

    fn goes_to_the_words(&mut self) {
        self.h.get_by_role_and_label(Role::MultilineTextInput, "Words").focus();
        self.h.run_ok();
    }

    /// Letter by letter, as a keyboard sends them.
    fn types(&mut self, text: &str) {
        for letter in text.chars() {
            self.h.event(Event::Text(letter.to_string()));
        }
        self.h.run_ok();
    }

    fn presses(&mut self, key: Key) {
        self.presses_with(Modifiers::NONE, key);
    }

    fn presses_with(&mut self, modifiers: Modifiers, key: Key) {
        self.h.key_press_modifiers(modifiers, key);
        self.h.run_ok();
    }

    fn clicks(&mut self, label: &str) {
        self.h.get_by_label(label).click();
        self.h.run_ok();
    }

    fn region(&self) -> &Region {
        &self.h.state().editor().document().regions[0]
    }

    fn words(&self) -> &str {
        &self.region().prompt
    }

    /// What the open list offers.
    fn offers(&self) -> Vec<String> {
        let options = self.h.query_all_by_role(Role::ListBoxOption);
        let labels = options.filter_map(|node| node.accesskit_node().label());
        labels.map(|label| label.split(',').next().unwrap_or_default().to_owned()).collect()
    }

    /// Writes a number into a field and leaves it.
    fn writes_number(&mut self, label: &str, number: &str) {
        self.h.get_by_role_and_label(Role::SpinButton, label).focus();
        self.h.run_ok();
        self.presses_with(Modifiers::COMMAND, Key::A);
        self.types(number);
        self.presses(Key::Enter);
        self.presses(Key::Escape);
    }

    /// Chooses an entry of a field with a list.
    fn picks(&mut self, field: &str, entry: &str) {
        self.h.get_by_role_and_label(Role::ComboBox, field).click();
        self.h.run_ok();
        self.clicks(entry);
    }

    fn settings(&self) -> Settings {
        self.h.state().editor().document().settings.clone()
    }

    fn is_writing(&self) -> bool {
        self.h.get_by_role_and_label(Role::MultilineTextInput, "Words").is_focused()
    }

    fn sees(&self, text: &str) -> bool {
        self.h.query_all_by_label_contains(text).next().is_some()
    }
}

#[test]
fn a_word_that_is_begun_is_finished_by_tab_or_enter() {
    let mut writer = Writer::sits_down();
    writer.types("a red ho");
    assert_eq!(writer.offers(), ["red house"]);
    writer.presses(Key::Tab);
    assert_eq!(writer.words(), "a red house");
    assert!(writer.offers().is_empty() && writer.is_writing());
    writer.types(" by the s");
    assert_eq!(writer.offers(), [""; 0], "one letter is too little");
    writer.types("e");
    writer.presses(Key::Enter);
    assert_eq!(writer.words(), "a red house by the sea");
    // The cursor is where one goes on writing; what was taken is undone with the words.
    writer.types("!");
    assert_eq!(writer.words(), "a red house by the sea!");
    writer.presses(Key::Escape);
    assert!(!writer.is_writing());
    writer.presses_with(Modifiers::COMMAND, Key::Z);
    assert_eq!(writer.words(), "");
}

#[test]
fn the_arrows_choose_and_escape_closes() {
    let mut writer = Writer::sits_down();
    writer.types("ho");
    assert_eq!(writer.offers(), ["house", "horse", "red house", "blue house", "white house"]);
    writer.presses(Key::ArrowDown);
    writer.presses(Key::Enter);
    assert_eq!(writer.words(), "horse");
    writer.types(", ho");
    writer.presses(Key::ArrowUp);
    writer.presses(Key::Tab);
    assert_eq!(writer.words(), "horse, white house");
    writer.types(", co");
    assert_eq!(writer.offers()[0], "cottage");
    writer.presses(Key::Escape);
    assert!(writer.offers().is_empty());
    assert!(writer.is_writing(), "the first Escape closes the list, not the field");
    writer.presses(Key::Enter);
    assert_eq!(writer.words(), "horse, white house, co\n");
}

#[test]
fn enter_and_tab_stay_what_they_are_while_nothing_is_chosen() {
    let mut writer = Writer::sits_down();
    writer.types("a house");
    assert!(writer.offers().is_empty(), "it is written already");
    writer.presses(Key::Enter);
    assert_eq!(writer.words(), "a house\n");
    // A slip of the finger: offered, but not taken by a key that was meant otherwise.
    writer.types("hosre");
    assert_eq!(writer.offers(), ["horse"]);
    writer.presses(Key::Enter);
    assert_eq!(writer.words(), "a house\nhosre\n");
    writer.presses(Key::Tab);
    assert!(!writer.is_writing(), "Tab goes on to the next field");
    writer.goes_to_the_words();
    assert!(writer.offers().is_empty(), "the list opens by writing only");
}

#[test]
fn an_offer_can_be_clicked() {
    let mut writer = Writer::sits_down();
    writer.types("a ho");
    let offer = writer.h.get_by_label("horse, animals").rect().center();
    writer.h.hover_at(offer);
    writer.h.drag_at(offer);
    writer.h.drop_at(offer);
    writer.h.run_ok();
    assert_eq!(writer.words(), "a horse");
    assert!(writer.is_writing());
    writer.types("s");
    assert_eq!(writer.words(), "a horses");
}

#[test]
fn escape_closes_the_list_before_it_stops_the_picture() {
    let mut writer = Writer::sits_down();
    writer.presses_with(Modifiers::COMMAND, Key::Enter);
    assert!(writer.h.state().is_generating());
    writer.types("ho");
    assert!(!writer.offers().is_empty());
    writer.presses(Key::Escape);
    assert!(writer.offers().is_empty());
    assert!(!writer.sees("Stopping"), "the picture goes on");
    assert!(writer.is_writing());
    writer.presses(Key::Escape);
    assert!(!writer.sees("Stopping") && !writer.is_writing(), "it leaves the words, and the picture goes on");
    writer.presses(Key::Escape);
    assert!(writer.sees("Stopping"));
}

#[test]
fn the_palette_writes_what_is_clicked() {
    let mut writer = Writer::sits_down();
    writer.types("a house by the ");
    writer.clicks("Words this model knows");
    writer.clicks("sea");
    assert_eq!(writer.words(), "a house by the sea");
    assert!(writer.is_writing(), "and one goes on writing");
    writer.clicks("Words this model knows");
    writer.clicks("brown horse");
    assert_eq!(writer.words(), "a house by the sea, brown horse");
    // Found by another name, with the keyboard alone.
    writer.clicks("Words this model knows");
    writer.types("grass");
    assert!(writer.h.query_by_label("sea").is_none());
    writer.presses(Key::Enter);
    assert_eq!(writer.words(), "a house by the sea, brown horse, meadow");
}

#[test]
fn words_the_model_does_not_know_are_told_with_what_it_could_draw() {
    let mut writer = Writer::sits_down();
    writer.types("a zebra");
    assert!(!writer.sees("does not know"), "not while it is being written");
    writer.types(" and pianos on the meadows ");
    assert!(writer.sees("This model does not know"));
    assert!(writer.sees("This model does not know: zebra, pianos."), "before Generate, too");
    writer.clicks("Write horse in place of zebra");
    assert_eq!(writer.words(), "a horse and pianos on the meadows ");
    assert!(writer.sees("This model does not know: pianos."));
    writer.goes_to_the_words();
    writer.presses_with(Modifiers::COMMAND, Key::A);
    writer.types("a horse ");
    assert!(!writer.sees("does not know"));
}

#[test]
fn a_model_that_does_not_say_what_it_knows_is_left_in_peace() {
    let mut writer = Writer::with(Vocabulary::new(None));
    writer.types("a zebra and ho");
    assert!(writer.offers().is_empty());
    assert!(!writer.sees("does not know"));
    assert!(writer.h.query_by_label("Words this model knows").is_none());
}

#[test]
fn tokens_are_counted_once_they_are_many() {
    let mut writer = Writer::with(Vocabulary::open("embedded").expect("it is inside the program"));
    writer.types("a red house");
    assert!(!writer.sees(" / 38"));
    writer.types(&" a red house".repeat(7));
    assert!(writer.sees("24 / 38"), "eight times three words");
    assert_eq!(writer.h.state().editor().selected(), Selected::Region(writer.region().id));
}

#[test]
fn any_example_is_opened_from_the_gallery() {
    let mut writer = Writer::sits_down();
    writer.clicks("File");
    writer.h.get_by_label_contains("Examples…").click();
    writer.h.run_ok();
    let lines: Vec<String> = Example::all().map(Example::name).collect();
    assert!(lines.len() > 1);
    for name in &lines {
        assert!(writer.sees(&format!("{name}: ")), "{name} with a line on what it shows");
    }
    let last = Example::all().last().expect("more than one");
    writer.h.get_by_label_contains(&format!("{}: ", last.name())).click();
    writer.h.run_ok();
    assert_eq!(writer.h.state().editor().title(), last.name());
    assert_eq!(writer.h.state().editor().document(), &last.document());
}

#[test]
fn the_rarer_settings_of_a_region_are_folded_away_and_undone() {
    let mut writer = Writer::sits_down();
    let before = writer.region().clone();
    assert!(!writer.sees("Soft edge"));
    writer.clicks("More");
    assert!(writer.sees("Soft edge"));
    writer.clicks("Seed of its own");
    assert_eq!(writer.region().seed, Some(0), "locked to the picture's");
    writer.clicks("Guidance of its own");
    assert_eq!(writer.region().guidance, Some(7.5));
    writer.writes_number("Takes part from", "40");
    assert_eq!((writer.region().start, writer.region().end), (0.4, 1.0));
    writer.writes_number("Takes part until", "20");
    assert!((writer.region().end - 0.41).abs() < 1e-6, "it ends after it starts: {}", writer.region().end);
    writer.writes_number("Strength", "2.5");
    assert_eq!(writer.region().weight, 2.5);
    writer.h.get_by_role_and_label(Role::Slider, "Soft edge").focus();
    writer.h.run_ok();
    writer.presses(Key::ArrowRight);
    assert!(writer.region().feather > 0);
    writer.presses(Key::Escape);
    for _ in 0..6 {
        writer.presses_with(Modifiers::COMMAND, Key::Z);
    }
    assert_eq!(writer.region(), &before);
    assert!(!writer.h.state().editor().is_unsaved());
}

#[test]
fn one_region_is_drawn_again_and_the_first_drawing_comes_back() {
    let mut writer = Writer::sits_down();
    let first = writer.region().clone();
    writer.clicks("More for First");
    writer.h.get_by_label_contains("Draw this one again").click();
    writer.h.run_ok();
    let asked = writer.asked.lock().expect("whole").last().cloned().expect("a picture was asked for");
    let reroll = asked.regions[0].reroll.expect("with another seed for the region");
    assert_ne!(reroll, asked.settings.seed);
    assert_eq!(asked.settings.seed, 0, "and the same for the picture");
    writer.presses(Key::Escape);
    writer.presses(Key::Escape);
    writer.clicks("More");
    assert!(writer.sees(&format!("seed {reroll}")));
    // (It lies below what is in sight of the open card.)
    writer.h.get_by_label("Back to the first drawing of this region").scroll_to_me();
    writer.h.run_ok();
    writer.clicks("Back to the first drawing of this region");
    assert_eq!(writer.region(), &first);
}

#[test]
fn the_rarer_settings_of_the_picture_are_folded_away_and_undone() {
    let mut writer = Writer::sits_down();
    let before = writer.settings();
    assert!(!writer.sees("Overlaps"));
    writer.clicks("Advanced");
    writer.picks("Edges", "left–right");
    writer.picks("Overlaps", "mix");
    writer.picks("Around", "white");
    writer.picks("Windows", "fade out");
    writer.picks("Schedule", "Karras");
    writer.picks("Shapes", "Hinted, one pass for all");
    writer.writes_number("Stride", "64");
    let expected = Settings {
        wrap: Wrap::X,
        overlap: Overlap::Average,
        bootstrap_colour: BootstrapColour::White,
        window_weights: WindowWeights::Tent,
        schedule: Schedule::Karras,
        regions: Regions::Attention,
        stride: 8,
        ..before.clone()
    };
    assert_eq!(writer.settings(), expected);
    writer.writes_number("Stride", "128");
    assert_eq!(writer.settings().stride, 16);
    for _ in 0..7 {
        writer.presses_with(Modifiers::COMMAND, Key::Z);
    }
    assert_eq!(writer.settings(), before);
}

/// The warnings of drawing these words from the command line.
fn warnings_of(words: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut document = Document::new(64, 64);
    document.background.prompt = words.to_owned();
    document.settings.steps = 1;
    let (project, picture) = (folder.path().join("zebra.ora"), folder.path().join("zebra.png"));
    document.save(&project).expect("saved");
    let mut render = std::process::Command::new(env!("CARGO_BIN_EXE_polyptych"));
    render.arg("render").arg(&project).arg("-o").arg(&picture).args(["--json", "--quiet"]);
    let output = render.output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
    told["warnings"].as_array().expect("a list").iter().filter_map(|w| Some(w.as_str()?.to_owned())).collect()
}

#[test]
fn the_command_line_tells_of_unknown_words_too() {
    let warnings = warnings_of("a zebra on a meadow");
    assert!(warnings.iter().any(|w| w.starts_with("this model does not know: zebra")), "{warnings:?}");
    assert!(!warnings.iter().any(|w| w.contains("meadow")), "{warnings:?}");
}

#[test]
fn the_command_line_tells_of_emoji_and_cuts_a_word_without_end() {
    let warnings = warnings_of(&format!("a 🐉 on a meadow, {}", "q".repeat(100_000)));
    let note = warnings.iter().find(|w| w.starts_with("this model does not know: 🐉, qqq")).expect("a note");
    assert!(note.ends_with("q…") && note.chars().count() < 100, "{note}");
}
