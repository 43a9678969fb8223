//! A file that gets its name only when it is complete.
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::crc::Crc;
use crate::fault::Fault;
// only:
use std::fs;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
// end

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
        // write: "an empty file under the name of a part"
        let (part, name) = paths(dir, name)?;
        // One that an earlier receiver left. Removed and made anew, and not opened: it could be a
        // link to somewhere else.
        match fs::remove_file(&part) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(Fault::Disk(error)),
            _ => {}
        }
        let mut options = File::options();
        // Read too: a part that is kept is read again.
        let file = options.read(true).write(true).create_new(true).open(&part);
        Ok(Part {
            file: file.map_err(Fault::Disk)?,
            part,
            name,
            size: 0,
            crc: Crc::new(),
            keep: false,
            complete: false,
        })
        // end
    }

    /// Step 4. Writes `bytes` behind what is there, and counts them in.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        // write: "the bytes into the file, into the size and into the checksum"
        self.file.write_all(bytes).map_err(Fault::Disk)?;
        self.size += bytes.len() as u64;
        self.crc.add(bytes);
        Ok(())
        // end
    }

    /// Step 4. The part becomes the file: first all of it is on the disk, and then it gets its name.
    /// [`Fault::Exists`] where something has got the name meanwhile.
    pub fn complete(mut self) -> Result<(), Fault> {
        // write: "the part on the disk, and then under its own name"
        // The other way round, a computer that loses power now may have the name without the bytes.
        self.file.sync_all().map_err(Fault::Disk)?;
        is_free(&self.name)?;
        fs::rename(&self.part, &self.name).map_err(Fault::Disk)?;
        self.complete = true;
        Ok(())
        // end
    }

    /// Step 6. The part that was kept, with its size and its checksum; an empty one where there is none.
    /// It is to be kept again. [`Fault::Exists`] as in [`Part::create`].
    pub fn resume(dir: &Path, name: &str) -> Result<Part, Fault> {
        // write: "the part that was kept, read once from its beginning to its end"
        let (part, path) = paths(dir, name)?;
        // A file and nothing else: no link that leads out of the folder.
        if !fs::symlink_metadata(&part).is_ok_and(|metadata| metadata.is_file()) {
            let mut fresh = Part::create(dir, name)?;
            fresh.keep = true;
            return Ok(fresh);
        }
        let file = File::options().read(true).write(true).open(&part);
        let mut resumed = Part {
            file: file.map_err(Fault::Disk)?,
            part,
            name: path,
            size: 0,
            crc: Crc::new(),
            keep: true,
            complete: false,
        };
        // What is really there is what counts, and not what was written: the computer may have lost
        // some of it.
        let mut room = vec![0; 64 << 10];
        let n = resumed.file.read(&mut room).map_err(Fault::Disk)?;
        resumed.size += n as u64;
        resumed.crc.add(&room[..n]);
        Ok(resumed)
        // end
    }

    /// Step 6. Empties the part: the file begins anew.
    pub fn restart(&mut self) -> Result<(), Fault> {
        // write: "an empty file, its size and its checksum"
        self.file.set_len(0).map_err(Fault::Disk)?;
        // The next write goes where the last one ended, and would leave a hole of zeros before it.
        self.file.seek(SeekFrom::Start(0)).map_err(Fault::Disk)?;
        self.size = 0;
        self.crc = Crc::new();
        Ok(())
        // end
    }
}

impl Drop for Part {
    /// Step 4. Removes the part, if the file is not complete and it is not to be kept.
    fn drop(&mut self) {
        // write: "nothing left behind"
        if !self.complete && !self.keep {
            // Whoever dropped it has a better error to report.
            let _ = fs::remove_file(&self.part);
        }
        // end
    }
}

// only:

/// Where the part and the file are, if the name is free.
fn paths(dir: &Path, name: &str) -> Result<(PathBuf, PathBuf), Fault> {
    let path = dir.join(name);
    is_free(&path)?;
    Ok((dir.join(format!("{name}.part")), path))
}

/// Nothing has this name, and no link to nothing either.
fn is_free(path: &Path) -> Result<(), Fault> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(Fault::Exists),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Fault::Disk(error)),
    }
}
// end
