//! Programs that change what their check is about to look at, or say that the machine is at fault: a check is led
//! nowhere by it, and the program has a grade.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use grader::sandbox::Tier;
use testkit::Need;

#[path = "support/class.rs"]
mod support;

use support::{Class, cargo_grade, root, table};

const HANDSHAKE: &str = "03-handshake";
const TCP_ECHO: &str = "04-tcp-echo";
const UDP: &str = "09-udp";
const TCP_OR_UDP: &str = "10-tcp-or-udp";
const FILE_TRANSFER: &str = "15-file-transfer";

/// What nobody's program may read, short enough for a check to show all of it.
const SECRET: &str = "nobody may read this, not at all";

/// Acts before `main`, which is given, has a say. `args` are the program's.
fn hook(act: &str) -> String {
    format!(
        r#"
#[used]
#[unsafe(link_section = ".init_array")]
static FIRST: extern "C" fn() = first;

extern "C" fn first() {{
    use std::io::{{Read as _, Write as _}};
    let all = std::fs::read("/proc/self/cmdline").unwrap_or_default();
    let args: Vec<String> = all.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let of = |name: &str| args.get(1).is_some_and(|word| word == name);
    {act}
    let _ = (of("x"), std::io::stdout().flush(), std::io::empty().read(&mut []));
}}
"#
    )
}

/// A student, a lab, a file of it, and what its program does first.
type Act = (&'static str, &'static str, &'static str, &'static str);

/// HERE is a folder with what is not the program's.
const ACTS: [Act; 10] = [
    // A check writes the same file once more.
    (
        "overwrites",
        HANDSHAKE,
        "capture.rs",
        r#"
    if let Some(path) = args.iter().find(|word| word.ends_with("cut.pcap")) {
        let _ = std::fs::remove_file(path);
        let _ = std::os::unix::fs::symlink("HERE/victim", path);
        eprintln!("error: it ends");
        std::process::exit(1);
    }"#,
    ),
    // A check reads what has been received.
    (
        "reads",
        TCP_OR_UDP,
        "tcp.rs",
        r#"
    if of("receive") && args.iter().any(|word| word == "--tcp") {
        let out = args.iter().position(|word| word == "--out").unwrap_or(0);
        let _ = std::os::unix::fs::symlink("HERE/secret", &args[out + 1]);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        println!("listening {}", listener.local_addr().unwrap());
        let (mut client, _) = listener.accept().unwrap();
        let mut bytes = [0; 64];
        let _ = client.read(&mut bytes);
        let _ = client.write_all(&bytes[..8]);
        println!("received 5 bytes");
        std::process::exit(0);
    }"#,
    ),
    (
        "lists",
        FILE_TRANSFER,
        "message.rs",
        r#"
    if of("store") {
        let _ = std::fs::remove_dir(&args[3]);
        let _ = std::os::unix::fs::symlink("HERE", &args[3]);
        eprintln!("error: checksum, 3610a686 3610a687");
        std::process::exit(1);
    }"#,
    ),
    (
        "waits",
        FILE_TRANSFER,
        "message.rs",
        r#"
    if of("store") {
        unsafe extern "C" { fn mkfifo(path: *const std::ffi::c_char, mode: u32) -> i32; }
        let path = std::ffi::CString::new(format!("{}/{}", args[3], args[4])).unwrap();
        unsafe { mkfifo(path.as_ptr(), 0o666) };
        std::process::exit(0);
    }"#,
    ),
    (
        "has-no-end",
        FILE_TRANSFER,
        "message.rs",
        r#"
    if of("store") {
        let _ = std::os::unix::fs::symlink("/dev/zero", format!("{}/{}", args[3], args[4]));
        std::process::exit(0);
    }"#,
    ),
    // A check in a network of its own skips where the machine lets no program start there.
    ("never-starts", UDP, "serve.rs", "std::process::exit(1);"),
    (
        "plays-the-launcher",
        UDP,
        "serve.rs",
        r#"
    eprintln!("wirelab-launch: no namespaces can be had: No space left on device (os error 28)");
    std::process::exit(125);"#,
    ),
    // The watch ends what is too much, launchers of other checks among it, and the words are there as well.
    (
        "plays-the-launcher-while-others-end",
        UDP,
        "serve.rs",
        r#"
    for n in 0..17_000 {
        let _ = std::os::unix::fs::symlink("x", format!("{n}"));
    }
    eprintln!("wirelab-launch: no namespaces can be had: No space left on device (os error 28)");
    std::process::exit(125);"#,
    ),
    // No port of ::1 is left, so a check that asks whether that address is there could not bind to it.
    (
        "takes-the-ports",
        TCP_ECHO,
        "server.rs",
        r#"
    let listener = (2000..3000).find_map(|port| std::net::TcpListener::bind(("::1", port)).ok());
    if let Some(listener) = listener.filter(|_| of("bind")) {
        while let Ok(client) = std::net::TcpStream::connect(listener.local_addr().unwrap()) {
            let server = listener.accept();
            drop(client);
            drop(server);
        }
    }"#,
    ),
    (
        "starts-with-arguments-alone",
        UDP,
        "serve.rs",
        "if args.len() <= 2 { std::process::exit(125); }",
    ),
];

