//! `cargo grade prepare`: builds what grading needs before anything is handed in.

use course::Course;

use crate::build::{HiddenFrom, Kitchen, Packages, Toolchain};
use crate::{cli, sandbox};

/// Builds the launcher and the checks of the labs that `args` names, so that runs find them made: for an image, or for
/// a machine that is to grade without a network. Nothing is tried out; `run` says what keeps submissions from the
/// machine.
///
/// # Errors
/// There is no such lab, or something cannot be built.
pub fn run(course: &Course, args: &cli::Prepare) -> anyhow::Result<()> {
    let labs = course.labs_named(&args.labs)?;
    let toolchain = Toolchain::find(course)?;
    eprintln!("Building the launcher …");
    sandbox::prepare(course)?;
    let mut packages = Packages::default();
    for lab in labs {
        eprintln!("Building the checks of {} …", lab.topic);
        let mut kitchen = Kitchen::new(lab, HiddenFrom::Solutions)?;
        kitchen.prepare(course, &toolchain, &mut packages)?;
    }
    Ok(())
}
