//! The commands as scripts call them: `new`, `render`, `info`, and what bad input gets.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::single::{SingleFile, UNET, VAE};
use common::{goldens, with_few_steps};
use polyptych::document::{Document, Mask, PixelRect, Sampler};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

/// A folder for what the program keeps of a person: not this person's own.
const DATA: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/nobody");

fn polyptych(args: &[&str]) -> Output {
    polyptych_of(DATA, args)
}

/// The program of a person whose data lie there.
fn polyptych_of(data: &str, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polyptych"));
    // (Without the last one Mesa's drivers complain on stderr.)
    command.args(args).env("XDG_DATA_HOME", data).env("HOME", data).env("XDG_RUNTIME_DIR", data);
    command.output().expect("the binary runs")
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
fn a_picture_is_the_start_of_another_and_stays_where_nothing_may_change() {
    let folder = Folder::new();
    let scene = project(&folder);
    let (first, second, third) = (folder.path("1.png"), folder.path("2.png"), folder.path("3.png"));
    let render = |args: &[&str]| {
        let report = run(&[&["render", &scene, "--model", &model("eps"), "--steps", "4", "--json"], args].concat());
        serde_json::from_str::<serde_json::Value>(&report).expect("JSON")
    };
    let image = image::RgbImage::from_fn(256, 192, |x, y| image::Rgb([x as u8, y as u8, 90]));
    image.save(&first).expect("writes");
    let whole = render(&["-o", &second, "--image", &first, "--strength", "0.5", "--sampler", "unipc"]);
    assert_eq!(whole["unet_samples_reference"], 6 * 4 * 2 * 2);
    assert_ne!(image::open(&second).expect("a picture").to_rgb8(), image);
    // The third is drawn over what the second tells of itself, and keeps all but one place.
    let own = mask("hard1.png");
    let report =
        run(&["render", &second, "-o", &third, "--inpaint", &own, "--strength", "1", "--schedule", "karras", "--json"]);
    assert!(report.contains("\"schedule\":\"karras\""), "{report}");
    let third = image::open(&third).expect("a picture").to_rgb8();
    let shown = image::open(&own).expect("a mask").to_luma8();
    let differ = |x: u32, y: u32| third.get_pixel(x, y) != image.get_pixel(x, y);
    assert!(shown.enumerate_pixels().all(|(x, y, m)| m.0[0] > 0 || !differ(x, y)));
    assert!(shown.enumerate_pixels().any(|(x, y, m)| m.0[0] > 0 && differ(x, y)));
    let info = run(&["info", &second]);
    assert!(info.contains("strength 0.5"), "{info}");
    for (args, word) in [
        (["--strength", "0.5"], "--image"),
        (["--inpaint", "regions"], "--image"),
        (["--image", "none.png"], "none.png"),
    ] {
        let (code, line) = fails(&[&["render", &scene, "-o", &second, "--quiet"], &args[..]].concat());
        assert_eq!(code, 1, "{line}");
        assert!(line.contains(word), "{line}");
    }
    assert_eq!(fails(&["render", &scene, "-o", &second, "--image", &first, "--strength", "2"]).0, 2);
    // One of another size and kind is fitted, and that is said.
    let other = folder.path("small.jpg");
    image::RgbImage::from_pixel(40, 80, image::Rgb([200, 20, 20])).save(&other).expect("writes");
    let fitted = render(&["-o", &second, "--image", &other, "--strength", "0.25"]);
    let said = fitted["warnings"].as_array().is_some_and(|w| w.iter().any(|w| w.to_string().contains("40×80")));
    assert!(said, "{}", fitted["warnings"]);
}

#[test]
fn info_tells_what_a_checkpoint_is() {
    let info = run(&["info", &model("vpred")]);
    assert!(info.contains("v_prediction") || info.contains("v-prediction"), "{info}");
    let json: serde_json::Value = serde_json::from_str(&run(&["info", &model("eps"), "--json"])).expect("JSON");
    assert!(json.is_object());
    assert!(run(&["models"]).contains("embedded"));
}

#[test]
fn a_whole_job_is_measured() {
    let json = |args: &[&str]| -> serde_json::Value {
        serde_json::from_str(&run(&[&["bench", "job", "--json", "--device", "cpu"], args].concat())).expect("JSON")
    };
    let job = json(&["--shape", &model("eps"), "--steps", "3", "--size", "96x64"]);
    assert_eq!((&job["width"], &job["height"]), (&96.into(), &64.into()));
    assert_eq!(job["seconds"]["steps"].as_array().expect("a list").len(), 3);
    // Four parts with and without words, in each of three steps; shared where nothing bootstraps.
    let samples = job["unet_samples"].as_u64().expect("a number");
    assert!((3 * 5..=3 * 8 * job["windows"].as_u64().expect("a number")).contains(&samples), "{job}");
    assert!(job["tensor_bytes"].as_u64().expect("a number") > 0);
    // The same from deep features in every other step, and without regions.
    let again = json(&["--shape", &model("eps"), "--steps", "4", "--size", "96x64", "--reuse", "2"]);
    let shallow = again["unet_samples_shallow"].as_u64().expect("a number");
    assert!(job["unet_samples_shallow"] == 0 && shallow > 0, "{again}");
    let plain = json(&["--shape", &model("eps"), "--steps", "1", "--size", "96x64", "--regions", "0"]);
    assert_eq!(plain["unet_samples"], 2 * plain["windows"].as_u64().expect("a number"));
    // A shallow call is less work than a whole one.
    let operations = |args: &[&str]| {
        let bench = ["bench", "unet", "--json", "--device", "cpu", "--runs", "1", "--shape", &model("eps")];
        let told: serde_json::Value = serde_json::from_str(&run(&[&bench, args].concat())).expect("JSON");
        told["operations"].as_f64().expect("a number")
    };
    let (whole, shallow) = (operations(&[]), operations(&["--shallow"]));
    assert!(shallow > 0.0 && shallow < 0.5 * whole, "{shallow} of {whole}");
    let (code, error) = fails(&["bench", "decode", "--shallow"]);
    assert!(code == 1 && error.contains("`bench unet` alone"), "{error}");
    let (code, error) = fails(&["bench", "job", "--shape", "no_such"]);
    assert!(code == 1 && error.contains("no_such is none of sd15, sd21 and sdxl"), "{error}");
}

#[test]
fn devices_are_measured_once_and_remembered() {
    let home = Folder::new();
    let devices = |args: &[&str]| {
        let out = polyptych_of(home.0.path().to_str().expect("UTF-8"), &[&["devices"], args].concat());
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).expect("UTF-8")
    };
    let table = devices(&[]);
    let first = table.lines().next().expect("a row");
    assert!(first.starts_with("cpu ") && first.contains("a UNet call of SD1.5"), "{table}");
    assert_eq!(table.matches("auto takes it").count(), 1, "{table}");
    let score = |json: &str| -> serde_json::Value {
        let object: serde_json::Value = serde_json::from_str(json).expect("JSON");
        object["devices"][0]["seconds_per_unet_call"]["f32"].clone()
    };
    let known = score(&devices(&["--json"]));
    assert!(known.as_f64().expect("a number") > 0.0);
    assert_eq!(score(&devices(&["--json"])), known, "it is not measured again");
    assert_ne!(score(&devices(&["cpu", "--json"])), known, "unless it is asked for");
}

