#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use super::linux::{lower, raise};

/// The name of a host's interface.
const INTERFACE: &str = "eth0";
pub(super) const INTERFACE_C: &std::ffi::CStr = c"eth0";

/// A host: a network namespace of its own, with `lo` and one Ethernet interface, `eth0`.
#[derive(Debug)]
pub struct Host {
    /// Its link-layer address.
    pub mac: [u8; 6],
    /// Its address.
    pub address: Ipv4Addr,
    /// The netmask of its network.
    pub mask: Ipv4Addr,
    namespace: File,
}

/// Two hosts and the cable between them: a veth pair (`veth(4)`), with real Ethernet addresses, ARP, and checksums
/// computed by the kernel rather than left to a network card.
#[derive(Debug)]
pub struct Veth {
    /// 10.0.0.1, 02:00:00:00:00:01.
    pub client: Host,
    /// 10.0.0.2, 02:00:00:00:00:02.
    pub server: Host,
}

/// Whether a host answers ARP requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It does.
    Yes,
    /// It stays silent.
    No,
}

impl Veth {
    /// Makes both hosts and connects them. The caller must be inside a network of its own already
    /// ([`super::enter`], [`super::inside`]).
    ///
    /// # Errors
    /// A step is not permitted, or the kernel has no veth.
    pub fn new() -> io::Result<Veth> {
        Veth::with_mask(Ipv4Addr::new(255, 255, 255, 0))
    }

    /// As [`Veth::new`], in a network with another netmask than 255.255.255.0. The network's broadcast address
    /// follows from it.
    ///
    /// # Errors
    /// As [`Veth::new`].
    pub fn with_mask(mask: Ipv4Addr) -> io::Result<Veth> {
        let host = |last: u8| -> io::Result<Host> {
            Ok(Host {
                mac: [0x02, 0, 0, 0, 0, last],
                address: Ipv4Addr::new(10, 0, 0, last),
                mask,
                namespace: thread::scope(|scope| scope.spawn(fresh_namespace).join())
                    .map_err(panicked)??,
            })
        };
        let (client, server) = (host(1)?, host(2)?);
        client.within(|| create_pair(&client, &server))??;
        for host in [&client, &server] {
            host.within(|| host.configure())??;
        }
        for host in [&client, &server] {
            host.within(wait_until_it_sends)??;
        }
        Ok(Veth { client, server })
    }
}

impl Host {
    /// Does something on this host: on a thread that is in its network. Sockets opened there stay there, whoever
    /// uses them.
    ///
    /// # Errors
    /// The network cannot be entered.
    pub fn within<T: Send>(&self, act: impl FnOnce() -> T + Send) -> io::Result<T> {
        let entered = thread::scope(|scope| {
            scope
                .spawn(|| {
                    // SAFETY: the descriptor is open and is a network namespace's; only this thread changes over.
                    if unsafe { libc::setns(self.namespace.as_raw_fd(), libc::CLONE_NEWNET) } != 0 {
                        return Err(io::Error::last_os_error());
                    }
                    Ok(act())
                })
                .join()
        });
        entered.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// The name of its Ethernet interface.
    pub fn interface(&self) -> &'static str {
        INTERFACE
    }

    /// Pulls the cable: what the host sends is lost, and nothing reaches it.
    ///
    /// # Errors
    /// The network cannot be entered, or the interface not be changed.
    pub fn disconnect(&self) -> io::Result<()> {
        self.within(|| lower(INTERFACE_C).map_err(|()| io::Error::last_os_error()))?
    }

    /// Plugs the cable in again.
    ///
    /// # Errors
    /// As [`Host::disconnect`].
    pub fn reconnect(&self) -> io::Result<()> {
        self.within(|| {
            raise(INTERFACE_C).map_err(|()| io::Error::last_os_error())?;
            wait_until_it_sends()
        })?
    }

    /// Whether the host answers when it is asked for its link-layer address, as it does at first. While it does not,
    /// nobody who has not asked before can send it anything.
    ///
    /// # Errors
    /// The network cannot be entered, or the kernel's setting (`arp_ignore`) not be changed.
    pub fn answer_arp(&self, answer: Answer) -> io::Result<()> {
        let setting = match answer {
            Answer::Yes => "0",
            Answer::No => "8",
        };
        self.within(|| std::fs::write("/proc/sys/net/ipv4/conf/all/arp_ignore", setting))?
    }

