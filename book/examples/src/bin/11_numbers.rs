//! Chapter 11: which numbers sockets and files get (Unix).
use std::io;

#[cfg(not(unix))]
fn main() -> io::Result<()> {
    println!("this program needs a Unix system");
    Ok(())
}

#[cfg(unix)]
fn main() -> io::Result<()> {
    use std::fs::File;
    use std::net::UdpSocket;
    use std::os::fd::AsRawFd;

    let socket = || UdpSocket::bind("127.0.0.1:0");

    // ANCHOR: main
    let (a, b, c) = (socket()?, socket()?, socket()?);
    println!("a {}", a.as_raw_fd());
    println!("b {}", b.as_raw_fd());
    println!("c {}", c.as_raw_fd());

    drop(b);
    drop(a);
    let d = socket()?;
    let file = File::open(std::env::current_exe()?)?;
    let other_d = d.try_clone()?;
    println!("d {}", d.as_raw_fd());
    println!("a file {}", file.as_raw_fd());
    println!("d, a second time {}", other_d.as_raw_fd());
    // ANCHOR_END: main
    Ok(())
}