#[test]
fn a_single_file_draws_and_takes_another_autoencoder() {
    let folder = Folder::new();
    let write = |file: &SingleFile, name: &str| file.write(folder.0.path(), name).display().to_string();
    let whole = SingleFile::of("sd1");
    let mix = write(&whole, "mix.safetensors");
    let text = run(&["info", &mix]);
    assert!(text.starts_with("mix: latent diffusion, epsilon, windows of 512 × 512 pixels"), "{text}");
    assert!(text.contains("single file, original layout") && text.contains("49408 tokens"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&run(&["info", &mix, "--json"])).expect("JSON");
    assert_eq!((&json["inpainting"], &json["zero_terminal_snr"]), (&false.into(), &false.into()));

    let data = folder.path("data");
    let as_person = |args: &[&str]| {
        let out = polyptych_of(&data, args);
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).expect("UTF-8")
    };
    assert!(as_person(&["models", "add", &mix]).contains("--model mix"));
    assert!(as_person(&["models"]).lines().any(|line| line.starts_with("mix") && line.contains("MB")));

    let project = folder.path("p.ora");
    run(&["new", &project, "--size", "64x64", "--background", "a red fox"]);
    let latent = |name: &str, more: &[&str]| {
        let out = folder.path(name);
        let latent = folder.path(&format!("{name}.safetensors"));
        let args = ["render", &project, "-o", &out, "--steps", "2", "--quiet", "--latents", &latent];
        as_person(&[&args, more].concat());
        (std::fs::read(out).expect("a picture").len(), std::fs::read(latent).expect("a latent"))
    };
    let plain = latent("a.png", &["--model", "mix"]);
    // Its own autoencoder, in a file, changes nothing; a checkpoint without one gets it.
    let vae = write(&whole.part(VAE, ""), "vae.safetensors");
    let without = write(&whole.clone().without(VAE), "without.safetensors");
    assert_eq!(latent("b.png", &["--model", &mix, "--vae", &vae]).1, plain.1);
    assert_eq!(latent("c.png", &["--model", &without, "--vae", &vae]).1, plain.1);
    // What it predicts is told by hand, and kept with the picture.
    assert_ne!(latent("v.png", &["--model", &mix, "--prediction", "v"]).1, plain.1);
    assert!(run(&["info", &folder.path("v.png")]).contains("prediction    v\n"));
    // So is the reuse of deep features; of two steps the second is computed from the first one's.
    assert_ne!(latent("r.png", &["--model", &mix, "--reuse", "2"]).1, plain.1);
    assert!(run(&["info", &folder.path("r.png")]).contains("reuse         deep features for 2 steps\n"));
    assert_eq!(latent("exact.png", &["--model", &mix, "--reuse", "1"]).1, plain.1);
    assert_eq!(latent("auto.png", &["--model", &mix, "--prediction", "auto"]).1, plain.1);
    let (code, told) = fails(&["render", &project, "-o", &folder.path("x.png"), "--prediction", "x"]);
    assert!(code == 2 && told.contains("choose one of: auto, epsilon, v, v-zsnr"), "{told}");
    // What fills it in is kept by its whole path: the picture may be opened from elsewhere.
    let mut command = Command::new(env!("CARGO_BIN_EXE_polyptych"));
    command.args(["render", "p.ora", "-o", "filled.png", "--steps", "2", "--quiet", "--model", &without]);
    command.args(["--fallback", "mix.safetensors"]).current_dir(folder.0.path());
    command.env("XDG_DATA_HOME", &data).env("HOME", &data).env("XDG_RUNTIME_DIR", &data);
    assert!(command.status().expect("the binary runs").success());
    let filled = Document::open(Path::new(&folder.path("filled.png"))).expect("a project inside");
    assert_eq!(filled.settings.fallback.as_deref(), Some(mix.as_str()));
    let (_, told) = fails(&["render", &project, "-o", &folder.path("d.png"), "--model", &without]);
    assert!(told.contains("without.safetensors: lacks an autoencoder (VAE); name a file"), "{told}");
    // What is no whole checkpoint is told; the model's files are never written over.
    let unet = write(&whole.part(UNET, ""), "unet.safetensors");
    let text = run(&["info", &unet]);
    assert!(text.starts_with("unet: latent diffusion, epsilon, a UNet alone; it lacks a text encoder and"), "{text}");
    assert!(run(&["info", &vae]).starts_with("vae: an autoencoder (VAE) without a UNet"));
    assert!(run(&["info", &format!("{unet} + {vae} + {mix}")]).starts_with("unet + vae + mix: latent diffusion"));
    let over = ["render", &project, "-o", &folder.path("e.png"), "--model", &mix, "--vae", &vae, "--latents", &vae];
    let (_, told) = fails(&over);
    assert!(told.contains("vae.safetensors"), "{told}");
    assert!(std::fs::metadata(&vae).expect("still there").len() > 100_000);
}

