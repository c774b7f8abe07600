//! The curve that a pen's pressure goes through before tools see it: light hands and heavy ones press alike.

use serde::{Deserialize, Serialize};

/// How hard a pen must be pressed: a power of its own pressure, so that nothing stays nothing and all stays all.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PressureCurve {
    /// -1 (soft: a light touch goes far) to 1 (firm: only pressing hard does); at 0 pressure is as the pen tells it.
    pub firmness: f32,
}

/// The power of the firmest pen; that of the softest is one over it.
const FIRMEST: f32 = 3.0;

impl PressureCurve {
    /// The pressure that tools see, 0 to 1, of that which a pen tells. What is no number is full pressure, as a mouse has it.
    #[must_use]
    pub fn of(self, told: f32) -> f32 {
        if told.is_nan() {
            return 1.0;
        }
        // (It comes from a file.)
        let firmness = if self.firmness.is_finite() { self.firmness.clamp(-1.0, 1.0) } else { 0.0 };
        told.clamp(0.0, 1.0).powf(FIRMEST.powf(firmness))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_soft_pen_asks_for_less_and_a_firm_one_for_more_between_the_same_ends() {
        let curve = |firmness| PressureCurve { firmness };
        for firmness in [-1.0, -0.4, 0.0, 0.7, 1.0] {
            let curve = curve(firmness);
            assert_eq!((curve.of(0.0), curve.of(1.0)), (0.0, 1.0), "{firmness}");
            let all: Vec<f32> = (0..=100_u8).map(|p| curve.of(f32::from(p) / 100.0)).collect();
            assert!(all.is_sorted_by(|a, b| a < b), "harder is never less: {firmness}");
        }
        assert_eq!(PressureCurve::default().of(0.3), 0.3, "untouched at first");
        assert!((curve(-1.0).of(0.125) - 0.5).abs() < 1e-6, "the third root");
        assert!((curve(1.0).of(0.5) - 0.125).abs() < 1e-6, "the third power");
    }

    #[test]
    fn what_makes_no_sense_does_no_harm() {
        let curve = PressureCurve { firmness: 0.5 };
        assert_eq!((curve.of(-3.0), curve.of(7.0), curve.of(f32::NAN)), (0.0, 1.0, 1.0));
        assert_eq!(PressureCurve { firmness: f32::NAN }.of(0.25), 0.25);
        assert_eq!(PressureCurve { firmness: 40.0 }.of(0.5), PressureCurve { firmness: 1.0 }.of(0.5));
    }
}
