//! The panel of models: a folder added once, searched, taken from, dropped into; and a model fetched on a click.

use super::common::goldens;
use super::common::single::SingleFile;
use super::painter::{Painter, Pretender, english};
use egui::{Event, Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use polyptych::app::{Command, FileDialogs, Options};
use polyptych::document::{Lora, PromptRule};
use safetensors::Dtype;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

/// A folder as ComfyUI has it.
fn comfy(folder: &Path) -> PathBuf {
    let models = folder.join("ComfyUI/models");
    for kind in ["checkpoints", "loras", "embeddings"] {
        std::fs::create_dir_all(models.join(kind)).expect("made");
    }
    SingleFile::of("sd1").write(&models.join("checkpoints"), "dream mix.safetensors");
    for name in ["fox.safetensors", "fox old.safetensors"] {
        std::fs::copy(goldens().join("lora/eps_kohya.safetensors"), models.join("loras").join(name)).expect("copied");
    }
    std::fs::write(models.join("loras/fox.civitai.info"), r#"{"baseModel": "Pony", "trainedWords": ["red zorkfox"]}"#)
        .expect("written");
    embedding(&models.join("embeddings"), "quill.safetensors");
    folder.join("ComfyUI")
}

fn embedding(folder: &Path, name: &str) -> PathBuf {
    SingleFile::default().with("emb_params", Dtype::F16, &[1, 768], &[0; 1536]).write(folder, name)
}

fn loras(painter: &Painter) -> Vec<String> {
    painter.document().settings.loras.iter().map(Lora::name).collect()
}

impl Painter {
    fn waits_for_files(&mut self) {
        self.waits_for("the files", |a| !a.is_busy_with_files());
        // (What was added is looked at with the next frame.)
        self.h.step();
        self.waits_for("the list", |a| !a.is_busy_with_files());
    }

    /// A scene of two regions, in a session with this data folder.
    fn with_models(data: &Path) -> Self {
        let mut painter = Self::with_data(data, None);
        painter.takes_a_new_canvas();
        painter
    }

    fn drops_all(&mut self, paths: &[PathBuf]) {
        for path in paths {
            self.lets_fall(path);
        }
        self.h.step();
        self.waits_for_files();
    }
}

#[test]
fn a_folder_of_comfyui_is_added_once_and_drawn_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let comfy = comfy(folder.path());
    let mut painter = Painter::with_data(folder.path(), None);
    painter.asks_for(Command::Models);
    painter.waits_for_files();
    assert!(painter.sees("Nothing is listed yet"));
    painter.clicks("Add a folder of models…");
    painter.answers_with(&comfy, "Add");
    painter.waits_for_files();
    assert!(painter.sees("ComfyUI is listed now"));
    assert!(painter.sees("dream mix"), "the panel is open again");

    let is_written = |painter: &Painter, phrase: &str| {
        let document = painter.document();
        let mut words = document.regions.iter().map(|region| &region.prompt).chain([&document.background.prompt]);
        painter.sees("Written into") && words.any(|words| words.ends_with(phrase))
    };
    painter.clicks("Embeddings 1");
    painter.clicks("Write quill");
    assert!(is_written(&painter, &PromptRule::WebUi.call_of_embedding("quill")));
    assert_eq!(PromptRule::ComfyUi.call_of_embedding("quill"), "embedding:quill");

    painter.clicks("LoRAs 2");
    painter.h.get_by_label("Search the models").focus();
    painter.settles();
    painter.types("zorkfox pony");
    assert!(painter.h.query_by_label("Add fox").is_some() && painter.h.query_by_label("Add fox old").is_none());
    painter.clicks("red zorkfox");
    assert!(is_written(&painter, "red zorkfox"));
    painter.clicks("Add fox");
    painter.waits_for_files();
    assert_eq!(loras(&painter), ["fox"]);

    painter.clicks("Models 1");
    painter.h.get_by_label("Search the models").focus();
    painter.settles();
    painter.presses(Modifiers::COMMAND, Key::A);
    painter.types("mix");
    painter.clicks("Use dream mix");
    painter.waits_for_files();
    assert!(painter.document().settings.model.ends_with("dream mix.safetensors"));
    assert!(painter.h.query_by_label("Search the models").is_none(), "a model is chosen once");

    // It is there after a restart, too.
    drop(painter);
    let mut painter = Painter::with_data(folder.path(), None);
    painter.waits_for_files();
    painter.asks_for(Command::Models);
    painter.waits_for_files();
    painter.clicks("Use dream mix");
    painter.waits_for_files();
    assert!(painter.document().settings.model.ends_with("dream mix.safetensors"));
    painter.asks_for(Command::Models);
    painter.waits_for_files();
    painter.clicks("Leave out ComfyUI");
    painter.waits_for_files();
    assert!(painter.sees("Nothing is listed yet") && comfy.join("models/loras/fox.safetensors").is_file());
}

#[test]
fn the_hash_that_web_uis_name_is_found_out_on_a_click() {
    let folder = tempfile::tempdir().expect("a folder");
    let comfy = comfy(folder.path());
    let hash = polyptych::checkpoint::sha256_of(&comfy.join("models/checkpoints/dream mix.safetensors"), || true);
    let hash = hash.expect("read").expect("whole");
    let mut painter = Painter::with_data(folder.path(), None);
    painter.drops(&comfy);
    painter.waits_for_files();
    painter.clicks("Find out the hash of dream mix");
    for _ in 0..60_000 {
        painter.h.step();
        if painter.h.query_by_label(&hash[..10]).is_some() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("no hash");
}

#[test]
fn what_is_dropped_goes_where_it_belongs() {
    let folder = tempfile::tempdir().expect("a folder");
    let comfy = comfy(folder.path());
    let mut painter = Painter::with_models(folder.path());
    painter.drops_all(std::slice::from_ref(&comfy));
    assert!(painter.sees("ComfyUI is listed now") && painter.sees("dream mix"));
    painter.presses(Modifiers::NONE, Key::Escape);

    // Several at once: LoRAs are laid over the model, one model draws, the others are listed.
    let other = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = other.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let sd1 = |name| SingleFile::of("sd1").write(other.path(), name);
    let (first, second) = (sd1("first.safetensors"), sd1("second.safetensors"));
    let models = comfy.join("models/loras");
    painter.drops_all(&[first, models.join("fox.safetensors"), second, models.join("fox old.safetensors")]);
    let mut both = loras(&painter);
    both.sort();
    assert_eq!(both, ["fox", "fox old"]);
    assert!(painter.document().settings.model.ends_with("first.safetensors"), "{}", painter.document().settings.model);
    assert!(painter.sees("second is listed now"));

    painter.drops_all(&[embedding(other.path(), "feather.safetensors")]);
    assert!(painter.sees("feather is an embedding"));
    for (bad, words) in [
        (file("page.safetensors", "<!DOCTYPE html>"), "is a web page"),
        (file("old.ckpt", "\u{80}\u{2}"), "is a Python pickle"),
        (file("big.gguf", "GGUF"), "GGUF"),
    ] {
        painter.drops_all(&[bad]);
        assert!(painter.sees(words), "{words}");
    }
    assert!(painter.document().settings.model.ends_with("first.safetensors"));
}

/// A server of one repository, `mia/fox`, with one LoRA.
fn serves_a_fox() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    let file = std::fs::read(goldens().join("lora/eps_kohya.safetensors")).expect("a golden");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
            let lines: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let list = format!(r#"[{{"type": "file", "path": "zork.safetensors", "size": {}}}]"#, file.len());
            let path = lines.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
            let (status, body) = match path {
                "/api/models/mia/fox/tree/main?recursive=true" => ("200 OK", list.as_bytes()),
                "/mia/fox/resolve/main/zork.safetensors" => ("200 OK", &file[..]),
                _ => ("404 Not Found", &b""[..]),
            };
            write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len()).ok();
            stream.write_all(body).ok();
        }
    });
    address
}

