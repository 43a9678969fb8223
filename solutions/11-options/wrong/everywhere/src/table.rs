//! Sockets by their descriptors, and what is known about each.
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use socket2::Socket;
// only:
use socket2::{Domain, Protocol, Type};

use crate::address;
use crate::fileno;
// end

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
        // write: "a listening socket, kept under its number"
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.bind(&SocketAddr::from(([0, 0, 0, 0], 0)).into())?;
        socket.listen(128)?;
        let addr = address::of(&socket)?;
        // The kernel has chosen the number: the lowest that was free. Nothing of ours can still be
        // under it, because `close` leaves nothing behind.
        let number = fileno::of(&socket);
        self.sockets.insert(number, socket);
        Ok((number, addr))
        // end
    }

    /// Step 3. Closes the socket that has this number, at once, and forgets what was known about it.
    /// Returns whether there was one; a number that is not in the table is left alone.
    pub fn close(&mut self, number: Fileno) -> bool {
        // write: "close the socket, and leave nothing of it"
        // The number stands for this socket only while it is open. The next one to be opened may get
        // it, and has nothing to do with the label.
        self.labels.remove(&number);
        // Taken out of the map and dropped: that is close.
        self.sockets.remove(&number).is_some()
        // end
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
