//! Lists the painted examples in assets/examples, so that each project in that folder is in the program.

use std::fmt::Write as _;
use std::path::Path;

fn main() {
    let folder = Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("assets/examples");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .expect("assets/examples is there")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|e| e == "ora"))
        .collect();
    paths.sort();
    let mut list = String::from("&[\n");
    for path in paths {
        let stem = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        writeln!(list, "    ({stem:?}, include_bytes!({:?})),", path.display().to_string()).expect("a string takes it");
    }
    list.push_str("]\n");
    let out = Path::new(&std::env::var("OUT_DIR").expect("cargo sets it")).join("examples.rs");
    std::fs::write(out, list).expect("OUT_DIR can be written to");
}
