//! What stands before every program of a submission. See the library.

#[cfg(target_os = "linux")]
fn main() {
    if let Err(error) = launch::main() {
        std::process::exit(launch::failed(&error));
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("the walls are Linux's");
    std::process::ExitCode::FAILURE
}
