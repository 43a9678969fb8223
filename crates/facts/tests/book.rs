//! What the book states holds on the system it was measured on.
use facts::{System, Verdict};

#[test]
fn the_book_is_right() {
    for row in facts::run() {
        match &row.verdict {
            Verdict::Same => {}
            Verdict::NotHere(_)
                if row.probe.system == System::Linux && !cfg!(target_os = "linux") => {}
            // What the book says of every system was measured on Linux only.
            _ if !cfg!(target_os = "linux") => eprintln!("{row}"),
            _ => panic!("{}\n{row}", row.section),
        }
    }
}
