use super::*;
use crate::app::text::errors::files::{mask_note, problem};
use crate::app::text::i18n::{Language, speak};
use crate::document::{FileError, MaskNote, Problem};
use crate::studio::{
    Axis, CheckpointError, DrawError, Failure, LeftOut, LoadError, PaintError, PartName, PassedOver, Reason,
    ScheduleError, Warning,
};
use std::path::Path;

/// One of every kind.
fn problems() -> Vec<Problem> {
    let io = || Error::from(ErrorKind::StorageFull);
    let text = || "why".to_owned();
    vec![
        Problem::Read(Error::from(ErrorKind::NotFound)),
        Problem::Write(io()),
        Problem::Stream(io()),
        Problem::OutputIsInput,
        Problem::OutputTwice,
        Problem::OutputIsFolder,
        Problem::NoFolder("pictures".to_owned()),
        Problem::Protected,
        Problem::NoOutput,
        Problem::Ending(".png".to_owned()),
        Problem::UnknownKind,
        Problem::OtherMimetype("application/epub".to_owned()),
        Problem::Zip(text()),
        Problem::DuplicateEntries,
        Problem::TooManyEntries(7, 5),
        Problem::MissingEntry("stack.xml".to_owned()),
        Problem::EntryTooLarge { entry: "data/0.png".to_owned(), limit: 9 },
        Problem::Stack(text()),
        Problem::Json(text()),
        Problem::Newer { found: 9, known: 1 },
        Problem::Canvas { width: 1, height: 99_999 },
        Problem::TooManyLayers { layers: 999, width: 8, height: 16 },
        Problem::PictureTooLarge { entry: "the picture".to_owned(), width: 8, height: 16 },
        Problem::Picture { entry: "the picture".to_owned(), reason: text() },
        Problem::Regions(text()),
        Problem::NotAPicture,
        Problem::DamagedPicture(text()),
        Problem::ShadedMap,
        Problem::MapColours,
        Problem::ClearMap,
        Problem::MaskSize { width: 1, height: 2, canvas_width: 3, canvas_height: 4 },
        Problem::NoProject,
        Problem::Embedded(text()),
        Problem::TooLargeToEmbed(8, 7),
        Problem::TooMuchText(8, 7),
        Problem::MaskMismatch { number: 1, width: 2, height: 3 },
        Problem::PaintMismatch { width: 2, height: 3 },
        Problem::StartMismatch { width: 2, height: 3 },
    ]
}

fn mask_notes() -> [MaskNote; 5] {
    let (classes, faint) = (MaskNote::Classes { brightest: 3 }, MaskNote::Faint { brightest: 9 });
    [MaskNote::ByBrightness, MaskNote::ByAlpha, MaskNote::SixteenBits, classes, faint]
}

fn failures() -> Vec<Failure> {
    let file = || "models/sd15".to_owned();
    let checkpoint = |error| Failure::Load(LoadError::Checkpoint(error));
    let mut failures = vec![
        checkpoint(CheckpointError::Unreadable { file: file(), source: Error::from(ErrorKind::PermissionDenied) }),
        checkpoint(CheckpointError::Pickle { file: file() }),
        checkpoint(CheckpointError::Unsupported { file: file(), what: "SDXL is".to_owned() }),
        Failure::Draw(DrawError::Schedule(ScheduleError::Steps { steps: 2000, most: 1000 })),
        Failure::Draw(DrawError::Paint(PaintError::NotFinite { step: 3, steps: 9 })),
        Failure::Draw(DrawError::Paint(PaintError::Network("broken".into()))),
        Failure::Draw(DrawError::Words("broken".into())),
        Failure::Draw(DrawError::Decode("broken".into())),
        Failure::Draw(DrawError::Controls(LoadError::NoControls)),
        Failure::Draw(DrawError::NotFinite),
        Failure::Draw(DrawError::NoMemory { operator: "conv2d", wanted: 3_440_000_000, allowed: 2_000_000_000 }),
        Failure::Fault,
    ];
    failures.extend(making::REMEDIES.into_iter().flat_map(|remedy| {
        let fact = || "is not what it should be".to_owned();
        [
            checkpoint(CheckpointError::Missing { file: file(), remedy }),
            checkpoint(CheckpointError::Invalid { file: file(), fact: fact(), remedy }),
        ]
    }));
    failures
}

