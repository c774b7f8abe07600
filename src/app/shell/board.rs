//! The page of all finished pictures, and what is done about what a person wants there.

use crate::app::App;
use crate::app::dialogs::board::{Board, Wanted};
use crate::app::generation::takes::Item;

impl App {
    /// Opens the board at this picture, or to give it a name.
    pub(super) fn show_board(&mut self, number: Option<u64>, naming: bool) {
        self.finish_gesture();
        let name = || number.and_then(|number| self.open.takes.item(number)).map(Item::given_name);
        let board = match number {
            Some(number) if naming => Board::naming(number, name().unwrap_or_default()),
            _ => Board::at(number),
        };
        self.ask(board, |app, _, wanted| app.at_board(wanted));
    }

    fn at_board(&mut self, wanted: Wanted) {
        match wanted {
            Wanted::Of(number, wish) => self.grant(number, wish),
            Wanted::Star(numbers, starred) => self.star_takes(&numbers, starred),
            Wanted::Name(number, name) => {
                self.open.takes.name(number, &name);
                self.open.editor.takes_changed();
            }
            // The board itself tells it, and offers the way back.
            Wanted::Remove(numbers) => self.remove_takes(&numbers, false),
            Wanted::BringBack => self.bring_back_take(),
        }
    }
}
