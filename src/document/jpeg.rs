//! A test of whether a JPEG is whole.
//!
//! Decoders fill what is missing of a cut JPEG with grey and say nothing. A whole one ends with a marker of its own, EOI. It is
//! looked for by walking the segments, since the bytes of that marker also stand inside embedded thumbnails, and at the end of
//! them where a picture of a camera was cut.

const END_OF_IMAGE: u8 = 0xd9;

/// True where the end of the picture is there. The pixels themselves are not looked at.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some((marker, after)) = next_marker(rest) {
        rest = match marker {
            END_OF_IMAGE => return true,
            // The start of a picture, and one that is not used: they stand alone.
            0xd8 | 0x01 => after,
            // (The data behind the head of a scan hold no marker.)
            _ => {
                let &[high, low, ..] = after else { return false };
                after.get(usize::from(u16::from_be_bytes([high, low])).max(2)..).unwrap_or_default()
            }
        };
    }
    false
}

/// The next marker, and what follows it. FF 00 is a byte of a scan's data, restarts belong to them, and FF may be repeated.
fn next_marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let is_marker = |marker: u8| !matches!(marker, 0x00 | 0xd0..=0xd7 | 0xff);
    let at = bytes.windows(2).position(|pair| matches!(pair, [0xff, marker] if is_marker(*marker)))?;
    Some((*bytes.get(at + 1)?, bytes.get(at + 2..)?))
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn only_the_end_of_the_picture_itself_ends_it() {
        let thumbnail: &[u8] = &[0xff, 0xe1, 0, 8, 0xff, 0xd8, 0xff, 0xd9, 0, 0];
        let scan: &[u8] = &[0xff, 0xda, 0, 3, 7, 1, 0xff, 0, 0xd9, 0xff, 0xd3, 2];
        let end: &[u8] = &[0xff, 0xff, 0xd9];
        let whole = [&[0xff, 0xd8], thumbnail, scan, scan, end].concat();
        assert!(is_whole(&whole));
        assert!(is_whole(&[&whole[..], b"a trailer"].concat()));
        for length in 0..whole.len() {
            assert!(!is_whole(&whole[..length]), "cut at {length}");
        }
        assert!(!is_whole(&[&[0xff, 0xd8], thumbnail, &scan[..4], &[0xff, 0xff]].concat()));
        assert!(!is_whole(&[0xff, 0xd8, 0xff, 0xe1, 0, 0]));
    }
}
