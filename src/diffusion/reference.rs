//! The released region_based.py, draw by draw: the oracle against which the engine's savings are tested.
//!
//! Everything is as the paper's authors published it: every prompt in every window, each copy of the latent stepped by itself
//! and the stepped latents averaged, one torch generator for all random numbers, windows by the floor rule. Use
//! [`paint`](super::paint) for pictures.

use super::colours::solid;
use super::random::TorchRandom;
use super::windows::Window;
use super::{Call, Network, Observer, PaintError, Painted, Painting, Place, Planes, PromptId, Sampler};

/// The windows of the released `get_views`: a strip that no full stride reaches stays uncovered.
fn views(height: usize, width: usize, window: usize, stride: usize) -> Vec<Window> {
    let count = |extent: usize| if extent < window { 0 } else { (extent - window) / stride + 1 };
    (0..count(height))
        .flat_map(|row| {
            (0..count(width)).map(move |column| Window {
                x: column * stride,
                y: row * stride,
                width: window,
                height: window,
            })
        })
        .collect()
}

/// Runs the released loop. `bootstrapping` is a number of steps; masks are those of
/// [`reference_masks`](super::masks::reference_masks).
///
/// # Errors
/// As [`paint`](super::paint); also where the canvas is smaller than a window, on which the released code has no window.
pub fn paint_reference(
    painting: &Painting,
    bootstrapping: usize,
    sampler: &mut dyn Sampler,
    network: &mut dyn Network,
    observer: &mut dyn Observer,
) -> Result<Painted, PaintError> {
    painting.check()?;
    let (height, width, window) = (painting.height, painting.width, painting.window);
    let prompts = painting.parts.len();
    let foregrounds = prompts - 1;
    let views = views(height, width, window, painting.stride);
    if views.is_empty() {
        return Err(PaintError::Invalid(format!(
            "--reference has no window on a canvas of {width}×{height} latent pixels with windows of {window}; give a larger \
             canvas or a smaller --window"
        )));
    }
    let steps = sampler.timesteps().len();
    let area = window * window;
    let channels = network.latent_channels();
    let len = channels * area;

    let mut random = TorchRandom::new(painting.seed);
    let colours = random.rand(bootstrapping * 3);
    let mut backgrounds = Vec::with_capacity(bootstrapping);
    for colour in colours.chunks_exact(3) {
        let picture = solid([colour[0], colour[1], colour[2]], window * painting.factor, window * painting.factor);
        let moments = network.encode(&picture)?;
        if moments.mean.data.len() != len || moments.std.data.len() != len {
            return Err(PaintError::Invalid("the encoder answered with another shape than a window's".to_owned()));
        }
        let noise = random.randn(len);
        let sample = moments.mean.data.iter().zip(&moments.std.data).zip(&noise).map(|((m, s), n)| m + s * n);
        backgrounds.push(sample.collect::<Vec<f32>>());
    }
    let masks: Vec<Vec<f32>> = painting.parts.iter().map(|p| p.mask.cells()).collect();
    let mut latent = Planes::zeros(1, channels, height, width);
    latent.data = random.randn(latent.data.len());
    let noise = latent.clone();

    let mut samples = 0;
    for i in 0..steps {
        let mut value = vec![0.0_f32; latent.data.len()];
        let mut count = vec![0.0_f32; latent.plane_len()];
        for view in &views {
            let mut crop = vec![0.0; len];
            view.crop(&latent, &mut crop);
            let masks: Vec<Vec<f32>> = masks.iter().map(|mask| view.crop_plane(mask, height, width)).collect();
            let mut copies = Planes::zeros(prompts, channels, window, window);
            for k in 0..prompts {
                copies.image_mut(k).copy_from_slice(&crop);
            }
            if i < bootstrapping {
                let mut noise_crop = vec![0.0; len];
                view.crop(&noise, &mut noise_crop);
                let choices = random.randint(bootstrapping as u32, foregrounds);
                for (k, choice) in choices.into_iter().enumerate() {
                    for (j, x) in copies.image_mut(k + 1).iter_mut().enumerate() {
                        let m = masks[k + 1][j % area];
                        let background = sampler.add_noise(i, backgrounds[choice][j], noise_crop[j]);
                        *x = *x * m + background * (1.0 - m);
                    }
                }
            }

            if observer.cancelled() {
                return Err(PaintError::Cancelled);
            }
            let (negative, positive) = predict_pairs(painting, (*view, &copies), sampler, i, network)?;
            samples += 2 * prompts;
            for k in 0..prompts {
                let mut prediction: Vec<f32> = negative
                    .image(k)
                    .iter()
                    .zip(positive.image(k))
                    .map(|(n, p)| n + painting.parts[k].guidance * (p - n))
                    .collect();
                sampler.fusable(i, copies.image(k), &mut prediction);
                sampler.step(i, copies.image_mut(k), &prediction, &[]);
            }
            for (k, mask) in masks.iter().enumerate() {
                let stepped = copies.image(k);
                view.for_each_run(height, width, |from, to, n| {
                    for j in 0..n {
                        count[to + j] += mask[from + j];
                        for c in 0..channels {
                            value[c * height * width + to + j] += stepped[c * area + from + j] * mask[from + j];
                        }
                    }
                });
            }
        }
        for (plane, out) in value.chunks_exact(count.len()).zip(latent.data.chunks_exact_mut(count.len())) {
            for ((out, v), &n) in out.iter_mut().zip(plane).zip(&count) {
                *out = if n > 0.0 { v / n } else { *v };
            }
        }
        if latent.data.iter().any(|v| !v.is_finite()) {
            return Err(PaintError::NotFinite { step: i + 1, steps });
        }
        observer.stepped(i + 1, steps, &latent, network);
    }
    Ok(Painted {
        latent,
        windows: views.len(),
        unet_samples: samples,
        unet_samples_shallow: 0,
        unet_inputs: samples,
        unet_samples_reference: samples,
    })
}

