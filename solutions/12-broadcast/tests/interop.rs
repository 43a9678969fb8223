//! The reference against Python's socket and ipaddress modules.
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_broadcast-solution");

/// Listens for a query and answers it, hears an announcement, and compares the arithmetic of all masks.
const PYTHON: &str = r#"
import ipaddress, socket, subprocess, sys
program = sys.argv[1]
for bits in range(33):
    here = ipaddress.ip_interface("192.168.5.17/%d" % bits)
    out = subprocess.run([program, "address", str(here)], capture_output=True, text=True, timeout=30).stdout.split()
    assert out[1] == str(here.network.network_address), out
    assert out[3] == ("none" if bits > 30 else str(here.network.broadcast_address)), out
sockfd = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 0)
sockfd.settimeout(30)
try:
    sockfd.bind(("127.255.255.255", 0))
except OSError as error:
    print("SKIPPED", error)
    sys.exit(0)
to = "127.255.255.255:%d" % sockfd.getsockname()[1]
subprocess.run([program, "announce", "--to", to, "--name", "kitchen"], check=True, timeout=30)
assert sockfd.recvfrom(100)[0] == b"wirelab announce kitchen"
asker = subprocess.Popen([program, "discover", "--to", to, "--wait", "2"], stdout=subprocess.PIPE, text=True)
data, addr = sockfd.recvfrom(100)
assert data.startswith(b"wirelab query "), data
answerer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 0)
answerer.bind(("127.0.0.1", 0))
answerer.sendto(b"wirelab answer " + data.split()[2] + b" python", addr)
out = asker.communicate(timeout=30)[0]
assert out == "found python at 127.0.0.1:%d\n" % answerer.getsockname()[1], out
print("same")
"#;

#[test]
fn python_agrees() {
    let output = match Command::new("python3")
        .args(["-c", PYTHON, PROGRAM])
        .output()
    {
        Ok(output) => output,
        Err(error) => {
            eprintln!("SKIPPED  python_agrees: python3 cannot be started: {error}");
            return;
        }
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
