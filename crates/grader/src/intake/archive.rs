//! Reading what lies in an entry, whatever it is packed in, within limits and without ever unpacking it to disk.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek as _};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use zip::CompressionMethod;

use super::LONGEST_FILE;
use super::collect::{Collection, Fit, shown};
use super::entry;

/// How long a name in an archive may be, in bytes: no path of Linux is longer (PATH_MAX, limits.h(0p)).
const LONGEST_NAME: usize = 4096;
/// How much a tar may say of one file besides its content, in bytes: names, owners, times (tar(5)).
const MOST_SAID: u64 = 64 << 10;
/// How many files and folders an entry may hold.
const MOST_ITEMS: usize = 50_000;
/// How long an archive may be, in bytes.
const MOST_PACKED: u64 = 256 << 20;
/// How much an entry may hold unpacked, in bytes.
const MOST_BYTES: u64 = 1 << 30;
/// How many times its packed size an archive may unpack to, once it is longer than [`RATIO_FROM`].
const HIGHEST_RATIO: u64 = 200;
/// So much may unpack from anything: a short archive of zeros is no bomb.
const RATIO_FROM: u64 = 16 << 20;

/// Why a file with holes is not taken.
const SPARSE: &str = "it is packed as a sparse file; pack it without --sparse";

/// Why nothing of an entry is taken.
type Reason = String;

/// What was counted so far.
pub(super) struct Meter {
    packed: u64,
    unpacked: u64,
    items: usize,
}

impl Meter {
    pub(super) fn new(packed: u64) -> Meter {
        Meter {
            packed,
            unpacked: 0,
            items: 0,
        }
    }

    pub(super) fn item(&mut self, bytes: u64) -> Result<(), Reason> {
        self.items += 1;
        if self.items > MOST_ITEMS {
            return Err(too_many());
        }
        self.unpacked = self.unpacked.saturating_add(bytes);
        self.check()
    }

    fn check(&self) -> Result<(), Reason> {
        if self.unpacked > MOST_BYTES {
            return Err(format!(
                "it unpacks to more than {} MiB; leave out target and everything that is not yours",
                MOST_BYTES >> 20
            ));
        }
        if self.unpacked > RATIO_FROM && self.unpacked / self.packed.max(1) > HIGHEST_RATIO {
            return Err(format!(
                "it unpacks to more than {HIGHEST_RATIO} times its size, as an archive bomb does; pack only the labs' folders"
            ));
        }
        Ok(())
    }
}

fn too_many() -> Reason {
    format!(
        "it holds more than {MOST_ITEMS} files; leave out target and everything that is not yours"
    )
}

/// Hands every file in the entry at `path` to `collection`.
///
/// # Errors
/// Why the whole entry is refused.
pub(super) fn read(path: &Path, collection: &mut Collection<'_>) -> Result<(), Reason> {
    let kind = fs::symlink_metadata(path)
        .map_err(|error| format!("cannot be read: {error}"))?
        .file_type();
    if kind.is_dir() {
        folder(path, collection)
    } else if kind.is_file() {
        file(path, collection)
    } else {
        Err("is a link or a device; hand in a folder, a .zip or a .tar.gz".to_owned())
    }
}

/// What an archive is packed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Zip,
    TarGz,
    Tar,
    /// One that is not read here, by its usual name.
    Other(&'static str),
}

/// What a name promises.
fn promised(name: &str) -> Option<Packing> {
    let name = name.to_ascii_lowercase();
    let others = [
        ".rar", ".7z", ".xz", ".bz2", ".zst", ".gz", ".lzh", ".ace", ".lz", ".z", ".cab", ".iso",
        ".dmg", ".txz", ".tbz2",
    ];
    if name.ends_with(".zip") {
        Some(Packing::Zip)
    } else if name.ends_with(".tar.gz") || name.ends_with(".tgz") {
        Some(Packing::TarGz)
    } else if name.ends_with(".tar") {
        Some(Packing::Tar)
    } else {
        let other = others.into_iter().find(|ending| name.ends_with(ending))?;
        Some(Packing::Other(other))
    }
}

