//! Reading a config.json of diffusers or transformers, key by key, so that every complaint names its key.

use super::{Error, Result};
use serde_json::{Map, Value};

/// The largest size a config may ask for: far above every real network, far below overflow.
const LARGEST: u64 = 1 << 20;

/// The keys of a config file.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    map: &'a Map<String, Value>,
    file: &'a str,
}

impl<'a> Fields<'a> {
    /// The keys of `config`, which was read from `file`.
    ///
    /// # Errors
    /// If `config` is not an object.
    pub fn new(config: &'a Value, file: &'a str) -> Result<Self> {
        match config {
            Value::Object(map) => Ok(Self { map, file }),
            other => Err(Error::Config {
                file: file.to_owned(),
                key: "the whole file".to_owned(),
                message: format!("{} is not an object", shorten(other)),
            }),
        }
    }

    /// The value of `key`, where there is one that is not null.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// Whether `key` is there and null.
    #[must_use]
    pub fn is_null(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(Value::is_null)
    }

    /// A complaint about `key`.
    #[must_use]
    pub fn wrong(&self, key: &str, message: impl Into<String>) -> Error {
        Error::Config { file: self.file.to_owned(), key: key.to_owned(), message: message.into() }
    }

    /// The complaint that the value of `key` is not implemented.
    #[must_use]
    pub fn unsupported(&self, key: &str) -> Error {
        let value = self.map.get(key).map_or_else(|| "null".to_owned(), shorten);
        Error::Unsupported { file: self.file.to_owned(), key: key.to_owned(), value }
    }

    fn expected(&self, key: &str, value: &Value, what: &str) -> Error {
        self.wrong(key, format!("{} is not {what}", shorten(value)))
    }

    /// Refuses every value of `key` but null, absence and those `allowed`.
    ///
    /// # Errors
    /// If it has another value.
    pub fn only(&self, key: &str, allowed: &[Value]) -> Result<()> {
        match self.get(key) {
            None => Ok(()),
            Some(value) if allowed.iter().any(|allowed| same(allowed, value)) => Ok(()),
            Some(_) => Err(self.unsupported(key)),
        }
    }

    /// A size of at least 1.
    ///
    /// # Errors
    /// If it is something else.
    pub fn size(&self, key: &str, default: usize) -> Result<usize> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => self.as_size(key, value),
        }
    }

    fn as_size(&self, key: &str, value: &Value) -> Result<usize> {
        value
            .as_u64()
            .filter(|size| (1..=LARGEST).contains(size))
            .and_then(|size| usize::try_from(size).ok())
            .ok_or_else(|| self.expected(key, value, "a size"))
    }

    /// The id of a token.
    ///
    /// # Errors
    /// If it is something else.
    pub fn token(&self, key: &str, default: u32) -> Result<u32> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => value
                .as_u64()
                .and_then(|id| u32::try_from(id).ok())
                .ok_or_else(|| self.expected(key, value, "a token's id")),
        }
    }

    /// A list of sizes.
    ///
    /// # Errors
    /// If it is something else, or empty, or absurdly long.
    pub fn sizes(&self, key: &str, default: &[usize]) -> Result<Vec<usize>> {
        match self.get(key) {
            None => Ok(default.to_vec()),
            Some(value) => self.as_list(key, value)?.iter().map(|value| self.as_size(key, value)).collect(),
        }
    }

    /// One size for all of `count` levels, or a list with one for each.
    ///
    /// # Errors
    /// If it is neither.
    pub fn sizes_per_level(&self, key: &str, default: usize, count: usize) -> Result<Vec<usize>> {
        match self.get(key) {
            None => Ok(vec![default; count]),
            Some(Value::Array(_)) => {
                let sizes = self.sizes(key, &[])?;
                self.per_level(key, sizes, count)
            }
            Some(value) => Ok(vec![self.as_size(key, value)?; count]),
        }
    }

    /// One flag for all of `count` levels, or a list with one for each.
    ///
    /// # Errors
    /// If it is neither.
    pub fn flags_per_level(&self, key: &str, default: bool, count: usize) -> Result<Vec<bool>> {
        match self.get(key) {
            None => Ok(vec![default; count]),
            Some(value @ Value::Array(_)) => {
                let flags = self
                    .as_list(key, value)?
                    .iter()
                    .map(|value| value.as_bool().ok_or_else(|| self.expected(key, value, "true or false")))
                    .collect::<Result<Vec<_>>>()?;
                self.per_level(key, flags, count)
            }
            Some(_) => Ok(vec![self.flag(key, default)?; count]),
        }
    }

    fn per_level<T>(&self, key: &str, values: Vec<T>, count: usize) -> Result<Vec<T>> {
        if values.len() == count {
            Ok(values)
        } else {
            Err(self.wrong(key, format!("has {} values for {count} blocks", values.len())))
        }
    }

    fn as_list(&self, key: &str, value: &'a Value) -> Result<&'a [Value]> {
        match value {
            Value::Array(list) if (1..=64).contains(&list.len()) => Ok(list),
            _ => Err(self.expected(key, value, "a list of 1 to 64 values")),
        }
    }

    /// A finite number.
    ///
    /// # Errors
    /// If it is something else.
    pub fn number(&self, key: &str, default: f32) -> Result<f32> {
        match self.get(key) {
            None => Ok(default),
            #[expect(clippy::cast_possible_truncation, reason = "constants of a network; f32 is what it computes in")]
            Some(value) => value
                .as_f64()
                .map(|number| number as f32)
                .filter(|number| number.is_finite())
                .ok_or_else(|| self.expected(key, value, "a number")),
        }
    }

    /// True or false.
    ///
    /// # Errors
    /// If it is something else.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => value.as_bool().ok_or_else(|| self.expected(key, value, "true or false")),
        }
    }

    /// Words.
    ///
    /// # Errors
    /// If it is something else.
    pub fn text(&self, key: &str, default: &'a str) -> Result<&'a str> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => value.as_str().ok_or_else(|| self.expected(key, value, "a name")),
        }
    }

    /// A list of names.
    ///
    /// # Errors
    /// If it is something else.
    pub fn texts(&self, key: &str, default: &[&'a str]) -> Result<Vec<&'a str>> {
        match self.get(key) {
            None => Ok(default.to_vec()),
            Some(value) => self
                .as_list(key, value)?
                .iter()
                .map(|value| value.as_str().ok_or_else(|| self.expected(key, value, "a name")))
                .collect(),
        }
    }
}

/// Equal, where 1 and 1.0 are.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() <= f64::EPSILON * a.abs(),
        _ => a == b,
    }
}

/// A value as one short line.
fn shorten(value: &Value) -> String {
    let text = match value {
        Value::Array(list) if list.len() > 16 => format!("a list of {} values", list.len()),
        Value::Object(map) => format!("an object of {} keys", map.len()),
        Value::String(text) => format!("{:?}", text.chars().take(60).collect::<String>()),
        other => other.to_string(),
    };
    if text.chars().count() > 80 { text.chars().take(77).collect::<String>() + "…" } else { text }
}
