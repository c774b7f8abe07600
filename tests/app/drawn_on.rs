//! The choice of what draws, in the line at the bottom.

use super::painter::{Painter, english};
use polyptych::app::{Engine, FileDialogs, Options};
use polyptych::studio::{Device, Event, Job, JobId};
use std::sync::{Arc, Mutex};

/// Notes the devices that are chosen.
#[derive(Default)]
struct Noted(Arc<Mutex<Vec<Device>>>);

impl Engine for Noted {
    fn submit(&mut self, _: Job) -> JobId {
        JobId(1)
    }
    fn cancel(&mut self, _: JobId) {}
    fn events(&mut self) -> Vec<Event> {
        Vec::new()
    }
    fn device(&self) -> String {
        String::new()
    }
    fn choose_device(&mut self, device: Device) {
        self.0.lock().unwrap().push(device);
    }
}

#[test]
fn the_line_at_the_bottom_says_what_draws_and_lets_one_choose() {
    let noted = Noted::default();
    let chosen = Arc::clone(&noted.0);
    let options = Options { engine: Some(Box::new(noted)), file_dialogs: FileDialogs::Own, ..english() };
    let mut painter = Painter::opens(options);
    assert!(chosen.lock().unwrap().is_empty(), "nobody has chosen yet");
    painter.clicks("Processor");
    assert!(painter.sees("Pictures are drawn by") && painter.sees("Automatic"));
    painter.clicks("Automatic");
    assert_eq!(*chosen.lock().unwrap(), [Device::default()]);
    assert!(!painter.sees("Pictures are drawn by"), "the list closes");
}
