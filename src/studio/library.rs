//! Pictures of the library's models, for lists.

use crate::checkpoint::Item;
use crate::document::{picture_of_data_url, read_picture};
use image::RgbaImage;
use image::imageops::thumbnail;

/// The picture of a model, beside its file or in it, within a square of so many pixels; `None` where there is none that can be read.
#[must_use]
pub fn item_picture(item: &Item, side: u32) -> Option<RgbaImage> {
    let beside = item.picture.as_ref().and_then(|path| Some(read_picture(path).ok()?.image));
    let inside = || picture_of_data_url(&item.picture_inside().ok()??);
    let image = beside.or_else(|| if item.has_picture_inside { inside() } else { None })?;
    let scale = f64::from(side) / f64::from(image.width().max(image.height()).max(1));
    let fitted = |side: u32| ((f64::from(side) * scale.min(1.0)).round() as u32).max(1);
    Some(thumbnail(&image, fitted(image.width()), fitted(image.height())))
}