/// Whether a file is an archive by its name.
pub(super) fn is_one(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    promised(&name).is_some()
}

/// What a file is by its first bytes, where those are known: many a .rar is called .zip.
fn found(file: &mut File) -> io::Result<Option<Packing>> {
    let mut start = Vec::new();
    file.take(8).read_to_end(&mut start)?;
    file.rewind()?;
    let known: [(&[u8], Packing); 7] = [
        (b"PK\x03\x04", Packing::Zip),
        (b"PK\x05\x06", Packing::Zip),
        (b"\x1f\x8b", Packing::TarGz),
        (b"Rar!\x1a\x07", Packing::Other(".rar")),
        (b"7z\xbc\xaf\x27\x1c", Packing::Other(".7z")),
        (b"\xfd7zXZ\0", Packing::Other(".xz")),
        (b"BZh", Packing::Other(".bz2")),
    ];
    let packing = known.iter().find(|(magic, _)| start.starts_with(magic));
    Ok(packing.map(|(_, packing)| *packing))
}

fn file(path: &Path, collection: &mut Collection<'_>) -> Result<(), Reason> {
    let unreadable = |error: io::Error| format!("cannot be read: {error}; hand it in again");
    let mut file = File::open(path).map_err(unreadable)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let Some(promised) = promised(&name) else {
        let name = entry::file(&name);
        let Some(fit) = collection.wants(name) else {
            collection.pass_over_entry(name);
            return Ok(());
        };
        return take(collection, &fit, name, file).map_err(unreadable);
    };
    let packed = file.metadata().map_err(unreadable)?.len();
    if packed == 0 {
        return Err("is empty; hand it in again".to_owned());
    }
    let packing = found(&mut file).map_err(unreadable)?.unwrap_or(promised);
    if let Packing::Other(ending) = packing {
        return Err(format!(
            "a {ending} file cannot be read here; hand in a .zip or a .tar.gz"
        ));
    }
    if packed > MOST_PACKED {
        return Err(format!(
            "it is longer than {} MiB; leave out target and everything that is not yours",
            MOST_PACKED >> 20
        ));
    }
    match packing {
        Packing::Zip => zip(file, packed, collection),
        _ => {
            tar_names(unpacked(&file, packing), packed)?;
            file.rewind().map_err(unreadable)?;
            tar(unpacked(&file, packing), packed, collection)
        }
    }
}

/// What a tar is made of, from where its file is read.
fn unpacked(file: &File, packing: Packing) -> Box<dyn Read + '_> {
    let file = BufReader::new(file);
    match packing {
        Packing::TarGz => Box::new(MultiGzDecoder::new(file)),
        _ => Box::new(file),
    }
}

/// A folder, and archives that lie directly in it, as Moodle hands them out. Links are not followed.
fn folder(root: &Path, collection: &mut Collection<'_>) -> Result<(), Reason> {
    let mut meter = Meter::new(u64::MAX);
    let mut folders = vec![root.to_owned()];
    while let Some(dir) = folders.pop() {
        let listed = fs::read_dir(&dir)
            .and_then(Iterator::collect::<io::Result<Vec<_>>>)
            .map_err(|error| format!("{} cannot be read: {error}", dir.display()))?;
        for entry in listed {
            let path = entry.path();
            let below = path.strip_prefix(root).unwrap_or(&path);
            meter.item(0)?;
            let Some(name) = below.to_str() else {
                collection.refuse_name(&below.to_string_lossy());
                continue;
            };
            let unreadable = |error: io::Error| format!("{name} cannot be read: {error}");
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_dir() {
                if !collection.is_ignored_folder(name) {
                    folders.push(path);
                }
            } else if kind.is_symlink() {
                collection.refuse(name, "it is a symbolic link; hand in the file itself");
            } else if !kind.is_file() {
                collection.refuse(name, "it is a device, a pipe or a socket");
            } else if promised(name).is_some() {
                if dir != root {
                    collection.pass_over_archive(name);
                    continue;
                }
                file(&path, collection).map_err(|reason| format!("{name}: {reason}"))?;
            } else if let Some(fit) = collection.wants(name) {
                let file = File::open(&path).map_err(unreadable)?;
                take(collection, &fit, name, file).map_err(unreadable)?;
            } else {
                collection.pass_over(name);
            }
        }
    }
    Ok(())
}

