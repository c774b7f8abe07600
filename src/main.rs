//! The binary: the command line of [`polyptych::cli`].

fn main() -> std::process::ExitCode {
    polyptych::cli::main(polyptych::app::run)
}
