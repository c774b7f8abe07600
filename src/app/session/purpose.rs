//! What a path is asked for: the words and the kinds of files of the dialog that asks.

use crate::app::text::i18n::{key, tr};
use crate::document::PictureFormat;
use std::path::PathBuf;

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
    /// An init image.
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
    /// A file that is a model, or a part of one.
    ModelFile,
    Lora,
    ControlNet,
    /// The same in a folder of diffusers.
    ControlFolder,
    /// What a ControlNet follows.
    ControlPicture,
}

/// What is named in the dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    File,
    NewFile,
    Folder,
}

/// What a dialog says and shows.
struct Facts {
    title: &'static str,
    /// The word on the button.
    verb: &'static str,
    names: Names,
    /// The kind of files it is about, and their endings.
    files: (&'static str, &'static [&'static str]),
}

/// The endings of pictures that can be read.
pub(in crate::app) const PICTURES: &[&str] = &["png", "jpg", "jpeg", "webp"];

const READ_PICTURE: (&str, &[&str]) = (key("Pictures"), PICTURES);
const MODEL: (&str, &[&str]) = (key("Models"), &["safetensors"]);
const FOLDERS: (&str, &[&str]) = ("", &[]);

impl Purpose {
    fn facts(self) -> Facts {
        use Names::{File, Folder, NewFile};
        let (title, verb, names, files) = match self {
            Self::Open => {
                let endings: &[&str] = &["ora", "png", "jpg", "jpeg", "webp"];
                (key("Open"), key("Open"), File, (key("Projects and pictures"), endings))
            }
            Self::SaveAs => (key("Save as"), key("Save"), NewFile, (key("OpenRaster project"), &["ora"][..])),
            Self::Export(format) => (key("Export picture"), key("Export"), NewFile, (format.title(), format.endings())),
            Self::ExportMask => (key("Export mask"), key("Export"), NewFile, ("PNG", &["png"][..])),
            Self::ExportRegions => (key("Export regions"), key("Export"), NewFile, ("JSON", &["json"][..])),
            Self::ImportRegions => (key("Import regions"), key("Import"), File, ("JSON", &["json"][..])),
            Self::ImportMap => (key("Import colour map"), key("Import"), File, READ_PICTURE),
            Self::Picture => (key("Choose a picture to start from"), key("Choose"), File, READ_PICTURE),
            Self::Place => (key("Place picture"), key("Choose"), File, READ_PICTURE),
            Self::Mask => (key("Import mask"), key("Import"), File, READ_PICTURE),
            Self::Model => (key("Choose a model folder"), key("Choose"), Folder, FOLDERS),
            Self::Models => (key("Add a folder of models"), key("Add"), Folder, FOLDERS),
            Self::FetchInto => (key("Choose a folder"), key("Choose"), Folder, FOLDERS),
            Self::ModelFile => (key("Choose a model file"), key("Choose"), File, MODEL),
            Self::Lora => (key("Add a LoRA"), key("Add"), File, ("LoRA", MODEL.1)),
            Self::ControlNet => (key("Add a ControlNet"), key("Add"), File, ("ControlNet", MODEL.1)),
            Self::ControlFolder => (key("Add a ControlNet"), key("Add"), Folder, FOLDERS),
            Self::ControlPicture => (key("Choose a picture to follow"), key("Choose"), File, READ_PICTURE),
        };
        Facts { title, verb, names, files }
    }

    pub(in crate::app) fn title(self) -> &'static str {
        tr(self.facts().title)
    }

    /// The word on the button.
    pub(in crate::app) fn verb(self) -> &'static str {
        tr(self.facts().verb)
    }

    /// What the files it is about are called.
    pub(super) fn kind(self) -> &'static str {
        tr(self.facts().files.0)
    }

    /// The endings of the files it is about.
    pub(in crate::app) fn endings(self) -> &'static [&'static str] {
        self.facts().files.1
    }

    pub(super) fn names(self) -> Names {
        self.facts().names
    }

    /// True where a folder is asked for.
    pub(in crate::app) fn is_folder(self) -> bool {
        self.names() == Names::Folder
    }

    /// True where a file is to be written.
    pub(in crate::app) fn writes(self) -> bool {
        self.names() == Names::NewFile
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
