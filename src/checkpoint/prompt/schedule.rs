//! Prompts that change as steps pass, and prompts that are joined, as the web UI has them.
//!
//! `[a:b:0.5]` is a for the first half of the steps, then b; with a whole number it is a for that many steps. `[b:0.5]` begins with
//! nothing. `[a|b]` takes turns, a step each. `a AND b :0.7` are two prompts, whose differences from the negative prompt are added
//! with these weights (composable diffusion, Liu et al. 2022, arXiv:2206.01714). ComfyUI knows none of it.

use super::Rule;

/// One of the prompts that are joined by AND.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// The factor of its difference from the negative prompt.
    pub weight: f32,
    /// Its words from each step on, the first from step 0.
    pub words: Vec<(usize, String)>,
}

/// The prompts that `prompt` is joined of, over so many steps; at least one.
#[must_use]
pub fn terms(prompt: &str, rule: Rule, steps: usize) -> Vec<Term> {
    let whole = || vec![Term { weight: 1.0, words: at_steps(prompt, rule, steps) }];
    if rule == Rule::Comfy {
        return whole();
    }
    let parts = joined(prompt);
    if parts.len() < 2 {
        return whole();
    }
    let term = |part: &str| {
        let (words, weight) = weighed(part);
        Term { weight, words: at_steps(words, rule, steps) }
    };
    parts.into_iter().map(term).collect()
}

/// The words from each step on, the first from step 0. (A negative prompt knows no AND.)
#[must_use]
pub fn at_steps(prompt: &str, rule: Rule, steps: usize) -> Vec<(usize, String)> {
    if rule == Rule::Comfy || !prompt.contains('[') {
        return vec![(0, prompt.to_owned())];
    }
    let nodes = parse(prompt);
    let mut found: Vec<(usize, String)> = Vec::new();
    for step in 0..steps.max(1) {
        let mut words = String::with_capacity(prompt.len());
        write(&nodes, step, steps, &mut words);
        if found.last().is_none_or(|(_, last)| *last != words) {
            found.push((step, words));
        }
    }
    found
}

/// The words of the first term at the first step.
#[must_use]
pub fn first(prompt: &str, rule: Rule) -> String {
    let first = terms(prompt, rule, 1).into_iter().next();
    first.and_then(|term| term.words.into_iter().next()).map_or_else(String::new, |(_, words)| words)
}

/// The parts between words AND.
fn joined(prompt: &str) -> Vec<&str> {
    const AND: &str = "AND";
    let within_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut parts, mut start) = (Vec::new(), 0);
    for (at, _) in prompt.match_indices(AND) {
        let (before, after) = prompt.split_at(at);
        let after = after.get(AND.len()..).unwrap_or_default();
        if !before.ends_with(within_word) && !after.starts_with(within_word) {
            parts.push(prompt.get(start..at).unwrap_or_default());
            start = at + AND.len();
        }
    }
    parts.push(prompt.get(start..).unwrap_or_default());
    parts
}

/// The words before `: number` at the end, and the number; 1 where there is none.
fn weighed(part: &str) -> (&str, f32) {
    let found = part.rsplit_once(':').and_then(|(words, number)| {
        let number = number.trim();
        let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        Some((words, number.parse::<f32>().ok().filter(|_| plain)?))
    });
    found.unwrap_or((part, 1.0))
}

/// A part of a prompt.
#[derive(Debug)]
enum Node<'a> {
    Words(&'a str),
    /// Words in brackets that do nothing here.
    Brackets(Vec<Node<'a>>),
    /// Before and after a step: a share of all steps, or a number of them.
    Change {
        before: Vec<Node<'a>>,
        after: Vec<Node<'a>>,
        at: f64,
        share: bool,
    },
    Turns(Vec<Vec<Node<'a>>>),
}

fn write(nodes: &[Node], step: usize, steps: usize, out: &mut String) {
    for node in nodes {
        match node {
            Node::Words(words) => out.push_str(words),
            Node::Brackets(inner) => {
                out.push('[');
                write(inner, step, steps, out);
                out.push(']');
            }
            Node::Change { before, after, at, share } => {
                let at = if *share { (at * steps as f64).floor() } else { *at };
                write(if (step as f64) < at { before } else { after }, step, steps, out);
            }
            Node::Turns(turns) => {
                if let Some(turn) = turns.get(step % turns.len().max(1)) {
                    write(turn, step, steps, out);
                }
            }
        }
    }
}

/// Brackets within each other at most; what is deeper is words.
const DEEPEST: usize = 64;

fn parse(prompt: &str) -> Vec<Node<'_>> {
    let ends = ends(prompt);
    parse_within(prompt, 0, &ends, 0)
}

/// The place of the `]` that closes each `[`, by the place of the latter.
fn ends(prompt: &str) -> Vec<(usize, usize)> {
    let (mut open, mut ends) = (Vec::new(), Vec::new());
    let mut escaped = false;
    for (at, c) in prompt.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => open.push(at),
            ']' => ends.extend(open.pop().map(|open| (open, at))),
            _ => {}
        }
    }
    ends.sort_unstable();
    ends
}

/// The nodes of a part of the prompt, which begins at byte `offset`.
fn parse_within<'a>(text: &'a str, offset: usize, ends: &[(usize, usize)], depth: usize) -> Vec<Node<'a>> {
    let mut nodes = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('[')) {
        at += found;
        let end = ends.binary_search_by_key(&(offset + at), |(open, _)| *open).ok().and_then(|i| ends.get(i));
        let inner = end.map(|(_, end)| (at + 1, end - offset)).filter(|(_, end)| *end < text.len() && depth < DEEPEST);
        let Some((from, to)) = inner else {
            at += 1;
            continue;
        };
        nodes.extend(text.get(start..at).filter(|words| !words.is_empty()).map(Node::Words));
        nodes.push(bracket(text.get(from..to).unwrap_or_default(), offset + from, ends, depth + 1));
        at = to + 1;
        start = at;
    }
    nodes.extend(text.get(start..).filter(|words| !words.is_empty()).map(Node::Words));
    nodes
}

