//! Judging one program: its lab's checks, in a process and a network of their own.
//!
//! The grader starts itself anew under the name [`NAME`], inside fresh user and network namespaces, with a
//! [`Request`] in a file; that process runs the checks and writes an [`Answer`]. Whatever is left in its network when
//! it has ended is killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use course::{Cancel, CheckReport, Hidden, Lab, Options, Runner, Selection, Verdict};
use launch::Record;
use rustix::process::{getpid, set_child_subreaper};
use serde::{Deserialize, Serialize};
use testkit::Need;

use crate::sandbox::{Sandbox, Tier, Trial, watch};

/// The name under which the grader is a judge: `NAME REQUEST ANSWER`.
pub const NAME: &str = "wirelab-judge";

/// How long one lab of one submission may take in all. The checks have deadlines of their own, which a program that
/// never does anything meets in all of them: they come to an end long before.
const LIMIT: Duration = Duration::from_secs(3600);

/// The same of the first run of one executable's checks, all of them.
const ROUND: Duration = Duration::from_secs(1200);

/// When what failed is not run again: so many repetitions have shown the same failure, and none another verdict, ...
const CONFIRMED: usize = 3;

/// ... and they took so long together, in seconds. A program that lets checks run out of time does it in all of them,
/// and would take from the class an hour of its evening.
const LONG: f64 = 30.0;

/// The same once a repetition has shown another verdict, whatever the others show, in seconds: another run of the rest
/// may tell something then, but a program can arrange for one to pass.
const LONGEST: f64 = 300.0;

/// What is to be judged.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    course: PathBuf,
    /// The lab's folder below the course's `labs`.
    lab: String,
    checks: PathBuf,
    /// The text of the `hidden.toml`, and the executable with those checks.
    hidden: Option<(String, PathBuf)>,
    program: PathBuf,
    seed: String,
    /// Where the checks write their verdicts.
    verdicts: PathBuf,
    walls: Option<Walls>,
    /// Whether a check can have a network of its own, with a program in it.
    networks: bool,
    /// Where the lab's `tests/data` is, where not in the course.
    data: Option<PathBuf>,
}

/// What a check may find missing on a machine, in the words of `lab.toml` and `WIRELAB_LACKS`.
const NEEDS: [Need; 3] = [Need::Netns, Need::Ipv6, Need::Broadcast];

impl Request {
    /// What is not there, found out before a program runs that could keep it from being found.
    fn lacking(&self) -> Vec<&'static str> {
        let lacks = |need: &Need| match need {
            Need::Netns => !self.networks,
            need => need.probe().is_err(),
        };
        NEEDS.into_iter().filter(lacks).map(Need::name).collect()
    }
}

/// What stands between the checks and the program, as far as the judge has to do with it.
#[derive(Debug, Serialize, Deserialize)]
struct Walls {
    /// What testkit starts in place of the program.
    launcher: PathBuf,
    /// Whether that can also start one program after another.
    fork_server: bool,
    /// Where it notes its starts.
    record: PathBuf,
    /// What the judge has to watch besides the program's size.
    open: Option<watch::Open>,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    /// A report for each check, in the order of `lab.toml`.
    pub checks: Vec<CheckReport>,
    /// A report for each hidden check, in the order of `hidden.toml`.
    pub hidden: Vec<CheckReport>,
    /// The checks that did not always say the same.
    pub unsteady: Vec<String>,
    /// What kept the judge from judging, where something did: then the reports mean nothing.
    pub trouble: Option<String>,
}

