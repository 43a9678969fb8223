//! `cargo lab reset`

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use course::Lab;
use course::derive::{Difference, Starter};

use crate::cli;
use crate::clock;
use crate::progress::free_name;
use crate::report::count_of;
use crate::session::{Session, Unusable};
use crate::terminal::{can_ask, confirm, tell};

/// Puts the starter back. The files as they are now are kept first; where they cannot be, nothing is
/// changed.
///
/// # Errors
/// When there is no such lab or no starter, or a file cannot be written.
pub fn run(session: &Session, args: &cli::Reset) -> anyhow::Result<u8> {
    let lab = session.lab(&args.lab)?;
    let Some(source) = lab.starter_source() else {
        return Err(Unusable(format!(
            "this copy of the course has nothing to make the starter of {} from; take labs/{}/src from a fresh copy",
            lab.topic, lab.folder
        ))
        .into());
    };
    let starter = source.starter(lab)?;
    let differences = differences(&starter, lab)?;
    if differences.is_empty() {
        session
            .terminal
            .line(&format!("labs/{} is the starter already.", lab.folder))?;
        return Ok(0);
    }
    if !args.yes && !agreed(lab, &differences)? {
        return Ok(1);
    }

    let kept = keep(session, lab, &differences)?;
    starter.write(&lab.dir())?;
    for (path, difference) in &differences {
        if *difference == Difference::Extra {
            let path = lab.dir().join(path);
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    // That it passed once stays true; what passed now is another matter.
    session.remember(|progress| {
        if let Some(lab) = progress.labs.get_mut(&lab.topic) {
            lab.checks.clear();
            lab.hints.clear();
        }
    });
    session
        .terminal
        .line(&format!("labs/{} is the starter again.", lab.folder))?;
    if let Some(kept) = kept {
        let kept = kept.strip_prefix(session.root()).unwrap_or(&kept);
        session
            .terminal
            .line(&format!("Your files are kept in {}", kept.display()))?;
    }
    Ok(0)
}

fn differences(starter: &Starter, lab: &Lab) -> anyhow::Result<Vec<(PathBuf, Difference)>> {
    // Where even the folder is gone, everything is missing.
    let src = lab.dir().join("src");
    fs::create_dir_all(&src).with_context(|| format!("cannot make {}", src.display()))?;
    Ok(starter.differences(&lab.dir())?)
}

fn agreed(lab: &Lab, differences: &[(PathBuf, Difference)]) -> anyhow::Result<bool> {
    if !can_ask() {
        tell(&format!(
            "Nothing was changed: {} of labs/{} would be replaced, and nobody can be asked here; add --yes",
            count_of(differences.len(), "file"),
            lab.folder
        ));
        return Ok(false);
    }
    tell(&format!(
        "These files of labs/{} would be replaced:",
        lab.folder
    ));
    for (path, difference) in differences {
        let how = match difference {
            Difference::Missing => "is missing",
            Difference::Changed => "differs from the starter",
            Difference::Extra => "is not in the starter and would go",
        };
        tell(&format!("  {} {how}", path.display()));
    }
    Ok(confirm("Keep them aside and put the starter back?")?)
}

/// Copies what the starter would replace into a folder with today's date; `None` when there is
/// nothing to keep.
fn keep(
    session: &Session,
    lab: &Lab,
    differences: &[(PathBuf, Difference)],
) -> anyhow::Result<Option<PathBuf>> {
    let files: Vec<&PathBuf> = differences
        .iter()
        .filter(|(_, difference)| *difference != Difference::Missing)
        .map(|(path, _)| path)
        .collect();
    if files.is_empty() {
        return Ok(None);
    }
    let name = format!("{}-{}", lab.topic, clock::for_file_names());
    let kept = free_name(&session.store.folder().join("kept").join(name));
    for file in files {
        copy(&lab.dir().join(file), &kept.join(file))?;
    }
    Ok(Some(kept))
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    to.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::copy(from, to).map(|_| ()))
        .with_context(|| {
            format!(
                "nothing was changed, because {} cannot be kept as {}",
                from.display(),
                to.display()
            )
        })
}
