//! The `relbook` process: hands the arguments to the library and turns a panic into exit code 70.
//! Everything else lives in the library, where tests can reach it.

use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        let text = format!("bug: {panic}\n  hint: this is a fault of relbook, please report it\n");
        drop(std::io::stderr().write_all(text.as_bytes()));
    }));
    std::panic::catch_unwind(|| relbook_cli::run(std::env::args_os().collect()))
        .unwrap_or(relbook_cli::exit_code::ExitCode::Bug)
        .into()
}
