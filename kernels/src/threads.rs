//! Tasks on all threads, and the memory that each keeps for them.

use rayon::prelude::*;
use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// `tasks` calls on all threads, first come first served: where other programs take a share of the processor, no thread waits
/// for a part that was given to a slow one.
pub(crate) fn spread(tasks: usize, run: impl Fn(usize) + Sync) {
    let threads = rayon::current_num_threads().min(tasks);
    if threads <= 1 {
        (0..tasks).for_each(run);
        return;
    }
    let next = AtomicUsize::new(0);
    (0..threads).into_par_iter().with_max_len(1).for_each(|_| {
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            if task >= tasks {
                break;
            }
            run(task);
        }
    });
}

/// [`spread`] over parts of `len` values of `x` (the last may be shorter), each with its number.
pub(crate) fn spread_parts(x: &mut [f32], len: usize, run: impl Fn(usize, &mut [f32]) + Sync) {
    let (total, whole) = (x.len(), Shared::new(x));
    let len = len.max(1);
    spread(total.div_ceil(len), |part| {
        let from = part * len;
        // SAFETY: every part is taken once, and parts do not overlap.
        run(part, unsafe { whole.part(from, len.min(total - from)) });
    });
}

/// A slice that tasks write parts of.
pub(crate) struct Shared<T> {
    values: *mut T,
    len: usize,
}

// SAFETY: parts are only handed out by an unsafe function, whose callers say that they do not overlap.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// The caller keeps the slice borrowed for as long as tasks run.
    pub(crate) fn new(values: &mut [T]) -> Self {
        Self { values: values.as_mut_ptr(), len: values.len() }
    }

    /// `count` values from `from` on.
    ///
    /// # Safety
    /// The slice is still borrowed, and no other part that is in use overlaps this one.
    #[expect(clippy::mut_from_ref, reason = "parts do not overlap, as callers say")]
    pub(crate) unsafe fn part(&self, from: usize, count: usize) -> &mut [T] {
        assert!(from.checked_add(count).is_some_and(|to| to <= self.len), "{from} + {count} of {}", self.len);
        // SAFETY: the part lies in the slice, as was just checked, and no one else uses it, as the caller says.
        unsafe { std::slice::from_raw_parts_mut(self.values.add(from), count) }
    }
}

/// Values on a boundary of cache lines, so that no vector lies in two.
pub(crate) struct Aligned<T> {
    values: Vec<T>,
    start: usize,
    len: usize,
}

impl<T> Default for Aligned<T> {
    fn default() -> Self {
        Self { values: Vec::new(), start: 0, len: 0 }
    }
}

impl<T: Copy + Default> Aligned<T> {
    /// So many zeros; `None` where the system has no room for them.
    pub(crate) fn zeros(len: usize) -> Option<Self> {
        let room = len.checked_add(64)?;
        // Zeroed pages are taken without touching them, but the program ends where there are none: ask first.
        Vec::<T>::new().try_reserve_exact(room).ok()?;
        let values = vec![T::default(); room];
        let start = values.as_ptr().align_offset(64).min(room - len);
        Some(Self { values, start, len })
    }

    /// Room for so many values; what they are is not said.
    pub(crate) fn room(&mut self, len: usize) -> &mut [T] {
        if self.len < len {
            let values = vec![T::default(); len + 64];
            let start = values.as_ptr().align_offset(64).min(64);
            *self = Self { values, start, len };
        }
        self.values.get_mut(self.start..).and_then(|values| values.get_mut(..len)).unwrap_or_default()
    }

    /// [`Aligned::room`]; `None` where the system has none.
    pub(crate) fn try_room(&mut self, len: usize) -> Option<&mut [T]> {
        if self.len < len {
            *self = Self::default();
            *self = Self::zeros(len)?;
        }
        Some(self.room(len))
    }

    pub(crate) fn values(&self) -> &[T] {
        self.values.get(self.start..).and_then(|values| values.get(..self.len)).unwrap_or_default()
    }

    pub(crate) fn values_mut(&mut self) -> &mut [T] {
        self.values.get_mut(self.start..).and_then(|values| values.get_mut(..self.len)).unwrap_or_default()
    }
}

/// Memory that a thread keeps between tasks: at most some hundred kilobytes for products, and a few more the wider attention's
/// heads are.
#[derive(Default)]
pub(crate) struct Scratch {
    pub a: Aligned<f32>,
    pub b: Aligned<f32>,
    pub c: Aligned<f32>,
    pub d: Aligned<f32>,
    /// Words of queries, and of what an attention's second product is of.
    pub q: Aligned<u32>,
    pub p: Aligned<u32>,
}

/// Calls `use_it` with this thread's memory.
pub(crate) fn with_scratch<R>(use_it: impl FnOnce(&mut Scratch) -> R) -> R {
    thread_local! {
        static SCRATCH: RefCell<Scratch> = RefCell::default();
    }
    SCRATCH.with_borrow_mut(use_it)
}
