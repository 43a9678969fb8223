//! `cargo grade`

use std::process::ExitCode;

fn main() -> ExitCode {
    grader::main()
}
