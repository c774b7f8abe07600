//! The options of what is drawn of a canvas and how large: a frame alone, or a second, enlarged pass. And the drawing itself.

use super::init_image::InitImageArgs;
use super::values::{frame, second_pass};
use crate::document::{Area, Document, InitImage};
use crate::studio::frame::{Frame, draw_frame};
use crate::studio::{DrawError, Drawn, Facts, Model, Options, SecondPass, Stage, Watcher, draw};
use image::RgbImage;
use serde_json::{Value, json};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct PassArgs {
    /// Draw this part of the canvas alone (canvas pixels) and lay it without a seam into the picture there is: that of --image, or
    /// else the project's finished picture, or else the one it starts from; without any, onto white. A small frame is
    /// drawn at the model's own size and made small again; outside it no pixel changes. --strength and --inpaint count in it
    #[arg(long, value_name = "X,Y,WxH", value_parser = frame, allow_hyphen_values = true)]
    #[arg(conflicts_with_all = ["reference", "upscale"])]
    frame: Option<Frame>,
    /// Enlarge the finished picture (1.5 to 4 times, to multiples of 8 pixels) and draw it over in windows with the same regions, at this
    /// strength (0.35 unless given); with --image that picture is enlarged as it is
    #[arg(long, value_name = "F[=STRENGTH]", value_parser = second_pass, conflicts_with = "reference")]
    upscale: Option<SecondPass>,
}

/// A start that a document had before it was lent its finished picture.
pub(super) struct Lent(Option<InitImage>);

impl PassArgs {
    /// Lets a frame be laid into the finished picture where no other is given.
    pub(super) fn lend(&self, given: &InitImageArgs, document: &mut Document) -> Option<Lent> {
        let take = document.take.as_ref().filter(|_| self.frame.is_some() && given.image().is_none())?;
        let image = take.image.clone();
        let strength = document.init_image.as_ref().map_or(InitImage::STRENGTH, |start| start.strength);
        let start = InitImage { image, strength, area: Area::Everything };
        Some(Lent(document.init_image.replace(start)))
    }

    /// Checks all that can be known before the checkpoint is loaded; what the person should know is told to `notes`.
    pub(super) fn check(
        &self,
        given: &InitImageArgs,
        document: &Document,
        notes: &mut Vec<String>,
    ) -> anyhow::Result<()> {
        if let Some(frame) = self.frame {
            frame.on(document.width, document.height)?;
            if document.init_image.is_none() {
                notes.push(
                    "there is no picture to lay the frame into, so it is a piece of its own on white; give one with --image"
                        .to_owned(),
                );
            }
        }
        let Some(pass) = self.upscale else { return Ok(()) };
        if given.image().is_some() {
            anyhow::ensure!(
                !given.changes(),
                "--image with --upscale is enlarged as it is; leave out --strength and --inpaint, and give the strength \
                 of the pass as --upscale {}=STRENGTH",
                pass.factor
            );
        }
        let (width, height) = pass.check(document)?;
        let exact = |side: u32| f64::from(side) * pass.factor;
        if (f64::from(width), f64::from(height)) != (exact(document.width), exact(document.height)) {
            notes.push(format!("the enlarged picture is rounded to whole cells of the model: {width}×{height} pixels"));
        }
        Ok(())
    }

    /// Runs of the sampler besides the first picture's.
    pub(super) fn further_runs(&self) -> usize {
        usize::from(self.upscale.is_some())
    }

    /// Draws the document as the arguments say. Afterwards it is the one that the picture is made from: an enlarged one after a second
    /// pass, one without the finished picture that it was `lent`.
    pub(super) fn draw(
        &self,
        given: &InitImageArgs,
        document: &mut Document,
        lent: Option<Lent>,
        model: &mut dyn Model,
        options: &Options,
        watcher: &mut dyn Watcher,
    ) -> Result<Drawn, DrawError> {
        let mut watcher = Counted { watcher, before: 0, done: 0 };
        if let Some(frame) = self.frame {
            let drawn = draw_frame(document, frame, model, options, &mut watcher)?;
            if let Some(Lent(start)) = lent {
                document.init_image = start;
            }
            return Ok(drawn);
        }
        let Some(pass) = self.upscale else { return draw(document, model, options, &mut watcher) };
        let facts = Facts::of(model);
        if let Some(start) = document.init_image.as_ref().filter(|_| given.image().is_some()) {
            *document = pass.document(document, &start.image, facts)?;
            return draw(document, model, options, &mut watcher);
        }
        let first = draw(document, model, options, &mut watcher)?;
        watcher.before = watcher.done;
        *document = pass.document(document, &first.image, facts)?;
        Ok(together(first, draw(document, model, options, &mut watcher)?))
    }

    /// What is told of them in `--json`, beside all else.
    pub(super) fn told(&self, document: &Document) -> [(&'static str, Value); 2] {
        let frame = self.frame.and_then(|frame| frame.on(document.width, document.height).ok());
        let frame = frame.map(|f| json!({"x": f.x, "y": f.y, "width": f.width, "height": f.height}));
        let upscale = self.upscale.map(|pass| json!({"factor": pass.factor, "strength": pass.strength}));
        [("frame", json!(frame)), ("upscale", json!(upscale))]
    }
}

/// The second picture with the cost and the warnings of both.
fn together(first: Drawn, mut second: Drawn) -> Drawn {
    second.unet_samples += first.unet_samples;
    second.unet_samples_shallow += first.unet_samples_shallow;
    second.unet_inputs += first.unet_inputs;
    second.unet_samples_reference += first.unet_samples_reference;
    second.unet_samples_rerolled += first.unet_samples_rerolled;
    second.seconds.encode += first.seconds.encode;
    second.seconds.denoise += first.seconds.denoise;
    second.seconds.decode += first.seconds.decode;
    let mut warnings = first.warnings;
    warnings.extend(second.warnings.into_iter().filter(|warning| !warnings.contains(warning)).collect::<Vec<_>>());
    Drawn { warnings, ..second }
}

/// Counts the steps of one pass after those of the one before.
struct Counted<'a> {
    watcher: &'a mut dyn Watcher,
    /// Steps of the passes before.
    before: usize,
    /// Steps so far.
    done: usize,
}

impl Watcher for Counted<'_> {
    fn cancelled(&mut self) -> bool {
        self.watcher.cancelled()
    }

    fn stage(&mut self, stage: Stage) {
        self.watcher.stage(stage);
    }

    fn step(&mut self, done: usize, total: usize, preview: Option<RgbImage>) {
        self.done = self.before + done;
        self.watcher.step(self.done, self.before + total, preview);
    }
}
