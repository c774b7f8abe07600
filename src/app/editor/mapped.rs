//! Shapes that are moved, scaled, turned or distorted several times in a row. Each map starts from what they were before the first, as
//! within one session of the transform tools of other programs: made of the last map's result, edges would blur a little more each time.

use super::{Editor, Moved, Way};
use crate::document::{Document, Mask, RegionId, Wrap};
use crate::paint::{Placement, Projective};
use std::sync::Arc;

/// A region's mask, and what of it is beyond the canvas.
type Shape = (RegionId, Arc<Mask>, Option<Arc<Mask>>);

/// What was moved last.
pub(super) struct Mapped {
    /// The shapes before the first map, and the box around them.
    first: Arc<[Shape]>,
    from: Placement,
    to: Way,
    /// [`Editor::mask_changes`] of each when it was asked for and, once it is there, after it.
    asked: Vec<u64>,
    done: Option<Vec<u64>>,
}

/// How the next map is made.
pub(super) struct Plan {
    /// What is mapped, and how.
    first: (Arc<[Shape]>, Placement, Way),
    /// The masks for which this is so: a stroke may change them before the map is made.
    now: Arc<[Shape]>,
    moved: Moved,
}

impl Plan {
    /// What is mapped, and how. What was painted since it was asked for is moved along, as it lies.
    pub(super) fn of(&self, document: &Document) -> (Arc<[Shape]>, Placement, Way) {
        let same = |(id, mask, _): &Shape| document.mask(*id).is_some_and(|now| Arc::ptr_eq(now, mask));
        if self.now.iter().all(same) {
            return self.first.clone();
        }
        (shapes(document, &self.moved.regions), self.moved.from, self.moved.to)
    }
}

fn shapes(document: &Document, ids: &[RegionId]) -> Arc<[Shape]> {
    let shape = |id: &RegionId| Some((*id, Arc::clone(document.mask(*id)?), document.outside(*id).cloned()));
    ids.iter().filter_map(shape).collect()
}

/// One way after another, both of boxes around the same shapes; `None` where a box does not begin where the last one ended, for
/// then something was lost on the way.
fn joined(from: Placement, first: Way, (then_from, then): (Placement, Way)) -> Option<Way> {
    let map = |from: Placement, way: Way| match way {
        Way::Box(to) => Projective::corners(from, to.corners()),
        Way::Map(map) => Some(map),
    };
    match (first, then) {
        (Way::Box(to), then) if to == then_from => match then {
            Way::Box(_) => Some(then),
            Way::Map(then) => Some(Way::Map(then.after(&map(from, first)?))),
        },
        (Way::Box(_), _) => None,
        (Way::Map(first), then) => Some(Way::Map(map(then_from, then)?.after(&first))),
    }
}

impl Editor {
    /// What is to be mapped so that regions come from where they are now to where they are wanted.
    pub(super) fn plan(&mut self, moved: &Moved) -> Plan {
        let Moved { regions, from, to } = moved;
        let now = shapes(&self.document, regions);
        let ids = |shapes: &[Shape]| shapes.iter().map(|(id, ..)| *id).collect::<Vec<_>>();
        let counts = self.counts(&now);
        let last = self.mapped.take().filter(|last| {
            let same = ids(&last.first) == ids(&now) && last.done.as_ref() == Some(&counts);
            same && self.document.settings.wrap == Wrap::None
        });
        let again = last.and_then(|last| Some((joined(last.from, last.to, (*from, *to))?, last)));
        let (first, from, to) = match again {
            Some((to, last)) => (last.first, last.from, to),
            None => (Arc::clone(&now), *from, *to),
        };
        self.mapped = Some(Mapped { first: Arc::clone(&first), from, to, asked: counts, done: None });
        Plan { first: (first, from, to), now, moved: moved.clone() }
    }

    fn counts(&self, shapes: &[Shape]) -> Vec<u64> {
        shapes.iter().map(|(id, ..)| self.mask_changes(*id)).collect()
    }

