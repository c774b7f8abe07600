//! Outputs: nothing that a person has is written over, what cannot be written is said before the work, and nobody has to listen.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::goldens;
use polyptych::document::{Document, FileError, Mask, Output, Outputs, PixelRect, Problem};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

// ---------------------------------------------------------------------------------------------------------------------
// The question itself
// ---------------------------------------------------------------------------------------------------------------------

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn put(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("written");
    path
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path()).expect("a folder").flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn refused(result: Result<Output, FileError>) -> Problem {
    let error = result.expect_err("refused");
    assert!(!error.to_string().contains('\n'), "{error}");
    error.into_problem()
}

fn write(output: &Output, text: &str) {
    output.write(|file| file.write_all(text.as_bytes()).map_err(Problem::Write)).expect("written");
}

#[test]
fn an_input_is_no_output_whatever_it_is_called() {
    let folder = folder();
    let project = put(&folder, "lake.ora", b"project");
    std::fs::create_dir(folder.path().join("deep")).expect("made");
    let mut outputs = Outputs::reading([&project]);
    let mut also = vec![project.clone(), folder.path().join("deep/../lake.ora"), folder.path().join("./lake.ora")];
    #[cfg(unix)]
    {
        let (link, hard) = (folder.path().join("link.ora"), folder.path().join("hard.ora"));
        std::os::unix::fs::symlink("lake.ora", &link).expect("linked");
        std::fs::hard_link(&project, &hard).expect("linked");
        also.extend([link, hard]);
    }
    for path in also {
        assert!(matches!(refused(outputs.add(&path)), Problem::OutputIsInput), "{}", path.display());
    }
    write(&outputs.add(&folder.path().join("new.ora")).expect("a name of its own"), "new");
    assert_eq!(std::fs::read(&project).expect("there"), b"project");
}

#[test]
fn a_checkpoint_is_an_input_with_all_its_files() {
    let folder = folder();
    let unet = folder.path().join("sd15/unet");
    std::fs::create_dir_all(&unet).expect("made");
    let weights = unet.join("diffusion_pytorch_model.safetensors");
    std::fs::write(&weights, b"weights").expect("written");
    let picture = put(&folder, "sd15/card.png", b"a picture");
    let mut outputs = Outputs::reading([folder.path().join("sd15")]);
    assert!(matches!(refused(outputs.add(&weights)), Problem::OutputIsInput));
    outputs.add(&picture).expect("a picture beside it is none of it");
    outputs.add(&unet.join("latent.safetensors")).expect("a new file harms nothing");
}

#[test]
fn no_place_is_written_twice() {
    let folder = folder();
    let mut outputs = Outputs::default();
    outputs.add(&folder.path().join("a.png")).expect("free");
    assert!(matches!(refused(outputs.add(&folder.path().join("./a.png"))), Problem::OutputTwice));
    outputs.add_stdout().expect("free");
    assert!(matches!(refused(outputs.add_stdout()), Problem::OutputTwice));
    assert_eq!(names(&folder), Vec::<String>::new(), "asking leaves nothing behind");
}

