//! Reading and writing files, and asking where, on threads of their own: a slow disk or a broken portal never holds up
//! the window.

use crate::app::editor::{Selected, State};
use crate::app::panels::controls::Place;
use crate::app::panels::picture::model::Listed;
use crate::app::session::import::{self, Found, Refused, Wanted};
use crate::app::session::recent::{self, Seen};
use crate::app::session::recovery::{self, Copy};
use crate::app::text::i18n::tr;
use crate::document::{
    ColourMap, Document, Export, FileError, InitImage, Mask, Opened, Output, Outputs, Palette, PictureFormat, RegionId,
    Take, open_picture,
};
use crate::studio::{Catalogue, CheckpointError, ControlFile, Entry};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// The file dialogs to use: the system's, or the studio's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileDialogs {
    /// The system's where it has any, else the studio's own.
    #[default]
    System,
    /// The studio's own.
    Own,
}

/// The purposes that a path is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum Purpose {
    Open,
    SaveAs,
    Export(PictureFormat),
    /// The selected region's mask.
    ExportMask,
    /// Regions without their masks.
    ExportRegions,
    ImportRegions,
    /// A flat-coloured picture in which each colour is a region.
    ImportMap,
    /// A picture to start from.
    Picture,
    /// A picture of which is asked then what it is for.
    Place,
    /// The selected region's new mask.
    Mask,
    /// A folder with a model in it.
    Model,
    /// A folder with many.
    Models,
    /// The folder that models are fetched into.
    FetchInto,
    /// A file that is a model.
    ModelFile,
    /// An autoencoder.
    Vae,
    /// A model that gives what another lacks.
    Fallback,
    /// A LoRA for the whole picture, or for one part of it.
    Lora(Option<Selected>),
    /// A ControlNet for the whole picture, or for one region.
    ControlNet(Option<RegionId>),
    /// The same in a folder of diffusers.
    ControlFolder(Option<RegionId>),
    /// What a ControlNet follows: a picture, or the edges in one.
    ControlPicture(Place, bool),
}

impl Purpose {
    pub(in crate::app) fn title(self) -> &'static str {
        match self {
            Self::Open => tr("Open"),
            Self::SaveAs => tr("Save as"),
            Self::Export(_) => tr("Export picture"),
            Self::ExportMask => tr("Export mask"),
            Self::ExportRegions => tr("Export regions"),
            Self::ImportRegions => tr("Import regions"),
            Self::ImportMap => tr("Import colour map"),
            Self::Picture => tr("Choose a picture to start from"),
            Self::Place => tr("Place picture"),
            Self::Mask => tr("Import mask"),
            Self::Model => tr("Choose a model folder"),
            Self::Models => tr("Add a folder of models"),
            Self::FetchInto => tr("Choose a folder"),
            Self::ModelFile | Self::Vae | Self::Fallback => tr("Choose a model file"),
            Self::Lora(_) => tr("Add a LoRA"),
            Self::ControlNet(_) | Self::ControlFolder(_) => tr("Add a ControlNet"),
            Self::ControlPicture(..) => tr("Choose a picture to follow"),
        }
    }

    /// The word on the button.
    pub(in crate::app) fn verb(self) -> &'static str {
        match self {
            Self::Open => tr("Open"),
            Self::SaveAs => tr("Save"),
            Self::Export(_) | Self::ExportMask | Self::ExportRegions => tr("Export"),
            Self::ImportRegions | Self::ImportMap | Self::Mask => tr("Import"),
            Self::Picture | Self::Place | Self::Model | Self::ModelFile | Self::Vae | Self::Fallback => tr("Choose"),
            Self::ControlPicture(..) | Self::FetchInto => tr("Choose"),
            Self::Lora(_) | Self::ControlNet(_) | Self::ControlFolder(_) | Self::Models => tr("Add"),
        }
    }

    /// The endings of the files it is about.
    pub(in crate::app) fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Open => &["ora", "png", "jpg", "jpeg", "webp"],
            Self::SaveAs => &["ora"],
            Self::Export(format) => format.endings(),
            Self::ExportMask => &["png"],
            Self::ExportRegions | Self::ImportRegions => &["json"],
            Self::Picture | Self::ImportMap | Self::Place | Self::Mask | Self::ControlPicture(..) => {
                &["png", "jpg", "jpeg", "webp"]
            }
            Self::Model | Self::Models | Self::FetchInto | Self::ControlFolder(_) => &[],
            Self::Lora(_) | Self::ModelFile | Self::Vae | Self::Fallback | Self::ControlNet(_) => &["safetensors"],
        }
    }

    /// True where a folder is asked for.
    pub(in crate::app) fn is_folder(self) -> bool {
        matches!(self, Self::Model | Self::Models | Self::FetchInto | Self::ControlFolder(_))
    }

    /// True where a file is to be written.
    pub(in crate::app) fn writes(self) -> bool {
        matches!(self, Self::SaveAs | Self::Export(_) | Self::ExportMask | Self::ExportRegions)
    }

    /// The path with the ending it needs.
    pub(in crate::app) fn with_ending(self, mut path: PathBuf) -> PathBuf {
        let ends = |e: &&str| path.extension().is_some_and(|x| x.eq_ignore_ascii_case(e));
        if self.writes()
            && !self.endings().iter().any(ends)
            && let Some(name) = path.file_name()
        {
            let name = format!("{}.{}", name.to_string_lossy(), self.endings()[0]);
            path.set_file_name(name);
        }
        path
    }
}

