//! A responder: what comes goes back to where it came from.
use std::io;
use std::net::UdpSocket;
// only:
use std::io::ErrorKind;

/// No datagram over IPv4 or IPv6 has a payload of more bytes: UDP's length field has 16 bits.
const LONGEST: usize = 65_535;
// end

/// Step 2. Sends each datagram back to its sender: the same bytes, as one datagram, once. It does so
/// for any number of senders, for an empty datagram and for the longest. An answer that cannot be
/// sent is lost, and nothing more. Nor does it end anything when a receive reports that an earlier
/// answer was refused, as Windows does (ConnectionReset). Returns only when receiving fails otherwise.
pub fn serve(socket: &UdpSocket) -> io::Result<()> {
    // write: "each datagram back to its sender, for ever"
    let mut room = vec![0; LONGEST];
    loop {
        // One socket hears everybody, so the sender's address comes with every datagram.
        let (n, from) = match socket.recv_from(&mut room) {
            Ok(came) => came,
            // News of an answer that reached nobody. Linux tells it to connected sockets only,
            // Windows to others too. It says nothing about the next client.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::ConnectionReset
                        | ErrorKind::ConnectionRefused
                        | ErrorKind::Interrupted
                ) =>
            {
                continue;
            }
            Err(error) => return Err(error),
        };
        // n bytes and not the whole room. n may be 0: a datagram socket has no end to report.
        let _ = socket.send_to(&room[..n], from);
    }
    // end
}
