//! Short messages in a corner: one line each, read aloud by screen readers, gone after a while.

use crate::app::kit::theme;
use crate::app::text::i18n::tr;
use egui::{Align2, Area, Frame, Id, Margin, Order, RichText, Stroke, vec2};
use egui_material_icons::icons;
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Info,
    Warning,
    Error,
}

struct Toast {
    kind: Kind,
    text: String,
    until: Instant,
}

/// The messages on show.
#[derive(Default)]
pub(in crate::app) struct Toasts {
    toasts: Vec<Toast>,
    /// The least time that each stays.
    least: Duration,
}

/// No more than this many at a time.
const MOST: usize = 4;

impl Toasts {
    /// No messages yet; each will stay at least so long.
    pub(in crate::app) fn staying(least: Option<Duration>) -> Self {
        Self { toasts: Vec::new(), least: least.unwrap_or_default() }
    }

    pub(in crate::app) fn info(&mut self, text: impl Into<String>) {
        self.add(Kind::Info, text.into(), 4);
    }

    pub(in crate::app) fn warning(&mut self, text: impl Into<String>) {
        self.add(Kind::Warning, text.into(), 8);
    }

    pub(in crate::app) fn error(&mut self, text: impl Into<String>) {
        self.add(Kind::Error, text.into(), 15);
    }

    fn add(&mut self, kind: Kind, text: String, seconds: u64) {
        match kind {
            Kind::Info => log::info!("{text}"),
            Kind::Warning => log::warn!("{text}"),
            Kind::Error => log::error!("{text}"),
        }
        self.toasts.retain(|t| t.text != text);
        let until = Instant::now() + self.least.max(Duration::from_secs(seconds));
        self.toasts.push(Toast { kind, text, until });
        let surplus = self.toasts.len().saturating_sub(MOST);
        self.toasts.drain(..surplus);
    }

    /// Draws them above everything, the newest lowest, at this corner.
    pub(in crate::app) fn show(&mut self, ctx: &egui::Context, corner: egui::Pos2) {
        let now = Instant::now();
        self.toasts.retain(|t| t.until > now);
        let Some(next) = self.toasts.iter().map(|t| t.until).min() else { return };
        ctx.request_repaint_after(next - now);
        let t = theme::tokens(ctx);
        let mut dismissed = None;
        Area::new(Id::unique("toasts"))
            .order(Order::Foreground)
            .fixed_pos(corner)
            .pivot(Align2::LEFT_BOTTOM)
            .fade_in(false)
            .show(ctx, |ui| {
                for (i, toast) in self.toasts.iter().enumerate() {
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
                            ui.set_max_width(560.0);
                            ui.horizontal(|ui| {
                                ui.label(icon.rich_text().size(16.0).color(colour));
                                ui.add(egui::Label::new(RichText::new(&toast.text).color(t.text_strong)).wrap());
                                let close = egui::Button::new(icons::ICON_CLOSE.rich_text().size(14.0))
                                    .frame(false)
                                    .min_size(vec2(16.0, 16.0));
                                if ui.add(close).accessible_name(tr("Dismiss message")).clicked() {
                                    dismissed = Some(i);
                                }
                            });
                        });
                }
            });
        if let Some(i) = dismissed {
            self.toasts.remove(i);
        }
    }
}