/// The results of threads.
pub(in crate::app) enum Done {
    Opened {
        path: PathBuf,
        result: Result<Box<Opened>, FileError>,
    },
    Picture {
        path: PathBuf,
        result: Result<image::RgbImage, FileError>,
    },
    /// A ControlNet was opened, for the whole picture or one region.
    ControlNet {
        path: PathBuf,
        region: Option<RegionId>,
        result: Result<(), Box<CheckpointError>>,
    },
    ControlPicture {
        path: PathBuf,
        place: Place,
        edges: bool,
        result: Result<image::RgbImage, FileError>,
    },
    ColourMap {
        path: PathBuf,
        result: Result<Box<ColourMap>, FileError>,
    },
    Saved {
        path: PathBuf,
        state: (u64, u64),
        result: Result<(), FileError>,
    },
    Exported {
        path: PathBuf,
        result: Result<(), FileError>,
    },
    /// A dropped or chosen file was looked at.
    Found {
        path: PathBuf,
        wanted: Wanted,
        result: Result<Found, Refused>,
    },
    Autosaved {
        state: State,
        files: Vec<PathBuf>,
        result: Result<(), FileError>,
    },
    Recovered {
        copy: PathBuf,
        result: Result<Box<Opened>, FileError>,
    },
    Palette {
        path: PathBuf,
        result: Result<Box<Palette>, FileError>,
    },
    Seen(Vec<Seen>),
    Listed(Listed),
    /// Models were added to the list or taken off it, or why not.
    ModelsAdded(Vec<Result<Entry, String>>),
    /// The system's dialog was answered; `None` is "cancel".
    Answered {
        purpose: Purpose,
        path: Option<PathBuf>,
    },
}

/// The file work that is going on.
pub(in crate::app) struct Files {
    dialogs: FileDialogs,
    system_dialogs: Option<bool>,
    sender: Sender<Done>,
    receiver: Receiver<Done>,
    running: usize,
    /// The system's dialog that is open.
    asking: Option<Purpose>,
    ctx: egui::Context,
}

impl Files {
    pub(in crate::app) fn new(ctx: &egui::Context, dialogs: FileDialogs) -> Self {
        let (sender, receiver) = channel();
        Self { dialogs, system_dialogs: None, sender, receiver, running: 0, asking: None, ctx: ctx.clone() }
    }

    pub(in crate::app) fn is_busy(&self) -> bool {
        self.running > 0
    }

    /// The system's dialog that is open.
    pub(in crate::app) fn asking(&self) -> Option<Purpose> {
        self.asking
    }