#[test]
fn what_cannot_be_written_is_said_at_once() {
    let folder = folder();
    let file = put(&folder, "file", b"");
    let protected = put(&folder, "mine.png", b"mine");
    let mut rights = std::fs::metadata(&protected).expect("there").permissions();
    rights.set_readonly(true);
    std::fs::set_permissions(&protected, rights).expect("set");
    let mut outputs = Outputs::default();
    let mut problem = |path: PathBuf| refused(outputs.add(&path));
    assert!(matches!(problem(folder.path().to_path_buf()), Problem::OutputIsFolder));
    assert!(matches!(problem(folder.path().join("")), Problem::OutputIsFolder));
    assert!(matches!(problem(folder.path().join("new.png/")), Problem::OutputIsFolder));
    assert!(matches!(problem(folder.path().join("..")), Problem::OutputIsFolder));
    assert!(matches!(problem(folder.path().join("gone/a.png")), Problem::NoFolder(name) if name.ends_with("gone")));
    assert!(matches!(problem(file.join("a.png")), Problem::NoFolder(_)));
    assert!(matches!(problem(folder.path().join("n".repeat(300))), Problem::Write(_)));
    assert!(matches!(problem(protected.clone()), Problem::Protected));
    // The same holds for every save and export, which need not ask before.
    assert!(matches!(Document::new(64, 64).save(&protected).expect_err("refused").problem(), Problem::Protected));
    assert_eq!(std::fs::read(&protected).expect("there"), b"mine");
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_its_file_is_made() {
    use std::os::unix::fs::symlink;
    let folder = folder();
    std::fs::create_dir(folder.path().join("far")).expect("made");
    for (link, target) in [("one.png", "far/made.png"), ("two.png", "one.png")] {
        symlink(target, folder.path().join(link)).expect("linked");
    }
    write(&Output::at(&folder.path().join("two.png")).expect("writable"), "picture");
    assert!(folder.path().join("one.png").is_symlink() && folder.path().join("two.png").is_symlink());
    assert_eq!(std::fs::read(folder.path().join("far/made.png")).expect("made"), b"picture");
    // Two names of a file that is not there yet are one file.
    let mut outputs = Outputs::default();
    symlink("later.png", folder.path().join("soon.png")).expect("linked");
    outputs.add(&folder.path().join("soon.png")).expect("free");
    assert!(matches!(refused(outputs.add(&folder.path().join("later.png"))), Problem::OutputTwice));
    symlink("round.png", folder.path().join("round.png")).expect("linked");
    assert!(matches!(refused(Output::at(&folder.path().join("round.png"))), Problem::Write(_)));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_written_to_and_a_socket_refused() {
    use std::os::unix::fs::FileTypeExt as _;
    let folder = folder();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("runs").success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read(pipe)
    });
    let output = Outputs::default().add(&pipe).expect("writable");
    assert!(!output.is_file());
    write(&output, "picture");
    drop(output);
    assert_eq!(reader.join().expect("no panic").expect("read"), b"picture");
    assert!(std::fs::symlink_metadata(&pipe).expect("there").file_type().is_fifo());

    let socket = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("bound");
    assert!(matches!(refused(Output::at(&socket)), Problem::NoOutput));
}

// ---------------------------------------------------------------------------------------------------------------------
// The commands
// ---------------------------------------------------------------------------------------------------------------------

const DATA: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/nobody");

fn polyptych(folder: &TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polyptych"));
    command.args(args).current_dir(folder.path()).env("XDG_DATA_HOME", DATA).env("HOME", DATA);
    command
}

/// A folder with a project of one region, its mask, a picture, and a checkpoint.
fn studio() -> TempDir {
    let folder = folder();
    let mut document = Document::new(128, 96);
    document.background.prompt = "a green meadow".to_owned();
    let id = document.add_region("House", "a red house");
    let mut mask = Mask::empty(128, 96);
    mask.fill(PixelRect { x: 32, y: 24, width: 64, height: 48 }, 255);
    mask.export(folder.path().join("mask.png")).expect("written");
    document.region_mut(id).expect("just added").mask = mask.into();
    document.save(folder.path().join("s.ora")).expect("saved");
    image::RgbImage::new(128, 96).save(folder.path().join("start.png")).expect("written");
    folder
}

fn draw<'a>(model: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["render", "s.ora", "--model", model, "--steps", "2"], more].concat()
}

fn model() -> String {
    goldens().join("eps").to_str().expect("UTF-8").to_owned()
}

/// Runs, asserts a failure in one line before anything was drawn, and returns the line.
fn fails(folder: &TempDir, args: &[&str]) -> String {
    let out = polyptych(folder, args).output().expect("runs");
    let text = String::from_utf8(out.stderr).expect("UTF-8");
    assert_eq!(out.status.code(), Some(1), "{args:?}: {text}");
    assert_eq!(text.trim_end().lines().count(), 1, "{args:?}: {text}");
    assert!(!text.contains("panicked") && !text.contains("step "), "{text}");
    text
}

