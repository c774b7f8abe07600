//! Compiled kernels, kept in a file for the next start where the interface to the card has that (Vulkan). Elsewhere, drivers and
//! systems keep them by themselves.

use super::adapter::Adapter;
use super::gpu::Gpu;
use super::trusted::pipeline_cache;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// A file larger than this is neither read nor written.
const LARGEST: u64 = 64 << 20;
/// Bytes of the sum at the file's beginning.
const SUM: usize = size_of::<u64>();

/// The kernels of one adapter.
#[derive(Debug)]
pub(super) struct Kept {
    pub cache: wgpu::PipelineCache,
    file: PathBuf,
    /// Set when a kernel was made since the file was written.
    changed: AtomicBool,
}

impl Kept {
    /// The kernels kept in this folder; none at first, and where the file is damaged or of another driver. `None` where this
    /// adapter has no such thing.
    pub(super) fn open(gpu: &Gpu, adapter: &Adapter, folder: &Path) -> Option<Self> {
        if !gpu.device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            return None;
        }
        let key = wgpu::util::pipeline_cache_key(&adapter.handle.get_info())?;
        let file = folder.join(format!("{key}-{}", env!("CARGO_PKG_VERSION")));
        let cache = pipeline_cache(&gpu.device, read(&file).as_deref());
        Some(Self { cache, file, changed: AtomicBool::new(false) })
    }

    /// A kernel was made.
    pub(super) fn change(&self) {
        self.changed.store(true, Ordering::Relaxed);
    }

    /// Writes the file where a kernel was made since. A failure costs the next start some time and nothing else.
    pub(super) fn save(&self) {
        if !self.changed.swap(false, Ordering::Relaxed) {
            return;
        }
        let Some(data) = self.cache.get_data().filter(|data| data.len() as u64 <= LARGEST) else { return };
        if let Err(error) = write(&self.file, &data) {
            log::info!("{}: compiled kernels are not kept ({error})", self.file.display());
        }
    }
}

/// FNV-1a of 64 bits: it finds damage, not malice. The folder is the person's own.
fn sum(data: &[u8]) -> u64 {
    data.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The kernels in a file; `None` where it is missing, too large or damaged.
fn read(file: &Path) -> Option<Vec<u8>> {
    let mut data = Vec::new();
    File::open(file).ok()?.take(LARGEST + SUM as u64).read_to_end(&mut data).ok()?;
    let (expected, kernels) = data.split_first_chunk::<SUM>()?;
    (sum(kernels) == u64::from_le_bytes(*expected)).then(|| kernels.to_vec())
}

/// Writes a file beside and renames it, so that no other start of the program reads a half of it. Files of other versions go.
fn write(file: &Path, data: &[u8]) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(&sum(data).to_le_bytes())?;
    new.write_all(data)?;
    new.persist(file)?;
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some((key, _)) = name.rsplit_once('-') else { return Ok(()) };
    for other in fs::read_dir(folder)?.flatten() {
        let other_name = other.file_name();
        let of_another_version = |other: &str| other != name && other.rsplit_once('-').is_some_and(|(k, _)| k == key);
        if other_name.to_str().is_some_and(of_another_version) {
            fs::remove_file(other.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_no_file_and_another_versions_goes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kernels").join("card_1-0.2.0");
        assert_eq!(read(&file), None, "there is none yet");
        write(&file, b"compiled").unwrap();
        assert_eq!(read(&file).as_deref(), Some(&b"compiled"[..]));

        let (older, other) = (file.with_file_name("card_1-0.1.0"), file.with_file_name("card_12-0.1.0"));
        fs::write(&older, b"old").unwrap();
        fs::write(&other, b"another card's").unwrap();
        write(&file, b"compiled anew").unwrap();
        assert!(!older.exists() && other.exists());

        let whole = fs::read(&file).unwrap();
        for cut in 0..whole.len() {
            fs::write(&file, &whole[..cut]).unwrap();
            assert_eq!(read(&file).filter(|kernels| !kernels.is_empty()), None, "the first {cut} bytes");
            let mut damaged = whole.clone();
            damaged[cut] ^= 1;
            fs::write(&file, &damaged).unwrap();
            assert_eq!(read(&file), None, "byte {cut}");
        }
        File::create(&file).unwrap().set_len(LARGEST + 99).unwrap();
        assert_eq!(read(&file), None, "too large");
    }
}
