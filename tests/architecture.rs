//! The arrows of the house point down: a module uses only what stands below it (see src/lib.rs and ARCHITECTURE.md).
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use std::collections::BTreeSet;
use std::path::Path;

/// What each module may use of its neighbours.
const HOUSE: [(&str, &[&str]); 9] = [
    ("app", &["studio", "paint", "document"]),
    ("cli", &["studio", "document", "checkpoint"]),
    ("studio", &["diffusion", "checkpoint", "document"]),
    ("checkpoint", &["networks", "backend", "diffusion"]),
    ("networks", &["backend", "diffusion"]),
    ("diffusion", &[]),
    ("backend", &[]),
    ("paint", &["document"]),
    ("document", &[]),
];

fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source file");
            found.push((path.display().to_string(), text));
        }
    }
}

/// The neighbours a source text names: `crate::x` and, inside braces, `crate::{x, y}`.
fn neighbours(text: &str) -> Vec<&str> {
    let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
    code.flat_map(|line| line.match_indices("crate::").map(move |(i, _)| &line[i + 7..]))
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(list) => list.split(['}', ',']).map(str::trim).collect(),
            None => vec![rest],
        })
        .filter_map(|name| name.split(|c: char| !c.is_alphanumeric() && c != '_').next())
        .filter(|name| HOUSE.iter().any(|(module, _)| module == name))
        .collect()
}

#[test]
fn arrows_point_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut upward = Vec::new();
    for (module, allowed) in HOUSE {
        let mut files = Vec::new();
        sources(&root.join(module), &mut files);
        assert!(!files.is_empty(), "src/{module} is empty");
        for (file, text) in files {
            for name in neighbours(&text) {
                if name != module && !allowed.contains(&name) {
                    upward.push(format!("{file} uses {name}"));
                }
            }
        }
    }
    assert!(upward.is_empty(), "arrows that point up or sideways:\n{}", upward.join("\n"));
}

#[test]
fn an_upward_arrow_is_seen() {
    assert_eq!(neighbours("use crate::app::App;"), ["app"]);
    assert_eq!(neighbours("use crate::{studio, paint::Brush};"), ["studio", "paint"]);
    assert!(neighbours("// crate::app is above\nuse std::fmt;").is_empty());
}

/// The layers that must stay free of a toolkit are.
#[test]
fn the_lower_floors_know_no_toolkit() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (module, banned) in [
        ("diffusion", &["candle", "egui", "eframe"][..]),
        ("document", &["candle", "egui", "eframe"]),
        ("paint", &["candle", "egui", "eframe"]),
        ("networks", &["candle", "egui"]),
        ("studio", &["egui", "candle_core"]),
    ] {
        let mut files = Vec::new();
        sources(&root.join(module), &mut files);
        for (file, text) in files {
            for name in banned {
                let used = text.lines().any(|l| {
                    l.trim_start().starts_with(&format!("use {name}")) || l.contains(&format!("{name}_core::"))
                });
                assert!(!used, "{file} uses {name}");
            }
        }
    }
}

/// The floors of the window (src/app), the lowest first: a room uses those below its own, and no other on it.
const FLOORS: [&[&str]; 8] = [
    &["text"],
    &["kit"],
    &["command"],
    &["editor"],
    &["tools"],
    &["canvas", "session", "generation"],
    &["panels", "dialogs"],
    &["shell"],
];

/// Arrows that still point up or sideways. The list may only get shorter: what dialogs ask becomes values that travel with them, and
/// what files bring is taken in by whoever asked.
const STILL_UPWARD: [(&str, &str); 17] = [
    ("dialogs/mod.rs", "panels"),
    ("generation/checks.rs", "panels"),
    ("generation/queue.rs", "canvas"),
    ("generation/takes/strip.rs", "dialogs"),
    ("panels/library/mod.rs", "dialogs"),
    ("panels/picture/generate.rs", "shell"),
    ("panels/picture/model.rs", "dialogs"),
    ("session/close.rs", "dialogs"),
    ("session/close.rs", "generation"),
    ("session/close.rs", "panels"),
    ("session/export.rs", "dialogs"),
    ("session/files.rs", "panels"),
    ("session/import.rs", "dialogs"),
    ("session/import.rs", "panels"),
    ("session/recent.rs", "dialogs"),
    ("session/recovery.rs", "dialogs"),
    ("tools/begin.rs", "canvas"),
];

/// Files below `shell` that name `App`, which is one struct open to all of them. They become fewer as its parts get owners.
const NAMING_APP: usize = 38;

/// The names directly below `crate::app::` that a source text imports or calls, its comments and tests left out.
fn rooms_used(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let code: String = code.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let word =
        |text: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default().to_owned();
    let uses = code.match_indices("crate::app::").map(|(at, path)| &code[at + path.len()..]);
    uses.flat_map(|rest| match rest.strip_prefix('{') {
        Some(list) => {
            let mut depth = 0;
            let names = list.split_inclusive(['{', '}', ',']).map_while(|part| {
                let name = (depth == 0).then(|| word(part.trim()));
                depth += i32::from(part.ends_with('{')) - i32::from(part.ends_with('}'));
                (depth >= 0 || name.is_some()).then(|| name.unwrap_or_default())
            });
            names.collect::<Vec<_>>()
        }
        None => vec![word(rest)],
    })
    .filter(|name| !name.is_empty())
    .collect()
}

