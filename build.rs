//! Lists files that are in the program: the painted examples in assets/examples and the checkpoint in assets/embedded, so that
//! whatever lies in those folders is found; and hashes the sources that measurements depend on. With the feature `cuda` it
//! compiles the kernels for it.
#![allow(clippy::expect_used, reason = "a build that cannot read its assets must end")]

use std::fmt::Write as _;
use std::hash::{Hash as _, Hasher as _};
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
    hash_of("POLYPTYCH_KERNELS", &["kernels/src", "src/backend/wgpu", "src/backend/speed.rs", "src/backend/truth.rs"]);
    if std::env::var_os("CARGO_FEATURE_CUDA").is_some() {
        kernels_for_cuda();
    }
}

/// Compiles fused.cu to PTX, which the driver of any card from Ampere on compiles further.
fn kernels_for_cuda() {
    const SOURCE: &str = "src/backend/candle/fused.cu";
    println!("cargo::rerun-if-changed={SOURCE}");
    println!("cargo::rerun-if-env-changed=NVCC");
    let out = Path::new(&std::env::var("OUT_DIR").expect("cargo sets it")).join("fused.ptx");
    let compiler = std::env::var_os("NVCC").unwrap_or_else(|| "nvcc".into());
    let options = ["-ptx", "-O3", "-std=c++17", "-arch=compute_80", SOURCE, "-o"];
    let done = std::process::Command::new(compiler).args(options).arg(out).status();
    let done = done.expect("nvcc, CUDA's compiler, must be in PATH or named by NVCC (see scripts/cuda/README.md)");
    assert!(done.success(), "nvcc cannot compile {SOURCE}");
}

/// Sets a variable of the compiler to a hash of these files, by which measurements of an older program are told apart.
fn hash_of(name: &str, places: &[&str]) {
    let mut paths = Vec::new();
    for place in places.iter().map(Path::new) {
        println!("cargo::rerun-if-changed={}", place.display());
        if place.is_dir() { walk(place, &mut paths) } else { paths.push(place.to_owned()) }
    }
    paths.sort();
    let mut hasher = std::hash::DefaultHasher::new();
    for path in paths {
        std::fs::read(path).expect("a source file").hash(&mut hasher);
    }
    println!("cargo::rustc-env={name}={:016x}", hasher.finish());
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
