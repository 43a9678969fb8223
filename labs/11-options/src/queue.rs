//! How many connections fit into the queue of a listening socket.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::io;
use std::time::Duration;

/// Step 6. Listens with this backlog on a free port of 127.0.0.1, accepts nobody, and connects to it
/// again and again. Returns how many connects were completed before the first that was not: because it
/// took longer than `patience`, or because it was refused. Any other error is returned: that no
/// descriptor is free says nothing about the queue.
///
/// Connects at most `at_most` times. All the connections stay open until it is decided.
pub fn connects(backlog: i32, at_most: usize, patience: Duration) -> io::Result<usize> {
    todo!("count the connects that are completed although nobody accepts")
}
