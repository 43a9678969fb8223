//! What checks are written in: run a program, talk to it as a peer would, wait, explain.
//!
//! A check is a plain `#[test]` function. It opens with [`check!`], runs the lab's program, acts as
//! its peer and states what it expects. When an expectation is not met, the check ends with a
//! transcript: the numbered steps so far, what was expected, what came, where the program was
//! blocked, and the section of the book that explains it.
//!
//! The program under check is never part of the process that judges it. It is the package's own
//! binary, or the one that [`WIRELAB_PROGRAM`](program_from_environment) names.
//!
//! # Environment
//!
//! | variable | means |
//! |---|---|
//! | `WIRELAB_PROGRAM` | absolute path of the program to judge, in place of the package's binary |
//! | `WIRELAB_LAUNCHER` | absolute path of a program that is started with the program and its arguments (a sandbox); it ends with its parent, and starts the program with SIGXFSZ ignored |
//! | `WIRELAB_FORK_SERVER` | set where the launcher can also start one program after another behind one wall (`LAUNCHER --fork-server PROGRAM FILES…`) |
//! | `WIRELAB_DATA` | where [`Check::data`] finds its files; `tests/data` of the lab where it is not set |
//! | `WIRELAB_LACKS` | what is not there, of `netns` (with a launched program in it), `ipv6` and `broadcast`, with commas between; where it is not set, it is tried |
//! | `WIRELAB_VERDICTS` | folder into which each check writes `CHECK.json` |
//! | `WIRELAB_PATIENCE` | factor on every deadline; default 1 |
//! | `WIRELAB_SEED` | seed of [`Check::random`]; default is a fixed one |
//! | `WIRELAB_REQUIRE` | comma-separated needs (`browser`, `sandbox`, `tshark`, `netns`, `ipv6`, `broadcast`, `curl`, `nginx`, `python`) whose absence fails instead of skipping |
//!
//! The program under check sees none of them.

#[cfg(target_os = "linux")]
mod blocked;
mod bytes;
mod check;
mod files;
pub mod folder;
mod full;
mod interop;
mod lab;
mod load;
mod lossy;
mod moved;
mod need;
mod output;
mod peer;
mod process;
mod program;
mod summary;
mod sys;
mod udp;
mod verdict;
mod wait;

pub use bytes::Bytes;
pub use check::{Check, Why};
pub use files::Files;
pub use full::Full;
pub use interop::Partner;
pub use lossy::{Direction, Loss, Lossy, Tally};
pub use need::{Need, need, python, skipped};
pub use peer::{Buffers, Listener, Peer, Refusing};
pub use program::{Finished, Program, program_from_environment};
pub use udp::UdpPeer;

/// Opens a check: its name is the function's, its program is the package's, its place is in the
/// `lab.toml` beside `tests/`.
///
/// Names `lab = "…"` when the file of checks stands elsewhere than in `labs/NN-topic/tests/`.
#[macro_export]
macro_rules! check {
    () => {
        $crate::check!(lab = "../lab.toml")
    };
    (lab = $lab:literal) => {{
        fn here() {}
        fn name_of<T>(_: T) -> &'static str {
            ::std::any::type_name::<T>()
        }
        $crate::Check::open($crate::Opening {
            path: name_of(here),
            package: env!("CARGO_PKG_NAME"),
            program: env!(concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME"))),
            manifest_dir: env!("CARGO_MANIFEST_DIR"),
            lab: include_str!($lab),
        })
    }};
}

/// What [`check!`] gathers at compile time.
#[doc(hidden)]
pub struct Opening {
    pub path: &'static str,
    pub package: &'static str,
    pub program: &'static str,
    pub manifest_dir: &'static str,
    pub lab: &'static str,
}
