//! Given: a piece of a frame, and what can be wrong with one.
#![allow(dead_code, reason = "some of it is used only once your code calls it")]
use std::fmt;

// ANCHOR: piece
/// The bytes that one layer was handed: those that the capture holds,
/// and how many there were.
///
/// A capture may be told to keep only the first bytes of each frame (its
/// *snap length*), so that the two differ. `captured.len()` is never more
/// than `length`.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// The bytes that we have, from the piece's first on.
    pub captured: &'a [u8],
    /// How many bytes the piece had on the wire.
    pub length: usize,
}
// ANCHOR_END: piece

impl<'a> Piece<'a> {
    /// A piece of `length` bytes, of which `captured` are here.
    pub fn new(captured: &'a [u8], length: usize) -> Self {
        let length = length.max(captured.len());
        Piece { captured, length }
    }

    /// A piece of which every byte is here.
    pub fn whole(bytes: &'a [u8]) -> Self {
        Piece::new(bytes, bytes.len())
    }

    /// Whether the capture lacks some of its bytes.
    pub fn is_cut(&self) -> bool {
        self.captured.len() < self.length
    }

    /// The first `needed` bytes, to read a header from: exactly so many, so that every index below
    /// `needed` is safe.
    ///
    /// # Errors
    /// [`Fault::Short`] when the piece never had so many, [`Fault::Cut`] when it had and the
    /// capture lacks them. `layer` is the name that the message begins with.
    pub fn header(&self, layer: &'static str, needed: usize) -> Result<&'a [u8], Fault> {
        let have = self.captured.len();
        if needed > self.length {
            let have = self.length;
            Err(Fault::Short {
                layer,
                needed,
                have,
            })
        } else if needed > have {
            Err(Fault::Cut {
                layer,
                needed,
                have,
            })
        } else {
            Ok(&self.captured[..needed])
        }
    }

    /// What comes after the first `n` bytes; an empty piece when there are fewer.
    pub fn after(&self, n: usize) -> Piece<'a> {
        Piece {
            captured: self.captured.get(n..).unwrap_or_default(),
            length: self.length.saturating_sub(n),
        }
    }

    /// The first `n` bytes without the rest; the whole piece when it has no more than `n`.
    pub fn first(&self, n: usize) -> Piece<'a> {
        Piece {
            captured: &self.captured[..n.min(self.captured.len())],
            length: self.length.min(n),
        }
    }
}

/// Why a layer could not be read. `layer` is `"pcap"`, `"ethernet"`, `"ipv4"`, `"ipv6"`, `"udp"`
/// or `"tcp"`.
#[derive(Debug)]
pub enum Fault {
    /// The capture kept fewer bytes than the header needs; there were more on the wire.
    Cut {
        /// Whose header it is.
        layer: &'static str,
        /// How many bytes are needed.
        needed: usize,
        /// How many were captured.
        have: usize,
    },
    /// There never were as many bytes as the header needs.
    Short {
        /// Whose header it is.
        layer: &'static str,
        /// How many bytes are needed.
        needed: usize,
        /// How many there are.
        have: usize,
    },
    /// A field says what cannot be.
    Invalid {
        /// Whose field it is.
        layer: &'static str,
        /// A few words for a person: which field, what it says, what it may say.
        problem: String,
    },
}

impl Fault {
    /// A [`Fault::Invalid`].
    pub fn invalid(layer: &'static str, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Fault::Invalid { layer, problem }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Fault::Cut {
                layer,
                needed,
                have,
            } => {
                write!(f, "{layer}: {needed} bytes needed, {have} captured")
            }
            Fault::Short {
                layer,
                needed,
                have,
            } => {
                write!(f, "{layer}: {needed} bytes needed, {have} present")
            }
            Fault::Invalid { layer, problem } => write!(f, "{layer}: {problem}"),
        }
    }
}