#[test]
fn loras_are_laid_over_the_model() {
    let folder = Folder::new();
    let scene = project(&folder);
    let lora = |name: &str| goldens().join("lora").join(name).to_str().expect("UTF-8").to_owned();
    let (kohya, peft) = (lora("eps_kohya.safetensors"), lora("eps_peft.safetensors"));
    let render = |out: &str, args: &[&str]| {
        let out = folder.path(out);
        let report =
            run(&[&["render", &scene, "-o", &out, "--model", &model("eps"), "--steps", "2", "--json"], args].concat());
        let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
        (image::open(&out).expect("a picture").to_rgb8(), report)
    };
    let (plain, report) = render("plain.png", &[]);
    assert_eq!(report["loras"], serde_json::json!([]));
    let weak = format!("{kohya}=0.25");
    let (other, report) = render("lora.png", &["--lora", &weak, "--lora", &peft]);
    assert_ne!(other, plain);
    assert_eq!(report["loras"][0]["weight"], 0.25, "{report}");
    assert_eq!(report["loras"][1], serde_json::json!({"file": peft, "weight": 1.0}));
    assert_eq!(render("off.png", &["--lora", &format!("{kohya}=0")]).0, plain);
    // The picture tells of them, and draws the same picture again.
    let picture = folder.path("lora.png");
    assert!(run(&["info", &picture]).contains("eps_kohya.safetensors, weight 0.25"));
    let parameters = std::fs::read(&picture).expect("a picture");
    let tag = b"<lora:eps_kohya:0.25> <lora:eps_peft:1>";
    assert!(parameters.windows(tag.len()).any(|bytes| bytes == tag));
    let again = folder.path("again.png");
    run(&["render", &picture, "-o", &again]);
    assert_eq!(image::open(&again).expect("a picture").to_rgb8(), other);

    // For one region alone, by its number.
    let (regional, report) = render("regional.png", &["--region-lora", &format!("1={kohya}=0.5")]);
    assert!(regional != plain && regional != other);
    let of_region = serde_json::json!([{"region": 1, "loras": [{"file": kohya, "weight": 0.5}]}]);
    assert_eq!(report["region_loras"], of_region, "{report}");
    let told = run(&["info", &folder.path("regional.png")]);
    assert!(told.contains("    LoRA        ") && told.contains("eps_kohya.safetensors, weight 0.5"), "{told}");
    let again = folder.path("again.png");
    run(&["render", &folder.path("regional.png"), "-o", &again]);
    assert_eq!(image::open(&again).expect("a picture").to_rgb8(), regional);
    let background = render("background.png", &["--region-lora", &format!("0={kohya}=0.5")]).0;
    assert!(background != plain && background != regional);

    for (args, words) in [
        (["--region-lora", "9=ink.safetensors"], &["--region-lora 9=ink.safetensors", "no region 9"][..]),
        (["--region-lora", "1=gone.safetensors"], &["gone.safetensors", "there is no such file"]),
        (["--lora", "gone.safetensors"], &["gone.safetensors", "there is no such file"]),
        (["--lora", &lora("vpred_kohya.safetensors")], &["vpred_kohya.safetensors", "another family"]),
        (["--lora", &model("eps/unet/diffusion_pytorch_model.safetensors")], &["is not a LoRA"]),
    ] {
        let out = folder.path("none.png");
        let (code, line) =
            fails(&[&["render", &scene, "-o", &out, "--quiet", "--model", &model("eps")], &args[..]].concat());
        assert_eq!(code, 1, "{line}");
        assert!(words.iter().all(|word| line.contains(word)) && !Path::new(&out).exists(), "{line}");
    }
    for wrong in ["ink=11", "ink=much", "=1"] {
        assert_eq!(fails(&["render", &scene, "-o", &again, "--lora", wrong]).0, 2);
        assert_eq!(fails(&["render", &scene, "-o", &again, "--region-lora", wrong]).0, 2);
    }

    let told = run(&["info", &kohya]);
    for words in ["eps_kohya: LoRA", "rank 3", "128 layers of the UNet", "zorkfox (24), snow (8)"] {
        assert!(told.contains(words), "{words} in {told}");
    }
    let json: serde_json::Value = serde_json::from_str(&run(&["info", &peft, "--json"])).expect("JSON");
    assert_eq!(json["ranks"], serde_json::json!([2, 3]), "{json}");
}

