//! Chapter 3, find the bug: has the FIN been acknowledged?

// ANCHOR: bug
/// Whether one of these acknowledgment numbers, which came after the FIN, acknowledges it.
fn is_acknowledged(fin: u32, acks: &[u32]) -> bool {
    acks.iter().any(|ack| *ack >= fin)
}
// ANCHOR_END: bug

fn main() {
    // ANCHOR: peers
    let peers: [(&str, u32, &[u32]); 4] = [
        ("A", 1000, &[1001]),
        ("B", 1000, &[990, 1000]),
        ("C", u32::MAX, &[u32::MAX - 9, 0]),
        ("D", 1000, &[990, 1000, 1001]),
    ];
    // ANCHOR_END: peers
    for (name, fin, acks) in peers {
        println!("{name}  {}", is_acknowledged(fin, acks));
    }
}
