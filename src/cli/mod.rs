//! The commands: `new`, `render`, `info`, `models`, `bench` and `devices`. Their words are stable; scripts build on them.

mod bench;
mod console;
mod control;
mod devices;
mod info;
mod init_image;
mod map;
mod models;
mod new;
mod passes;
mod progress;
mod render;
mod values;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Paint regions, give each its own words, and watch one seamless picture grow under them.
#[derive(Debug, Parser)]
#[command(name = "polyptych", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// A project to open in the studio (.ora, or a PNG the studio exported)
    project: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a project from masks and prompts
    New(Box<new::Args>),
    /// Draw a project without a window
    Render(Box<render::Args>),
    /// Say what a project, an exported PNG, a checkpoint or a LoRA holds
    Info(info::Args),
    /// Say which checkpoints and LoRAs there are; add and remove them
    Models(models::Args),
    /// Measure this machine
    Bench(bench::Args),
    /// Say what this machine can draw on
    Devices(devices::Args),
}

/// Functions of the window that the command line calls; the window stands above it.
pub struct Window {
    /// The folder of this person's data, where there is such a place.
    pub data: fn() -> Option<PathBuf>,
    /// Opens the studio with this project or the example, and returns when it is closed.
    pub open: fn(Option<PathBuf>) -> anyhow::Result<()>,
    /// Measures the studio with a canvas of this size over so many frames; the process began then.
    pub bench: fn((u32, u32), u32, Instant) -> anyhow::Result<serde_json::Value>,
}

/// Runs the program with the process's arguments. 0 is done, 1 failed, 2 wrong usage; a failure
/// is one line on stderr.
#[must_use]
pub fn main(window: &Window) -> ExitCode {
    let started = Instant::now();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let outcome = match cli.command {
        None => (window.open)(cli.project),
        Some(Command::New(args)) => new::run(&args),
        Some(Command::Render(args)) => render::run(&args, window),
        Some(Command::Info(args)) => info::run(&args, window),
        Some(Command::Models(args)) => models::run(&args, window),
        Some(Command::Bench(args)) => bench::run(&args, window, started),
        Some(Command::Devices(args)) => devices::run(&args, window),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// One line on stderr and exit code 1.
fn failed(error: &anyhow::Error) -> ExitCode {
    if error.is::<console::Unread>() {
        return ExitCode::SUCCESS;
    }
    console::tell_line(&format!("polyptych: {}", one_line(&chain(error))));
    ExitCode::from(1)
}

/// Help goes to stdout; anything else is one line on stderr and exit code 2.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return console::print(&error.to_string()).map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS);
    }
    if error.kind() == ErrorKind::InvalidUtf8
        && let Some(argument) = std::env::args_os().find(|argument| argument.to_str().is_none())
    {
        let argument = one_line(&argument.display().to_string());
        console::tell_line(&format!(
            "polyptych: the argument “{argument}” is not valid UTF-8; write its words as such"
        ));
        return ExitCode::from(2);
    }
    let text = error.render().to_string();
    let message: Vec<&str> =
        text.lines().map(str::trim).filter(|l| !l.is_empty()).take_while(|l| !l.starts_with("Usage:")).collect();
    let message = one_line(message.join("; ").trim_start_matches("error: "));
    let message = message.split("; For more information").next().unwrap_or_default();
    // The remedy that clap knows for a value with a dash, `--` before it, is none for an option's value.
    let message = match message.split_once("; tip: to pass ") {
        Some((fact, _)) => {
            format!("{fact}; join a value that begins with a dash to its option, such as --negative=-people")
        }
        None => message.to_owned(),
    };
    console::tell_line(&format!("polyptych: {message}; `polyptych --help` shows what there is"));
    ExitCode::from(2)
}

/// An error and its causes; a cause that the text before it tells already is not told twice.
fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn one_line(text: &str) -> String {
    text.split(['\n', '\r']).map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("; ")
}
