//! `cargo grade export`: the same judging in somebody else's harness, and grades in somebody else's gradebook.

use course::Course;

use crate::cli::Export;

pub mod classroom;
pub mod gradebook;
pub mod gradescope;

/// Makes what was asked for.
///
/// # Errors
/// Something that it is made from is missing, or it cannot be written.
pub fn run(course: &Course, what: &Export) -> anyhow::Result<()> {
    match what {
        Export::Gradescope(args) => gradescope::run(course, args),
        Export::Classroom(args) => classroom::run(course, args),
        Export::Canvas(args) | Export::Moodle(args) => gradebook::run(course, args),
    }
}

/// Says what cannot be earned where hidden checks are not taken along.
fn say_hidden(lab: &course::Lab) -> anyhow::Result<()> {
    if let Some(hidden) = course::Hidden::of(lab)? {
        println!(
            "{}: its hidden checks are not in it, and their points cannot be had there: {}",
            lab.topic,
            hidden.max_points().total()
        );
    }
    Ok(())
}
