//! `polyptych bench studio`.

use super::Window;
use crate::cli::console::{print, print_line};
use crate::cli::values::{size, small};
use serde_json::Value;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Frames that are painted for each figure
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = runs)]
    runs: u32,
    /// The canvas that is painted on, in pixels
    #[arg(long, value_name = "WxH", default_value = "4096x4096", value_parser = size)]
    size: (u32, u32),
    /// Print one JSON object on stdout
    #[arg(long)]
    json: bool,
}

fn runs(text: &str) -> Result<u32, String> {
    small(text, 1..=100_000)
}

pub(super) fn run(args: &Args, window: &Window, started: Instant) -> anyhow::Result<()> {
    let figures = (window.bench)(args.size, args.runs, started)?;
    if args.json { print_line(&figures.to_string()) } else { print(&table(&figures)) }
}

/// The figures for people.
fn table(figures: &Value) -> String {
    let text = |name: &str| figures[name].as_str().unwrap_or("none").to_owned();
    let number = |value: &Value| value.as_f64().map_or_else(|| "-".to_owned(), |v| format!("{v:.1}"));
    let mut out = format!(
        "Painting on {} × {} pixels with {} regions, a brush of {} pixels; {} frames each\n",
        figures["canvas"][0], figures["canvas"][1], figures["regions"], figures["brush"], figures["frames"]
    );
    out +=
        &format!("Drawn by {}, pictures made by {}; {} profile\n\n", text("adapter"), text("device"), text("profile"));
    out += "Milliseconds a frame of the window's thread      p50      p99    worst   p50: studio  graphics   at work: p50      p99\n";
    for (name, label) in [
        ("painting_ms", "painting"),
        ("painting_with_job_ms", "painting while a job runs"),
        ("zooming_with_job_ms", "zooming while a job runs"),
    ] {
        let of = |part: &str| number(&figures[name][part]);
        out += &format!(
            "  {label:<41} {:>8} {:>8} {:>8} {:>13} {:>9} {:>14} {:>8}\n",
            of("p50"),
            of("p99"),
            of("worst"),
            of("p50_ui"),
            of("p50_draw"),
            of("p50_work"),
            of("p99_work")
        );
    }
    out += &format!("\nOpening that canvas      {:>8} ms\n", number(&figures["opening_ms"]));
    let first = figures["first_frame_s"].as_f64().map_or_else(|| "-".to_owned(), |v| format!("{v:.2}"));
    out += &format!("Start to first frame     {first:>8} s\n");
    out += &format!("Previews shown meanwhile {:>8}\n", figures["previews"].to_string());
    for (name, label) in
        [("started", "Memory after the start"), ("open", "Memory with that canvas"), ("peak", "Memory at most")]
    {
        let memory = figures["memory_mib"][name].as_u64().map_or_else(|| "-".to_owned(), |v| v.to_string());
        out += &format!("{label:<24} {memory:>8} MiB\n");
    }
    out
}
