//! Given: the three datagrams of this lab. Each is one line of text without a newline.
#![allow(dead_code, reason = "your modules use it once they are written")]

/// The most bytes that a datagram of this lab has.
pub const MAX: usize = 64;

/// What a datagram says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// `wirelab announce NAME`: somebody is there.
    Announce(String),
    /// `wirelab query ID`: who is there? ID is a number; whoever asks chooses it.
    Query(u32),
    /// `wirelab answer ID NAME`: the answer to the query with this number.
    Answer(u32, String),
}

impl Message {
    /// What `bytes` say; None when they are no datagram of this lab.
    pub fn parse(bytes: &[u8]) -> Option<Message> {
        if bytes.len() > MAX {
            return None;
        }
        let words: Vec<&str> = std::str::from_utf8(bytes).ok()?.split(' ').collect();
        match words[..] {
            ["wirelab", "announce", name] if is_name(name) => Some(Message::Announce(name.into())),
            ["wirelab", "query", id] => Some(Message::Query(id.parse().ok()?)),
            ["wirelab", "answer", id, name] if is_name(name) => {
                Some(Message::Answer(id.parse().ok()?, name.into()))
            }
            _ => None,
        }
    }
}

/// The bytes of the datagram.
impl std::fmt::Display for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Message::Announce(name) => write!(f, "wirelab announce {name}"),
            Message::Query(id) => write!(f, "wirelab query {id}"),
            Message::Answer(id, name) => write!(f, "wirelab answer {id} {name}"),
        }
    }
}

/// Whether `text` can be a name: 1 to 32 ASCII letters, digits and hyphens.
pub fn is_name(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
