//! One segment of the list: what its TCP header says.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::fmt;
use std::net::SocketAddr;

/// A TCP segment, as far as open and close go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// When, as the list wrote it: seconds. Nothing is concluded from it.
    pub time: Option<String>,
    pub source: SocketAddr,
    pub destination: SocketAddr,
    pub flags: Flags,
    /// The sequence number of its first byte, or of its SYN.
    pub seq: u32,
    /// The next sequence number that the sender expects from the other end. Means something only
    /// where `flags.ack` is set.
    pub ack: u32,
    /// Bytes of data.
    pub len: u32,
}

/// The control bits (RFC 9293 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags {
    pub syn: bool,
    pub ack: bool,
    pub fin: bool,
    pub rst: bool,
    pub psh: bool,
    pub urg: bool,
    pub ece: bool,
    pub cwr: bool,
}

impl Flags {
    /// Reads the names of flags between commas, in any order: `SYN`, `SYN,ACK`, `PSH,FIN,ACK`.
    ///
    /// The names are `SYN ACK FIN RST PSH URG ECE CWR`, in capitals. A single `-` stands for no
    /// flag at all. A name that comes twice counts once.
    ///
    /// # Errors
    /// The first name that is not one of these eight, as it was written (an empty one too).
    pub fn parse(word: &str) -> Result<Flags, String> {
        todo!("the flags that `word` names, or the name that is none")
    }
}

impl Segment {
    /// The sequence number after this segment: the one with which its sender goes on.
    ///
    /// Every byte of data takes up one number, and so does a SYN, and so does a FIN. Numbers are
    /// counted modulo 2^32: after 4294967295 comes 0.
    pub fn next(&self) -> u32 {
        todo!("the sequence number after this segment")
    }
}

// Given from here on.

/// Reads a whole list. The error names the line.
pub fn parse_list(text: &str) -> Result<Vec<Segment>, String> {
    let mut segments = Vec::new();
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        // A `#` begins a comment, anywhere in the line.
        let line = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> = line.split_whitespace().collect();
        if !words.is_empty() {
            segments.push(parse_line(&words).map_err(|reason| format!("line {number}: {reason}"))?);
        }
    }
    Ok(segments)
}

/// Reads `[TIME] SOURCE > DESTINATION FLAGS seq=N [ack=N] [len=N]`.
fn parse_line(words: &[&str]) -> Result<Segment, String> {
    let arrow = words.iter().position(|word| *word == ">");
    let (time, words) = match arrow {
        Some(1) => (None, words),
        Some(2) => (Some(parse_time(words[0])?), &words[1..]),
        _ => {
            return Err(
                "expected `[TIME] SOURCE > DESTINATION FLAGS seq=N …`, with spaces around `>`"
                    .into(),
            );
        }
    };
    let [source, _, destination, flags, fields @ ..] = words else {
        return Err("the line ends too early: after `>` come DESTINATION, FLAGS and seq=N".into());
    };
    let (source, destination) = (parse_addr(source)?, parse_addr(destination)?);
    let flags = Flags::parse(flags).map_err(|name| {
        format!("{name:?} is no flag: write SYN, ACK, FIN, RST, PSH, URG, ECE, CWR between commas, or - for none")
    })?;
    let (mut seq, mut ack, mut len) = (None, None, None);
    for field in fields {
        let (key, value) = field
            .split_once('=')
            .ok_or_else(|| format!("{field:?} is no field: write seq=N, ack=N or len=N"))?;
        let (place, most) = match key {
            "seq" => (&mut seq, u32::MAX),
            "ack" => (&mut ack, u32::MAX),
            "len" => (&mut len, 65_535),
            _ => {
                return Err(format!(
                    "no field is called {key:?}: write seq=N, ack=N or len=N"
                ));
            }
        };
        let number = value
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| value.parse::<u32>().ok())
            .flatten();
        let number = number
            .filter(|n| *n <= most)
            .ok_or_else(|| format!("{field}: not a number from 0 to {most}"))?;
        if place.replace(number).is_some() {
            return Err(format!("{key}= stands there twice"));
        }
    }
    let seq = seq.ok_or("seq=N is missing: every segment has a sequence number")?;
    match (flags.ack, ack) {
        (true, None) => return Err("the flag ACK is set, so ack=N must be there".into()),
        (false, Some(_)) => {
            return Err(
                "ack=N without the flag ACK means nothing: set the flag or leave ack= out".into(),
            );
        }
        _ => {}
    }
    Ok(Segment {
        time,
        source,
        destination,
        flags,
        seq,
        ack: ack.unwrap_or(0),
        len: len.unwrap_or(0),
    })
}

fn parse_addr(word: &str) -> Result<SocketAddr, String> {
    word.parse().map_err(|_| {
        format!("{word:?} is no address with a port, such as 127.0.0.1:40000 or [::1]:40000")
    })
}

fn parse_time(word: &str) -> Result<String, String> {
    let (whole, fraction) = word.split_once('.').unwrap_or((word, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits(whole) && digits(fraction) {
        Ok(word.to_string())
    } else {
        Err(format!("{word:?} is no time in seconds, such as 0.000125"))
    }
}

/// As it is written in a list, in the order of the header's bits.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [
            (self.fin, "FIN"),
            (self.syn, "SYN"),
            (self.rst, "RST"),
            (self.psh, "PSH"),
            (self.ack, "ACK"),
            (self.urg, "URG"),
            (self.ece, "ECE"),
            (self.cwr, "CWR"),
        ];
        let names: Vec<&str> = all
            .into_iter()
            .filter(|(set, _)| *set)
            .map(|(_, name)| name)
            .collect();
        f.write_str(
            if names.is_empty() {
                "-".into()
            } else {
                names.join(",")
            }
            .as_str(),
        )
    }
}

/// As it is written in a list.
impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(time) = &self.time {
            write!(f, "{time} ")?;
        }
        write!(
            f,
            "{} > {} {} seq={}",
            self.source, self.destination, self.flags, self.seq
        )?;
        if self.flags.ack {
            write!(f, " ack={}", self.ack)?;
        }
        if self.len > 0 {
            write!(f, " len={}", self.len)?;
        }
        Ok(())
    }
}
