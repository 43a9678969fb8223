//! What stands before every program of a submission. See the library.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    match launch::main() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error:#}", launch::LAUNCHER);
            ExitCode::from(125)
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("the walls are Linux's");
    ExitCode::FAILURE
}
