//! The commands as scripts call them: `new`, `render`, `info`, and what bad input gets.

mod common;

use common::goldens;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn polyptych(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_polyptych")).args(args).output().expect("the binary runs")
}

/// Runs, asserts success, returns stdout.
fn run(args: &[&str]) -> String {
    let out = polyptych(args);
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("UTF-8")
}

/// Runs, asserts failure with one line on stderr and nothing on stdout, and returns the exit code and the line.
fn fails(args: &[&str]) -> (i32, String) {
    let out = polyptych(args);
    let text = String::from_utf8(out.stderr).expect("UTF-8");
    assert!(!out.status.success(), "{args:?} succeeded");
    assert_eq!(text.trim_end().lines().count(), 1, "{args:?}: not one line:\n{text}");
    assert!(!text.contains("panicked"), "{text}");
    assert!(out.stdout.is_empty(), "{args:?} printed {}", String::from_utf8_lossy(&out.stdout));
    (out.status.code().expect("a code"), text.trim_end().to_owned())
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).expect("a folder");
        let mut names: Vec<String> =
            entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn mask(name: &str) -> String {
    goldens().join("masks").join(name).to_str().expect("UTF-8").to_owned()
}

fn model(name: &str) -> String {
    goldens().join(name).to_str().expect("UTF-8").to_owned()
}

/// A project of three regions on the golden canvas.
fn project(folder: &Folder) -> String {
    let path = folder.path("scene.ora");
    run(&[
        "new",
        &path,
        "--size",
        "256x192",
        "--background",
        "the sea at sunset",
        "--negative",
        "ugly",
        "--region",
        &format!("{}=a stone tower = old", mask("hard1.png")),
        "--region",
        &format!("{}=a red ship", mask("hard2.png")),
        "--region",
        &format!("{}=white clouds", mask("hard3.png")),
        "--region-negative",
        "2=green",
        "--region-negative",
        "3=",
    ]);
    path
}

#[test]
fn new_render_info_tell_one_story() {
    let folder = Folder::new();
    let scene = project(&folder);
    let info: serde_json::Value = serde_json::from_str(&run(&["info", &scene, "--json"])).expect("JSON");
    assert_eq!((&info["width"], &info["height"]), (&256.into(), &192.into()), "{info}");
    assert_eq!(info["regions"][0]["words"], "a stone tower = old", "{info}");
    assert_eq!(info["regions"][1]["negative"], "green");
    assert_eq!(info["regions"][2]["negative"], "");

    let (picture, latent) = (folder.path("out.png"), folder.path("latent.safetensors"));
    let render = ["render", &scene, "-o", &picture, "--model", &model("eps"), "--seed", "5", "--steps", "3", "--json"];
    let report = run(&[&render[..], &["--latents", &latent, "--previews", &folder.path("previews")]].concat());
    assert_eq!(report.trim().lines().count(), 1, "{report}");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    for key in ["image", "width", "height", "seed", "steps", "sampler", "device", "dtype", "windows", "warnings"] {
        assert!(!report[key].is_null(), "{key} is missing: {report}");
    }
    for key in ["load", "encode", "denoise", "decode"] {
        assert!(report["seconds"][key].is_number(), "{key} is missing: {report}");
    }
    assert_eq!(report["windows"], 6);
    assert!(report["unet_samples"].as_u64() < report["unet_samples_reference"].as_u64(), "{report}");
    assert_eq!(report["unet_samples_reference"], 6 * 4 * 2 * 3);

    let image = image::open(&picture).expect("a picture");
    assert_eq!((image.width(), image.height()), (256, 192));
    for step in 1..=3 {
        assert!(Path::new(&folder.path(&format!("previews/step_{step:03}.png"))).is_file());
    }
    let bytes = std::fs::read(&latent).expect("a latent");
    let latent = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
    assert_eq!(latent.tensor("latent").expect("latent").shape(), [1, 4, 24, 32]);

    // Attention asks the network twice a window and step, and the picture is another one.
    let hinted = folder.path("hinted.png");
    let attention =
        ["render", &scene, "-o", &hinted, "--model", &model("eps"), "--seed", "5", "--steps", "3", "--json"];
    let report: serde_json::Value =
        serde_json::from_str(&run(&[&attention[..], &["--regions", "attention"]].concat())).expect("JSON");
    assert_eq!((&report["unet_samples"], &report["unet_inputs"]), (&(6 * 2 * 3).into(), &(6 * 3).into()), "{report}");
    assert_ne!(image::open(&hinted).expect("a picture").to_rgb8(), image.to_rgb8());
    let info: serde_json::Value = serde_json::from_str(&run(&["info", &hinted, "--json"])).expect("JSON");
    assert_eq!(info["settings"]["regions"], "attention", "{info}");

    // The picture holds its project, with the settings it was drawn with.
    let info: serde_json::Value = serde_json::from_str(&run(&["info", &picture, "--json"])).expect("JSON");
    assert_eq!(info["regions"].as_array().map(Vec::len), Some(3), "{info}");
    assert_eq!(info["settings"]["seed"], 5, "{info}");
    // And draws the same picture again.
    let again = folder.path("again.png");
    run(&["render", &picture, "-o", &again]);
    assert_eq!(image::open(&again).expect("a picture").to_rgb8(), image.to_rgb8());
}

