//! Chapter 11: a program whose descriptor 0 is a socket (Unix).
use std::io;

#[cfg(not(unix))]
fn main() -> io::Result<()> {
    println!("this program needs a Unix system");
    Ok(())
}

#[cfg(unix)]
fn main() -> io::Result<()> {
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpListener, TcpStream};
    use std::os::fd::OwnedFd;
    use std::process::{Command, Stdio};

    if std::env::args().nth(1).as_deref() == Some("child") {
        return child();
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;

    // ANCHOR: parent
    let (connected, _) = listener.accept()?;
    let mut child = Command::new(std::env::current_exe()?)
        .arg("child")
        .stdin(Stdio::from(OwnedFd::from(connected)))
        .spawn()?;
    // ANCHOR_END: parent
    client.write_all(b"hello")?;
    client.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    client.read_to_string(&mut answer)?;
    child.wait()?;
    println!("the client got {answer:?}");
    Ok(())
}

// ANCHOR: child
/// Is started with a connected socket where a terminal used to be.
#[cfg(unix)]
fn child() -> io::Result<()> {
    use std::io::Read;
    use std::os::fd::AsRawFd;

    let stdin = io::stdin();
    let socket = socket2::SockRef::from(&stdin);
    println!(
        "descriptor {} is a {:?}",
        stdin.as_raw_fd(),
        socket.r#type()?
    );
    let mut text = String::new();
    stdin.lock().read_to_string(&mut text)?;
    println!("it brought {text:?}");
    socket.send(b"and it takes an answer")?;
    Ok(())
}
// ANCHOR_END: child
