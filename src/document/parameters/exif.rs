//! The texts of an Exif block: the user comment of the web UIs, and the fields into which ComfyUI writes its graph.

/// The keyword that a user comment is given.
pub(super) const USER_COMMENT: &str = "UserComment";
/// The keyword of a text of the form `prompt:…`, as ComfyUI writes it into fields that were meant for cameras.
pub(super) const PROMPT: &str = "prompt";

/// More entries than any directory of a real file has.
const MAX_ENTRIES: u16 = 512;
const DESCRIPTION: u16 = 0x010e;
const MAKE: u16 = 0x010f;
const MODEL: u16 = 0x0110;
const EXIF_DIRECTORY: u16 = 0x8769;
const COMMENT: u16 = 0x9286;

/// The bytes of a block, with the order of bytes in its numbers.
#[derive(Clone, Copy)]
struct Block<'a> {
    bytes: &'a [u8],
    little: bool,
}

/// A field: its tag, and where its value is.
struct Field<'a> {
    tag: u16,
    /// The value: a number, or a place.
    value: u32,
    bytes: &'a [u8],
}

/// The texts of a block, by keyword. What is damaged is left out.
pub(super) fn texts(bytes: &[u8]) -> Vec<(String, String)> {
    let little = match bytes {
        [b'I', b'I', 42, 0, ..] => true,
        [b'M', b'M', 0, 42, ..] => false,
        _ => return Vec::new(),
    };
    let block = Block { bytes, little };
    let mut texts = Vec::new();
    for field in block.directory(block.long(4).unwrap_or(0)) {
        match field.tag {
            EXIF_DIRECTORY => {
                let comments = block.directory(field.value).into_iter().filter(|field| field.tag == COMMENT);
                texts.extend(comments.map(|field| (USER_COMMENT.to_owned(), comment(field.bytes, little))));
            }
            DESCRIPTION | MAKE | MODEL => {
                let text = String::from_utf8_lossy(field.bytes);
                if let Some((name, text)) = text.trim_end_matches('\0').split_once(':')
                    && name.eq_ignore_ascii_case(PROMPT)
                {
                    texts.push((PROMPT.to_owned(), text.to_owned()));
                }
            }
            _ => {}
        }
    }
    texts
}

impl<'a> Block<'a> {
    fn short(self, at: usize) -> Option<u16> {
        let pair = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
    }

    fn long(self, at: usize) -> Option<u32> {
        let four = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) })
    }

    /// The fields of the directory at a place.
    fn directory(self, at: u32) -> Vec<Field<'a>> {
        let at = at as usize;
        let count = self.short(at).unwrap_or(0).min(MAX_ENTRIES);
        (0..usize::from(count)).filter_map(|index| self.field(at + 2 + index * 12)).collect()
    }

    fn field(self, at: usize) -> Option<Field<'a>> {
        let (tag, count, value) = (self.short(at)?, self.long(at + 4)? as usize, self.long(at + 8)?);
        // Of bytes and letters; other kinds are numbers here. Up to four lie in the field itself.
        let from = if count <= 4 { at + 8 } else { value as usize };
        let bytes = self.bytes.get(from..from.checked_add(count)?).unwrap_or_default();
        Some(Field { tag, value, bytes })
    }
}

/// A user comment: eight letters that name its encoding, and the text.
fn comment(bytes: &[u8], little: bool) -> String {
    let text = match bytes.split_at_checked(8) {
        Some((b"UNICODE\0", text)) => utf16(text, little),
        Some((b"ASCII\0\0\0" | b"\0\0\0\0\0\0\0\0", text)) => String::from_utf8_lossy(text).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    };
    text.trim_end_matches('\0').to_owned()
}

/// UTF-16 in the order of bytes that it has: the web UIs write the upper byte first whatever the block says, others as the
/// block says. The zero bytes of its Latin letters tell.
fn utf16(bytes: &[u8], little: bool) -> String {
    let (pairs, _) = bytes.as_chunks::<2>();
    let (first, second) = pairs.iter().fold((0_usize, 0_usize), |(first, second), [a, b]| {
        (first + usize::from(*a == 0 && *b != 0), second + usize::from(*b == 0 && *a != 0))
    });
    let (little, pairs) = match pairs {
        [[0xff, 0xfe], rest @ ..] => (true, rest),
        [[0xfe, 0xff], rest @ ..] => (false, rest),
        _ if first != second => (second > first, pairs),
        _ => (little, pairs),
    };
    let units = pairs.iter().map(|pair| if little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) });
    char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}