    /// Takes in a change that has been worked out. Where it is not the one that was planned, or not of what that was planned for, the
    /// next map begins anew.
    pub(super) fn follow_mapped(&mut self, take_in: impl FnOnce(&mut Self)) {
        let counts = |editor: &Self| editor.mapped.as_ref().map(|mapped| editor.counts(&mapped.first));
        let before = counts(self);
        take_in(self);
        let after = counts(self);
        self.mapped.take_if(|mapped| mapped.done.is_none() && Some(&mapped.asked) != before.as_ref());
        if let Some(mapped) = self.mapped.as_mut().filter(|mapped| mapped.done.is_none()) {
            mapped.done = after;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::editor::Selected;
    use crate::document::PixelRect;

    /// A region with soft edges in the middle of a canvas.
    fn editor() -> (Editor, RegionId) {
        let mut document = Document::new(256, 192);
        let id = document.add_region("a", "a");
        let mask = &mut document.region_mut(id).expect("a region").mask;
        *mask = Arc::new(Mask::from_rows(256, 192, |y, row| {
            for (x, out) in row.iter_mut().enumerate() {
                let far = (x as f32 - 120.0).hypot((y as f32 - 90.0) * 1.7);
                *out = ((60.0 - far) * 30.0).clamp(0.0, 255.0) as u8;
            }
        }));
        (Editor::new(document, "mapped"), id)
    }

    fn goes(editor: &mut Editor, to: impl Fn(Placement) -> Way) {
        let (regions, from) = editor.selected_shapes().expect("a shape");
        editor.move_shapes("Move", 0, Moved { regions, from, to: to(from) });
    }

    fn mask(editor: &Editor, id: RegionId) -> Vec<u8> {
        editor.document().mask(id).expect("a mask").to_raw()
    }

    #[test]
    fn there_and_back_in_a_row_is_as_it_was() {
        let (mut editor, id) = editor();
        let (first, (_, whole)) = (mask(&editor, id), editor.selected_shapes().expect("a shape"));
        let turn = |degrees| move |_| Way::Map(Projective::turn(whole, degrees));
        let small = |_| Way::Box(Placement { width: whole.width / 9, height: whole.height / 7, ..whole });

        goes(&mut editor, turn(31.0));
        let turned = mask(&editor, id);
        assert_ne!(turned, first);
        // Words are no part of it.
        editor.change_field(crate::app::editor::Field::Seed, |document| document.settings.seed = 9);
        goes(&mut editor, |from| Way::Box(Placement { x: from.x + 400, ..from }));
        goes(&mut editor, |from| Way::Box(Placement { x: from.x - 400, ..from }));
        assert_eq!(mask(&editor, id), turned, "over the edge and back, as it was turned");
        goes(&mut editor, turn(-31.0));
        assert_eq!(mask(&editor, id), first);
        goes(&mut editor, small);
        goes(&mut editor, |_| Way::Box(whole));
        assert_eq!(mask(&editor, id), first, "larger again than it was small");

        // Each of them is one undo step, and what follows an undo begins anew.
        editor.undo();
        goes(&mut editor, |_| Way::Box(whole));
        assert_ne!(mask(&editor, id), first);
    }

    #[test]
    fn what_is_changed_between_is_moved_along() {
        let (mut editor, id) = editor();
        let (_, whole) = editor.selected_shapes().expect("a shape");
        let turn = |degrees| move |_| Way::Map(Projective::turn(whole, degrees));
        goes(&mut editor, turn(90.0));
        editor.select(Selected::Region(id));
        editor.map_mask("Half", |value| value / 2);
        let half = mask(&editor, id);
        goes(&mut editor, turn(-90.0));
        goes(&mut editor, turn(90.0));
        assert_eq!(mask(&editor, id), half, "from here on it is this one");
    }

    #[test]
    fn a_stroke_while_it_is_worked_out_is_moved_along() {
        let (mut editor, id) = editor();
        let (regions, from) = editor.selected_shapes().expect("a shape");
        goes(&mut editor, |from| Way::Box(Placement { x: from.x + 8, ..from }));
        let to = Way::Box(Placement { x: from.x + 16, ..from });
        let from = Placement { x: from.x + 8, ..from };
        editor.move_shapes("Move", u64::MAX, Moved { regions, from, to });
        let work = editor.begin_work().expect("it is worked out beside the window");
        let number = editor.next_work().expect("its number");
        let made = work();
        editor.begin_stroke(id, |mask| {
            mask.fill(PixelRect { x: 120, y: 90, width: 8, height: 8 }, 0);
            ((), vec![PixelRect { x: 120, y: 90, width: 8, height: 8 }])
        });
        editor.abort_stroke(id, |_| Vec::new());
        editor.end_work(number, made);
        let work = editor.begin_work().expect("it is made again");
        let number = editor.next_work().expect("its number");
        editor.end_work(number, work());
        let now = mask(&editor, id);
        assert_eq!((now[93 * 256 + 131], now[93 * 256 + 120]), (0, 255), "the hole went along");
    }
}
