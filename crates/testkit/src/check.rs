//! One check: its transcript so far, its deadline, and the ways to end it.
use std::fmt::{Display, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::files::Files;
use crate::lab::Place;
use crate::load::{Load, Silence};
use crate::need::{self, Need};
use crate::output::Output;
use crate::process::{Running, Servers};
use crate::verdict::{self, Verdict};
use crate::{Opening, bytes, moved, summary};

/// How long a check may take in all, before `WIRELAB_PATIENCE`. Generous: load must never fail a
/// right program, and a program that provably hangs is found out long before.
const DEADLINE: Duration = Duration::from_secs(10);

/// How often a check gets half of its time once more while its program has no processor to run on.
const REPRIEVES: u32 = 4;

/// How long a check's programs may take together, where each of them comes to its end in time, ...
const TOGETHER: Duration = Duration::from_secs(90);

/// ... and how much more for each of them: also one that is slow to start is right, and a check may make dozens.
const EACH: Duration = Duration::from_secs(2);

/// Of many steps of a kind in a row, so many are told at both ends.
const TOLD: usize = 6;

/// One check. Cheap to clone; all clones are the same check.
#[derive(Clone)]
pub struct Check {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    name: &'static str,
    pub(crate) package: &'static str,
    pub(crate) program: PathBuf,
    package_dir: PathBuf,
    /// The text of its `lab.toml`.
    lab: &'static str,
    began: Instant,
    deadline: Mutex<Deadline>,
    steps: Mutex<Vec<String>>,
    files: Mutex<Option<Arc<Files>>>,
    random: Mutex<Option<fastrand::Rng>>,
    ended: Mutex<bool>,
    /// What this check runs and the sockets it holds: what a proof that nothing can happen looks at.
    pub(crate) programs: Mutex<Vec<Weak<Running>>>,
    /// What starts them, where a launcher's server does.
    pub(crate) servers: Arc<Servers>,
    /// What they print on standard error, also those that are gone.
    pub(crate) stderrs: Mutex<Vec<Arc<Output>>>,
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only Linux can prove a hang")
    )]
    pub(crate) sockets: Mutex<Vec<Weak<socket2::Socket>>>,
    /// Its lossy proxies, whose doings a transcript tells.
    pub(crate) proxies: Mutex<Vec<Weak<crate::lossy::Shared>>>,
    /// What is done besides, by threads that may outlast the check.
    pub(crate) besides: Arc<Besides>,
    /// Whether the programs are not looked at; see [`Check::leave_alone`].
    pub(crate) alone: std::sync::atomic::AtomicBool,
}

/// What a check does that may not be over. It is apart from the check, whose verdict falls when nobody has it any more:
/// that has to be the test, and no thread of ours that comes to its end a moment later.
pub(crate) struct Besides {
    /// How many threads of ours are about to send something, or at it.
    acting: AtomicUsize,
    /// When the check last did something whose effect may still be under way.
    disturbed: Mutex<Instant>,
}

#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "only Linux can prove a hang")
)]
impl Besides {
    /// Whether a thread of ours has not come to the end of its sending.
    pub(crate) fn is_acting(&self) -> bool {
        self.acting.load(Ordering::SeqCst) > 0
    }

    /// How long nothing has been done whose effect may still be under way.
    pub(crate) fn quiet_for(&self) -> Duration {
        lock(&self.disturbed).elapsed()
    }
}

impl Besides {
    fn disturb(&self) {
        *lock(&self.disturbed) = Instant::now();
    }
}

/// When a check's time is over.
struct Deadline {
    at: Instant,
    /// The time it is given where the machine has some to give.
    limit: Duration,
    load: Load,
    /// How often it was put off because of the load.
    reprieves: u32,
    /// How many programs were started.
    starts: u32,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What an unmet expectation probably means, in the learner's words: a text, or a closure over the
/// bytes that came.
pub trait Why {
    /// The explanation for `got`.
    fn explain(&self, got: &[u8]) -> String;
}

impl Why for &str {
    fn explain(&self, _: &[u8]) -> String {
        (*self).to_string()
    }
}

impl Why for String {
    fn explain(&self, _: &[u8]) -> String {
        self.clone()
    }
}

impl<F: Fn(&[u8]) -> S, S: Into<String>> Why for F {
    fn explain(&self, got: &[u8]) -> String {
        self(got).into()
    }
}

/// How an expectation was not met.
pub(crate) struct Failure<'a> {
    pub(crate) expected: String,
    pub(crate) got: String,
    /// The exact bytes, where a comparison helps.
    pub(crate) bytes: Option<(&'a [u8], &'a [u8])>,
    /// What the program left: panics, its standard error.
    pub(crate) remains: Remains,
    pub(crate) why: String,
}

