//! Given: what peeling a frame yields, and how it is printed.
#![allow(dead_code, reason = "some of it is used only once your code makes it")]
use std::fmt;

use crate::checksum::Checked;
use crate::ethernet::Ethernet;
use crate::ipv4::Ipv4;
use crate::ipv6::Ipv6;
use crate::piece::{Fault, Piece};
use crate::tcp::Tcp;
use crate::udp::Udp;

/// How many bytes of a payload are printed.
const SHOWN: usize = 32;

/// One layer of a frame: one line of the output.
#[derive(Debug)]
pub enum Layer<'a> {
    /// An Ethernet header.
    Ethernet(Ethernet),
    /// An IPv4 header; each of its options is a line of its own.
    Ipv4(Ipv4),
    /// An IPv6 header.
    Ipv6(Ipv6),
    /// A UDP header, and what its checksum is worth.
    Udp(Udp, Checked),
    /// A TCP header, and what its checksum is worth.
    Tcp(Tcp, Checked),
    /// What the innermost header that could be read carries.
    Payload(Piece<'a>),
    /// So many bytes after the end of the IP packet, there to fill the frame up. Never 0.
    Padding(usize),
    /// Why peeling stopped; always the last one.
    Fault(Fault),
}

impl fmt::Display for Layer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Layer::Ethernet(header) => write!(f, "{header}"),
            Layer::Ipv4(header) => write!(f, "{header}"),
            Layer::Ipv6(header) => write!(f, "{header}"),
            Layer::Udp(header, checked) => write!(f, "{header} {checked}"),
            Layer::Tcp(header, checked) => write!(f, "{header} {checked}"),
            Layer::Payload(piece) => {
                let have = piece.captured.len();
                write!(f, "payload ")?;
                if piece.is_cut() {
                    write!(f, "{have} of ")?;
                }
                let shown = &piece.captured[..have.min(SHOWN)];
                write!(f, "{} bytes \"{}\"", piece.length, shown.escape_ascii())?;
                if have > SHOWN {
                    write!(f, "...")?;
                }
                Ok(())
            }
            Layer::Padding(bytes) => write!(f, "padding {bytes} bytes"),
            Layer::Fault(fault @ Fault::Cut { .. }) => write!(f, "cut {fault}"),
            Layer::Fault(fault) => write!(f, "malformed {fault}"),
        }
    }
}
