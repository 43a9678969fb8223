//! A network that loses things: a UDP proxy between two ends on loopback.
//!
//! Loopback itself loses and reorders nothing. The proxy does, by a seed: the n-th datagram of a
//! direction has the same fate in every run, whatever the clock does.
use std::collections::VecDeque;
use std::collections::hash_map::{Entry, HashMap};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::check::{Acting, Check, lock};
use crate::wait::TICK;

/// How long a datagram is held back at most when none follows that could overtake it.
const HELD: Duration = Duration::from_millis(20);

/// What befalls the datagrams of one direction: each a probability from 0 to 1.
///
/// A datagram is dropped; or else it may be corrupted, come twice and be overtaken, independently.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Loss {
    /// It does not arrive.
    pub drop: f64,
    /// It arrives twice.
    pub duplicate: f64,
    /// The next one overtakes it; where none follows, it arrives 20 ms later.
    pub reorder: f64,
    /// One bit of it is another.
    pub corrupt: f64,
    /// It is this much longer under way.
    pub delay: Duration,
}

impl Loss {
    /// All arrives, in order, once.
    pub fn none() -> Loss {
        Loss::default()
    }

    /// Drops with this probability, and does nothing else.
    pub fn dropping(probability: f64) -> Loss {
        Loss {
            drop: probability,
            ..Loss::default()
        }
    }

    /// Drops, duplicates, reorders and corrupts, each with this probability.
    pub fn everything(probability: f64) -> Loss {
        Loss {
            drop: probability,
            duplicate: probability,
            reorder: probability,
            corrupt: probability,
            delay: Duration::ZERO,
        }
    }
}

/// How many datagrams of one direction had which fate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// That came to the proxy.
    pub came: u64,
    /// That it dropped.
    pub dropped: u64,
    /// That it sent twice.
    pub duplicated: u64,
    /// That it held back.
    pub reordered: u64,
    /// In which it changed a bit.
    pub corrupted: u64,
}

/// Which way a datagram went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the address behind the proxy.
    There,
    /// From that address.
    Back,
}

/// What the proxy handed on, in the order in which it did.
#[derive(Default)]
struct HandedOn {
    datagrams: Vec<(Direction, Vec<u8>)>,
    /// How much room that takes.
    bytes: usize,
}

impl HandedOn {
    /// Of a program that sends without end no more is kept than this, in bytes.
    const MOST: usize = 32 << 20;

    fn keep(&mut self, direction: Direction, bytes: &[u8]) {
        self.bytes += size_of::<(Direction, Vec<u8>)>() + bytes.len();
        if self.bytes <= HandedOn::MOST {
            self.datagrams.push((direction, bytes.to_vec()));
        }
    }
}

/// A seeded UDP proxy, made by [`Check::lossy`]. It ends when it is dropped.
pub struct Lossy {
    addr: SocketAddr,
    seed: u64,
    shared: Arc<Shared>,
    front: Option<JoinHandle<()>>,
    /// What the proxy holds back can still arrive, so that no hang can be proved meanwhile.
    _acting: Acting,
}

/// What the proxy's threads share.
pub(crate) struct Shared {
    description: String,
    stop: AtomicBool,
    tallies: [Mutex<Tally>; 2],
    handed_on: Mutex<HandedOn>,
}

impl Shared {
    /// A line of a failure's transcript.
    pub(crate) fn in_words(&self) -> String {
        let [there, back] = self.tallies.each_ref().map(|tally| {
            let tally = lock(tally);
            format!(
                "of {} dropped {}, duplicated {}, reordered {}, corrupted {}",
                tally.came, tally.dropped, tally.duplicated, tally.reordered, tally.corrupted
            )
        });
        format!("{}\nto it:    {there}\nfrom it:  {back}", self.description)
    }
}

impl Check {
    /// A proxy to the UDP socket at `to`: what is sent to its address goes there, and what is
    /// answered comes back from its address, both with the losses that `loss` says.
    ///
    /// The fates come of the check's recorded seed.
    pub fn lossy(&self, to: SocketAddr, loss: Loss) -> Lossy {
        let seed = self.random(8);
        let seed = seed
            .iter()
            .fold(0, |seed, byte| seed << 8 | u64::from(*byte));
        self.lossy_with(to, loss, loss, seed)
    }

    /// As [`Check::lossy`], with losses of their own for the way to `to` and the way back, and with
    /// a seed of the check's choice.
    pub fn lossy_with(&self, to: SocketAddr, there: Loss, back: Loss, seed: u64) -> Lossy {
        let front = match socket() {
            Ok(front) => Arc::new(front),
            Err(error) => panic!("no UDP socket on 127.0.0.1 can be had: {error}"),
        };
        let addr = front
            .local_addr()
            .unwrap_or_else(|_| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let description = format!("{addr} to {to}, seed {seed}");
        self.note("proxy", &description, "");
        let shared = Arc::new(Shared {
            description,
            stop: AtomicBool::new(false),
            tallies: Default::default(),
            handed_on: Mutex::default(),
        });
        lock(&self.inner.proxies).push(Arc::downgrade(&shared));
        let front = {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || forward(&front, to, [there, back], seed, &shared))
        };
        Lossy {
            addr,
            seed,
            shared,
            front: Some(front),
            _acting: self.act(),
        }
    }
}

