//! Giving a check's folder to the user that its program becomes.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Uid, chownat, fstat, openat};
use rustix::process::geteuid;

/// Gives a folder to a user, with all that we have put into it: a program is to write where it could at home.
///
/// Other programs of that user may be at work in there. So names are looked up from their folder's descriptor, no link is
/// followed, and a file that has a second name is passed over: it may be one of the machine's.
///
/// # Errors
/// The folder cannot be given away.
pub(crate) fn give(folder: &Path, user: u32) -> rustix::io::Result<()> {
    let top = openat(CWD, folder, WHERE, Mode::empty())?;
    give_one(&top, user)?;
    let mut folders = vec![top];
    while let Some(folder) = folders.pop() {
        // What is gone by now, or cannot be opened, is the program's own doing.
        folders.extend(give_below(&folder, user).unwrap_or_default());
    }
    Ok(())
}

/// A place in the file system, and not what is in it.
const WHERE: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

fn give_one(place: impl AsFd, user: u32) -> rustix::io::Result<()> {
    let (uid, gid) = (Uid::from_raw(user), Gid::from_raw(user));
    chownat(place, "", Some(uid), Some(gid), AtFlags::EMPTY_PATH)
}

/// Gives away what is ours in a folder; the folders in it, also those that were the user's already.
fn give_below(folder: &OwnedFd, user: u32) -> rustix::io::Result<Vec<OwnedFd>> {
    let list = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let entries = Dir::new(openat(folder, ".", list, Mode::empty())?)?;
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let Ok(place) = openat(folder, name, WHERE, Mode::empty()) else {
            continue;
        };
        let Ok(is) = fstat(&place) else { continue };
        let ours = Uid::from_raw(is.st_uid) == geteuid();
        match FileType::from_raw_mode(is.st_mode) {
            FileType::Directory => {
                if ours {
                    let _ = give_one(&place, user);
                }
                if ours || is.st_uid == user {
                    folders.push(place);
                }
            }
            FileType::RegularFile if ours && is.st_nlink == 1 => {
                let _ = give_one(&place, user);
            }
            _ => {}
        }
    }
    Ok(folders)
}
