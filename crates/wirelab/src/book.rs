//! The book: building it with the mdBook that is compiled in, and the lint.
//!
//! mdBook reports a missing include, a broken anchor or an unclosed tag as a
//! log line and carries on. Here every such line is an error: a page that lacks
//! a listing is not a page.

mod build;
mod html;
mod lint;

pub use build::{BuildReport, build};
pub use lint::{Finding, lint};
