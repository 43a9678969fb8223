//! Hostile submissions, each a real program, judged the way every submission is.
//!
//! Each class has two honest neighbours, whose grades are known, and is judged with a temporary folder of its own. A
//! hostile program names its process first, and what it starts inherits the name, so that what is left can be found.
#![cfg(target_os = "linux")]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::os::fd::AsFd as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::PathBuf;
use std::sync::{LazyLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use grader::sandbox::Tier;
use testkit::Need;

#[path = "support/class.rs"]
mod support;

use support::{Class, FIRST, echo_after, fence, grade, open_scratch, root, table};

/// The first lab's checks and their points.
static POINTS: LazyLock<BTreeMap<String, u32>> = LazyLock::new(|| {
    let course = course::Course::load(root()).unwrap();
    let checks = course.lab("first-contact").unwrap().checks();
    checks
        .map(|check| (check.name.clone(), check.points.0))
        .collect()
});

/// What becomes of a hostile submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It got nothing for its trouble, went on as an honest echo, and earns what that earns.
    Harmless,
    /// Its echo earns nothing; the greeting, which is honest, does.
    NoEcho,
    /// The one check whose client says hello fails, and no other.
    NoHello,
    /// It does not compile.
    NotBuilt,
}

/// What hostile programs are written with.
const WORDS: &str = r#"
unsafe extern "C" {
    fn fork() -> i32;
    fn setsid() -> i32;
    fn pause() -> i32;
    fn getpid() -> i32;
    fn getppid() -> i32;
    fn kill(pid: i32, signal: i32) -> i32;
    fn syscall(number: i64, ...) -> i64;
}

#[allow(dead_code)]
fn found(what: &str) -> ! {
    eprintln!("found {what}");
    std::process::exit(3);
}

/// Whether the client's first byte is that of "hello".
#[allow(dead_code)]
fn hello(client: &TcpStream) -> bool {
    let mut first = [0];
    client.peek(&mut first).is_ok() && first == *b"h"
}

/// Lets go of everything but the standard streams, the client's connection among it.
#[allow(dead_code)]
fn let_go() {
    for number in 3..64_i64 {
        unsafe { syscall(3, number) };
    }
}

/// Writes to every page, so that the memory is really there.
#[allow(dead_code)]
fn take(mib: usize) -> Vec<u8> {
    let mut memory = vec![0_u8; mib << 20];
    for page in memory.chunks_mut(4096) {
        page[0] = 1;
    }
    std::hint::black_box(memory)
}
"#;

/// A class with one hostile submission after the other.
struct Siege {
    scratch: tempfile::TempDir,
    class: Class,
    tier: Tier,
    /// The name of every hostile process.
    mark: String,
    expected: BTreeMap<String, End>,
    /// `WIRELAB_PATIENCE`.
    patience: &'static str,
}

/// What is seen of a siege afterwards.
struct Aftermath {
    scratch: tempfile::TempDir,
}

impl Siege {
    fn new(tier: Tier, mark: &str) -> Siege {
        let mark = format!("{mark}-{}", &tier.name()[..2]);
        let (scratch, _) = open_scratch();
        let class = Class::new(scratch.path().join("submissions"));
        class.solution("honest", FIRST);
        class.with_a_wrong_echo("mistaken");
        Siege {
            scratch,
            class,
            tier,
            mark: format!("{mark}{}", std::process::id()),
            expected: BTreeMap::new(),
            patience: "0.6",
        }
    }

    /// A submission that does `act` whenever a client comes.
    fn program(&mut self, name: &str, end: End, act: &str) {
        let act = format!(
            "let _ = std::fs::write(\"/proc/thread-self/comm\", \"{}\");\n{act}",
            self.mark
        );
        self.source(name, end, &echo_after(WORDS, &act));
    }

    /// A submission that does `act` when a client says hello, which takes a third of the time of one that does it always:
    /// each check that fails is run three times.
    fn once(&mut self, name: &str, end: End, act: &str) {
        self.program(name, end, &format!("if hello(&client) {{\n{act}\n}}"));
    }

    fn source(&mut self, name: &str, end: End, text: &str) {
        self.class.with_echo(name, text);
        self.expected.insert(name.to_owned(), end);
    }

