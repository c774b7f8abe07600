//! `polyptych devices`: what this machine can draw on.

use serde_json::json;

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
        println!("{}", json!({"devices": [cpu], "graphics_adapters": adapters}));
        return Ok(());
    }
    println!("cpu      {threads} threads, f32 (candle)");
    for (name, kind) in adapters {
        println!("adapter  {name} ({kind}): shows the window; pictures are drawn on the processor in this version");
    }
    Ok(())
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
