//! Small pictures of models: read on a thread as they come into view.

use crate::app::kit::background::Asked;
use crate::studio::{Item, item_picture};
use egui::{ColorImage, Context, TextureHandle, TextureOptions};
use std::collections::HashMap;
use std::path::PathBuf;

/// Side of a picture in texture pixels.
const SIDE: u32 = 112;

/// Pictures read at a time.
const AT_ONCE: usize = 12;

/// Pictures that are kept; when there are more, all are read anew as they come into view.
const MOST: usize = 600;

type Read = Vec<(PathBuf, Option<ColorImage>)>;

/// The pictures that were read.
#[derive(Default)]
pub(in crate::app) struct Pictures {
    read: HashMap<PathBuf, Option<TextureHandle>>,
    asked: Option<Asked<Read>>,
    wanted: Vec<Item>,
}

impl Pictures {
    /// The picture of a model in view, once it has been read.
    pub(super) fn of(&mut self, item: &Item) -> Option<&TextureHandle> {
        if item.picture.is_none() && !item.has_picture_inside {
            return None;
        }
        if !self.read.contains_key(&item.path) && self.wanted.len() < AT_ONCE {
            self.wanted.push(item.clone());
        }
        self.read.get(&item.path)?.as_ref()
    }

    /// Takes in what was read, and asks for what came into view.
    pub(super) fn follow(&mut self, ctx: &Context) {
        match self.asked.take().map(Asked::answer) {
            Some(Ok(read)) => {
                if self.read.len() > MOST {
                    self.read.clear();
                }
                for (path, image) in read {
                    let texture = image.map(|image| ctx.load_texture("model", image, TextureOptions::LINEAR));
                    self.read.insert(path, texture);
                }
            }
            Some(Err(asked)) => self.asked = asked,
            None => {}
        }
        let wanted = std::mem::take(&mut self.wanted);
        if self.asked.is_none() && !wanted.is_empty() {
            self.asked = Asked::begin(ctx, "model pictures", move || wanted.into_iter().map(read).collect());
        }
    }

    /// Forgets all of them: files may have changed.
    pub(in crate::app) fn forget(&mut self) {
        self.read.clear();
    }
}

fn read(item: Item) -> (PathBuf, Option<ColorImage>) {
    let image = item_picture(&item, SIDE).map(|image| {
        let size = [image.width() as usize, image.height() as usize];
        ColorImage::from_rgba_unmultiplied(size, image.as_raw())
    });
    (item.path, image)
}
