//! Packets: record them, read them, craft them.
//!
//! | module | does |
//! |---|---|
//! | [`capture`] | capture files (classic pcap): read, write, in both byte orders and resolutions |
//! | [`craft`] | builds frames, right ones and deliberately damaged ones, and whole TCP conversations |
//! | [`read`] | parses a frame into its layers, with a verdict on every checksum |
//! | [`netns`] | runs a test or a program in a network of its own, without privileges (Linux) |
//! | [`record`] | records every packet of an interface into a capture (Linux) |
//!
//! [`netns`] is always there; the others stand behind the feature `packets`, which is on by default. The feature
//! `checks` adds what the checks of labs need that run in a network of their own: `own_network` and `refuse`.
//! On systems other than Linux, [`netns`] and [`record`] are there as well, and answer with an error that says
//! why they cannot.
//!
//! A handshake, crafted, written to a file and read back:
//!
//! ```no_run
//! use wire::capture::Capture;
//! use wire::craft::Conversation;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let talk = Conversation::new();
//! let (client, server) = talk.connection("10.0.0.1:40000".parse()?, "10.0.0.2:80".parse()?);
//! client.syn();
//! server.syn_ack();
//! client.ack();
//! talk.capture()?.write("handshake.pcap".as_ref())?;
//!
//! for packet in Capture::read("handshake.pcap".as_ref())?.packets {
//!     let (from, to, segment) = wire::read::frame(&packet.data).segment().expect("TCP");
//!     println!("{from} > {to} {}", segment.flags);
//! }
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "packets")]
pub mod capture;
#[cfg(feature = "checks")]
mod checks;
#[cfg(feature = "packets")]
pub mod craft;
pub mod netns;
#[cfg(feature = "packets")]
pub mod read;
#[cfg(feature = "packets")]
pub mod record;

#[cfg(feature = "checks")]
pub use checks::{own_network, refuse};
