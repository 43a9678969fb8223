//! The ports of a network that submissions share: each connection keeps one for a minute after its end (TIME-WAIT, RFC
//! 9293, §3.3.2), when no process has it any more. A program that takes them all takes them from whoever comes after it.

use std::fs;

/// How many ports are kept so in this process's network (proc(5), `sockstat`).
pub(super) fn taken() -> u64 {
    let text = fs::read_to_string("/proc/self/net/sockstat").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("TCP: "));
    let words = line.unwrap_or_default().split_whitespace();
    let taken = words.skip_while(|word| *word != "tw").nth(1);
    taken.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// How many ports there are for whoever asks for any (ip(7), `ip_local_port_range`).
pub(super) fn range() -> u64 {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let ends: Vec<u64> = text
        .split_whitespace()
        .filter_map(|port| port.parse().ok())
        .collect();
    match ends[..] {
        [first, last] => (last + 1).saturating_sub(first),
        // Linux's own choice.
        _ => 28_232,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_connection_keeps_its_port_after_its_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // Others of this machine's end meanwhile: it is looked until one of ours must have been seen.
        let more = (0..1000).any(|_| {
            let before = taken();
            for _ in 0..20 {
                let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
                let (server, _) = listener.accept().unwrap();
                drop(client);
                drop(server);
            }
            taken() > before
        });
        assert!(more && range() > 1000);
    }
}
