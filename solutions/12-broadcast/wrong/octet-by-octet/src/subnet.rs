//! A subnet: what an address and a netmask say together.
use std::net::Ipv4Addr;

/// An address and its netmask.
#[derive(Debug, Clone, Copy)]
pub struct Subnet {
    /// The address of a host in it.
    pub address: Ipv4Addr,
    /// The netmask: ones, then zeros.
    pub mask: Ipv4Addr,
}

impl Subnet {
    /// Given. Reads `192.168.5.17/20` or `192.168.5.17/255.255.240.0`. The error says what is wrong.
    pub fn parse(text: &str) -> Result<Subnet, String> {
        let wrong = || format!("{text} is no address with a netmask, like 192.168.5.17/20");
        let (address, mask) = text.split_once('/').ok_or_else(wrong)?;
        let address = address.parse().map_err(|_| wrong())?;
        let mask = match (mask.parse::<u32>(), mask.parse::<Ipv4Addr>()) {
            (Ok(bits), _) => mask_of(bits).ok_or(format!("{bits} bits: a netmask has 0 to 32"))?,
            (_, Ok(mask)) if is_mask(mask) => mask,
            (_, Ok(mask)) => return Err(format!("{mask} is no netmask: a one follows a zero")),
            _ => return Err(wrong()),
        };
        Ok(Subnet { address, mask })
    }

    /// Step 1. The network's own address: the address with every host bit 0.
    pub fn network(&self) -> Ipv4Addr {
        // write: "the subnet's first address"
        // Where the mask has a one, the bit is the network's and stays.
        Ipv4Addr::from(u32::from(self.address) & u32::from(self.mask))
        // end
    }

    /// Step 1. The broadcast address: the address with every host bit 1. None where the mask has 31
    /// or 32 ones: such a network has none (RFC 3021).
    pub fn broadcast(&self) -> Option<Ipv4Addr> {
        // write: "the address that means all hosts of the subnet, if there is one"
        // Two addresses are the two ends of a line, and one is a host: no address is left over to
        // mean all of them (RFC 3021 §2.1).
        let hosts = !u32::from(self.mask);
        if hosts <= 1 {
            return None;
        }
        Some(Ipv4Addr::from(u32::from(self.address) | hosts))
        // end
    }

    /// Step 1. The first and the last address that a host may have: all but the network's and the
    /// broadcast address. With 31 or 32 ones, where there is no broadcast address, all.
    pub fn hosts(&self) -> (Ipv4Addr, Ipv4Addr) {
        // write: "the lowest and the highest address of a host"
        let network = u32::from(self.network());
        match self.broadcast() {
            Some(broadcast) => (
                Ipv4Addr::from(network + 1),
                Ipv4Addr::from(u32::from(broadcast) - 1),
            ),
            None => (
                Ipv4Addr::from(network),
                Ipv4Addr::from(network | !u32::from(self.mask)),
            ),
        }
        // end
    }
}

/// Step 1. The netmask of `bits` ones, then zeros; None for more than 32.
pub fn mask_of(bits: u32) -> Option<Ipv4Addr> {
    // write: "so many ones from the left"
    // A shift by 32, the whole width, is not defined: checked_shl says None, and no one is left.
    let zeros = 32_u32.checked_sub(bits)?;
    Some(Ipv4Addr::from(u32::MAX.checked_shl(zeros).unwrap_or(0)))
    // end
}

/// Step 1. Whether `mask` is ones, then zeros, and nothing else. All ones and all zeros are masks too.
pub fn is_mask(mask: Ipv4Addr) -> bool {
    // write: "whether no one follows a zero"
    let octets = mask.octets();
    octets.is_sorted_by(|a, b| a >= b)
        && octets
            .iter()
            .all(|octet| octet.leading_ones() + octet.trailing_zeros() >= 8)
    // end
}
