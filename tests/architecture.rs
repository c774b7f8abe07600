//! The arrows of the house point down: a module uses only what stands below it (see src/lib.rs and ARCHITECTURE.md).
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use std::collections::{BTreeMap, BTreeSet};
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
const FLOORS: [&[&str]; 9] = [
    &["text"],
    &["kit"],
    &["command"],
    &["editor"],
    &["tools"],
    &["canvas", "session", "generation"],
    &["prefs"],
    &["panels", "dialogs"],
    &["shell"],
];

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
    let (mut upward, mut naming) = (BTreeSet::new(), BTreeSet::new());
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
        if room != "shell" && (used.contains("App") || text.contains("impl App ")) {
            naming.insert(file.clone());
        }
        for name in used {
            if name != room && floor(&name).is_some_and(|floor| floor >= own) {
                upward.insert((file.clone(), name));
            }
        }
    }
    assert!(upward.is_empty(), "arrows of src/app that point up or sideways: {upward:?}");
    assert!(naming.is_empty(), "only the shell knows the whole window: {naming:?}");
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

/// The modules that a source text names, each by its path below `src/app`: what it imports and what it calls by a whole path.
/// (What it passes on with `pub use` it does not use itself.)
fn modules_named(own: &[String], text: &str, children: &BTreeSet<Vec<String>>) -> Vec<Vec<String>> {
    fn unfold(before: &[String], list: &str, found: &mut Vec<Vec<String>>) {
        let mut depth = 0;
        let parts = list.split(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            c == ',' && depth == 0
        });
        for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
            let (head, rest) = part.split_once('{').map_or((part, None), |(head, rest)| (head, Some(rest)));
            let names = head.split("::").map(|name| name.split(' ').next().unwrap_or_default().trim().to_owned());
            let path: Vec<String> = before.iter().cloned().chain(names.filter(|name| !name.is_empty())).collect();
            match rest.and_then(|rest| rest.rsplit_once('}')) {
                Some((inside, _)) => unfold(&path, inside, found),
                None => found.push(path),
            }
        }
    }
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let code: Vec<&str> = code.lines().filter(|l| !l.trim_start().starts_with("//")).collect();
    let (mut found, mut rest) = (Vec::new(), Vec::new());
    let mut lines = code.into_iter();
    while let Some(line) = lines.next() {
        let start = line.trim_start();
        if start.starts_with("use ") || start.starts_with("pub") && start.contains(" use ") {
            let mut whole = start.to_owned();
            while !whole.contains(';')
                && let Some(line) = lines.next()
            {
                whole.push_str(line.trim());
            }
            if let Some(list) = whole.strip_prefix("use ") {
                unfold(&[], list.trim_end_matches(';'), &mut found);
            }
        } else {
            rest.push(line);
        }
    }
    for line in rest {
        for start in ["crate::app::", "super::"] {
            for (at, _) in line.match_indices(start) {
                let end = line[at..].find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
                unfold(&[], line[at..].get(..end.unwrap_or(line.len() - at)).unwrap_or_default(), &mut found);
            }
        }
    }
    let below = |path: Vec<String>| match path.first().map(String::as_str) {
        Some("crate") => (path.get(1).map(String::as_str) == Some("app")).then(|| path[2..].to_vec()),
        Some("super") => {
            let up = path.iter().take_while(|name| *name == "super").count();
            let base = own.get(..own.len().checked_sub(up)?)?;
            Some([base, &path[up..]].concat())
        }
        Some(_) => {
            let child = [own, &path[..1]].concat();
            children.contains(&child).then(|| [own, &path].concat())
        }
        None => None,
    };
    found.into_iter().filter_map(below).collect()
}

