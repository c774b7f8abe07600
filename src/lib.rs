//! Polyptych: paint regions on a canvas, give each its own words, and watch one seamless picture grow under them.
//!
//! The house, from the roof down. A module may use what stands below it, never what stands above
//! (`tests/architecture.rs` holds that up):
//!
//! | module | what lives there | uses |
//! |---|---|---|
//! | [`app`] | the window: canvas, panels, tools, commands | [`studio`], [`paint`], [`document`] |
//! | [`cli`] | the commands `new`, `render`, `info`, … | [`studio`], [`document`], [`checkpoint`] |
//! | [`studio`] | the worker thread: jobs, previews, cancel, takes | [`diffusion`], [`checkpoint`], [`document`] |
//! | [`checkpoint`] | model files: folders, tokenizers, the embedded one | [`networks`] |
//! | [`networks`] | UNet, VAE and CLIP, each written once over a backend | [`backend`], the traits of [`diffusion`] |
//! | [`diffusion`] | MultiDiffusion on plain `f32` arrays | nothing |
//! | [`backend`] | the operators a network is made of | the package `kernels` |
//! | [`paint`] | pointer samples to mask edits | [`document`] |
//! | [`document`] | document, region, mask, history, files | nothing |

pub mod app;
pub mod backend;
pub mod checkpoint;
pub mod cli;
pub mod diffusion;
pub mod document;
pub mod networks;
pub mod paint;
pub mod studio;
