//! `polyptych render`: a project becomes a picture, without a window.

use super::Window;
use super::console::{print_line, tell_line};
use super::control::ControlArgs;
use super::init_image::InitImageArgs;
use super::models::{Names, whole};
use super::passes::PassArgs;
use super::progress::Bar;
use super::values;
use crate::checkpoint::{Device, Devices, Dtype, FewSteps, Kind, Progress};
use crate::document::{
    BootstrapColour, ControlSummary, Document, Export, FileError, Lora, MAX_EMBEDDINGS, MAX_LORAS, Opened, Output,
    Outputs, Overlap, PictureFormat, Prediction, Problem, PromptRule, Regions, Sampler, Schedule, WindowWeights, Wrap,
};
use crate::studio::{self, Drawn, Manners, Model as _, Nature, Options, Presets, Stage, Watcher};
use anyhow::Context as _;
use image::RgbImage;
use image::codecs::png::PngEncoder;
use serde_json::json;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct Args {
    /// The project to draw
    #[arg(value_name = "PROJECT.ora")]
    project: PathBuf,
    /// The picture to write: PNG (with the project inside), JPEG or WebP by its ending; `-` is standard output (PNG)
    #[arg(short, long = "output", value_name = "OUT.png|jpg|webp|-")]
    output: PathBuf,
    /// A checkpoint: `embedded`, `embedded/few_steps`, the name (or part of it) of one that `polyptych models` lists, a .safetensors file or a diffusers folder, or several of them
    /// as `FILE + FILE`, of which the later ones have what the first one lacks; one that was made for few steps
    /// (or a LoRA for few steps) brings its sampler, schedule, steps, guidance and bootstrapping along, as far as they are not given here
    #[arg(long, value_name = "NAME|FOLDER|FILE")]
    model: Option<String>,
    /// Its autoencoder, instead of its own or where it has none: a .safetensors file; `--vae ""` is its own again
    #[arg(long, value_name = "NAME|FILE")]
    vae: Option<String>,
    /// A checkpoint that gives what the model's file lacks (text encoder, autoencoder); `--fallback ""` is none again
    #[arg(long, value_name = "NAME|FOLDER|FILE")]
    fallback: Option<String>,
    /// A textual inversion, or a folder of them, that words call by their files' names (`embedding:NAME`, or NAME alone as the web
    /// UIs do); those in a folder `embeddings` near the model are known by themselves
    #[arg(long = "embedding", value_name = "FILE|FOLDER")]
    embeddings: Vec<String>,
    /// A LoRA, by its file or by the name (or part of it) that `polyptych models` lists, and how strongly it counts (1 unless given);
    /// after the project's own
    #[arg(long = "lora", value_name = "NAME|FILE[=WEIGHT]", value_parser = values::lora)]
    loras: Vec<Lora>,
    /// A LoRA for region N alone (from 1; 0 is the background), besides the picture's; may be given again
    #[arg(long = "region-lora", value_name = "N=FILE[=WEIGHT]", value_parser = values::region_lora)]
    region_loras: Vec<(usize, Lora)>,
    /// Decides all chance; the same seed draws the same picture
    #[arg(long, value_name = "N", value_parser = values::seed)]
    seed: Option<u64>,
    #[arg(long, value_name = "N", value_parser = values::steps)]
    steps: Option<u32>,
    #[arg(long, value_name = "NAME", value_parser = values::choice::<Sampler>)]
    sampler: Option<Sampler>,
    #[arg(long, value_name = "NAME", value_parser = values::choice::<Schedule>)]
    schedule: Option<Schedule>,
    /// How strictly the words are followed; 1 switches guidance off
    #[arg(long, value_name = "X", value_parser = values::guidance)]
    guidance: Option<f32>,
    /// The part of the steps in which guidance counts, as two fractions; without it a step takes half the time
    #[arg(long, value_name = "START-END", value_parser = values::span)]
    guidance_span: Option<(f32, f32)>,
    /// Compute every step of so many whole, and the others with its deep features (DeepCache): faster, and no longer exact; 1 is exact
    #[arg(long, value_name = "N", value_parser = values::reuse)]
    reuse: Option<u32>,
    #[arg(long, value_name = "auto|cpu[:TYPE]|candle|wgpu[:N]|cuda[:N]|metal", default_value = "auto", value_parser = values::device)]
    device: Device,
    /// The type of tensors on a graphics card, where f16 takes half the memory; on the processor the type that operands of products are
    /// rounded to (`cpu:f16`, `cpu:bf16`): faster where it has instructions for it, and a little different
    #[arg(long, value_name = "auto|f32|f16|bf16", default_value = "auto", value_parser = values::dtype)]
    dtype: Dtype,
    /// Window side in latent pixels; the model's own if absent
    #[arg(long, value_name = "N", value_parser = values::latent_side)]
    window: Option<u32>,
    /// Distance between windows in latent pixels
    #[arg(long, value_name = "N", value_parser = values::latent_side)]
    stride: Option<u32>,
    /// Fraction of the steps for which regions hold their shape, 0 to 1
    #[arg(long, value_name = "FRACTION", value_parser = values::fraction, conflicts_with = "bootstrap_steps")]
    bootstrap: Option<f32>,
    /// The same as a number of steps
    #[arg(long, value_name = "N", value_parser = values::bootstrap_steps)]
    bootstrap_steps: Option<usize>,
    /// Which edges are joined
    #[arg(long, value_name = "none|x|y|xy", value_parser = values::choice::<Wrap>)]
    wrap: Option<Wrap>,
    /// What holds regions: a pass for each (shapes are held), or attention in one pass (cheaper; shapes are a hint)
    #[arg(long, value_name = "multidiffusion|attention", value_parser = values::choice::<Regions>)]
    regions: Option<Regions>,
    /// What happens where regions overlap: the upper one covers, or predictions are averaged
    #[arg(long, value_name = "order|average", value_parser = values::choice::<Overlap>)]
    overlap: Option<Overlap>,
    /// How windows count towards their edges
    #[arg(long, value_name = "uniform|tent", value_parser = values::choice::<WindowWeights>)]
    window_weights: Option<WindowWeights>,
    /// What surrounds regions while they hold their shape
    #[arg(long, value_name = "random|white", value_parser = values::choice::<BootstrapColour>)]
    bootstrap_colour: Option<BootstrapColour>,
    /// Whose language prompts are in: emphasis, BREAK, AND, changes by steps
    #[arg(long, value_name = "web-ui|comfy-ui", value_parser = values::choice::<PromptRule>)]
    prompt_rule: Option<PromptRule>,
    /// The text encoder's layer that prompts are read from, counted from the last, which is 1
    #[arg(long, value_name = "N", value_parser = values::clip_skip)]
    clip_skip: Option<u32>,
    /// What the UNet predicts, where the file does not tell: noise, velocity, or velocity trained to a last noise level without
    /// any signal (zero terminal SNR); `auto` is as the file says
    #[arg(long, value_name = "auto|epsilon|v|v-zsnr", value_parser = values::choice::<Prediction>)]
    prediction: Option<Prediction>,
    /// Draw region N (from 1) again with another seed and keep the rest of the picture; without SEED, with the seed after its
    /// last one
    #[arg(long = "reroll", value_name = "N[=SEED]", value_parser = values::reroll, conflicts_with = "reference")]
    rerolls: Vec<(usize, Option<u64>)>,
    #[command(flatten)]
    start: InitImageArgs,
    #[command(flatten)]
    passes: PassArgs,
    #[command(flatten)]
    controls: ControlArgs,
    /// Replay the released MultiDiffusion loop exactly (slow)
    #[arg(long)]
    reference: bool,
    /// Make every network call, even those that cannot change the picture
    #[arg(long)]
    no_savings: bool,
    /// Also write the final latent
    #[arg(long, value_name = "OUT.safetensors")]
    latents: Option<PathBuf>,
    /// Also write a preview of every step into this folder
    #[arg(long, value_name = "FOLDER")]
    previews: Option<PathBuf>,
    /// Decode previews with this small decoder (TAESD, or TAESDXL for SDXL), instead of the one in a folder `vae_approx` near the model or in the library
    #[arg(long, value_name = "FILE|FOLDER", requires = "previews")]
    preview_decoder: Option<PathBuf>,
    /// Print one JSON object on stdout
    #[arg(long)]
    json: bool,
    /// No progress on stderr
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(args: &Args, window: &Window) -> anyhow::Result<()> {
    let Opened { mut document, mut notes, .. } = Document::open_with_notes(&args.project)?;
    let names = Names::of(window);
    let lent = args.passes.lend(&args.start, &mut document);
    apply(args, &names, &mut document, &mut notes)?;
    args.passes.check(&args.start, &document, &mut notes)?;
    let Written { picture, format, latents, previews } = Written::of(args, &document)?;

    let mut bar = Bar::new(args.quiet);
    bar.say("Loading the checkpoint");
    let start = Instant::now();
    let devices = Devices::remembered_in((window.data)());
    let loading = Mutex::new(Bar::new(args.quiet));
    let progress = Progress::new(move |done, total| {
        loading.lock().unwrap_or_else(PoisonError::into_inner).load(done, total);
    });
    let manners = Manners { kernels: devices.kernels(), progress, ..Manners::default() };
    let (name, loras) = (document.settings.checkpoint(), &document.settings.loras);
    let (mut model, warnings) = studio::load_on(&devices, &name, args.device, args.dtype, loras, &manners)?;
    notes.extend(warnings.iter().map(ToString::to_string));
    let load = start.elapsed().as_secs_f64();

    match &args.preview_decoder {
        Some(file) => model.set_preview_decoder(file)?,
        // (The library is read only where none lies near the model.)
        None if args.previews.is_some() && model.preview_decoder().is_none() => {
            model.know_preview_decoders(&names.decoders());
        }
        None => {}
    }
    let options = Options {
        reference: args.reference,
        savings: !args.no_savings,
        bootstrap_steps: args.bootstrap_steps,
        previews: args.previews.is_some(),
        loras: names.loras_for(&document),
        ..Options::default()
    };
    let mut watcher = Render { bar, previews, begun: Instant::now(), failure: None };
    let drawn = args.passes.draw(&args.start, &mut document, lent, &mut model, &options, &mut watcher);
    let Render { mut bar, failure, .. } = watcher;
    bar.clear();
    if let Some(failure) = failure {
        return Err(failure);
    }
    let drawn = drawn.with_context(|| args.project.display().to_string())?;

    if let Some(output) = &latents {
        write_latent(output, &drawn)?;
    }
    let export = Export { format, ..Export::default() };
    match document.export_picture_to(&picture, &drawn.image, export) {
        // No drawing is lost to the length of its words.
        Err(error) if matches!(error.problem(), Problem::TooLargeToEmbed(..) | Problem::TooMuchText(..)) => {
            document.export_picture_to(&picture, &drawn.image, Export { metadata: false, ..export })?;
            notes.push(format!("{error}; the picture was written without what it was made from"));
        }
        done => done?,
    }
    report(args, &document, notes, &model, &drawn, load, picture.is_stdout())
}

/// The outputs of a drawing.
struct Written {
    picture: Output,
    format: PictureFormat,
    latents: Option<Output>,
    /// One for each step.
    previews: Vec<Output>,
}

impl Written {
    /// Checks every output before anything is drawn, so that no drawing is lost to a path.
    fn of(args: &Args, document: &Document) -> anyhow::Result<Self> {
        let files = document.model_files();
        let inputs = [args.project.as_path()].into_iter().chain(args.start.files()).chain(args.controls.files());
        let mut outputs = Outputs::reading(inputs.chain(files.iter().map(PathBuf::as_path)));
        let mut add = |path: &Path| if path.as_os_str() == "-" { outputs.add_stdout() } else { outputs.add(path) };
        let picture = add(&args.output)?;
        let format = match PictureFormat::of_path(&args.output) {
            Some(format) => format,
            None if picture.is_file() => {
                return Err(FileError::new(&args.output, Problem::Ending(PictureFormat::all_endings())).into());
            }
            // A stream's name says nothing.
            None => PictureFormat::Png,
        };
        let latents = args.latents.as_deref().map(&mut add).transpose()?;
        if args.json {
            add(Path::new("-"))?;
        }
        let mut previews = Vec::new();
        if let Some(folder) = &args.previews {
            std::fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
            let runs = args.passes.further_runs();
            let runs =
                1 + runs + document.regions.iter().filter(|region| region.visible && region.reroll.is_some()).count();
            for step in 1..=runs * document.settings.steps as usize {
                previews.push(add(&folder.join(format!("step_{step:03}.png")))?);
            }
        }
        Ok(Self { picture, format, latents, previews })
    }
}

/// Writes what the arguments say over what the project says.
fn apply(args: &Args, names: &Names, document: &mut Document, notes: &mut Vec<String>) -> anyhow::Result<()> {
    let settings = &mut document.settings;
    let mut presets = Presets::default();
    if let Some(model) = &args.model {
        let model = names.resolve(&[Kind::Checkpoint], model)?;
        // A script says itself what suits a family.
        let kinds = [&settings.model, &model].map(|name| Nature::of_steps(FewSteps::of(name)));
        presets.choose(settings, model, kinds);
    }
    settings.vae = match &args.vae {
        Some(name) if name.is_empty() => None,
        Some(name) => Some(names.resolve_whole(&[Kind::Vae], name)?),
        None => settings.vae.take(),
    };
    settings.fallback = match &args.fallback {
        Some(name) if name.is_empty() => None,
        Some(name) => Some(names.resolve_whole(&[Kind::Checkpoint], name)?),
        None => settings.fallback.take(),
    };
    for file in &args.embeddings {
        let file = whole(file);
        if !settings.embeddings.contains(&file) {
            anyhow::ensure!(
                settings.embeddings.len() < MAX_EMBEDDINGS,
                "--embedding {file}: a project takes {MAX_EMBEDDINGS} at most; put them into one folder"
            );
            settings.embeddings.push(file);
        }
    }
    // (Asks the model's files, so only where it is wanted, and once.)
    let few_steps = if args.loras.is_empty() { None } else { FewSteps::of(&settings.model) };
    for lora in &args.loras {
        let mut laid = Ok(());
        presets
            .lay(settings, Nature::of_steps(few_steps), |settings| laid = add_lora(names, lora, &mut settings.loras));
        laid.with_context(|| format!("--lora {}", lora.file))?;
    }
    let count = document.regions.len();
    for (number, lora) in &args.region_loras {
        let option = || format!("--region-lora {number}={}", lora.file);
        let region = number.checked_sub(1).map(|at| document.regions.get_mut(at).map(|region| &mut region.loras));
        let loras = region.unwrap_or(Some(&mut document.background.loras)).with_context(|| {
            format!("{}: there is no region {number}; regions go from 1 to {count}, 0 is the background", option())
        })?;
        add_lora(names, lora, loras).with_context(option)?;
    }
    settings.seed = args.seed.unwrap_or(settings.seed);
    settings.steps = args.steps.unwrap_or(settings.steps);
    settings.sampler = args.sampler.unwrap_or(settings.sampler);
    settings.schedule = args.schedule.unwrap_or(settings.schedule);
    settings.guidance = args.guidance.unwrap_or(settings.guidance);
    if let Some((start, end)) = args.guidance_span {
        (settings.guidance_start, settings.guidance_end) = (start, end);
    }
    settings.reuse = args.reuse.unwrap_or(settings.reuse);
    settings.window = args.window.or(settings.window);
    settings.stride = args.stride.unwrap_or(settings.stride);
    settings.wrap = args.wrap.unwrap_or(settings.wrap);
    if let Some(fraction) = args.bootstrap {
        settings.bootstrap = fraction;
        for region in &mut document.regions {
            region.bootstrap = None;
        }
    }
    settings.regions = args.regions.unwrap_or(settings.regions);
    settings.overlap = args.overlap.unwrap_or(settings.overlap);
    settings.window_weights = args.window_weights.unwrap_or(settings.window_weights);
    settings.bootstrap_colour = args.bootstrap_colour.unwrap_or(settings.bootstrap_colour);
    settings.prompt_rule = args.prompt_rule.unwrap_or(settings.prompt_rule);
    settings.clip_skip = args.clip_skip.or(settings.clip_skip);
    settings.prediction = args.prediction.unwrap_or(settings.prediction);
    let (seed, count) = (settings.seed, document.regions.len());
    args.start.apply(document, notes)?;
    args.controls.apply(names, document, notes)?;
    for &(number, new) in &args.rerolls {
        let region = number.checked_sub(1).and_then(|i| document.regions.get_mut(i));
        let region = region
            .with_context(|| format!("--reroll {number}: there is no region {number}; regions go from 1 to {count}"))?;
        anyhow::ensure!(region.visible, "--reroll {number}: region {number} is hidden; show it first");
        let last = region.reroll.or(region.seed).unwrap_or(seed);
        region.reroll = Some(new.unwrap_or(last.wrapping_add(1)));
    }
    Ok(())
}

/// Adds a LoRA, by its file or as one that was added.
fn add_lora(names: &Names, Lora { file, weight }: &Lora, to: &mut Vec<Lora>) -> anyhow::Result<()> {
    anyhow::ensure!(to.len() < MAX_LORAS, "a project takes {MAX_LORAS} LoRAs at most, and as many for each region");
    let file = names.resolve_whole(&[Kind::Lora], file)?;
    to.push(Lora { file, weight: *weight });
    Ok(())
}

/// The LoRAs of single regions, as JSON: the region's number, 0 for the background, with its list.
fn region_loras(document: &Document) -> Vec<serde_json::Value> {
    let regions = document.regions.iter().map(|region| &region.loras);
    let all = std::iter::once(&document.background.loras).chain(regions).enumerate();
    all.filter(|(_, loras)| !loras.is_empty()).map(|(n, loras)| json!({"region": n, "loras": loras})).collect()
}

/// Draws the bar and writes previews.
struct Render {
    bar: Bar,
    /// One for each step.
    previews: Vec<Output>,
    begun: Instant,
    failure: Option<anyhow::Error>,
}

impl Watcher for Render {
    fn cancelled(&mut self) -> bool {
        self.failure.is_some()
    }

    fn stage(&mut self, stage: Stage) {
        self.begun = Instant::now();
        self.bar.say(match stage {
            Stage::Encoding => "Reading the words",
            Stage::Denoising => "Drawing",
            Stage::Decoding => "Finishing the picture",
        });
    }

    fn step(&mut self, done: usize, total: usize, preview: Option<RgbImage>) {
        let left = self.begun.elapsed().as_secs_f64() / done.max(1) as f64 * (total - done) as f64;
        self.bar.step(done, total, left);
        let Some(preview) = preview else { return };
        if let Some(output) = done.checked_sub(1).and_then(|step| self.previews.get(step))
            && let Err(error) = write_preview(output, &preview)
        {
            self.failure = Some(error.into());
        }
    }
}

/// A preview as a PNG without metadata.
fn write_preview(output: &Output, preview: &RgbImage) -> Result<(), FileError> {
    let failed = |error: image::ImageError| Problem::Write(std::io::Error::other(error));
    output.write(|file| preview.write_with_encoder(PngEncoder::new(file)).map_err(failed))
}

/// The final latent as the f32 tensor `latent` `[1, 4, h, w]`.
fn write_latent(output: &Output, drawn: &Drawn) -> anyhow::Result<()> {
    let latent = &drawn.latent;
    let bytes: Vec<u8> = latent.data.iter().flat_map(|v| v.to_le_bytes()).collect();
    let shape = vec![latent.count, latent.channels, latent.height, latent.width];
    let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape, &bytes)?;
    let bytes = safetensors::serialize([("latent", view)], None)?;
    output.write(|file| file.write_all(&bytes).map_err(Problem::Write))?;
    Ok(())
}

