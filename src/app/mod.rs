//! The window: canvas, region cards, settings, takes. It draws and asks; the worker and the document do.
//!
//! One frame (`shell`) takes in what other threads have finished, and then goes through keys, panels and canvas. Everything a person can
//! ask for is a [`Command`]; panels only send commands or change the document through [`Editor`], which remembers how
//! to take them back.

mod canvas;
mod command;
mod dialogs;
mod editor;
mod generation;
mod kit;
mod panels;
mod prefs;
mod session;
mod shell;
mod text;
mod tools;

pub use command::{Command, KeySet, Keys};
pub use editor::{Damage, Editor, Field, Selected};
pub use generation::engine::Engine;
pub use session::examples::Example;
pub use session::system_dialogs::FileDialogs;
pub use shell::bench::bench;
pub use text::i18n::Language;
pub use tools::{BrushSettings, FillOver, PressureCurve, Tool, ToolSettings};

use crate::document::Rgb;
use anyhow::Context as _;
use canvas::{Canvas, Workspace};
pub use canvas::{CanvasLook, Compare, PenEnd, PenTold, Pens, RegionLook, View, ViewMode};
use std::path::PathBuf;

/// The options with which the studio is opened.
#[derive(Default)]
pub struct Options {
    /// The project to open; the example without one.
    pub project: Option<PathBuf>,
    /// The engine that makes the pictures; the studio's own worker without one.
    pub engine: Option<Box<dyn Engine>>,
    /// What pens tell beside the window's events; the system's own unless said otherwise.
    pub pens: Option<Box<dyn Pens>>,
    /// The file dialogs to use.
    pub file_dialogs: FileDialogs,
    /// The language of the window, whatever was chosen before.
    pub language: Option<Language>,
    /// The folder of unsaved work, for the start after a crash, and of the list of added models; nothing is kept without.
    pub data: Option<PathBuf>,
    /// The interval between copies of unsaved changes; a minute unless said otherwise.
    pub autosave_every: Option<std::time::Duration>,
    /// The least time that a message stays on show: tests read them however busy the machine is.
    pub messages_stay: Option<std::time::Duration>,
    /// The server that models are fetched from; that of `HF_ENDPOINT` or Hugging Face's own unless said otherwise.
    pub hub: Option<String>,
}

/// The denoising strength in a generation frame at first: details come anew, shapes stay.
const FRAME_STRENGTH: f64 = 0.6;

/// The studio.
pub struct App {
    open: shell::open_document::OpenDocument,
    generation: generation::queue::Generation,
    workspace: Workspace,
    panels: panels::Panels,
    prefs: prefs::Prefs,
    /// The dialogs that are open, the uppermost last.
    questions: Vec<Box<dyn shell::questions::Question>>,
    paths: shell::paths::Paths,
    /// Files that are being read or written.
    tasks: kit::tasks::Tasks<App>,
    toasts: kit::toasts::Toasts<editor::Offer>,
    cards_here: shell::drawn_on::Cards,
    presses: shell::presses::Presses,
    escape: shell::escape::Escape,
    tour: shell::tour::Tour,
    recovery: session::recovery::Recovery,
    shelf: session::recent::Shelf,
    /// Checkpoints and LoRAs that this person has added.
    added: session::models::Added,
    /// The model that is being fetched.
    fetching: Option<session::fetching::Fetching>,
    hub: Option<String>,
    /// The title the window has been given.
    window_title: String,
    /// The window closes without asking again.
    closing: bool,
}