/// A name that would lead out of the folder it is unpacked into.
fn leads_out(name: &str) -> bool {
    let drive = name.as_bytes().get(1) == Some(&b':');
    name.starts_with('/') || drive || name.split('/').any(|part| part == "..")
}

/// Refuses an archive with a name in it that is longer than any path.
fn is_short(name: &[u8]) -> Result<(), Reason> {
    if name.len() <= LONGEST_NAME {
        return Ok(());
    }
    let start = String::from_utf8_lossy(&name[..LONGEST_NAME]);
    Err(format!(
        "{:?} is a name of {} bytes; pack the labs' folders with relative paths",
        shown(&start),
        name.len()
    ))
}

fn outside(name: &str) -> Reason {
    let name = shown(name);
    format!(
        "{name:?} leads out of the folder it is unpacked into; pack the labs' folders with relative paths"
    )
}

/// How many entries a zip says it has. Its reader makes room for all of them before the first can be looked at, so
/// that is asked beforehand, of every place at the end where it may stand (APPNOTE.TXT 4.3.14 and 4.3.16).
fn zip_entries(file: &mut File) -> io::Result<u64> {
    // The longest comment and what stands around it.
    const TAIL: u64 = (64 << 10) + 200;
    let length = file.metadata()?.len();
    file.seek(io::SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    file.rewind()?;
    let at = |magic: &[u8], offset: usize, size: usize| -> u64 {
        let found = tail.windows(magic.len()).enumerate();
        let counts = found
            .filter(|(_, window)| *window == magic)
            .filter_map(|(at, _)| tail.get(at + offset..at + offset + size))
            .map(|count| {
                count
                    .iter()
                    .rev()
                    .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
            });
        counts.max().unwrap_or(0)
    };
    Ok(at(b"PK\x05\x06", 10, 2).max(at(b"PK\x06\x06", 32, 8)))
}

/// How many entries a zip's directory has, which begins at `start`, and the names that it has twice. Its reader keeps
/// the last of them and says nothing (APPNOTE.TXT 4.3.12).
fn named_twice(file: &mut (impl Read + io::Seek), start: u64) -> io::Result<(usize, Vec<Vec<u8>>)> {
    file.seek(io::SeekFrom::Start(start))?;
    let (mut entries, mut names, mut twice) = (0, HashSet::new(), Vec::new());
    let mut header = [0; 46];
    while file.read_exact(&mut header).is_ok() && header.starts_with(b"PK\x01\x02") {
        let length = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
        let mut name = vec![0; length(28)];
        file.read_exact(&mut name)?;
        entries += 1;
        let rest = length(30) + length(32);
        io::copy(&mut (&mut *file).take(rest as u64), &mut io::sink())?;
        if name.len() <= LONGEST_NAME && !names.insert(name.clone()) {
            twice.push(name);
        }
    }
    Ok((entries, twice))
}

fn zip(mut file: File, packed: u64, collection: &mut Collection<'_>) -> Result<(), Reason> {
    let damaged = |error: &dyn std::fmt::Display| {
        format!("the .zip cannot be read: {error}; hand it in again")
    };
    if zip_entries(&mut file).map_err(|error| damaged(&error))? > MOST_ITEMS as u64 {
        return Err(too_many());
    }
    let mut file = BufReader::new(file);
    let start = zip::ZipArchive::new(&mut file)
        .map_err(|error| damaged(&error))?
        .central_directory_start();
    let (entries, twice) = named_twice(&mut file, start).map_err(|error| damaged(&error))?;
    for name in &twice {
        let name = String::from_utf8_lossy(name).replace('\\', "/");
        collection.refuse(&name, "it is in the .zip twice; hand in one");
    }
    let mut archive = zip::ZipArchive::new(file).map_err(|error| damaged(&error))?;
    // Names that differ may be written a second time in Unicode, and be the same there (APPNOTE.TXT 4.6.9).
    if archive.len() + twice.len() < entries {
        return Err("two files in the .zip have one name; pack the labs' folders anew".to_owned());
    }
    let mut meter = Meter::new(packed);
    for index in 0..archive.len() {
        let entry = archive
            .by_index_raw(index)
            .map_err(|error| damaged(&error))?;
        // What a directory of the archive says of its sizes may be a lie; what is taken is counted as it comes.
        meter.item(entry.size())?;
        is_short(entry.name_raw())?;
        let Ok(name) = std::str::from_utf8(entry.name_raw()) else {
            collection.refuse_name(&String::from_utf8_lossy(entry.name_raw()).replace('\\', "/"));
            continue;
        };
        let name = name.replace('\\', "/");
        if leads_out(&name) {
            return Err(outside(&name));
        }
        // The file type in st_mode (inode(7)), where the archive was made on a Unix.
        let kind = entry.unix_mode().unwrap_or(0) & 0o170_000;
        let is_folder = entry.is_dir();
        let usual = [CompressionMethod::Stored, CompressionMethod::Deflated];
        let is_usual = usual.contains(&entry.compression()) && !entry.encrypted();
        drop(entry);
        match kind {
            _ if is_folder => {}
            0o120_000 => collection.refuse(&name, "it is a symbolic link; hand in the file itself"),
            0 | 0o100_000 => {
                if let Some(fit) = collection.wants(&name) {
                    if !is_usual {
                        return Err("the .zip has a password or is packed in an unusual way; hand in a plain one".to_owned());
                    }
                    let file = archive.by_index(index).map_err(|error| damaged(&error))?;
                    take(collection, &fit, &name, file).map_err(|error| damaged(&error))?;
                } else if promised(&name).is_some() {
                    collection.pass_over_archive(&name);
                } else {
                    collection.pass_over(&name);
                }
            }
            _ => {
                return Err(format!("{} is a device, a pipe or a socket", shown(&name)));
            }
        }
    }
    Ok(())
}

/// Counts what comes out of a decoder, and stops where it is too much.
struct Metered<R> {
    inner: R,
    meter: Meter,
    stopped: Option<Reason>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.meter.unpacked += n as u64;
        if let Err(reason) = self.meter.check() {
            self.stopped = Some(reason.clone());
            return Err(io::Error::other(reason));
        }
        Ok(n)
    }
}

