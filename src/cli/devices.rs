//! `polyptych devices`: the devices of this machine that can draw, their speed, and the one that is chosen by itself.

use super::Window;
use super::console::{print, print_line};
use super::values;
use crate::checkpoint::{Adapter, Card, Device, Devices, Half, Listed, Speed, seconds_told};
use serde_json::{Value, json};
use std::fmt::Write as _;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A device to measure anew (without it, what was not measured yet is, but for software adapters)
    #[arg(value_name = "cpu[:TYPE]|wgpu[:N]|cuda[:N]|metal", value_parser = values::device)]
    device: Option<Device>,
    /// Print one JSON object on stdout
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, window: &Window) -> anyhow::Result<()> {
    let devices = Devices::remembered_in((window.data)());
    let listed = match args.device {
        Some(device) => {
            devices.measure_again(device)?;
            devices.list()
        }
        None => devices.measured(),
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if args.json {
        let all: Vec<Value> = listed.iter().map(|listed| described(listed, threads)).collect();
        return print_line(&json!({ "devices": all }).to_string());
    }
    let mut text = String::new();
    for listed in &listed {
        writeln!(text, "{:<8} {}{}", listed.device.to_string(), facts(listed, threads), findings(listed))?;
    }
    print(&text)
}

/// Facts that the system tells.
fn facts(listed: &Listed, threads: usize) -> String {
    let types = dtypes(listed).join(" ");
    let Some(card) = &listed.card else { return format!("{threads} threads, {types}") };
    let memory = card.memory().map_or(String::new(), |bytes| format!(", {:.1} GB", bytes as f64 / 1e9));
    match card {
        Card::Adapter(adapter) => {
            let Adapter { name, kind, api, driver, .. } = &**adapter;
            let units = adapter.units().map_or(String::new(), |side| format!(", matrix units {side}×{side}"));
            format!("{name} ({kind}, {api}, {driver}{memory}), {types}{units}")
        }
        Card::Vendor(card) => format!("{}{memory}, {types}", card.name),
    }
}

/// Results of its trial.
fn findings(listed: &Listed) -> String {
    let mut text = match &listed.tried {
        None => "; not measured".to_owned(),
        Some(Err(why)) => format!("; cannot be drawn on: {why}"),
        Some(Ok(record)) => {
            let wrong = if record.faults.is_empty() {
                String::new()
            } else {
                format!("; computes wrong and leaves out: {}", record.faults.join(", "))
            };
            let fastest = record.fastest().filter(|_| listed.draws());
            wrong
                + &fastest.map_or("; cannot be drawn on".to_owned(), |(dtype, seconds)| {
                    let several = record.f16.is_some() || record.bf16.is_some();
                    let dtype = if several { format!(" in {dtype}") } else { String::new() };
                    format!("; about {} a UNet call of SD1.5{dtype}", seconds_told(seconds))
                })
        }
    };
    if listed.card.as_ref().is_some_and(Card::is_software) {
        text += "; a program on the processor, slower than cpu";
    }
    if listed.automatic {
        text += "; auto takes it";
    }
    text
}

/// The types that it draws in.
fn dtypes(listed: &Listed) -> &'static [&'static str] {
    match &listed.card {
        Some(Card::Adapter(adapter)) if adapter.half => &["f32", "f16"],
        Some(Card::Vendor(_)) => &["f32", "f16", "bf16"],
        None if listed.device == Device::CpuIn(Half::F16) => &["f16"],
        None if listed.device == Device::CpuIn(Half::Bf16) => &["bf16"],
        None | Some(Card::Adapter(_)) => &["f32"],
    }
}

fn described(listed: &Listed, threads: usize) -> Value {
    let mut value = json!({"device": listed.device.to_string(), "dtypes": dtypes(listed)});
    match &listed.card {
        None => value["threads"] = json!(threads),
        Some(card) => (value["name"], value["memory"]) = (json!(card.name()), json!(card.memory())),
    }
    if let Some(Card::Adapter(adapter)) = &listed.card {
        let Adapter { kind, api, driver, .. } = &**adapter;
        (value["kind"], value["api"], value["driver"]) = (json!(kind.to_string()), json!(api), json!(driver));
        value["matrix_units"] = json!(adapter.units());
    }
    let record = listed.tried.as_ref().and_then(|tried| tried.as_ref().ok());
    let seconds = |speed: Option<Speed>| speed.map(|speed| speed.seconds());
    value["draws"] = json!(listed.draws());
    value["seconds_per_unet_call"] = record.map_or(Value::Null, |record| {
        json!({
            "f32": seconds(record.f32), "f16": seconds(record.f16), "bf16": seconds(record.bf16),
        })
    });
    value["computes_wrong"] = json!(record.map(|record| &record.faults));
    value["auto"] = json!(listed.automatic);
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Record;

    #[test]
    fn a_row_tells_what_was_found() {
        let speed = |rate| Speed { convolution: rate, linear: rate, attention: rate, norm: 1e15 };
        let record = |f32, f16, faults: &[&str]| Record {
            f32,
            f16,
            bf16: None,
            faults: faults.iter().map(|fault| (*fault).to_owned()).collect(),
        };
        let row = |tried, automatic| findings(&Listed { device: Device::Cpu, card: None, tried, automatic });
        assert_eq!(row(None, false), "; not measured");
        let cpu = record(Some(speed(1e11)), None, &[]);
        assert_eq!(row(Some(Ok(cpu)), true), "; about 8.0 s a UNet call of SD1.5; auto takes it");
        let card = record(Some(speed(4e12)), Some(speed(8e12)), &["products on matrix units"]);
        let told = row(Some(Ok(card)), false);
        assert_eq!(
            told,
            "; computes wrong and leaves out: products on matrix units; about 0.10 s a UNet call of SD1.5 in f16"
        );
        let wrong = row(Some(Ok(record(None, None, &["conv2d in f32"]))), false);
        assert_eq!(wrong, "; computes wrong and leaves out: conv2d in f32; cannot be drawn on");
        let rounding = record(None, Some(speed(2e11)), &[]);
        assert_eq!(row(Some(Ok(rounding)), false), "; about 4.0 s a UNet call of SD1.5 in f16");
        assert!(row(Some(Err("no memory".to_owned())), false).contains("no memory"));
    }
}
