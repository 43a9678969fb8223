//! Given: what a receiver was told on its command line.
#![allow(dead_code, reason = "some of it waits for your functions")]
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

/// Where files go, and what may come.
pub struct Inbox {
    /// The folder.
    pub dir: PathBuf,
    /// How many bytes a file may have.
    pub max: u64,
    /// How long a sender may keep still.
    pub idle: Duration,
    /// Step 6. Whether the part of a file is kept when a transfer is cut, and resumed.
    pub keep: bool,
    /// Step 6. The names that are being received at this moment.
    pub busy: Mutex<HashSet<String>>,
}
