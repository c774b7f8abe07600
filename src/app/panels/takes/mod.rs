//! The strip of pictures below the canvas: jobs that run or wait, finished pictures, and two of them against each other.

mod compare;
mod queue;
mod strip;

pub(in crate::app) use compare::Compare;
pub(in crate::app) use queue::Preview;