fn passed_over(reason: Reason) -> Warning {
    Warning::PassedOver(PassedOver { card: "GeForce".to_owned(), reason })
}

fn warnings() -> Vec<Warning> {
    let mut warnings = vec![
        Warning::NothingMayChange,
        Warning::RegionLorasLeftOut,
        Warning::UnknownLora { name: "soft".to_owned() },
        Warning::WindowCut { window: 96, width: 64, height: 48 },
        Warning::StrideCut { stride: 48, window: 64, used: 32 },
        Warning::GuidanceIsRead,
        Warning::NoGuidance,
        Warning::NothingToReuse,
        Warning::LoraInPart {
            file: "soft.safetensors".to_owned(),
            left_out: 3,
            layers: 90,
            names: "lora_unet_a, lora_unet_b, …".to_owned(),
        },
        passed_over(Reason::Wrong("conv2d in f32".to_owned())),
        passed_over(Reason::Unopened("out of memory".to_owned())),
        passed_over(Reason::Lost),
        Warning::ControlsLeftOut,
        Warning::NoClass { region: "Sun".to_owned() },
        Warning::EmptySpan { region: "Sun".to_owned() },
        Warning::EmbeddingLeftOut(LeftOut::Unknown("quill".to_owned())),
        Warning::EmbeddingLeftOut(LeftOut::Family {
            file: "quill.safetensors".to_owned(),
            family: "Stable Diffusion 1".to_owned(),
        }),
        Warning::EmbeddingLeftOut(LeftOut::Unusable("quill.pt: is a Python pickle".to_owned())),
        Warning::PartTaken { part: PartName::Vae, file: "base.safetensors".to_owned() },
        Warning::PartTaken { part: PartName::TextEncoder, file: "base.safetensors".to_owned() },
        Warning::PartTaken { part: PartName::TextEncoder2, file: "base.safetensors".to_owned() },
        Warning::DrawnInF32,
        Warning::ShortOfMemory,
        Warning::ThinRegion { region: "Sun".to_owned(), pixels: 16, few_steps: true },
        Warning::ThinRegion { region: "Sun".to_owned(), pixels: 16, few_steps: false },
    ];
    for (axis, wrapped) in [(Axis::Width, false), (Axis::Width, true), (Axis::Height, false), (Axis::Height, true)] {
        warnings.push(Warning::OffGrid { axis, pixels: 509, grid: 8, whole: 512, wrapped });
    }
    warnings
}

/// Every message with what is told of it.
fn all() -> Vec<(String, String)> {
    let problems = problems().into_iter().map(|p| (p.to_string(), problem(&p)));
    let failures = failures().into_iter().map(|f| (f.to_string(), failure(&f)));
    let warnings = warnings().into_iter().map(|w| (w.to_string(), warning(&w)));
    let notes = mask_notes().into_iter().map(|n| (n.to_string(), mask_note(n)));
    problems.chain(failures).chain(warnings).chain(notes).collect()
}

#[test]
fn in_english_everything_is_told_as_the_layers_below_say_it() {
    speak(Language::English);
    for (said, told) in all() {
        assert_eq!(said, told);
    }
}

#[test]
fn in_other_languages_nothing_is_told_in_english() {
    for language in [Language::German, Language::Chinese] {
        speak(language);
        for (said, told) in all() {
            assert_ne!(said, told, "{language:?}");
            assert_eq!(told.lines().count(), 1, "{told}");
            assert!(!told.contains('{'), "{told}");
        }
    }
    speak(Language::English);
}

#[test]
fn a_file_is_named_and_what_the_system_says_is_told() {
    speak(Language::German);
    let error = FileError::new(Path::new("/a/lake.ora"), Problem::Read(Error::from(ErrorKind::NotFound)));
    let told = file_error(&error);
    assert!(told.starts_with("/a/lake.ora: ") && told.contains("gibt es nicht"), "{told}");
    speak(Language::English);
}