/// What stands between two brackets.
fn bracket<'a>(inner: &'a str, offset: usize, ends: &[(usize, usize)], depth: usize) -> Node<'a> {
    let within =
        |from: usize, to: usize| parse_within(inner.get(from..to).unwrap_or_default(), offset + from, ends, depth);
    let (colons, bars) = separators(inner);
    match (&*colons, &*bars) {
        ([], [_, ..]) => {
            let starts = std::iter::once(0).chain(bars.iter().map(|bar| bar + 1));
            let stops = bars.iter().copied().chain([inner.len()]);
            Node::Turns(starts.zip(stops).map(|(from, to)| within(from, to)).collect())
        }
        ([first @ .., last], _) if first.len() < 2 => {
            let text = inner.get(last + 1..).unwrap_or_default().trim();
            let number = text.parse::<f64>().ok().filter(|at| at.is_finite() && *at >= 0.0);
            let Some(at) = number else { return Node::Brackets(within(0, inner.len())) };
            let (before, after) = match first {
                [middle, ..] => (within(0, *middle), within(middle + 1, *last)),
                [] => (Vec::new(), within(0, *last)),
            };
            Node::Change { before, after, at, share: text.contains('.') }
        }
        _ => Node::Brackets(within(0, inner.len())),
    }
}

/// Colons and bars that stand in no parentheses or brackets of their own.
fn separators(inner: &str) -> (Vec<usize>, Vec<usize>) {
    let (mut colons, mut bars) = (Vec::new(), Vec::new());
    let (mut depth, mut escaped) = (0_usize, false);
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => colons.push(at),
            '|' if depth == 0 => bars.push(at),
            _ => {}
        }
    }
    (colons, bars)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_web_uis_own_examples_change_as_there() {
        // The documentation of its parser has these, for ten steps; it names the last step of each.
        for (prompt, expected) in [
            ("test", &[(0, "test")][..]),
            ("a [b:3]", &[(0, "a "), (3, "a b")]),
            ("a [b: 3]", &[(0, "a "), (3, "a b")]),
            ("a [[[b]]:2]", &[(0, "a "), (2, "a [[b]]")]),
            ("[(a:2):3]", &[(0, ""), (3, "(a:2)")]),
            ("a [b : c : 1] d", &[(0, "a b  d"), (1, "a  c  d")]),
            ("a[b:[c:d:2]:1]e", &[(0, "abe"), (1, "ace"), (2, "ade")]),
            ("a [unbalanced", &[(0, "a [unbalanced")]),
            ("a [b:.5] c", &[(0, "a  c"), (5, "a b c")]),
            ("a [{b|d{:.5] c", &[(0, "a  c"), (5, "a {b|d{ c")]),
            ("((a][:b:c [d:3]", &[(0, "((a][:b:c "), (3, "((a][:b:c d")]),
            ("[a|(b:1.1)]", &[(0, "a"), (1, "(b:1.1)"), (2, "a"), (3, "(b:1.1)")]),
            ("[fe|]male", &[(0, "female"), (1, "male"), (2, "female"), (3, "male")]),
            ("[fe|||]male", &[(0, "female"), (1, "male"), (4, "female"), (5, "male")]),
            ("[a::0.4]", &[(0, "a"), (4, "")]),
            ("[größe:b:0.25]", &[(0, "größe"), (2, "b")]),
            (r"\[a:b:3\]", &[(0, r"\[a:b:3\]")]),
        ] {
            let found = at_steps(prompt, Rule::WebUi, 10);
            let found: Vec<(usize, &str)> = found.iter().map(|(step, words)| (*step, &**words)).collect();
            assert_eq!(found.iter().take(expected.len()).copied().collect::<Vec<_>>(), expected, "{prompt}");
            assert!(
                prompt.contains("|]") || prompt.contains("|(") || found.len() == expected.len(),
                "{prompt}: {found:?}"
            );
            assert_eq!(at_steps(prompt, Rule::Comfy, 10), [(0, prompt.to_owned())], "ComfyUI has none of it");
        }
    }

    #[test]
    fn prompts_are_joined_by_and_with_weights() {
        let parts = |prompt| {
            let first = |term: Term| (term.words.into_iter().next().unwrap().1, term.weight);
            terms(prompt, Rule::WebUi, 4).into_iter().map(first).collect::<Vec<_>>()
        };
        let is = |words: &str, weight| (words.to_owned(), weight);
        assert_eq!(parts("a AND b :0.7"), [is("a ", 1.0), is(" b ", 0.7)]);
        assert_eq!(parts("a :2 AND b AND c:-1"), [is("a ", 2.0), is(" b ", 1.0), is(" c", -1.0)]);
        assert_eq!(parts("SAND AND_X aspect 16:9"), [is("SAND AND_X aspect 16:9", 1.0)], "no word AND, so no weight");
        assert_eq!(terms("a AND b", Rule::Comfy, 4).len(), 1);
        assert_eq!(terms("[x:y:2] AND b", Rule::WebUi, 4)[0].words, [(0, "x ".to_owned()), (2, "y ".to_owned())]);
    }

    #[test]
    fn hostile_depth_costs_little() {
        let deep = format!("{}a{}", "[".repeat(10_000), ":2]".repeat(10_000));
        assert!(!at_steps(&deep, Rule::WebUi, 50).is_empty());
        assert!(!at_steps(&"[a|".repeat(8_000), Rule::WebUi, 50).is_empty());
    }
}
