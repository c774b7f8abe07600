//! The binary: the command line of [`polyptych::cli`].

fn main() -> std::process::ExitCode {
    use polyptych::{app, cli};
    cli::main(&cli::Window { data: app::data_folder, open: app::run, bench: app::bench })
}