    /// Runs on the host itself.
    fn configure(&self) -> io::Result<()> {
        // IPv6 would announce itself on the cable at times of its own choosing.
        std::fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1").or_else(
            |error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            },
        )?;
        let socket = socket(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
        compute_checksums(&socket)?;
        set_address(&socket, libc::SIOCSIFADDR, self.address)?;
        set_address(&socket, libc::SIOCSIFNETMASK, self.mask)?;
        raise(INTERFACE_C).map_err(|()| io::Error::last_os_error())
    }
}

/// Waits until what is sent on this host's interface goes out. The kernel notices a new cable in a task of its own,
/// and until then drops what is sent without a word.
///
/// `IFF_RUNNING` (netdevice(7)) does not tell: it is set as well while the state has not been looked at.
fn wait_until_it_sends() -> io::Result<()> {
    const DEADLINE: Duration = Duration::from_secs(30);
    let began = Instant::now();
    while operational_state()? != Some(IF_OPER_UP) {
        if began.elapsed() > DEADLINE {
            return Err(io::Error::other(format!(
                "{INTERFACE} is connected and does not come up"
            )));
        }
        thread::sleep(Duration::from_millis(1));
    }
    // That task marks the interface before it is through with it, and keeps the lock that this needs.
    raise(INTERFACE_C).map_err(|()| io::Error::last_os_error())
}

/// The interface is up and can pass packets (RFC 2863, `ifOperStatus`; linux/if.h).
const IF_OPER_UP: u8 = 6;

/// The state of this host's interface, as the kernel has last seen it (`IFLA_OPERSTATE`, rtnetlink(7)).
fn operational_state() -> io::Result<Option<u8>> {
    const IFLA_OPERSTATE: u16 = 16;
    let name = attribute(libc::IFLA_IFNAME, b"eth0\0");
    let answer = ask(libc::RTM_GETLINK, 0, &[&INTERFACE_INFO[..], &name].concat())?;
    // struct nlmsghdr and struct ifinfomsg, of 16 bytes each, then the attributes.
    let mut rest = answer.get(32..).unwrap_or_default();
    while let [l0, l1, k0, k1, value @ ..] = rest {
        let length = usize::from(u16::from_ne_bytes([*l0, *l1]));
        if u16::from_ne_bytes([*k0, *k1]) == IFLA_OPERSTATE {
            return Ok(value.first().copied());
        }
        // Its four bytes of length and type are the least that an attribute has.
        rest = rest
            .get(length.max(4).next_multiple_of(4)..)
            .unwrap_or_default();
    }
    Ok(None)
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> io::Error {
    io::Error::other("the thread that makes the namespace panicked")
}

/// Takes the calling thread into a fresh network namespace and returns a descriptor of it.
fn fresh_namespace() -> io::Result<File> {
    // SAFETY: unshare takes flags only, and a network namespace may be left by one thread alone.
    if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
        return Err(io::Error::last_os_error());
    }
    raise(c"lo").map_err(|()| io::Error::last_os_error())?;
    File::open("/proc/thread-self/ns/net")
}

pub(super) fn socket(family: i32, kind: i32, protocol: i32) -> io::Result<OwnedFd> {
    // SAFETY: socket takes three numbers; a descriptor it returns is ours alone.
    unsafe {
        let fd = libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol);
        if fd < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(OwnedFd::from_raw_fd(fd))
        }
    }
}

pub(super) fn request() -> libc::ifreq {
    // SAFETY: an ifreq is numbers, addresses and pointers, for all of which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (slot, byte) in request.ifr_name.iter_mut().zip(INTERFACE.bytes()) {
        *slot = byte as libc::c_char;
    }
    request
}

