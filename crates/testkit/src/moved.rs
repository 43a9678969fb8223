//! Where the course is now, though it was moved. What cargo compiles into a check is where it was when that was
//! compiled; whoever moves or copies the folder afterwards finds nothing compiled anew, and must not have another
//! folder's program judged.

use std::path::{Path, PathBuf};

/// The package's program, which cargo puts beside the folder of a test's executable; as compiled in where none is there
/// (`build.build-dir` in cargo's configuration).
pub(crate) fn program(compiled_in: &Path) -> PathBuf {
    let test = std::env::current_exe().ok();
    test.and_then(|test| beside(&test, compiled_in))
        .unwrap_or_else(|| compiled_in.to_owned())
}

fn beside(test: &Path, compiled_in: &Path) -> Option<PathBuf> {
    let folder = test.parent()?.parent()?;
    let program = folder.join(compiled_in.file_name()?);
    program.is_file().then_some(program)
}

/// The package's folder, in which cargo and the runner start a test; as compiled in where somebody starts it elsewhere.
pub(crate) fn package_dir(compiled_in: &Path) -> PathBuf {
    let here = std::env::current_dir().ok();
    here.filter(|here| is_like(here, compiled_in))
        .unwrap_or_else(|| compiled_in.to_owned())
}

fn is_like(here: &Path, compiled_in: &Path) -> bool {
    here.file_name() == compiled_in.file_name() && here.join("Cargo.toml").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_was_copied_has_its_own_program() {
        let scratch = format!("wirelab-moved-{}", std::process::id());
        let scratch = std::env::temp_dir().join(scratch);
        let [old, new] = ["old", "new"].map(|folder| scratch.join(folder).join("names"));
        for program in [&old, &new] {
            std::fs::create_dir_all(program.with_file_name("deps")).unwrap();
        }
        std::fs::write(&old, "").unwrap();
        let test = new.with_file_name("deps").join("checks-0123");
        let before = beside(&test, &old);
        std::fs::write(&new, "").unwrap();
        let after = beside(&test, &old);
        crate::folder::remove(&scratch);
        assert_eq!((before, after), (None, Some(new)));
    }

    #[test]
    fn a_package_is_where_its_test_is_started() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(package_dir(&Path::new("/old").join("testkit")), here);
        assert_eq!(
            package_dir(Path::new("/old/names")),
            Path::new("/old/names")
        );
    }
}
