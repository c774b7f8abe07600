//! The library: model files in folders of other programs, told apart, remembered, and found by name.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::goldens;
use common::single::{SingleFile, UNET, VAE};
use polyptych::checkpoint::{Catalogue, Item, Kind, Library};
use safetensors::Dtype;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A folder as ComfyUI has it, with one of everything, and a data folder in which it is added.
struct Person {
    folder: tempfile::TempDir,
}

impl Person {
    fn new() -> Self {
        let person = Self { folder: tempfile::tempdir().expect("a folder") };
        let sd1 = SingleFile::of("sd1");
        person.write("checkpoints/mix.safetensors", &sd1);
        person.write("checkpoints/xl/zork XL.safetensors", &SingleFile::of("sdxl"));
        person.write("diffusion_models/bare.safetensors", &sd1.part(UNET, ""));
        person.write("vae/soft.safetensors", &sd1.part(VAE, ""));
        person.copy("lora/eps_kohya.safetensors", "loras/fox.safetensors");
        person.write("embeddings/quill.safetensors", &small("emb_params", &[2, 768]));
        person.write(
            "controlnet/edges.safetensors",
            &small("input_hint_block.0.weight", &[16, 3, 3, 3])
                .with("zero_convs.0.0.weight", Dtype::F16, &[1], &[0, 0])
                .with("input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight", Dtype::F16, &[1, 768], &[0; 1536]),
        );
        person.copy("control/eps/config.json", "controlnet/depth-sd15/config.json");
        let weights = "diffusion_pytorch_model.safetensors";
        person.copy(&format!("control/eps/{weights}"), &format!("controlnet/depth-sd15/{weights}"));
        person.write("controlnet/lllite.safetensors", &small("lllite_unet_input_blocks_4_1.down.0.weight", &[8, 8]));
        person.write("diffusion_models/flux.safetensors", &small("double_blocks.0.img_attn.norm.key_norm.scale", &[1]));
        std::fs::write(person.path("embeddings/old.pt"), b"PK\x03\x04").expect("written");
        std::fs::write(person.path("loras/page.safetensors"), "<!DOCTYPE html>").expect("written");
        Catalogue::open(&person.data()).expect("none yet").add(&person.folder.path().join("ComfyUI")).expect("added");
        person
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A file of ComfyUI's models.
    fn path(&self, file: &str) -> PathBuf {
        let path = self.folder.path().join("ComfyUI/models").join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        path.canonicalize().unwrap_or(path)
    }

    fn write(&self, file: &str, content: &SingleFile) {
        let path = self.path(file);
        content.write(path.parent().expect("a folder"), &path.file_name().expect("a name").to_string_lossy());
    }

    fn copy(&self, from: &str, file: &str) {
        std::fs::copy(goldens().join(from), self.path(file)).expect("copied");
    }

    fn library(&self) -> Library {
        Library::read(&self.data()).expect("a library")
    }
}

fn small(name: &str, shape: &[usize]) -> SingleFile {
    let values: usize = shape.iter().product();
    SingleFile::default().with(name, Dtype::F16, shape, &vec![0; values * 2])
}

fn item<'a>(library: &'a Library, name: &str) -> &'a Item {
    library.items().iter().find(|item| item.name == name).unwrap_or_else(|| panic!("{name} is listed"))
}

#[test]
fn everything_in_a_folder_is_listed_by_what_it_is() {
    let person = Person::new();
    let library = person.library();
    let told: Vec<(Kind, &str, bool)> =
        library.items().iter().map(|item| (item.kind, item.name.as_str(), item.problem.is_none())).collect();
    assert_eq!(
        told,
        [
            (Kind::Checkpoint, "bare", true),
            (Kind::Checkpoint, "flux", false),
            (Kind::Checkpoint, "mix", true),
            (Kind::Checkpoint, "zork XL", true),
            (Kind::Lora, "fox", true),
            (Kind::Lora, "page", false),
            (Kind::Embedding, "old", false),
            (Kind::Embedding, "quill", true),
            (Kind::ControlNet, "depth-sd15", true),
            (Kind::ControlNet, "edges", true),
            (Kind::ControlNet, "lllite", false),
            (Kind::Vae, "soft", true),
        ]
    );
    let problem = |name| item(&library, name).problem.clone().expect("a reason");
    assert!(problem("flux").contains("Flux is not supported"), "{}", problem("flux"));
    assert!(problem("lllite").contains("ControlNet-LLLite"), "{}", problem("lllite"));
    assert!(problem("old").contains("pickle"), "{}", problem("old"));
    assert!(problem("page").starts_with("is a web page"), "{}", problem("page"));
    assert_eq!(item(&library, "quill").family.as_deref(), Some("Stable Diffusion 1"));
    assert_eq!(item(&library, "edges").family.as_deref(), Some("Stable Diffusion 1"));
    assert!(item(&library, "bare").about.contains("without"), "{}", item(&library, "bare").about);
    assert_eq!(item(&library, "fox").words, ["zorkfox", "snow", "a fox"]);
    assert_eq!(item(&library, "mix").path, person.path("checkpoints/mix.safetensors"));
}

