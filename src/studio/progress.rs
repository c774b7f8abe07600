//! Progress of a drawing: steps of all its runs, and previews that cost little beside them.

use super::again::Reroll;
use super::decode::decode;
use super::drawing::{DrawError, Watcher};
use super::model::Model;
use super::prepared::Prepared;
use super::preview::{LatentToRgb, Small};
use crate::diffusion::{Network, Observer, Planes};
use crate::document::Document;
use image::RgbImage;
use std::time::Instant;

/// Share of the running time that previews may take. Previews by the linear map are always made, by a small decoder (or without one by the
/// VAE) where time is left.
const PREVIEW_SHARE: f64 = 0.05;

/// The largest latent in cells that is decoded for a preview, since decoding a large one takes much memory.
const FULL_PREVIEW_CELLS: usize = 128 * 128;

/// The linear map for previews, and the time that previews have taken.
pub(super) struct Previews {
    rgb: LatentToRgb,
    /// Seconds a VAE decode takes for a latent pixel.
    decode_pace: f64,
    /// The same of a small decoder, where there is one.
    small_pace: Option<f64>,
    /// Seconds spent on previews so far, the fit of the map included.
    spent: f64,
}

impl Previews {
    /// Previews by the model's linear map to colours, which is fitted when it is first asked for.
    ///
    /// # Errors
    /// If the autoencoder fails.
    pub(super) fn of(model: &mut dyn Model) -> Result<Self, DrawError> {
        let begun = Instant::now();
        let rgb = match model.preview_map() {
            Some(known) => known.clone(),
            None => {
                let factor = model.factor();
                let fitted = LatentToRgb::fit(model.network(), factor);
                let fitted = fitted.map_err(|error| DrawError::of(error, DrawError::Decode))?;
                model.preview_map().insert(fitted).clone()
            }
        };
        let small_pace = model.preview_decoder().map(|decoder| decoder.pace);
        Ok(Self { decode_pace: rgb.decode_pace, small_pace, rgb, spent: begun.elapsed().as_secs_f64() })
    }
}

/// Turns the engine's steps into the watcher's, with previews.
pub(super) struct Progress<'a> {
    watcher: &'a mut dyn Watcher,
    previews: Option<Previews>,
    document: &'a Document,
    wrap: (bool, bool),
    factor: usize,
    /// When denoising began.
    begun: Instant,
    /// Runs of the engine in this drawing, and how many of them are done.
    runs: usize,
    done: usize,
    /// The region that is being drawn again, and the latent it is drawn into.
    again: Option<(&'a Reroll, Planes)>,
}

impl<'a> Progress<'a> {
    /// The progress of a drawing that begins now.
    pub(super) fn new(prepared: &'a Prepared<'_>, previews: Option<Previews>, watcher: &'a mut dyn Watcher) -> Self {
        let Prepared { document, painting, rerolls, kept, .. } = prepared;
        Self {
            watcher,
            previews,
            document,
            wrap: painting.wrap,
            factor: painting.factor,
            begun: Instant::now(),
            runs: rerolls.len() + usize::from(kept.is_none()),
            done: 0,
            again: None,
        }
    }

    /// Steps from now on are of a region drawn again; its previews show it in `others`, the latent of all before it.
    pub(super) fn begin_reroll(&mut self, reroll: &'a Reroll, others: &Planes) {
        self.again = Some((reroll, others.clone()));
    }

    /// A run of the engine is finished.
    pub(super) fn end_run(&mut self) {
        self.done += 1;
    }

    fn preview(&mut self, last: bool, latent: &Planes, network: &mut dyn Network) -> Option<RgbImage> {
        let previews = self.previews.as_mut()?;
        let begun = Instant::now();
        let mut together = None;
        if let Some((reroll, others)) = &self.again {
            reroll.lay_latent(latent, together.insert(others.clone()));
        }
        let latent = together.as_ref().unwrap_or(latent);
        let cells = latent.plane_len();
        // The share is of the steps' own time, and is not spent in advance. The last step's picture is decoded anyway.
        let earned = ((begun - self.begun).as_secs_f64() - previews.spent).max(0.0) * PREVIEW_SHARE;
        let affordable = |pace: f64, cells: usize| previews.spent + pace * cells as f64 <= earned;
        let size = (self.document.width, self.document.height);
        let mut picture = None;
        if let Some(pace) = previews.small_pace.filter(|_| !last) {
            let mut small = [false, true].into_iter().map(|coarser| Small::of(latent, self.wrap, coarser));
            if let Some(small) = small.find(|small| affordable(pace, small.cells())) {
                picture = small.picture(network, self.factor, size);
                previews.small_pace = Some(begun.elapsed().as_secs_f64() / small.cells().max(1) as f64);
            }
        } else if affordable(previews.decode_pace, cells) && cells <= FULL_PREVIEW_CELLS && !last {
            picture = decode(network, latent, self.document, self.wrap).ok();
            previews.decode_pace = begun.elapsed().as_secs_f64() / cells.max(1) as f64;
        }
        let picture = picture.unwrap_or_else(|| previews.rgb.picture(latent, self.factor, size, self.wrap));
        previews.spent += begun.elapsed().as_secs_f64();
        Some(picture)
    }
}

impl Observer for Progress<'_> {
    fn cancelled(&mut self) -> bool {
        self.watcher.cancelled()
    }

    fn stepped(&mut self, done: usize, total: usize, denoised: &Planes, network: &mut dyn Network) {
        // Every run of one drawing takes as many steps.
        let (done, total) = (self.done * total + done, self.runs * total);
        let preview = self.preview(done == total, denoised, network);
        self.watcher.step(done, total, preview);
    }
}
