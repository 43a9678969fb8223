#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::linux::raise;
use super::veth::{INTERFACE_C, request, set_address, socket};

/// How long the path's thread waits at most before it looks whether it is to end.
const TICK: Duration = Duration::from_millis(10);

/// What a path does to the packets on it, in both directions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// How probable it is that a packet does not arrive, from 0 to 1.
    pub loss: f64,
    /// How long a packet is under way.
    pub delay: Duration,
    /// What decides which packets are lost: the n-th has the same fate in every run.
    pub seed: u64,
}

/// A long and lossy path between two programs on this host, for every protocol over IPv4.
///
/// It is a TUN device, `eth0`, whose network is 10.0.0.0/30. What is sent to 10.0.0.2 comes to this
/// value's thread, which keeps or loses it and then gives it back with its addresses swapped: it
/// arrives at 10.0.0.1, from 10.0.0.2. So a server on 10.0.0.1 and a client that talks to 10.0.0.2
/// meet, both through the kernel's own TCP and UDP. The checksums stay right: they are sums, and the
/// order of the addresses does not count. The path ends when the value is dropped.
#[derive(Debug)]
pub struct Path {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Path {
    /// Where a server listens.
    pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    /// Where a client finds it.
    pub const CLIENT_TO: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

    /// Makes the path. The caller must be inside a network of its own already ([`super::enter`]).
    ///
    /// # Errors
    /// There is no `/dev/net/tun` here, or it may not be opened.
    pub fn new(quality: Quality) -> io::Result<Path> {
        let device = open()?;
        let config = socket(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
        set_address(&config, libc::SIOCSIFADDR, Path::SERVER)?;
        set_address(
            &config,
            libc::SIOCSIFNETMASK,
            Ipv4Addr::new(255, 255, 255, 252),
        )?;
        raise(INTERFACE_C).map_err(|()| io::Error::last_os_error())?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || carry(&device, quality, &stopped));
        Ok(Path {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Whether this process may open TUN devices.
pub(super) fn device_may_be_opened() -> bool {
    OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/net/tun")
        .is_ok()
}

/// Opens a TUN device without packet information (`TUNSETIFF`, the kernel's `tuntap` documentation).
fn open() -> io::Result<File> {
    let device = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open("/dev/net/tun")?;
    let mut request = request();
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: TUNSETIFF takes an ifreq with a name and flags, and the request is one.
    match unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF as _, &mut request) } {
        0 => Ok(device),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Takes packets, loses some, and gives back each of the others when its time has come.
fn carry(mut device: &File, quality: Quality, stop: &AtomicBool) {
    let mut fates = Fates(quality.seed);
    let mut under_way: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
    let mut room = [0; 65_536];
    while !stop.load(Ordering::Relaxed) {
        wait(device, under_way.front().map(|(due, _)| *due));
        while let Ok(n) = device.read(&mut room) {
            let is_ipv4 = n >= 20 && room[0] >> 4 == 4;
            if is_ipv4 && fates.next() >= quality.loss {
                let mut packet = room[..n].to_vec();
                let (before, addresses) = packet[..20].split_at_mut(16);
                before[12..16].swap_with_slice(addresses);
                under_way.push_back((Instant::now() + quality.delay, packet));
            }
        }
        let now = Instant::now();
        while let Some((_, packet)) = under_way.pop_front_if(|(due, _)| *due <= now) {
            // What the kernel does not take is lost, too.
            let _ = device.write(&packet);
        }
    }
}

/// Waits for a packet, or until the next one is due.
fn wait(device: &File, due: Option<Instant>) {
    let patience = due.map_or(TICK, |due| {
        due.saturating_duration_since(Instant::now()).min(TICK)
    });
    let patience = libc::timespec {
        tv_sec: 0,
        // Less than a second.
        tv_nsec: patience.subsec_nanos() as _,
    };
    let mut asked = libc::pollfd {
        fd: device.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one pollfd, and a time that lives until the call returns; no signal mask.
    unsafe { libc::ppoll(&mut asked, 1, &patience, std::ptr::null()) };
}

/// Numbers from 0 to 1 that look random: SplitMix64.
struct Fates(u64);

impl Fates {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}
