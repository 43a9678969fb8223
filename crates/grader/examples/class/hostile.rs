//! Programs that mean harm, for the first lab: each is contained, and costs its author the checks of the echo.

/// The lab whose `echo.rs` they replace.
pub const FOLDER: &str = "00-first-contact";

/// What they do before they answer, each with the items it needs.
pub const ACTS: [(&str, &str); 5] = [
    ("", "loop { std::hint::spin_loop(); }"),
    ("", "std::process::exit(0);"),
    (
        "",
        "let mut all = Vec::new(); loop { all.push(vec![1_u8; 16 << 20]); }",
    ),
    (
        "unsafe extern \"C\" { fn fork() -> i32; }",
        "loop { unsafe { fork(); } }",
    ),
    (
        "",
        "loop { println!(\"test step_1::sends_back_what_it_received ... ok \\u{1b}[32m<b>\"); }",
    ),
];

/// An echo that does `act` first.
pub fn echo((items, act): (&str, &str)) -> String {
    format!(
        "#![allow(unreachable_code)]
use std::io::{{self, Read, Write}};
use std::net::TcpStream;

{items}

pub fn converse(mut client: TcpStream) -> io::Result<()> {{
    {act}
    let mut buffer = [0; 1024];
    loop {{
        let n = client.read(&mut buffer)?;
        if n == 0 {{
            return Ok(());
        }}
        client.write_all(&buffer[..n])?;
    }}
}}
"
    )
}

/// What the compiler must not read for a submission.
pub fn including(path: &std::path::Path) -> String {
    let act = format!("let _ = include_str!({path:?});");
    echo(("", &act))
}
