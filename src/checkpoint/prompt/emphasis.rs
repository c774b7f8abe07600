//! Words that count more or less: `(words)`, `(words:1.3)`, `[words]`.
//!
//! The web UI: each pair of parentheses multiplies the weight by 1.1 or by its number, each pair of brackets divides it by 1.1; one
//! that is not closed reaches to the end; a backslash makes a letter of what follows; BREAK begins a new chunk. ComfyUI: a pair of
//! parentheses multiplies by 1.1 or *sets* its number, brackets are letters, and so is what is not closed.

use super::Rule;

/// The factor of a pair of parentheses without a number.
const STEP: f32 = 1.1;

/// A piece of a prompt.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// Words of one weight.
    Words {
        /// Them, without what weighs them.
        text: String,
        /// Their weight; 1 is as usual.
        weight: f32,
    },
    /// The rest goes into a new chunk.
    Break,
}

/// The pieces of a prompt. Neighbours of one weight are one piece; an empty prompt has none.
#[must_use]
pub fn parse(prompt: &str, rule: Rule) -> Vec<Piece> {
    let pieces = match rule {
        Rule::WebUi => web_ui(prompt),
        Rule::Comfy => {
            let mut pieces = Vec::new();
            // Escaped parentheses are letters from the start.
            let letters: Vec<Letter> = letters(prompt);
            comfy(&letters, 1.0, &mut pieces, 0);
            pieces
        }
    };
    let mut merged: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match (merged.last_mut(), piece) {
            (Some(Piece::Words { text, weight }), Piece::Words { text: more, weight: same }) if *weight == same => {
                text.push_str(&more);
            }
            (_, Piece::Words { text, .. }) if text.is_empty() => {}
            (_, piece) => merged.push(piece),
        }
    }
    merged
}

/// The number after a colon as the web UI takes it: digits and points with a sign before them, blanks around.
fn number(text: &str) -> Option<f32> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if plain { text.parse().ok().filter(|weight: &f32| weight.is_finite()) } else { None }
}

