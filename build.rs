//! Lists files that are in the program: the painted examples in assets/examples and the checkpoint in assets/embedded, so that
//! whatever lies in those folders is found.
#![allow(clippy::expect_used, reason = "a build that cannot read its assets must end")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() {
    let assets = Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("assets");
    let example = |path: &Path| path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
    list("examples", &assets.join("examples"), &["ora"], example);
    let folder = assets.join("embedded");
    let within = |path: &Path| {
        let path = path.strip_prefix(&folder).expect("it lies in there");
        path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
    };
    list("embedded", &folder, &["json", "txt", "safetensors"], within);
}

/// Writes NAME.rs: the names and contents of a folder's files with one of these endings.
fn list(name: &str, folder: &Path, endings: &[&str], call: impl Fn(&Path) -> String) {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut paths = Vec::new();
    walk(folder, &mut paths);
    paths.retain(|path| path.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known)));
    paths.sort();
    let mut list = String::from("&[\n");
    for path in paths {
        let (name, path) = (call(&path), path.display().to_string());
        writeln!(list, "    ({name:?}, include_bytes!({path:?})),").expect("a string takes it");
    }
    list.push_str("]\n");
    let out = Path::new(&std::env::var("OUT_DIR").expect("cargo sets it")).join(format!("{name}.rs"));
    std::fs::write(out, list).expect("OUT_DIR can be written to");
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of assets") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() { walk(&path, paths) } else { paths.push(path) }
    }
}