#[test]
fn a_model_is_found_by_its_name_or_a_part_that_no_other_has() {
    let person = Person::new();
    let library = person.library();
    let find = |name: &str| library.find(&[Kind::Checkpoint], name);
    let named = |name: &str| find(name).expect("not several").map(|item| item.name.clone());
    assert_eq!(named("mix").as_deref(), Some("mix"));
    assert_eq!(named("ZORK xl").as_deref(), Some("zork XL"));
    assert_eq!(named("zork").as_deref(), Some("zork XL"));
    assert_eq!(named("xl/zork XL").as_deref(), Some("zork XL"));
    assert_eq!(named("checkpoints/mix.safetensors").as_deref(), Some("mix"));
    assert_eq!(named("fox"), None, "a LoRA is no checkpoint");
    assert_eq!((named(""), named("gone")), (None, None));
    // "mix" names one whole, and part of two.
    person.write("checkpoints/mixture.safetensors", &SingleFile::of("sd1"));
    let library = person.library();
    let find = |name: &str| library.find(&[Kind::Checkpoint], name);
    assert_eq!(find("mix").expect("the whole name").expect("found").name, "mix");
    let error = find("mi").expect_err("two").to_string();
    assert_eq!(error, "mi: could be any of: mix, mixture; give more of its name, or its path");
    // Twins are named by their paths.
    person.write("checkpoints/xl/mix.safetensors", &SingleFile::of("sd1"));
    let error = person.library().find(&[Kind::Checkpoint], "mix").expect_err("two").to_string();
    assert!(error.matches("mix.safetensors").count() == 2, "{error}");
}

/// Gives a file a time of its own.
fn age(path: &Path, seconds: u64) {
    let file = std::fs::File::options().write(true).open(path).expect("there");
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).expect("set");
}

