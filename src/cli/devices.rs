//! `polyptych devices`: the devices of this machine that can draw.

use super::console::{print, print_line};
use crate::checkpoint::{Adapter, AdapterKind, adapters};
use serde_json::{Value, json};
use std::fmt::Write as _;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print one JSON object on stdout
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let adapters = adapters();
    if args.json {
        let cpu = json!({"device": "cpu", "threads": threads, "dtypes": ["f32"], "draws": true});
        let devices: Vec<Value> = std::iter::once(cpu).chain(adapters.iter().map(described)).collect();
        return print_line(&json!({ "devices": devices }).to_string());
    }
    let mut text = format!("cpu      {threads} threads, f32\n");
    for Adapter { index, name, kind, api, driver, memory, half, .. } in adapters {
        let memory = memory.map_or(String::new(), |bytes| format!(", {:.1} GB", bytes as f64 / 1e9));
        let note = if kind == AdapterKind::Software { "; a program on the processor, slower than cpu" } else { "" };
        writeln!(
            text,
            "{:<8} {name} ({kind}, {api}, {driver}{memory}), {}{note}",
            format!("wgpu:{index}"),
            dtypes(half).join(" ")
        )?;
    }
    print(&text)
}

fn dtypes(half: bool) -> &'static [&'static str] {
    if half { &["f32", "f16"] } else { &["f32"] }
}

fn described(adapter: &Adapter) -> Value {
    let Adapter { index, name, kind, api, driver, memory, half, .. } = adapter;
    json!({
        "device": format!("wgpu:{index}"), "name": name, "kind": kind.to_string(), "api": api, "driver": driver,
        "memory": memory, "dtypes": dtypes(*half), "draws": true,
    })
}