#[test]
fn models_are_added_and_used_by_name() {
    let folder = Folder::new();
    let scene = project(&folder);
    let data = folder.path("data");
    let ran = |args: &[&str]| {
        let out = polyptych_of(&data, args);
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (out.status.success(), text(out.stdout), text(out.stderr))
    };
    let ink = folder.path("ink.safetensors");
    std::fs::copy(goldens().join("lora/eps_peft.safetensors"), &ink).expect("copied");
    assert!(ran(&["models"]).1.contains("embedded"));
    assert!(ran(&["models", "add", &model("eps")]).1.contains("--model eps"));
    assert!(ran(&["models", "add", &ink]).1.contains("--lora ink"));
    let (_, list, _) = ran(&["models", "list"]);
    for words in
        ["embedded", "eps", "ink", "LoRA for text embeddings 24 wide, ranks 2 to 3", "0.1 MB", "ink.safetensors"]
    {
        assert!(list.contains(words), "{words} in {list}");
    }
    let (named, by_path) = (folder.path("named.png"), folder.path("path.png"));
    assert!(ran(&["render", &scene, "-o", &named, "--steps", "1", "--model", "eps", "--lora", "ink=0.5"]).0);
    run(&["render", &scene, "-o", &by_path, "--steps", "1", "--model", &model("eps"), "--lora", &format!("{ink}=0.5")]);
    let open = |path| image::open(path).expect("a picture").to_rgb8();
    assert_eq!(open(&named), open(&by_path));
    assert!(ran(&["info", "ink"]).1.starts_with("ink: LoRA"));

    // Nothing looks at the folders where no name is to be found.
    let seen = Path::new(&data).join("polyptych/models-seen.json");
    std::fs::remove_file(&seen).expect("it was read");
    let plain = folder.path("plain.png");
    assert!(ran(&["render", &scene, "-o", &plain, "--steps", "1", "--model", &model("eps")]).0);
    assert!(!seen.exists());

    // Words name what was added, for their region; another name is told.
    let (tagged, wordy) = (folder.path("tagged.ora"), folder.path("wordy.png"));
    let mut document = Document::open(Path::new(&scene)).expect("a project");
    document.background.prompt.push_str("<lora:ink:0.5><lora:nobody:1>");
    document.save(Path::new(&tagged)).expect("saved");
    let (done, _, said) = ran(&["render", &tagged, "-o", &wordy, "--steps", "1", "--model", "eps"]);
    assert!(done && said.contains("warning: the words name a LoRA “nobody”, which is not known here"), "{said}");
    let of_background = folder.path("background.png");
    let args = ["--steps", "1", "--model", "eps", "--region-lora", "0=ink=0.5"];
    assert!(ran(&[&["render", &scene, "-o", &of_background], &args[..]].concat()).0);
    assert_eq!(open(&wordy), open(&of_background));
    assert!(open(&wordy) != open(&named));

    let failed = |args: &[&str], words: &str| {
        let (done, _, line) = ran(args);
        assert!(!done && line.contains(words) && line.trim_end().lines().count() == 1, "{line}");
    };
    failed(&["models", "add", &ink], "added already");
    failed(&["models", "remove", "embedded"], "cannot be removed");
    failed(&["models", "get", "sd15"], "OWNER/NAME");
    failed(&["models", "add", &mask("hard1.png")], "is not a checkpoint");
    assert!(ran(&["models", "remove", "ink"]).0);
    assert!(Path::new(&ink).is_file() && !ran(&["models"]).1.contains("ink"));
    failed(&["models", "remove", "ink"], "ink");
    failed(&["render", &scene, "-o", &named, "--lora", "ink"], "there is no such file");
}

