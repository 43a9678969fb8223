//! Chapter 1: some bytes of a file, sixteen to a line: `01_hexdump FILE OFFSET LENGTH`.
use std::io::{Error, ErrorKind};

// ANCHOR: main
fn main() -> std::io::Result<()> {
    let usage = || {
        Error::new(
            ErrorKind::InvalidInput,
            "usage: 01_hexdump FILE OFFSET LENGTH",
        )
    };
    let mut arguments = std::env::args().skip(1);
    let file = std::fs::read(arguments.next().ok_or_else(usage)?)?;
    let offset: usize = arguments
        .next()
        .and_then(|text| text.parse().ok())
        .ok_or_else(usage)?;
    let length: usize = arguments
        .next()
        .and_then(|text| text.parse().ok())
        .ok_or_else(usage)?;

    let bytes = file.iter().skip(offset).take(length);
    for (row, bytes) in bytes.copied().collect::<Vec<u8>>().chunks(16).enumerate() {
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        println!("{:>3}  {}", row * 16, hex.join(" "));
    }
    Ok(())
}
// ANCHOR_END: main
