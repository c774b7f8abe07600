//! Values as people say them.

use crate::app::text::i18n::{decimal_mark, fill, tr};
use std::path::Path;
use std::time::Duration;

/// A number as it is written in the language of the window: `0.75`, in German `0,75`.
pub(in crate::app) fn localised(written: &str) -> String {
    written.replace('.', decimal_mark())
}

/// A fraction with so many places.
pub(in crate::app) fn decimal(value: f64, places: usize) -> String {
    localised(&format!("{value:.places$}"))
}

/// The last part of a path.
pub(in crate::app) fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// The folder that a path lies in.
pub(in crate::app) fn folder(path: &Path) -> String {
    path.parent().map(|folder| folder.display().to_string()).unwrap_or_default()
}

/// A span of time, as people say it.
pub(in crate::app) fn ago(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    match minutes {
        0 => tr("less than a minute ago").to_owned(),
        1 => tr("a minute ago").to_owned(),
        2..120 => fill("{0} minutes ago", &[&minutes]),
        120..2880 => fill("{0} hours ago", &[&(minutes / 60)]),
        _ => fill("{0} days ago", &[&(minutes / 1440)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::text::i18n::{Language, speak};

    #[test]
    fn numbers_are_written_as_in_the_language() {
        assert_eq!([decimal(0.754, 2), localised("7.5"), localised("20")], ["0.75", "7.5", "20"]);
        speak(Language::German);
        assert_eq!([decimal(0.754, 2), localised("-7.5"), localised("20")], ["0,75", "-7,5", "20"]);
        speak(Language::Chinese);
        assert_eq!(decimal(0.754, 2), "0.75");
        speak(Language::English);
    }

    #[test]
    fn times_are_said_as_people_say_them() {
        let said = |seconds| ago(Duration::from_secs(seconds));
        assert_eq!(said(59), "less than a minute ago");
        assert_eq!(said(61), "a minute ago");
        assert_eq!(said(3600), "60 minutes ago");
        assert_eq!(said(3 * 3600), "3 hours ago");
        assert_eq!(said(3 * 86400), "3 days ago");
    }
}
