//! A new canvas, another size of the open one, and another shape of its regions.

use crate::app::App;
use crate::app::dialogs::canvas_size::{CanvasSize, NewCanvas};
use crate::app::dialogs::outpaint::{Anchor, Fit};
use crate::app::dialogs::plain::Examples;
use crate::app::dialogs::reshape::{AskReshape, Reshape};
use crate::app::shell::leaving::Leave;
use crate::app::text::i18n::{key, tr};
use crate::paint::{grow, shrink, soften};
use egui::Context;

impl App {
    /// Asks for the size of a new canvas.
    pub(in crate::app) fn ask_new_canvas(&mut self) {
        self.ask(NewCanvas::like(self.open.editor.document()), |app, ctx, (width, height)| {
            app.leave(ctx, Leave::New { width, height });
        });
    }

    /// Shows the painted examples.
    pub(in crate::app) fn ask_examples(&mut self, ctx: &Context) {
        self.ask(Examples::new(ctx), |app, ctx, example| app.leave(ctx, Leave::Example(example)));
    }

    /// Asks for another size of the canvas.
    pub(in crate::app) fn ask_canvas_size(&mut self) {
        self.ask(CanvasSize::of(self.open.editor.document()), |app, _, (size, fit, anchor)| {
            app.change_canvas(size, fit, anchor);
        });
    }

    pub(in crate::app) fn change_canvas(&mut self, (width, height): (u32, u32), fit: Fit, anchor: Anchor) {
        let document = self.open.editor.document();
        let place = anchor.place((document.width, document.height), (width, height));
        let picture = document.take.as_ref().map(|take| &take.image);
        let picture = picture.or(document.init_image.as_ref().map(|start| &start.image)).cloned();
        match (fit, picture) {
            (Fit::Stretch, _) => self.open.editor.resize(width, height, None),
            (Fit::Draw, Some(picture)) => {
                self.open.editor.outpaint(&picture, (width, height), place);
                self.toasts.info(tr("The old picture is kept. Press Generate to draw what is new around it."));
            }
            (Fit::Keep | Fit::Draw, _) => self.open.editor.resize(width, height, Some(place)),
        }
        self.generation.live.put_away();
        self.workspace.canvas.view.fit();
    }

    /// Asks by how many pixels the selected region is grown, shrunk or softened.
    pub(in crate::app) fn ask_reshape(&mut self, reshape: Reshape) {
        self.ask(AskReshape::new(reshape, self.prefs.tools.reshape), move |app, _, pixels| {
            app.reshape(reshape, pixels);
        });
    }

    /// Changes the selected region by so many pixels.
    fn reshape(&mut self, reshape: Reshape, pixels: u32) {
        self.prefs.tools.reshape = pixels;
        match reshape {
            Reshape::Grow => {
                self.open.editor.remake_selected(key("Grow region"), move |mask, wrap| grow(mask, pixels, wrap));
            }
            Reshape::Shrink => {
                self.open.editor.remake_selected(key("Shrink region"), move |mask, wrap| shrink(mask, pixels, wrap));
            }
            Reshape::Soften => {
                self.open.editor.remake_selected(key("Soften edge"), move |mask, wrap| soften(mask, pixels, wrap));
            }
        }
    }
}
