//! The commands, one module each.

pub mod book;
pub mod check;
pub mod derive;
pub mod hint;
pub mod reset;
pub mod serve;
pub mod soak;
pub mod solution;
pub mod status;
pub mod watch;