    /// Grades the class: every row is as expected, and nothing is left.
    fn judge(self) -> Aftermath {
        let out = self.scratch.path().join("out");
        let temporary = self.scratch.path().join("tmp");
        let before = shared();
        let done = grade(
            &self.class.dir,
            &out,
            &["--sandbox", self.tier.name(), "--jobs", "4"],
        )
        .env("TMPDIR", &temporary)
        .env("WIRELAB_PATIENCE", self.patience)
        .assert()
        .success();
        let rows = table(&out.join("grades.csv"));
        let said = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
        assert_eq!(rows.len(), self.expected.len() + 2, "{said}");
        let all: u32 = POINTS.values().sum();
        let mut wrong = Vec::new();
        let mut expect = |student: &str, points: u32, flags: &str| {
            let row = &rows[student];
            let got = (row["first-contact"].as_str(), row["flags"].contains(flags));
            let earned: f64 = got.0.parse().unwrap();
            if earned != f64::from(points) || !got.1 {
                let page = fs::read_to_string(out.join(format!("feedback/{student}.md")));
                let page = page.unwrap_or_default();
                wrong.push(format!(
                    "{student}: {got:?}, not {points} {flags}\n{page:.3000}"
                ));
            }
        };
        expect("honest", all, "");
        expect("mistaken", all - 4, "");
        for (student, end) in &self.expected {
            let of = |wanted: fn(&str) -> bool| -> u32 {
                let some = POINTS.iter().filter(|(name, _)| wanted(name));
                some.map(|(_, points)| points).sum()
            };
            match end {
                End::Harmless => expect(student, all, ""),
                End::NoEcho => expect(student, of(|name| name.starts_with("greets")), ""),
                End::NoHello => expect(
                    student,
                    of(|name| name != "sends_back_what_it_received"),
                    "",
                ),
                End::NotBuilt => expect(student, 0, "does-not-compile:first-contact"),
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));

        let place = self.scratch.path().to_string_lossy();
        let left = processes(|pid| {
            of(pid, "comm").trim() == self.mark || of(pid, "cmdline").contains(&*place)
        });
        assert_eq!(left, Vec::<u32>::new(), "processes are left");
        let left: Vec<_> = fs::read_dir(&temporary).unwrap().flatten().collect();
        assert!(left.is_empty(), "files are left: {left:?}");
        for folder in ["/tmp", "/dev/shm", "/var/tmp"] {
            let file = PathBuf::from(folder).join(&self.mark);
            assert!(!file.exists(), "{} is left", file.display());
        }
        // Memory belongs to a process, a shared segment or a file in memory; there is no fourth owner.
        assert_eq!(shared(), before, "shared memory is left");
        Aftermath {
            scratch: self.scratch,
        }
    }
}

impl Aftermath {
    fn feedback(&self, student: &str) -> String {
        let page = format!("out/feedback/{student}.md");
        fs::read_to_string(self.scratch.path().join(page)).unwrap()
    }
}

/// The processes of this machine that are as asked.
fn processes(wanted: impl Fn(u32) -> bool) -> Vec<u32> {
    let pids = fs::read_dir("/proc").unwrap().flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| wanted(*pid))
        .collect()
}

/// A file of a process below /proc, empty when the process has ended.
fn of(pid: u32, file: &str) -> String {
    let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The System V segments and the files in shared memory.
fn shared() -> (String, BTreeSet<OsString>) {
    let segments = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    let files = fs::read_dir("/dev/shm").into_iter().flatten().flatten();
    (segments, files.map(|file| file.file_name()).collect())
}

#[test]
fn a_process_that_is_left_would_be_found() {
    let mark = format!("wl-left{}", std::process::id());
    let mut child = std::process::Command::new("sh")
        .args([
            "-c",
            &format!("printf {mark} > /proc/self/comm; echo; read wait"),
        ])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0]).unwrap();
    let found = processes(|pid| of(pid, "comm").trim() == mark);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(found, [child.id()]);
}

