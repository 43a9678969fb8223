//! Chapter 5: what accept does when no descriptor is free (Unix).
use std::io;

#[cfg(not(unix))]
fn main() -> io::Result<()> {
    println!("this program needs a Unix system");
    Ok(())
}

#[cfg(unix)]
fn main() -> io::Result<()> {
    use std::net::{TcpListener, TcpStream};

    let listener = TcpListener::bind("127.0.0.1:0")?;
    let nobody = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    let clients: Vec<_> = (0..5)
        .map(|_| TcpStream::connect(addr))
        .collect::<Result<_, _>>()?;
    leave_only(3)?;
    println!("5 clients are connected, and 3 descriptors are free");

    // ANCHOR: main
    let mut served = Vec::new();
    loop {
        match listener.accept() {
            Ok((connected, _)) => served.push(connected),
            Err(error) => {
                println!("accept {}: {error}", served.len() + 1);
                break;
            }
        }
        println!("accept {}: a connection", served.len());
    }

    let failed = (0..1000).filter(|_| listener.accept().is_err()).count();
    println!("accept at once again, 1000 times: {failed} failures");
    match nobody.accept() {
        Ok(_) => println!("accept where nobody waits: a connection"),
        Err(error) => println!("accept where nobody waits: {error}"),
    }

    served.pop();
    println!("one connection is closed");
    match listener.accept() {
        Ok(_) => println!("accept: a connection, the next one of the queue"),
        Err(error) => println!("accept: {error}"),
    }
    // ANCHOR_END: main
    drop(clients);
    Ok(())
}

/// Lowers this process's limit so that `n` descriptors more can be had.
#[cfg(unix)]
fn leave_only(n: usize) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    use std::os::fd::AsRawFd;

    // A descriptor is the lowest number that is free, and has to be below the limit.
    let next: Vec<_> = (0..n)
        .map(|_| std::net::UdpSocket::bind("127.0.0.1:0"))
        .collect::<Result<_, _>>()?;
    let highest = next.iter().map(AsRawFd::as_raw_fd).max().unwrap_or(0);
    let limit = Rlimit {
        current: u64::try_from(highest + 1).ok(),
        maximum: getrlimit(Resource::Nofile).maximum,
    };
    Ok(setrlimit(Resource::Nofile, limit)?)
}