#[test]
fn what_was_seen_is_remembered_until_a_file_changes() {
    let person = Person::new();
    let (data, fox) = (person.data(), person.path("loras/fox.safetensors"));
    age(&fox, 1_000_000);
    let first = person.library();
    assert_eq!(Library::remembered(&data).expect("read").items(), first.items());
    // A file of the same size and time is not read again, so that what was seen stands.
    let length = std::fs::metadata(&fox).expect("there").len();
    std::fs::write(&fox, vec![b'<'; usize::try_from(length).expect("small")]).expect("written");
    age(&fox, 1_000_000);
    assert_eq!(person.library().items(), first.items());
    age(&fox, 2_000_000);
    assert!(item(&person.library(), "fox").problem.is_some());

    // A hash stays as long as the file does, whatever is written beside it.
    person.copy("lora/eps_kohya.safetensors", "loras/fox.safetensors");
    age(&fox, 3_000_000);
    person.library();
    Library::keep_hash(&data, &fox, &"ab".repeat(32));
    std::fs::write(person.path("loras/fox.civitai.info"), r#"{"baseModel": "Pony", "trainedWords": ["red fox"]}"#)
        .expect("written");
    std::fs::write(person.path("loras/fox.preview.png"), "a picture").expect("written");
    let library = person.library();
    let seen = item(&library, "fox");
    assert_eq!((seen.hash(), seen.base.as_deref()), (Some("ababababab"), Some("Pony")));
    assert_eq!(seen.words, ["red fox"]);
    assert_eq!(seen.picture.as_deref(), Some(person.path("loras/fox.preview.png").as_path()));
    assert!(seen.matches("FOX pony") && seen.matches("red") && seen.matches("ababab") && !seen.matches("red wolf"));
    age(&fox, 4_000_000);
    assert_eq!(item(&person.library(), "fox").hash(), None);

    // A damaged index is made anew; what was taken away is not there any more.
    std::fs::write(data.join("models-seen.json"), "{").expect("written");
    std::fs::remove_file(&fox).expect("removed");
    assert_eq!(person.library().items().len(), first.items().len() - 1);
    Catalogue::open(&data).expect("read").remove("ComfyUI").expect("removed");
    assert!(person.library().items().is_empty() && Library::remembered(&data).expect("read").items().is_empty());
}

#[test]
fn one_file_and_its_folder_are_one_entry_with_the_name_given() {
    let person = Person::new();
    let mut catalogue = Catalogue::open(&person.data()).expect("read");
    let vae = catalogue.add(&person.path("vae/soft.safetensors")).expect("an autoencoder can be added").clone();
    assert_eq!((vae.kind, vae.name.as_str()), (Kind::Vae, "soft"));
    let library = person.library();
    assert_eq!(library.items().iter().filter(|item| item.name == "soft").count(), 1);
    // Two folders of one name.
    let other = person.folder.path().join("other/ComfyUI/models/loras");
    std::fs::create_dir_all(&other).expect("made");
    std::fs::copy(goldens().join("lora/eps_peft.safetensors"), other.join("peft.safetensors")).expect("copied");
    let entry = catalogue.add(&person.folder.path().join("other/ComfyUI/models")).expect("added").clone();
    assert!(entry.kind == Kind::Folder && entry.name.ends_with("models"), "{}", entry.name);
    assert!(catalogue.add(&person.folder.path().join("other/ComfyUI/models")).is_err(), "added already");
    assert_eq!(person.library().items().len(), library.items().len() + 1);
}

#[test]
fn metadata_inside_a_file_names_its_model_and_its_words() {
    let person = Person::new();
    let mut file = SingleFile::of("sd1");
    let add = |file: &mut SingleFile, key: &str, value: &str| {
        file.metadata.insert(key.to_owned(), value.to_owned());
    };
    add(&mut file, "modelspec.trigger_phrase", "zork style");
    add(&mut file, "modelspec.architecture", "stable-diffusion-v1");
    add(&mut file, "modelspec.thumbnail", "data:image/jpeg;base64,AAAA");
    person.write("checkpoints/told.safetensors", &file);
    let library = person.library();
    let told = item(&library, "told");
    assert_eq!(
        (told.words.as_slice(), told.base.as_deref()),
        (&["zork style".to_owned()][..], Some("stable-diffusion-v1"))
    );
    assert!(told.has_picture_inside && told.picture_inside().expect("read").is_some_and(|url| url.ends_with("AAAA")));
}

#[test]
fn thousands_of_files_are_listed_and_remembered() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, models) = (folder.path().join("data"), folder.path().join("models"));
    let one = small("emb_params", &[2, 768]).write(folder.path(), "one.safetensors");
    for group in 0..30 {
        let within = models.join(format!("embeddings/{group}"));
        std::fs::create_dir_all(&within).expect("made");
        for at in 0..100 {
            std::fs::copy(&one, within.join(format!("quill {group} {at}.safetensors"))).expect("copied");
        }
    }
    Catalogue::open(&data).expect("none yet").add(&models).expect("added");
    let library = Library::read(&data).expect("a library");
    assert_eq!(library.items().len(), 3000);
    assert!(library.items().iter().all(|item| item.kind == Kind::Embedding && item.problem.is_none()));
    // What was seen is there without a look at any file.
    std::fs::remove_dir_all(&models).expect("removed");
    assert_eq!(Library::remembered(&data).expect("a library").items(), library.items());
    assert!(Library::read(&data).expect("a library").items().is_empty());
}

#[test]
fn what_a_lora_brings_along_is_among_the_words_that_call_it_up() {
    let person = Person::new();
    let lora = |name: &str| {
        let layer = "lora_unet_time_embedding_linear_1";
        let lora = SingleFile::default()
            .with(&format!("{layer}.lora_up.weight"), Dtype::F16, &[128, 1], &[0; 256])
            .with(&format!("{layer}.lora_down.weight"), Dtype::F16, &[1, 32], &[0; 64])
            .with("bundle_emb.Quill.emb_params", Dtype::F16, &[2, 768], &[0; 3072]);
        person.write(name, &lora);
    };
    lora("loras/style.safetensors");
    lora("loras/said.safetensors");
    std::fs::write(person.path("loras/said.civitai.info"), r#"{"trainedWords": ["in ink"]}"#).expect("written");
    let library = person.library();
    assert_eq!(item(&library, "style").words, ["Quill"]);
    assert_eq!(item(&library, "said").words, ["in ink", "Quill"]);
    assert_eq!(person.library().items(), library.items(), "and so they are remembered");
}
