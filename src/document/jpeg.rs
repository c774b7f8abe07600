//! Whether a JPEG is whole.
//!
//! Decoders fill what is missing of a cut JPEG with grey and say nothing. A whole one ends with a marker of its own, EOI. It is
//! looked for by walking the segments, since the bytes of that marker also stand inside embedded thumbnails, and at the end of
//! them where a picture of a camera was cut.

const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;

/// True where the end of the picture is there. The pixels themselves are not looked at.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(2..).unwrap_or_default();
    loop {
        // A marker is FF and a byte, with as many FF before them as the writer liked.
        let [0xff, after @ ..] = rest else { return false };
        match after {
            [0xff, ..] => rest = after,
            [END_OF_IMAGE, ..] => return true,
            // Markers that stand alone: restarts, and the start of a picture.
            [0x01 | 0xd0..=0xd8, after @ ..] => rest = after,
            [marker, segment @ ..] => {
                let &[high, low, ..] = segment else { return false };
                let Some(after) = segment.get(usize::from(u16::from_be_bytes([high, low])).max(2)..) else {
                    return false;
                };
                // What follows the head of a scan is its data, up to the next marker.
                rest = if *marker == START_OF_SCAN { behind_scan(after) } else { after };
            }
            [] => return false,
        }
    }
}

/// From the first marker behind the data of a scan on. FF 00 is a byte of the data, and restarts belong to it.
fn behind_scan(data: &[u8]) -> &[u8] {
    let end = data.windows(2).position(|pair| matches!(pair, [0xff, marker] if !matches!(marker, 0x00 | 0xd0..=0xd7)));
    end.and_then(|end| data.get(end..)).unwrap_or_default()
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