fn tar(stream: impl Read, packed: u64, collection: &mut Collection<'_>) -> Result<(), Reason> {
    metered(stream, packed, |stream| tar_entries(stream, collection))
}

/// Looks for what a tar says of names and times before it is read: its reader takes each such entry into memory, whole.
/// Both have to find the same entries, so what would make them differ is refused.
fn tar_names(stream: impl Read, packed: u64) -> Result<(), Reason> {
    metered(stream, packed, |stream| {
        let mut archive = tar::Archive::new(stream);
        let mut items = Meter::new(u64::MAX);
        for entry in archive.entries().map_err(damaged_tar)?.raw(true) {
            let mut entry = entry.map_err(damaged_tar)?;
            items.item(0)?;
            let kind = entry.header().entry_type();
            // The list of its pieces goes on behind the header (tar(5), "GNU tar archives").
            let gnu = entry.header().as_gnu().filter(|_| kind.is_gnu_sparse());
            if gnu.is_some_and(tar::GnuHeader::is_extended) {
                return Err(SPARSE.to_owned());
            }
            let is_pax = kind.is_pax_local_extensions() || kind.is_pax_global_extensions();
            let extends = is_pax || kind.is_gnu_longname() || kind.is_gnu_longlink();
            if extends && entry.size() > MOST_SAID {
                return Err(format!(
                    "a name or what is said of it takes {} bytes; pack the labs' folders with relative paths",
                    entry.size()
                ));
            }
            if is_pax {
                let mut said = Vec::new();
                entry.read_to_end(&mut said).map_err(damaged_tar)?;
                if names_size(&said) {
                    return Err(
                        "it gives the length of a file twice; pack it with tar -czf or as a .zip"
                            .to_owned(),
                    );
                }
            }
        }
        Ok(())
    })
}