#[test]
fn render_writes_over_nothing_it_reads() {
    let folder = studio();
    let model = model();
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect("there");
    let before = ["s.ora", "start.png", "mask.png"].map(read);
    for (more, name) in [
        (&["-o", "s.ora"][..], "s.ora"),
        (&["-o", "start.png", "--image", "start.png"], "start.png"),
        (&["-o", "./mask.png", "--image", "start.png", "--inpaint", "mask.png"], "mask.png"),
        (&["-o", "o.png", "--latents", "s.ora"], "s.ora"),
        (&["-o", "o.png", "--latents", "o.png"], "o.png"),
        (&["-o", "shown/step_002.png", "--previews", "shown"], "step_002.png"),
        (&["-o", "-", "--json"], "standard output"),
        (&["-o", "-", "--latents", "-"], "standard output"),
        (&["-o", "gone/o.png"], "gone"),
        (&["-o", "."], "."),
        (&["-o", "o.tiff"], ".jpg"),
        (&["-o", "o"], ".png"),
    ] {
        if name == "step_002.png" {
            std::fs::create_dir(folder.path().join("shown")).expect("made");
        }
        let line = fails(&folder, &draw(&model, more));
        assert!(line.contains(name), "{more:?}: {line}");
    }
    let latents = format!("{model}/unet/diffusion_pytorch_model.safetensors");
    assert!(
        fails(&folder, &draw(&model, &["-o", "o.png", "--latents", &latents])).contains("is what this is made from")
    );
    assert_eq!(["s.ora", "start.png", "mask.png"].map(read), before);
    assert_eq!(names(&folder), ["mask.png", "s.ora", "shown", "start.png"]);
}

#[test]
fn the_ending_says_what_is_written_as_the_window_exports_it() {
    let folder = studio();
    let model = model();
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect("written");
    for name in ["o.png", "o.jpg", "o.JPEG", "o.webp"] {
        let args = draw(&model, &["-o", name, "--quiet"]);
        assert!(polyptych(&folder, &args).status().expect("runs").success(), "{name}");
    }
    assert!(read("o.png").starts_with(b"\x89PNG"));
    let png = image::open(folder.path().join("o.png")).expect("a picture").to_rgb8();
    let guess = |bytes: &[u8]| image::guess_format(bytes).expect("known");
    assert_eq!(guess(&read("o.jpg")), image::ImageFormat::Jpeg);
    assert_eq!(guess(&read("o.webp")), image::ImageFormat::WebP);
    assert_eq!(read("o.jpg"), read("o.JPEG"));
    assert_eq!(image::open(folder.path().join("o.webp")).expect("a picture").to_rgb8(), png);
    // Words and settings are in all of them, where each kind has its place for them.
    let utf16: Vec<u8> = "a red house".encode_utf16().flat_map(u16::to_be_bytes).collect();
    for name in ["o.jpg", "o.webp"] {
        assert!(read(name).windows(utf16.len()).any(|bytes| bytes == utf16), "{name}");
    }
    let window = folder.path().join("window.jpg");
    let document = Document::open(folder.path().join("o.png")).expect("a project");
    let how = polyptych::document::Export { format: polyptych::document::PictureFormat::Jpeg, ..Default::default() };
    document.export_picture(&window, &png, how).expect("exported");
    assert_eq!(read("window.jpg"), read("o.jpg"));
    // To standard output goes a PNG, and nothing else.
    let out = polyptych(&folder, &draw(&model, &["-o", "-"])).output().expect("runs");
    assert!(out.status.success());
    assert_eq!(out.stdout, read("o.png"));
    assert!(String::from_utf8_lossy(&out.stderr).contains("standard output") || !out.stderr.is_empty());
}

#[test]
fn no_drawing_is_lost_to_the_length_of_its_words() {
    let folder = studio();
    let mut document = Document::open(folder.path().join("s.ora")).expect("a project");
    document.style = "w".repeat(70_000);
    document.save(folder.path().join("s.ora")).expect("saved");
    let model = model();
    let out = polyptych(&folder, &draw(&model, &["-o", "long.jpg"])).output().expect("runs");
    assert!(out.status.success());
    assert!(String::from_utf8_lossy(&out.stderr).contains("the picture was written without"));
    let picture = image::open(folder.path().join("long.jpg")).expect("a picture");
    assert_eq!((picture.width(), picture.height()), (128, 96));
}

