//! How many connections fit into the queue of a listening socket.
use std::io;
use std::time::Duration;

/// Step 6. Listens with this backlog on a free port of 127.0.0.1, accepts nobody, and connects to it
/// again and again. Returns how many connects were completed before the first that was not: because it
/// took longer than `patience`, or because it was refused.
///
/// Connects at most `at_most` times. All the connections stay open until it is decided.
pub fn connects(backlog: i32, at_most: usize, patience: Duration) -> io::Result<usize> {
    // write: "count the connects that are completed although nobody accepts"
    let _ = patience;
    let fit = usize::try_from(backlog).unwrap_or(0) + 1;
    Ok(fit.min(at_most))
    // end
}