/// The models are open, with this data folder and a hub that has one.
fn at_a_hub(data: &Path) -> Painter {
    let mut painter = Painter::opens(Options {
        engine: Some(Box::new(Pretender::default())),
        file_dialogs: FileDialogs::Own,
        data: Some(data.into()),
        hub: Some(serves_a_fox()),
        ..english()
    });
    painter.asks_for(Command::Models);
    painter.waits_for_files();
    painter
}

/// Writes a repository's name.
fn names(painter: &mut Painter, repository: &str) {
    painter.h.get_by_label("Name on Hugging Face").focus();
    painter.settles();
    painter.h.event(Event::Text(repository.to_owned()));
    painter.settles();
}

#[test]
fn a_model_is_fetched_by_its_name_and_listed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut painter = at_a_hub(folder.path());
    for (name, told) in
        [("mia/gone", "mia/gone: is not on"), ("fox", "is no repository's name"), ("mia/fox", "mia/fox is here")]
    {
        painter.clicks("Get from Hugging Face…");
        names(&mut painter, name);
        painter.clicks("Fetch");
        painter.waits_for("the model", |a| !a.is_fetching());
        painter.waits_for_files();
        assert!(painter.sees(told), "{told}");
    }
    painter.clicks("LoRAs 1");
    painter.clicks("Add zork");
    painter.waits_for_files();
    assert_eq!(loras(&painter), ["zork"]);
}

#[test]
fn a_model_is_fetched_into_a_folder_of_choice() {
    let (folder, elsewhere) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let mut painter = at_a_hub(folder.path());
    painter.clicks("Get from Hugging Face…");
    assert!(painter.sees("this program's own folder"));
    names(&mut painter, "mia/fox");
    // Whoever changes their mind is back where they were, with what they typed.
    painter.clicks("Another folder…");
    painter.clicks("Cancel");
    assert!(painter.sees("this program's own folder"));
    painter.clicks("Another folder…");
    painter.answers_with(elsewhere.path(), "Choose");
    assert!(painter.sees(&elsewhere.path().display().to_string()));
    painter.clicks("Fetch");
    painter.waits_for("the model", |a| !a.is_fetching());
    painter.waits_for_files();
    assert!(elsewhere.path().join("mia/fox/zork.safetensors").is_file() && !folder.path().join("fetched").exists());
    painter.clicks("LoRAs 1");
    painter.clicks("Add zork");
    painter.waits_for_files();
    assert_eq!(loras(&painter), ["zork"]);
    // It is remembered, and given up by a click.
    painter.clicks("Get from Hugging Face…");
    painter.clicks("Back to this program's own folder");
    assert!(painter.sees("this program's own folder"));
}