/// Judges `program`, in `scratch`, an empty folder for this purpose.
///
/// # Errors
/// Trouble with the machine: it says nothing about the program.
pub fn judge(
    sandbox: &Sandbox,
    lab: &Lab,
    checks: &Path,
    hidden: Option<(&Hidden, &Path)>,
    program: &Path,
    seed: &str,
    scratch: &Path,
) -> anyhow::Result<Answer> {
    let trial = Trial {
        scratch,
        program,
        data: lab.dir().join("tests/data").canonicalize().ok(),
    };
    let (request, answer) = (trial.request(), scratch.join("answer.json"));
    let tier = sandbox.tier();
    let orders = Request {
        course: lab.root().to_owned(),
        lab: lab.folder.clone(),
        checks: checks.to_owned(),
        hidden: hidden.map(|(hidden, checks)| (hidden.text.clone(), checks.to_owned())),
        program: program.to_owned(),
        seed: seed.to_owned(),
        verdicts: trial.verdicts(),
        walls: (tier != Tier::None).then(|| Walls {
            launcher: trial.launcher(),
            fork_server: tier == Tier::Bubblewrap,
            record: trial.record(),
            open: sandbox.watched(&trial),
        }),
        networks: sandbox.has_networks(),
        data: sandbox.data(&trial)?,
    };
    fs::write(&request, serde_json::to_vec(&orders)?)
        .with_context(|| format!("{} cannot be written", request.display()))?;
    sandbox
        .judge(&trial, &request, &answer, LIMIT)
        .context("the judge ended early")?;
    let text = fs::read(&answer).context("the judge left no answer")?;
    let answer: Answer =
        serde_json::from_slice(&text).context("the judge's answer cannot be read")?;
    match answer.trouble {
        Some(trouble) => bail!(trouble),
        None => Ok(answer),
    }
}

/// The judge's own process.
pub(crate) fn main() -> anyhow::Result<()> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(request), Some(path)) = (args.next(), args.next()) else {
        bail!("a request and a place for the answer are missing");
    };
    let mut request: Request = serde_json::from_slice(&fs::read(&request)?)?;
    // What a program leaves behind comes to its check, and what a check leaves behind comes to us.
    set_child_subreaper(Some(getpid()))?;
    if let Some(walls) = &mut request.walls {
        watch::begin(walls.open.take());
    }
    let answer = answer(&request).unwrap_or_else(|error| Answer {
        checks: Vec::new(),
        hidden: Vec::new(),
        unsteady: Vec::new(),
        trouble: Some(format!("{error:#}")),
    });
    launch::tree::end_all();
    fs::write(&path, serde_json::to_vec(&answer)?)
        .with_context(|| format!("{} cannot be written", path.display()))
}

fn answer(request: &Request) -> anyhow::Result<Answer> {
    let lab = &Lab::load(&request.course, &request.lab)?;
    let mut unsteady = Vec::new();
    let lacking = request.lacking();
    let checks = suite(request, &lacking, lab, &request.checks, &mut unsteady)?;
    let hidden = match &request.hidden {
        None => Vec::new(),
        Some((text, executable)) => {
            let hidden = Hidden::parse(lab, text)?.in_place(lab);
            suite(request, &lacking, &hidden, executable, &mut unsteady)?
        }
    };
    Ok(Answer {
        checks,
        hidden,
        unsteady,
        trouble: None,
    })
}

/// Runs the checks of one executable.
fn suite(
    request: &Request,
    lacking: &[&str],
    lab: &Lab,
    executable: &Path,
    unsteady: &mut Vec<String>,
) -> anyhow::Result<Vec<CheckReport>> {
    let run = |selection| -> anyhow::Result<Vec<CheckReport>> {
        let mut options = Options::default();
        options.program = Some(request.program.clone());
        options.launcher = request.walls.as_ref().map(|walls| walls.launcher.clone());
        options.seed = Some(request.seed.clone());
        options.deadline = ROUND;
        options.verdicts = Some(request.verdicts.clone());
        options.selection = selection;
        let lacks = ("WIRELAB_LACKS".into(), lacking.join(",").into());
        options.environment.push(lacks);
        if request
            .walls
            .as_ref()
            .is_some_and(|walls| walls.fork_server)
        {
            let serves = ("WIRELAB_FORK_SERVER".into(), "1".into());
            options.environment.push(serves);
        }
        let data = request.data.iter();
        let data = data.map(|data| ("WIRELAB_DATA".into(), data.into()));
        options.environment.extend(data);
        let reports = Runner::new(lab, options).judge(executable, &Cancel::new(), |_| {})?;
        let walls = request.walls.as_ref();
        if walls.is_some_and(|walls| Record::failed(&walls.record) > 0) {
            bail!("{}", did_not_start(&reports));
        }
        reports
            .iter()
            .try_for_each(|report| sound(report, lacking))?;
        Ok(reports)
    };
    let mut reports = run(Selection::All)?;
    unsteady.extend(two_of_three(&mut reports, |name| {
        let alone = run(Selection::Checks(vec![name.to_owned()]))?;
        alone.into_iter().next().context("a check gave no verdict")
    })?);
    Ok(reports)
}

