//! Pens on X11, by the second version of its input extension.
//!
//! A pen is a device of its own beside the mouse, and its eraser another one; both move the one pointer. A thread listens to the *raw*
//! motions of those devices alone, which come to whoever asks, whatever window the pointer is over and whoever has grabbed it, and to the
//! notice of which device moves the pointer. The window's own connection is left alone. A studio that rests is told as well, so what
//! nobody asks for is let go.

use super::{PenEnd, PenTold, Pens};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xinput::{
    ChangeReason, ConnectionExt as _, Device, DeviceClassData, DeviceId, DeviceType, EventMask, Fp3232, ValuatorMode,
    XIDeviceInfo, XIEventMask,
};
use x11rb::protocol::xproto::{Atom, ConnectionExt as _, Window};
use x11rb::rust_connection::RustConnection;

/// As many samples as a pen has in about a second.
const KEPT: usize = 256;

/// The server that windows are opened on.
pub(super) struct Server {
    told: Arc<Mutex<PenTold>>,
}

impl Server {
    /// Begins to listen, on a thread that ends with the program or the server. Where that cannot be, there are no pens.
    pub(super) fn ask() -> Self {
        let told = Arc::default();
        let theirs = Arc::clone(&told);
        let listens = move || {
            if let Err(error) = listen(&theirs) {
                log::warn!("pens have no pressure: {error}");
            }
        };
        if let Err(error) = std::thread::Builder::new().name("pens".to_owned()).spawn(listens) {
            log::error!("no thread for pens: {error}");
        }
        Self { told }
    }
}

impl Pens for Server {
    fn told(&mut self) -> PenTold {
        let mut told = lock(&self.told);
        PenTold { end: told.end, pressures: std::mem::take(&mut told.pressures) }
    }
}

fn lock(told: &Mutex<PenTold>) -> MutexGuard<'_, PenTold> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

fn listen(told: &Mutex<PenTold>) -> anyhow::Result<()> {
    let (server, screen) = x11rb::connect(None)?;
    // (Raw motions reach everybody since 2.1.)
    server.xinput_xi_query_version(2, 2)?.reply()?;
    let Some(root) = server.setup().roots.get(screen).map(|screen| screen.root) else { return Ok(()) };
    let label = server.intern_atom(false, b"Abs Pressure")?.reply()?.atom;
    let notices = [(Device::ALL, XIEventMask::HIERARCHY), (Device::ALL_MASTER, XIEventMask::DEVICE_CHANGED)];
    select(&server, root, notices.map(|(device, mask)| (device.into(), mask)))?;
    let mut pens = find(&server, root, label)?;
    loop {
        match server.wait_for_event()? {
            Event::XinputHierarchy(_) => pens = find(&server, root, label)?,
            Event::XinputDeviceChanged(event) if event.reason == ChangeReason::SLAVE_SWITCH => {
                switched(&pens, &mut lock(told), event.sourceid);
            }
            Event::XinputRawMotion(event) => {
                moved(&mut pens, &mut lock(told), event.deviceid, &event.valuator_mask, &event.axisvalues);
            }
            _ => {}
        }
    }
}

/// Asks for events of these devices.
fn select(
    server: &RustConnection,
    root: Window,
    of: impl IntoIterator<Item = (DeviceId, XIEventMask)>,
) -> anyhow::Result<()> {
    let masks: Vec<_> = of.into_iter().map(|(deviceid, mask)| EventMask { deviceid, mask: vec![mask] }).collect();
    // (A device may have gone meanwhile: the server's complaint is an event that nobody heeds.)
    server.xinput_xi_select_events(root, &masks)?;
    server.flush()?;
    Ok(())
}

/// Finds the pens that are there and asks for their motions. Drivers add the ends of a pen when they come near for the first time.
fn find(server: &RustConnection, root: Window, label: Atom) -> anyhow::Result<HashMap<DeviceId, Pen>> {
    let devices = server.xinput_xi_query_device(Device::ALL)?.reply()?.infos;
    let pens: HashMap<_, _> = devices.iter().filter_map(|info| Some((info.deviceid, Pen::of(info, label)?))).collect();
    select(server, root, pens.keys().map(|pen| (*pen, XIEventMask::RAW_MOTION)))?;
    Ok(pens)
}

