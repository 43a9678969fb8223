//! What lies in sockets and their queues: memory of the kernel's, which stands in no process.
//!
//! TCP and UDP have so much of it for the whole machine (tcp(7), `tcp_mem`). A program that takes it all takes it from
//! every other program, in whatever namespace. For unix(7) and netlink(7) there is no bound but that of each socket. A
//! socket itself counts as well: those that wait to be accepted have no descriptor that could be counted.

use std::fs;
use std::io;
use std::sync::LazyLock;

use netlink_packet_core::{
    DefaultNla, NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload, Nla as _,
};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP};
use netlink_packet_sock_diag::inet::nlas::{MemInfo, Nla};
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, SocketId, StateFlags};
use netlink_packet_sock_diag::unix;
use netlink_sys::protocols::NETLINK_SOCK_DIAG;
use netlink_sys::{Socket, SocketAddr};

/// The most that one submission's sockets hold, in bytes: ten times what the checks of all labs at once need.
const MOST: u64 = 128 << 20;

/// So few sockets hold less in any case.
const FEW: u64 = 32;

/// What a socket itself takes, in bytes, or a little more: one of TCP, and one of unix(7).
const OF_TCP: u64 = 4096;
const OF_UNIX: u64 = 2048;

/// The state of a socket that listens (TCP_LISTEN of linux/tcp_states.h), for unix(7) too.
const LISTENS: u8 = 10;

/// UDIAG_SHOW_UID and UNIX_DIAG_UID (linux/unix_diag.h, since Linux 5.3): whose an AF_UNIX socket is.
const SHOW_UID: u32 = 0x40;
const UID: u16 = 7;

/// Whose sockets are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// All of this network: it is the submission's alone.
    Network,
    /// Those of this user, in the machine's network.
    User(u32),
}

/// Whether these sockets hold more than one submission's may.
pub(super) fn are_too_full(whose: Whose) -> bool {
    let text = fs::read_to_string("/proc/self/net/sockstat").unwrap_or_default();
    let most = *ALLOWED;
    let by_number = whose == Whose::Network && number(&text, "TCP: inuse ") * OF_TCP > most;
    // Seldom is so much in all of the machine's queues, and only then is it asked whose it is: that takes longer.
    let by_internet =
        || in_all(&text) > most && of_internet(whose, most).is_ok_and(|bytes| bytes > most);
    let has_more = number(&text, "sockets: used ") > FEW;
    by_number
        || by_internet()
        || has_more && of_unix(whose, most).is_ok_and(|bytes| bytes > most)
        || has_more && whose == Whose::Network && of_netlink() > most
}

/// The most that one submission's sockets may hold on this machine: less than half of where the kernel begins to be
/// sparing with it, in bytes. Asked once, since the watch looks many times a second.
static ALLOWED: LazyLock<u64> = LazyLock::new(|| {
    let sizes = fs::read_to_string("/proc/sys/net/ipv4/tcp_mem").unwrap_or_default();
    let pressure = sizes.split_whitespace().nth(1);
    let pages: Option<u64> = pressure.and_then(|pages| pages.parse().ok());
    pages.map_or(MOST, |pages| MOST.min(in_bytes(pages) / 2))
});

/// The sum of what stands behind `name`: of this network's sockets, or of all (proc(5), `sockstat`).
fn number(text: &str, name: &str) -> u64 {
    let numbers = text.lines().filter_map(|line| {
        let (_, rest) = line.split_once(name)?;
        rest.split_whitespace().next()?.parse::<u64>().ok()
    });
    numbers.sum()
}

/// What lies in TCP's sockets and in TCP's and UDP's queues of all networks, in bytes.
fn in_all(text: &str) -> u64 {
    in_bytes(number(text, " mem ")) + number(text, " alloc ") * OF_TCP
}

/// What lies in the queues of this network's netlink sockets, in bytes: the fifth of its numbers is what waits to be
/// read.
fn of_netlink() -> u64 {
    let all = fs::read_to_string("/proc/self/net/netlink").unwrap_or_default();
    let waiting = all
        .lines()
        .filter_map(|line| line.split_whitespace().nth(4));
    waiting.filter_map(|bytes| bytes.parse::<u64>().ok()).sum()
}

fn in_bytes(pages: u64) -> u64 {
    pages * rustix::param::page_size() as u64
}

/// What these sockets of TCP and UDP are, and what lies in their queues, in bytes (sock_diag(7)). More than `enough` is
/// not counted to its end.
fn of_internet(whose: Whose, enough: u64) -> io::Result<u64> {
    let mut bytes = 0;
    for family in [AF_INET, AF_INET6] {
        for protocol in [IPPROTO_TCP, IPPROTO_UDP] {
            let request = SockDiagMessage::InetRequest(InetRequest {
                family,
                protocol,
                extensions: ExtensionFlags::SKMEMINFO,
                states: StateFlags::all(),
                socket_id: SocketId::new_v4(),
            });
            bytes += sum(request, enough, |socket| {
                let SockDiagMessage::InetResponse(socket) = socket else {
                    return 0;
                };
                let counts = match whose {
                    Whose::Network => true,
                    Whose::User(uid) => socket.header.uid == uid,
                };
                let memory = socket.nlas.iter().find_map(|nla| match nla {
                    Nla::MemInfo(memory) => Some(memory),
                    _ => None,
                });
                memory.filter(|_| counts).map_or(0, held)
            })?;
        }
    }
    Ok(bytes)
}

