//! SHA-256 of files.

use crate::checkpoint::{Error, Result};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Bytes read at a time.
const CHUNK: usize = 1 << 20;

/// The SHA-256 of a file in small hexadecimal digits; `None` where `goes_on` said no.
///
/// # Errors
/// If it cannot be read.
pub fn sha256_of(path: &Path, mut goes_on: impl FnMut() -> bool) -> Result<Option<String>> {
    let unreadable = |source| Error::Unreadable { file: path.display().to_string(), source };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        if !goes_on() {
            return Ok(None);
        }
        let read = file.read(&mut chunk).map_err(unreadable)?;
        match chunk.get(..read) {
            Some(bytes) if read > 0 => hash.update(bytes),
            _ => return Ok(Some(hex(&hash.finalize()))),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_hash_of_the_standard() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").expect("written");
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_of(&path, || true).expect("read").as_deref(), Some(expected));
        assert_eq!(sha256_of(&path, || false).expect("read"), None);
    }
}
