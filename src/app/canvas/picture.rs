//! The picture on the canvas. Pictures are turned into textures' pixels on a thread of their own, the newest first, so
//! that a stream of previews never holds up a stroke.

use super::super::texts::tr;
use super::tiles::{Tiles, rgb_part, tile_rects};
use crate::document::Take;
use egui::{Color32, ColorImage, Painter, Rect};
use image::RgbImage;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// A picture that can be shown.
#[derive(Clone)]
pub enum Shown {
    Preview(Arc<RgbImage>),
    Take(Arc<Take>),
}

impl Shown {
    /// Its pixels.
    #[must_use]
    pub fn image(&self) -> &RgbImage {
        match self {
            Self::Preview(image) => image,
            Self::Take(take) => &take.image,
        }
    }

    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Preview(a), Self::Preview(b)) => Arc::ptr_eq(a, b),
            (Self::Take(a), Self::Take(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

/// One size of a picture, cut into tiles.
struct Level {
    size: [u32; 2],
    images: Vec<ColorImage>,
}

#[derive(Default)]
struct Desk {
    /// The newest picture asked for, not begun yet.
    wanted: Option<(u64, Shown)>,
    /// The newest picture done, not fetched yet.
    done: Option<(u64, Vec<Level>)>,
    closed: bool,
}

/// Shows the newest picture it was given.
pub struct Picture {
    desk: Arc<(Mutex<Desk>, Condvar)>,
    asked: Option<Shown>,
    number: u64,
    /// Full size first, then halves.
    levels: Vec<Tiles>,
}

impl Picture {
    /// Starts the thread; it asks `ctx` to repaint whenever a picture is ready.
    #[must_use]
    pub fn new(ctx: &egui::Context) -> Self {
        let desk = Arc::new((Mutex::new(Desk::default()), Condvar::new()));
        let (theirs, ctx) = (Arc::clone(&desk), ctx.clone());
        let started = std::thread::Builder::new().name("pictures".to_owned()).spawn(move || work(&theirs, &ctx));
        if let Err(error) = started {
            log::error!("no thread for pictures: {error}");
        }
        Self { desk, asked: None, number: 0, levels: Vec::new() }
    }

    /// Shows this picture as soon as it is ready; until then the one before stays.
    pub fn show(&mut self, shown: Option<Shown>) {
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
                self.levels.clear();
            }
        }
    }

    /// Takes what the thread has finished.
    pub fn update(&mut self, ctx: &egui::Context) {
        let done = self.desk.0.lock().unwrap_or_else(PoisonError::into_inner).done.take();
        let Some((_, levels)) = done else { return };
        if self.asked.is_none() {
            return;
        }
        let same_size = self.levels.len() == levels.len()
            && self.levels.iter().zip(&levels).all(|(old, new)| old.size() == new.size);
        if same_size {
            for (old, new) in self.levels.iter_mut().zip(levels) {
                old.replace(new.images);
            }
        } else {
            self.levels = levels
                .into_iter()
                .map(|level| {
                    let mut images = level.images.into_iter();
                    Tiles::new(ctx, tr("picture"), level.size, |_| images.next().unwrap_or_default())
                })
                .collect();
        }
    }

    /// True where there is something to draw.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        !self.levels.is_empty()
    }

    /// Draws it into `rect`, from the size that fits the screen best.
    pub fn paint(&self, painter: &Painter, rect: Rect) {
        let wanted = rect.width() * painter.pixels_per_point();
        let level = self.levels.iter().rev().find(|l| l.size()[0] as f32 >= wanted).or(self.levels.first());
        if let Some(level) = level {
            level.paint(painter, rect, Color32::WHITE);
        }
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        let (desk, bell) = &*self.desk;
        desk.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        bell.notify_one();
    }
}

fn work(desk: &(Mutex<Desk>, Condvar), ctx: &egui::Context) {
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
        let levels = levels(shown.image());
        let mut desk = desk.lock().unwrap_or_else(PoisonError::into_inner);
        if desk.closed {
            return;
        }
        desk.done = Some((number, levels));
        ctx.request_repaint();
    }
}

/// The picture and its halves, down to about the size of a small window.
fn levels(image: &RgbImage) -> Vec<Level> {
    let cut = |image: &RgbImage| Level {
        size: [image.width(), image.height()],
        images: tile_rects(image.width(), image.height()).map(|r| rgb_part(image.as_raw(), image.width(), r)).collect(),
    };
    let mut levels = vec![cut(image)];
    let mut smaller: Option<RgbImage> = None;
    loop {
        let last = smaller.as_ref().unwrap_or(image);
        if last.width().max(last.height()) <= 768 || levels.len() == 5 {
            break;
        }
        let half = halved(last);
        levels.push(cut(&half));
        smaller = Some(half);
    }
    levels
}

/// Every two by two pixels as one.
fn halved(image: &RgbImage) -> RgbImage {
    let (width, height) = ((image.width() / 2).max(1), (image.height() / 2).max(1));
    let clamp = |v: u32, side: u32| v.min(side - 1);
    RgbImage::from_fn(width, height, |x, y| {
        let mut sum = [0u16; 3];
        for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let p = image.get_pixel(clamp(2 * x + dx, image.width()), clamp(2 * y + dy, image.height()));
            for (s, v) in sum.iter_mut().zip(p.0) {
                *s += u16::from(v);
            }
        }
        image::Rgb(sum.map(|s| (s / 4) as u8))
    })
}
