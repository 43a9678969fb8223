//! All the checks of a lab on its solution.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use course::soak::Load;
use course::{Cancel, Course, Options, Runner, Soak, Subject, Verdict};

use crate::copy::Copy;
use crate::table::{Table, median, seconds};

const TIMES: usize = 5;

pub fn measure(copy: &Copy, soak: Option<usize>, table: &mut Table) -> anyhow::Result<()> {
    let course = Course::load(copy.root())?;
    let cancel = Cancel::new();
    let mut failed_runs = 0;
    for lab in course.labs() {
        let mut options = Options::default();
        options.subject = Subject::Solution;
        options.target_dir = Some(copy.root().join("target"));
        let runner = Runner::new(lab, options);
        println!("building the solution of {}", lab.topic);
        let built = runner.build(&cancel, |_| {})?;
        let Some(checks) = built.checks else {
            bail!(
                "the solution of {} does not compile:\n{}",
                lab.topic,
                built.report.output
            );
        };
        let mut times: Vec<Duration> = Vec::new();
        let (mut failed, mut skipped, mut count) = (0, 0, 0);
        for _ in 0..TIMES {
            let began = Instant::now();
            let reports = runner.judge(&checks, &cancel, |_| {})?;
            times.push(began.elapsed());
            let of = |wanted: fn(&Verdict) -> bool| {
                reports
                    .iter()
                    .filter(|report| wanted(&report.verdict))
                    .count()
            };
            failed = failed.max(of(|verdict| *verdict == Verdict::Failed));
            skipped = skipped.max(of(|verdict| matches!(verdict, Verdict::Skipped(_))));
            count = reports.len();
        }
        let time = median(times);
        let mut measured = format!("{}, {count} checks", seconds(time));
        if failed > 0 {
            measured += &format!(", {failed} FAILED");
        }
        if skipped > 0 {
            measured += &format!(", {skipped} SKIPPED");
        }
        table.row(
            &format!("all checks of {} on its solution", lab.topic),
            "under 1 s",
            measured,
            time < Duration::from_secs(1) && failed == 0,
        );
        if let Some(times) = soak {
            let report = Soak::times(times)
                .under(Load::Busy)
                .run(&runner, &cancel, |_| {}, |_, _| {})
                .with_context(|| format!("soaking {}", lab.topic))?;
            println!(
                "{}: {} runs with every core busy, {} with a failure",
                lab.topic, report.runs, report.failed_runs
            );
            failed_runs += report.failed_runs;
        }
    }
    if let Some(times) = soak {
        table.row(
            "runs of all solutions' checks, every core busy",
            "500, no failure",
            format!("{times}, {failed_runs} with a failure"),
            times >= 500 && failed_runs == 0,
        );
    }
    Ok(())
}
