//! The open document with everything that belongs to it and to no other: opening another one is one assignment.

use crate::app::editor::Editor;
use crate::app::generation::checks::Checks;
use crate::app::generation::cost::Cost;
use crate::app::generation::takes::Takes;
use crate::app::panels::takes::Compare;
use crate::app::panels::thumbnails::Thumbnails;
use crate::app::session::examples::Example;
use crate::app::shell::peeking::Peeking;
use crate::app::shell::works::Working;
use egui::Context;

/// A document in the window.
pub(in crate::app) struct OpenDocument {
    /// The document, its undo steps and what is selected in it.
    pub editor: Editor,
    /// The change that is being worked out, and what waits for it.
    pub work: Working,
    pub takes: Takes,
    /// Two finished pictures against each other.
    pub compare: Option<Compare>,
    /// The picture that was shown before, at which one may peek.
    pub peek: Peeking,
    pub checks: Checks,
    pub cost: Cost,
    /// The small pictures on the regions' cards.
    pub thumbnails: Thumbnails,
    /// The example that it was begun with.
    pub example: Option<Example>,
    /// The count of changes when a mask of what may change was begun with.
    pub change_begun: Option<u64>,
}

impl OpenDocument {
    pub(in crate::app) fn new(ctx: &Context, editor: Editor) -> Self {
        let mut takes = Takes::new(ctx);
        takes.of_document(editor.document());
        Self {
            editor,
            work: Working::default(),
            takes,
            compare: None,
            peek: Peeking::default(),
            checks: Checks::default(),
            cost: Cost::default(),
            thumbnails: Thumbnails::default(),
            example: None,
            change_begun: None,
        }
    }
}
