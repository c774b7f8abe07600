//! Files that are no safetensors whatever their name says, told by their first bytes.

use super::{Error, FETCH_AGAIN, Result};

/// The bytes that are looked at.
const LOOKED_AT: usize = 1 << 10;

/// Refuses a file's content by the name of what it is.
pub(super) fn refuse(file: &str, bytes: &[u8]) -> Result<()> {
    let file = || file.to_owned();
    let invalid = |fact: &str, remedy| Err(Error::Invalid { file: file(), fact: fact.to_owned(), remedy });
    let start = bytes.get(..LOOKED_AT).unwrap_or(bytes);
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    if is_pickle(start) {
        Err(Error::Pickle { file: file() })
    } else if bytes.starts_with(b"GGUF") {
        invalid("is a GGUF file, which is not supported", "get the checkpoint as .safetensors")
    } else if text.starts_with(b"<") {
        invalid("is a web page, not a model: the download failed", FETCH_AGAIN)
    } else if text.starts_with(b"version https://git-lfs") {
        invalid("is a git-lfs pointer, which only says where the model is", FETCH_AGAIN)
    } else {
        Ok(())
    }
}

/// Whether a content begins as Python's pickles do: bare, or in the zip archive of torch.
pub(super) fn is_pickle(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
        || (bytes.starts_with(b"\x80") && bytes.get(1).is_some_and(|&v| (2..=5).contains(&v)) && !is_header(bytes))
}

/// Whether a content begins as a safetensors file does: the length of its header, then the header.
fn is_header(bytes: &[u8]) -> bool {
    let upper = bytes.get(4..8).is_some_and(|upper| upper.iter().all(|&byte| byte == 0));
    upper && bytes.get(8..).unwrap_or_default().trim_ascii_start().starts_with(b"{")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_first_bytes() {
        for (content, word) in [
            (b"GGUF\x03\0\0\0".as_slice(), "GGUF"),
            (b"PK\x03\x04\x14\0", "pickle"),
            (b"\x80\x02}q\0.", "pickle"),
            (b"\x80\x04\x95\x10\0\0\0\0\0\0\0}\x94.", "pickle"),
            (b"\xef\xbb\xbf <!DOCTYPE html>", "web page"),
            (b"\n<?xml version=\"1.0\"?>", "web page"),
            (b"version https://git-lfs.github.com/spec/v1\noid", "git-lfs"),
        ] {
            let error = refuse("model.safetensors", content).unwrap_err().to_string();
            assert!(error.contains(word) && error.starts_with("model.safetensors: "), "{error}");
        }
        // A header of 640 bytes begins with 0x80, 0x02.
        for fine in [b"\x80\x02\0\0\0\0\0\0{\"a\"".as_slice(), b"\x08\0\0\0\0\0\0\0{}      ", b"", b"x"] {
            assert!(refuse("model.safetensors", fine).is_ok(), "{fine:?}");
        }
    }
}
