//! The function that carries out each command.

use crate::app::App;
use crate::app::canvas::{Compare, RegionLook, ViewMode};
use crate::app::command::{ChangedKeys, Command, KeySet};
use crate::app::dialogs::palette::Palette;
use crate::app::dialogs::plain::{About, Reset};
use crate::app::dialogs::preferences::{Preference, Preferences};
use crate::app::dialogs::reshape::Reshape;
use crate::app::dialogs::shortcuts::{KeyChange, Shortcuts};
use crate::app::editor::{Field, Selected};
use crate::app::generation::checks::Checks;
use crate::app::generation::seed::new_seed;
use crate::app::generation::takes::Wish as TakeWish;
use crate::app::session::examples;
use crate::app::session::import::Wanted;
use crate::app::session::purpose::Purpose;
use crate::app::shell::leaving::Leave;
use crate::app::text::i18n::{self, Language, fill, key, tr};
use crate::app::tools::{FillOver, Tool};
use crate::document::Area;
use crate::paint::{Combine, Turn};
use egui::{ThemePreference, vec2};

/// Degrees that a key turns the view.
const TURN: f32 = 15.0;
/// The part of the window that a key moves the view.
const PAN: f32 = 0.2;

impl App {
    /// Carries out a command, or tells why it cannot be done.
    #[expect(clippy::too_many_lines, reason = "one arm for each command")]
    pub fn perform(&mut self, ctx: &egui::Context, command: Command) {
        if !self.is_enabled(command) {
            self.refuse(command);
            return;
        }
        match command {
            Command::New => self.ask_new_canvas(),
            // (Who chooses no file is not asked what becomes of the open one.)
            Command::Open => self.ask_path(Purpose::Open, |app, ctx, path| app.leave(ctx, Leave::OpenPath(path))),
            Command::Examples => self.ask_examples(ctx),
            Command::Save => self.save(None),
            Command::SaveAs => self.save_as(None),
            Command::Export => self.ask_export(None),
            Command::ExportMask => self.ask_export_mask(),
            Command::ExportRegions => self.ask_export_regions(),
            Command::ImportRegions => self.ask_regions(),
            Command::ImportMap => self.ask_map(),
            Command::PlacePicture => self.ask_file(Purpose::Place, Wanted::Place),
            Command::ImportMask => self.ask_mask(),
            Command::Recent => self.ask_recent(),
            Command::Recover => self.ask_about_lost(),
            Command::CopyPicture => self.copy_picture(ctx),
            Command::PastePicture => ctx.send_viewport_cmd(egui::ViewportCommand::RequestPaste),
            Command::TogglePanels => self.prefs.panels_away = !self.prefs.panels_away,
            Command::InterfaceLarger => self.step_size(ctx, true),
            Command::InterfaceSmaller => self.step_size(ctx, false),
            Command::ResetStudio => self.ask(Reset, |app, ctx, ()| app.reset(ctx)),
            Command::Quit => self.leave(ctx, Leave::Quit),
            Command::Undo => self.open.editor.undo(),
            Command::Redo => self.open.editor.redo(),
            Command::AddRegion => {
                self.open.editor.add_region();
                self.panels.cards.write_words();
            }
            Command::DuplicateRegion => {
                for (of, copy) in self.open.editor.duplicate_regions() {
                    self.open.thumbnails.copy(Selected::Region(of), Selected::Region(copy));
                }
                self.panels.cards.reveal();
            }
            Command::RenameRegion => {
                if let Some(region) = self.open.editor.selected_region() {
                    self.panels.cards.rename(region);
                }
            }
            Command::EditWords => self.panels.cards.write_words(),
            Command::ToggleRegion => self.open.editor.toggle_regions(),
            Command::SoloRegion => self.open.editor.solo_regions(),
            Command::LockRegion => self.open.editor.lock_regions(),
            Command::RaiseRegion => self.open.editor.shift_region(1),
            Command::LowerRegion => self.open.editor.shift_region(-1),
            Command::SelectAbove => {
                self.open.editor.select_neighbour(1);
                self.panels.cards.reveal();
            }
            Command::SelectBelow => {
                self.open.editor.select_neighbour(-1);
                self.panels.cards.reveal();
            }
            Command::SelectAll => self.open.editor.select_all(),
            Command::GroupRegions => self.open.editor.group_regions(),
            Command::UngroupRegions => self.open.editor.ungroup_regions(),
            Command::FillRegion => self.open.editor.fill_mask(key("Fill region")),
            Command::ClearRegion => self.open.editor.map_mask(key("Clear region"), |_| 0),
            Command::InvertRegion => self.open.editor.map_mask(key("Invert region"), |v| 255 - v),
            Command::TurnRegionLeft => self.open.editor.turn_selected(Turn::Left),
            Command::TurnRegionRight => self.open.editor.turn_selected(Turn::Right),
            Command::FlipRegionX => self.open.editor.turn_selected(Turn::FlipX),
            Command::FlipRegionY => self.open.editor.turn_selected(Turn::FlipY),
            Command::FillFree => self.open.editor.fill_free(),
            Command::KeepSeen => self.open.editor.keep_seen(),
            Command::GrowRegion => self.ask_reshape(Reshape::Grow),
            Command::ShrinkRegion => self.ask_reshape(Reshape::Shrink),
            Command::SoftenRegion => self.ask_reshape(Reshape::Soften),
            Command::DeleteRegion => self.open.editor.delete_regions(),
            Command::Generate => self.generate(false),
            Command::GenerateNext => self.generate(true),
            Command::Cancel if self.workspace.canvas.is_painting() => self.abort_gesture(),
            Command::Cancel if self.is_working() => self.leave_works(),
            Command::Cancel if self.open.compare.is_some() => self.open.compare = None,
            Command::Cancel => self.generation.cancel(),
            Command::CancelAll => self.generation.cancel_all(),
            Command::Live => self.generation.toggle_live(),
            Command::KeepLive => {
                if let Some(kept) = self.generation.live.keep() {
                    self.add_take(kept);
                }
            }
            Command::PaintChange => self.paint_change(),
            Command::Refine => self.refine_change(),
            Command::RefinePicture => self.refine_picture(),
            Command::PaintColours => self.paint_colours(),
            Command::RemovePaint => self.open.editor.remove_paint(),
            Command::NewerTake => self.step_take(-1),
            Command::OlderTake => self.step_take(1),
            Command::CompareTakes => self.compare_takes(),
            Command::PeekTake => self.peek(),
            Command::TakeBoard => self.show_board(self.shown_take(), false),
            Command::StarTake => self.with_shown_take(TakeWish::Star),
            Command::NameTake => self.with_shown_take(TakeWish::Name),
            Command::RestoreTake => self.with_shown_take(TakeWish::Restore),
            Command::StartFromTake => self.with_shown_take(TakeWish::Start),
            Command::ExportTake => self.with_shown_take(TakeWish::Export),
            Command::RemoveTake => self.with_shown_take(TakeWish::Remove),
            Command::BringBackTake => self.bring_back_take(),
            Command::FrameRegion => self.open.editor.frame_region(),
            Command::FrameOff => self.open.editor.set_frame(None),
            Command::NewSeed => self.new_seed(),
            Command::RerollRegion => self.reroll_region(),
            Command::Models => {
                self.added.look_again();
                self.show_models();
            }
            Command::AddModels => self.ask_models(),
            Command::AddLora => self.ask_file(Purpose::Lora, Wanted::Lora(None)),
            Command::AddOwnLora => self.ask_file(Purpose::Lora, Wanted::Lora(Some(self.open.editor.selected()))),
            Command::Enlarge => self.ask_enlarge(),
            Command::CanvasSize => self.ask_canvas_size(),
            Command::Settings => (self.prefs.settings, self.prefs.panels_away) = (Some(true), false),
            Command::ToolBrush => self.take_tool(Tool::Brush),
            Command::ToolEraser => self.take_tool(Tool::Eraser),
            Command::ToolSmudge => self.take_tool(Tool::Smudge),
            Command::ToolLasso => self.take_tool(Tool::Lasso),
            Command::ToolRectangle => self.take_tool(Tool::Rectangle),
            Command::ToolEllipse => self.take_tool(Tool::Ellipse),
            Command::ToolFill => self.take_tool(Tool::Fill),
            Command::ToolGradient => self.take_tool(Tool::Gradient),
            Command::ToolMove => self.take_tool(Tool::Move),
            Command::ToolFrame => self.take_tool(Tool::Frame),
            Command::ToolPick => self.take_tool(Tool::Pick),
            Command::CombineAdd => self.prefs.tools.combine = Combine::Add,
            Command::CombineSubtract => self.prefs.tools.combine = Combine::Subtract,
            Command::CombineReplace => self.prefs.tools.combine = Combine::Replace,
            Command::FillByRegions => self.prefs.tools.fill_over = FillOver::Regions,
            Command::FillByPicture => self.prefs.tools.fill_over = FillOver::Picture,
            Command::FillContiguous => self.prefs.tools.contiguous ^= true,
            Command::SymmetryX => self.prefs.tools.symmetry.x ^= true,
            Command::SymmetryY => self.prefs.tools.symmetry.y ^= true,
            Command::PressureSize => self.brush_mut().pressure_size ^= true,
            Command::PressureOpacity => self.brush_mut().pressure_opacity ^= true,
            Command::ToolHand => self.take_tool(Tool::Hand),
            Command::ToolZoom => self.take_tool(Tool::Zoom),
            Command::BrushSmaller => self.brush_mut().step_size(-1.0),
            Command::BrushLarger => self.brush_mut().step_size(1.0),
            Command::BrushFainter => self.brush_mut().step_opacity(-1.0),
            Command::BrushStronger => self.brush_mut().step_opacity(1.0),
            Command::BrushSofter => self.brush_mut().step_hardness(-1.0),
            Command::BrushHarder => self.brush_mut().step_hardness(1.0),
            Command::FocusCanvas => self.workspace.canvas.focus(ctx, self.open.editor.document()),
            Command::ZoomIn => self.workspace.canvas.zoom_by(1.25),
            Command::ZoomOut => self.workspace.canvas.zoom_by(0.8),
            Command::ZoomFit => self.workspace.canvas.view.fit(),
            Command::ZoomActual => self.workspace.canvas.zoom_to(ctx, 1.0),
            Command::ViewBoth => self.workspace.view_mode = ViewMode::Both,
            Command::ViewRegions => self.workspace.view_mode = ViewMode::Regions,
            Command::ViewPicture => self.workspace.view_mode = ViewMode::Picture,
            Command::ViewCompare => self.turn_comparing(),
            Command::CompareSides => self.compare_by(Compare::Sides),
            Command::CompareSlider => self.compare_by(Compare::Slider),
            Command::CompareBlink => self.compare_by(Compare::Blink),
            Command::LookTint => {
                self.prefs.canvas.regions = RegionLook::Tint;
                self.workspace.finished_at = None;
            }
            Command::LookOutline => self.prefs.canvas.regions = RegionLook::Outline,
            Command::LookHatch => self.prefs.canvas.regions = RegionLook::Hatch,
            Command::LookHidden => self.prefs.canvas.regions = RegionLook::Hidden,
            Command::HideLook => self.hide_or_show_regions(),
            Command::LatentMask => self.turn_latent_mask(),
            Command::Rulers => self.prefs.canvas.rulers ^= true,
            Command::Zoom200 => self.workspace.canvas.zoom_to(ctx, 2.0),
            Command::Zoom400 => self.workspace.canvas.zoom_to(ctx, 4.0),
            Command::RotateLeft => self.workspace.canvas.view.rotate(-TURN),
            Command::RotateRight => self.workspace.canvas.view.rotate(TURN),
            Command::Straighten => self.workspace.canvas.view.straighten(),
            Command::MirrorView => self.workspace.canvas.view.mirror(),
            Command::PanLeft => self.workspace.canvas.pan_by(vec2(PAN, 0.0)),
            Command::PanRight => self.workspace.canvas.pan_by(vec2(-PAN, 0.0)),
            Command::PanUp => self.workspace.canvas.pan_by(vec2(0.0, PAN)),
            Command::PanDown => self.workspace.canvas.pan_by(vec2(0.0, -PAN)),
            Command::ThemeSystem => self.set_theme(ctx, ThemePreference::System),
            Command::ThemeDark => self.set_theme(ctx, ThemePreference::Dark),
            Command::ThemeLight => self.set_theme(ctx, ThemePreference::Light),
            Command::LanguageSystem => self.set_language(Language::System),
            Command::KeysOwn => self.set_keys(KeySet::Own),
            Command::KeysKrita => self.set_keys(KeySet::Krita),
            Command::KeysPhotoshop => self.set_keys(KeySet::Photoshop),
            Command::LanguageEnglish => self.set_language(Language::English),
            Command::LanguageGerman => self.set_language(Language::German),
            Command::LanguageChinese => self.set_language(Language::Chinese),
            Command::Tour => self.tour.begin(),
            Command::Palette => self.ask(Palette::default(), |app, ctx, command| {
                // (Keys that do nothing tell so by themselves; a row that was chosen does not.)
                if app.is_enabled(command) {
                    app.perform(ctx, command);
                } else if !app.refuse(command) {
                    app.toasts.info(fill("“{0}” has nothing to do just now.", &[&command.label()]));
                }
            }),
            Command::Preferences => self.ask(Preferences, Self::prefer),
            Command::Shortcuts => self.ask(Shortcuts::default(), Self::change_keys),
            Command::About => self.tell(About),
        }
        ctx.request_repaint();
    }