#[test]
fn a_folder_of_models_is_added_once_and_everything_in_it_has_a_name() {
    let folder = Folder::new();
    let scene = project(&folder);
    let data = folder.path("data");
    let ran = |args: &[&str]| {
        let out = polyptych_of(&data, args);
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (out.status.success(), text(out.stdout), text(out.stderr))
    };
    let models = Path::new(&folder.path("ComfyUI")).join("models");
    let copy = |from: &str, to: &str| {
        let to = models.join(to);
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("made");
        std::fs::copy(goldens().join(from), &to).expect("copied");
    };
    copy("lora/eps_peft.safetensors", "loras/ink_wash-v2.safetensors");
    copy("lora/eps_kohya.safetensors", "loras/animals/zorkfox.safetensors");
    copy("lora/eps_kohya.safetensors", "loras/animals/zorkfox_old.safetensors");
    std::fs::create_dir_all(models.join("checkpoints")).expect("made");
    std::fs::write(models.join("checkpoints/old.ckpt"), "\u{80}\u{2}").expect("written");
    SingleFile::of("sd1").write(&models.join("checkpoints"), "Dream Mix.safetensors");

    let (done, told, error) = ran(&["models", "add", &folder.path("ComfyUI")]);
    assert!(
        done && told.contains("ComfyUI is added, with 1 checkpoint, 3 LoRAs; 1 more cannot be used"),
        "{told}{error}"
    );
    let (_, list, _) = ran(&["models"]);
    for words in ["Dream Mix", "zorkfox_old", "not used: is a Python pickle", "“zorkfox”", "Folder ComfyUI"] {
        assert!(list.contains(words), "{words} in {list}");
    }
    let (_, found, _) = ran(&["models", "list", "zorkfox", "snow"]);
    assert!(found.contains("zorkfox_old") && !found.contains("ink_wash"), "{found}");
    let json: serde_json::Value = serde_json::from_str(&ran(&["models", "list", "--json"]).1).expect("JSON");
    assert_eq!(json.as_array().map(Vec::len), Some(5), "{json}");

    // The hash of the standard tool, and a file by it.
    let (_, hashed, _) = ran(&["models", "list", "ink", "--hash", "--json"]);
    let hashed: serde_json::Value = serde_json::from_str(&hashed).expect("JSON");
    let hash = hashed[0]["sha256"].as_str().expect("a hash").to_owned();
    assert_eq!(hash.len(), 64);
    assert!(ran(&["info", &hash[..10]]).1.starts_with("ink_wash-v2: LoRA"));

    // By part of a name, and by the end of a path; a part that several have is asked about.
    assert!(ran(&["info", "wash"]).1.starts_with("ink_wash-v2: LoRA"));
    assert!(ran(&["info", "animals/zorkfox"]).1.starts_with("zorkfox: LoRA"));
    let (named, by_path) = (folder.path("named.png"), folder.path("path.png"));
    let eps = model("eps");
    let drawn = ran(&["render", &scene, "-o", &named, "--steps", "1", "--model", &eps, "--lora", "INK_wash=0.5"]);
    assert!(drawn.0, "{}", drawn.2);
    let ink = models.join("loras/ink_wash-v2.safetensors").display().to_string();
    run(&["render", &scene, "-o", &by_path, "--steps", "1", "--model", &eps, "--lora", &format!("{ink}=0.5")]);
    let open = |path| image::open(path).expect("a picture").to_rgb8();
    assert_eq!(open(&named), open(&by_path));
    let (done, _, line) = ran(&["render", &scene, "-o", &named, "--model", &eps, "--lora", "zork"]);
    assert!(
        !done && line.contains("could be any of: zorkfox, zorkfox_old") && line.trim_end().lines().count() == 1,
        "{line}"
    );

    assert!(ran(&["models", "remove", "ComfyUI"]).0);
    assert!(!ran(&["models"]).1.contains("zorkfox") && models.join("loras/animals").is_dir());
    std::fs::create_dir_all(folder.path("empty")).expect("made");
    let (done, _, line) = ran(&["models", "add", &folder.path("empty")]);
    assert!(!done && line.contains("holds no models"), "{line}");
}

