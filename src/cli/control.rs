//! The options of ControlNets.

use super::models::Names;
use super::values::{self, fraction, whole};
use crate::checkpoint::Kind;
use crate::document::{Control, ControlMap, Document, InitImage, MAX_CONTROL_WEIGHT, MAX_CONTROLS};
use anyhow::Context as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct ControlArgs {
    /// A ControlNet (a .safetensors file, a folder of diffusers, or a name that `polyptych models` lists) and what it sees: a map as a picture, `canny:PICTURE` for the
    /// edges in one, or the painted regions, as `regions` (ADE20K's colours by their words), `edges` or `scribble` (their
    /// outlines, thin or wide); with how strongly it counts and in which part of the steps, such as
    /// depth.safetensors=depth.png=0.8:0-0.6; after the project's own
    #[arg(long = "control", value_name = "NET=IMAGE[=WEIGHT[:START-END]]", value_parser = given)]
    controls: Vec<Given>,
    /// The same for region N alone (from 1)
    #[arg(long = "region-control", value_name = "N=NET=IMAGE[=WEIGHT[:START-END]]", value_parser = of_region)]
    of_regions: Vec<(usize, Given)>,
    /// How strongly ControlNets given here count that say nothing else, 0 to 10
    #[arg(long = "control-weight", value_name = "X", value_parser = weight, default_value = "1")]
    weight: f32,
    /// The fraction of the steps from which they count
    #[arg(long = "control-start", value_name = "F", value_parser = fraction, default_value = "0")]
    start: f32,
    /// The fraction of the steps until which they count
    #[arg(long = "control-end", value_name = "F", value_parser = fraction, default_value = "1")]
    end: f32,
}

/// A ControlNet as it is given.
#[derive(Debug, Clone, PartialEq)]
struct Given {
    net: String,
    sees: Sees,
    weight: Option<f32>,
    span: Option<(f32, f32)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Sees {
    Picture(PathBuf),
    Canny(PathBuf),
    Regions(ControlMap),
}

const EXAMPLE: &str = "give a ControlNet and what it sees, such as depth.safetensors=depth.png, net=regions=0.8 or \
                       net=canny:photo.png=0.8:0-0.6";

fn weight(text: &str) -> Result<f32, String> {
    let value = text.trim().parse().ok().filter(|weight| (0.0..=MAX_CONTROL_WEIGHT).contains(weight));
    value.ok_or_else(|| format!("give a weight from 0 to {MAX_CONTROL_WEIGHT}"))
}

/// A weight, and the part of the steps where it is given.
fn strength(text: &str) -> Result<(f32, Option<(f32, f32)>), String> {
    let Some((value, span)) = text.split_once(':') else { return Ok((weight(text)?, None)) };
    Ok((weight(value)?, Some(values::span(span)?)))
}

fn given(text: &str) -> Result<Given, String> {
    // (A file's name may have an = in it.)
    let parts = |text: &str| -> Option<(String, String)> {
        let places = text.match_indices('=').map(|(at, _)| at);
        let splits = places.filter_map(|at| Some((text.get(..at)?, text.get(at + 1..)?)));
        let all: Vec<(&str, &str)> = splits.filter(|(net, sees)| !net.is_empty() && !sees.is_empty()).collect();
        let exists = all.iter().find(|(net, _)| Path::new(net).exists());
        let (net, sees) = exists.or(all.first())?;
        Some(((*net).to_owned(), (*sees).to_owned()))
    };
    let (net, sees) = parts(text).ok_or(EXAMPLE)?;
    let (sees, weight, span) = match sees.rsplit_once('=') {
        Some((picture, value)) if !Path::new(&sees).exists() => {
            let (weight, span) = strength(value)?;
            (picture.to_owned(), Some(weight), span)
        }
        _ => (sees, None, None),
    };
    let sees = match (ControlMap::of_regions(&sees), sees.strip_prefix("canny:")) {
        (Some(map), _) => Sees::Regions(map),
        (None, Some(picture)) => Sees::Canny(PathBuf::from(picture)),
        (None, None) => Sees::Picture(PathBuf::from(sees)),
    };
    Ok(Given { net, sees, weight, span })
}

fn of_region(text: &str) -> Result<(usize, Given), String> {
    let (number, rest) = text.split_once('=').ok_or(EXAMPLE)?;
    let number =
        whole(number, 1..=u64::from(u32::MAX)).map_err(|_| "begin with a region's number, such as 2=net=map.png")?;
    Ok((usize::try_from(number).map_err(|error| error.to_string())?, given(rest)?))
}

impl ControlArgs {
    /// The pictures that the arguments name.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let all = self.controls.iter().chain(self.of_regions.iter().map(|(_, given)| given));
        all.filter_map(|given| match &given.sees {
            Sees::Picture(path) | Sees::Canny(path) => Some(path.as_path()),
            Sees::Regions(_) => None,
        })
    }

