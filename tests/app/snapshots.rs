//! What each panel looks like, dark and light, against pictures in tests/snapshots.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test --test app snapshots` draws them anew. Without a graphics adapter they are skipped; the
//! canvas itself is drawn on the card and compared in canvas.rs.

use super::painter::{Painter, adapter};
use egui::accesskit::Role;
use egui::emath::GuiRounding as _;
use egui::{Id, Key, Modifiers, Rect, Vec2, pos2, vec2};
use egui_kittest::kittest::Queryable as _;
use egui_kittest::{SnapshotOptions, try_image_snapshot_options};
use image::RgbaImage;
use polyptych::app::Command;

/// The studio with the scene of two regions, as a test of pictures wants it.
struct Sitting {
    painter: Painter,
    theme: &'static str,
    failed: Vec<String>,
}

impl Sitting {
    fn new(theme: &'static str, command: Command) -> Self {
        let mut sitting = Self { painter: Painter::sits_down(), theme, failed: Vec::new() };
        sitting.calls(command);
        sitting
    }

    fn calls(&mut self, command: Command) {
        let ctx = self.painter.h.ctx.clone();
        self.painter.h.state_mut().perform(&ctx, command);
        self.painter.h.run_ok();
    }

    /// The window once nothing in it moves any more: thumbnails and checks come from other threads.
    fn window(&mut self) -> RgbaImage {
        self.painter.h.remove_cursor();
        self.painter.h.run_ok();
        let mut same = 0;
        for _ in 0..500 {
            let last = self.painter.h.output().shapes.clone();
            std::thread::sleep(std::time::Duration::from_millis(10));
            self.painter.h.step();
            let output = self.painter.h.output();
            same = if output.shapes == last && output.textures_delta.is_empty() { same + 1 } else { 0 };
            if same == 8 {
                break;
            }
        }
        self.painter.h.render().expect("drawn")
    }

    /// Compares a part of the window.
    fn looks(&mut self, name: &str, part: Rect) {
        let window = self.window();
        let whole = Rect::from_min_size(egui::Pos2::ZERO, vec2(window.width() as f32, window.height() as f32));
        let part = part.round_to_pixels(1.0).intersect(whole);
        let (x, y, width, height) = (part.left() as u32, part.top() as u32, part.width() as u32, part.height() as u32);
        let picture = image::imageops::crop_imm(&window, x, y, width, height).to_image();
        // Another version of the driver blends by one more or less and may move a glyph's edge; a word, a line or a colour
        // that changes is more.
        let options = SnapshotOptions::new().threshold(1.5).max_failed_pixels(4);
        if let Err(error) = try_image_snapshot_options(&picture, format!("{name}-{}", self.theme), &options) {
            self.failed.push(error.to_string());
        }
    }

    /// Compares the dialog of this title, and closes it.
    fn dialog(&mut self, command: Command, title: &str, name: &str) {
        self.calls(command);
        let area = self.painter.h.ctx.memory(|memory| memory.area_rect(Id::unique(("dialog", title))));
        self.looks(name, area.unwrap_or_else(|| panic!("{title} is not open")));
        self.painter.presses(Modifiers::NONE, Key::Escape);
        assert!(self.painter.h.query_all_by_label(title).next().is_none(), "{title} is closed");
    }

    fn canvas(&self) -> Rect {
        self.painter.h.get_by_label("Canvas").rect()
    }

    /// What there is at the right of the canvas.
    fn right(&self) -> Rect {
        let canvas = self.canvas();
        Rect::from_min_max(canvas.right_top(), pos2(f32::INFINITY, self.status_top()))
    }

    fn status_top(&self) -> f32 {
        900.0 - 28.0
    }

    /// Fails with everything that looks different.
    fn ends(self) {
        assert!(self.failed.is_empty(), "{}", self.failed.join("\n"));
    }
}

fn in_both_themes(look: impl Fn(&mut Sitting)) {
    if !adapter() {
        return;
    }
    for (theme, command) in [("dark", Command::ThemeDark), ("light", Command::ThemeLight)] {
        let mut sitting = Sitting::new(theme, command);
        look(&mut sitting);
        sitting.ends();
    }
}

#[test]
fn regions_and_settings() {
    in_both_themes(|s| {
        s.looks("regions", s.right());
        s.painter.clicks("More");
        s.painter.clicks("Advanced");
        s.looks("unfolded", s.right());
    });
}

