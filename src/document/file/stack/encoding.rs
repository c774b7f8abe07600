//! `stack.xml` in the encoding it is written in.

use crate::document::Problem;
use crate::document::error::one_line;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use std::borrow::Cow;

/// A declaration ends within this many bytes.
const DECLARATION: usize = 256;

/// The text of a file: by its byte order mark, else by its XML declaration, else as UTF-8.
pub(super) fn text(bytes: &[u8]) -> Result<Cow<'_, str>, Problem> {
    let (encoding, bytes) = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => (encoding, bytes.get(mark..).unwrap_or_default()),
        None => (declared(bytes)?, bytes),
    };
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    text.ok_or_else(|| Problem::Stack(format!("it is not {}", encoding.name())))
}

fn declared(bytes: &[u8]) -> Result<&'static Encoding, Problem> {
    match bytes {
        [b'<', 0, ..] => return Ok(UTF_16LE),
        [0, b'<', ..] => return Ok(UTF_16BE),
        _ => {}
    }
    let head = String::from_utf8_lossy(bytes.get(..DECLARATION).unwrap_or(bytes));
    let Some(label) = label(&head) else { return Ok(UTF_8) };
    let encoding = Encoding::for_label(label.as_bytes())
        .ok_or_else(|| Problem::Stack(format!("its encoding “{}” is not known", one_line(label, 40))))?;
    // A declaration that can be read byte by byte is not in UTF-16, whatever it says.
    Ok(if encoding == UTF_16LE || encoding == UTF_16BE { UTF_8 } else { encoding })
}

/// The encoding that an XML declaration names.
fn label(head: &str) -> Option<&str> {
    let (declaration, _) = head.trim_start().strip_prefix("<?xml")?.split_once("?>")?;
    let (_, rest) = declaration.split_once("encoding")?;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|c| ['"', '\''].contains(c))?;
    rest.get(1..)?.split(quote).next()
}
