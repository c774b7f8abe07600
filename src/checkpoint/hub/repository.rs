//! Names of repositories and of files in them.

use super::Error;
use std::path::{Component, Path};
use std::str::FromStr;

/// A repository, perhaps one of its files, and its revision: `OWNER/NAME`, `OWNER/NAME:FILE`, or the address of its page or of a file's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    owner: String,
    name: String,
    file: Option<String>,
    revision: String,
}

impl Repository {
    /// `OWNER/NAME`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// The file that is wanted of it.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The branch, tag or commit: `main` unless an address names another.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.revision
    }
}

impl FromStr for Repository {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text.trim()).ok_or_else(|| Error::Name(text.trim().chars().take(120).collect()))
    }
}

fn parse(text: &str) -> Option<Repository> {
    let plain = text.split(['?', '#']).next()?;
    // The address of a page: any host's.
    let address = plain.split_once("://").map(|(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let hosts = ["huggingface.co/", "hf.co/", "www.huggingface.co/"];
    let address = address.or_else(|| hosts.iter().find_map(|host| plain.strip_prefix(host)));
    let (path, file) = match address {
        Some(path) => (path, None),
        None => match text.split_once(':') {
            Some((path, file)) => (path, Some(file)),
            None => (text, None),
        },
    };
    let mut parts = path.trim_end_matches('/').splitn(5, '/');
    let (owner, name) = (parts.next()?, parts.next()?);
    let (revision, file) = match (parts.next(), parts.next(), parts.next()) {
        (None, ..) => ("main", file.map(str::to_owned)),
        (Some("tree"), Some(revision), None) => (revision, None),
        (Some("blob" | "resolve" | "raw"), Some(revision), Some(file)) => (revision, Some(unescaped(file)?)),
        _ => return None,
    };
    let is_name = |text: &str| {
        let known = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !text.is_empty() && text.len() <= 96 && text.chars().all(known) && !text.starts_with('.')
    };
    let plain = is_name(owner) && is_name(name) && file.as_deref().is_none_or(is_plain_path) && is_name(revision);
    plain.then(|| Repository { owner: owner.to_owned(), name: name.to_owned(), file, revision: revision.to_owned() })
}

/// Whether a path goes down only, and means the same on every system.
pub(super) fn is_plain_path(path: &str) -> bool {
    let known = !path.is_empty() && !path.contains(['\\', ':', '\0']) && !path.chars().any(char::is_control);
    let parts = path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    known && parts && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// A part of an address with what is no letter of one escaped (RFC 3986).
pub(super) fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = rest.get(2..)?;
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_read() {
        let read = |text: &str| {
            let found: Repository = text.parse().expect(text);
            (found.name(), found.file().unwrap_or_default().to_owned(), found.revision().to_owned())
        };
        let is = |name: &str, file: &str, revision: &str| (name.to_owned(), file.to_owned(), revision.to_owned());
        assert_eq!(read("mia/ink"), is("mia/ink", "", "main"));
        assert_eq!(read(" mia/ink:sub/a b.safetensors "), is("mia/ink", "sub/a b.safetensors", "main"));
        assert_eq!(read("https://huggingface.co/mia/ink"), is("mia/ink", "", "main"));
        assert_eq!(read("huggingface.co/mia/ink/tree/v2"), is("mia/ink", "", "v2"));
        let file = "https://huggingface.co/mia/ink/blob/main/sub/a%20b.safetensors?download=true";
        assert_eq!(read(file), is("mia/ink", "sub/a b.safetensors", "main"));
        for wrong in ["", "ink", "a/b/c", "a/b:../c", "a/b:/c", "../a", "a b/c", "https://x", "a/b:", "a/b/blob/main"] {
            assert!(wrong.parse::<Repository>().is_err(), "{wrong}");
        }
    }
}
