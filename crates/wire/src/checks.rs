//! Checks of labs that run in a network of their own.
use std::io;
use std::net::{SocketAddr, SocketAddrV4};

use testkit::{Check, Need};

use crate::craft::{ETHERNET_HEADER, Frame};
use crate::netns::{self, Side};

/// Runs a lab's check once more in a network that has nothing but a loopback interface. There it returns the check
/// that `open` opens; outside `None`, when that run has given its verdict, or where there is no such network, which
/// is said. `test` is the test's path as libtest has it, `module::name`.
///
/// # Panics
/// The check has failed inside.
pub fn own_network(test: &str, open: impl Fn() -> Check) -> Option<Check> {
    // Whoever has judged programs here before knows; a program that is judged must not be asked.
    let known = Need::Netns.known();
    if known == Some(false) {
        let check = open();
        check.skip(Need::Netns, "here a program gets no network of its own");
        return None;
    }
    let inside = netns::inside(test);
    let check = open();
    match inside {
        Ok(Side::Inside) => {}
        Ok(Side::Outside(finished)) => {
            if let Some(signal) = finished.signal() {
                check.fail(
                    "the check's own process to come to a verdict",
                    format!("killed by signal {signal}"),
                    "Whoever watches the programs has ended it together with one that took too much: memory, processes, files or connections.",
                );
            }
            let transcript = String::from_utf8_lossy(&finished.stderr);
            check.ended_elsewhere(finished.success(), &transcript);
            return None;
        }
        Err(reason) => {
            check.skip(Need::Netns, &reason.to_string());
            return None;
        }
    }
    check.note(
        "entered",
        "a network of its own",
        "nothing but a loopback interface",
    );
    // A sandbox around the program may not stand being in another one. A command line without a subcommand tells:
    // `main`, which is given, ends with 2. (101 is a panic.)
    if known.is_none() && !matches!(check.run::<&str>([]).code, Some(2 | 101)) {
        check.skip(
            Need::Netns,
            "the program does not start in a network of its own",
        );
        return None;
    }
    Some(check)
}

/// Says by ICMP that no socket receives at `to`, as if a datagram from `from` had only now got there: "port
/// unreachable", type 3 with code 3 (RFC 792), with the beginning of that datagram (IP header, UDP header). The kernel
/// tells it to the socket that has the address `from` and is connected to `to`. Within [`own_network`] alone may
/// everybody send ICMP.
///
/// # Errors
/// It may not be sent.
pub fn refuse(from: SocketAddrV4, to: SocketAddrV4) -> io::Result<()> {
    use socket2::{Domain, Protocol, Socket, Type};
    let frame = Frame::udp(from.into(), to.into(), []).bytes();
    let datagram = frame.map_err(io::Error::other)?.split_off(ETHERNET_HEADER);
    let mut message = [&[3, 3, 0, 0, 0, 0, 0, 0], &datagram[..]].concat();
    let checksum = etherparse::checksum::Sum16BitWords::new()
        .add_slice(&message)
        .ones_complement();
    message[2..4].copy_from_slice(&checksum.to_ne_bytes());
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4))?;
    let back = SocketAddr::from((*from.ip(), 0));
    socket.send_to(&message, &back.into()).map(|_| ())
}