impl Lossy {
    /// Where to send what is to go through it.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What decides the fates.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What befell the datagrams to the address behind the proxy, until now.
    pub fn there(&self) -> Tally {
        *lock(&self.shared.tallies[0])
    }

    /// What befell the datagrams from that address.
    pub fn back(&self) -> Tally {
        *lock(&self.shared.tallies[1])
    }

    /// The datagrams that it handed on until now, as they were then, both ways in one order. Each is here before its
    /// receiver can have it. Beyond 32 MiB none is kept.
    pub fn handed_on(&self) -> Vec<(Direction, Vec<u8>)> {
        lock(&self.shared.handed_on).datagrams.clone()
    }
}

impl Drop for Lossy {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(front) = self.front.take() {
            let _ = front.join();
        }
    }
}

fn socket() -> std::io::Result<UdpSocket> {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
}

/// Takes what clients send; each gets a socket of its own towards `to`, so that its answers find
/// back, and a thread for them.
fn forward(
    front: &Arc<UdpSocket>,
    to: SocketAddr,
    [there, back]: [Loss; 2],
    seed: u64,
    shared: &Arc<Shared>,
) {
    let mut clients: HashMap<SocketAddr, (Arc<UdpSocket>, Way)> = HashMap::new();
    let mut threads = Vec::new();
    let mut buffer = vec![0; 65_536];
    while !shared.stop.load(Ordering::Relaxed) {
        let due = clients.values().filter_map(|(_, way)| way.due()).min();
        if let Some((n, from)) = receive(front, &mut buffer, due) {
            let number = clients.len() as u64;
            if let Entry::Vacant(new) = clients.entry(from) {
                let Ok(upstream) = socket() else { continue };
                let upstream = Arc::new(upstream);
                let (one, other) = (Arc::clone(&upstream), Arc::clone(front));
                let shared = Arc::clone(shared);
                threads.push(std::thread::spawn(move || {
                    let way = Way::new(back, seed, 2 * number + 1);
                    answer(&one, to, &other, from, way, &shared);
                }));
                new.insert((upstream, Way::new(there, seed, 2 * number)));
            }
            if let Some((_, way)) = clients.get_mut(&from) {
                way.take(&buffer[..n], &mut lock(&shared.tallies[0]));
            }
        }
        for (upstream, way) in clients.values_mut() {
            way.release(|bytes| {
                lock(&shared.handed_on).keep(Direction::There, bytes);
                let _ = upstream.send_to(bytes, to);
            });
        }
    }
    for thread in threads {
        let _ = thread.join();
    }
}

/// Brings the answers of `to` back to one client.
fn answer(
    upstream: &UdpSocket,
    to: SocketAddr,
    front: &UdpSocket,
    client: SocketAddr,
    mut way: Way,
    shared: &Shared,
) {
    let mut buffer = vec![0; 65_536];
    while !shared.stop.load(Ordering::Relaxed) {
        match receive(upstream, &mut buffer, way.due()) {
            Some((n, from)) if from == to => {
                way.take(&buffer[..n], &mut lock(&shared.tallies[1]));
            }
            _ => {}
        }
        way.release(|bytes| {
            lock(&shared.handed_on).keep(Direction::Back, bytes);
            let _ = front.send_to(bytes, client);
        });
    }
}

/// The next datagram, or nothing when something is due or a moment has passed.
fn receive(
    socket: &UdpSocket,
    buffer: &mut [u8],
    due: Option<Instant>,
) -> Option<(usize, SocketAddr)> {
    let patience = due.map_or(TICK, |due| {
        due.saturating_duration_since(Instant::now()).min(TICK)
    });
    // A timeout of zero would mean none.
    let _ = socket.set_read_timeout(Some(patience.max(Duration::from_micros(100))));
    match socket.recv_from(buffer) {
        Ok(came) => Some(came),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
        // News of an earlier datagram that reached nobody.
        Err(_) => None,
    }
}

/// One direction for one client.
struct Way {
    loss: Loss,
    seed: u64,
    /// How many datagrams have come.
    came: u64,
    waiting: VecDeque<Waiting>,
}

/// A datagram under way.
struct Waiting {
    bytes: Vec<u8>,
    due: Instant,
    /// It goes once this many datagrams have come, if that is before it is due.
    overtaken_by: Option<u64>,
}

