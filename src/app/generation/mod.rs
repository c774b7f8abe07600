//! Making pictures: the worker behind a seam, the queue of jobs, live painting, what is checked and told before, and what was made.

pub(super) mod checks;
pub(super) mod cost;
pub(super) mod engine;
pub(super) mod framed;
pub(super) mod job;
pub(super) mod live;
pub(super) mod queue;
pub(super) mod seed;
pub(super) mod takes;