/// The predictions of every copy with its negative prompt and with its prompt, batch by batch.
fn predict_pairs(
    painting: &Painting,
    (window, copies): (Window, &Planes),
    sampler: &dyn Sampler,
    i: usize,
    network: &mut dyn Network,
) -> Result<(Planes, Planes), PaintError> {
    let scale = sampler.input_scale(i);
    let len = copies.image_len();
    let predict = |network: &mut dyn Network, words: &dyn Fn(usize) -> PromptId| {
        let mut out = Planes::zeros(copies.count, copies.channels, copies.height, copies.width);
        for start in (0..copies.count).step_by(painting.batch.max(1)) {
            let n = painting.batch.max(1).min(copies.count - start);
            let mut batch = Planes::zeros(n, copies.channels, copies.height, copies.width);
            for (to, from) in batch.data.iter_mut().zip(&copies.data[start * len..]) {
                *to = from * scale;
            }
            let call = |input: usize| {
                let guidance = painting.parts[start + input].guidance_input;
                let place = Some(Place { guidance, ..Place::of(window) });
                Call { input, prompt: words(start + input), place }
            };
            let calls: Vec<Call> = (0..n).map(call).collect();
            let answer = network.predict(&batch, sampler.timesteps()[i], &calls)?;
            if answer.data.len() != batch.data.len() {
                return Err(PaintError::Invalid(
                    "the network answered with another shape than it was asked".to_owned(),
                ));
            }
            out.data[start * len..(start + n) * len].copy_from_slice(&answer.data);
        }
        Ok(out)
    };
    let step = sampler.step_of(i);
    let negative = predict(network, &|k| painting.parts[k].negative.at(step))?;
    let positive =
        predict(network, &|k| painting.prompts(k, step).0.first().map_or(PromptId(0), |(_, prompt)| *prompt))?;
    Ok((negative, positive))
}
