//! Sockets by their descriptors, and what is known about each.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use socket2::Socket;

use crate::fileno::Fileno;

/// The sockets that are open, each under its number.
#[derive(Default)]
pub struct Table {
    sockets: BTreeMap<Fileno, Socket>,
    /// What somebody wants to be remembered about an open socket.
    labels: BTreeMap<Fileno, String>,
}

impl Table {
    /// Step 3. Opens a TCP socket that listens on 127.0.0.1, on a free port, and keeps it. Returns its
    /// number and its address.
    ///
    /// On an error nothing of it stays open.
    pub fn open(&mut self) -> io::Result<(Fileno, SocketAddr)> {
        todo!("a listening socket, kept under its number")
    }

    /// Step 3. Closes the socket that has this number, at once, and forgets what was known about it.
    /// Returns whether there was one; a number that is not in the table is left alone.
    pub fn close(&mut self, number: Fileno) -> bool {
        todo!("close the socket, and leave nothing of it")
    }

    /// Given. Remembers `text` about the open socket that has this number, in place of what was
    /// remembered before. Returns whether there is one.
    pub fn label(&mut self, number: Fileno, text: &str) -> bool {
        let open = self.sockets.contains_key(&number);
        if open {
            self.labels.insert(number, text.into());
        }
        open
    }

    /// Given. What is remembered about the open socket that has this number: `None` when there is no
    /// such socket, `Some(None)` when nothing is remembered.
    pub fn label_of(&self, number: Fileno) -> Option<Option<&str>> {
        let label = self.labels.get(&number).map(String::as_str);
        self.sockets.get(&number).map(|_| label)
    }
}
