//! `cargo lab book` and `cargo lab lint`

use anyhow::Context as _;
use serde::Serialize;

use crate::book;
use crate::cli;
use crate::report::count_of;
use crate::session::Session;
use crate::terminal::Tone;

/// Builds the book into a folder.
///
/// # Errors
/// When mdBook complains, or the folder cannot be written.
pub fn build(session: &Session, args: &cli::Book) -> anyhow::Result<u8> {
    // The default is the course's own folder; what was typed is meant from where it was typed.
    let dest = if args.dest == std::path::Path::new("book/build") {
        session.root().join(&args.dest)
    } else {
        std::env::current_dir()
            .context("the current folder cannot be read")?
            .join(&args.dest)
    };
    session.terminal.status("building the book…");
    let report = book::build(&session.book(), &dest)?;
    session.terminal.line(&format!(
        "{} in {}, built in {:.1} s",
        count_of(report.pages, "page"),
        report.folder.display(),
        report.elapsed.as_secs_f64()
    ))?;
    Ok(0)
}

/// The JSON.
#[derive(Serialize)]
struct Findings<'a> {
    version: u32,
    findings: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Finding<'a> {
    page: &'a str,
    rule: &'a str,
    message: &'a str,
}

/// Shows what is wrong in the book.
///
/// # Errors
/// When it cannot be read.
pub fn lint(session: &Session, args: &cli::Lint) -> anyhow::Result<u8> {
    let terminal = &session.terminal;
    terminal.status("looking at the book…");
    let findings = book::lint(&session.book())?;
    if args.json {
        let findings = Findings {
            version: 1,
            findings: findings
                .iter()
                .map(|finding| Finding {
                    page: &finding.page,
                    rule: finding.rule,
                    message: &finding.message,
                })
                .collect(),
        };
        terminal.line(&serde_json::to_string_pretty(&findings)?)?;
    } else {
        for finding in &findings {
            terminal.line(&format!(
                "{} {finding}",
                terminal.paint(Tone::Bad, "error:")
            ))?;
        }
        let sum = if findings.is_empty() {
            terminal.paint(Tone::Good, "The book has no mistakes that can be found.")
        } else {
            count_of(findings.len(), "mistake")
        };
        terminal.line(&sum)?;
    }
    Ok(u8::from(!findings.is_empty()))
}
