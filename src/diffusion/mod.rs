//! MultiDiffusion (Bar-Tal, Yariv, Lipman, Dekel, ICML 2023) on plain `f32` arrays.
//!
//! A network is a trait here ([`Network`]), so the engine needs no tensor library and tests run on toy networks. Latents are
//! small: fusing, samplers and random numbers run on the host, the same for every device.
//!
//! [`paint`] runs the engine; [`repaint`] paints one region again and keeps the rest. [`paint_reference`] is the authors'
//! released loop, kept as the oracle of tests.

mod attention;
mod colours;
mod engine;
mod flow;
mod init_latent;
pub mod masks;
mod network;
mod painting;
mod planes;
mod prompt;
pub mod random;
mod reference;
mod region_noise;
mod reuse;
mod samplers;
mod schedule;
mod trajectory;
mod underpainting;
pub mod windows;

pub(crate) use colours::roll;
pub use engine::{Observer, PaintError, Painted, paint, repaint};
pub use flow::FlowConfig;
pub use init_latent::InitLatent;
pub use network::{
    Area, AreaCall, Call, ControlSet, Features, Guidance, Moments, Network, NetworkError, Place, PromptId,
};
pub use painting::{ControlSpan, Hold, Layout, Painting, Part, Surround};
pub use planes::Planes;
pub use prompt::{Changing, Prompt};
pub use reference::paint_reference;
pub use samplers::{Ddim, DpmSolver, Euler, EulerAncestral, ForwardProcess, Heun, Lcm, Level, Sampler, UniPc};
pub use schedule::{BetaSchedule, FinalSigma, PredictionType, Schedule, ScheduleError, SchedulerConfig, Spacing};
pub use trajectory::{Kept, Recorder, Trajectory, free_windows};
pub use underpainting::{Ground, Underpainting};