fn spies(tier: Tier) {
    let mut siege = Siege::new(tier, "wl-spy");
    let here = siege.scratch.path().display().to_string();
    let mark = siege.mark.clone();
    let secret = siege.scratch.path().join("descriptor");
    fs::write(&secret, "secret").unwrap();
    let descriptor = fs::File::open(&secret).unwrap();
    // As a careless caller of the grader would hand it on.
    rustix::io::fcntl_setfd(descriptor.as_fd(), rustix::io::FdFlags::empty()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let name = SocketAddr::from_abstract_name(&mark).unwrap();
    let _abstract = UnixListener::bind_addr(&name).unwrap();
    let root = root().display().to_string();

    siege.program("solutions", End::Harmless, &format!(r#"
    for path in ["{root}/course.toml", "{root}/solutions/00-first-contact/src/echo.rs", "{root}/labs/00-first-contact/tests/checks.rs",
        "{root}/solutions/04-tcp-echo/hidden/checks.rs", "{here}/submissions/honest/labs/00-first-contact/src/echo.rs", "{here}/out/secret",
        "{here}/out/journal.jsonl", "/etc/passwd", "/etc/shadow", "/bin/sh", "/usr/bin/env"] {{
        if std::fs::read(path).is_ok() {{ found(path); }}
    }}
    for path in ["{root}", "{here}", "{here}/tmp", "/root", "/home", "/work", "/usr/bin"] {{
        if std::fs::read_dir(path).is_ok_and(|mut entries| path != "{here}/tmp" && entries.next().is_some_and(|e| e.unwrap().file_name() != "tmp")) {{ found(path); }}
    }}
    if std::fs::read_dir("{here}/tmp").into_iter().flatten().flatten().any(|job| job.path().join("request.json").exists()) {{ found("the request"); }}
"#));
    siege.program("environment", End::Harmless, r#"
    for (name, value) in std::env::vars() {
        if !["RUST_BACKTRACE", "LANG", "PWD", "TMPDIR"].contains(&name.as_str()) { found(&format!("{name}={value}")); }
    }
    if option_env!("SECRET").is_some() || option_env!("HOME").is_some() { found("the compiler's environment"); }
"#);
    let judges_proc = r#"
    let own = unsafe { getpid() };
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else { continue };
        if pid == own { continue; }
        let proc = entry.path();
        let text = String::from_utf8_lossy(&std::fs::read(proc.join("environ")).unwrap_or_default()).into_owned();
        if ["HOME=", "CARGO", "WIRELAB", "SECRET"].iter().any(|word| text.contains(word)) { found("an environment"); }
        if std::fs::read(proc.join("root/etc/passwd")).is_ok() { found("another root"); }
        // Process 1 is what is left of the launcher in here.
        if std::fs::OpenOptions::new().write(true).open(proc.join("mem")).is_ok() { found("another's memory"); }
        let status = std::fs::read_to_string(proc.join("status")).unwrap_or_default();
        let bound = ["Seccomp:\t2", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"];
        if INSIDE && pid == 1 && !bound.iter().all(|line| status.contains(line)) { found("a process with rights"); }
    }
"#;
    // Behind a fence process 1 is the machine's.
    let inside = (tier == Tier::Bubblewrap).to_string();
    let judges_proc = judges_proc.replace("INSIDE", &inside);
    siege.program("judges-proc", End::Harmless, &judges_proc);
    siege.program("tracer", End::Harmless, r#"
    // PTRACE_ATTACH, PTRACE_SEIZE, process_vm_readv(2), pidfd_getfd(2).
    for pid in (1..400).chain([unsafe { getppid() }]) {
        if pid == unsafe { getpid() } { continue; }
        for request in [16_i64, 0x4206] {
            if unsafe { syscall(101, request, pid as i64, 0_i64, 0_i64) } == 0 { found("a process to trace"); }
        }
        if unsafe { syscall(310, pid as i64, 0_i64, 0_i64, 0_i64, 0_i64, 0_i64) } >= 0 { found("memory"); }
    }
"#);
    siege.program(
        "killer",
        End::Harmless,
        r#"
    let own = unsafe { getpid() };
    for pid in (1..40_000).filter(|pid| *pid != own) { unsafe { kill(pid, 9) }; }
    unsafe { kill(-1, 19) };
"#,
    );
    siege.program("signals-by-descriptor", End::Harmless, r#"
    use std::os::fd::AsRawFd as _;
    let (ours, _theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let descriptor = ours.as_raw_fd() as i64;
    let parent = unsafe { getppid() };
    // struct f_owner_ex with F_OWNER_PID.
    let owner = [1, parent];
    // fcntl(2): F_SETOWN, F_SETSIG with SIGKILL, F_SETOWN_EX; ioctl(2): FIOSETOWN, SIOCSPGRP.
    for (name, call, command, argument) in [("F_SETOWN", 72_i64, 8_i64, parent as i64), ("F_SETSIG", 72, 10, 9), ("F_SETOWN_EX", 72, 15, owner.as_ptr() as i64),
        ("FIOSETOWN", 16, 0x8901, &raw const parent as i64), ("SIOCSPGRP", 16, 0x8902, &raw const parent as i64)] {
        if unsafe { syscall(call, descriptor, command, argument) } == 0 { found(name); }
    }
"#);
    siege.program("abstract-socket", End::Harmless, &format!(r#"
    use std::os::linux::net::SocketAddrExt as _;
    let name = std::os::unix::net::SocketAddr::from_abstract_name("{mark}").unwrap();
    if std::os::unix::net::UnixStream::connect_addr(&name).is_ok() {{ found("an abstract socket"); }}
"#));
    let victim = siege.scratch.path().join("victim");
    fs::write(&victim, "the grader's").unwrap();
    let as_it_was = {
        let file = fs::metadata(&victim).unwrap();
        (file.mode(), file.len(), file.modified().unwrap())
    };
    siege.program("changes", End::Harmless, &format!(r#"
    let path = c"{here}/victim".as_ptr() as i64;
    let here = -100_i64;
    let own = unsafe {{ syscall(102) }};
    let times = [0_u64; 4];
    let times = times.as_ptr() as i64;
    // open(2) for ioctl(2) alone, and to be emptied; then fchmod(2).
    for flags in [3_i64, 0x203, 0x200] {{
        let file = unsafe {{ syscall(257, here, path, flags, 0_i64) }};
        if file >= 0 {{ unsafe {{ syscall(91, file, 0_i64) }}; found("a way into the file"); }}
    }}
    // utimensat(2), utimes(2), truncate(2), setxattr(2), lchown(2), fchownat(2), fchmodat(2), fchmodat2(2), chmod(2).
    for (call, first, second, third, fourth) in [(280_i64, here, path, times, 0_i64), (235, path, times, 0, 0), (76, path, 0, 0, 0),
        (188, path, c"user.a".as_ptr() as i64, times, 1), (94, path, own, -1, 0), (260, here, path, own, -1),
        (268, here, path, 0, 0), (452, here, path, 0, 0), (90, path, 0, 0, 0)] {{
        if unsafe {{ syscall(call, first, second, third, fourth, 0_i64) }} == 0 {{ found(&format!("call {{call}}")); }}
    }}
"#));
    // Behind a fence the network is the machine's, as the results say.
    if tier == Tier::Bubblewrap {
        siege.program("outside", End::Harmless, &format!(r#"
    for addr in ["1.1.1.1:53", "192.0.2.1:80", "10.0.0.1:80", "[2001:4860:4860::8888]:53", "127.0.0.1:{port}"] {{
        let addr: std::net::SocketAddr = addr.parse().unwrap();
        if TcpStream::connect_timeout(&addr, std::time::Duration::from_millis(200)).is_ok() {{ found("the network"); }}
        let from = if addr.is_ipv4() {{ "0.0.0.0:0" }} else {{ "[::]:0" }};
        let udp = std::net::UdpSocket::bind(from).and_then(|socket| socket.send_to(b"x", addr));
        if udp.is_ok() && !addr.ip().is_loopback() {{ found("the network, by UDP"); }}
    }}
    for interface in std::fs::read_to_string("/proc/net/dev").unwrap().lines().skip(2) {{
        if !interface.trim().starts_with("lo:") {{ found(interface); }}
    }}
"#));
    }
    siege.program(
        "descriptors",
        End::Harmless,
        r#"
    for entry in std::fs::read_dir("/proc/self/fd").unwrap().flatten() {
        let number: u32 = entry.file_name().to_string_lossy().parse().unwrap();
        let Ok(to) = std::fs::read_link(entry.path()) else { continue };
        let to = to.to_string_lossy().into_owned();
        if number > 2 && !to.starts_with("socket:") && !to.starts_with("/proc/") { found(&to); }
    }
"#,
    );
    siege.program("families", End::Harmless, r#"
    // socket(2): AF_PACKET, AF_ALG, AF_VSOCK, AF_XDP, AF_TIPC, AF_CAN, AF_KEY, AF_BLUETOOTH; SOCK_RAW.
    for family in [17_i64, 38, 40, 44, 30, 29, 15, 31] {
        for kind in [1_i64, 2, 3, 5] {
            if unsafe { syscall(41, family, kind, 0_i64) } >= 0 { found("a family of sockets"); }
        }
    }
    for protocol in [1_i64, 6, 255] {
        if unsafe { syscall(41, 2_i64, 3_i64, protocol) } >= 0 { found("a raw socket"); }
    }
    // unshare(2), clone(2) with CLONE_NEWUSER, bpf(2), keyctl(2), io_uring_setup(2).
    for (call, first) in [(272_i64, 0x1000_0000_i64), (56, 0x1000_0011), (321, 0), (250, 0), (425, 8)] {
        if unsafe { syscall(call, first, 0_i64, 0_i64, 0_i64, 0_i64) } >= 0 { found(&format!("call {call}")); }
    }
"#);
    // What takes the kernel's memory without a bound, and stands in no process.
    siege.program("unbounded", End::Harmless, r#"
    use std::os::fd::AsRawFd as _;
    let file = std::fs::File::create("locked").unwrap();
    // fcntl(2): F_SETLK, F_OFD_SETLK with F_WRLCK on one byte.
    for command in [6_i64, 37] {
        let lock = [1_u64, 0, 1, 0];
        if unsafe { syscall(72, file.as_raw_fd() as i64, command, lock.as_ptr()) } == 0 { found("a lock of a byte"); }
    }
    // vmsplice(2).
    let (_from, into) = std::io::pipe().unwrap();
    let byte = [0_u8];
    let piece = [byte.as_ptr() as u64, 1];
    if unsafe { syscall(278, into.as_raw_fd() as i64, piece.as_ptr(), 1_i64, 0_i64) } >= 0 { found("pages in a pipe"); }
    // socket(2): NETLINK_USERSOCK, NETLINK_GENERIC, IPPROTO_MPTCP, IPPROTO_UDPLITE, IPPROTO_ICMP.
    for (family, kind, protocol) in [(16_i64, 3_i64, 2_i64), (16, 3, 16), (2, 1, 262), (10, 2, 136), (2, 2, 1)] {
        if unsafe { syscall(41, family, kind, protocol) } >= 0 { found("another protocol"); }
    }
    // io_setup(2), seccomp(2) with SECCOMP_GET_ACTION_AVAIL, landlock_create_ruleset(2) for its version,
    // prctl(2) with PR_SET_SECCOMP and SECCOMP_MODE_FILTER, mlock(2).
    let mut context = [0_u64, 0];
    let (allow, page) = (0x7fff_0000_u32, [0_u8; 64]);
    let filter = [0x7fff_0000_0000_0006_u64];
    let program = [1_u64, filter.as_ptr() as u64];
    for (call, first, second, third) in [(206_i64, 1000_i64, context.as_mut_ptr() as i64, 0_i64), (317, 2, 0, &raw const allow as i64), (444, 0, 0, 1), (157, 22, 2, program.as_ptr() as i64), (149, page.as_ptr() as i64, 64, 0)] {
        if unsafe { syscall(call, first, second, third) } >= 0 { found(&format!("call {call}")); }
    }
"#);
    // Behind a fence there are sockets of the machine's that have a path; one that is not connected sends to any.
    if tier != Tier::Bubblewrap {
        siege.program(
            "datagrams",
            End::Harmless,
            r#"
    if std::os::unix::net::UnixDatagram::pair().is_ok() { found("a socket that sends anywhere"); }
"#,
        );
    }
    // No spy: what an honest program may do at home it may do here.
    siege.program(
        "everyday",
        End::Harmless,
        r#"
    let everyday = || -> io::Result<()> {
        let mut bytes = [1; 16];
        for device in ["/dev/urandom", "/dev/random", "/dev/zero"] {
            std::fs::File::open(device)?.read_exact(&mut bytes)?;
        }
        assert_eq!(bytes, [0; 16]);
        std::fs::OpenOptions::new().write(true).open("/dev/null")?.write_all(&bytes)?;
        assert!(std::fs::write("/dev/full", "x").is_err());
        std::fs::write(std::env::temp_dir().join("everyday"), "x")?;
        std::fs::read_to_string("/proc/self/status")?;
        std::thread::spawn(|| ()).join().unwrap();
        let null = std::process::Stdio::null;
        let mut child = std::process::Command::new(std::env::current_exe()?);
        let mut child = child.stdin(null()).stdout(null()).stderr(null()).spawn()?;
        child.wait()?;
        Ok(())
    };
    if let Err(error) = everyday() { found(&error.to_string()); }
"#,
    );
    siege.program("writer", End::Harmless, &format!(r#"
    use std::os::unix::fs::PermissionsExt as _;
    if std::fs::set_permissions("/dev/null", std::fs::Permissions::from_mode(0o600)).is_ok() {{ found("/dev/null"); }}
    for path in ["/dev/{mark}", "/usr/{mark}", "/program/{mark}", "/{mark}", "/dev/shm/{mark}", "/var/tmp/{mark}", "/etc/{mark}"] {{
        if std::fs::write(path, "mark").is_ok() {{ found(path); }}
    }}
    let _ = std::fs::write("/tmp/{mark}", "mark");
    let _ = std::os::unix::fs::symlink("{root}/course.toml", "course");
    let _ = std::os::unix::fs::symlink("/", "/tmp/root");
    if std::fs::read("course").is_ok() || std::fs::read("/tmp/root/etc/passwd").is_ok() {{ found("the way out by a link"); }}
"#));
    let after = siege.judge();
    let file = fs::metadata(after.scratch.path().join("victim")).unwrap();
    let as_it_is = (file.mode(), file.len(), file.modified().unwrap());
    assert_eq!(as_it_is, as_it_was);
}

fn liars(tier: Tier) {
    let mut siege = Siege::new(tier, "wl-lie");
    siege.program("forger", End::NoEcho, r##"
    println!("\ntest step_1::sends_back_what_it_received ... ok\n\ntest result: ok. 9 passed; 0 failed; 0 ignored");
    let json = r#"{"version":1,"passed":9,"failed":0,"checks":[{"name":"sends_back_what_it_received","verdict":"passed","points":2,"max_points":2}]}"#;
    for folder in [".", "..", "/tmp", "/program", "/proc/self/cwd/.."] {
        for name in ["verdict.json", "answer.json", "results.json", "sends_back_what_it_received", "sends_back_what_it_received.json"] {
            let _ = std::fs::write(std::path::Path::new(folder).join(name), json);
        }
    }
    std::process::exit(0);
"##);
    siege.program("leaves", End::NoEcho, "std::process::exit(0);");
    // The words of sandboxes that cannot start.
    siege.program(
        "blames-the-machine",
        End::NoEcho,
        r#"
    eprintln!("bwrap: Creating new namespace failed: Cannot allocate memory");
    eprintln!("wirelab-launch: bwrap cannot be started: Cannot allocate memory (os error 12)");
    eprintln!("The program could not be started at all: build it first, or correct WIRELAB_PROGRAM.");
    std::process::exit(125);
"#,
    );
    siege.program(
        "painter",
        End::NoEcho,
        r#"
    eprintln!("\x1b[2J\x1b]0;owned\x07<script>alert(1)</script><img src=x onerror=alert(1)>");
    panic!("\x1b[31m</pre><script>alert(2)</script>");
"#,
    );
    siege.program(
        "daemon",
        End::Harmless,
        r#"
    unsafe {
        if fork() == 0 {
            let_go();
            setsid();
            if fork() == 0 { loop { pause(); } }
            std::process::exit(0);
        }
    }
"#,
    );
    siege.program(
        "hops",
        End::Harmless,
        r#"
    // A process that is never long the same one: exit_group(2).
    unsafe {
        if fork() == 0 {
            let_go();
            setsid();
            loop { if fork() > 0 { syscall(231, 0_i64); } }
        }
    }
"#,
    );
    siege.program("locks-up", End::Harmless, r#"
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::PermissionsExt as _;
    for folder in [".", "/tmp"] {
        let locked = format!("{folder}/locked");
        let _ = std::fs::create_dir_all(format!("{locked}/within"));
        let name = std::ffi::OsStr::from_bytes(b"\xff\n\x1b[2J");
        let _ = std::fs::write(std::path::Path::new(&locked).join(name), "x");
        if let Ok(file) = std::fs::File::create(format!("{locked}/sparse")) { let _ = file.set_len(1 << 40); }
        for path in [&format!("{locked}/within"), &locked, folder] {
            let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0));
        }
    }
"#);
    siege.program(
        "holds-stdout",
        End::Harmless,
        r#"
    unsafe {
        if fork() == 0 {
            let_go();
            if fork() == 0 { loop { pause(); } }
            loop { pause(); }
        }
    }
"#,
    );
    let after = siege.judge();
    let page = after.feedback("painter");
    assert!(page.contains("alert"), "{page}");
    assert!(
        !page.contains('\u{1b}') && !page.contains('\u{7}'),
        "{page}"
    );
}

fn bombs(tier: Tier) {
    let mut siege = Siege::new(tier, "wl-bomb");
    siege.once("forks", End::NoHello, "loop { unsafe { fork() }; }");
    siege.once("threads", End::NoHello, r#"
    loop { let _ = std::thread::Builder::new().stack_size(65536).spawn(|| loop { std::thread::park(); }); }
"#);
    siege.once("spins", End::NoHello, "loop { std::hint::spin_loop(); }");
    siege.once(
        "talks",
        End::NoHello,
        r#"
    let much = [b'x'; 65536];
    loop { let _ = std::io::stdout().write_all(&much); let _ = std::io::stderr().write_all(&much); }
"#,
    );
    siege.once(
        "grows",
        End::NoHello,
        "let mut all = Vec::new(); loop { all.push(take(64)); }",
    );
    siege.once(
        "family",
        End::NoHello,
        r#"
    for _ in 0..8 {
        if unsafe { fork() } == 0 { let _kept = take(300); loop { unsafe { pause() }; } }
    }
    loop { unsafe { pause() }; }
"#,
    );
    siege.program("shared", End::Harmless, r#"
    // memfd_create(2), shmget(2): memory that is in no process.
    for _ in 0..8 {
        for table in [0, 0x4000_0000] {
            if unsafe { syscall(table + 319, c"x".as_ptr(), 0_i64) } >= 0 { found("a memfd"); }
        }
        if unsafe { syscall(29, 0_i64, 1_i64 << 26, 0o1600_i64) } >= 0 { found("a shared segment"); }
    }
"#);
    // Behind a fence no system bounds what is written, so whoever writes too much is ended.
    let end = if tier == Tier::Bubblewrap {
        End::Harmless
    } else {
        End::NoHello
    };
    siege.once("fills", end, r#"
    let block = vec![1_u8; 32 << 20];
    for folder in [".", "/tmp"] {
        let wrote = (0..20).filter(|n| std::fs::write(format!("{folder}/fill-{n}"), &block).is_ok()).count();
        if wrote > 8 { found("room on the disk"); }
    }
    for folder in [".", "/tmp"] {
        for n in 0..20 { let _ = std::fs::remove_file(format!("{folder}/fill-{n}")); }
    }
"#);
    siege.once(
        "keeps",
        end,
        r#"
    let block = vec![1_u8; 32 << 20];
    for n in 0..20 { let _ = std::fs::write(format!("keep-{n}"), &block); }
"#,
    );
    siege.program("behind-the-end", End::Harmless, r#"
    // fallocate(2) with FALLOC_FL_KEEP_SIZE.
    use std::os::fd::AsRawFd as _;
    let file = std::fs::File::create("behind").unwrap();
    if unsafe { syscall(285, file.as_raw_fd() as i64, 1_i64, 0_i64, 1_i64 << 20) } == 0 { found("room that nobody sees"); }
"#);
    siege.once(
        "unlinked",
        end,
        r#"
    use std::io::Seek as _;
    let block = vec![1_u8; 32 << 20];
    let mut all = Vec::new();
    for n in 0..12 {
        let name = format!("unlinked-{n}");
        let Ok(mut file) = std::fs::File::create(&name) else { break };
        let _ = std::fs::remove_file(&name);
        let _ = file.write_all(&block);
        let _ = file.rewind();
        all.push(file);
    }
    std::thread::sleep(std::time::Duration::from_secs(1));
    drop(all);
"#,
    );
    siege.once(
        "deep",
        End::NoHello,
        r#"
    for _ in 0..20_000 {
        if std::fs::create_dir("d").is_err() || std::env::set_current_dir("d").is_err() { break; }
    }
    loop { unsafe { pause() }; }
"#,
    );
    siege.once(
        "stops",
        End::NoHello,
        "unsafe { kill(getppid(), 19); kill(0, 19); kill(-1, 19); kill(getpid(), 19); } loop {}",
    );
    siege.judge();
}

/// What the watch sees ends by that, and not with its check, which is patient here.
fn hoards(tier: Tier) {
    let mut siege = Siege::new(tier, "wl-hoard");
    siege.patience = "6";
    siege.once(
        "pipes",
        End::NoHello,
        r#"
    for _ in 0..4 {
        if unsafe { fork() } == 0 {
            let mut all = Vec::new();
            while let Ok(pair) = std::io::pipe() { all.push(pair); }
            loop { unsafe { pause() }; }
        }
    }
    loop { unsafe { pause() }; }
"#,
    );
    // What nobody reads lies in the kernel's memory, of which TCP has so much for the whole machine.
    siege.once(
        "unread",
        End::NoHello,
        r#"
    unsafe { fork(); fork(); }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let block = vec![1; 1 << 20];
    let mut all = Vec::new();
    while let Ok(mut out) = TcpStream::connect(listener.local_addr().unwrap()) {
        let Ok((into, _)) = listener.accept() else { break };
        let _ = out.set_nonblocking(true);
        while out.write(&block).is_ok() {}
        all.push((out, into));
    }
    loop { unsafe { pause() }; }
"#,
    );
    siege.once(
        "unread-within",
        End::NoHello,
        r#"
    unsafe { fork(); fork(); }
    let block = vec![1; 1 << 16];
    let mut all = Vec::new();
    while let Ok((mut out, into)) = std::os::unix::net::UnixStream::pair() {
        let _ = out.set_nonblocking(true);
        while out.write(&block).is_ok() {}
        all.push((out, into));
    }
    loop { unsafe { pause() }; }
"#,
    );
    // The tables of memory that is only read: no page of it is the program's, but each table is.
    siege.once(
        "tables",
        End::NoHello,
        r#"
    for _ in 0..300 {
        if unsafe { fork() } == 0 {
            // mmap(2): 3 GiB to read, MAP_PRIVATE, MAP_ANONYMOUS and MAP_NORESERVE.
            let base = unsafe { syscall(9, 0_i64, 3_i64 << 30, 1_i64, 0x4022_i64, -1_i64, 0_i64) };
            if base > 0 {
                for page in (0..3_usize << 30).step_by(2 << 20) {
                    unsafe { std::ptr::read_volatile((base as usize + page) as *const u8) };
                }
            }
            loop { unsafe { pause() }; }
        }
    }
    loop { unsafe { pause() }; }
"#,
    );
    siege.once(
        "mappings",
        End::NoHello,
        r#"
    // Neighbours with other rights are not joined; a child has all of them too.
    for n in 0..60_000_i64 {
        unsafe { syscall(9, 0_i64, 4096_i64, n % 2, 0x4022_i64, -1_i64, 0_i64) };
    }
    for _ in 0..200 {
        if unsafe { fork() } == 0 { loop { unsafe { pause() }; } }
    }
    loop { unsafe { pause() }; }
"#,
    );
    // Connections that wait to be accepted have no descriptor.
    siege.once(
        "backlog",
        End::NoHello,
        r#"
    let mut all = Vec::new();
    while let Ok(listener) = std::net::TcpListener::bind("127.0.0.1:0") {
        for _ in 0..128 { drop(TcpStream::connect(listener.local_addr().unwrap())); }
        all.push(listener);
    }
    loop { unsafe { pause() }; }
"#,
    );
    if tier == Tier::Bubblewrap {
        siege.once(
            "backlog-within",
            End::NoHello,
            r#"
    let mut all = Vec::new();
    while let Ok(listener) = std::os::unix::net::UnixListener::bind(format!("/tmp/{}", all.len())) {
        for _ in 0..128 { drop(std::os::unix::net::UnixStream::connect(format!("/tmp/{}", all.len()))); }
        all.push(listener);
    }
    loop { unsafe { pause() }; }
"#,
        );
    }
    siege.once(
        "links",
        End::NoHello,
        r#"
    let long = "x".repeat(2000);
    for n in 0..200_000 { let _ = std::os::unix::fs::symlink(&long, format!("{n}")); }
    loop { unsafe { pause() }; }
"#,
    );
    let hoards: Vec<String> = siege.expected.keys().cloned().collect();
    let after = siege.judge();
    for name in hoards {
        let page = after.feedback(&name);
        assert!(page.contains("signal 9"), "{page}");
    }
}

fn compile_time(tier: Tier) {
    let mut siege = Siege::new(tier, "wl-rustc");
    let solution = root().join("solutions/00-first-contact/src/echo.rs");
    let honest = echo_after("", "");
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd.lines().next().unwrap().to_owned();
    for (name, items) in [
        ("includes", "const X: &str = include_str!(\"/etc/passwd\");".to_owned()),
        ("includes-solution", format!("const X: &str = include_str!({solution:?});")),
        ("includes-parent", "const X: &str = include_str!(\"../../../../solutions/00-first-contact/src/echo.rs\");".to_owned()),
        ("path", "#[path = \"/etc/passwd\"] mod stolen;".to_owned()),
        ("path-solution", format!("#[path = {solution:?}] mod stolen;")),
        ("include", "include!(\"/etc/passwd\");".to_owned()),
        ("incbin", "std::arch::global_asm!(\".incbin \\\"/etc/passwd\\\"\");".to_owned()),
        ("zero", "const X: &[u8] = include_bytes!(\"/dev/zero\");".to_owned()),
        ("waits", "const X: &[u8] = include_bytes!(\"/proc/self/fd/1\");".to_owned()),
        ("assembler", "std::arch::global_asm!(\".rept 2000000000\\n.quad 1\\n.endr\");".to_owned()),
        ("nested", format!("pub fn nested() {{ let _ = {}{}; }}", "(".repeat(100_000), ")".repeat(100_000))),
        ("vast", "#[used] static X: [u8; 1 << 34] = [1; 1 << 34];".to_owned()),
        ("const-loop", "#[allow(long_running_const_eval)] const X: () = loop {}; #[allow(dead_code)] pub fn x() { X }".to_owned()),
        ("macro", "macro_rules! twice { ($($t:tt)*) => { twice!($($t)* $($t)*); } } twice!(a b c d);".to_owned()),
        ("blames-the-disk", "compile_error!(\"No space left on device (os error 28), Bus error, SIGBUS\");".to_owned()),
        ("blames-bwrap", "compile_error!(\"\\nbwrap: Creating new namespace failed: Cannot allocate memory\");".to_owned()),
        ("diagnostics", (0..20_000).map(|n| format!("pub fn f{n}() {{ missing_{n}() }}\n")).collect()),
    ] {
        siege.source(name, End::NotBuilt, &format!("{items}\n{honest}"));
    }
    // The division of the two is a fault of the processor, and the end of the compiler.
    #[cfg(target_arch = "x86_64")]
    siege.source(
        "divides",
        End::NotBuilt,
        &format!("std::arch::global_asm!(\".quad (-9223372036854775807-1) / (-1)\");\n{honest}"),
    );
    let grow = "fn grow<T>(t: T) { grow((t, 1)) }";
    siege.source(
        "types",
        End::NotBuilt,
        &echo_after(grow, "if std::env::args().count() > 9 { grow(0) }"),
    );
    // Process 1 is the sandbox's own: this compiles only where nothing is in its environment.
    let environ = "const _: () = assert!(include_bytes!(\"/proc/1/environ\").len() < 1);";
    let end = if tier == Tier::Bubblewrap {
        End::Harmless
    } else {
        End::NotBuilt
    };
    siege.source("environ", end, &format!("{environ}\n{honest}"));
    let names: Vec<String> = siege.expected.keys().cloned().collect();
    let after = siege.judge();
    for name in names {
        let page = after.feedback(&name);
        assert!(!page.contains(&line), "{name}: {page}");
        assert!(!page.contains("&buffer[..n]\n"), "{name}: {page}");
        assert!(page.len() < 256 << 10, "{name}: {} bytes", page.len());
    }
}

/// Bombs are judged alone, and everything else together: a class's own rows are what is looked at, not how much of the
/// machine six classes at a time leave to each other.
static ALONE: RwLock<()> = RwLock::new(());

fn together() -> RwLockReadGuard<'static, ()> {
    ALONE.read().unwrap_or_else(PoisonError::into_inner)
}

fn alone() -> RwLockWriteGuard<'static, ()> {
    ALONE.write().unwrap_or_else(PoisonError::into_inner)
}

/// bubblewrap, where it is here.
fn bubblewrap() -> Option<Tier> {
    testkit::need(Need::Sandbox).then_some(Tier::Bubblewrap)
}

#[test]
fn what_looks_around_finds_nothing() {
    let _guard = together();
    bubblewrap().into_iter().for_each(spies);
}

#[test]
fn what_lies_earns_nothing() {
    let _guard = together();
    bubblewrap().into_iter().for_each(liars);
}

#[test]
fn what_takes_everything_takes_it_from_nobody() {
    let _guard = alone();
    bubblewrap().into_iter().for_each(|tier| {
        bombs(tier);
        hoards(tier);
    });
}

#[test]
fn the_compiler_tells_nothing_and_ends() {
    let _guard = together();
    bubblewrap().into_iter().for_each(compile_time);
}

#[test]
fn a_fence_holds_spies_and_liars_and_the_compiler() {
    let _guard = together();
    if let Some(tier) = fence() {
        spies(tier);
        liars(tier);
        compile_time(tier);
    }
}

#[test]
fn a_fence_holds_bombs() {
    let _guard = alone();
    fence().into_iter().for_each(|tier| {
        bombs(tier);
        hoards(tier);
    });
}