/// Has the checks that failed run again, alone: two of three decide. The names of those that did not always say the
/// same; where the first two agree, the third changes nothing and is not run. One that passes in the end keeps the
/// transcript of its failure, for whoever looks into it.
///
/// Those that failed soonest come first, and the rest stand as they are where a repetition has no more to tell: see
/// [`CONFIRMED`] and [`LONGEST`].
fn two_of_three(
    reports: &mut [CheckReport],
    mut again: impl FnMut(&str) -> anyhow::Result<CheckReport>,
) -> anyhow::Result<Vec<String>> {
    let (mut confirmed, mut took) = (0, 0.0);
    let mut unsteady = Vec::new();
    let failed = reports
        .iter_mut()
        .filter(|report| report.verdict == Verdict::Failed);
    let mut failed: Vec<_> = failed.enumerate().collect();
    failed.sort_by(|(_, a), (_, b)| a.seconds.total_cmp(&b.seconds));
    for (place, report) in failed {
        let is_enough = if unsteady.is_empty() {
            confirmed >= CONFIRMED && took >= LONG
        } else {
            took >= LONGEST
        };
        if is_enough {
            break;
        }
        let mut second = again(&report.name)?;
        took += second.seconds;
        if second.verdict == Verdict::Failed {
            confirmed += 1;
            continue;
        }
        unsteady.push((place, report.name.clone()));
        let third = again(&report.name)?;
        took += third.seconds;
        if third.verdict == Verdict::Passed {
            second.message = report.message.take();
            *report = second;
        }
    }
    unsteady.sort();
    Ok(unsteady.into_iter().map(|(_, name)| name).collect())
}

/// Whether a verdict is one about the program, or a skip for what this machine lacks: a program does not decide what is
/// lacking, that was found out before.
fn sound(report: &CheckReport, lacking: &[&str]) -> anyhow::Result<()> {
    if let Verdict::Skipped(reason) = &report.verdict {
        let need = report.need.as_deref();
        ensure!(
            need.is_some_and(|need| lacking.contains(&need)),
            "{} was skipped: {reason}",
            report.name
        );
        return Ok(());
    }
    ensure!(
        report.judged,
        "{} came to no verdict: {}",
        report.name,
        report.message.as_deref().unwrap_or_default()
    );
    Ok(())
}

/// What to say of a sandbox that did not start, by the launcher's record: with what the launcher said, where a check saw
/// it. By themselves such words prove nothing, since the program may say them.
fn did_not_start(reports: &[CheckReport]) -> String {
    let lines = reports
        .iter()
        .flat_map(|report| report.message.as_deref().unwrap_or_default().lines());
    let said = lines
        .map(|line| line.trim_start().trim_start_matches("stderr").trim_start())
        .find(|line| line.starts_with(SANDBOX));
    format!(
        "the sandbox did not start: {}",
        said.unwrap_or("nobody saw what its launcher said")
    )
}

/// What the launcher says of itself when a program cannot be started begins so.
const SANDBOX: &str = "wirelab-launch: ";

#[cfg(test)]
mod tests {
    use super::*;

    fn report(passed: bool) -> CheckReport {
        let verdict = if passed { "passed" } else { "failed" };
        let text = format!(
            r#"{{"name":"a","verdict":"{verdict}","points":{},"max_points":2,"seconds":0,"step":1,"kind":"core","message":null,"section":"a.md#b"}}"#,
            if passed { 2 } else { 0 }
        );
        serde_json::from_str(&text).unwrap()
    }

