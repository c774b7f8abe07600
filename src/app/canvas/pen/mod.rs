//! Pens, as far as the window's own events leave them out: pressure, and which end is down.
//!
//! Windows tells pressure with its touches, which come as egui's. On X11 the window hears a pen as a mouse, so the server is asked beside
//! it. The pointer is the system's in any case: no position is taken from here, so that no sample comes twice, and the buttons of a pen
//! are those of the mouse that the system makes of them.

#[cfg(target_os = "linux")]
mod x11;

use eframe::wgpu::rwh::HasDisplayHandle;

/// The end of a pen that is near.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PenEnd {
    /// It paints.
    Tip,
    /// It erases.
    Eraser,
}

/// What pens have told since they were asked last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PenTold {
    /// The end that moves the pointer; `None` where a mouse does.
    pub end: Option<PenEnd>,
    /// The pressure of each sample, 0 to 1, the last one last.
    pub pressures: Vec<f32>,
}

/// A source of what pens tell.
pub trait Pens {
    /// What they have told since the last call.
    fn told(&mut self) -> PenTold;
}

/// Pens that the system tells of beside the window's events; `None` where there is nothing to ask.
pub(in crate::app) fn of_system(window: &impl HasDisplayHandle) -> Option<Box<dyn Pens>> {
    #[cfg(target_os = "linux")]
    {
        use eframe::wgpu::rwh::RawDisplayHandle::{Xcb, Xlib};
        let display = window.display_handle().ok()?.as_raw();
        matches!(display, Xlib(_) | Xcb(_)).then(|| Box::new(x11::Server::ask()) as Box<dyn Pens>)
    }
    #[cfg(not(target_os = "linux"))]
    {
        _ = window;
        None
    }
}

/// The pen over the canvas.
#[derive(Default)]
pub(in crate::app) struct Pen {
    source: Option<Box<dyn Pens>>,
    told: PenTold,
    /// The pressure before those.
    last: f32,
}

impl Pen {
    pub(in crate::app) fn of(source: Option<Box<dyn Pens>>) -> Self {
        Self { source, ..Self::default() }
    }

    /// Takes in what was told since the last frame; true where a pen was near and is so no longer.
    pub(in crate::app) fn listen(&mut self) -> bool {
        let Some(source) = &mut self.source else { return false };
        let before = std::mem::replace(&mut self.told, source.told());
        self.last = before.pressures.last().copied().unwrap_or(self.last);
        if self.told.end.is_none() {
            self.last = 0.0;
        }
        before.end.is_some() && self.told.end.is_none()
    }

    /// The end that is near.
    pub(in crate::app) fn end(&self) -> Option<PenEnd> {
        self.told.end
    }

    /// The pressure at each of so many samples of the pointer in this frame; nothing where no pen moves it.
    pub(super) fn pressures(&self, samples: usize) -> Vec<f32> {
        let samples = if self.told.end.is_some() { samples } else { 0 };
        spread(&self.told.pressures, self.last, samples)
    }
}

/// Lays pressures over samples in their order, both of the same stretch of time: the last on the last. Before the first it is `before`.
fn spread(pressures: &[f32], before: f32, samples: usize) -> Vec<f32> {
    let told = |sample: usize| (sample * pressures.len() / samples).checked_sub(1).and_then(|at| pressures.get(at));
    (1..=samples).map(|sample| told(sample).copied().unwrap_or(before)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressures_lie_over_samples_in_their_order() {
        assert_eq!(spread(&[0.1, 0.2, 0.3], 0.0, 3), [0.1, 0.2, 0.3]);
        assert_eq!(spread(&[0.1, 0.2, 0.3, 0.4], 0.0, 2), [0.2, 0.4], "more were told than the pointer has samples");
        assert_eq!(spread(&[0.5, 0.7], 0.4, 4), [0.4, 0.5, 0.5, 0.7], "fewer");
        assert_eq!(spread(&[], 0.4, 2), [0.4, 0.4], "none: it is as it was");
        assert!(spread(&[0.5], 0.4, 0).is_empty());
    }

    #[test]
    fn a_pen_has_pressure_while_it_is_near_and_a_mouse_has_none() {
        struct Script(Vec<PenTold>);
        impl Pens for Script {
            fn told(&mut self) -> PenTold {
                self.0.remove(0)
            }
        }
        let near = |pressures: &[f32]| PenTold { end: Some(PenEnd::Tip), pressures: pressures.to_vec() };
        let away = PenTold::default();
        let script = vec![away.clone(), near(&[0.0, 0.4]), near(&[]), away, near(&[])];
        let mut pen = Pen::of(Some(Box::new(Script(script))));
        assert!(!pen.listen() && pen.pressures(2).is_empty());
        assert!(!pen.listen() && pen.pressures(2) == [0.0, 0.4]);
        assert!(!pen.listen() && pen.pressures(1) == [0.4], "it rests");
        assert!(pen.listen() && pen.pressures(1).is_empty(), "it is gone");
        assert!(!pen.listen() && pen.pressures(1) == [0.0], "what it was before is forgotten");
    }
}
