//! What was judged, in 16 digits: they tell that a file changed since.

use std::fs;
use std::path::{Path, PathBuf};

use course::Lab;

use crate::saves::files_below;

/// The fingerprint of the learner's files and of the checks that judge them. A file that cannot be
/// read counts as an empty one.
#[must_use]
pub fn of(lab: &Lab) -> String {
    let folder = lab.dir();
    let mut files: Vec<PathBuf> = lab.edit.iter().map(|file| folder.join(file)).collect();
    files.push(lab.file());
    files.extend(files_below(&folder.join("tests"), &|_| true));
    let mut hash = Hash::new();
    for file in files {
        let name = file.strip_prefix(&folder).unwrap_or(&file);
        hash.add(name.to_string_lossy().replace('\\', "/").as_bytes());
        hash.add(&contents(&file));
    }
    format!("{:016x}", hash.0)
}

/// What a file holds, its line ends made equal: a checkout may change those.
fn contents(file: &Path) -> Vec<u8> {
    let mut bytes = fs::read(file).unwrap_or_default();
    if !bytes.contains(&0) {
        bytes.retain(|byte| *byte != b'\r');
    }
    bytes
}

/// FNV-1a. It has to be the same in every version of this program, and nobody gains by a collision.
struct Hash(u64);

impl Hash {
    fn new() -> Hash {
        Hash(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        let length = (bytes.len() as u64).to_le_bytes();
        for byte in length.iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_tells_where_one_file_ends_and_the_next_begins() {
        let of = |parts: &[&str]| {
            let mut hash = Hash::new();
            for part in parts {
                hash.add(part.as_bytes());
            }
            hash.0
        };
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
    }
}
