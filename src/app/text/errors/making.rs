//! Failures of jobs and warnings of finished pictures, in the window's language.

use super::system;
use crate::app::text::format::decimal;
use crate::app::text::i18n::{fill, tr};
use crate::studio::{
    Axis, CheckpointError, DrawError, Failure, LeftOut, LoadError, PaintError, PartName, PassedOver, Reason,
    ScheduleError, Warning, gigabytes,
};

/// Remedies for a checkpoint's problems, as its errors say them.
#[cfg(test)]
pub(super) const REMEDIES: [&str; 25] = {
    use crate::app::text::i18n::key;
    [
        key("fetch it again"),
        key("fetch it again (as a .safetensors file)"),
        key("get the whole checkpoint in the diffusers layout"),
        key("give `embedded`, a .safetensors file or a folder in the diffusers layout"),
        key("give a .safetensors file or a folder in the diffusers layout"),
        key("get the checkpoint as .safetensors"),
        key("give a checkpoint of Stable Diffusion 1, 2 or XL"),
        key("give a checkpoint, and this file beside it as `CHECKPOINT + FILE`"),
        key("name a file or folder that has it as well: `FILE + OTHER`"),
        key("give the folder that holds unet, vae, text_encoder and tokenizer"),
        key("use UNet and text encoder of one checkpoint"),
        key("take missing parts from a checkpoint of the model's own family"),
        key("put it back, or remove this LoRA"),
        key("get the LoRA as .safetensors"),
        key("choose a LoRA, a .safetensors file of its own kind"),
        key("use a LoRA, LoCon, LoHa, LoKr, DoRA, GLoRA or IA³"),
        key("choose a LoRA of the checkpoint's family"),
        key("put it back, or remove this ControlNet"),
        key("choose a ControlNet for Stable Diffusion 1, 2 or XL"),
        key("choose a ControlNet, a .safetensors file of its own kind"),
        key("give a ControlNet's .safetensors file, or the folder that holds it and its config.json"),
        key("choose a ControlNet of the checkpoint's family"),
        key("choose one that was made for this checkpoint"),
        key("choose another ControlNet"),
        key("add it to the ControlNets under Advanced, or with --control"),
    ]
};

/// The reason why a job ended without a picture, in one line.
#[must_use]
pub(crate) fn failure(failure: &Failure) -> String {
    if let Failure::Draw(DrawError::NoMemory { operator, wanted, allowed }) = failure {
        let [wanted, allowed] = [wanted, allowed].map(|bytes| decimal(gigabytes(*bytes), 2));
        return fill(
            "there is not enough memory for {0}: with one thing at a time it takes at least {1} GB, and {2} GB may be used \
             here; close other programs, choose a smaller model, or draw with the processor",
            &[operator, &wanted, &allowed],
        );
    }
    if let Some(operator) = failure.out_of_memory() {
        return fill(
            "There is not enough memory for this picture ({0}). Make the canvas smaller, or close other programs.",
            &[&operator],
        );
    }
    match failure {
        Failure::Load(error) | Failure::Draw(DrawError::Loras(error)) => load(error),
        Failure::Draw(error) => draw(error),
        Failure::Fault => {
            fill("the drawing stopped by a fault in the program; the document is unharmed, try again", &[])
        }
    }
}

fn load(error: &LoadError) -> String {
    match error {
        LoadError::Checkpoint(error) => checkpoint(error),
        LoadError::NoLoras => tr("this model takes no LoRAs; remove them").to_owned(),
        LoadError::NoControls => tr("this model takes no ControlNets; remove them").to_owned(),
        error @ (LoadError::Schedule { .. } | LoadError::Dtype(_)) => error.to_string(),
    }
}

/// The reason why a model's file cannot be used, in one line.
#[must_use]
pub(crate) fn checkpoint(error: &CheckpointError) -> String {
    match error {
        CheckpointError::Missing { file, remedy } => {
            fill("{0}: there is no such file or folder; {1}", &[file, &tr(remedy)])
        }
        CheckpointError::Unreadable { file, source } => {
            fill("{0}: cannot be read ({1}); check the disk and the permissions", &[file, &system(source)])
        }
        CheckpointError::Pickle { file } => fill(
            "{0}: is a Python pickle, which can run code and is never read; \
             get the checkpoint as .safetensors",
            &[file],
        ),
        CheckpointError::Unsupported { file, what } => {
            fill("{0}: {1} not supported yet; give a checkpoint of Stable Diffusion 1, 2 or XL", &[file, what])
        }
        // The facts are those of file formats.
        CheckpointError::Invalid { file, fact, remedy } => format!("{file}: {fact}; {}", tr(remedy)),
        other => other.to_string(),
    }
}

fn draw(error: &DrawError) -> String {
    match error {
        DrawError::Schedule(ScheduleError::Steps { steps, most }) => {
            fill("{0} steps are not possible with this sampler and checkpoint; choose 1 to {1}", &[steps, most])
        }
        DrawError::Paint(PaintError::NotFinite { step, steps }) => fill(
            "the picture stopped being a number at step {0} of {1}; try a lower guidance or another checkpoint",
            &[step, steps],
        ),
        DrawError::Paint(PaintError::Network(error)) => fill("the network failed: {0}", &[error]),
        DrawError::Controls(LoadError::Checkpoint(error)) => checkpoint(error),
        DrawError::Controls(LoadError::NoControls) => tr("this model takes no ControlNets; remove them").to_owned(),
        DrawError::Words(error) => fill("the words could not be read: {0}", &[error]),
        DrawError::NotFinite => fill("the decoder's picture is not a number; try another checkpoint", &[]),
        DrawError::Decode(error) => fill("the picture could not be decoded: {0}", &[error]),
        other => other.to_string(),
    }
}