#[test]
fn a_model_for_few_steps_brings_its_sampler_steps_and_guidance() {
    let folder = Folder::new();
    let scene = project(&folder);
    let (data, fox) = (folder.path("data"), folder.path("fox"));
    with_few_steps("vpred", Path::new(&fox));
    let few = folder.path("fox/few_steps");
    let out = folder.path("out.png");
    let report = |args: &[&str]| -> serde_json::Value {
        let ran = polyptych_of(
            &data,
            &[&["render", &scene, "-o", &out, "--json", "--quiet", "--window", "32"], args].concat(),
        );
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        serde_json::from_slice(&ran.stdout).expect("JSON")
    };
    let picture = || image::open(&out).expect("a picture").to_rgb8();
    let guidance = || Document::open(Path::new(&out)).expect("a project").settings.guidance;
    let by_path = report(&["--model", &few]);
    assert_eq!((by_path["steps"].as_u64(), by_path["sampler"].as_str()), (Some(4), Some("lcm")));
    // Without a second pass for guidance; the picture brings the same again.
    let drawn = picture();
    assert_eq!(guidance().to_bits(), 1.0_f32.to_bits());
    let copy = folder.path("copy.png");
    run(&["render", &out, "-o", &copy]);
    assert_eq!(image::open(&copy).expect("a picture").to_rgb8(), drawn);
    // What is said stands; what it was made from is drawn with as ever.
    let told = report(&["--model", &few, "--steps", "2", "--guidance", "3"]);
    assert_eq!((told["steps"].as_u64(), told["sampler"].as_str()), (Some(2), Some("lcm")));
    assert_eq!(guidance().to_bits(), 3.0_f32.to_bits());
    let outer = report(&["--model", &fox, "--steps", "1"]);
    assert_eq!(outer["sampler"], "ddim");
    // Back from a picture of it: the usual settings.
    let back = folder.path("back.png");
    run(&["render", &copy, "-o", &back, "--quiet", "--model", &fox, "--steps", "1"]);
    let back = Document::open(Path::new(&back)).expect("a project").settings;
    assert_eq!((back.sampler, back.guidance.to_bits()), (Sampler::Ddim, 7.5_f32.to_bits()));

    // By name, where it was added.
    assert!(polyptych_of(&data, &["models", "add", &fox]).status.success());
    let list = String::from_utf8(polyptych_of(&data, &["models"]).stdout).expect("UTF-8");
    assert!(list.contains("fox/few_steps"), "{list}");
    report(&["--model", "fox/few_steps"]);
    assert_eq!(picture(), drawn);
    let info = polyptych_of(&data, &["info", "fox/few_steps"]).stdout;
    assert!(String::from_utf8(info).expect("UTF-8").contains("made for 4 (lcm)"));
    assert!(run(&["info", &fox]).contains("few_steps draws in 4"));
    assert_eq!(fails(&["render", &scene, "-o", &out, "--model", "none/few_steps"]).0, 1);
}

#[test]
fn the_embedded_model_for_few_steps_is_listed_and_draws() {
    let folder = Folder::new();
    let list = run(&["models"]);
    if polyptych::checkpoint::few_step_version("embedded").is_none() {
        assert!(!list.contains("few_steps"), "{list}");
        return;
    }
    assert!(list.contains("embedded/few_steps"), "{list}");
    assert!(run(&["info", "embedded"]).contains("embedded/few_steps draws in 4"));
    let json: serde_json::Value = serde_json::from_str(&run(&["info", "embedded/few_steps", "--json"])).expect("JSON");
    assert_eq!((json["few_steps"].as_str(), json["has_few_steps"].as_bool()), (Some("lcm"), Some(false)));
    let scene = project(&folder);
    let out = folder.path("out.png");
    let pictures = [(); 2].map(|()| {
        let report = run(&["render", &scene, "-o", &out, "--json", "--quiet", "--model", "embedded/few_steps"]);
        let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
        assert_eq!((report["steps"].as_u64(), report["sampler"].as_str()), (Some(4), Some("lcm")));
        image::open(&out).expect("a picture").to_rgb8()
    });
    assert_eq!(pictures[0], pictures[1], "chance is the seed's alone");
    let size = Document::open(Path::new(&scene)).map(|d| (d.width, d.height)).expect("a project");
    assert_eq!(pictures[0].dimensions(), size);
    assert_eq!(Document::open(Path::new(&out)).expect("a project").settings.model, "embedded/few_steps");
}