/// What a program left behind that explains its failure.
#[derive(Default, Debug, Clone)]
pub(crate) struct Remains {
    /// The place and text of a `todo!` that was reached.
    pub(crate) unwritten: Option<String>,
    pub(crate) panicked: bool,
    pub(crate) lines: Vec<String>,
}

impl Check {
    #[doc(hidden)]
    pub fn open(opening: Opening) -> Self {
        summary::prepare();
        // `checks::step_2::answers_…::open::here` or `…::here`: the function's own name.
        let path = opening.path.trim_end_matches("::here");
        let name = path
            .rsplit("::")
            .find(|part| !part.starts_with('{'))
            .unwrap_or(path);
        let began = Instant::now();
        Check {
            inner: Arc::new(Inner {
                name,
                package: opening.package.trim_end_matches("-solution"),
                program: crate::program::program_from_environment()
                    .unwrap_or_else(|| moved::program(Path::new(opening.program))),
                package_dir: moved::package_dir(Path::new(opening.manifest_dir)),
                lab: opening.lab,
                began,
                deadline: Mutex::new(Deadline::of(DEADLINE.mul_f64(patience()))),
                steps: Mutex::default(),
                files: Mutex::default(),
                random: Mutex::default(),
                ended: Mutex::new(false),
                programs: Mutex::default(),
                servers: Arc::default(),
                stderrs: Mutex::default(),
                sockets: Mutex::default(),
                proxies: Mutex::default(),
                besides: Arc::new(Besides {
                    acting: AtomicUsize::new(0),
                    disturbed: Mutex::new(began),
                }),
                alone: std::sync::atomic::AtomicBool::new(false),
            }),
        }
    }

    /// Adds a numbered step to the transcript: a verb in the past tense, what, and an aside.
    pub fn note(&self, verb: &str, what: impl Display, aside: impl Display) {
        let line = format!("{verb:<10} {:<36}  {aside}", what.to_string());
        lock(&self.inner.steps).push(bytes::visible_lines(line.trim_end()));
    }

    /// Gives this check `more` time than the usual deadline, for what is slow by nature.
    pub fn allow(&self, more: Duration) {
        let more = more.mul_f64(patience());
        let mut deadline = lock(&self.inner.deadline);
        deadline.at += more;
        deadline.limit += more;
    }

    /// A program is started: it has as much time as the first one had, for a start may take long on a crowded machine,
    /// and a check may make dozens of them. Together they have [`TOGETHER`] and [`EACH`], or what the check was allowed.
    pub(crate) fn starting(&self) {
        let mut deadline = lock(&self.inner.deadline);
        deadline.starts += 1;
        let together = TOGETHER + EACH * deadline.starts;
        let last = self.inner.began + together.mul_f64(patience());
        let own = Instant::now() + DEADLINE.mul_f64(patience());
        deadline.at = deadline.at.max(own.min(last));
    }

    /// From here on nobody looks whether a program of this check is stuck: it then has until the
    /// deadline. Looking takes a copy of each of its sockets for a moment, and what the program closes
    /// in that moment stays open. For a program to which that makes a difference: it closes a socket
    /// and wants the address again at once.
    pub fn leave_alone(&self) {
        let alone = &self.inner.alone;
        alone.store(true, std::sync::atomic::Ordering::SeqCst);
    }