impl Way {
    fn new(loss: Loss, seed: u64, direction: u64) -> Way {
        Way {
            loss,
            // Odd constants keep neighbouring directions apart.
            seed: seed ^ (direction + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            came: 0,
            waiting: VecDeque::new(),
        }
    }

    /// Decides what becomes of the next datagram.
    fn take(&mut self, bytes: &[u8], tally: &mut Tally) {
        let mut rng = fastrand::Rng::with_seed(
            self.seed
                .wrapping_add(self.came.wrapping_mul(0x2545_f491_4f6c_dd1d)),
        );
        self.came += 1;
        tally.came += 1;
        // All are drawn each time, so that one probability does not shift the others' fates.
        let [dropped, duplicated, reordered, corrupted] = [
            self.loss.drop,
            self.loss.duplicate,
            self.loss.reorder,
            self.loss.corrupt,
        ]
        .map(|probability| rng.f64() < probability);
        if dropped {
            tally.dropped += 1;
            return;
        }
        let mut bytes = bytes.to_vec();
        if corrupted && !bytes.is_empty() {
            let at = rng.usize(..bytes.len());
            bytes[at] ^= 1 << rng.u8(..8);
            tally.corrupted += 1;
        }
        let now = Instant::now() + self.loss.delay;
        tally.reordered += u64::from(reordered);
        tally.duplicated += u64::from(duplicated);
        let (due, overtaken_by) = if reordered {
            (now + HELD, Some(self.came + 1))
        } else {
            (now, None)
        };
        for _ in 0..=u8::from(duplicated) {
            self.waiting.push_back(Waiting {
                bytes: bytes.clone(),
                due,
                overtaken_by,
            });
        }
    }

    /// When something is to go at the latest.
    fn due(&self) -> Option<Instant> {
        self.waiting.iter().map(|waiting| waiting.due).min()
    }

    /// Lets go what is due: first what overtakes, then what was overtaken.
    fn release(&mut self, mut send: impl FnMut(&[u8])) {
        let now = Instant::now();
        let came = self.came;
        for overtaken in [false, true] {
            self.waiting.retain(|waiting| {
                let goes = match waiting.overtaken_by {
                    None => !overtaken && waiting.due <= now,
                    Some(number) => overtaken && (waiting.due <= now || number <= came),
                };
                if goes {
                    send(&waiting.bytes);
                }
                !goes
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What arrives of twenty numbered datagrams that pass one at a time.
    fn arrives(loss: Loss, seed: u64, direction: u64) -> (Vec<Vec<u8>>, Tally) {
        let mut way = Way::new(loss, seed, direction);
        let mut tally = Tally::default();
        let mut out = Vec::new();
        for n in 0..200_u8 {
            way.take(&[n, 0, 0, 0], &mut tally);
            way.release(|bytes| out.push(bytes.to_vec()));
        }
        while let Some(due) = way.due() {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            way.release(|bytes| out.push(bytes.to_vec()));
        }
        (out, tally)
    }

    #[test]
    fn a_seed_decides_the_fates_and_each_direction_has_its_own() {
        let loss = Loss::everything(0.2);
        let (_, one) = arrives(loss, 7, 0);
        assert_eq!(arrives(loss, 7, 0).1, one);
        assert_ne!(arrives(loss, 8, 0).1, one);
        assert_ne!(arrives(loss, 7, 1).1, one);
    }

    #[test]
    fn no_more_than_a_measure_is_kept_of_what_was_handed_on() {
        let mut handed_on = HandedOn::default();
        for n in 0..40 {
            handed_on.keep(Direction::There, &vec![n; 1 << 20]);
        }
        let kept: Vec<u8> = handed_on.datagrams.iter().map(|(_, it)| it[0]).collect();
        assert_eq!(kept, (0..31).collect::<Vec<u8>>());
    }

    #[test]
    fn without_loss_all_arrives_in_order() {
        let (out, tally) = arrives(Loss::none(), 7, 0);
        assert!(out.iter().map(|bytes| bytes[0]).eq(0..200));
        assert_eq!(tally.came, 200);
        assert_eq!(
            tally.dropped + tally.duplicated + tally.reordered + tally.corrupted,
            0
        );
    }

    #[test]
    fn each_fate_does_what_it_says() {
        let (out, tally) = arrives(Loss::dropping(0.1), 7, 0);
        assert!((5..40).contains(&tally.dropped), "{tally:?}");
        assert_eq!(out.len() as u64, 200 - tally.dropped);

        let twice = Loss {
            duplicate: 1.0,
            ..Loss::none()
        };
        assert_eq!(arrives(twice, 7, 0).0.len(), 400);

        let changed = Loss {
            corrupt: 1.0,
            ..Loss::none()
        };
        let (out, _) = arrives(changed, 7, 0);
        for (n, bytes) in out.iter().enumerate() {
            let differ: u32 = [n as u8, 0, 0, 0]
                .iter()
                .zip(bytes)
                .map(|(one, other)| (one ^ other).count_ones())
                .sum();
            assert_eq!(differ, 1);
        }

        let overtaken = Loss {
            reorder: 0.2,
            ..Loss::none()
        };
        let (out, tally) = arrives(overtaken, 7, 0);
        assert!(tally.reordered > 10, "{tally:?}");
        assert!(out.windows(2).any(|pair| pair[0][0] > pair[1][0]));
        let mut sorted = out.clone();
        sorted.sort();
        assert!(sorted.iter().map(|bytes| bytes[0]).eq(0..200));
    }
}
