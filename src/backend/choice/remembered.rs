//! The file of what was measured of this machine's devices: `speeds.json` in the data folder.
//!
//! ```json
//! {"speeds": 1, "program": "0.1.0 8d1c…", "devices": {"GeForce …": {"f32": {"convolution": 2e13, …}, "f16": null, "faults": []}}}
//! ```
//!
//! It can be measured again at any time, so a file that is damaged, too large or of another version of the program is none.

use super::super::Dtype;
use super::super::speed::Speed;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

const FILE: &str = "speeds.json";
/// The format written, and the only one read.
const FORMAT: u64 = 1;
/// A file larger than this is none of ours.
const LARGEST: u64 = 64 << 10;
/// Devices that are remembered at most.
const MOST: usize = 32;
/// Version of the program and hash of the sources that decide on a card's speed and its faults: others void the file.
const PROGRAM: &str = concat!(env!("CARGO_PKG_VERSION"), " ", env!("POLYPTYCH_KERNELS"));

/// The result of a device's trials.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its speed in f32; none where it cannot be drawn on.
    pub f32: Option<Speed>,
    /// Its speed in f16, where it computes right in that.
    pub f16: Option<Speed>,
    /// Its speed in bf16, where it computes right in that.
    #[serde(default)]
    pub bf16: Option<Speed>,
    /// Kernels that compute wrong on it and are not used, in words.
    pub faults: Vec<String>,
}

impl Record {
    /// The types that were measured, with their speeds.
    pub(super) fn speeds(&self) -> impl Iterator<Item = (Dtype, Speed)> {
        let speeds = [(Dtype::F32, self.f32), (Dtype::F16, self.f16), (Dtype::Bf16, self.bf16)];
        speeds.into_iter().filter_map(|(dtype, speed)| Some((dtype, speed?)))
    }

    /// The fastest type, with its seconds for a UNet's call.
    #[must_use]
    pub fn fastest(&self) -> Option<(Dtype, f64)> {
        let seconds = self.speeds().map(|(dtype, speed)| (dtype, speed.seconds()));
        seconds.reduce(|best, other| if other.1 < best.1 { other } else { best })
    }

    /// The fastest type's seconds for a UNet's call.
    #[must_use]
    pub fn score(&self) -> Option<f64> {
        self.fastest().map(|(_, seconds)| seconds)
    }

    /// Whether a card can be drawn on. f16 alone has too small a range for that.
    pub(super) fn draws(&self) -> bool {
        self.f32.is_some() || self.bf16.is_some()
    }

    fn is_sound(&self) -> bool {
        self.speeds().all(|(_, speed)| speed.is_sound())
    }
}

/// The records by the keys of their devices.
pub(super) type Records = BTreeMap<String, Record>;

#[derive(Serialize, Deserialize)]
struct Content {
    speeds: u64,
    program: String,
    devices: Records,
}

/// The records in a data folder; none where there is no such file, or it cannot be used.
pub(super) fn read(folder: &Path) -> Records {
    let file = folder.join(FILE);
    if std::fs::metadata(&file).map_or(true, |data| data.len() > LARGEST) {
        return Records::new();
    }
    let content = std::fs::read(&file).ok().and_then(|text| serde_json::from_slice::<Content>(&text).ok());
    match content {
        Some(Content { speeds: FORMAT, program, devices })
            if program == PROGRAM && devices.values().all(Record::is_sound) =>
        {
            devices
        }
        _ => Records::new(),
    }
}

/// Adds records to those in a data folder. A temporary file is renamed, so that a crash leaves the old file or the new one.
pub(super) fn add(folder: &Path, new: Records) -> std::io::Result<PathBuf> {
    let mut devices = read(folder);
    devices.extend(new.iter().map(|(key, record)| (key.clone(), record.clone())));
    while devices.len() > MOST {
        // Whichever: a machine has a few.
        let Some(other) = devices.keys().find(|key| !new.contains_key(*key)).cloned() else { break };
        devices.remove(&other);
    }
    let content = Content { speeds: FORMAT, program: PROGRAM.to_owned(), devices };
    std::fs::create_dir_all(folder)?;
    let mut beside = tempfile::NamedTempFile::new_in(folder)?;
    beside.write_all(&serde_json::to_vec_pretty(&content)?)?;
    let file = folder.join(FILE);
    beside.persist(&file)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(rate: f64) -> Record {
        let speed = Speed { convolution: rate, linear: rate, attention: rate, norm: rate };
        Record { f32: Some(speed), faults: vec!["matrix units".to_owned()], ..Record::default() }
    }

    fn one(key: &str, rate: f64) -> Records {
        Records::from([(key.to_owned(), record(rate))])
    }

    #[test]
    fn what_was_measured_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("new");
        assert!(read(&inner).is_empty());
        add(&inner, one("a", 1e12)).unwrap();
        add(&inner, one("b", 2e12)).unwrap();
        add(&inner, one("a", 3e12)).unwrap();
        let both: Records = one("a", 3e12).into_iter().chain(one("b", 2e12)).collect();
        assert_eq!(read(&inner), both);
        let files = std::fs::read_dir(&inner).unwrap().count();
        assert_eq!(files, 1, "nothing is left beside it");
    }

    #[test]
    fn a_file_of_another_program_or_a_damaged_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = add(folder.path(), one("a", 1e12)).unwrap();
        let right = std::fs::read_to_string(&file).unwrap();
        let long = format!("{right}{}", " ".repeat(1 << 17));
        for wrong in [
            &right[..right.len() / 2],
            "",
            "[]",
            &right.replace("1000000000000.0", "-1.0"),
            &right.replace("1000000000000.0", "0.0"),
            &right.replace("1000000000000.0", "1e400"),
            &right.replace("\"speeds\": 1", "\"speeds\": 2"),
            &right.replace(env!("CARGO_PKG_VERSION"), "0.0.9"),
            &long,
        ] {
            std::fs::write(&file, wrong).unwrap();
            assert!(wrong != right && read(folder.path()).is_empty(), "{wrong}");
        }
        // The next measurement writes a whole one.
        add(folder.path(), one("b", 1e12)).unwrap();
        assert_eq!(read(folder.path()), one("b", 1e12));
    }

    #[test]
    fn a_file_keeps_a_few_devices() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..40 {
            add(folder.path(), one(&format!("card {number}"), 1e12)).unwrap();
        }
        let kept = read(folder.path());
        assert!(kept.len() == MOST && kept.contains_key("card 39"), "{:?}", kept.keys());
    }
}
