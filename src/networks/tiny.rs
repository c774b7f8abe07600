//! The decoder of a tiny autoencoder (TAESD, Bohan 2023; diffusers' `AutoencoderTiny`): a picture's latent to a picture of its full size, a
//! little worse than the VAE's and many times quicker. It decodes previews.
//!
//! Latents are the UNet's as they are, clamped smoothly to −3…3; then a row of layers that numbers name: convolutions, blocks of three,
//! and doublings, each before a convolution.

use super::{Error, Loader, Result, Weights};
use crate::backend::{Activation, Backend, ConvOptions, Epilogue};
use crate::diffusion::Planes;

/// Largest absolute value of a latent after the clamp.
const REACH: f32 = 3.0;
/// Layers beyond this number are in no decoder.
const MOST: usize = 64;
/// The side of all kernels.
const KERNEL: usize = 3;

/// One layer.
enum Layer<B: Backend> {
    /// A convolution; the first is followed by a ReLU.
    Conv(B::Conv),
    /// Three convolutions with ReLUs between, added to what went in, and a ReLU (`AutoencoderTinyBlock`).
    Block([B::Conv; 3]),
    /// A doubling of the sides, and a convolution.
    Double(B::Conv),
}

/// The decoder on a device.
pub struct TinyDecoder<B: Backend> {
    channels: usize,
    layers: Vec<Layer<B>>,
}

impl<B: Backend> TinyDecoder<B> {
    /// Packs the weights: `layers.0.weight` and so on, in diffusers' numbers.
    ///
    /// # Errors
    /// If a tensor is missing or of another shape, or the device fails.
    pub fn load(backend: &B, weights: &dyn Weights) -> Result<Self> {
        let load = Loader::new(backend, weights).at("layers");
        let shape = |name: &str| weights.shape(&format!("layers.{name}.weight"));
        let Some(&[outputs, channels, ..]) = shape("0").as_deref() else {
            return Err(Error::MissingTensor { file: weights.file(), name: "layers.0.weight".to_owned() });
        };
        let conv = |name: &str, inputs: usize, outputs: usize| {
            load.conv_of(name, inputs, outputs, KERNEL, ConvOptions::same(KERNEL))
        };
        let mut layers = vec![Layer::Conv(conv("0", channels, outputs)?)];
        // (Number 1 is the first one's ReLU.)
        let (mut width, mut doubled) = (outputs, false);
        for number in 2..MOST {
            let [first, second, third] = [0, 2, 4].map(|layer| format!("{number}.conv.{layer}"));
            let plain = shape(&number.to_string());
            if shape(&first).is_some() {
                layers.push(Layer::Block([
                    conv(&first, width, width)?,
                    conv(&second, width, width)?,
                    conv(&third, width, width)?,
                ]));
            } else if let Some(&[outputs, ..]) = plain.as_deref() {
                let conv = conv(&number.to_string(), width, outputs)?;
                layers.push(if doubled { Layer::Double(conv) } else { Layer::Conv(conv) });
                width = outputs;
            } else if doubled {
                break;
            }
            doubled = shape(&first).is_none() && plain.is_none();
        }
        if width != 3 {
            return Err(Error::Input(format!("a decoder to pictures of {width} planes")));
        }
        Ok(Self { channels, layers })
    }

    /// Planes of its latents.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Pixels of a picture per pixel of its latent, in each direction.
    #[must_use]
    pub fn scale(&self) -> usize {
        1 << self.layers.iter().filter(|layer| matches!(layer, Layer::Double(_))).count()
    }

    /// Decodes latents `[n, channels, h, w]` in the UNet's units to pictures `[n, 3, scale · h, scale · w]`, about −1…1.
    ///
    /// # Errors
    /// If the latents do not fit or the device fails.
    pub fn decode(&self, b: &B, latents: &Planes) -> Result<Planes> {
        let &Planes { count, channels, height, width, ref data } = latents;
        if channels != self.channels || count * height * width == 0 {
            return Err(Error::Input(format!("latents of {channels} planes for a decoder of {}", self.channels)));
        }
        let clamped: Vec<f32> = data.iter().map(|value| (value / REACH).tanh() * REACH).collect();
        let mut x = b.upload(&[count, channels, height, width], &clamped)?;
        let relu = || Epilogue { activation: Some(Activation::Relu), ..Epilogue::default() };
        let (mut height, mut width) = (height, width);
        for (number, layer) in self.layers.iter().enumerate() {
            x = match layer {
                Layer::Conv(conv) if number == 0 => b.conv2d_with(&x, conv, relu())?,
                Layer::Conv(conv) => b.conv2d(&x, conv)?,
                Layer::Block([first, second, third]) => {
                    let h = b.conv2d_with(&b.conv2d_with(&x, first, relu())?, second, relu())?;
                    b.activate(&b.conv2d_with(&h, third, Epilogue::add(&x))?, Activation::Relu)?
                }
                Layer::Double(conv) => {
                    (height, width) = (2 * height, 2 * width);
                    b.upsample_conv2d(&x, height, width, conv)?
                }
            };
        }
        // Its pictures are 0…1.
        let data = b.download(&x)?.into_iter().map(|value| 2.0 * value - 1.0).collect();
        Ok(Planes { count, channels: 3, height, width, data })
    }
}