#[test]
fn tools_and_their_options() {
    in_both_themes(|s| {
        let canvas = s.canvas();
        s.looks("tools", Rect::from_min_max(pos2(0.0, canvas.top()), canvas.left_top() + vec2(0.0, 460.0)));
        let bar = Rect::from_min_size(canvas.min, vec2(canvas.width(), 48.0));
        s.looks("options-brush", bar);
        s.calls(Command::ToolFill);
        s.looks("options-fill", bar);
        s.calls(Command::ToolBrush);
        let views = Rect::from_min_max(canvas.max - vec2(480.0, 56.0), canvas.max);
        s.looks("views", views);
    });
}

#[test]
fn menus() {
    in_both_themes(|s| {
        let bar = Rect::from_min_max(egui::Pos2::ZERO, pos2(f32::INFINITY, s.canvas().top()));
        s.looks("menu-bar", bar);
        for (menu, last, name) in
            [("File", "Quit", "menu-file"), ("Takes", "Bring back what was removed", "menu-takes")]
        {
            s.painter.clicks(menu);
            let head = s.painter.h.get_by_role_and_label(Role::Button, menu).rect();
            let foot = s.painter.h.get_by_label_contains(last).rect();
            s.looks(name, Rect::from_min_max(head.left_bottom() + vec2(0.0, 8.0), foot.max).expand2(Vec2::splat(3.0)));
            s.painter.presses(Modifiers::NONE, Key::Escape);
        }
    });
}

#[test]
fn takes() {
    in_both_themes(|s| {
        for _ in 0..2 {
            let before = s.painter.app().takes();
            s.calls(Command::NewSeed);
            s.painter.h.get_by_role_and_label(Role::SpinButton, "Seed").click();
            s.painter.h.run_ok();
            s.painter.presses(Modifiers::COMMAND, Key::A);
            s.painter.types(&(before + 41).to_string());
            s.painter.presses(Modifiers::NONE, Key::Enter);
            s.painter.presses(Modifiers::COMMAND, Key::Enter);
            s.painter.waits_for("the picture", |a| a.takes() > before && !a.is_generating());
        }
        let canvas = s.canvas();
        s.looks("takes", Rect::from_min_max(pos2(0.0, canvas.bottom()), pos2(canvas.right(), s.status_top())));
        s.looks("status", Rect::from_min_max(pos2(0.0, s.status_top()), pos2(f32::INFINITY, 900.0)));
    });
}

#[test]
fn the_board() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("album.ora");
    super::board::album(&path, (768, 512), 7);
    in_both_themes(|s| {
        s.painter.h.set_size(vec2(1024.0, 640.0));
        s.painter.chooses_file(Command::Open, &path, "Open");
        s.painter.waits_for("the strip", |a| a.takes() == 7);
        s.calls(Command::TakeBoard);
        // (They are read one after the other, the oldest last.)
        s.painter.waits_to_see("Take, seed 1");
        s.painter.presses(Modifiers::NONE, Key::Num3);
        s.painter.presses(Modifiers::SHIFT, Key::ArrowRight);
        s.looks("board", Rect::EVERYTHING);
    });
}

#[test]
fn dialogs() {
    in_both_themes(|s| {
        s.dialog(Command::Palette, "Find a command", "palette");
        s.dialog(Command::Shortcuts, "Keyboard shortcuts", "shortcuts");
        s.dialog(Command::Examples, "Examples", "examples");
        s.dialog(Command::New, "New canvas", "new-canvas");
        s.dialog(Command::GrowRegion, "Grow region", "grow");
    });
}

#[test]
fn a_colour_map() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = super::colour_map::landscape(folder.path());
    in_both_themes(|s| {
        let dialog = |s: &Sitting, title: &str| {
            let area = s.painter.h.ctx.memory(|memory| memory.area_rect(Id::unique(("dialog", title))));
            area.unwrap_or_else(|| panic!("{title} is not open"))
        };
        s.painter.drops(&path);
        s.looks("place", dialog(s, "What is this picture for?"));
        s.painter.clicks("Regions by colour");
        s.painter.clicks("Use #e6c88c");
        s.looks("colour-map", dialog(s, "Import colour map"));
    });
}

#[test]
fn saving_over_a_painting_of_another_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = super::brought::painting(folder.path());
    in_both_themes(|s| {
        s.painter.chooses_file(Command::Open, &path, "Open");
        s.dialog(Command::Save, "Save over this file?", "save-over");
    });
}

#[test]
fn the_tour() {
    in_both_themes(|s| {
        s.calls(Command::Tour);
        let note = s.painter.h.get_by_role_and_label(Role::Dialog, "Tour").rect();
        s.looks("tour", note);
    });
}
