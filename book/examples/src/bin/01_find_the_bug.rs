//! Chapter 1: a function that finds a payload, and five frames.

// ANCHOR: bug
/// What the UDP datagram in an Ethernet frame carries; `None` when the frame is damaged.
fn payload(frame: &[u8]) -> Option<&[u8]> {
    let total_length = u16::from_be_bytes([*frame.get(16)?, *frame.get(17)?]);
    let end_of_packet = 14 + usize::from(total_length);
    frame.get(42..end_of_packet)
}
// ANCHOR_END: bug

fn main() {
    // Two digits a byte, Ethernet's header first.
    for (name, hex) in [
        (
            "A  24 bytes of payload",
            "0200000000020200000000010800 \
             4500003400004000401126b70a0000010a0000029c40000700207d5761207061 \
             796c6f6164206f6620736f6d65206c656e677468",
        ),
        (
            "B  2 bytes of payload, filled up to 60",
            "0200000000020200000000010800 \
             4500001e00004000401126cd0a0000010a0000029c400007000ae72668690000 \
             0000000000000000000000000000",
        ),
        (
            "C  an IPv4 header with 4 bytes of options",
            "0200000000020200000000010800 \
             4600002e00004000401123bc0a0000010a000002010101009c4000070016ad7e \
             626568696e64206f7074696f6e73",
        ),
        (
            "D  a total length of 1500",
            "0200000000020200000000010800 \
             450005dc000040004011210f0a0000010a0000029c400007000d12a26c79696e \
             6700000000000000000000000000",
        ),
        (
            "E  no payload, filled up to 60",
            "0200000000020200000000010800 \
             4500001c00004000401126cf0a0000010a0000029c40000700084f9400000000 \
             0000000000000000000000000000",
        ),
    ] {
        let digits: Vec<u8> = hex
            .chars()
            .filter_map(|digit| digit.to_digit(16))
            .map(|digit| digit as u8)
            .collect();
        let frame: Vec<u8> = digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect();
        match payload(&frame) {
            Some(payload) => println!("{name:<42} \"{}\"", payload.escape_ascii()),
            None => println!("{name:<42} damaged"),
        }
    }
}