impl App {
    /// The studio in a window that eframe has made, or in a test's.
    #[must_use]
    pub fn new(cc: &eframe::CreationContext<'_>, options: Options) -> Self {
        let ctx = &cc.egui_ctx;
        kit::theme::install(ctx);
        ctx.add_plugin(kit::tooltips::Tooltips::default());
        // Ctrl and +, -, 0 zoom the canvas, not the letters; and nothing closes the window without asking.
        ctx.options_mut(|o| {
            o.zoom_with_keyboard = false;
            o.quit_shortcuts.clear();
        });
        let mut prefs = prefs::Prefs::load(cc.storage);
        if let Some(language) = options.language {
            prefs.language = language;
        }
        text::i18n::speak(prefs.language);
        prefs.take_keys();
        ctx.set_theme(prefs.theme);
        let wake = ctx.clone();
        let devices = crate::studio::Devices::remembered_in(options.data.clone());
        let worker_devices = devices.clone();
        let engine = options.engine.unwrap_or_else(|| {
            Box::new(crate::studio::Studio::start_on(worker_devices, move || wake.request_repaint()))
        });
        let pens = options.pens.or_else(|| canvas::pen::of_system(cc));
        let mut app = Self {
            open: shell::open_document::OpenDocument::new(
                ctx,
                Editor::new(Example::first().document(), &Example::first().name()),
            ),
            generation: generation::queue::Generation::new(engine),
            workspace: Workspace {
                canvas: Canvas::new(ctx, cc.wgpu_render_state.as_ref(), pens),
                tool: Tool::Brush,
                borrowed: None,
                turned: None,
                view_mode: ViewMode::Both,
                look_before: None,
                finished_at: None,
                frame_strength: FRAME_STRENGTH,
            },
            panels: panels::Panels::default(),
            prefs,
            questions: Vec::new(),
            paths: shell::paths::Paths::new(options.file_dialogs),
            tasks: kit::tasks::Tasks::new(ctx),
            toasts: kit::toasts::Toasts::staying(options.messages_stay),
            cards_here: shell::drawn_on::Cards::new(devices),
            presses: shell::presses::Presses::default(),
            escape: shell::escape::Escape::default(),
            tour: shell::tour::Tour::default(),
            recovery: session::recovery::Recovery::new(options.data.as_deref(), options.autosave_every),
            shelf: session::recent::Shelf::default(),
            added: session::models::Added::of(options.data),
            fetching: None,
            hub: options.hub,
            window_title: String::new(),
            closing: false,
        };
        app.open.example = Some(Example::first());
        if cc.storage.is_some_and(prefs::Prefs::is_first_run) {
            app.tour.begin();
        }
        app.set_size(ctx, app.prefs.size);
        if let prefs::DrawnOn::Card(_) = app.prefs.drawn_on {
            app.cards_here.ask(ctx);
        }
        app.look_at_shelf();
        app.ask_about_lost();
        if let Some(path) = options.project {
            // Its folder is where its pictures go, and the list of recent ones outlives the working folder.
            app.open_path(std::path::absolute(&path).unwrap_or(path));
        }
        app
    }

    /// The open document and what is selected in it.
    #[must_use]
    pub fn editor(&self) -> &Editor {
        &self.open.editor
    }

    /// Takes a colour in hand, to paint with.
    pub fn take_colour(&mut self, colour: Rgb) {
        self.open.editor.take_colour(colour);
    }

    /// The tool in hand.
    #[must_use]
    pub fn tool(&self) -> Tool {
        self.workspace.tool
    }

    /// The settings of the brush in hand.
    #[must_use]
    pub fn brush(&self) -> BrushSettings {
        self.prefs.brush_of(self.workspace.tool)
    }

    /// What a pen's pressure goes through.
    #[must_use]
    pub fn pressure(&self) -> PressureCurve {
        self.prefs.pressure
    }

    /// The settings of the other tools.
    #[must_use]
    pub fn tool_settings(&self) -> ToolSettings {
        self.prefs.tools
    }

    /// The content of the canvas.
    #[must_use]
    pub fn view_mode(&self) -> ViewMode {
        self.workspace.view_mode
    }

    /// The drawing of regions and picture on the canvas.
    #[must_use]
    pub fn canvas_look(&self) -> CanvasLook {
        self.prefs.canvas
    }

