//! A second pass over a finished picture: the canvas becomes larger, and the picture is drawn over at its new size.

use crate::app::App;
use crate::app::dialogs::enlarge::Enlarge;
use crate::app::text::errors;
use crate::app::text::i18n::{key, tr};
use crate::document::{Document, TakeWay};
use crate::studio::SecondPass;

impl App {
    pub(super) fn ask_enlarge(&mut self) {
        self.ask(Enlarge::default(), |app, _, pass| app.enlarge(pass));
    }

    /// Enlarges the document with its picture, as one undo step, and draws it.
    fn enlarge(&mut self, pass: SecondPass) {
        self.finish_gesture();
        if self.is_working() {
            return self.once_worked_out(move |app| app.enlarge(pass));
        }
        let document = self.open.editor.document().without_takes();
        let Some(take) = self.open.editor.document().take.clone() else { return };
        let changes = self.open.editor.changes();
        let make = move || pass.enlarge(&document, &take.image);
        self.tasks.begin("enlarge", make, move |app, _, large| match large {
            Ok(_) if app.open.editor.changes() != changes => {
                app.toasts.info(tr("The document was changed meanwhile. Enlarge the picture again."));
            }
            Ok(large) => {
                let Document { unknown, extra, .. } = app.open.editor.document().clone();
                app.open.editor.set_frame(None);
                app.open.editor.restore_document(key("Enlarge picture"), Document { unknown, extra, ..large });
                app.workspace.canvas.view.fit();
                app.generate_as(TakeWay::Enlarged, false);
            }
            Err(error) => app.toasts.error(errors::failure(&error.into())),
        });
    }
}
