//! Killed at any moment of a save, the file is the old one or the new one, whole.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use polyptych::document::{Document, FileError, Mask, replace_file};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// A disk that is full after so many bytes.
struct Full<W> {
    inner: W,
    left: usize,
}

impl<W: Write> Write for Full<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            return Err(std::io::Error::new(std::io::ErrorKind::StorageFull, "no space left"));
        }
        let written = self.inner.write(&bytes[..bytes.len().min(self.left)])?;
        self.left -= written;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

impl<W: Seek> Seek for Full<W> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.inner.seek(to)
    }
}

/// A document of some size; `words` tells one from another.
fn document(words: &str) -> Document {
    let mut document = Document::new(256, 192);
    words.clone_into(&mut document.background.prompt);
    let id = document.add_region("Boat", words);
    let mut state = 12345_u32;
    let mask = Mask::from_rows(256, 192, |_, row| {
        for v in row {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *v = (state >> 24) as u8;
        }
    });
    document.region_mut(id).expect("just added").mask = mask.into();
    document
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("there").flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_disk_that_fills_up_at_any_byte_leaves_the_old_file_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lake.ora");
    document("old").save(&path).expect("saved");
    let old = std::fs::read(&path).expect("there");
    let new = document("new");
    let mut whole = std::io::Cursor::new(Vec::new());
    new.write_to(&mut whole).expect("written");
    let length = whole.into_inner().len();
    for part in 0..20 {
        let left = length * part / 20;
        let result =
            replace_file(&path, |file| new.write_to(Full { inner: file, left }).map_err(FileError::into_problem));
        let error = result.expect_err("there is no room").to_string();
        assert!(error.contains("lake.ora") && error.contains("old file is untouched"), "{error}");
        assert_eq!(std::fs::read(&path).expect("there"), old, "after {left} of {length} bytes");
        assert_eq!(names(folder.path()), ["lake.ora"], "nothing lies beside it");
    }
    new.save(&path).expect("with room it is saved");
    assert_eq!(Document::open(&path).expect("whole").background.prompt, "new");
}

/// What the killed program does: it saves for ever. Only run by the test below.
#[test]
#[ignore = "the program that the next test kills"]
fn saves_for_ever() {
    let Some(path) = std::env::var_os("POLYPTYCH_SAVES_TO") else { return };
    let documents = [document("even"), document("odd")];
    for document in documents.iter().cycle() {
        document.save(&path).expect("saved");
        println!("saved");
    }
}

#[test]
fn a_program_killed_while_it_saves_leaves_a_whole_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lake.ora");
    document("even").save(&path).expect("saved");
    for round in 0..12_u64 {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "saves_for_ever", "--ignored", "--nocapture"])
            .env("POLYPTYCH_SAVES_TO", &path)
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        // It is at it as soon as it has said so once; the moment after that is any moment.
        let mut out = child.stdout.take().expect("piped");
        let mut said = Vec::new();
        while !said.ends_with(b"saved\n") {
            let mut byte = [0];
            std::io::Read::read_exact(&mut out, &mut byte).expect("it says that it saves");
            said.push(byte[0]);
        }
        std::thread::sleep(std::time::Duration::from_micros(round * 1700));
        child.kill().expect("killed");
        child.wait().expect("gone");
        let read = Document::open(&path).expect("the old file or the new one, whole");
        assert!(["even", "odd"].contains(&read.background.prompt.as_str()));
        assert_eq!(read, document(&read.background.prompt));
    }
}
