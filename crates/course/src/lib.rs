//! The model of the course: what `course.toml` and each `lab.toml` say, as types, and what
//! can be done with it.
//!
//! [`Course`] finds and reads the files. A [`Lab`] has [`Step`]s, a step has [`Check`]s worth
//! [`Points`]. A [`Runner`] builds a lab, runs its checks and returns a [`LabReport`] of
//! [`Verdict`]s; [`soak`] does so many times over. [`derive`](mod@derive) makes the starter
//! out of the solution, and a [`Workshop`] builds every starter and every [`WrongAnswer`] at
//! once, which is how the course checks itself.
//!
//! The judge never shares a process with what it judges, and neither does this crate: it
//! starts `cargo` and the checks' own executable, and reads the verdicts from files.

mod course;
pub mod derive;
mod document;
mod files;
mod hidden;
mod lab;
mod problem;
mod process;
pub mod runner;
mod schedule;
pub mod soak;
mod verdict;
pub mod workshop;
mod wrong_answer;

pub use course::{BrokenLab, Course, Entry, LabError, UnknownLab};
pub use hidden::{Hidden, Show};
pub use lab::{Check, Kind, Lab, MaxPoints, Points, Section, Step};
pub use problem::{CourseError, Problem};
pub use process::Cancel;
pub use runner::{Event, Options, RunError, Runner, Selection, Subject};
pub use schedule::{DueDate, LatePolicy};
pub use soak::{Soak, SoakReport};
pub use verdict::{BuildReport, CheckReport, Diagnostic, LabReport, Level, Verdict};
pub use workshop::Workshop;
pub use wrong_answer::WrongAnswer;

/// The version of every file that this crate reads and writes: `course.toml`, `lab.toml`,
/// reports as JSON.
pub const VERSION: u32 = 1;
