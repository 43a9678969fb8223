//! Recording every packet of an interface, as the kernel hands it over (Linux: `packet(7)`).
//!
//! It needs a network of one's own ([`crate::netns`]) or privileges.
//!
//! ```no_run
//! use std::time::Duration;
//! use wire::record::Recorder;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! wire::netns::enter()?;
//! let mut recorder = Recorder::start("lo")?;
//! // … traffic …
//! recorder.wait_for(Duration::from_secs(10), |packets| packets.len() == 7)?;
//! recorder.stop()?.write("traffic.pcap".as_ref())?;
//! # Ok(())
//! # }
//! ```

use std::time::{Duration, Instant};

use thiserror::Error;

use crate::capture::{Capture, Packet};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux::Tap;

/// Why nothing can be recorded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The system is not Linux.
    #[error("recording packets needs Linux; this is {system}")]
    NotLinux {
        /// The system's name, as Rust has it.
        system: &'static str,
    },
    /// The interface cannot be opened for recording.
    #[error(
        "{interface}: cannot record: {step}: {source}; record inside a network of your own, see wire::netns"
    )]
    Start {
        /// Which interface.
        interface: String,
        /// What was tried.
        step: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A packet could not be taken from the kernel.
    #[error("cannot take a packet from the kernel: {0}")]
    Receive(std::io::Error),
    /// The kernel had to drop packets, because nobody took them in time.
    #[error("the kernel dropped {dropped} packets: they came faster than they were taken")]
    Dropped {
        /// How many.
        dropped: u32,
    },
    /// What was waited for did not come.
    #[error("not recorded within {waited:?}; {} packets were", packets.len())]
    TimedOut {
        /// How long.
        waited: Duration,
        /// What was recorded by then.
        packets: Vec<Packet>,
    },
}

/// Records an interface, from [`Recorder::start`] on. On `lo` every packet is recorded once, on other interfaces in
/// both directions.
///
/// On `lo` a packet has been recorded as soon as the call that sent it has returned.
#[derive(Debug)]
pub struct Recorder {
    #[cfg(target_os = "linux")]
    tap: Tap,
    packets: Vec<Packet>,
}

impl Recorder {
    /// Begins to record this interface, `lo` for instance, of the network the calling thread is in.
    ///
    /// # Errors
    /// No such interface, no permission, not Linux.
    pub fn start(interface: &str) -> Result<Recorder, RecordError> {
        #[cfg(target_os = "linux")]
        return Ok(Recorder {
            tap: Tap::open(interface)?,
            packets: Vec::new(),
        });
        #[cfg(not(target_os = "linux"))]
        {
            let _ = interface;
            Err(RecordError::NotLinux {
                system: std::env::consts::OS,
            })
        }
    }

    /// The packets recorded so far, in order.
    ///
    /// # Errors
    /// The kernel fails to hand them over.
    pub fn packets(&mut self) -> Result<&[Packet], RecordError> {
        #[cfg(target_os = "linux")]
        self.tap.take(&mut self.packets)?;
        Ok(&self.packets)
    }

    /// Waits until the packets recorded are as wanted.
    ///
    /// # Errors
    /// They are not within the time given ([`RecordError::TimedOut`]).
    pub fn wait_for(
        &mut self,
        time: Duration,
        wanted: impl Fn(&[Packet]) -> bool,
    ) -> Result<&[Packet], RecordError> {
        let started = Instant::now();
        loop {
            if wanted(self.packets()?) {
                return Ok(&self.packets);
            }
            let waited = started.elapsed();
            if waited >= time {
                return Err(RecordError::TimedOut {
                    waited,
                    packets: std::mem::take(&mut self.packets),
                });
            }
            #[cfg(target_os = "linux")]
            self.tap.wait(time.saturating_sub(waited))?;
        }
    }

    /// Ends the recording.
    ///
    /// # Errors
    /// The kernel had to drop packets, or fails to hand them over.
    pub fn stop(mut self) -> Result<Capture, RecordError> {
        self.packets()?;
        #[cfg(target_os = "linux")]
        match self.tap.dropped()? {
            0 => {}
            dropped => return Err(RecordError::Dropped { dropped }),
        }
        Ok(Capture::new(self.packets))
    }
}
