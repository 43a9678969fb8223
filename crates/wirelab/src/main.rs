//! `cargo lab`

use std::process::ExitCode;

fn main() -> ExitCode {
    wirelab::main()
}
