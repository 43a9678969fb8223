//! What a check needs beyond Rust, and what happens where it is missing.
use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

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

    /// Whether it is there, as far as whoever runs the checks has found out, before any program ran: `WIRELAB_LACKS`
    /// names what is not, with commas between. None where that says nothing.
    pub fn known(self) -> Option<bool> {
        let list = std::env::var("WIRELAB_LACKS").ok()?;
        Some(!list.split(',').any(|word| word == self.name()))
    }

    /// Finds out whether it is there: of [`Need::Ipv6`] and [`Need::Broadcast`], which are tried.
    ///
    /// # Errors
    /// Why not.
    pub fn probe(self) -> Result<(), String> {
        match self {
            Need::Ipv6 => match TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) {
                // All its ports may be taken: it is there.
                Err(error) if error.kind() != io::ErrorKind::AddrInUse => Err(format!(
                    "this machine has no IPv6 loopback address, ::1: {error}"
                )),
                _ => Ok(()),
            },
            Need::Broadcast => probe_broadcast(),
            _ => Ok(()),
        }
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

fn probe_broadcast() -> Result<(), String> {
    const ALL: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);
    let bind = |addr: Ipv4Addr| {
        UdpSocket::bind((addr, 0)).map_err(|error| format!("bind to {addr}: {error}"))
    };
    let (ear, mouth) = (bind(ALL)?, bind(Ipv4Addr::LOCALHOST)?);
    let sent = mouth
        .set_broadcast(true)
        .and_then(|()| mouth.send_to(b"probe", ear.local_addr()?));
    sent.map_err(|error| format!("send to {ALL}: {error}"))?;
    let came = ear
        .set_read_timeout(Some(Duration::from_secs(5)))
        .and_then(|()| ear.recv(&mut [0; 8]));
    came.map_err(|error| format!("what was sent to {ALL} did not arrive: {error}"))?;
    Ok(())
}

/// Why [`Need::Ipv6`] or [`Need::Broadcast`] is not there; none where it is. Tried once, and only where it is not
/// [known](Need::known): a program under check may keep a probe from what is there.
pub(crate) fn lacking(need: Need) -> Option<String> {
    static IPV6: OnceLock<Result<(), String>> = OnceLock::new();
    static BROADCAST: OnceLock<Result<(), String>> = OnceLock::new();
    let probed = match need {
        Need::Ipv6 => &IPV6,
        Need::Broadcast => &BROADCAST,
        // Nothing is tried.
        _ => return None,
    };
    match need.known() {
        Some(true) => None,
        Some(false) => Some("this machine lacks it".into()),
        None => probed.get_or_init(|| need.probe()).clone().err(),
    }
}

/// Whether the program behind `need` is installed; says SKIPPED with the reason where it is not, and
/// panics where `WIRELAB_REQUIRE` names it. For [`Need::Netns`] try, and call [`skipped`]; for [`Need::Ipv6`] and
/// [`Need::Broadcast`] there is [`Need::probe`], and in a check [`Check::has`](crate::Check::has).
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