/// A check starts its programs one after the other behind one wall.
const STARTS: [Act; 2] = [
    // It has all that it has when it is started alone, whatever the one before has left.
    (
        "leaves-something",
        FILE_TRANSFER,
        "message.rs",
        r#"
    unsafe extern "C" {
        fn fork() -> i32;
        fn setsid() -> i32;
        fn pause() -> i32;
        fn prlimit(pid: i32, resource: i32, new: *const [u64; 2], old: *mut [u64; 2]) -> i32;
    }
    const RLIMIT_NPROC: i32 = 6;
    const RLIMIT_NOFILE: i32 = 7;
    let own = std::process::id();
    let pids = std::fs::read_dir("/proc").unwrap().flatten();
    let mut pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let another = pids.any(|pid| pid != 1 && pid != own);
    let left = std::path::Path::new("/tmp/left");
    let mut files = [0; 2];
    unsafe { prlimit(0, RLIMIT_NOFILE, std::ptr::null(), &mut files) };
    if another || files[0] < 1024 || left.exists() || std::fs::read_dir("/tmp").unwrap().count() > 1 {
        std::process::exit(125);
    }
    std::fs::write("/tmp/gone", "made").unwrap();
    std::fs::remove_file("/tmp/gone").unwrap();
    match std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos() / 64 % 6 {
        0 => std::fs::write(left, "").unwrap(),
        1 => unsafe {
            if fork() == 0 {
                setsid();
                loop { pause(); }
            }
        },
        2 => unsafe { drop(prlimit(1, RLIMIT_NOFILE, &[16; 2], std::ptr::null_mut())) },
        3 => unsafe { drop(prlimit(1, RLIMIT_NPROC, &[0; 2], std::ptr::null_mut())) },
        _ => {}
    }"#,
    ),
    // Unless it looks at its number.
    (
        "is-started-once",
        FILE_TRANSFER,
        "message.rs",
        "if std::process::id() > 2 { std::process::exit(125); }",
    ),
];

fn changelings(tier: Tier, acts: &[Act]) {
    let scratch = tempfile::tempdir().unwrap();
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let here = scratch.path().join("here");
    fs::create_dir(&here).unwrap();
    for (name, text) in [
        ("victim", "as it was"),
        ("secret", SECRET),
        ("own-name-of-a-file", ""),
    ] {
        fs::write(here.join(name), text).unwrap();
        fs::set_permissions(here.join(name), fs::Permissions::from_mode(0o666)).unwrap();
    }
    let class = Class::new(scratch.path().join("submissions"));
    for (student, lab, file, act) in acts {
        class.solution(student, lab);
        let path = format!("labs/{lab}/src/{file}");
        let honest = fs::read_to_string(root().join("solutions").join(lab).join("src").join(file));
        let act = act.replace("HERE", &here.to_string_lossy());
        class.put(student, &path, honest.unwrap() + &hook(&act));
    }
    let out = scratch.path().join("out");
    let labs = [HANDSHAKE, TCP_ECHO, UDP, TCP_OR_UDP, FILE_TRANSFER].join(",");
    let done = cargo_grade(&root())
        .args(["run".as_ref(), class.dir.as_os_str(), "--out".as_ref()])
        .arg(&out)
        .args(["--labs", &labs, "--sandbox", tier.name()])
        // In one network with others, one at a time.
        .args(["--jobs", "4"].iter().filter(|_| tier == Tier::Bubblewrap))
        .env("WIRELAB_PATIENCE", "0.6")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{said}");

    let rows = table(&out.join("grades.csv"));
    for (student, lab, ..) in acts {
        let row = &rows[*student];
        let topic = lab.split_once('-').unwrap().1;
        assert!(
            !row["flags"].contains("error"),
            "{student}: {row:?}\n{said}"
        );
        let page = fs::read_to_string(out.join(format!("feedback/{student}.md"))).unwrap();
        for stolen in [SECRET, "own-name-of-a-file"] {
            assert!(!page.contains(stolen), "{student}: {page}");
        }
        let earned: f64 = row[topic].parse().unwrap();
        match *student {
            "never-starts" | "plays-the-launcher" => assert_eq!(earned, 0.0, "{page}"),
            "starts-with-arguments-alone" | "leaves-something" => {
                assert!(!page.contains("failed"), "{page}");
            }
            "is-started-once" => assert!(earned > 0.0 && page.contains("failed: "), "{page}"),
            _ => assert!(page.contains("failed: "), "{page}"),
        }
    }
    assert_eq!(
        fs::read_to_string(here.join("victim")).unwrap(),
        "as it was"
    );
}

#[test]
fn a_check_is_led_nowhere() {
    if testkit::need(Need::Sandbox) {
        changelings(Tier::Bubblewrap, &ACTS);
    }
}

#[test]
fn a_check_is_led_nowhere_from_behind_a_fence() {
    // An ordinary user's own files stay out of reach by what the checks do; root's by that alone as well.
    if rustix::process::geteuid().is_root() {
        changelings(Tier::Uid, &ACTS);
    }
}

#[test]
fn a_program_finds_nothing_of_the_one_before() {
    if testkit::need(Need::Sandbox) {
        changelings(Tier::Bubblewrap, &STARTS);
    }
}