    /// When its time is over. Once it is, a crowded machine on which the program hardly ran puts it
    /// off, a few times.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline_after(None)
    }

    /// As [`Check::deadline`], in a wait for which there has been `silence` for so long.
    pub(crate) fn deadline_after(&self, silence: Option<&Silence>) -> Instant {
        let mut deadline = lock(&self.inner.deadline);
        if Instant::now() >= deadline.at && deadline.reprieves < REPRIEVES {
            let limit = deadline.limit;
            if deadline.load.starves(&self.running(), limit, silence) {
                deadline.at = Instant::now() + deadline.limit / 2;
                deadline.reprieves += 1;
            }
        }
        deadline.at
    }

    /// The process ids of its programs that have not ended.
    pub(crate) fn running(&self) -> Vec<u32> {
        lock(&self.inner.programs)
            .iter()
            .filter_map(Weak::upgrade)
            .filter(|program| program.ended().is_none())
            .map(|program| program.pid())
            .collect()
    }

    /// The whole time this check was given.
    pub(crate) fn limit(&self) -> Duration {
        lock(&self.inner.deadline).at - self.inner.began
    }

    pub(crate) fn disturb(&self) {
        self.inner.besides.disturb();
    }

    /// Says that a thread of ours is going to send something, until the value is dropped.
    pub(crate) fn act(&self) -> Acting {
        let besides = Arc::clone(&self.inner.besides);
        besides.acting.fetch_add(1, Ordering::SeqCst);
        Acting(besides)
    }

    /// A folder of this check's own, empty at first and gone afterwards. What the check does in it itself goes by
    /// [`Check::files`].
    pub fn folder(&self) -> PathBuf {
        self.files().path().to_owned()
    }

    /// What lies in [`Check::folder`], whatever a program has put there.
    pub fn files(&self) -> Arc<Files> {
        let mut files = lock(&self.inner.files);
        if let Some(files) = &*files {
            return files.clone();
        }
        let mut tries = 0;
        let made = loop {
            let name = format!("wirelab-{}-{:08x}", std::process::id(), fastrand::u32(..));
            let path = std::env::temp_dir().join(name);
            match std::fs::create_dir(&path) {
                Ok(()) => match Files::of(path) {
                    Ok(files) => break Arc::new(files),
                    Err(error) => panic!("a check's own folder cannot be opened: {error}"),
                },
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && tries < 100 => {
                    tries += 1
                }
                Err(error) => panic!(
                    "no scratch folder can be made in {}: {error}",
                    std::env::temp_dir().display()
                ),
            }
        };
        *files = Some(made.clone());
        made
    }

    /// Writes a file into [`Check::folder`].
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let files = self.files();
        if let Err(error) = files.write(name, bytes) {
            panic!("{name} cannot be written into the check's folder: {error}");
        }
        files.path().join(name)
    }

    /// A file that the lab ships in `tests/data/`, or has in `WIRELAB_DATA`.
    pub fn data(&self, name: &str) -> PathBuf {
        if let Some(folder) = std::env::var_os("WIRELAB_DATA") {
            return Path::new(&folder).join(name);
        }
        let package = &self.inner.package_dir;
        let lab = package
            .file_name()
            .map(|folder| package.join("../../labs").join(folder))
            .unwrap_or_default();
        let path = lab.join("tests/data").join(name);
        path.canonicalize().unwrap_or(path)
    }

    /// `n` bytes that are the same in every run with the same seed (`WIRELAB_SEED`) and differ from
    /// check to check.
    pub fn random(&self, n: usize) -> Vec<u8> {
        let mut rng = lock(&self.inner.random);
        let rng =
            rng.get_or_insert_with(|| fastrand::Rng::with_seed(hash(&[&seed(), self.inner.name])));
        (0..n).map(|_| rng.u8(..)).collect()
    }

    /// Fails unless `met`.
    pub fn require(&self, expected: impl Display, got: impl Display, met: bool, why: impl Why) {
        if met {
            self.note("found", got, "");
        } else {
            self.fail(expected, got, why);
        }
    }

    /// Ends the check as failed.
    pub fn fail(&self, expected: impl Display, got: impl Display, why: impl Why) -> ! {
        let got = got.to_string();
        let why = why.explain(got.as_bytes());
        self.end(Failure {
            expected: expected.to_string(),
            got,
            bytes: None,
            remains: Remains {
                unwritten: self.reached_todo(),
                ..Remains::default()
            },
            why,
        })
    }

    /// Ends the check because the program could not be started. Where a tool has it started behind a launcher, the
    /// program has no part in that, and the check says nothing of it.
    pub(crate) fn not_started(&self, error: &std::io::Error) -> ! {
        let verdict = if std::env::var_os("WIRELAB_LAUNCHER").is_some() {
            Verdict::Unjudged
        } else {
            Verdict::Failed
        };
        let failure = Failure {
            expected: "the program starts".to_owned(),
            got: format!("{}: {error}", self.inner.program.display()),
            bytes: None,
            remains: Remains::default(),
            why: "The program could not be started at all: build it first, or correct WIRELAB_PROGRAM.".to_owned(),
        };
        self.end_as(verdict, failure)
    }

    /// The place and text of a `todo!` that one of its programs has reached. A program that has just
    /// closed its connection gets a moment to end.
    fn reached_todo(&self) -> Option<String> {
        let stderrs = lock(&self.inner.stderrs).clone();
        crate::wait::last_moment(|| self.running().is_empty());
        stderrs.iter().find_map(|stderr| {
            stderr.wait_for_end(Duration::from_secs(1));
            Remains::read(&String::from_utf8_lossy(&stderr.all())).unwritten
        })
    }

    /// Ends the check with the transcript, whose last step is what was expected and what came.
    pub(crate) fn end(&self, failure: Failure<'_>) -> ! {
        self.end_as(Verdict::Failed, failure)
    }

    fn end_as(&self, verdict: Verdict, failure: Failure<'_>) -> ! {
        let inner = &*self.inner;
        let text = match &failure.remains.unwritten {
            Some(what) => self.unwritten(what),
            None => self.transcript(&failure),
        };
        self.report(verdict, &text);
        summary::add(inner.lab, inner.name, Verdict::Failed, text.clone());
        eprintln!("{text}");
        // No panic message and no backtrace: the transcript is the message.
        std::panic::resume_unwind(Box::new(()))
    }

    fn transcript(&self, failure: &Failure<'_>) -> String {
        let inner = &*self.inner;
        let mut text = String::new();
        let _ = writeln!(
            text,
            "FAILED  {:<54}  {}",
            inner.name,
            inner.place().heading()
        );
        let steps = lock(&inner.steps);
        let rows: Vec<&[String]> = steps.chunk_by(|one, next| one == next).collect();
        let mut n = 0;
        for alike in rows.chunk_by(|one, next| verb(one) == verb(next)) {
            for (at, same) in alike.iter().enumerate() {
                let is_told = at < TOLD || at + TOLD >= alike.len();
                if is_told {
                    let _ = writeln!(text, "{:>3}  {}", n + 1, same[0]);
                    if same.len() > 1 {
                        let _ = writeln!(text, "     …  {} times in all", same.len());
                    }
                } else if at == TOLD {
                    let _ = writeln!(text, "     …  {} more of them", alike.len() - 2 * TOLD);
                }
                n += same.len();
            }
        }
        for proxy in lock(&inner.proxies).iter().filter_map(Weak::upgrade) {
            let _ = writeln!(text, "     proxy      {}", indent(&proxy.in_words()));
        }
        let _ = writeln!(
            text,
            "{:>3}  expected   {}",
            steps.len() + 1,
            indent(&failure.expected)
        );
        let _ = writeln!(text, "     got        {}", indent(&failure.got));
        if let Some((expected, got)) = failure.bytes {
            let difference = bytes::difference(expected, got);
            for line in difference.lines() {
                let _ = writeln!(text, "     {line}");
            }
        }
        for line in &failure.remains.lines {
            let _ = writeln!(text, "  {line}");
        }
        // What an expectation's author thought of is rarely what a panic came from.
        let why = if failure.remains.panicked && !failure.why.contains("panic") {
            "Mend the panic first: whatever arrives, the program answers it or says `error: …`."
        } else {
            &failure.why
        };
        for line in why.lines().filter(|line| !line.is_empty()) {
            let _ = writeln!(text, "  {line}");
        }
        if lock(&inner.random).is_some() {
            let _ = writeln!(text, "  Seed  WIRELAB_SEED={}", seed());
        }
        text + &self.directions()
    }

    /// What a `todo!` that was reached gets instead of a transcript: there is nothing to explain yet.
    fn unwritten(&self, what: &str) -> String {
        let inner = &*self.inner;
        let mut text = format!(
            "NOT WRITTEN  {:<49}  {}\n",
            inner.name,
            inner.place().heading()
        );
        let _ = writeln!(text, "  {what}");
        text + &self.directions()
    }

    fn directions(&self) -> String {
        let inner = &*self.inner;
        let mut text = String::new();
        let place = inner.place();
        if let Some(reading) = place.reading(&inner.package_dir) {
            let _ = writeln!(text, "  {reading}");
        }
        if place.hidden {
            return text;
        }
        text + &format!("  Hint  cargo lab hint {} {}", inner.package, inner.name)
    }

    /// Whether [`Need::Ipv6`] or [`Need::Broadcast`] is there; where not, the check is [skipped](Check::skip) and the
    /// caller returns.
    pub fn has(&self, need: Need) -> bool {
        let lacking = need::lacking(need);
        if let Some(reason) = &lacking {
            self.skip(need, reason);
        }
        lacking.is_none()
    }

    /// Says that the check cannot be made here; the caller returns.
    ///
    /// Fails instead where `WIRELAB_REQUIRE` names `need`.
    pub fn skip(&self, need: Need, reason: &str) {
        if need.is_required() {
            self.fail(
                format!("{}, which WIRELAB_REQUIRE names", need.name()),
                reason,
                "",
            );
        }
        *lock(&self.inner.ended) = true;
        self.inner.report(Verdict::Skipped, reason, Some(need));
        summary::add(
            self.inner.lab,
            self.inner.name,
            Verdict::Skipped,
            reason.into(),
        );
        need::say(self.inner.name, reason);
    }

    /// Ends this check as it has ended in a process of its own, which has given its verdict and left this
    /// transcript, its standard error.
    ///
    /// # Panics
    /// It has failed there.
    pub fn ended_elsewhere(&self, passed: bool, transcript: &str) {
        let inner = &*self.inner;
        *lock(&inner.ended) = true;
        let skipped: Vec<&str> = transcript
            .lines()
            .filter(|line| line.starts_with("SKIPPED "))
            .collect();
        let verdict = match (passed, &skipped[..]) {
            (false, _) => Verdict::Failed,
            (true, []) => Verdict::Passed,
            (true, _) => Verdict::Skipped,
        };
        summary::add(inner.lab, inner.name, verdict, transcript.trim().into());
        if passed {
            skipped.into_iter().for_each(need::say_line);
        } else {
            eprint!("{transcript}");
            std::panic::resume_unwind(Box::new(()))
        }
    }

    fn report(&self, verdict: Verdict, message: &str) {
        *lock(&self.inner.ended) = true;
        self.inner.report(verdict, message, None);
    }
}