    /// Adds the ControlNets to the document's; what the person should know is told to `notes`.
    pub(super) fn apply(&self, names: &Names, document: &mut Document, notes: &mut Vec<String>) -> anyhow::Result<()> {
        for given in &self.controls {
            let control = self.control(names, given, document, notes)?;
            add(&mut document.controls, control).with_context(|| format!("--control {}", given.net))?;
        }
        let count = document.regions.len();
        for (number, given) in &self.of_regions {
            let control = self.control(names, given, document, notes)?;
            let option = || format!("--region-control {number}={}", given.net);
            let region = document.regions.get_mut(number - 1);
            let region = region
                .with_context(|| format!("{}: there is no region {number}; regions go from 1 to {count}", option()))?;
            anyhow::ensure!(region.visible, "{}: region {number} is hidden; show it first", option());
            add(&mut region.controls, control).with_context(option)?;
        }
        Ok(())
    }

    fn control(
        &self,
        names: &Names,
        given: &Given,
        document: &Document,
        notes: &mut Vec<String>,
    ) -> anyhow::Result<Control> {
        let Given { net, sees, weight, span } = given;
        let mut picture = |path: &Path| {
            let picture = Document::import_picture(path)?;
            let (w, h) = picture.dimensions();
            let (width, height) = (document.width, document.height);
            if (w, h) != (width, height) {
                notes.push(format!(
                    "{} is {w}×{h} and was scaled and cut to the canvas of {width}×{height}",
                    path.display()
                ));
            }
            Ok::<_, anyhow::Error>(Arc::new(InitImage::fitted(&picture, width, height)))
        };
        let map = match sees {
            Sees::Picture(path) => ControlMap::Picture(picture(path)?),
            Sees::Canny(path) => ControlMap::Canny(picture(path)?),
            Sees::Regions(map) => map.clone(),
        };
        let net = names.resolve_whole(&[Kind::ControlNet], net)?;
        let (start, end) = span.unwrap_or((self.start, self.end));
        Ok(Control { weight: weight.unwrap_or(self.weight), start, end, ..Control::new(net, map) })
    }
}

fn add(controls: &mut Vec<Control>, control: Control) -> anyhow::Result<()> {
    anyhow::ensure!(
        controls.len() < MAX_CONTROLS,
        "a project takes {MAX_CONTROLS} ControlNets at most, and as many for each region"
    );
    controls.push(control);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controlnets_are_given_with_what_they_see() {
        let seen = |text: &str| given(text).map(|given| (given.net, given.sees, given.weight, given.span));
        let picture = |path: &str| Sees::Picture(PathBuf::from(path));
        assert_eq!(seen("n.safetensors=a.png"), Ok(("n.safetensors".to_owned(), picture("a.png"), None, None)));
        let half = Some((0.0, 0.5));
        assert_eq!(seen("n=a.png=0.8:0-0.5"), Ok(("n".to_owned(), picture("a.png"), Some(0.8), half)));
        let canny = Sees::Canny(PathBuf::from("a.png"));
        assert_eq!(seen("n=canny:a.png=2"), Ok(("n".to_owned(), canny, Some(2.0), None)));
        for (name, map) in
            [("regions", ControlMap::Segments), ("edges", ControlMap::Edges), ("scribble", ControlMap::Scribble)]
        {
            assert_eq!(seen(&format!("n={name}")), Ok(("n".to_owned(), Sees::Regions(map), None, None)));
        }
        for wrong in ["", "n", "n=", "=a.png", "n=a.png=x", "n=a.png=11", "n=a.png=1:0", "n=a.png=1:0-2", "n=a.png=-1"]
        {
            assert!(given(wrong).is_err(), "{wrong}");
        }
        assert_eq!(of_region("2=n=edges").map(|(number, given)| (number, given.net)), Ok((2, "n".to_owned())));
        for wrong in ["0=n=edges", "x=n=edges", "n"] {
            assert!(of_region(wrong).is_err(), "{wrong}");
        }
    }
}
