//! The bar of the view, at the canvas's lower right, and the commands of the view.

use crate::app::App;
use crate::app::canvas::{Compare, RegionLook, ViewMode};
use crate::app::command::Command;
use crate::app::kit::{theme, widgets};
use crate::app::shell::toolbar::floating;
use crate::app::text::i18n::tr;
use egui::{Align2, Button, Rect, RichText, Ui, vec2};
use egui_material_icons::{MaterialIcon, icons};

/// What the canvas shows, each with the icon where there is no room for words.
const MODES: [(Command, MaterialIcon); 4] = [
    (Command::ViewBoth, icons::ICON_LAYERS),
    (Command::ViewRegions, icons::ICON_CATEGORY),
    (Command::ViewPicture, icons::ICON_IMAGE),
    (Command::ViewCompare, icons::ICON_COMPARE),
];
/// Width of the bar without the words of [`MODES`], and with all that it may show.
const REST: f32 = 330.0;

const LOOKS: [Command; 4] = [Command::LookTint, Command::LookOutline, Command::LookHatch, Command::LookHidden];

const COMPARES: [Command; 3] = [Command::CompareSides, Command::CompareSlider, Command::CompareBlink];

impl App {
    /// Picture and regions beside each other; once more goes back.
    pub(in crate::app) fn turn_comparing(&mut self) {
        let comparing = self.workspace.view_mode == ViewMode::Compare;
        self.workspace.view_mode = if comparing { ViewMode::Both } else { ViewMode::Compare };
    }

    pub(in crate::app) fn compare_by(&mut self, compare: Compare) {
        self.prefs.canvas.compare = compare;
        self.workspace.view_mode = ViewMode::Compare;
    }

    pub(in crate::app) fn hide_or_show_regions(&mut self) {
        let look = &mut self.prefs.canvas;
        let hidden = look.regions == RegionLook::Hidden;
        let next = if hidden { self.workspace.look_before.take().unwrap_or_default() } else { RegionLook::Hidden };
        self.workspace.look_before = Some(look.regions).filter(|_| !hidden);
        look.regions = next;
    }

    /// Regions as the model sees them, or as they were painted.
    pub(in crate::app) fn turn_latent_mask(&mut self) {
        let look = &mut self.prefs.canvas;
        look.latent = !look.latent;
        if look.latent && self.workspace.view_mode == ViewMode::Picture {
            self.workspace.view_mode = ViewMode::Both;
        }
    }

    /// Floats at the lower right of the canvas.
    pub(in crate::app) fn view_bar_ui(&mut self, ui: &Ui, canvas: Rect) {
        let mut called = None;
        let words = MODES.map(|(command, _)| {
            widgets::text_width(ui, command.label()) + 2.0 * ui.spacing().button_padding.x + theme::HALF
        });
        let in_words = words.iter().sum::<f32>() + REST < canvas.width();
        let margin = if in_words { 12.0 } else { theme::HALF };
        floating(ui, "view bar", canvas.right_bottom() - vec2(margin, margin), Align2::RIGHT_BOTTOM, |ui| {
            ui.set_max_width((canvas.width() - 2.0 * margin - 16.0).max(80.0));
            let layout = egui::Layout::left_to_right(egui::Align::Center).with_main_wrap(!in_words);
            ui.with_layout(layout, |ui| {
                ui.spacing_mut().item_spacing = vec2(theme::HALF, theme::HALF);
                for (command, icon) in MODES {
                    let on = self.is_on(command);
                    let clicked =
                        if in_words { choice(ui, command, command.label(), on) } else { toggle(ui, icon, command, on) };
                    if clicked {
                        called = Some(command);
                    }
                }
                if self.workspace.view_mode == ViewMode::Compare {
                    for command in COMPARES {
                        if let Some(icon) = command.icon()
                            && toggle(ui, icon, command, self.is_on(command))
                        {
                            called = Some(command);
                        }
                    }
                }
                self.look_menu(ui, in_words, &mut called);
                self.turn_button(ui, &mut called);
                let t = theme::tokens(ui);
                let zoom = self.workspace.canvas.view.zoom() * ui.pixels_per_point() * 100.0;
                let text = RichText::new(format!("{zoom:.0} %")).color(t.text);
                let button = Button::new(text).frame_when_inactive(false).min_size(vec2(56.0, 0.0));
                let response = ui.add(button).accessible_name(tr("Zoom to fit"));
                if response.on_hover_text(Command::ZoomFit.tooltip(ui)).clicked() {
                    called = Some(Command::ZoomFit);
                }
            });
        });
        if let Some(command) = called {
            self.perform(ui, command);
        }
    }

