//! Pointer samples to mask edits. It knows masks and nothing of windows.
//!
//! A [`Stroke`] paints and a [`Smudge`] smudges while the pointer moves. Everything else is drawn into a [`Cover`] first (shapes, fills, gradients)
//! and laid onto the mask in one go, or makes a new mask of an old one (growing, softening, placing).

mod beyond;
mod brush;
mod capsule;
mod cover;
mod flood;
mod gradient;
mod grow;
mod place;
mod projective;
mod shape;
mod smudge;
mod soften;
mod space;
mod stabiliser;
mod stroke;

pub use beyond::{Beyond, part};
pub use brush::Brush;
pub use cover::{Combine, Cover};
pub use flood::flood;
pub use gradient::gradient;
pub use grow::{MAX_GROW, grow, shrink};
pub use place::{Placement, Turn, place, place_whole, turn_whole, turn_within};
pub use projective::{Projective, map_whole};
pub use shape::{ellipse, polygon, rectangle};
pub use smudge::Smudge;
pub use soften::soften;
pub use space::{Space, Symmetry};
pub use stabiliser::Stabiliser;
pub use stroke::{Sample, Stroke};