#[test]
fn the_window_s_rooms_use_only_lower_floors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/app");
    let floor = |room: &str| FLOORS.iter().position(|rooms| rooms.contains(&room));
    let (mut upward, mut naming) = (BTreeSet::new(), 0);
    let mut files = Vec::new();
    sources(&root, &mut files);
    for (file, text) in files {
        let file = Path::new(&file).strip_prefix(&root).expect("inside").display().to_string().replace('\\', "/");
        let room = file.split(['/', '.']).next().unwrap_or_default();
        let Some(own) = floor(room) else {
            assert_eq!(file, "mod.rs", "a file outside the rooms");
            continue;
        };
        if file.ends_with("tests.rs") {
            continue;
        }
        let used = rooms_used(&text);
        naming += usize::from(room != "shell" && used.contains("App"));
        for name in used {
            if name != room && floor(&name).is_some_and(|floor| floor >= own) {
                upward.insert((file.clone(), name));
            }
        }
    }
    let known: BTreeSet<(String, String)> =
        STILL_UPWARD.iter().map(|&(file, room)| (file.to_owned(), room.to_owned())).collect();
    assert_eq!(upward, known, "arrows of src/app that point up or sideways");
    assert_eq!(naming, NAMING_APP, "files below shell that name App");
}

#[test]
fn a_room_is_seen_however_it_is_imported() {
    let seen = |text| rooms_used(text).into_iter().collect::<Vec<_>>();
    assert_eq!(seen("use crate::app::kit::theme;\nlet x = crate::app::shell::tour::Tour;"), ["kit", "shell"]);
    assert_eq!(
        seen("use crate::app::{\n    App,\n    kit::{theme, widgets},\n    text::tr,\n};\nuse std::fmt;"),
        ["App", "kit", "text"]
    );
    assert!(seen("// crate::app::shell is above\n#[cfg(test)]\nmod tests { use crate::app::shell; }").is_empty());
}

/// Calls that ask the disk.
const DISK: [&str; 20] = [
    "fs::",
    "File::",
    ".is_file()",
    ".is_dir()",
    ".exists()",
    ".canonicalize()",
    "tempfile::",
    "Document::open",
    "Document::is_project",
    "Document::thumbnail",
    "FewSteps::of(",
    "few_step_",
    "Catalogue::open",
    "LoraFile::",
    "Vocabulary::open",
    "Library::",
    "Nature::of(",
    "holds_models(",
    "item_picture(",
    "sha256_of(",
];

/// Files of the window that ask the disk, with the number of lines that do: a frame must not wait for a slow one, so each of
/// these lines runs on a thread of its own, or for the reason given here.
const ASKING: [(&str, usize); 11] = [
    // The studio's own file dialog reads folders on a thread; Enter looks at the one path that was typed.
    ("dialogs/path.rs", 5),
    ("editor/deferred.rs", 2),
    // Time and length of the document's own file, when it is opened and saved.
    ("editor/mod.rs", 1),
    // On a thread of its own.
    ("panels/library/pictures.rs", 1),
    ("panels/picture/model.rs", 9),
    // On threads; and once, whether the system has file dialogs.
    ("session/files.rs", 6),
    // On threads of `Files`.
    ("session/import.rs", 9),
    ("session/recent.rs", 2),
    // Copies are written on a thread. Locks and what a crash left lie in the data folder, and are looked at before the first frame.
    ("session/recovery.rs", 8),
    // The synthetic hand of `polyptych bench studio`, which measures itself.
    ("shell/bench.rs", 1),
    // The folder that a file dialog begins in.
    ("shell/logic.rs", 1),
];

/// True where a line makes this call, not one whose name only ends so.
fn calls(line: &str, call: &str) -> bool {
    let begins = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    line.match_indices(call).any(|(at, _)| call.starts_with('.') || begins(at))
}

#[test]
fn no_frame_waits_for_the_disk() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/app");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut asking: Vec<(String, usize)> = Vec::new();
    for (file, text) in files {
        // Tests may wait.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code = code.lines().filter(|l| !l.trim_start().starts_with("//") && !l.trim_start().starts_with("use "));
        let lines = code.filter(|line| DISK.iter().any(|call| calls(line, call))).count();
        let file = Path::new(&file).strip_prefix(&root).expect("inside").display().to_string().replace('\\', "/");
        if lines > 0 && file != "text/i18n/tests.rs" {
            asking.push((file, lines));
        }
    }
    asking.sort();
    let known: Vec<(String, usize)> = ASKING.iter().map(|&(file, lines)| (file.to_owned(), lines)).collect();
    assert_eq!(
        asking, known,
        "lines of src/app that ask the disk; ask on a thread (`kit/background.rs`, `session/files.rs`)"
    );
}