    /// True where the picture that is to be shown lies on the canvas.
    #[must_use]
    pub fn is_picture_ready(&self) -> bool {
        self.workspace.canvas.is_picture_ready()
    }

    /// The transform from canvas to screen.
    #[must_use]
    pub fn view(&self) -> View {
        self.workspace.canvas.view
    }

    /// True while a picture is being made.
    #[must_use]
    pub fn is_generating(&self) -> bool {
        !self.generation.jobs.is_empty()
    }

    /// The number of this session's pictures in the strip.
    #[must_use]
    pub fn takes(&self) -> usize {
        self.open.takes.len()
    }

    /// A pixel of the picture that is seen on the canvas, below the regions.
    #[must_use]
    pub fn seen_pixel(&self, x: u32, y: u32) -> Option<[u8; 3]> {
        let shown = self.picture_shown()?;
        let image: &image::RgbImage = shown.as_ref();
        image.get_pixel_checked(x, y).map(|pixel| pixel.0)
    }

    /// The number of previews of the running job that have arrived.
    #[must_use]
    pub fn previews(&self) -> u32 {
        self.generation.jobs.first().map_or(0, |j| j.previews)
    }

    /// The seeds of the job that runs and of those that wait, in their order.
    #[must_use]
    pub fn queue(&self) -> Vec<u64> {
        self.generation.jobs.iter().map(generation::job::Running::seed).collect()
    }

    /// The size of the live picture on show.
    #[must_use]
    pub fn live_picture(&self) -> Option<(u32, u32)> {
        self.generation.live.picture().map(|picture| picture.dimensions())
    }

    /// The number of warnings of the live picture.
    #[must_use]
    pub fn live_warnings(&self) -> usize {
        self.generation.live.warnings().len()
    }

    /// True while a file is being read or written, or a file dialog of the system is open.
    #[must_use]
    pub fn is_busy_with_files(&self) -> bool {
        self.tasks.is_busy()
    }

    /// The screen position, in points, of a canvas position (in canvas pixels).
    #[must_use]
    pub fn canvas_to_screen(&self, x: f32, y: f32) -> egui::Pos2 {
        self.workspace.canvas.to_screen(egui::pos2(x, y))
    }

    /// The canvas position (in canvas pixels) under a position of the screen.
    #[must_use]
    pub fn screen_to_canvas(&self, at: egui::Pos2) -> egui::Pos2 {
        self.workspace.canvas.to_canvas(at)
    }
}

/// The folder of a person's own data: preferences, unsaved work, the list of added models, compiled kernels of graphics cards.
#[must_use]
pub fn data_folder() -> Option<PathBuf> {
    eframe::storage_dir("polyptych")
}

/// Opens the studio's window, with this project or else the example, and returns when it is closed.
///
/// # Errors
/// If there is no display to open a window on, or no graphics.
pub fn run(project: Option<PathBuf>) -> anyhow::Result<()> {
    if cfg!(all(unix, not(target_os = "macos"))) {
        let set = |name| std::env::var_os(name).is_some_and(|v: std::ffi::OsString| !v.is_empty());
        anyhow::ensure!(
            set("DISPLAY") || set("WAYLAND_DISPLAY") || set("WAYLAND_SOCKET"),
            "there is no display to open the studio on (neither DISPLAY nor WAYLAND_DISPLAY is set); \
             on a machine without one use `polyptych render`"
        );
    }
    let native = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_app_id("polyptych")
            .with_title("Polyptych")
            .with_inner_size(shell::ui_scale::WINDOW)
            .with_min_inner_size([880.0, 560.0])
            .with_icon(egui::IconData::default())
            .with_drag_and_drop(true),
        ..Default::default()
    };
    let options = Options { project, data: data_folder(), ..Default::default() };
    eframe::run_native("polyptych", native, Box::new(|cc| Ok(Box::new(App::new(cc, options)))))
        .map_err(|error| anyhow::anyhow!("{error}"))
        .context("the studio's window could not be opened; `polyptych render` works without one")
}
