//! The round brush: how much of a pixel a dab covers.

use serde::{Deserialize, Serialize};

/// The smallest radius that is painted: a dab of one pixel.
const MIN_RADIUS: f32 = 0.5;
/// The largest radius that is painted.
const MAX_RADIUS: f32 = 2048.0;

/// A round brush.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Brush {
    /// Diameter in canvas pixels.
    pub diameter: f32,
    /// 0: soft from the centre on; 1: full up to an edge one pixel wide.
    pub hardness: f32,
    /// The share of the way to fully covered (or, erasing, to not covered) that one stroke goes, 0 to 1. Within a stroke it
    /// does not add up.
    pub opacity: f32,
    /// Takes away instead of adding.
    pub erase: bool,
    /// The pen's pressure scales the diameter.
    pub pressure_size: bool,
    /// The pen's pressure scales the opacity.
    pub pressure_opacity: bool,
}

impl Default for Brush {
    fn default() -> Self {
        Self { diameter: 48.0, hardness: 0.8, opacity: 1.0, erase: false, pressure_size: true, pressure_opacity: false }
    }
}

impl Brush {
    /// Half the diameter at this pressure, within what can be painted.
    pub(super) fn radius(&self, pressure: f32) -> f32 {
        let pressure = if self.pressure_size { held(pressure) } else { 1.0 };
        let radius = self.diameter * pressure * 0.5;
        if radius.is_finite() { radius.clamp(MIN_RADIUS, MAX_RADIUS) } else { MIN_RADIUS }
    }

    /// The most that a dab covers at this pressure, in 255ths.
    pub(super) fn strength(&self, pressure: f32) -> u8 {
        byte(if self.pressure_opacity { held(pressure) } else { 1.0 })
    }

    /// The opacity in 255ths.
    pub(super) fn opacity_byte(&self) -> u8 {
        byte(if self.opacity.is_finite() { self.opacity } else { 1.0 })
    }

    /// The number of pieces that a straight way of this length is laid in, each with the radius and strength at its end: one
    /// where the pressure stays, and else as many as keep the steps from one to the next from showing (a quarter of a pixel of
    /// radius, one 255th of strength), but none shorter than the spacing of dabs.
    pub(super) fn pieces(&self, from: f32, to: f32, length: f32) -> u32 {
        /// In pixels.
        const RADIUS_STEP: f32 = 0.25;
        let (thin, thick) = (self.radius(from.min(to)), self.radius(from.max(to)));
        let strength_steps = f32::from(self.strength(from).abs_diff(self.strength(to)));
        let steps = ((thick - thin) / RADIUS_STEP).max(strength_steps);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most ways within reach by an eighth"
        )]
        let pieces = steps.min(length / Self::spacing(thin)).ceil().max(1.0) as u32;
        pieces
    }

    /// The distance between dabs of this radius: so small that neither the edge (a sagitta of a sixteenth of a pixel) nor
    /// the ridge of a soft brush shows the single dabs.
    pub(super) fn spacing(radius: f32) -> f32 {
        (0.15 * radius).min((0.5 * radius).sqrt()).max(0.125)
    }

    /// The falloff of a dab of this radius, in pixels.
    pub(super) fn profile(&self, radius: f32) -> Profile {
        let hardness = if self.hardness.is_finite() { self.hardness.clamp(0.0, 1.0) } else { 1.0 };
        // A soft edge narrower than the antialiased one is the antialiased one.
        let inner = (radius * hardness).min(radius - MIN_RADIUS).max(0.0);
        Profile { outer: radius + 0.5, inner, soft: radius - inner > 1.0, width: (radius - inner).max(1.0) }
    }
}

/// Coverage as a function of the distance from a dab's centre.
#[derive(Debug, Clone, Copy)]
pub(super) struct Profile {
    /// Nothing is covered from here on.
    pub(super) outer: f32,
    /// Everything is covered up to here.
    pub(super) inner: f32,
    soft: bool,
    width: f32,
}

impl Profile {
    /// Coverage of a pixel whose centre is at this distance: nothing at 0 and below, everything at 1 and above.
    pub(super) fn at(&self, distance: f32) -> f32 {
        let edge = self.outer - distance;
        if !self.soft {
            return edge;
        }
        let t = ((distance - self.inner) / self.width).clamp(0.0, 1.0);
        let fall = 1.0 - t * t * (3.0 - 2.0 * t);
        if fall < edge { fall } else { edge }
    }
}

/// A pressure between none and full; full where it is no number.
fn held(pressure: f32) -> f32 {
    if pressure.is_finite() { pressure.clamp(0.0, 1.0) } else { 1.0 }
}

/// A fraction in 255ths.
pub(super) fn byte(fraction: f32) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
    let byte = (fraction.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
    byte
}