/// The circles among modules, by what each of them uses.
fn circles(uses: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>) -> Vec<String> {
    // What is in no circle goes, from the ends: a module that uses nothing that is left.
    let mut left: BTreeMap<_, _> = uses.clone();
    loop {
        let ends: Vec<_> = left.iter().filter(|(_, used)| !used.iter().any(|m| left.contains_key(m))).collect();
        let ends: Vec<Vec<String>> = ends.into_iter().map(|(module, _)| module.clone()).collect();
        if ends.is_empty() {
            break;
        }
        for end in ends {
            left.remove(&end);
        }
    }
    let told = |(module, used): (&Vec<String>, &BTreeSet<Vec<String>>)| {
        let used: Vec<String> = used.iter().filter(|m| left.contains_key(*m)).map(|m| m.join("/")).collect();
        format!("{} uses {}", module.join("/"), used.join(", "))
    };
    left.iter().map(told).collect()
}

/// No file of the window uses one that uses it, be it by many others. (`App` itself, at the top, is known to all that it is handed to.)
#[test]
fn the_window_s_files_make_no_circle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/app");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let module = |file: &str| -> Vec<String> {
        let file = Path::new(file).strip_prefix(&root).expect("inside").with_extension("");
        let names = file.iter().map(|name| name.to_string_lossy().into_owned());
        names.filter(|name| name != "mod").collect()
    };
    let texts: BTreeMap<Vec<String>, String> =
        files.into_iter().map(|(file, text)| (module(&file), text)).filter(|(module, _)| !module.is_empty()).collect();
    let all: BTreeSet<Vec<String>> = texts.keys().cloned().collect();
    let uses =
        texts.iter().filter(|(module, _)| module.last().is_some_and(|name| name != "tests")).map(|(own, text)| {
            let file = |path: Vec<String>| (1..=path.len()).rev().map(|n| path[..n].to_vec()).find(|m| all.contains(m));
            let used = modules_named(own, text, &all).into_iter().filter_map(file).filter(|m| m != own);
            (own.clone(), used.collect())
        });
    let found = circles(&uses.collect());
    assert!(found.is_empty(), "files that use each other, in a circle:\n{}", found.join("\n"));
}

#[test]
fn a_circle_is_seen() {
    let path = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
    let all: BTreeSet<_> = ["a", "a/b", "c"].map(path).into();
    let named = |own, text| modules_named(&path(own), text, &all).into_iter().map(|m| m.join("/")).collect::<Vec<_>>();
    assert_eq!(named("a", "use b::{B, C};\nuse std::fmt;\npub use b::D;"), ["a/b/B", "a/b/C"]);
    assert_eq!(
        named("a/b", "use super::{\n    A,\n    crate_::X,\n};\nlet x = crate::app::c::x();"),
        ["a/A", "a/crate_/X", "c/x"]
    );
    let uses = |all: &[(&str, &str)]| all.iter().map(|(a, b)| (path(a), BTreeSet::from([path(b)]))).collect();
    assert!(circles(&uses(&[("a", "b"), ("b", "c")])).is_empty());
    assert_eq!(circles(&uses(&[("a", "b"), ("b", "a")])), ["a uses b", "b uses a"]);
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
const ASKING: [(&str, usize); 12] = [
    // On a thread of its own.
    ("dialogs/library/pictures.rs", 1),
    // The studio's own file dialog reads folders on a thread; Enter looks at the one path that was typed.
    ("dialogs/path.rs", 5),
    // Time and length of the document's own file, when it is opened and saved.
    ("editor/mod.rs", 1),
    // On threads of `Tasks`.
    ("session/import.rs", 9),
    ("session/models.rs", 9),
    ("session/recent.rs", 2),
    // Copies are written on a thread. Locks and what a crash left lie in the data folder, and are looked at before the first frame.
    ("session/recovery.rs", 8),
    // Once, whether the system has file dialogs.
    ("session/system_dialogs.rs", 3),
    // The synthetic hand of `polyptych bench studio`, which measures itself.
    ("shell/bench/mod.rs", 1),
    // On threads of `Tasks`.
    ("shell/models.rs", 2),
    // The folder that a file dialog begins in.
    ("shell/paths.rs", 1),
    // On a thread of `Tasks`.
    ("shell/recovering.rs", 1),
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
        "lines of src/app that ask the disk; ask on a thread (`kit/background.rs`, `kit/tasks.rs`)"
    );
}