/// One end of a pen.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pen {
    end: PenEnd,
    /// The number of the valuator that is its pressure, and the values of none and all of it.
    valuator: u16,
    none: f64,
    all: f64,
    /// The last pressure, 0 to 1: what does not change is not told.
    pressure: f32,
}

impl Pen {
    /// A pen is a pointer with a pressure that is told as such. Drivers give one to all that is on a tablet (fingers, buttons, a puck), where
    /// it is always nothing; what a device is stands last in its name, before a number.
    fn of(info: &XIDeviceInfo, label: Atom) -> Option<Self> {
        // (One that floats does not move the pointer.)
        if info.type_ != DeviceType::SLAVE_POINTER {
            return None;
        }
        let pressure = info.classes.iter().find_map(|class| match &class.data {
            DeviceClassData::Valuator(v) if v.label == label && v.mode == ValuatorMode::ABSOLUTE => Some(*v),
            _ => None,
        })?;
        let name = String::from_utf8_lossy(&info.name).to_lowercase();
        let kind = name.split([' ', ':']).rfind(|word| word.starts_with(char::is_alphabetic));
        if kind.is_some_and(|kind| ["cursor", "finger", "pad", "touch"].contains(&kind)) {
            return None;
        }
        let erases = name.contains("eraser");
        Some(Self {
            end: if erases { PenEnd::Eraser } else { PenEnd::Tip },
            valuator: pressure.number,
            none: float(pressure.min),
            all: float(pressure.max),
            pressure: 0.0,
        })
    }
}

/// Another device moves the pointer from now on.
fn switched(pens: &HashMap<DeviceId, Pen>, told: &mut PenTold, device: DeviceId) {
    let end = pens.get(&device).map(|pen| pen.end);
    if told.end != end {
        *told = PenTold { end, pressures: Vec::new() };
    }
}

/// A pen has moved, or its pressure has changed.
fn moved(pens: &mut HashMap<DeviceId, Pen>, told: &mut PenTold, device: DeviceId, mask: &[u32], values: &[Fp3232]) {
    // (The one that is in use when the studio is opened was not told of.)
    switched(pens, told, device);
    let Some(pen) = pens.get_mut(&device) else { return };
    if let Some(value) = value_of(pen.valuator, mask, values).filter(|_| pen.all > pen.none) {
        pen.pressure = ((value - pen.none) / (pen.all - pen.none)).clamp(0.0, 1.0) as f32;
    }
    if told.pressures.len() == KEPT {
        told.pressures.remove(0);
    }
    told.pressures.push(pen.pressure);
}

/// The value of a valuator: a mask says which are told, and their values follow in that order.
fn value_of(valuator: u16, mask: &[u32], values: &[Fp3232]) -> Option<f64> {
    let (word, bit) = (usize::from(valuator / 32), 1_u32 << (valuator % 32));
    let own = mask.get(word).filter(|own| *own & bit != 0)?;
    let before = mask[..word].iter().map(|word| word.count_ones()).sum::<u32>() + (own & (bit - 1)).count_ones();
    values.get(before as usize).map(|value| float(*value))
}

