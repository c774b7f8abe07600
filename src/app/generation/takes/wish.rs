//! What a person can want of a finished picture.

use crate::app::text::i18n::key;

/// The wishes for a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum Wish {
    Show,
    Seed,
    Restore,
    Start,
    Export,
    Compare,
    /// What it shows inside the selected region is laid into the picture that is shown.
    Inside,
    /// It is seen for as long as a key is held.
    Peek,
    /// It has a star from now on, or no longer.
    Star,
    /// It gets a name.
    Name,
    Remove,
}

impl Wish {
    /// The entries of a picture's menu, in groups. Nothing is done with the picture that is shown and itself.
    pub(in crate::app) fn menu(is_shown: bool) -> impl Iterator<Item = impl Iterator<Item = (Self, &'static str)>> {
        let of_another = |wish| matches!(wish, Self::Compare | Self::Show | Self::Inside);
        let groups = Self::MENU
            .into_iter()
            .map(move |group| group.iter().copied().filter(move |(wish, _)| !(is_shown && of_another(*wish))));
        groups.filter(|group| group.clone().next().is_some())
    }

    const MENU: [&[(Self, &'static str)]; 4] = [
        &[(Self::Compare, key("Compare with the one shown")), (Self::Show, key("Show"))],
        &[
            (Self::Restore, key("Bring back its regions and settings")),
            (Self::Inside, key("Take only the selected region from it")),
            (Self::Seed, key("Use its seed")),
            (Self::Start, key("Keep as the picture to start from")),
        ],
        &[(Self::Star, key("Give or take its star")), (Self::Name, key("Name it…")), (Self::Export, key("Export…"))],
        &[(Self::Remove, key("Remove"))],
    ];

    /// True where only the picture itself will do.
    #[must_use]
    pub(in crate::app) fn needs_picture(self) -> bool {
        !matches!(self, Self::Seed | Self::Star | Self::Name | Self::Remove)
    }
}
