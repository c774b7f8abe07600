//! One picture of the board: the picture itself, its key, its star, its name, and a line about it.

use crate::app::generation::takes::Item;
use crate::app::kit::{star, theme};
use crate::app::text::i18n::{fill, tr};
use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Align2, Color32, CornerRadius, FontFamily, FontId, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2,
    WidgetInfo, pos2, vec2,
};

/// Room around the picture in its card.
pub(super) const AROUND: f32 = 6.0;
/// Height of the two lines below it.
pub(super) const TEXT: f32 = 42.0;
/// Side of the star's button.
const STAR: f32 = 28.0;

/// What is shown of a picture.
pub(super) struct Cell<'a> {
    pub item: &'a Item,
    /// Its name, or in what it differs.
    pub caption: &'a str,
    /// What is said below that.
    pub line: &'a str,
    /// The digit that chooses it.
    pub key: Option<usize>,
    pub is_chosen: bool,
    pub is_current: bool,
    /// It is the one on the canvas.
    pub is_shown: bool,
    /// The name is being written.
    pub is_named: bool,
}

/// What was done with it.
pub(super) struct Done {
    pub response: Response,
    /// Its name was meant.
    pub on_caption: bool,
    /// Its star was clicked.
    pub star: bool,
    /// The place of its name.
    pub caption: Rect,
}

impl Cell<'_> {
    pub(super) fn show(&self, ui: &mut Ui, size: Vec2) -> Done {
        let t = theme::tokens(ui);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let name = self.item.full_name(self.caption);
        let told = if self.is_shown { fill("{0}, on the canvas", &[&name]) } else { name.clone() };
        response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, self.is_chosen, &told));
        let frame = Rect::from_min_max(rect.min, pos2(rect.right(), rect.bottom() - TEXT)).shrink(AROUND);
        let text = Rect::from_min_max(pos2(frame.left(), frame.bottom() + 5.0), rect.max - vec2(AROUND, 4.0));
        let caption = Rect::from_min_size(text.min, vec2(text.width(), 20.0));
        let corner = Rect::from_min_size(frame.right_top() - vec2(STAR, 0.0), vec2(STAR, STAR));
        let starred = self.item.is_starred();
        let star = ui.interact(corner, response.id.with("star"), Sense::click());
        let told = if starred { fill("Take the star from {0}", &[&name]) } else { fill("Give {0} a star", &[&name]) };
        star.widget_info(|| WidgetInfo::selected(Role::Button, true, starred, &told));
        if ui.is_rect_visible(rect) {
            let over = response.hovered() || star.hovered();
            let ground = match (self.is_chosen, over) {
                (true, _) => t.accent_quiet,
                (false, true) => t.card_hover,
                (false, false) => t.card,
            };
            ui.painter().rect_filled(rect, theme::ROUND, ground);
            self.picture(ui, frame);
            if starred || over || star.has_focus() {
                let line = if starred { Stroke::NONE } else { Stroke::new(1.5, t.caption) };
                ui.painter().rect_filled(corner, tucked(corner, frame), t.caption_ground);
                star::paint(ui.painter(), corner.center(), 8.5, starred.then_some(t.star), line);
            }
            if !self.is_named {
                self.words(ui, text);
            }
            let line = match (self.is_current, self.is_chosen) {
                (true, _) => Stroke::new(2.0, t.accent),
                (false, true) => Stroke::new(1.0, t.accent),
                (false, false) => Stroke::NONE,
            };
            ui.painter().rect_stroke(rect, theme::ROUND, line, StrokeKind::Inside);
        }
        let hint = if starred { tr("Take the star away (S)") } else { tr("Keep it when older ones are let go (S)") };
        let star = star.on_hover_text(hint).clicked();
        let on_caption = response.interact_pointer_pos().is_some_and(|at| text.contains(at));
        Done { response, on_caption, star, caption }
    }

    fn picture(&self, ui: &Ui, frame: Rect) {
        let t = theme::tokens(ui);
        ui.painter().rect_filled(frame, theme::ROUND_SMALL, t.desk);
        if let Some(texture) = &self.item.large {
            let size = texture.size_vec2();
            let size = size * (frame.size() / size).min_elem();
            let image = egui::Image::from_texture((texture.id(), size)).corner_radius(theme::ROUND_SMALL);
            image.paint_at(ui, Rect::from_center_size(frame.center(), size));
        }
        if let Some(key) = self.key {
            let ground = Rect::from_min_size(frame.min, vec2(20.0, 20.0));
            ui.painter().rect_filled(ground, tucked(ground, frame), t.caption_ground);
            let font = FontId::proportional(theme::TEXT_SMALL);
            ui.painter().text(ground.center(), Align2::CENTER_CENTER, key, font, t.caption);
        }
        if self.is_shown {
            let font = FontId::proportional(theme::TEXT_SMALL);
            let galley = ui.painter().layout_no_wrap(tr("on the canvas").to_owned(), font, t.caption);
            let ground = Align2::LEFT_BOTTOM.anchor_size(frame.left_bottom(), galley.size() + vec2(12.0, 6.0));
            ui.painter().rect_filled(ground, tucked(ground, frame), t.caption_ground);
            ui.painter().galley(ground.min + vec2(6.0, 3.0), galley, t.caption);
        }
    }

    /// The name in the upper line, and what is said of the picture in the lower.
    fn words(&self, ui: &Ui, room: Rect) {
        let t = theme::tokens(ui);
        let family = if self.item.given_name().is_empty() { FontFamily::Proportional } else { theme::strong_family() };
        let strong = FontId::new(theme::TEXT, family);
        let line = |text: &str, font: FontId, colour: Color32, y: f32| {
            let mut job = LayoutJob::simple_singleline(text.to_owned(), font, colour);
            job.wrap = TextWrapping::truncate_at_width(room.width());
            let galley = ui.painter().layout_job(job);
            ui.painter().galley(pos2(room.left(), y), galley, colour);
        };
        let weak = if self.is_chosen { t.text } else { t.text_weak };
        line(self.caption, strong, t.text_strong, room.top());
        line(self.line, FontId::proportional(theme::TEXT_SMALL), weak, room.top() + 19.0);
    }
}

/// Corners of a ground that lies in a corner of the frame: round at the frame's corner and at the one across.
fn tucked(ground: Rect, frame: Rect) -> CornerRadius {
    let (left, top) = (ground.left() <= frame.left(), ground.top() <= frame.top());
    let round = |is: bool| if is { theme::ROUND_SMALL } else { 0 };
    CornerRadius { nw: round(left == top), se: round(left == top), ne: round(left != top), sw: round(left != top) }
}