#[test]
fn a_device_that_is_not_there_is_told_with_what_draws_instead() {
    let folder = Folder::new();
    let (scene, out) = (project(&folder), folder.path("out.png"));
    for device in ["wgpu:99", "cuda:99", "metal"] {
        if device == "metal" && cfg!(feature = "metal") {
            continue;
        }
        let (code, line) = fails(&["render", &scene, "-o", &out, "--device", device]);
        assert_eq!(code, 1, "{line}");
        assert!(line.contains("cpu") || line.contains("wgpu:0"), "{line}");
        assert!(!Path::new(&out).exists(), "{device} has drawn");
    }
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
        (vec!["render", &scene, "-o", &out, "--device", "opencl"], "device"),
        (vec!["render", &scene, "-o", &out, "--overlap", "pile"], "average"),
        (vec!["render", &scene, "-o", &out, "--window-weights", "round"], "tent"),
        (vec!["render", &scene, "-o", &out, "--bootstrap-colour", "pink"], "white"),
        (vec!["render", &scene, "-o", &out, "--reroll", "two"], "2=17"),
        (vec!["render", &scene, "-o", &out, "--reroll", "2=x"], "2=17"),
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
        (vec!["render", &scene, "-o", &out, "--reroll", "0"], "no region 0"),
        (vec!["render", &scene, "-o", &out, "--reroll", "4=1"], "regions go from 1 to 3"),
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

#[test]
fn a_checkpoint_with_nan_is_refused_by_name() {
    let folder = Folder::new();
    let scene = project(&folder);
    let out = folder.path("out.png");
    for part in ["unet", "vae", "text_encoder"] {
        let broken = PathBuf::from(folder.path(part));
        copy(&goldens().join("eps"), &broken);
        let file = std::fs::read_dir(broken.join(part)).expect("a folder").map(|e| e.expect("an entry").path());
        let file = file.into_iter().find(|p| p.extension().is_some_and(|e| e == "safetensors")).expect("weights");
        let mut bytes = std::fs::read(&file).expect("weights");
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        std::fs::write(&file, bytes).expect("written");
        let (code, line) =
            fails(&["render", &scene, "-o", &out, "--model", broken.to_str().expect("UTF-8"), "--quiet"]);
        assert_eq!(code, 1);
        assert!(line.contains("NaN") && line.contains(part), "{line}");
    }
    assert!(!Path::new(&out).exists());
}

/// A mask of the canvas's size that covers these columns.
fn columns(document: &Document, from: u32, to: u32) -> Arc<Mask> {
    let mut mask = Mask::empty(document.width, document.height);
    mask.fill(PixelRect { x: from, y: 0, width: to - from, height: document.height }, 255);
    Arc::new(mask)
}

#[test]
fn what_makes_no_sense_is_drawn_with_a_warning_that_names_it() {
    let folder = Folder::new();
    let out = folder.path("out.png");
    type Case<'a> = (&'a str, (u32, u32), fn(&mut Document), &'a [&'a str], &'a [&'a str]);
    let cases: [Case<'_>; 12] = [
        ("nothing at all", (128, 128), |_| (), &[], &["covered by no region", "no words"]),
        ("no regions", (128, 128), |d| d.background.prompt = "the sea".to_owned(), &[], &[]),
        ("no words", (128, 128), |d| d.regions[0].prompt.clear(), &[], &["“Boat”", "has no words"]),
        ("empty mask", (128, 128), |d| d.regions[0].mask = columns(d, 0, 0), &[], &["“Boat”", "empty mask"]),
        ("all hidden", (128, 128), |d| d.regions.iter_mut().for_each(|r| r.visible = false), &[], &["hidden"]),
        ("wholly under another", (128, 128), |d| d.regions[0].mask = columns(d, 70, 90), &[], &["lies under others"]),
        ("ends before it starts", (128, 128), |d| d.regions[0].start = 1.0, &[], &["“Boat”", "before it starts"]),
        ("a large window", (128, 128), |_| (), &["--window", "64"], &["window of 64", "larger than the canvas"]),
        ("a wide stride", (192, 128), |_| (), &["--stride", "16"], &["stride of 16", "8 is used"]),
        ("off the grid", (131, 128), |_| (), &[], &["131 pixels wide", "128 or 136"]),
        ("off the grid, joined", (131, 128), |_| (), &["--wrap", "x"], &["do not meet"]),
        ("the released loop", (128, 128), |d| d.regions[0].feather = 9, &["--reference"], &["no feather"]),
    ];
    for (name, (width, height), change, args, words) in cases {
        let mut document = Document::new(width, height);
        document.settings.steps = 2;
        if !matches!(name, "nothing at all" | "no regions") {
            document.background.prompt = "the sea at sunset".to_owned();
            for (name, from, to) in [("Boat", 10, 60), ("Moon", 50, 100)] {
                let id = document.add_region(name, "a red ship");
                let mask = columns(&document, from, to);
                document.region_mut(id).expect("the region").mask = mask;
            }
        }
        change(&mut document);
        let path = folder.path("case.ora");
        document.save(&path).expect("saved");
        let eps = model("eps");
        let all = [&["render", &path, "-o", &out, "--model", &eps, "--json"][..], args].concat();
        let report: serde_json::Value = serde_json::from_str(&run(&all)).expect("JSON");
        let warnings: Vec<&str> =
            report["warnings"].as_array().expect("warnings").iter().filter_map(|w| w.as_str()).collect();
        assert_eq!(warnings.len(), usize::from(!words.is_empty()), "{name}: {warnings:?}");
        for word in words {
            assert!(warnings[0].contains(word), "{name}: {warnings:?}");
        }
        let image = image::open(&out).expect("a picture").to_rgb8();
        assert_eq!(image.dimensions(), (width, height), "{name}");
        let (least, most) = (image.iter().min().expect("pixels"), image.iter().max().expect("pixels"));
        assert!(most - least > 50, "{name}: a flat picture");
    }
}

#[test]
fn a_project_with_nonsense_in_it_is_drawn_with_what_is_used_instead() {
    let folder = Folder::new();
    let path = folder.path("scene.ora");
    let mut document = Document::new(128, 128);
    document.background.prompt = "the sea".to_owned();
    document.settings.steps = 0;
    document.settings.guidance = f32::NAN;
    document.save(&path).expect("saved");
    let out = folder.path("out.png");
    let report = run(&["render", &path, "-o", &out, "--model", &model("eps"), "--json"]);
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["steps"], 1);
    assert!(report["warnings"][0].as_str().is_some_and(|w| w.contains("steps was 0; 1 is used")), "{report}");
    let info: serde_json::Value = serde_json::from_str(&run(&["info", &out, "--json"])).expect("JSON");
    assert_eq!(info["settings"]["guidance"], 7.5);
}

