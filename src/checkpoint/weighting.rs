//! Prompt weighting in the web UIs' form: `(words:1.3)`.
//!
//! Only parentheses that end with a colon and a number are weighting; all others are plain text. Nested weights multiply.

use std::ops::RangeInclusive;

/// The range of weights. Numbers outside are plain text.
pub const WEIGHTS: RangeInclusive<f32> = 0.0..=4.0;

/// A prompt without its weighting, and the weight of each of its bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighted {
    /// The text without weighting.
    pub text: String,
    /// One weight for every byte of `text`.
    pub weights: Vec<f32>,
}

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

/// Separates a prompt's text from its weighting.
#[must_use]
pub fn parse(prompt: &str) -> Weighted {
    let groups = groups(prompt);
    let (mut opens, mut colons) = (groups.clone(), groups);
    opens.sort_by_key(|group| std::cmp::Reverse(group.open));
    colons.sort_by_key(|group| std::cmp::Reverse(group.colon));
    let (mut text, mut weights) = (String::with_capacity(prompt.len()), Vec::with_capacity(prompt.len()));
    let mut stack = vec![1.0_f32];
    let mut skip_to = 0;
    for (at, c) in prompt.char_indices() {
        if at < skip_to {
            continue;
        }
        if opens.last().is_some_and(|group| group.open == at) {
            let outer = stack.last().copied().unwrap_or(1.0);
            stack.push(outer * opens.pop().map_or(1.0, |group| group.weight));
        } else if colons.last().is_some_and(|group| group.colon == at) {
            stack.pop();
            skip_to = colons.pop().map_or(0, |group| group.close + 1);
        } else {
            text.push(c);
            weights.resize(text.len(), stack.last().copied().unwrap_or(1.0));
        }
    }
    Weighted { text, weights }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs of one weight.
    fn runs(prompt: &str) -> Vec<(String, f32)> {
        let Weighted { text, weights } = parse(prompt);
        assert_eq!(text.len(), weights.len());
        let mut runs: Vec<(String, f32)> = Vec::new();
        for (at, c) in text.char_indices() {
            match runs.last_mut() {
                Some((run, weight)) if weight.to_bits() == weights[at].to_bits() => run.push(c),
                _ => runs.push((c.to_string(), weights[at])),
            }
        }
        runs
    }

    #[test]
    fn only_parentheses_with_a_number_weigh() {
        let run = |text: &str, weight| (text.to_owned(), weight);
        assert_eq!(runs("a (red roof:1.2), lit"), [run("a ", 1.0), run("red roof", 1.2), run(", lit", 1.0)]);
        assert_eq!(runs("(größe: 0.5 )"), [run("größe", 0.5)]);
        assert_eq!(runs("((a:2) b:1.5)"), [run("a", 3.0), run(" b", 1.5)]);
        assert_eq!(runs("(one: two:1.5)"), [run("one: two", 1.5)]);
        for plain in
            ["(a photo)", ":) (", "(x:y)", "(:1.2)", "(a:1.2", "a:1.2)", "(a:9)", "(a:-1)", "(a:nan)", "()", "(a:)"]
        {
            assert_eq!(runs(plain), [run(plain, 1.0)], "{plain}");
        }
        assert_eq!(runs("(a (b) c:2)"), [run("a (b) c", 2.0)]);
    }

    #[test]
    fn hostile_depth_costs_little() {
        let deep = format!("{}a{}", "(".repeat(10_000), ":1.0)".repeat(4_000));
        assert!(parse(&deep).text.len() < deep.len());
    }
}
