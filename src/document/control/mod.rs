//! ControlNets of a document, and the pictures that they see: brought ones, or made of the painted regions.

mod canny;
mod maps;

pub use canny::canny;
pub use maps::{edges, scribble, segments};

use super::{Document, InitImage};
use image::RgbImage;
use std::path::Path;
use std::sync::Arc;

/// A ControlNet, what it sees, and how it counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Control {
    /// Its file or folder.
    pub net: String,
    /// What it sees.
    pub map: ControlMap,
    /// The strength: 1 as it was trained, 0 not at all, up to [`MAX_CONTROL_WEIGHT`].
    pub weight: f32,
    /// The part of the process in which it counts, as fractions of the steps: from `start` (0 is the first)…
    pub start: f32,
    /// …until `end` (1 is after the last).
    pub end: f32,
}

/// The picture that a ControlNet sees. Brought ones have the canvas's size.
#[derive(Debug, Clone, PartialEq)]
pub enum ControlMap {
    /// A map as it was brought: depths, poses, lines or whatever the ControlNet was trained on.
    Picture(Arc<RgbImage>),
    /// The edges in a picture, found by Canny's method.
    Canny(Arc<RgbImage>),
    /// The painted regions in ADE20K's colours, by their words.
    Segments,
    /// The painted regions' outlines, one pixel wide.
    Edges,
    /// The painted regions' outlines, as wide as a pen's lines.
    Scribble,
}

/// The strongest weight of a ControlNet.
pub const MAX_CONTROL_WEIGHT: f32 = 10.0;

/// The most ControlNets of a document, and of each region.
pub const MAX_CONTROLS: usize = 8;

/// The name of diffusers' weights, in whose place their folder's says something.
const WEIGHTS: &str = "diffusion_pytorch_model";

impl Control {
    /// A ControlNet at its full strength in all steps.
    #[must_use]
    pub fn new(net: impl Into<String>, map: ControlMap) -> Self {
        Self { net: net.into(), map, weight: 1.0, start: 0.0, end: 1.0 }
    }

    /// Its name for people: the file's name without its ending, or the folder's, which is also that of diffusers' weights in it.
    #[must_use]
    pub fn name(&self) -> String {
        let path = Path::new(&self.net);
        let folder = || path.parent().and_then(Path::file_name);
        let name = match path.file_stem() {
            _ if path.is_dir() => path.file_name(),
            Some(stem) if stem.to_string_lossy().starts_with(WEIGHTS) => folder().or(Some(stem)),
            stem => stem,
        };
        name.map_or_else(|| self.net.clone(), |name| name.to_string_lossy().into_owned())
    }

    /// True where both are the same without looking at every pixel.
    pub(super) fn is(&self, other: &Self) -> bool {
        let Self { net, map, weight, start, end } = self;
        let same_map = match (map, &other.map) {
            (ControlMap::Picture(a), ControlMap::Picture(b)) | (ControlMap::Canny(a), ControlMap::Canny(b)) => {
                Arc::ptr_eq(a, b)
            }
            (a, b) => a.picture().is_none() && a == b,
        };
        same_map && (net, weight, start, end) == (&other.net, &other.weight, &other.start, &other.end)
    }
}

/// True where two lists are the same without looking at every pixel.
pub(super) fn same(a: &[Control], b: &[Control]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is(b))
}

/// Bytes of the pictures in a list.
pub(super) fn memory(controls: &[Control]) -> usize {
    let picture = |control: &Control| control.map.picture().map_or(0, |picture| picture.as_raw().len());
    controls.iter().map(|control| size_of::<Control>() + control.net.len() + picture(control)).sum()
}

impl ControlMap {
    /// The name in files and on the command line.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Picture(_) => "picture",
            Self::Canny(_) => "canny",
            Self::Segments => "regions",
            Self::Edges => "edges",
            Self::Scribble => "scribble",
        }
    }

    /// The map that the painted regions are, by its name.
    #[must_use]
    pub fn of_regions(name: &str) -> Option<Self> {
        [Self::Segments, Self::Edges, Self::Scribble].into_iter().find(|map| map.name() == name)
    }

    /// The picture that was brought, where there is one.
    #[must_use]
    pub fn picture(&self) -> Option<&Arc<RgbImage>> {
        match self {
            Self::Picture(picture) | Self::Canny(picture) => Some(picture),
            Self::Segments | Self::Edges | Self::Scribble => None,
        }
    }

    /// What the ControlNet sees of a document: a picture of the canvas's size.
    #[must_use]
    pub fn seen(&self, document: &Document) -> Arc<RgbImage> {
        let fitted = |picture: &Arc<RgbImage>| {
            let (width, height) = (document.width, document.height);
            if picture.dimensions() == (width, height) {
                Arc::clone(picture)
            } else {
                Arc::new(InitImage::fitted(picture, width, height))
            }
        };
        match self {
            Self::Picture(picture) => fitted(picture),
            Self::Canny(picture) => Arc::new(canny(&fitted(picture))),
            Self::Segments => Arc::new(segments(document)),
            Self::Edges => Arc::new(edges(document)),
            Self::Scribble => Arc::new(scribble(document)),
        }
    }

    /// The same for a canvas that was stretched to this size.
    #[must_use]
    pub fn stretched_to(&self, width: u32, height: u32) -> Self {
        let stretched = |picture: &RgbImage| {
            Arc::new(image::imageops::resize(picture, width, height, image::imageops::FilterType::CatmullRom))
        };
        match self {
            Self::Picture(picture) => Self::Picture(stretched(picture)),
            Self::Canny(picture) => Self::Canny(stretched(picture)),
            other => other.clone(),
        }
    }

    /// The same for a canvas of this size, on which what was at the top left is `dx` to the right and `dy` down. A map is black
    /// where there was nothing; the picture that edges are found in goes on there, so that its end is none.
    #[must_use]
    pub fn moved_to(&self, width: u32, height: u32, dx: i32, dy: i32) -> Self {
        let moved = |picture: &Arc<RgbImage>, goes_on: bool| {
            let (w, h) = (i64::from(picture.width()), i64::from(picture.height()));
            Arc::new(RgbImage::from_fn(width, height, |x, y| {
                let (x, y) = (i64::from(x) - i64::from(dx), i64::from(y) - i64::from(dy));
                let inside = (0..w).contains(&x) && (0..h).contains(&y);
                let side = |v: i64, side: i64| u32::try_from(v.clamp(0, side - 1)).unwrap_or(0);
                if inside || goes_on { *picture.get_pixel(side(x, w), side(y, h)) } else { image::Rgb([0; 3]) }
            }))
        };
        match self {
            Self::Picture(picture) => Self::Picture(moved(picture, false)),
            Self::Canny(picture) => Self::Canny(moved(picture, true)),
            other => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controlnet_has_the_name_that_says_something() {
        let name = |net: &str| Control::new(net, ControlMap::Edges).name();
        assert_eq!(name("/models/control_v11p_sd15_canny.safetensors"), "control_v11p_sd15_canny");
        assert_eq!(name("/models/depth/diffusion_pytorch_model.fp16.safetensors"), "depth");
        assert_eq!(name(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), "src");
    }
}
