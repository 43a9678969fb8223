//! The folders that programs write into, and their end.

use std::path::Path;

/// Removes a folder with all that is in it, as far as that can be done.
///
/// A program may have put folders into each other thousands of times. The standard library would go down into them, and
/// come to the end of its stack; here each folder that is found is moved up to the first one, and so is never deep.
pub fn remove(folder: &Path) {
    #[cfg(unix)]
    let _ = unix::empty(folder);
    let _ = std::fs::remove_dir_all(folder);
}

/// By descriptors, so that a program which still runs leads us nowhere by a link in the place of a folder.
#[cfg(unix)]
pub(crate) mod unix {
    use std::ffi::{CStr, CString, OsStr};
    use std::fs;
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, openat, renameat, unlinkat};
    use rustix::io::{Errno, Result};
    use rustix::path::Arg;

    pub(super) fn empty(folder: &Path) -> Result<()> {
        let top = open(CWD, folder)?;
        let mut moved = 0;
        let mut found = contents(&top)?;
        while let Some(name) = found.pop() {
            if unlinkat(&top, &name, AtFlags::empty()).is_ok() {
                continue;
            }
            let place = folder.join(named(&name));
            let_in(&place);
            let Ok(inner) = open(&top, &name) else {
                continue;
            };
            for name in contents(&inner)? {
                if unlinkat(&inner, &name, AtFlags::empty()).is_ok() {
                    continue;
                }
                // Its `..` is written to when it is moved.
                let_in(&place.join(named(&name)));
                let moved_to = loop {
                    moved += 1;
                    let next = CString::new(format!("removed-{moved}")).unwrap_or_default();
                    match renameat(&inner, &name, &top, &next) {
                        // There is one of that name, and something in it.
                        Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => {}
                        Err(_) => break None,
                        Ok(()) => break Some(next),
                    }
                };
                found.extend(moved_to);
            }
            let _ = unlinkat(&top, &name, AtFlags::REMOVEDIR);
        }
        Ok(())
    }

    /// A folder that is no link.
    pub(crate) fn open(parent: impl AsFd, name: impl Arg) -> Result<OwnedFd> {
        let how = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(parent, name, how, Mode::empty())
    }

    /// What the entries of a folder are called.
    pub(crate) fn contents(folder: &OwnedFd) -> Result<Vec<CString>> {
        let names = Dir::read_from(folder)?.map(|entry| Ok(entry?.file_name().to_owned()));
        let own = |name: &CString| matches!(name.to_bytes(), b"." | b"..");
        names.filter(|name| !name.as_ref().is_ok_and(own)).collect()
    }

    fn named(name: &CStr) -> &OsStr {
        OsStr::from_bytes(name.to_bytes())
    }

    /// Opens a folder that its owner has closed. Root needs no leave, and must not be led by a link.
    fn let_in(folder: &Path) {
        if !rustix::process::geteuid().is_root() {
            let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_folder_is_removed_however_deep_it_is() {
        let parent = std::env::temp_dir().join(format!("wirelab-deep-{}", std::process::id()));
        fs::create_dir(&parent).unwrap();
        let folder = parent.join("folder");
        fs::create_dir_all(folder.join("a/b/removed-1")).unwrap();
        fs::write(folder.join("a/b/file"), "text").unwrap();
        // From the innermost outwards: a path of the whole depth is longer than any system takes.
        let (chain, outer) = (parent.join("chain"), parent.join("outer"));
        for _ in 0..20_000 {
            fs::create_dir(&outer).unwrap();
            if chain.exists() {
                fs::rename(&chain, outer.join("d")).unwrap();
            }
            fs::rename(&outer, &chain).unwrap();
        }
        fs::rename(&chain, folder.join("deep")).unwrap();
        remove(&folder);
        assert!(!folder.exists());
        fs::remove_dir(&parent).unwrap();
    }
}
