//! Chapter 12, find the bug: a beacon that works in its author's network.
use std::net::Ipv4Addr;

// ANCHOR: bug
/// Where a host sends what all of its network shall hear.
fn everybody(host: Ipv4Addr) -> Ipv4Addr {
    let [a, b, c, _] = host.octets();
    Ipv4Addr::new(a, b, c, 255)
}
// ANCHOR_END: bug

fn main() {
    for (host, bits) in [
        ("192.168.1.20", 24_u32),
        ("192.168.1.20", 26),
        ("172.16.4.20", 23),
        ("10.1.2.3", 31),
    ] {
        let address: Ipv4Addr = host.parse().expect("an address");
        let zeros = u32::MAX >> bits;
        let right = match zeros {
            1 => "none".to_string(),
            _ => Ipv4Addr::from(u32::from(address) | zeros).to_string(),
        };
        let sent = everybody(address);
        let meets = match (sent, zeros) {
            (sent, _) if sent.to_string() == right => "everybody",
            (sent, _) if (u32::from(sent) ^ u32::from(address)) & !zeros == 0 => {
                "one host of the network, if it exists"
            }
            _ => "an address outside the network",
        };
        println!("{host}/{bits}: sends to {sent}, broadcast is {right}");
        println!("  it meets {meets}");
    }
}
