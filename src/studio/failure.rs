//! Failure of a job.

use super::{DrawError, LoadError};
use crate::checkpoint::Error as CheckpointError;

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
    /// True where the job was cancelled while its checkpoint was loaded, or while it was drawn.
    pub(super) fn is_cancelled(&self) -> bool {
        match self {
            Self::Load(LoadError::Checkpoint(error)) => error.is_cancelled(),
            Self::Draw(error) => matches!(error, DrawError::Cancelled),
            _ => false,
        }
    }

    /// True where the device failed for another reason than memory: nothing on it can be relied on any more.
    pub(super) fn is_of_device(&self) -> bool {
        match self {
            Self::Load(LoadError::Checkpoint(CheckpointError::Network(error))) => {
                error.out_of_memory().is_none() && !error.is_cancelled()
            }
            Self::Draw(error) => error.is_of_device(),
            _ => false,
        }
    }

    /// Name of the operator that needed more memory than the device has, where that is the reason.
    #[must_use]
    pub fn out_of_memory(&self) -> Option<&'static str> {
        match self {
            Self::Load(LoadError::Checkpoint(CheckpointError::Network(error))) => error.out_of_memory(),
            Self::Draw(error) => error.out_of_memory(),
            _ => None,
        }
    }
}
