//! Groups of words with a number, `(words:1.3)`, by their places: what the window's keys change.

use std::ops::RangeInclusive;

/// The range of weights that the window sets.
pub const WEIGHTS: RangeInclusive<f32> = 0.0..=4.0;

/// A weighted group of a prompt. Positions are in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Group {
    /// Its opening parenthesis.
    pub open: usize,
    /// The colon before its number.
    pub colon: usize,
    /// Its closing parenthesis.
    pub close: usize,
    /// Its number.
    pub weight: f32,
}

/// The weighted groups of a prompt, in the order in which they close.
#[must_use]
pub fn groups(prompt: &str) -> Vec<Group> {
    let (mut opened, mut found) = (Vec::new(), Vec::new());
    for (at, c) in prompt.char_indices() {
        match c {
            // The last colon since it opened: a parenthesis within begins anew.
            '(' => opened.push((at, None)),
            ':' => {
                if let Some((_, colon)) = opened.last_mut() {
                    *colon = Some(at);
                }
            }
            ')' => {
                let Some((open, Some(colon))) = opened.pop() else { continue };
                let weight = prompt.get(colon + 1..at).and_then(|number| number.trim().parse::<f32>().ok());
                let says = prompt.get(open + 1..colon).is_some_and(|words| !words.trim().is_empty());
                if let Some(weight) = weight.filter(|weight| says && WEIGHTS.contains(weight)) {
                    found.push(Group { open, colon, close: at, weight });
                }
            }
            _ => {}
        }
    }
    found
}