    /// No longer waits for the system's dialog.
    pub(in crate::app) fn stop_asking(&mut self) {
        self.asking = None;
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce() -> Done + Send + 'static) {
        let (sender, ctx) = (self.sender.clone(), self.ctx.clone());
        let started = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // The receiver is gone only when the window is.
            sender.send(work()).ok();
            ctx.request_repaint();
        });
        match started {
            Ok(_) => self.running += 1,
            Err(error) => log::error!("no thread to {name}: {error}"),
        }
    }

    /// Everything finished since the last call.
    pub(in crate::app) fn done(&mut self) -> Vec<Done> {
        let done: Vec<Done> = self.receiver.try_iter().collect();
        self.running -= done.len();
        let answered = done.iter().any(|d| matches!(d, Done::Answered { .. }));
        // An answer that nobody waits for any more is dropped.
        let wanted = self.asking.is_some();
        if answered {
            self.asking = None;
        }
        done.into_iter().filter(|d| wanted || !matches!(d, Done::Answered { .. })).collect()
    }

    /// Opens a project, or any picture.
    pub(in crate::app) fn open(&mut self, path: PathBuf) {
        self.spawn("open", move || Done::Opened { result: open_picture(&path).map(Box::new), path });
    }

    /// Reads a picture and fits it to the canvas.
    pub(in crate::app) fn picture(&mut self, path: PathBuf, size: (u32, u32)) {
        self.spawn("picture", move || Done::Picture { result: picture(&path, size), path });
    }

    /// Looks whether a file is a ControlNet.
    pub(in crate::app) fn control_net(&mut self, path: PathBuf, region: Option<RegionId>) {
        let look = |path: &Path| ControlFile::open(path).map(|_| ()).map_err(Box::new);
        self.spawn("look", move || Done::ControlNet { result: look(&path), region, path });
    }

    /// Reads a picture for a ControlNet and fits it to the canvas.
    pub(in crate::app) fn control_picture(&mut self, path: PathBuf, place: Place, edges: bool, size: (u32, u32)) {
        self.spawn("picture", move || Done::ControlPicture { result: picture(&path, size), place, edges, path });
    }

    /// Saves a document, but not over what it `reads`.
    pub(in crate::app) fn save(&mut self, document: Document, state: (u64, u64), path: PathBuf, reads: Vec<PathBuf>) {
        self.spawn("save", move || {
            let result = Outputs::reading(reads).add(&path).and_then(|output| document.save_to(&output));
            Done::Saved { result, path, state }
        });
    }

    pub(in crate::app) fn export(
        &mut self,
        document: Document,
        take: Arc<Take>,
        how: Export,
        path: PathBuf,
        reads: Vec<PathBuf>,
    ) {
        self.write(path, reads, move |output| document.export_picture_to(output, &take.image, how));
    }

    pub(in crate::app) fn export_mask(&mut self, mask: Arc<Mask>, path: PathBuf, reads: Vec<PathBuf>) {
        self.write(path, reads, move |output| mask.export_to(output));
    }

    pub(in crate::app) fn export_regions(&mut self, document: Document, path: PathBuf, reads: Vec<PathBuf>) {
        self.write(path, reads, move |output| document.export_regions_to(output));
    }

    /// Exports to a path, but not over what the document `reads`.
    fn write(
        &mut self,
        path: PathBuf,
        reads: Vec<PathBuf>,
        write: impl FnOnce(&Output) -> Result<(), FileError> + Send + 'static,
    ) {
        self.spawn("export", move || {
            let result = Outputs::reading(reads).add(&path).and_then(|output| write(&output));
            Done::Exported { result, path }
        });
    }

    pub(in crate::app) fn import_regions(&mut self, path: PathBuf) {
        let read = |path: &Path| Palette::open(path).map(Box::new);
        self.spawn("import", move || Done::Palette { result: read(&path), path });
    }

    pub(in crate::app) fn import_map(&mut self, path: PathBuf) {
        let read = |path: &Path| ColourMap::read(path).map(Box::new);
        self.spawn("import", move || Done::ColourMap { result: read(&path), path });
    }

    /// Finds out what a dropped or chosen file is.
    pub(in crate::app) fn find_out(&mut self, path: PathBuf, wanted: Wanted) {
        self.spawn("look", move || Done::Found { result: import::find_out(&path, wanted), path, wanted });
    }

    /// Reads the list of models of a data folder, for a document with this one.
    pub(in crate::app) fn list_models(&mut self, data: Option<PathBuf>, current: String, look: bool) {
        self.spawn("models", move || Done::Listed(Listed::read(data.as_deref(), current, look)));
    }

    /// Adds models, or folders of models, to the list of a data folder.
    pub(in crate::app) fn add_models(&mut self, data: PathBuf, paths: Vec<PathBuf>) {
        let add = move |path: &PathBuf| Catalogue::open(&data)?.add(path).cloned();
        self.spawn("models", move || {
            Done::ModelsAdded(paths.iter().map(|path| add(path).map_err(|error| error.to_string())).collect())
        });
    }

    /// Takes a folder of models off that list.
    pub(in crate::app) fn forget_models(&mut self, data: PathBuf, name: String) {
        self.spawn("models", move || {
            let removed = Catalogue::open(&data).and_then(|mut catalogue| catalogue.remove(&name));
            Done::ModelsAdded(removed.err().map(|error| Err(error.to_string())).into_iter().collect())
        });
    }

    pub(in crate::app) fn autosave(&mut self, mut copy: Copy) {
        self.spawn("autosave", move || {
            let result = recovery::write(&mut copy);
            Done::Autosaved { state: copy.state, files: copy.files(), result }
        });
    }

    /// Reads what a crash left behind.
    pub(in crate::app) fn recover(&mut self, copy: PathBuf) {
        self.spawn("recover", move || Done::Recovered { result: Document::open_with_notes(&copy).map(Box::new), copy });
    }

    /// Looks whether files are there, and at their small pictures.
    pub(in crate::app) fn look_at(&mut self, paths: Vec<PathBuf>) {
        self.spawn("thumbnails", move || Done::Seen(recent::look_at(paths)));
    }

    /// Waits for what is finished next, but not for ever.
    pub(in crate::app) fn wait(&mut self, most: Duration) -> Option<Done> {
        let done = self.receiver.recv_timeout(most).ok()?;
        self.running -= 1;
        Some(done)
    }

    /// Opens the system's dialog; false where it has none, so that the studio's own is to be shown.
    pub(in crate::app) fn ask(&mut self, purpose: Purpose, folder: Option<&Path>, name: &str) -> bool {
        if self.dialogs == FileDialogs::Own || !*self.system_dialogs.get_or_insert_with(has_system_dialogs) {
            return false;
        }
        let mut dialog = rfd::FileDialog::new().set_title(purpose.title());
        dialog = match purpose {
            Purpose::Open => dialog.add_filter(tr("Projects and pictures"), purpose.endings()),
            Purpose::SaveAs => dialog.add_filter(tr("OpenRaster project"), purpose.endings()).set_file_name(name),
            Purpose::Export(format) => dialog.add_filter(format.title(), purpose.endings()).set_file_name(name),
            Purpose::ExportMask => dialog.add_filter("PNG", purpose.endings()).set_file_name(name),
            Purpose::ExportRegions => dialog.add_filter("JSON", purpose.endings()).set_file_name(name),
            Purpose::ImportRegions => dialog.add_filter("JSON", purpose.endings()),
            Purpose::Picture | Purpose::ImportMap | Purpose::Place | Purpose::Mask | Purpose::ControlPicture(..) => {
                dialog.add_filter(tr("Pictures"), purpose.endings())
            }
            Purpose::Model | Purpose::Models | Purpose::FetchInto | Purpose::ControlFolder(_) => dialog,
            Purpose::ModelFile | Purpose::Vae | Purpose::Fallback => dialog.add_filter(tr("Models"), purpose.endings()),
            Purpose::Lora(_) => dialog.add_filter("LoRA", purpose.endings()),
            Purpose::ControlNet(_) => dialog.add_filter("ControlNet", purpose.endings()),
        };
        if let Some(folder) = folder {
            dialog = dialog.set_directory(folder);
        }
        self.asking = Some(purpose);
        let answer = move || {
            let path = match purpose {
                Purpose::Open
                | Purpose::Picture
                | Purpose::Place
                | Purpose::Mask
                | Purpose::ImportRegions
                | Purpose::ImportMap
                | Purpose::ModelFile
                | Purpose::Vae
                | Purpose::Fallback
                | Purpose::ControlNet(_)
                | Purpose::ControlPicture(..)
                | Purpose::Lora(_) => dialog.pick_file(),
                Purpose::SaveAs | Purpose::Export(_) | Purpose::ExportMask | Purpose::ExportRegions => {
                    dialog.save_file()
                }
                Purpose::Model | Purpose::Models | Purpose::FetchInto | Purpose::ControlFolder(_) => {
                    dialog.pick_folder()
                }
            };
            Done::Answered { purpose, path }
        };
        self.spawn("ask", answer);
        true
    }
}