#[cfg(unix)]
#[test]
fn the_shells_names_of_an_output_are_written_to() {
    let folder = studio();
    let model = model();
    let drawn = |args: &[&str]| polyptych(&folder, &draw(&model, args)).stderr(Stdio::null()).output().expect("runs");
    let plain = drawn(&["-o", "-"]).stdout;
    if Path::new("/proc/self/fd/1").exists() {
        assert_eq!(drawn(&["-o", "/dev/stdout"]).stdout, plain, "a pipe");
        // A file that the shell opened is added to, not replaced under its owner.
        let log = put(&folder, "log", b"before ");
        let append = std::fs::File::options().append(true).open(&log).expect("there");
        let status = polyptych(&folder, &draw(&model, &["-o", "/dev/stdout"]))
            .stdout(append)
            .stderr(Stdio::null())
            .status()
            .expect("runs");
        assert!(status.success());
        assert_eq!(std::fs::read(&log).expect("there"), [&b"before "[..], &plain].concat());
        // Nor may it be what is drawn.
        let project = std::fs::File::options().append(true).open(folder.path().join("s.ora")).expect("there");
        let before = std::fs::read(folder.path().join("s.ora")).expect("there");
        let mut command = polyptych(&folder, &draw(&model, &["-o", "-"]));
        let out = command.stdout(project).stderr(Stdio::piped()).output().expect("runs");
        assert!(String::from_utf8_lossy(&out.stderr).contains("is what this is made from"));
        assert_eq!(std::fs::read(folder.path().join("s.ora")).expect("there"), before);
    }
    assert!(drawn(&["-o", "/dev/null"]).status.success());
    assert!(!Path::new("/dev/null").is_file());
}

#[cfg(unix)]
#[test]
fn nobody_has_to_listen() {
    let folder = studio();
    let model = model();
    // A pipe whose reader has gone.
    let unread = || {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        writer
    };
    for args in [&["info", "s.ora"][..], &["info", "s.ora", "--json"], &["models"], &["render", "--help"]] {
        let out = polyptych(&folder, args).stdout(unread()).stderr(Stdio::piped()).output().expect("runs");
        assert_eq!((out.status.code(), &*String::from_utf8_lossy(&out.stderr)), (Some(0), ""), "{args:?}");
    }
    // (Graphics drivers have words of their own.)
    assert!(polyptych(&folder, &["devices"]).stdout(unread()).stderr(unread()).status().expect("runs").success());
    let out = polyptych(&folder, &draw(&model, &["-o", "o.png"])).stdout(unread()).stderr(unread()).status();
    assert!(out.expect("runs").success() && folder.path().join("o.png").is_file());
    assert!(!polyptych(&folder, &["info", "gone.ora"]).stderr(unread()).status().expect("runs").success());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_is_one_line() {
    let folder = studio();
    let full = || std::fs::File::options().write(true).open("/dev/full").expect("there");
    for args in [&["info", "s.ora", "--json"][..], &["models"]] {
        let out = polyptych(&folder, args).stdout(full()).stderr(Stdio::piped()).output().expect("runs");
        let text = String::from_utf8_lossy(&out.stderr);
        assert_eq!((out.status.code(), text.lines().count()), (Some(1), 1), "{args:?}: {text}");
        assert!(text.contains("standard output"), "{text}");
    }
}

#[test]
fn previews_are_whole_or_not_there() {
    let folder = studio();
    let model = model();
    let args = draw(&model, &["-o", "o.png", "--previews", "steps", "--quiet"]);
    assert!(polyptych(&folder, &args).status().expect("runs").success());
    for step in ["step_001.png", "step_002.png"] {
        let preview = image::open(folder.path().join("steps").join(step)).expect("a whole picture");
        assert_eq!((preview.width(), preview.height()), (128, 96));
    }
    let mut all = String::new();
    let entries = std::fs::read_dir(folder.path().join("steps")).expect("there").flatten();
    entries.for_each(|entry| all += &entry.file_name().to_string_lossy());
    assert_eq!(all.matches("step_").count(), 2);
    assert!(!all.contains(".part"));
}

#[test]
fn a_project_is_made_where_nothing_is() {
    let folder = studio();
    let before = std::fs::read(folder.path().join("s.ora")).expect("there");
    let new = |path: &str| fails(&folder, &["new", path, "--size", "128x96", "--background", "x"]);
    assert!(new("s.ora").contains("there already"));
    assert!(new("gone/t.ora").contains("gone"));
    assert!(new(&format!("{}.ora", "n".repeat(300))).contains("cannot be written"));
    assert_eq!(std::fs::read(folder.path().join("s.ora")).expect("there"), before);
}