/// The text of a warning about a picture, in one line.
#[must_use]
pub(crate) fn warning(warning: &Warning) -> String {
    match warning {
        Warning::NothingMayChange => fill("nothing of the picture to start from may change, so it stays as it is", &[]),
        Warning::OffGrid { axis, pixels, grid, whole, wrapped } => {
            let below = whole - grid;
            let values: [&dyn std::fmt::Display; 4] = [pixels, grid, whole, &below];
            match (axis, wrapped) {
                (Axis::Width, false) => fill(
                    "the canvas is {0} pixels wide, which is off the grid of {1}: it is drawn {2} wide and cut; \
                     {3} or {2} would fit",
                    &values,
                ),
                (Axis::Width, true) => fill(
                    "the canvas is {0} pixels wide, which is off the grid of {1}: it is drawn {2} wide and cut, \
                     so the wrapped edges do not meet; {3} or {2} would fit",
                    &values,
                ),
                (Axis::Height, false) => fill(
                    "the canvas is {0} pixels high, which is off the grid of {1}: it is drawn {2} high and cut; \
                     {3} or {2} would fit",
                    &values,
                ),
                (Axis::Height, true) => fill(
                    "the canvas is {0} pixels high, which is off the grid of {1}: it is drawn {2} high and cut, \
                     so the wrapped edges do not meet; {3} or {2} would fit",
                    &values,
                ),
            }
        }
        Warning::WindowCut { window, width, height } => fill(
            "a window of {0} latent pixels is larger than the canvas of {1} × {2}; it is cut to the canvas",
            &[window, width, height],
        ),
        Warning::StrideCut { stride, window, used } => fill(
            "a stride of {0} is more than half the window of {1} and would show seams; {2} is used",
            &[stride, window, used],
        ),
        Warning::GuidanceIsRead => fill(
            "this model reads the guidance itself, so it counts in every step, whatever part of them is asked for",
            &[],
        ),
        Warning::NoGuidance => {
            fill("guidance is 1, which is none, so the part of the steps in which it counts changes nothing", &[])
        }
        Warning::NothingToReuse => fill("there is one step alone, so no step reuses the features of another", &[]),
        Warning::LoraInPart { file, left_out, layers, names } => fill(
            "{0}: {1} of its {2} layers fit nothing in this checkpoint and are left out: {3}",
            &[file, left_out, layers, names],
        ),
        Warning::UnknownLora { name } => {
            fill("the words name a LoRA “{0}”, which is not known here and is left out; add its file", &[name])
        }
        Warning::RegionLorasLeftOut => fill(
            "LoRAs of regions are left out, since regions held by attention share one pass; hold them by their shapes",
            &[],
        ),
        Warning::ControlsLeftOut => fill(
            "ControlNets count with MultiDiffusion only, so this picture of regions held by attention has none",
            &[],
        ),
        Warning::NoClass { region } => fill(
            "the words of region “{0}” name no kind of thing that segmentation maps know, so it is black there",
            &[region],
        ),
        Warning::EmptySpan { region } => {
            fill("region “{0}” ends before it starts and takes no part in the picture", &[region])
        }
        Warning::ThinRegion { region, pixels, few_steps: true } => fill(
            "region “{0}” is so thin that it may not show in so few steps; \
             paint it at least {1} pixels wide, or draw with the full model",
            &[region, pixels],
        ),
        Warning::ThinRegion { region, pixels, few_steps: false } => fill(
            "region “{0}” is so thin that it may not show with so little guidance; \
             paint it at least {1} pixels wide, or give more guidance",
            &[region, pixels],
        ),
        Warning::EmbeddingLeftOut(LeftOut::Unknown(name)) => fill(
            "there is no textual inversion “{0}”; put its file into a folder `embeddings` beside the model's folder",
            &[name],
        ),
        Warning::EmbeddingLeftOut(LeftOut::Family { file, family }) => {
            fill("{0}: is a textual inversion for {1}, which this checkpoint is not; it is left out", &[file, family])
        }
        Warning::EmbeddingLeftOut(LeftOut::Unusable(why)) => fill("{0}; it is left out", &[why]),
        Warning::PartTaken { part: PartName::Vae, file } => {
            fill("the model lacks the VAE, which is taken from {0}", &[file])
        }
        Warning::PartTaken { part: PartName::TextEncoder, file } => {
            fill("the model lacks the text encoder, which is taken from {0}", &[file])
        }
        Warning::PartTaken { part: PartName::TextEncoder2, file } => {
            fill("the model lacks a second text encoder, which is taken from {0}", &[file])
        }
        // (No other part is taken.)
        Warning::PartTaken { .. } => warning.to_string(),
        Warning::DrawnInF32 => fill(
            "the picture is too much for numbers of 16 bits, so it was drawn once more with 32, which takes longer",
            &[],
        ),
        Warning::ShortOfMemory => {
            fill("memory is short for this picture: it was drawn in smaller pieces, which takes longer", &[])
        }
        // The command line's alone.
        Warning::PassedOver(PassedOver { card, reason: Reason::Wrong(what) }) => {
            fill("{0} computes wrong ({1}) and is not drawn on; update its driver", &[card, what])
        }
        Warning::PassedOver(PassedOver { card, reason: Reason::Unopened(why) }) => {
            fill("{0} cannot be opened and is not drawn on: {1}", &[card, why])
        }
        Warning::PassedOver(PassedOver { card, reason: Reason::Lost }) => {
            fill("{0} was lost twice and is not drawn on until the program starts again", &[card])
        }
        Warning::LeftOutByReference(_) => warning.to_string(),
    }
}
