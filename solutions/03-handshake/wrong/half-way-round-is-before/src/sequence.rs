//! Arithmetic with sequence numbers, which go round: after 4294967295 comes 0 (RFC 9293 §3.4).

/// Whether `a` comes before `b`.
///
/// On a circle each number is before and after every other one, so the shorter way counts: `a` is
/// before `b` when fewer than 2^31 steps forward lead from `a` to `b`, and at least one.
pub fn before(a: u32, b: u32) -> bool {
    // write: "whether `a` comes before `b`"
    let steps = b.wrapping_sub(a);
    steps != 0 && steps <= 1 << 31
    // end
}

/// Whether an acknowledgment number `ack` covers the byte, SYN or FIN numbered `number`, sent by an
/// end whose next number to send is `next`.
///
/// An acknowledgment number is the first number *not* yet received: it covers what comes before it.
/// One that lies after `next` acknowledges what was never sent, and covers nothing
/// (RFC 9293 §3.10.7.4).
pub fn covers(ack: u32, number: u32, next: u32) -> bool {
    // write: "whether `ack` covers `number`"
    before(number, ack) && !before(next, ack)
    // end
}
