//! Given: a file that gets its name only when it is complete.
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file under a name of its own, `NAME.part`, until it is complete.
pub struct Partial {
    file: File,
    part: PathBuf,
    #[allow(dead_code, reason = "`complete` uses it")]
    name: PathBuf,
    /// How many bytes are in it.
    pub bytes: u64,
}

impl Partial {
    /// An empty `NAME.part`.
    pub fn create(name: &Path) -> io::Result<Partial> {
        let mut part = name.as_os_str().to_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        Ok(Partial {
            file: File::create(&part)?,
            part,
            name: name.to_path_buf(),
            bytes: 0,
        })
    }

    /// Writes a block behind what is there.
    #[allow(dead_code, reason = "your code calls it")]
    pub fn append(&mut self, block: &[u8]) -> io::Result<()> {
        self.file.write_all(block)?;
        self.bytes += block.len() as u64;
        Ok(())
    }

    /// The file is complete: gives it its name. Nobody ever sees a part of it under that name.
    #[allow(dead_code, reason = "your code calls it")]
    pub fn complete(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.part, &self.name)
    }

    /// Takes the part away after a failure.
    pub fn discard(self) {
        drop(self.file);
        // Whoever called has a better error to report.
        let _ = fs::remove_file(&self.part);
    }
}
