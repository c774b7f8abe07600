//! The `Dream` text of early versions of InvokeAI: its command, such as `"a lake [fog]" -s 50 -S 42 -W512 -H 512 -C7.5 -A k_lms`.

use super::json::without_brackets;
use super::{Draft, number};

pub(super) fn read(text: &str) -> Option<Draft> {
    let text = text.trim();
    let text = text.strip_prefix("dream>").or_else(|| text.strip_prefix("invoke>")).unwrap_or(text).trim_start();
    let (prompt, options) = match text.strip_prefix('"') {
        Some(quoted) => quoted.rsplit_once('"')?,
        None => text.split_at(text.find(" -").unwrap_or(text.len())),
    };
    let (prompt, negative) = without_brackets(prompt);
    let mut draft = Draft { program: "InvokeAI".to_owned(), prompt, negative, ..Draft::default() };
    let (mut width, mut height) = (None, None);
    let mut options = options.split_whitespace().peekable();
    while let Some(option) = options.next() {
        let mut letters = option.chars();
        let (Some('-'), Some(letter)) = (letters.next(), letters.next()) else { continue };
        // The value follows at once, or as the next word.
        let mut value = letters.as_str();
        if value.is_empty() {
            value = options.next_if(|next| !next.starts_with('-') || number::<f64>(next).is_some()).unwrap_or_default();
        }
        match letter {
            's' => draft.steps = number(value),
            'S' => draft.seed = Some(value.to_owned()),
            'W' => width = number(value),
            'H' => height = number(value),
            'C' => draft.guidance = number(value),
            'A' => draft.sampler = Some(value.to_owned()),
            'f' => draft.left_out.push(("strength".to_owned(), value.to_owned())),
            'I' => draft.left_out.push(("init image".to_owned(), value.to_owned())),
            _ => {}
        }
    }
    draft.size = width.zip(height);
    Some(draft)
}
