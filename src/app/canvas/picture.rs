//! The picture on the canvas. Pictures are uploaded by a thread of their own, the newest first, so that a stream of previews
//! never holds up a stroke.

use crate::app::canvas::gpu::{Card, Channels, Source, Tiles};
use crate::document::{PixelRect, Take};
use image::RgbImage;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// A picture that can be shown.
#[derive(Clone)]
pub(crate) enum Shown {
    Preview(Arc<RgbImage>),
    Take(Arc<Take>),
    /// The picture that the drawing starts from.
    Start(Arc<RgbImage>),
}

impl AsRef<RgbImage> for Shown {
    fn as_ref(&self) -> &RgbImage {
        match self {
            Self::Preview(image) | Self::Start(image) => image,
            Self::Take(take) => &take.image,
        }
    }
}

impl Shown {
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Preview(a), Self::Preview(b)) | (Self::Start(a), Self::Start(b)) => Arc::ptr_eq(a, b),
            (Self::Take(a), Self::Take(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

#[derive(Default)]
struct Desk {
    /// The newest picture asked for, not begun yet.
    wanted: Option<(u64, Shown)>,
    /// The newest picture done, not fetched yet.
    done: Option<(u64, Tiles)>,
    closed: bool,
}

/// Shows the newest picture it was given.
pub(super) struct Picture {
    desk: Arc<(Mutex<Desk>, Condvar)>,
    asked: Option<Shown>,
    number: u64,
    /// The picture that is shown; `shown` is its number among those asked for.
    tiles: Option<Tiles>,
    shown: u64,
    /// There is a graphics card to show it with.
    has_card: bool,
}

impl Picture {
    /// Starts the thread, where there is a graphics card; it asks `ctx` to repaint whenever a picture is ready.
    #[must_use]
    pub(super) fn new(ctx: &egui::Context, card: Option<&Card>) -> Self {
        let desk = Arc::new((Mutex::new(Desk::default()), Condvar::new()));
        if let Some(card) = card.cloned() {
            let (theirs, ctx) = (Arc::clone(&desk), ctx.clone());
            let started =
                std::thread::Builder::new().name("pictures".to_owned()).spawn(move || work(&theirs, &card, &ctx));
            if let Err(error) = started {
                log::error!("no thread for pictures: {error}");
            }
        }
        Self { desk, asked: None, number: 0, tiles: None, shown: 0, has_card: card.is_some() }
    }

    /// Shows this picture as soon as it is ready; until then the one before stays.
    pub(super) fn show(&mut self, shown: Option<Shown>) {
        let same = match (&self.asked, &shown) {
            (Some(a), Some(b)) => a.same(b),
            (None, None) => true,
            _ => false,
        };
        if same {
            return;
        }
        self.number += 1;
        self.asked.clone_from(&shown);
        let (desk, bell) = &*self.desk;
        let mut desk = desk.lock().unwrap_or_else(PoisonError::into_inner);
        match shown {
            Some(shown) => {
                desk.wanted = Some((self.number, shown));
                bell.notify_one();
            }
            None => {
                desk.wanted = None;
                desk.done = None;
                self.tiles = None;
            }
        }
    }

    /// Takes what the thread has finished.
    pub(super) fn update(&mut self) {
        let done = self.desk.0.lock().unwrap_or_else(PoisonError::into_inner).done.take();
        if let Some((number, tiles)) = done.filter(|_| self.asked.is_some()) {
            self.tiles = Some(tiles);
            self.shown = number;
        }
    }

    /// True where the newest picture that was asked for is shown.
    #[must_use]
    pub(super) fn is_ready(&self) -> bool {
        self.asked.is_none() || !self.has_card || self.shown == self.number
    }

    /// True where there is something to draw.
    #[must_use]
    pub(super) fn is_shown(&self) -> bool {
        if self.has_card { self.tiles.is_some() } else { self.asked.is_some() }
    }

    /// True where it was drawn, or is being drawn, and is not what a drawing starts from.
    #[must_use]
    pub(super) fn is_drawn(&self) -> bool {
        matches!(self.asked, Some(Shown::Preview(_) | Shown::Take(_)))
    }

    /// The tiles to draw.
    #[must_use]
    pub(super) fn tiles(&self) -> Option<&Tiles> {
        self.tiles.as_ref()
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        let (desk, bell) = &*self.desk;
        desk.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        bell.notify_one();
    }
}

fn work(desk: &(Mutex<Desk>, Condvar), card: &Card, ctx: &egui::Context) {
    let (desk, bell) = desk;
    loop {
        let (number, shown) = {
            let mut desk = desk.lock().unwrap_or_else(PoisonError::into_inner);
            loop {
                if desk.closed {
                    return;
                }
                if let Some(wanted) = desk.wanted.take() {
                    break wanted;
                }
                desk = bell.wait(desk).unwrap_or_else(PoisonError::into_inner);
            }
        };
        let tiles = uploaded(card, shown.as_ref());
        let mut desk = desk.lock().unwrap_or_else(PoisonError::into_inner);
        if desk.closed {
            return;
        }
        desk.done = Some((number, tiles));
        ctx.request_repaint();
    }
}

fn uploaded(card: &Card, image: &RgbImage) -> Tiles {
    let (width, height) = image.dimensions();
    let mut data = Vec::with_capacity(width as usize * height as usize * 4);
    for pixel in image.pixels() {
        let [r, g, b] = pixel.0;
        data.extend([r, g, b, 255]);
    }
    let mut tiles = Tiles::new(card, [width, height], Channels::Four);
    tiles.write(card, PixelRect::whole(width, height), Source::Picture { data: &data, width });
    tiles
}
