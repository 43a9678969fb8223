//! A beacon says that it is there; listeners hear it, and answer those who ask.
use std::io;
use std::net::{SocketAddr, SocketAddrV4, UdpSocket};

use crate::message::Message;

/// Step 2. Sends one `Announce` with `name` to `to`. If it cannot be sent, that is an error.
pub fn announce(socket: &UdpSocket, to: SocketAddrV4, name: &str) -> io::Result<()> {
    // write: "one datagram"
    let message = Message::Announce(name.into()).to_string();
    socket.send_to(message.as_bytes(), to)?;
    Ok(())
    // end
}

/// Steps 3 and 4. Receives for ever. Calls `report` with the name and the sender's address for each
/// `Announce`, also for one heard before. With a `name`, it answers each `Query` with an `Answer` of
/// the same ID, sent from `socket` to the asker alone; without one it does not answer. Every other
/// datagram is ignored: one that is longer than [`MAX`](crate::message::MAX) bytes, too. An answer
/// that cannot be sent is lost, and nothing more. Returns only when receiving fails.
/// (On Windows, a datagram longer than the buffer is an error of its receive, 10040, and an answer
/// that a closed port has refused one of the next, `ConnectionReset`. Both are ignored.)
pub fn listen(
    socket: &UdpSocket,
    name: Option<&str>,
    report: &mut dyn FnMut(&str, SocketAddr),
) -> io::Result<()> {
    // write: "hear announcements, answer queries, ignore the rest"
    // One byte more than a datagram of ours has: a longer one is cut off there, and is seen to be
    // too long.
    let mut buffer = [0; crate::message::MAX];
    loop {
        let (n, from) = match socket.recv_from(&mut buffer) {
            Ok(received) => received,
            // Windows reports a datagram that does not fit, and the answer of a port that is closed,
            // as errors of the next receive.
            #[cfg(windows)]
            Err(error)
                if error.kind() == io::ErrorKind::ConnectionReset
                    || error.raw_os_error() == Some(10040) =>
            {
                continue;
            }
            Err(error) => return Err(error),
        };
        if n == buffer.len() {
            continue;
        }
        match (Message::parse(&buffer[..n]), name) {
            (Some(Message::Announce(who)), _) => report(&who, from),
            (Some(Message::Query(id)), Some(name)) => {
                // To the sender only: its address came with the datagram. Whether it is still there
                // is not our concern.
                let answer = Message::Answer(id, name.into()).to_string();
                let _ = socket.send_to(answer.as_bytes(), from);
            }
            _ => {}
        }
    }
    // end
}