#[test]
fn a_region_is_drawn_again_from_the_command_line() {
    let folder = Folder::new();
    let scene = project(&folder);
    let out = folder.path("out.png");
    let eps = model("eps");
    let render = ["render", &scene, "-o", &out, "--model", &eps, "--steps", "2", "--json"];
    let latent = |args: &[&str], name: &str| {
        let file = folder.path(name);
        let report = run(&[&render[..], args, &["--latents", &file]].concat());
        let bytes = std::fs::read(&file).expect("a latent");
        let file = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
        let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
        (file.tensor("latent").expect("latent").data().to_vec(), report)
    };
    let (first, plain) = latent(&[], "first");
    let (again, report) = latent(&["--reroll", "1=9"], "again");
    assert_eq!(report["rerolls"], serde_json::json!([{"region": 1, "seed": 9}]));
    assert_eq!(plain["rerolls"], serde_json::json!([]));
    let count = |report: &serde_json::Value, key: &str| report[key].as_u64().expect(key);
    let (whole, more) = (count(&plain, "unet_samples"), count(&report, "unet_samples_rerolled"));
    assert_eq!(count(&report, "unet_samples"), whole + more);
    assert!(more > 0 && more < whole, "{more} of {whole}");
    // hard1.png covers columns 2 to 10 and rows 3 to 19 of the latent.
    let mut changed = 0;
    for (i, (a, b)) in first.chunks(4).zip(again.chunks(4)).enumerate() {
        let (x, y) = (i % 32, i / 32 % 24);
        let near = (0..=12).contains(&x) && (1..=21).contains(&y);
        assert!(near || a == b, "{x}, {y}");
        changed += usize::from(a != b);
    }
    assert!(changed > 200, "{changed}");
    // The picture holds what was drawn again, and draws the same.
    let again_file = folder.path("again.png");
    run(&["render", &out, "-o", &again_file]);
    let picture = |path: &str| image::open(path).expect("a picture").to_rgb8();
    assert_eq!(picture(&again_file), picture(&out));
    // Without a seed it is the one after the last.
    assert_eq!(latent(&["--reroll", "1", "--seed", "41"], "next").1["rerolls"][0]["seed"], 42);
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

#[test]
fn words_may_begin_with_a_dash_and_numbers_say_their_range() {
    let folder = Folder::new();
    let scene = folder.path("dash.ora");
    let region = format!("{}=-fog", mask("hard1.png"));
    let texts = ["--background", "- a list", "--negative", "-people", "--style", "--", "--region", &region];
    run(&[&["new", &scene, "--size", "256x192"], &texts[..], &["--region-negative", "1=-x"]].concat());
    let document = Document::open(&scene).expect("a project");
    assert_eq!((&*document.background.prompt, &*document.background.negative), ("- a list", "-people"));
    assert_eq!((&*document.style, &*document.regions[0].prompt), ("--", "-fog"));
    for (args, words) in [
        (["--seed", "-1"], "from 0 to 18446744073709551615"),
        (["--seed", "18446744073709551616"], "from 0 to 18446744073709551615"),
        (["--seed", "1.5"], "whole number"),
        (["--steps", "-3"], "from 1 to 1000"),
        (["--reuse", "0"], "from 1 to 20"),
        (["--window", "many"], "from 1 to 2048"),
        (["--bootstrap-steps", "-1"], "from 0 to 1000"),
        (["--guidance", "-1e9"], "-100 to 100"),
        (["--model", "-x"], "join a value that begins with a dash to its option"),
    ] {
        let (code, line) = fails(&[&["render", &scene, "-o", "out.png"], &args[..]].concat());
        assert!(code == 2 && line.contains(words) && !line.contains("invalid digit"), "{line}");
    }
}

#[test]
fn a_mask_that_is_missing_is_named_whole() {
    let folder = Folder::new();
    let region = format!("{}=a red tower = old", folder.path("tower=1.png"));
    let (_, line) = fails(&["new", &folder.path("s.ora"), "--size", "64x64", "--region", &region]);
    assert!(line.contains("tower=1.png: cannot be read"), "{line}");
}

#[cfg(unix)]
#[test]
fn names_that_are_no_utf8_are_files_like_any_other() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let folder = Folder::new();
    let odd = OsStr::from_bytes(b"t\xfcr = 1.png");
    std::fs::copy(mask("hard1.png"), Path::new(&folder.path("")).join(odd)).expect("copied");
    let region: Vec<u8> = [odd.as_bytes(), b"=a red tower"].concat();
    let new = |project: &str, option: &str, value: &[u8]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_polyptych"));
        command.current_dir(folder.path("")).args(["new", project, "--size", "256x192", option]);
        command.arg(OsStr::from_bytes(value)).output().expect("the binary runs")
    };
    assert!(new("a.ora", "--region", &region).status.success());
    assert_eq!(Document::open(folder.path("a.ora")).expect("a project").regions[0].prompt, "a red tower");
    for (option, value) in [("--region", [odd.as_bytes(), b"=r\xf6t"].concat()), ("--style", b"r\xf6t".to_vec())] {
        let out = new("b.ora", option, &value);
        let line = String::from_utf8_lossy(&out.stderr);
        assert!(!out.status.success() && line.contains("not valid UTF-8") && line.contains('t'), "{line}");
    }
}
