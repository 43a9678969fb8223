//! Given: the checksum CRC-32, as Ethernet, gzip and PNG use it (IEEE 802.3 §3.2.9).

/// The CRC-32 of `bytes`; of `123456789` it is `cbf43926`.
#[allow(dead_code, reason = "your code calls it")]
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let carry = crc & 1;
            crc = (crc >> 1) ^ (0xedb8_8320 * carry);
        }
    }
    !crc
}