fn web_ui(prompt: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let (mut round, mut square) = (Vec::new(), Vec::new());
    let mut rest = prompt;
    while let Some(first) = rest.chars().next() {
        let mut taken = first.len_utf8();
        match first {
            '\\' => {
                let next = rest.get(1..).and_then(|rest| rest.chars().next());
                if let Some(letter) = next.filter(|letter| "()[]\\".contains(*letter)) {
                    pieces.push(Piece::Words { text: letter.to_string(), weight: 1.0 });
                    taken += 1;
                }
            }
            '(' => round.push(pieces.len()),
            '[' => square.push(pieces.len()),
            ')' if !round.is_empty() => multiply(&mut pieces, round.pop(), STEP),
            ']' if !square.is_empty() => multiply(&mut pieces, square.pop(), STEP.recip()),
            ':' => {
                // `: number )` closes a parenthesis; without one open, all of it is letters.
                let end = rest.find(')').filter(|end| number(rest.get(1..*end).unwrap_or_default()).is_some());
                let weight = end.and_then(|end| number(rest.get(1..end)?));
                taken = end.map_or(1, |end| end + 1);
                match weight.filter(|_| !round.is_empty()) {
                    Some(weight) => multiply(&mut pieces, round.pop(), weight),
                    None => add_words(&mut pieces, rest.get(..taken).unwrap_or_default()),
                }
            }
            ')' | ']' => add_words(&mut pieces, rest.get(..1).unwrap_or_default()),
            _ => {
                taken = rest.find(['\\', '(', ')', '[', ']', ':']).unwrap_or(rest.len());
                add_words(&mut pieces, rest.get(..taken).unwrap_or_default());
            }
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    round.into_iter().for_each(|from| multiply(&mut pieces, Some(from), STEP));
    square.into_iter().for_each(|from| multiply(&mut pieces, Some(from), STEP.recip()));
    pieces
}

/// Multiplies the weights of all pieces from `from` on.
fn multiply(pieces: &mut [Piece], from: Option<usize>, factor: f32) {
    for piece in from.and_then(|from| pieces.get_mut(from..)).into_iter().flatten() {
        if let Piece::Words { weight, .. } = piece {
            *weight *= factor;
        }
    }
}

/// Adds words, cut at every BREAK that is a word of its own; blanks around it go too.
fn add_words(pieces: &mut Vec<Piece>, text: &str) {
    const BREAK: &str = "BREAK";
    let within_word = |c: char| c.is_alphanumeric() || c == '_';
    let words = |text: &str| Piece::Words { text: text.to_owned(), weight: 1.0 };
    let mut start = 0;
    let mut breaks = Vec::new();
    for (at, _) in text.match_indices(BREAK) {
        let (before, after) = text.split_at(at);
        let after = after.get(BREAK.len()..).unwrap_or_default();
        if !before.ends_with(within_word) && !after.starts_with(within_word) {
            breaks.push(start..before.trim_end().len().max(start));
            start = text.len() - after.trim_start().len();
        }
    }
    for before in breaks {
        pieces.extend([words(text.get(before).unwrap_or_default()), Piece::Break]);
    }
    pieces.push(words(text.get(start..).unwrap_or_default()));
}

/// A letter of a prompt for ComfyUI; one that was escaped weighs nothing.
#[derive(Clone, Copy, PartialEq)]
struct Letter {
    letter: char,
    plain: bool,
}

fn letters(prompt: &str) -> Vec<Letter> {
    let mut letters = Vec::with_capacity(prompt.len());
    let mut rest = prompt.chars().peekable();
    while let Some(letter) = rest.next() {
        match rest.peek() {
            Some(&escaped @ ('(' | ')')) if letter == '\\' => {
                letters.push(Letter { letter: escaped, plain: true });
                rest.next();
            }
            _ => letters.push(Letter { letter, plain: !matches!(letter, '(' | ')') }),
        }
    }
    letters
}

/// Parentheses within each other at most; what is deeper is letters.
const DEEPEST: usize = 200;

fn comfy(text: &[Letter], weight: f32, pieces: &mut Vec<Piece>, depth: usize) {
    let is = |letter: &Letter, c: char| !letter.plain && letter.letter == c;
    let mut start = 0;
    let mut open: i64 = 0;
    let mut groups = Vec::new();
    for (at, letter) in text.iter().enumerate() {
        if is(letter, '(') {
            if open == 0 {
                groups.push(start..at);
                start = at;
            }
            open += 1;
        } else if is(letter, ')') {
            open -= 1;
            if open == 0 {
                groups.push(start..at + 1);
                start = at + 1;
            }
        }
    }
    groups.push(start..text.len());
    for group in groups.into_iter().filter_map(|group| text.get(group)).filter(|group| !group.is_empty()) {
        match group {
            [first, inner @ .., last] if is(first, '(') && is(last, ')') && depth < DEEPEST => {
                let colon = inner.iter().rposition(|letter| letter.letter == ':').filter(|colon| *colon > 0);
                let after = |colon: usize| inner.iter().skip(colon + 1).map(|letter| letter.letter).collect::<String>();
                let number = colon.and_then(|colon| Some((colon, after(colon).trim().parse::<f32>().ok()?)));
                match number.filter(|(_, number)| number.is_finite()) {
                    Some((colon, number)) => comfy(inner.get(..colon).unwrap_or_default(), number, pieces, depth + 1),
                    None => comfy(inner, weight * STEP, pieces, depth + 1),
                }
            }
            _ => pieces.push(Piece::Words { text: group.iter().map(|letter| letter.letter).collect(), weight }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs of one weight; BREAK has the weight −1.
    fn runs(prompt: &str, rule: Rule) -> Vec<(String, f32)> {
        let run = |piece| match piece {
            Piece::Words { text, weight } => (text, weight),
            Piece::Break => ("BREAK".to_owned(), -1.0),
        };
        parse(prompt, rule).into_iter().map(run).collect()
    }

    fn assert_runs(prompt: &str, rule: Rule, expected: &[(&str, f32)]) {
        let found = runs(prompt, rule);
        let same = found.len() == expected.len()
            && found
                .iter()
                .zip(expected)
                .all(|((text, weight), (words, number))| text == words && (weight - number).abs() < 1e-5);
        assert!(same, "{prompt}: {found:?}, expected {expected:?}");
    }

    #[test]
    fn the_web_uis_own_examples_weigh_as_there() {
        // The documentation of its parser has these.
        for (prompt, expected) in [
            ("normal text", &[("normal text", 1.0)][..]),
            ("an (important) word", &[("an ", 1.0), ("important", 1.1), (" word", 1.0)]),
            ("(unbalanced", &[("unbalanced", 1.1)]),
            (r"\(literal\]", &[("(literal]", 1.0)]),
            ("(unnecessary)(parens)", &[("unnecessaryparens", 1.1)]),
            (
                "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
                &[
                    ("a ", 1.0),
                    ("house", 1.573),
                    (" ", 1.1),
                    ("on", 1.0),
                    (" a ", 1.1),
                    ("hill", 0.55),
                    (", sun, ", 1.1),
                    ("sky", 1.4641),
                    (".", 1.1),
                ],
            ),
            ("a [b] c", &[("a ", 1.0), ("b", 1.0 / 1.1), (" c", 1.0)]),
            ("(größe: 0.5 )", &[("größe", 0.5)]),
            ("zork \\(series\\), a \\lone", &[("zork (series), a lone", 1.0)]),
            ("smile :) and :3) x)", &[("smile :) and :3) x)", 1.0)]),
            ("(a:b)", &[("a:b", 1.1)]),
            ("(a:1e3)", &[("a:1e3", 1.1)]),
            ("(a:-.5)", &[("a", -0.5)]),
            ("a BREAK b BREAKFAST", &[("a", 1.0), ("BREAK", -1.0), ("b BREAKFAST", 1.0)]),
            ("(a BREAK b:1.2)", &[("a", 1.2), ("BREAK", -1.0), ("b", 1.2)]),
            ("", &[]),
        ] {
            assert_runs(prompt, Rule::WebUi, expected);
        }
    }

    #[test]
    fn comfyui_sets_a_number_and_leaves_brackets_alone() {
        for (prompt, expected) in [
            ("a (b) c", &[("a ", 1.0), ("b", 1.1), (" c", 1.0)][..]),
            ("((a:1.5) b:2)", &[("a", 1.5), (" b", 2.0)]),
            ("((a))", &[("a", 1.21)]),
            ("a [b] (unclosed", &[("a [b] (unclosed", 1.0)]),
            (r"zork \(series\)", &[("zork (series)", 1.0)]),
            ("a BREAK b", &[("a BREAK b", 1.0)]),
            ("(one: two:1.5)", &[("one: two", 1.5)]),
            ("(:1.5)", &[(":1.5", 1.1)]),
            ("a) (b)", &[("a) (b)", 1.0)]),
        ] {
            assert_runs(prompt, Rule::Comfy, expected);
        }
    }

    #[test]
    fn hostile_depth_costs_little() {
        for rule in [Rule::WebUi, Rule::Comfy] {
            let deep = format!("{}a{}", "(".repeat(10_000), ":1.0)".repeat(4_000));
            assert!(runs(&deep, rule).iter().map(|(text, _)| text.len()).sum::<usize>() < deep.len());
        }
    }
}
