//! Reading and setting an option.
use std::io;
// only:
use std::io::ErrorKind;
use std::time::Duration;
// end

use socket2::Socket;

use crate::setting::{Name, Setting};

/// Step 2. The value that the option has now (getsockopt).
pub fn get(socket: &Socket, name: Name) -> io::Result<Setting> {
    // write: "the option's value, asked of the kernel"
    // For the kernel each of these is a few bytes: an int, also for on and off, or a small structure.
    // `socket2` knows which option has which.
    Ok(match name {
        Name::ReuseAddr => Setting::ReuseAddr(socket.reuse_address()?),
        Name::KeepAlive => Setting::KeepAlive(socket.keepalive()?),
        Name::RcvBuf => Setting::RcvBuf(socket.recv_buffer_size()?),
        Name::Linger => Setting::Linger(socket.linger()?),
        Name::RcvTimeo => Setting::RcvTimeo(socket.read_timeout()?),
        Name::NoDelay => Setting::NoDelay(socket.tcp_nodelay()?),
        Name::Ttl => Setting::Ttl(socket.ttl_v4()?),
    })
    // end
}

/// Step 2. Sets the option (setsockopt), and returns what the kernel has made of it: the value that
/// [`get`] finds afterwards, which need not be the one that was asked for.
///
/// Two values are refused with [`InvalidInput`](io::ErrorKind::InvalidInput), and nothing is set,
/// because setsockopt would take them for something else and say nothing:
/// - a linger time that is not in whole seconds, since the rest would be cut off: half a second would
///   be none;
/// - a receive timeout of zero, since zero stands for "wait for ever" there, which is `None` here.
///
/// A linger time of zero is no such value. It has a meaning of its own: close sends a reset.
pub fn set(socket: &Socket, setting: Setting) -> io::Result<Setting> {
    // write: "set it, and return what the option is now"
    let refused = |reason| Err(io::Error::new(ErrorKind::InvalidInput, reason));
    let name = match setting {
        Setting::ReuseAddr(on) => {
            socket.set_reuse_address(on)?;
            Name::ReuseAddr
        }
        Setting::KeepAlive(on) => {
            socket.set_keepalive(on)?;
            Name::KeepAlive
        }
        Setting::RcvBuf(bytes) => {
            socket.set_recv_buffer_size(bytes)?;
            Name::RcvBuf
        }
        Setting::Linger(Some(time)) if time.subsec_nanos() != 0 => {
            return refused("a linger time is in whole seconds");
        }
        Setting::Linger(time) => {
            if time.is_some() {
                socket.set_linger(time)?;
            }
            Name::Linger
        }
        Setting::RcvTimeo(Some(Duration::ZERO)) => {
            return refused("a timeout of zero would be none");
        }
        Setting::RcvTimeo(time) => {
            if time.is_some() {
                socket.set_read_timeout(time)?;
            }
            Name::RcvTimeo
        }
        Setting::NoDelay(on) => {
            socket.set_tcp_nodelay(on)?;
            Name::NoDelay
        }
        Setting::Ttl(routers) => {
            socket.set_ttl_v4(routers)?;
            Name::Ttl
        }
    };
    // A request, and not an assignment: the kernel rounds, doubles and cuts to its limits (socket(7)).
    get(socket, name)
    // end
}
