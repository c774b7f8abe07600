//! Failure of a job.

use super::{DrawError, LoadError};
use crate::checkpoint::Error as CheckpointError;
use crate::diffusion::{NetworkError, PaintError};

/// Reason for which a job ended without a picture; `Display` is one line in English.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The checkpoint cannot be used.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The document could not be drawn.
    #[error(transparent)]
    Draw(#[from] DrawError),
    /// A panic in a network or a driver.
    #[error("the drawing stopped by a fault in the program; the document is unharmed, try again")]
    Fault,
}

impl Failure {
    /// Name of the operator that needed more memory than the device has, where that is the reason.
    #[must_use]
    pub fn out_of_memory(&self) -> Option<&'static str> {
        match self {
            Self::Load(LoadError::Checkpoint(CheckpointError::Network(error))) => error.out_of_memory(),
            Self::Draw(
                DrawError::Paint(PaintError::Network(NetworkError::OutOfMemory { operator }))
                | DrawError::Words(NetworkError::OutOfMemory { operator })
                | DrawError::Decode(NetworkError::OutOfMemory { operator }),
            ) => Some(operator),
            _ => None,
        }
    }
}
