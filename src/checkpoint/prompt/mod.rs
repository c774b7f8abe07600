//! The language of prompts, as the web UIs and ComfyUI read it.
//!
//! A prompt is read in three steps: [`schedule`] finds prompts that are joined by AND, and words that change as steps pass;
//! [`emphasis`] finds the weight of words; [`chunks`] cuts tokens into pieces that a text encoder reads one at a time. LoRAs that
//! a prompt names are taken out before ([`tags`]).

pub mod chunks;
pub mod emphasis;
pub mod groups;
pub mod schedule;
pub mod tags;

/// The program whose reading of a prompt is followed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Rule {
    /// AUTOMATIC1111's web UI and Forge. Weights multiply token states, whose mean is then restored; nested weights multiply.
    #[default]
    WebUi,
    /// ComfyUI. Weights move token states away from those of the empty prompt; a number replaces the weight around it.
    Comfy,
}

/// The way a prompt is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Reading {
    /// Its language.
    pub rule: Rule,
    /// The text encoder's output that is taken, from the end: 1 is the last one. `None` is the family's own.
    pub clip_skip: Option<u32>,
}

/// A prompt's words alone.
#[must_use]
pub fn words(prompt: &str, rule: Rule) -> String {
    let words = |piece| match piece {
        emphasis::Piece::Words { text, .. } => text,
        emphasis::Piece::Break => " ".to_owned(),
    };
    emphasis::parse(&schedule::first(&tags::without(prompt), rule), rule).into_iter().map(words).collect()
}
