//! Given: parses the command line and calls your modules.
mod client;
mod echo;
mod greet;
mod server;

use std::process::ExitCode;

const USAGE: &str = "usage: first-contact serve [--listen ADDR] | first-contact greet [--listen ADDR] | first-contact connect ADDR";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args[..] {
        ["serve"] => server::serve("127.0.0.1:0", echo::converse),
        ["serve", "--listen", addr] => server::serve(addr, echo::converse),
        ["greet"] => server::serve("127.0.0.1:0", greet::converse),
        ["greet", "--listen", addr] => server::serve(addr, greet::converse),
        ["connect", addr] => client::connect(addr),
        _ => {
            eprintln!("error: {USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
