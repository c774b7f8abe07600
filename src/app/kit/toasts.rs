//! Short messages in a corner: one line each, read aloud by screen readers, gone after a while.

use crate::app::kit::{theme, widgets};
use crate::app::text::i18n::tr;
use egui::{Align2, Area, Frame, Id, Margin, Order, RichText, Stroke, vec2};
use egui_material_icons::icons;
use std::path::Path;
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Info,
    Warning,
    Error,
}

struct Toast<O> {
    kind: Kind,
    text: String,
    /// The same with whole paths, for who rests the pointer on it.
    whole: Option<String>,
    until: Instant,
    /// It has not been drawn yet.
    new: bool,
    /// What a button in the message does, and its name.
    offer: Option<(String, O)>,
}

/// The messages on show; some offer to do something.
pub(in crate::app) struct Toasts<O> {
    toasts: Vec<Toast<O>>,
    /// The least time that each stays.
    least: Duration,
}

/// The most width of their text.
pub(in crate::app) const WIDTH: f32 = 560.0;

/// Width of the button that closes one.
const CLOSE: f32 = 16.0;

/// Width of a button of this name, with the space before it.
fn button_width(ui: &egui::Ui, name: &str) -> f32 {
    widgets::text_width(ui, name) + 2.0 * ui.spacing().button_padding.x + ui.spacing().item_spacing.x
}

/// The id of the area that they are drawn in.
pub(in crate::app) fn area() -> Id {
    Id::unique("toasts")
}

/// No more than this many at a time.
const MOST: usize = 4;

impl<O> Toasts<O> {
    /// No messages yet; each will stay at least so long.
    pub(in crate::app) fn staying(least: Option<Duration>) -> Self {
        Self { toasts: Vec::new(), least: least.unwrap_or_default() }
    }

    pub(in crate::app) fn info(&mut self, text: impl Into<String>) {
        self.add(Kind::Info, text.into(), 4, None);
    }

    /// Tells something, with a button of this name beside it.
    pub(in crate::app) fn offer(&mut self, text: impl Into<String>, name: &str, offer: O) {
        self.add(Kind::Info, text.into(), 8, Some((name.to_owned(), offer)));
    }

    pub(in crate::app) fn warning(&mut self, text: impl Into<String>) {
        self.add(Kind::Warning, text.into(), 8, None);
    }

    pub(in crate::app) fn error(&mut self, text: impl Into<String>) {
        self.add(Kind::Error, text.into(), 15, None);
    }

    /// An error about a file: its name says which it is, and its whole path is told where one asks.
    pub(in crate::app) fn error_about(&mut self, path: &Path, whole: String) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let text = name.map_or_else(|| whole.clone(), |name| whole.replace(&path.display().to_string(), &name));
        self.error(text);
        if let Some(toast) = self.toasts.last_mut() {
            toast.whole = Some(whole);
        }
    }

    fn add(&mut self, kind: Kind, text: String, seconds: u64, offer: Option<(String, O)>) {
        match kind {
            Kind::Info => log::info!("{text}"),
            Kind::Warning => log::warn!("{text}"),
            Kind::Error => log::error!("{text}"),
        }
        self.toasts.retain(|t| t.text != text);
        let until = Instant::now() + self.least.max(Duration::from_secs(seconds));
        self.toasts.push(Toast { kind, text, whole: None, until, new: true, offer });
        let surplus = self.toasts.len().saturating_sub(MOST);
        self.toasts.drain(..surplus);
    }

    /// Closes the newest; false where there is none.
    pub(in crate::app) fn close_newest(&mut self) -> bool {
        self.toasts.pop().is_some()
    }

    /// Closes those with an offer that is not wanted any more.
    pub(in crate::app) fn withdraw(&mut self, is_done: impl Fn(&O) -> bool) {
        self.toasts.retain(|toast| !toast.offer.as_ref().is_some_and(|(_, offer)| is_done(offer)));
    }

    /// True where one has not been drawn yet.
    pub(in crate::app) fn are_new(&self) -> bool {
        self.toasts.iter().any(|toast| toast.new)
    }

    /// Draws them above everything, the newest lowest, at this corner and no wider than this; returns the offer that was taken up.
    pub(in crate::app) fn show(&mut self, ctx: &egui::Context, corner: egui::Pos2, width: f32) -> Option<O> {
        let now = Instant::now();
        self.toasts.retain(|t| t.until > now);
        let next = self.toasts.iter().map(|t| t.until).min()?;
        ctx.request_repaint_after(next - now);
        let t = theme::tokens(ctx);
        let (mut dismissed, mut taken) = (None, false);
        Area::new(area()).order(Order::Foreground).fixed_pos(corner).pivot(Align2::LEFT_BOTTOM).fade_in(false).show(
            ctx,
            |ui| {
                for (i, toast) in self.toasts.iter_mut().enumerate() {
                    toast.new = false;
                    let (icon, colour) = match toast.kind {
                        Kind::Info => (icons::ICON_INFO, t.accent),
                        Kind::Warning => (icons::ICON_WARNING, t.warning),
                        Kind::Error => (icons::ICON_ERROR, t.error),
                    };
                    Frame::new()
                        .fill(t.panel)
                        .stroke(Stroke::new(1.0, t.line))
                        .corner_radius(theme::ROUND)
                        .inner_margin(Margin::symmetric(12, 8))
                        .shadow(theme::canvas_shadow())
                        .show(ui, |ui| {
                            ui.set_max_width((width - 26.0).clamp(80.0, WIDTH));
                            ui.horizontal(|ui| {
                                ui.label(icon.rich_text().size(16.0).color(colour));
                                // Its buttons stand beside it, however narrow the canvas is.
                                let buttons = toast.offer.as_ref().map_or(0.0, |(name, _)| button_width(ui, name));
                                let room = ui.available_width() - buttons - CLOSE - ui.spacing().item_spacing.x;
                                let font = egui::FontId::proportional(theme::TEXT);
                                let text = toast.text.clone();
                                let text = ui.painter().layout(text, font, t.text_strong, room.max(80.0));
                                let text = ui.add(egui::Label::new(text));
                                if let Some(whole) = &toast.whole {
                                    text.on_hover_text(whole);
                                }
                                if let Some((name, _)) = &toast.offer
                                    && ui.button(RichText::new(name).color(t.accent)).clicked()
                                {
                                    (dismissed, taken) = (Some(i), true);
                                }
                                let close = egui::Button::new(icons::ICON_CLOSE.rich_text().size(14.0))
                                    .frame(false)
                                    .min_size(vec2(CLOSE, CLOSE));
                                if ui.add(close).accessible_name(tr("Dismiss message")).clicked() {
                                    dismissed = Some(i);
                                }
                            });
                        });
                }
            },
        );
        let offer = dismissed.map(|i| self.toasts.remove(i)).and_then(|toast| toast.offer);
        offer.filter(|_| taken).map(|(_, offer)| offer)
    }
}
