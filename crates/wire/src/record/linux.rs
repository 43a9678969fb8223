#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::RecordError;
use crate::capture::Packet;

/// No IP packet is longer, whatever offload makes of it: 65,535 bytes and the link header.
const LONGEST: usize = 65_535 + 18;
/// What may wait to be taken, in bytes.
const WAITING: libc::c_int = 64 << 20;

/// A packet socket on one interface.
#[derive(Debug)]
pub(super) struct Tap {
    socket: OwnedFd,
    buffer: Vec<u8>,
    /// A loopback interface shows every packet on its way out and on its way in.
    is_loopback: bool,
}

impl Tap {
    pub(super) fn open(interface: &str) -> Result<Tap, RecordError> {
        let failed = |step| {
            let source = io::Error::last_os_error();
            RecordError::Start {
                interface: interface.to_owned(),
                step,
                source,
            }
        };
        let name = CString::new(interface).map_err(|_| RecordError::Start {
            interface: interface.to_owned(),
            step: "its name",
            source: io::Error::from(io::ErrorKind::InvalidInput),
        })?;
        // SAFETY: the name ends in a zero byte.
        let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
        if index == 0 {
            return Err(failed("finding the interface"));
        }
        // Protocol 0 receives nothing: nothing of another interface slips in before the socket is bound to this one.
        // SAFETY: socket takes three numbers; a descriptor it returns is ours alone.
        let socket = unsafe {
            let fd = libc::socket(
                libc::AF_PACKET,
                libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK,
                0,
            );
            if fd < 0 {
                return Err(failed("opening a packet socket"));
            }
            OwnedFd::from_raw_fd(fd)
        };
        let mut tap = Tap {
            socket,
            buffer: vec![0; LONGEST],
            is_loopback: false,
        };
        // Who may not exceed the system's limit gets the limit.
        if tap
            .set(libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, WAITING)
            .is_err()
        {
            let _ = tap.set(libc::SOL_SOCKET, libc::SO_RCVBUF, WAITING);
        }
        tap.set(libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)
            .map_err(|()| failed("asking for times"))?;

        // SAFETY: a sockaddr_ll is numbers only, for which zero is a value.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = libc::AF_PACKET as libc::c_ushort;
        address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
        address.sll_ifindex = i32::try_from(index).unwrap_or(0);
        let mut length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        // SAFETY: the address is a sockaddr_ll, and its length is passed both times; getsockname writes no more.
        unsafe {
            if libc::bind(tap.socket.as_raw_fd(), (&raw const address).cast(), length) != 0 {
                return Err(failed("binding to the interface"));
            }
            if libc::getsockname(
                tap.socket.as_raw_fd(),
                (&raw mut address).cast(),
                &mut length,
            ) != 0
            {
                return Err(failed("asking what kind of interface it is"));
            }
        }
        tap.is_loopback = address.sll_hatype == libc::ARPHRD_LOOPBACK;
        Ok(tap)
    }

    /// Takes whatever has come.
    pub(super) fn take(&mut self, packets: &mut Vec<Packet>) -> Result<(), RecordError> {
        while let Some((mut packet, direction)) = self.receive()? {
            if self.is_loopback && direction == libc::PACKET_OUTGOING {
                continue;
            }
            // The kernel begins to note times a moment after it is asked to; until then a packet gets the time at
            // which it is taken, which may be after the next one's.
            if let Some(earliest) = packets.last().map(|before: &Packet| before.time) {
                packet.time = packet.time.max(earliest);
            }
            packets.push(packet);
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<Option<(Packet, u8)>, RecordError> {
        // A control message is aligned like its header; 128 bytes hold a time and more.
        let mut control = [0_u64; 16];
        // SAFETY: both are numbers and pointers, for which zero is a value.
        let (mut message, mut address): (libc::msghdr, libc::sockaddr_ll) =
            unsafe { std::mem::zeroed() };
        let mut piece = libc::iovec {
            iov_base: self.buffer.as_mut_ptr().cast(),
            iov_len: self.buffer.len(),
        };
        message.msg_name = (&raw mut address).cast();
        message.msg_namelen = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        message.msg_iov = &raw mut piece;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = size_of_val(&control) as _;
        // With MSG_TRUNC the result is the packet's length, even where the buffer is shorter.
        // SAFETY: every pointer in the message is to something that lives here, with its length beside it.
        let length =
            unsafe { libc::recvmsg(self.socket.as_raw_fd(), &mut message, libc::MSG_TRUNC) };
        let Ok(length) = usize::try_from(length) else {
            return match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
                error if error.kind() == io::ErrorKind::Interrupted => self.receive(),
                error => Err(RecordError::Receive(error)),
            };
        };
        let kept = length.min(self.buffer.len());
        let packet = Packet {
            time: stamp(&message).unwrap_or_else(now),
            data: self.buffer[..kept].to_vec(),
            original_length: u32::try_from(length).unwrap_or(u32::MAX),
        };
        Ok(Some((packet, address.sll_pkttype)))
    }

    /// Waits until something has come, or for this long.
    pub(super) fn wait(&self, time: Duration) -> Result<(), RecordError> {
        let mut poll = libc::pollfd {
            fd: self.socket.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        let milliseconds = i32::try_from(time.as_millis()).unwrap_or(i32::MAX).max(1);
        // SAFETY: one pollfd is passed, and said to be one.
        if unsafe { libc::poll(&mut poll, 1, milliseconds) } < 0 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(RecordError::Receive(error));
            }
        }
        Ok(())
    }

    /// How many packets the kernel has dropped since this was last asked.
    pub(super) fn dropped(&self) -> Result<u32, RecordError> {
        let mut statistics = libc::tpacket_stats {
            tp_packets: 0,
            tp_drops: 0,
        };
        let mut length = size_of::<libc::tpacket_stats>() as libc::socklen_t;
        // SAFETY: the statistics are passed with their length; no more is written.
        let result = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut statistics).cast(),
                &mut length,
            )
        };
        if result != 0 {
            return Err(RecordError::Receive(io::Error::last_os_error()));
        }
        Ok(statistics.tp_drops)
    }

    fn set(&self, level: libc::c_int, option: libc::c_int, value: libc::c_int) -> Result<(), ()> {
        // SAFETY: the value is an int, and its length is passed.
        let result = unsafe {
            libc::setsockopt(
                self.socket.as_raw_fd(),
                level,
                option,
                (&raw const value).cast(),
                size_of::<libc::c_int>() as libc::socklen_t,
            )
        };
        if result == 0 { Ok(()) } else { Err(()) }
    }
}

/// The time the kernel noted, from the message's control data.
fn stamp(message: &libc::msghdr) -> Option<Duration> {
    // SAFETY: the kernel has filled the control data and set its length; the macros walk it within that length, and
    // a message of this type holds a timespec, which need not be aligned.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while !header.is_null() {
            if (*header).cmsg_level == libc::SOL_SOCKET
                && (*header).cmsg_type == libc::SCM_TIMESTAMPNS
            {
                let time = libc::CMSG_DATA(header)
                    .cast::<libc::timespec>()
                    .read_unaligned();
                return Some(Duration::new(
                    u64::try_from(time.tv_sec).ok()?,
                    u32::try_from(time.tv_nsec).ok()?,
                ));
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
    }
    None
}

fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
