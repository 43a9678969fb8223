//! Prints what the book states beside what this system does. Exit code 0, whatever it is.

fn main() -> std::io::Result<()> {
    facts::print(&mut std::io::stdout().lock())
}
