//! `polyptych devices`: what this machine can draw on.

use super::console::{print, print_line};
use serde_json::json;
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
        let adapters: Vec<_> =
            adapters.iter().map(|(name, kind)| json!({"name": name, "kind": kind, "draws": false})).collect();
        let cpu = json!({"device": "cpu", "threads": threads, "dtypes": ["f32"], "draws": true});
        return print_line(&json!({"devices": [cpu], "graphics_adapters": adapters}).to_string());
    }
    let mut text = format!("cpu      {threads} threads, f32\n");
    for (name, kind) in adapters {
        writeln!(
            text,
            "adapter  {name} ({kind}): shows the window; pictures are drawn on the processor in this version"
        )?;
    }
    print(&text)
}

/// Graphics adapters by name and kind; none on a machine without drivers.
fn adapters() -> Vec<(String, String)> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let found = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let describe = |adapter: &wgpu::Adapter| {
        let info = adapter.get_info();
        (info.name, format!("{:?}, {:?}", info.device_type, info.backend))
    };
    found.iter().map(describe).collect()
}