/// What lies in these AF_UNIX sockets' queues, in bytes: each counts what it has sent, and one that listens those that
/// wait to be accepted. More than `enough` is not counted to its end.
fn of_unix(whose: Whose, enough: u64) -> io::Result<u64> {
    let request = SockDiagMessage::UnixRequest(unix::UnixRequest {
        state_flags: unix::StateFlags::all(),
        inode: 0,
        show_flags: unix::ShowFlags::RQLEN | unix::ShowFlags::from_bits_retain(SHOW_UID),
        cookie: [0xff; 8],
    });
    sum(request, enough, |socket| {
        let SockDiagMessage::UnixResponse(socket) = socket else {
            return 0;
        };
        let (mut memory, mut owner) = (0, None);
        for nla in &socket.nlas {
            match nla {
                unix::nlas::Nla::ReceiveQueueLength(waiting, sent) => {
                    memory = match socket.header.state {
                        LISTENS => u64::from(*waiting) * OF_UNIX,
                        _ => u64::from(*sent),
                    }
                }
                unix::nlas::Nla::Other(other) if other.kind() == UID => owner = value(other),
                _ => {}
            }
        }
        match whose {
            Whose::User(uid) if owner != Some(uid) => 0,
            _ => memory,
        }
    })
}

/// The number that an attribute is.
fn value(nla: &DefaultNla) -> Option<u32> {
    let mut bytes = vec![0; nla.value_len()];
    nla.emit_value(&mut bytes);
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

/// What a socket is and holds, in bytes.
fn held(memory: &MemInfo) -> u64 {
    let parts = [memory.receive_queue, memory.send_queue, memory.cache];
    OF_TCP + parts.into_iter().map(u64::from).sum::<u64>()
}

/// What `of` makes of all sockets of this process's network that are asked for, together; more than `enough` is not
/// counted to its end.
fn sum(
    request: SockDiagMessage,
    enough: u64,
    of: impl Fn(&SockDiagMessage) -> u64,
) -> io::Result<u64> {
    let mut sum = 0;
    let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let mut request = NetlinkMessage::new(header, request.into());
    request.finalize();
    let mut bytes = vec![0; request.buffer_len()];
    request.serialize(&mut bytes);
    socket.send(&bytes, 0)?;
    loop {
        let (answer, _) = socket.recv_from_full()?;
        let mut rest = &answer[..];
        while !rest.is_empty() {
            let message = NetlinkMessage::<SockDiagMessage>::deserialize(rest);
            let message = message.map_err(io::Error::other)?;
            match message.payload {
                NetlinkPayload::InnerMessage(one) => sum += of(&one),
                NetlinkPayload::Done(_) => return Ok(sum),
                NetlinkPayload::Error(error) => return Err(error.to_io()),
                _ => {}
            }
            // Each begins at a multiple of four (netlink(7), NLMSG_ALIGN).
            let length = (message.header.length as usize).next_multiple_of(4).max(4);
            rest = rest.get(length..).unwrap_or_default();
        }
        if sum > enough {
            return Ok(sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn what_nobody_reads_is_counted_and_only_here() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut full = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        full.set_nonblocking(true).unwrap();
        let mut wrote = 0;
        while let Ok(n) = full.write(&[1; 65536]) {
            wrote += n as u64;
        }
        let user = Whose::User(rustix::process::geteuid().as_raw());
        // Others of the machine's sockets come and go meanwhile; these alone hold so much.
        assert!(
            wrote > 100_000 && of_internet(user, u64::MAX).unwrap() >= wrote / 2,
            "{wrote}"
        );
        let text = fs::read_to_string("/proc/self/net/sockstat").unwrap();
        assert!(
            of_internet(Whose::Network, u64::MAX).unwrap() > 0 && in_all(&text) > 0,
            "{text}"
        );
        let nobody = Whose::User(4_000_000_000);
        assert_eq!(
            of_internet(nobody, u64::MAX).unwrap() + of_unix(nobody, u64::MAX).unwrap(),
            0
        );

        assert!(number(&text, "TCP: inuse ") > 0, "{text}");
        assert!(number(&text, "sockets: used ") > 0, "{text}");

        // Others of this user close theirs meanwhile, so it is tried until ours are seen.
        let mut kept = Vec::new();
        assert!((0..100).any(|_| {
            let before = of_internet(user, u64::MAX).unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            for _ in 0..100 {
                drop(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
            }
            let after = of_internet(user, u64::MAX).unwrap();
            kept.push(listener);
            after >= before + 50 * OF_TCP
        }));
        let mut kept = Vec::new();
        assert!((0..100).any(|_| {
            let before = of_unix(user, u64::MAX).unwrap();
            let (mut full, other) = std::os::unix::net::UnixStream::pair().unwrap();
            full.set_nonblocking(true).unwrap();
            while full.write(&[1; 65536]).is_ok() {}
            let after = of_unix(user, u64::MAX).unwrap();
            kept.push((full, other));
            after > before + 100_000
        }));
    }
}