/// The ControlNets of single regions, as JSON: the region's number with its list.
fn region_controls(document: &Document) -> Vec<serde_json::Value> {
    let own = (1..).zip(&document.regions).filter(|(_, region)| !region.controls.is_empty());
    own.map(|(n, region)| json!({"region": n, "controls": ControlSummary::of(&region.controls)})).collect()
}

/// The regions drawn again, as JSON: their numbers and seeds.
fn rerolls(document: &Document) -> Vec<serde_json::Value> {
    let drawn = (1..).zip(&document.regions).filter(|(_, r)| r.visible);
    drawn.filter_map(|(n, r)| r.reroll.map(|seed| json!({"region": n, "seed": seed}))).collect()
}

/// Tells what was drawn on standard output, or on standard error where the picture went there.
fn report(
    args: &Args,
    document: &Document,
    notes: Vec<String>,
    model: &studio::Loaded,
    drawn: &Drawn,
    load: f64,
    on_stdout: bool,
) -> anyhow::Result<()> {
    let (device, dtype) = model.device();
    let settings = &document.settings;
    let mut warnings = notes;
    warnings.extend(document.warnings().iter().map(ToString::to_string));
    warnings.extend(drawn.warnings.iter().map(ToString::to_string));
    let prompts = document.regions.iter().filter(|r| r.visible).map(|r| r.prompt.as_str());
    let prompts = std::iter::once(document.background.prompt.as_str()).chain(prompts);
    warnings.extend(model.words().and_then(|words| words.note(prompts)));
    if args.json {
        let mut object = json!({
            "image": args.output.display().to_string(),
            "width": drawn.image.width(),
            "height": drawn.image.height(),
            "seed": settings.seed,
            "steps": settings.steps,
            "sampler": settings.sampler.name(),
            "schedule": settings.schedule.name(),
            "loras": settings.loras,
            "region_loras": region_loras(document),
            "controls": ControlSummary::of(&document.controls),
            "region_controls": region_controls(document),
            "device": device,
            "dtype": dtype,
            "windows": drawn.windows,
            "unet_samples": drawn.unet_samples,
            "unet_samples_shallow": drawn.unet_samples_shallow,
            "unet_inputs": drawn.unet_inputs,
            "unet_samples_reference": drawn.unet_samples_reference,
            "unet_samples_rerolled": drawn.unet_samples_rerolled,
            "rerolls": rerolls(document),
            "seconds": {
                "load": load,
                "encode": drawn.seconds.encode,
                "denoise": drawn.seconds.denoise,
                "decode": drawn.seconds.decode,
            },
            "warnings": warnings,
        });
        for (key, value) in args.passes.told(document) {
            object[key] = value;
        }
        return print_line(&object.to_string());
    }
    if !args.quiet {
        for warning in &warnings {
            tell_line(&format!("warning: {warning}"));
        }
        let seconds = load + drawn.seconds.encode + drawn.seconds.denoise + drawn.seconds.decode;
        let line = format!(
            "{}: {}×{}, seed {}, {} windows, {} UNet samples, {seconds:.1} s on {device}",
            args.output.display(),
            drawn.image.width(),
            drawn.image.height(),
            settings.seed,
            drawn.windows,
            drawn.unet_samples,
        );
        if on_stdout { tell_line(&line) } else { print_line(&line)? }
    }
    Ok(())
}