/// A thread of ours that sends something; see [`Check::act`].
pub(crate) struct Acting(Arc<Besides>);

impl Drop for Acting {
    fn drop(&mut self) {
        self.0.disturb();
        self.0.acting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Inner {
    fn report(&self, verdict: Verdict, message: &str, need: Option<Need>) {
        let seed = if lock(&self.random).is_some() {
            seed()
        } else {
            String::new()
        };
        verdict::write(
            self.name,
            verdict,
            self.began.elapsed().as_secs_f64(),
            message,
            &seed,
            need,
        );
    }
}

impl Deadline {
    fn of(limit: Duration) -> Self {
        Deadline {
            at: Instant::now() + limit,
            limit,
            load: Load::begin(),
            reprieves: 0,
            starts: 0,
        }
    }
}

impl Inner {
    /// Its place in the lab. Only a failure is told with it, and most checks are spared the reading.
    fn place(&self) -> Place {
        Place::find(self.lab, self.name)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // They are in the folder.
        self.servers.close();
        if let Some(files) = lock(&self.files).take() {
            crate::folder::remove(files.path());
        }
        if *lock(&self.ended) {
            return;
        }
        if std::thread::panicking() {
            self.report(
                Verdict::Failed,
                "the check itself panicked; its message stands in the output of `cargo test`",
                None,
            );
        } else {
            self.report(Verdict::Passed, "", None);
            summary::add(self.lab, self.name, Verdict::Passed, String::new());
        }
    }
}

/// The verb of a row of like steps, as [`Check::note`] writes it.
fn verb(row: &[String]) -> &str {
    row[0].split("  ").next().unwrap_or_default()
}

/// Keeps a text of several lines in the column where it begins.
fn indent(text: &str) -> String {
    bytes::visible_lines(text.trim_end()).replace('\n', "\n                ")
}

/// `WIRELAB_PATIENCE`: a factor of 0.1 to 100 on every deadline.
fn patience() -> f64 {
    std::env::var("WIRELAB_PATIENCE")
        .ok()
        .and_then(|text| text.parse::<f64>().ok())
        .filter(|factor| factor.is_finite())
        .map_or(1.0, |factor| factor.clamp(0.1, 100.0))
}

fn seed() -> String {
    std::env::var("WIRELAB_SEED").unwrap_or_else(|_| "wirelab".into())
}

/// FNV-1a, 64 bits: the same on every system and in every version.
fn hash(parts: &[&str]) -> u64 {
    parts
        .iter()
        .flat_map(|part| part.bytes().chain([0]))
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}
