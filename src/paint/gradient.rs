//! A soft passage from covered to not covered.

use super::brush::byte;
use super::cover::Cover;
use super::stroke::pixel;

/// Covers the canvas fully up to `from`, not at all after `to`, and evenly less between them; the lines of equal coverage
/// cross the way from one to the other at right angles. Nothing where the two are less than half a pixel apart. Joined
/// edges do not show in it: a way around the canvas has no first side.
pub fn gradient(cover: &mut Cover, from: (f32, f32), to: (f32, f32)) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let square = dx * dx + dy * dy;
    if !square.is_finite() || square < 0.25 {
        return;
    }
    let mut row = Vec::new();
    for y in 0..cover.height() {
        let down = (pixel(y) - from.1) * dy;
        row.clear();
        row.extend((0..cover.width()).map(|x| byte(1.0 - ((pixel(x) - from.0) * dx + down) / square)));
        cover.add_row(0, y, &row);
    }
}