/// Has the kernel compute checksums itself, so that a capture shows them as they would be on a wire.
fn compute_checksums(socket: &OwnedFd) -> io::Result<()> {
    const ETHTOOL_STXCSUM: u32 = 0x17;
    const SIOCETHTOOL: libc::Ioctl = 0x8946 as libc::Ioctl;
    // struct ethtool_value: a command and a number.
    let mut value = [ETHTOOL_STXCSUM, 0];
    let mut request = request();
    request.ifr_ifru.ifru_data = value.as_mut_ptr().cast();
    // SAFETY: the request points to an ethtool_value that lives until the call returns.
    match unsafe { libc::ioctl(socket.as_raw_fd(), SIOCETHTOOL, &mut request) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

pub(super) fn set_address(
    socket: &OwnedFd,
    what: libc::Ioctl,
    address: Ipv4Addr,
) -> io::Result<()> {
    let mut request = request();
    let inet = libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: 0,
        sin_addr: libc::in_addr {
            s_addr: u32::from(address).to_be(),
        },
        sin_zero: [0; 8],
    };
    // SAFETY: sockaddr_in and sockaddr have the same size, and the one is made to be passed as the other.
    request.ifr_ifru.ifru_addr =
        unsafe { std::mem::transmute::<libc::sockaddr_in, libc::sockaddr>(inet) };
    // SAFETY: both requests take an ifreq that holds an address.
    match unsafe { libc::ioctl(socket.as_raw_fd(), what, &request) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Creates a veth pair: this end here, the other in `there`'s namespace (`rtnetlink(7)`).
fn create_pair(here: &Host, there: &Host) -> io::Result<()> {
    const VETH_INFO_PEER: u16 = 1;
    let ends = |host: &Host| {
        [
            attribute(libc::IFLA_IFNAME, b"eth0\0"),
            attribute(libc::IFLA_ADDRESS, &host.mac),
        ]
        .concat()
    };
    let namespace = there.namespace.as_raw_fd().to_ne_bytes();
    let peer = [
        INTERFACE_INFO.to_vec(),
        ends(there),
        attribute(libc::IFLA_NET_NS_FD, &namespace),
    ]
    .concat();
    let info = [
        attribute(libc::IFLA_INFO_KIND, b"veth"),
        attribute(libc::IFLA_INFO_DATA, &attribute(VETH_INFO_PEER, &peer)),
    ]
    .concat();
    let body = [
        INTERFACE_INFO.to_vec(),
        ends(here),
        attribute(libc::IFLA_LINKINFO, &info),
    ]
    .concat();
    talk(
        libc::RTM_NEWLINK,
        libc::NLM_F_CREATE | libc::NLM_F_EXCL,
        &body,
    )
}

/// A `struct ifinfomsg` that says nothing: any family, any type, no index, no flags.
const INTERFACE_INFO: [u8; 16] = [0; 16];

/// A netlink attribute: its length, its type, its value, filled up to four bytes.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    // Everything here is a few dozen bytes.
    let length = (4 + value.len()) as u16;
    let mut bytes = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// Sends one netlink request and reads its acknowledgment.
fn talk(kind: u16, flags: i32, body: &[u8]) -> io::Result<()> {
    ask(kind, libc::NLM_F_ACK | flags, body).map(drop)
}

/// Sends one netlink request and reads its answer: a message with its header.
fn ask(kind: u16, flags: i32, body: &[u8]) -> io::Result<Vec<u8>> {
    let socket = socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE)?;
    let flags = (libc::NLM_F_REQUEST | flags) as u16;
    let length = (16 + body.len()) as u32;
    let message = [
        &length.to_ne_bytes()[..],
        &kind.to_ne_bytes(),
        &flags.to_ne_bytes(),
        &[0; 8],
        body,
    ]
    .concat();
    let mut answer = vec![0_u8; 32_768];
    // SAFETY: both buffers are passed with their lengths. A netlink socket that was not bound talks to the kernel.
    let received = unsafe {
        if libc::send(
            socket.as_raw_fd(),
            message.as_ptr().cast(),
            message.len(),
            0,
        ) < 0
        {
            return Err(io::Error::last_os_error());
        }
        libc::recv(
            socket.as_raw_fd(),
            answer.as_mut_ptr().cast(),
            answer.len(),
            0,
        )
    };
    let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
    answer.truncate(received);
    // struct nlmsghdr (16 bytes: length, type, …), then struct nlmsgerr where that is the type, which begins with the
    // negative error number, 0 for none.
    let [_, _, _, _, k0, k1, ..] = answer[..] else {
        return Err(io::Error::other("netlink answered with too few bytes"));
    };
    if i32::from(u16::from_ne_bytes([k0, k1])) != libc::NLMSG_ERROR {
        return Ok(answer);
    }
    match answer.get(16..20).and_then(|bytes| bytes.first_chunk()) {
        Some(number) => match i32::from_ne_bytes(*number) {
            0 => Ok(answer),
            number => Err(io::Error::from_raw_os_error(-number)),
        },
        None => Err(io::Error::other("netlink answered with too few bytes")),
    }
}
