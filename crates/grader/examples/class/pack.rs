//! An entry, as a student or a learning management system packs it.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Paths in the entry and their bytes.
pub type Files = Vec<(String, Vec<u8>)>;

pub fn folder(path: &Path, files: &Files) -> anyhow::Result<()> {
    for (name, bytes) in files {
        let path = path.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        fs::write(path, bytes)?;
    }
    Ok(())
}

pub fn zip(path: &Path, files: &Files) -> anyhow::Result<()> {
    let mut zip = ZipWriter::new(File::create(path)?);
    for (name, bytes) in files {
        zip.start_file(name.as_str(), SimpleFileOptions::default())?;
        zip.write_all(bytes)?;
    }
    zip.finish()?;
    Ok(())
}

pub fn tar_gz(path: &Path, files: &Files) -> anyhow::Result<()> {
    let mut tar = tar::Builder::new(GzEncoder::new(File::create(path)?, Compression::default()));
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, bytes.as_slice())?;
    }
    tar.into_inner()?.finish()?;
    Ok(())
}

/// A .tar.gz in which one name is a symbolic link.
pub fn link(path: &Path, name: &str, to: &str) -> anyhow::Result<()> {
    let mut tar = tar::Builder::new(GzEncoder::new(File::create(path)?, Compression::default()));
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    header.set_mode(0o777);
    tar.append_link(&mut header, name, to)?;
    tar.into_inner()?.finish()?;
    Ok(())
}