    /// The menu of regions' look and opacity.
    fn look_menu(&mut self, ui: &mut Ui, in_words: bool, called: &mut Option<Command>) {
        let t = theme::tokens(ui);
        let now = LOOKS.into_iter().find(|look| self.is_on(*look)).unwrap_or(Command::LookTint);
        let name = if self.prefs.canvas.latent { tr("Model") } else { now.label() };
        let name = if in_words { name } else { icons::ICON_VISIBILITY.codepoint };
        let text = RichText::new(format!("{name} {}", icons::ICON_EXPAND_MORE.codepoint)).color(t.text);
        let button = Button::new(text).frame_when_inactive(false);
        let menu = egui::containers::menu::MenuButton::from_button(button).ui(ui, |ui| {
            ui.set_min_width(232.0);
            for command in LOOKS {
                let on = self.is_on(command);
                let entry = Button::new(command.label()).selected(on);
                if ui.add(entry).on_hover_text(command.hint()).clicked() {
                    *called = Some(command);
                }
            }
            ui.separator();
            for command in [Command::LatentMask, Command::Rulers] {
                let on = self.is_on(command);
                let entry = Button::new(command.label()).shortcut_text(command.keys_text(ui)).selected(on);
                if ui.add(entry).on_hover_text(command.hint()).clicked() {
                    *called = Some(command);
                }
            }
            ui.separator();
            let opacity = &mut self.prefs.canvas.opacity;
            let value = format!("{:.0} %", *opacity * 100.0);
            ui.horizontal(|ui| {
                ui.add_space(theme::GRID);
                let label = ui.label(RichText::new(tr("Strength")).color(t.text_weak));
                ui.add(widgets::slider(opacity, 0.05..=1.0)).labelled_by(label.id);
                ui.label(value);
            });
        });
        menu.0.accessible_name(tr("How regions are shown")).on_hover_text(tr("How regions are shown"));
    }

    /// The button that shows the view's angle and turns it back; only while it is turned.
    fn turn_button(&self, ui: &mut Ui, called: &mut Option<Command>) {
        let (degrees, mirrored) =
            (self.workspace.canvas.view.degrees().round(), self.workspace.canvas.view.is_mirrored());
        if degrees == 0.0 && !mirrored {
            return;
        }
        let t = theme::tokens(ui);
        let icon = Command::MirrorView.icon().filter(|_| mirrored).map(|i| i.codepoint).unwrap_or_default();
        let turn = if degrees == 0.0 { String::new() } else { format!("{degrees}°") };
        let text = RichText::new(format!("{icon} {turn}").trim().to_owned()).color(t.accent);
        let response = ui.add(Button::new(text).frame_when_inactive(false));
        let response = response.accessible_name(Command::Straighten.label());
        if response.on_hover_text(Command::Straighten.tooltip(ui)).clicked() {
            *called = Some(Command::Straighten);
        }
    }
}

/// One of several choices in words; true when it is clicked.
fn choice(ui: &mut Ui, command: Command, label: &str, on: bool) -> bool {
    let t = theme::tokens(ui);
    let text = RichText::new(label).color(if on { t.text_strong } else { t.text });
    let fill = if on { t.card_hover } else { t.panel };
    let button = Button::new(text).selected(on).frame_when_inactive(on).fill(fill);
    ui.add(button).on_hover_text(command.tooltip(ui)).clicked()
}

/// One of several choices as an icon; true when it is clicked.
fn toggle(ui: &mut Ui, icon: MaterialIcon, command: Command, on: bool) -> bool {
    let t = theme::tokens(ui);
    let icon = icon.rich_text().size(16.0).color(if on { t.accent } else { t.text });
    let button = Button::new(icon).selected(on).frame_when_inactive(false).min_size(vec2(24.0, 24.0));
    let response = ui.scope(|ui| {
        ui.spacing_mut().button_padding = vec2(theme::HALF, 2.0);
        ui.add(button)
    });
    response.inner.accessible_name(command.label()).on_hover_text(command.tooltip(ui)).clicked()
}
