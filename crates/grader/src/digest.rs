//! Hashes by which sources, checks and results are told apart.

use sha2::{Digest as _, Sha256};

/// SHA-256 over the parts, each with its length before it, in hexadecimal.
#[must_use]
pub fn of<B: AsRef<[u8]>>(parts: &[B]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.as_ref().len() as u64).to_be_bytes());
        hash.update(part);
    }
    hexadecimal(&hash.finalize())
}

/// Two digits a byte.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn where_one_part_ends_matters() {
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_eq!(of(&["ab", "c"]).len(), 64);
    }
}
