//! The choice of what draws, in the line at the bottom.

use super::painter::{Painter, english};
use egui_kittest::kittest::Queryable as _;
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

/// Opens the list; where there may be a graphics card, the choice is open until something was drawn.
fn opens_the_list(painter: &mut Painter) {
    let card = polyptych::studio::Devices::default().may_have_card();
    painter.clicks(if card { "Automatic" } else { "Processor" });
}

#[test]
fn the_list_tells_how_fast_the_devices_are() {
    let options = Options { engine: Some(Box::new(Noted::default())), file_dialogs: FileDialogs::Own, ..english() };
    let mut painter = Painter::opens(options);
    opens_the_list(&mut painter);
    let end = std::time::Instant::now() + std::time::Duration::from_mins(10);
    while !painter.sees("Time of one pass") {
        assert!(std::time::Instant::now() < end, "waited ten minutes for the measurement");
        painter.h.step();
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(!painter.sees("Looking for graphics cards"));
    painter.settles();
    assert!(painter.h.query_all_by_label_contains(" s").next().is_some());
}

#[test]
fn the_line_at_the_bottom_says_what_draws_and_lets_one_choose() {
    let noted = Noted::default();
    let chosen = Arc::clone(&noted.0);
    let options = Options { engine: Some(Box::new(noted)), file_dialogs: FileDialogs::Own, ..english() };
    let mut painter = Painter::opens(options);
    assert!(chosen.lock().unwrap().is_empty(), "nobody has chosen yet");
    opens_the_list(&mut painter);
    assert!(painter.sees("Pictures are drawn by") && painter.sees("Automatic"));
    // (It names the device that it takes, once that is known.)
    painter.h.query_all_by_label_contains("Automatic").last().expect("an entry").click();
    painter.settles();
    assert_eq!(*chosen.lock().unwrap(), [Device::default()]);
    assert!(!painter.sees("Pictures are drawn by"), "the list closes");
}