fn picture(path: &Path, (width, height): (u32, u32)) -> Result<image::RgbImage, FileError> {
    Ok(InitImage::fitted(&Document::import_picture(path)?, width, height))
}

/// True where asking the system for a file can work. On Linux that is a desktop portal on the session bus, or zenity;
/// rfd cannot tell "there is none" from "cancelled" (rfd 0.17), so it is found out before.
fn has_system_dialogs() -> bool {
    if cfg!(target_os = "macos") {
        // Its dialogs must be opened from the main thread.
        return false;
    }
    if !cfg!(all(unix, not(target_os = "macos"))) {
        return true;
    }
    let variable = |name| std::env::var_os(name).filter(|v: &std::ffi::OsString| !v.is_empty());
    let bus = variable("DBUS_SESSION_BUS_ADDRESS").is_some()
        || variable("XDG_RUNTIME_DIR").is_some_and(|d| Path::new(&d).join("bus").exists());
    let data = variable("XDG_DATA_DIRS").unwrap_or_else(|| "/usr/local/share:/usr/share".into());
    let service = "dbus-1/services/org.freedesktop.portal.Desktop.service";
    let portal = bus && std::env::split_paths(&data).any(|d| d.join(service).exists());
    let zenity = || std::env::split_paths(&variable("PATH").unwrap_or_default()).any(|d| d.join("zenity").is_file());
    portal || zenity()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_ending_is_added() {
        assert_eq!(Purpose::SaveAs.with_ending("a/lake".into()), PathBuf::from("a/lake.ora"));
        assert_eq!(Purpose::SaveAs.with_ending("lake.ORA".into()), PathBuf::from("lake.ORA"));
        assert_eq!(Purpose::Export(PictureFormat::Png).with_ending("v1.2".into()), PathBuf::from("v1.2.png"));
        assert_eq!(Purpose::Export(PictureFormat::Jpeg).with_ending("a.jpeg".into()), PathBuf::from("a.jpeg"));
        assert_eq!(Purpose::Open.with_ending("lake".into()), PathBuf::from("lake"));
    }
}
