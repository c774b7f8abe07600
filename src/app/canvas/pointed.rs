//! The region that is pointed at, on its card or on the canvas.

use crate::app::editor::Selected;
use crate::document::RegionId;

/// What is pointed at in a frame.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::app) struct Pointed {
    /// The region of the card under the pointer.
    pub card: Option<RegionId>,
    /// What a click on the canvas would pick.
    pub canvas: Option<Selected>,
}

impl Pointed {
    /// The region, wherever it is pointed at.
    pub(super) fn region(self) -> Option<RegionId> {
        let on_canvas = match self.canvas {
            Some(Selected::Region(id)) => Some(id),
            Some(Selected::Background) | None => None,
        };
        self.card.or(on_canvas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_pointed_at_on_its_card_or_on_the_canvas() {
        let (card, canvas) = (Some(RegionId(3)), Some(Selected::Region(RegionId(4))));
        assert_eq!(Pointed { card, canvas: None }.region(), card);
        assert_eq!(Pointed { card: None, canvas }.region(), Some(RegionId(4)));
        assert_eq!(Pointed { card, canvas }.region(), card);
        assert_eq!(Pointed { card: None, canvas: Some(Selected::Background) }.region(), None);
    }
}
