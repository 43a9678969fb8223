//! A file that gets its name only when it is complete.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::crc::Crc;
use crate::fault::Fault;

/// A file that is being received: `DIR/NAME.part`, and `DIR/NAME` when it is complete.
///
/// When the value is dropped before that, for whatever reason, the part is removed, unless it is to
/// be kept.
pub struct Part {
    file: File,
    /// Where it is: `DIR/NAME.part`.
    part: PathBuf,
    /// What it will be: `DIR/NAME`.
    name: PathBuf,
    /// How many bytes are in it.
    pub size: u64,
    /// The checksum of these.
    pub crc: Crc,
    /// Step 6. Whether what is there is worth keeping when it is dropped.
    pub keep: bool,
    complete: bool,
}

impl Part {
    /// Step 4. An empty part, in place of one that was left behind. [`Fault::Exists`] where something
    /// has the name already, whatever it is; then nothing is made.
    pub fn create(dir: &Path, name: &str) -> Result<Part, Fault> {
        todo!("an empty file under the name of a part")
    }

    /// Step 4. Writes `bytes` behind what is there, and counts them in.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        todo!("the bytes into the file, into the size and into the checksum")
    }

    /// Step 4. The part becomes the file: first all of it is on the disk, and then it gets its name.
    /// [`Fault::Exists`] where something has got the name meanwhile.
    pub fn complete(mut self) -> Result<(), Fault> {
        todo!("the part on the disk, and then under its own name")
    }

    /// Step 6. The part that was kept, with its size and its checksum; an empty one where there is none.
    /// It is to be kept again. [`Fault::Exists`] as in [`Part::create`].
    pub fn resume(dir: &Path, name: &str) -> Result<Part, Fault> {
        todo!("the part that was kept, read once from its beginning to its end")
    }

    /// Step 6. Empties the part: the file begins anew.
    pub fn restart(&mut self) -> Result<(), Fault> {
        todo!("an empty file, its size and its checksum")
    }
}

impl Drop for Part {
    /// Step 4. Removes the part, if the file is not complete and it is not to be kept.
    fn drop(&mut self) {
        todo!("nothing left behind")
    }
}