/// Whether a pax header says how long the next file is, which only one of 8 GiB has to (pax(1p), "pax Extended Header").
fn names_size(said: &[u8]) -> bool {
    let lines = said.split(|byte| *byte == b'\n');
    let mut keywords = lines.filter_map(|line| line.splitn(2, |byte| *byte == b' ').nth(1));
    keywords.any(|keyword| keyword.starts_with(b"size="))
}

fn metered<S: Read>(
    stream: S,
    packed: u64,
    read: impl FnOnce(&mut Metered<S>) -> Result<(), Reason>,
) -> Result<(), Reason> {
    let mut stream = Metered {
        inner: stream,
        meter: Meter::new(packed),
        stopped: None,
    };
    let read = read(&mut stream);
    // What stopped the stream says more than what the reader of the archive made of it.
    match stream.stopped {
        Some(reason) => Err(reason),
        None => read,
    }
}

fn damaged_tar(error: io::Error) -> Reason {
    format!("the .tar.gz cannot be read: {error}; hand it in again")
}

fn tar_entries(stream: &mut impl Read, collection: &mut Collection<'_>) -> Result<(), Reason> {
    use tar::EntryType;
    let mut archive = tar::Archive::new(stream);
    let mut items = Meter::new(u64::MAX);
    for entry in archive.entries().map_err(damaged_tar)? {
        let entry = entry.map_err(damaged_tar)?;
        items.item(0)?;
        let bytes = entry.path_bytes().into_owned();
        is_short(&bytes)?;
        let name = match String::from_utf8(bytes) {
            Ok(name) => name,
            Err(error) => {
                collection.refuse_name(&String::from_utf8_lossy(error.as_bytes()));
                continue;
            }
        };
        if leads_out(&name) {
            return Err(outside(&name));
        }
        match entry.header().entry_type() {
            EntryType::Symlink => {
                collection.refuse(&name, "it is a symbolic link; hand in the file itself");
            }
            EntryType::Link => {
                collection.refuse(&name, "it is a hard link; hand in the file itself");
            }
            EntryType::GNUSparse => {
                collection.refuse(&name, SPARSE);
            }
            EntryType::Regular if name.contains("/GNUSparseFile.") => {
                // So a pax archive has it, under a name of its own (GNU tar's manual, "Storing Sparse Files").
                let parts = name.split('/');
                let parts = parts.filter(|part| !part.starts_with("GNUSparseFile."));
                collection.refuse(&parts.collect::<Vec<_>>().join("/"), SPARSE);
            }
            EntryType::Char | EntryType::Block | EntryType::Fifo => {
                return Err(format!("{} is a device or a pipe", shown(&name)));
            }
            EntryType::Regular | EntryType::Continuous => {
                if let Some(fit) = collection.wants(&name) {
                    take(collection, &fit, &name, entry).map_err(damaged_tar)?;
                } else if promised(&name).is_some() {
                    collection.pass_over_archive(&name);
                } else {
                    collection.pass_over(&name);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Reads one file that is wanted, up to the limit and one byte more, which shows that it is too long.
fn take(collection: &mut Collection<'_>, fit: &Fit, name: &str, from: impl Read) -> io::Result<()> {
    let mut bytes = Vec::new();
    from.take(LONGEST_FILE + 1).read_to_end(&mut bytes)?;
    collection.take(fit, name, bytes);
    Ok(())
}
