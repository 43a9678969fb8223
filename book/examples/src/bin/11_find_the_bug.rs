//! Chapter 11, find the bug: a server that knows its users by their descriptors (Unix).
use std::io;

#[cfg(not(unix))]
fn main() -> io::Result<()> {
    println!("this program needs a Unix system");
    Ok(())
}

#[cfg(unix)]
mod server {
    use std::collections::HashMap;
    use std::io::{self, BufRead, BufReader, Write};
    use std::net::TcpStream;
    use std::os::fd::{AsRawFd, RawFd};

    // ANCHOR: bug
    /// Serves one client until it has left. `users` has the names of those
    /// that are logged in.
    pub fn converse(
        mut connected: &TcpStream,
        users: &mut HashMap<RawFd, String>,
    ) -> io::Result<()> {
        let number = connected.as_raw_fd();
        for line in BufReader::new(connected).lines() {
            let line = line?;
            if let Some(name) = line.strip_prefix("login ") {
                users.insert(number, name.to_string());
            } else if line == "logout" {
                users.remove(&number);
            } else {
                let user = users.get(&number).map_or("nobody", |name| name);
                writeln!(connected, "{user} says {line}")?;
            }
        }
        Ok(())
    }
    // ANCHOR_END: bug
}

#[cfg(unix)]
fn main() -> io::Result<()> {
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpListener, TcpStream};

    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut users = std::collections::HashMap::new();
    for (name, lines) in [
        ('A', "login ann\nhello\nlogout\n"),
        ('B', "hello\n"),
        ('C', "login bob\nhello\n"),
        ('D', "hello\nlogin dan\nhello\n"),
    ] {
        let mut client = TcpStream::connect(listener.local_addr()?)?;
        client.write_all(lines.as_bytes())?;
        client.shutdown(Shutdown::Write)?;
        let (connected, _) = listener.accept()?;
        server::converse(&connected, &mut users)?;
        drop(connected);
        let mut answer = String::new();
        client.read_to_string(&mut answer)?;
        println!("{name}: {}", answer.lines().collect::<Vec<_>>().join(", "));
    }
    Ok(())
}
