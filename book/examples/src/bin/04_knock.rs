//! Chapter 4: connects to the address it is given, says how that went, and leaves.
use std::net::TcpStream;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(addr) = std::env::args().nth(1) else {
        eprintln!("error: give an address with a port, like 127.0.0.1:4000");
        return ExitCode::from(2);
    };
    match TcpStream::connect(&addr) {
        Ok(_) => println!("connected"),
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => println!("refused"),
        Err(error) => {
            eprintln!("error: cannot connect to {addr}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
