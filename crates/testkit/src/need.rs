//! What a check needs beyond Rust, and what happens where it is missing.
use std::io::Write;
use std::path::PathBuf;

/// Something that not every machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Chromium, for the book's browser tests.
    Browser,
    /// bubblewrap, for judging in a sandbox.
    Sandbox,
    /// tshark, the reference for what is in a capture.
    Tshark,
    /// A user and network namespace of one's own (Linux, unprivileged).
    Netns,
    /// The IPv6 loopback address, `::1`.
    Ipv6,
    /// A loopback interface that delivers what is sent to 127.255.255.255.
    Broadcast,
    /// nginx, a server of HTTP.
    Nginx,
    /// Python 3, for its standard library's clients and servers.
    Python,
    /// curl, a client of HTTP.
    Curl,
    /// To be root on this machine, and not only in a container.
    Root,
}

impl Need {
    /// Its name in `WIRELAB_REQUIRE`.
    pub fn name(self) -> &'static str {
        match self {
            Need::Browser => "browser",
            Need::Sandbox => "sandbox",
            Need::Tshark => "tshark",
            Need::Netns => "netns",
            Need::Ipv6 => "ipv6",
            Need::Broadcast => "broadcast",
            Need::Nginx => "nginx",
            Need::Python => "python",
            Need::Curl => "curl",
            Need::Root => "root",
        }
    }

    /// Whether `WIRELAB_REQUIRE` names it: then its absence is a failure and not a skip.
    pub fn is_required(self) -> bool {
        std::env::var("WIRELAB_REQUIRE")
            .is_ok_and(|list| list.split(',').any(|word| word.trim() == self.name()))
    }

    fn programs(self) -> &'static [&'static str] {
        match self {
            Need::Browser => &["chromium", "chromium-browser", "google-chrome"],
            Need::Sandbox => &["bwrap"],
            Need::Tshark => &["tshark"],
            Need::Nginx => &["nginx"],
            Need::Python => &["python3", "python"],
            Need::Curl => &["curl"],
            Need::Netns | Need::Ipv6 | Need::Broadcast | Need::Root => &[],
        }
    }
}

/// Whether the program behind `need` is installed; says SKIPPED with the reason where it is not, and
/// panics where `WIRELAB_REQUIRE` names it. For [`Need::Netns`], [`Need::Ipv6`] and
/// [`Need::Broadcast`] try, and call
/// [`skipped`].
///
/// # Panics
/// When the need is required and missing.
pub fn need(need: Need) -> bool {
    let programs = need.programs();
    if programs.is_empty() || programs.iter().any(|program| in_path(program).is_some()) {
        return true;
    }
    skipped(need, &format!("{} is not installed", programs[0]));
    false
}

/// The name of Python 3 here, tried and not only found: on Windows a program of that name may only
/// open the store. Where there is none, as [`need`] for [`Need::Python`].
///
/// # Panics
/// When Python is required and missing.
pub fn python() -> Option<&'static str> {
    let mut programs = Need::Python.programs().iter().copied();
    let found = programs.find(|name| {
        let version = std::process::Command::new(name).arg("--version").output();
        version.is_ok_and(|output| output.status.success() && !output.stdout.is_empty())
    });
    if found.is_none() {
        skipped(Need::Python, "python3 is not installed");
    }
    found
}

/// Says that a test is skipped, past libtest's capture, which knows no skips at run time.
///
/// # Panics
/// When `WIRELAB_REQUIRE` names `need`.
pub fn skipped(need: Need, reason: &str) {
    let name = std::thread::current()
        .name()
        .unwrap_or("a test")
        .to_string();
    assert!(
        !need.is_required(),
        "{name} needs {} (WIRELAB_REQUIRE says so): {reason}",
        need.name()
    );
    say(&name, reason);
}

pub(crate) fn say(name: &str, reason: &str) {
    say_line(&format!("SKIPPED  {name}: {reason}"));
}

pub(crate) fn say_line(line: &str) {
    // Not `eprintln!`: libtest would keep it to itself.
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn in_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}
