//! Fields whose successive changes are one undo step.

use super::Selected;
use crate::app::text::i18n::key;
use crate::document::{MAX_LORAS, MergeKey, RegionId};

/// A field whose successive changes are one undo step, until another field is changed or the step is closed.
#[expect(missing_docs, reason = "each is named after the field of the document")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    Style,
    Name(Selected),
    Words(Selected),
    Negative(Selected),
    Bootstrap(RegionId),
    Colour(RegionId),
    StartColour(Selected),
    PaintShare,
    Feather(RegionId),
    Weight(RegionId),
    OwnGuidance(RegionId),
    OwnSeed(RegionId),
    Span(RegionId),
    Reroll(RegionId),
    Steps,
    Guidance,
    GuidanceSpan,
    Reuse,
    Seed,
    Sampler,
    Regions,
    Schedule,
    Overlap,
    WindowWeights,
    PromptRule,
    ClipSkip,
    Prediction,
    Surround,
    Wrap,
    Stride,
    Strength,
    StartArea,
    Model,
    Vae,
    Fallback,
    /// The list of LoRAs.
    Loras,
    /// The weight of one, by its place in the list.
    LoraWeight(usize),
    /// The list of LoRAs of one part of the picture.
    OwnLoras(Selected),
    /// The weight of one of those, by its place in the list.
    OwnLoraWeight(Selected, usize),
    /// The lists of ControlNets, and what each follows.
    Controls,
    /// The weight of one, by the number of its place.
    ControlWeight(u32),
    /// The part of the work in which one counts.
    ControlSpan(u32),
}

impl Field {
    /// The key that joins its changes, and the label of the undo step.
    pub(super) fn key(self) -> (MergeKey, &'static str) {
        let of = |selected| match selected {
            Selected::Background => 0,
            Selected::Region(RegionId(id)) => id,
        };
        let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        let (label, id) = match self {
            Self::Style => (key("Style"), 0),
            Self::Name(selected) => (key("Rename"), of(selected)),
            Self::Words(selected) => (key("Words"), of(selected)),
            Self::Negative(selected) => (key("Words to leave out"), of(selected)),
            Self::Bootstrap(RegionId(id)) => (key("Blend or hold shape"), id),
            Self::Colour(RegionId(id)) => (key("Colour"), id),
            Self::StartColour(selected) => (key("Start colour"), of(selected)),
            Self::PaintShare => (key("Paint is held"), 0),
            Self::Feather(RegionId(id)) => (key("Soft edge"), id),
            Self::Weight(RegionId(id)) => (key("Strength"), id),
            Self::OwnGuidance(RegionId(id)) => (key("Guidance of the region"), id),
            Self::OwnSeed(RegionId(id)) => (key("Seed of the region"), id),
            Self::Span(RegionId(id)) => (key("When the region takes part"), id),
            Self::Reroll(RegionId(id)) => (key("Draw again"), id),
            Self::Steps => (key("Steps"), 0),
            Self::Guidance => (key("Guidance"), 0),
            Self::GuidanceSpan => (key("When guidance counts"), 0),
            Self::Reuse => (key("Reuse"), 0),
            Self::Seed => (key("Seed"), 0),
            Self::Sampler => (key("Sampler"), 0),
            Self::Regions => (key("Hold or hint shapes"), 0),
            Self::Schedule => (key("Schedule"), 0),
            Self::Overlap => (key("Overlaps"), 0),
            Self::WindowWeights => (key("Windows"), 0),
            Self::PromptRule => (key("Emphasis"), 0),
            Self::ClipSkip => (key("Clip skip"), 0),
            Self::Prediction => (key("Prediction"), 0),
            Self::Surround => (key("What is around regions"), 0),
            Self::Wrap => (key("Edges"), 0),
            Self::Stride => (key("Stride"), 0),
            Self::Strength => (key("Strength"), 0),
            Self::StartArea => (key("What may change"), 0),
            Self::Model => (key("Model"), 0),
            Self::Vae => (key("VAE"), 0),
            Self::Fallback => (key("Missing parts"), 0),
            Self::Loras => (key("LoRAs"), 0),
            Self::LoraWeight(index) => (key("Weight of a LoRA"), number(index)),
            Self::OwnLoras(selected) => (key("LoRAs of the region"), of(selected)),
            Self::OwnLoraWeight(selected, index) => {
                let joined = of(selected).wrapping_mul(number(MAX_LORAS)).wrapping_add(number(index));
                (key("Weight of a LoRA of the region"), joined)
            }
            Self::Controls => (key("ControlNets"), 0),
            Self::ControlWeight(number) => (key("Strength of a ControlNet"), number),
            Self::ControlSpan(number) => (key("When a ControlNet counts"), number),
        };
        (MergeKey(label, id), label)
    }
}