/// A number of 32 bits before the point and 32 after it.
fn float(value: Fp3232) -> f64 {
    f64::from(value.integral) + f64::from(value.frac) / 4_294_967_296.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use x11rb::protocol::xinput::{DeviceClass, DeviceClassDataValuator};

    const LABEL: Atom = 400;

    fn fixed(value: f64) -> Fp3232 {
        Fp3232 { integral: value.floor() as i32, frac: ((value - value.floor()) * 4_294_967_296.0) as u32 }
    }

    /// A device with valuators of these labels, each from 0 to 2047.
    fn device(name: &str, type_: DeviceType, labels: &[Atom]) -> XIDeviceInfo {
        let valuator = |(number, label): (u16, &Atom)| DeviceClass {
            len: 11,
            sourceid: 9,
            data: DeviceClassData::Valuator(DeviceClassDataValuator {
                number,
                label: *label,
                min: fixed(0.0),
                max: fixed(2047.0),
                value: fixed(0.0),
                resolution: 1,
                mode: ValuatorMode::ABSOLUTE,
            }),
        };
        let classes = (0..).zip(labels).map(valuator).collect();
        XIDeviceInfo { deviceid: 9, type_, attachment: 2, enabled: true, name: name.as_bytes().to_vec(), classes }
    }

    #[test]
    fn a_pen_is_known_by_its_pressure_and_an_eraser_by_its_name() {
        let end = |name, type_, labels: &[Atom]| Pen::of(&device(name, type_, labels), LABEL).map(|pen| pen.end);
        let slave = DeviceType::SLAVE_POINTER;
        assert_eq!(end("Wacom Intuos S Pen stylus", slave, &[1, 2, LABEL]), Some(PenEnd::Tip));
        assert_eq!(end("Wacom Intuos S Pen eraser", slave, &[1, 2, LABEL]), Some(PenEnd::Eraser));
        assert_eq!(end("Wacom Intuos Pro M Eraser (0x8b)", slave, &[1, 2, LABEL, 5]), Some(PenEnd::Eraser));
        assert_eq!(end("xwayland-tablet stylus:12", slave, &[1, 2, LABEL]), Some(PenEnd::Tip));
        assert_eq!(end("xwayland-tablet eraser:12", slave, &[1, 2, LABEL]), Some(PenEnd::Eraser));
        assert_eq!(end("Wacom Bamboo Pen & Touch stylus", slave, &[1, 2, LABEL]), Some(PenEnd::Tip));
        for other in ["Wacom Bamboo Pen & Touch Finger touch", "Wacom Intuos S Pad pad", "xwayland-tablet cursor:12"] {
            assert_eq!(end(other, slave, &[1, 2, LABEL]), None, "{other}");
        }
        assert_eq!(end("Logitech mouse", slave, &[1, 2]), None);
        assert_eq!(end("Virtual core pointer", DeviceType::MASTER_POINTER, &[1, 2, LABEL]), None, "it is no device");
    }

    #[test]
    fn values_follow_the_mask() {
        let values = [3.25, 7.0, -2.5, 40.0].map(fixed);
        let mask = [0b1_0101, 0b10];
        assert_eq!(value_of(0, &mask, &values), Some(3.25));
        assert_eq!(value_of(1, &mask, &values), None, "not told");
        assert_eq!(value_of(2, &mask, &values), Some(7.0));
        assert_eq!(value_of(4, &mask, &values), Some(-2.5));
        assert_eq!(value_of(33, &mask, &values), Some(40.0));
        assert_eq!(value_of(90, &mask, &values), None);
        assert_eq!(value_of(4, &mask, &values[..2]), None, "cut short");
    }

    #[test]
    fn what_pens_do_is_told_once_and_the_mouse_ends_it() {
        let pen = |name| Pen::of(&device(name, DeviceType::SLAVE_POINTER, &[1, 2, LABEL]), LABEL).expect("a pen");
        let mut pens = HashMap::from([(11, pen("stylus")), (12, pen("eraser"))]);
        let mut told = PenTold::default();
        let mut presses = |told: &mut PenTold, device, pressure: f64| {
            moved(&mut pens, told, device, &[0b101], &[fixed(30.0), fixed(pressure)]);
        };
        presses(&mut told, 11, 0.0);
        presses(&mut told, 11, 2047.0);
        presses(&mut told, 11, 9000.0);
        assert_eq!(told, PenTold { end: Some(PenEnd::Tip), pressures: vec![0.0, 1.0, 1.0] });
        presses(&mut told, 12, 1023.5);
        assert_eq!(told, PenTold { end: Some(PenEnd::Eraser), pressures: vec![0.5] }, "the other end");
        for _ in 0..2 * KEPT {
            presses(&mut told, 12, 0.0);
        }
        assert_eq!(told.pressures.len(), KEPT, "nobody asks");
        // Position alone: it is pressed as before.
        presses(&mut told, 12, 2047.0);
        moved(&mut pens, &mut told, 12, &[0b1], &[fixed(31.0)]);
        assert_eq!(told.pressures.last(), Some(&1.0));
        switched(&pens, &mut told, 4);
        assert_eq!(told, PenTold::default(), "a mouse");
        moved(&mut pens, &mut told, 4, &[0b1], &[fixed(1.0)]);
        assert_eq!(told, PenTold::default());
        let mut server =
            Server { told: Arc::new(Mutex::new(PenTold { end: Some(PenEnd::Tip), pressures: vec![0.25] })) };
        assert_eq!(server.told().pressures, [0.25]);
        assert_eq!(server.told(), PenTold { end: Some(PenEnd::Tip), pressures: Vec::new() }, "each is told once");
    }
}
