//! Given: the options that this program knows, their levels, and their values as text.
use std::fmt;
use std::time::Duration;

// ANCHOR: setting
/// The name of an option. Each belongs to a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    ReuseAddr,
    KeepAlive,
    RcvBuf,
    Linger,
    RcvTimeo,
    NoDelay,
    Ttl,
}

/// An option with a value, of the type that this option has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// SO_REUSEADDR: on or off.
    ReuseAddr(bool),
    /// SO_KEEPALIVE: on or off.
    KeepAlive(bool),
    /// SO_RCVBUF: a number of bytes.
    RcvBuf(usize),
    /// SO_LINGER: off, or a time in whole seconds.
    Linger(Option<Duration>),
    /// SO_RCVTIMEO: off, or a time.
    RcvTimeo(Option<Duration>),
    /// TCP_NODELAY: on or off.
    NoDelay(bool),
    /// IP_TTL: a number of routers.
    Ttl(u32),
}
// ANCHOR_END: setting

/// Each option with its level and its name, as C and Python have them.
const NAMES: [(Name, &str, &str); 7] = [
    (Name::ReuseAddr, "SOL_SOCKET", "SO_REUSEADDR"),
    (Name::KeepAlive, "SOL_SOCKET", "SO_KEEPALIVE"),
    (Name::RcvBuf, "SOL_SOCKET", "SO_RCVBUF"),
    (Name::Linger, "SOL_SOCKET", "SO_LINGER"),
    (Name::RcvTimeo, "SOL_SOCKET", "SO_RCVTIMEO"),
    (Name::NoDelay, "IPPROTO_TCP", "TCP_NODELAY"),
    (Name::Ttl, "IPPROTO_IP", "IP_TTL"),
];

impl Name {
    /// Reads `LEVEL/OPTION`.
    pub fn parse(text: &str) -> Result<Name, String> {
        let (level, option) = text
            .split_once('/')
            .ok_or_else(|| format!("{text} is no LEVEL/OPTION, like SOL_SOCKET/SO_RCVBUF"))?;
        let known = NAMES.iter().find(|(_, _, name)| *name == option);
        let Some((name, right, _)) = known else {
            return Err(format!("there is no option {option} here"));
        };
        if *right != level {
            return Err(format!("{option} is of the level {right}"));
        }
        Ok(*name)
    }
}

impl Setting {
    /// Reads the value of an option: `on` or `off`, a number, or `off` and a number of milliseconds.
    pub fn parse(name: Name, text: &str) -> Result<Setting, String> {
        let switch = || match text {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err(format!("{text} is neither on nor off")),
        };
        let number = || {
            let number: Option<u32> = text.parse().ok();
            let number = number.filter(|n| *n <= i32::MAX.unsigned_abs());
            number.ok_or_else(|| format!("{text} is no number from 0 to {}", i32::MAX))
        };
        let time = || match text {
            "off" => Ok(None),
            _ => number().map(|ms| Some(Duration::from_millis(ms.into()))),
        };
        Ok(match name {
            Name::ReuseAddr => Setting::ReuseAddr(switch()?),
            Name::KeepAlive => Setting::KeepAlive(switch()?),
            Name::RcvBuf => Setting::RcvBuf(number()? as usize),
            Name::Linger => Setting::Linger(time()?),
            Name::RcvTimeo => Setting::RcvTimeo(time()?),
            Name::NoDelay => Setting::NoDelay(switch()?),
            Name::Ttl => Setting::Ttl(number()?),
        })
    }
}

impl fmt::Display for Setting {
    /// The value alone, as [`Setting::parse`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setting::ReuseAddr(on) | Setting::KeepAlive(on) | Setting::NoDelay(on) => {
                f.write_str(if *on { "on" } else { "off" })
            }
            Setting::RcvBuf(bytes) => write!(f, "{bytes}"),
            Setting::Ttl(routers) => write!(f, "{routers}"),
            Setting::Linger(None) | Setting::RcvTimeo(None) => f.write_str("off"),
            Setting::Linger(Some(time)) | Setting::RcvTimeo(Some(time)) => {
                write!(f, "{}", time.as_millis())
            }
        }
    }
}