    /// What comes of a check that first failed and then says these in turn, and how often it was asked.
    fn decided(says: &[bool]) -> (bool, bool, usize) {
        let mut reports = [report(false)];
        let mut asked = 0;
        let unsteady = two_of_three(&mut reports, |_| {
            asked += 1;
            Ok(report(says[asked - 1]))
        });
        let passed = reports[0].verdict == Verdict::Passed;
        assert_eq!(passed, reports[0].points.0 == 2);
        (passed, !unsteady.unwrap().is_empty(), asked)
    }

    #[test]
    fn two_of_three_decide_and_a_split_is_said() {
        assert_eq!(decided(&[false]), (false, false, 1));
        assert_eq!(decided(&[true, true]), (true, true, 2));
        assert_eq!(decided(&[true, false]), (false, true, 2));
    }

    /// How many of eight failures are run again, each of which takes `seconds`, where the one at `passes` passes then.
    fn repeated(seconds: f64, passes: Option<usize>) -> usize {
        let mut reports: Vec<CheckReport> = (0..8).map(|_| report(false)).collect();
        for (n, report) in reports.iter_mut().enumerate() {
            report.name = n.to_string();
            report.seconds = seconds - n as f64 / 100.0;
        }
        let mut asked = Vec::new();
        let again = |name: &str| {
            asked.push(name.to_owned());
            let mut second = report(passes.is_some_and(|n| n.to_string() == name));
            second.seconds = seconds;
            Ok(second)
        };
        two_of_three(&mut reports, again).unwrap();
        // The soonest is the last of them.
        assert_eq!(asked[0], "7");
        // Two of three decide of one that passes, whatever it takes.
        let passing = asked
            .iter()
            .filter(|name| Some(*name) == passes.map(|n| n.to_string()).as_ref());
        assert!([0, 2].contains(&passing.count()));
        asked.dedup();
        asked.len()
    }

    #[test]
    fn what_runs_out_of_time_again_and_again_is_confirmed() {
        assert_eq!(repeated(0.01, None), 8);
        assert_eq!(repeated(10.0, None), 3);
        assert_eq!(repeated(7.0, None), 5);
        assert_eq!(repeated(40.0, None), 3);
        // One that passes tells that another run may tell something.
        assert_eq!(repeated(10.0, Some(6)), 8);
        assert_eq!(repeated(10.0, Some(1)), 3);
        // It does not buy the others all the time there is.
        assert_eq!(repeated(60.0, Some(7)), 4);
        assert_eq!(repeated(60.0, Some(6)), 4);
        assert_eq!(repeated(150.0, Some(6)), 2);
    }

    #[test]
    fn a_skip_is_for_what_the_machine_lacks_or_trouble() {
        let skipped = |need: &str| -> CheckReport {
            let text = format!(
                r#"{{"name":"a","verdict":"skipped","points":0,"max_points":2,"seconds":0,"step":1,"kind":"core","message":"why","section":"a.md#b","need":"{need}"}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        assert!(sound(&skipped("netns"), &["netns"]).is_ok());
        assert!(sound(&skipped("netns"), &[]).is_err());
        assert!(sound(&skipped("ipv6"), &["ipv6", "broadcast"]).is_ok());
        assert!(sound(&skipped("ipv6"), &["netns"]).is_err());
        assert!(sound(&skipped(""), &[]).is_err());
    }

    #[test]
    fn what_passes_in_the_end_keeps_the_transcript_of_its_failure() {
        let mut reports = [report(false)];
        reports[0].message = Some("FAILED  a".to_owned());
        two_of_three(&mut reports, |_| Ok(report(true))).unwrap();
        assert_eq!(reports[0].verdict, Verdict::Passed);
        assert_eq!(reports[0].message.as_deref(), Some("FAILED  a"));
    }

    #[test]
    fn what_passed_is_not_asked_again() {
        let mut reports = [report(true)];
        let unsteady = two_of_three(&mut reports, |_| panic!("asked again")).unwrap();
        assert!(unsteady.is_empty());
    }

    #[test]
    fn trouble_on_the_second_try_is_no_verdict() {
        let mut reports = [report(false)];
        assert!(two_of_three(&mut reports, |_| bail!("no memory")).is_err());
    }
}
