//! Chapter 10, find the bug: a receiver, and four networks between it and its sender. What each
//! network does to a datagram is written down, so that it is the same every time.
use std::collections::VecDeque;

/// A block with its number. An acknowledgement is the number alone.
type Data = (usize, &'static str);

// ANCHOR: bug
#[derive(Default)]
struct Receiver {
    next: usize,
    file: String,
}

impl Receiver {
    /// Takes a block that has arrived whole; the acknowledgement to send, if any.
    fn take(&mut self, (number, block): Data) -> Option<usize> {
        if number != self.next {
            // Not the one that is missing: pass over it.
            return None;
        }
        self.file += block;
        self.next += 1;
        Some(number)
    }
}
// ANCHOR_END: bug

/// What a network does to the datagrams in the order in which they are sent.
#[derive(Clone, Copy)]
enum Fate {
    Arrives,
    Lost,
    Twice,
}

/// Stop-and-wait, with three tries for each block; how it ends.
fn send(blocks: &[&'static str], there: &[Fate], back: &[Fate]) -> String {
    let mut there = there.iter().copied().collect::<VecDeque<_>>();
    let mut back = back.iter().copied().collect::<VecDeque<_>>();
    let mut fate = move |data: bool| {
        let queue = if data { &mut there } else { &mut back };
        queue.pop_front().unwrap_or(Fate::Arrives)
    };
    let mut receiver = Receiver::default();
    for data in blocks.iter().copied().enumerate() {
        let acknowledged = (0..3).any(|_| {
            let copies = match fate(true) {
                Fate::Lost => 0,
                Fate::Arrives => 1,
                Fate::Twice => 2,
            };
            let answers = (0..copies).filter_map(|_| receiver.take(data)).count();
            (0..answers).any(|_| !matches!(fate(false), Fate::Lost))
        });
        if !acknowledged {
            return format!(
                "gives up at block {}; the file: {:?}",
                data.0, receiver.file
            );
        }
    }
    format!("is done; the file: {:?}", receiver.file)
}

fn main() {
    use Fate::{Arrives, Lost, Twice};
    let blocks = ["one,", "two,", "three"];
    for (name, there, back) in [
        ('A', &[Arrives, Arrives, Arrives][..], &[][..]),
        ('B', &[Arrives, Lost, Arrives], &[]),
        ('C', &[Arrives, Twice, Arrives], &[]),
        ('D', &[], &[Arrives, Lost]),
    ] {
        println!("{name}: the sender {}", send(&blocks, there, back));
    }
}