#[test]
fn info_tells_what_a_checkpoint_is() {
    let info = run(&["info", &model("vpred")]);
    assert!(info.contains("v_prediction") || info.contains("v-prediction"), "{info}");
    let json: serde_json::Value = serde_json::from_str(&run(&["info", &model("eps"), "--json"])).expect("JSON");
    assert!(json.is_object());
    assert!(run(&["models"]).contains("embedded"));
    assert!(run(&["devices"]).contains("cpu"));
}

#[test]
fn wrong_usage_is_one_line_and_two() {
    let folder = Folder::new();
    let scene = project(&folder);
    let out = folder.path("out.png");
    for (args, word) in [
        (vec!["render", &scene, "-o", &out, "--sampler", "magic"], "ddim"),
        (vec!["render", &scene, "-o", &out, "--steps", "0"], "steps"),
        (vec!["render", &scene, "-o", &out, "--guidance", "NaN"], "number"),
        (vec!["render", &scene, "-o", &out, "--bootstrap", "2"], "fraction"),
        (vec!["render", &scene, "-o", &out, "--device", "cuda"], "device"),
        (vec!["render", &scene], "--output"),
        (vec!["new", &folder.path("x.ora"), "--size", "banana"], "768x512"),
        (vec!["new", &folder.path("x.ora"), "--size", "8x8"], "64"),
        (vec!["frobnicate", "--now"], "--now"),
    ] {
        let (code, line) = fails(&args);
        assert_eq!(code, 2, "{line}");
        assert!(line.contains(word), "{args:?} says: {line}");
    }
    assert_eq!(folder.names(), ["scene.ora"], "wrong usage left files behind");
}

#[test]
fn bad_files_are_one_line_and_one_and_leave_nothing_behind() {
    let folder = Folder::new();
    let scene = project(&folder);
    let out = folder.path("out.png");
    let truncated = folder.path("truncated.ora");
    let bytes = std::fs::read(&scene).expect("the project");
    std::fs::write(&truncated, &bytes[..bytes.len() / 2]).expect("written");
    let foreign = folder.path("foreign.ora");
    std::fs::write(&foreign, "not a project").expect("written");
    let pickle = folder.path("model.ckpt");
    std::fs::write(&pickle, [0x80, 2, 0]).expect("written");
    let before = folder.names();
    let missing = folder.path("missing.ora");
    let nowhere = folder.path("no/such/folder/out.png");
    let other_size = folder.path("x.ora");
    let region = format!("{}=a tower", mask("tower.png"));
    let missing_mask = format!("{}=a tower", folder.path("no.png"));
    for (args, word) in [
        (vec!["render", &missing, "-o", &out], "missing.ora"),
        (vec!["render", &truncated, "-o", &out], "truncated.ora"),
        (vec!["render", &foreign, "-o", &out], "foreign.ora"),
        (vec!["render", &scene, "-o", &out, "--model", &pickle], "model.ckpt"),
        (vec!["render", &scene, "-o", &out, "--model", "/no/such/model"], "/no/such/model"),
        (vec!["render", &scene, "-o", &nowhere, "--model", "embedded"], "folder"),
        (vec!["render", &scene, "-o", &out, "--model", &model("eps"), "--reference", "--sampler", "euler"], "ddim"),
        (vec!["new", &other_size, "--size", "128x128", "--region", &region], "tower.png"),
        (vec!["new", &other_size, "--size", "256x192", "--region", &missing_mask], "no.png"),
        (vec!["new", &scene, "--size", "256x192"], "already"),
        (vec!["new", &other_size, "--size", "256x192", "--region-negative", "4=x"], "no region 4"),
        (vec!["info", &foreign], "foreign.ora"),
    ] {
        let mut args = args;
        if args[0] == "render" {
            args.push("--quiet");
        }
        let (code, line) = fails(&args);
        assert_eq!(code, 1, "{line}");
        assert!(line.contains(word), "{args:?} says: {line}");
    }
    assert_eq!(folder.names(), before, "a failure left files behind");
    assert_eq!(std::fs::read(&scene).expect("the project"), bytes, "a failure touched the project");
}

#[test]
fn a_checkpoint_of_wrong_shapes_is_refused_by_name() {
    let folder = Folder::new();
    let scene = project(&folder);
    let broken = PathBuf::from(folder.path("broken"));
    copy(&goldens().join("eps"), &broken);
    let config = broken.join("unet/config.json");
    let mut json: serde_json::Value = serde_json::from_slice(&std::fs::read(&config).expect("a config")).expect("JSON");
    json["cross_attention_dim"] = 32.into();
    std::fs::write(&config, json.to_string()).expect("written");
    let out = folder.path("out.png");
    let (code, line) = fails(&["render", &scene, "-o", &out, "--model", broken.to_str().expect("UTF-8"), "--quiet"]);
    assert_eq!(code, 1);
    assert!(line.contains("32") && line.contains("24"), "{line}");
    assert!(!Path::new(&out).exists());
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}