    /// Draws the selected region once more, with another seed, over the same picture.
    fn reroll_region(&mut self) {
        let Some(region) = self.open.editor.selected_region() else { return };
        let may_change = match self.open.editor.document().init_image.as_ref().map(|start| &start.area) {
            Some(Area::Mask(mask)) => !region.mask.with(mask, u8::min).is_blank(),
            Some(Area::Everything | Area::Regions) | None => true,
        };
        if !may_change {
            return self.toasts.info(tr("Nothing of this region may change: paint there, or let everything change."));
        }
        let (id, last) =
            (region.id, region.reroll.or(region.seed).unwrap_or(self.open.editor.document().settings.seed));
        let seed = new_seed(last);
        self.open.editor.close_step();
        self.open.editor.change_field(Field::Reroll(id), |d| {
            if let Some(region) = d.region_mut(id) {
                region.reroll = Some(seed);
            }
        });
        self.open.editor.close_step();
        self.generate_again(id, seed);
    }

    pub(super) fn take_tool(&mut self, tool: Tool) {
        self.finish_gesture();
        // A lasso that waits for its next corner is let go.
        self.abort_gesture();
        self.workspace.tool = tool;
    }

    fn prefer(&mut self, ctx: &egui::Context, preference: Preference) {
        match preference {
            Preference::Run(command) => self.perform(ctx, command),
            Preference::Pressure(curve) => self.prefs.pressure = curve,
            Preference::Size(percent) => self.set_size(ctx, percent),
        }
    }

    fn set_keys(&mut self, keys: KeySet) {
        self.prefs.keys = keys;
        self.prefs.take_keys();
    }

    fn change_keys(&mut self, _: &egui::Context, change: KeyChange) {
        match change {
            KeyChange::Give(command, keys) => self.prefs.changed_keys.give(command, keys),
            KeyChange::PutBack(command) => self.prefs.changed_keys.put_back(command),
            KeyChange::PutAllBack => self.prefs.changed_keys = ChangedKeys::default(),
        }
        self.prefs.take_keys();
    }

    fn set_language(&mut self, language: Language) {
        self.prefs.language = language;
        i18n::speak(language);
        // What was said before is said again.
        self.open.checks = Checks::default();
        self.open.cost.forget();
        // What an example was given with follows, until it is somebody's own file.
        if let Some(example) = self.open.example.filter(|_| self.open.editor.path().is_none()) {
            self.open.editor.give_names(&example.name(), examples::named);
        }
    }

    fn set_theme(&mut self, ctx: &egui::Context, theme: ThemePreference) {
        self.prefs.theme = theme;
        ctx.set_theme(theme);
    }
}
