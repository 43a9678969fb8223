//! Given: a thread for each connection, as chapter 5 made it.
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::accept;
use crate::answer::Site;
use crate::connection::{self, End};
use crate::farewell;

/// How much of a thread's memory is for its stack, in bytes: a thousand of them are 256 MiB of address
/// space, of which little is ever touched.
const STACK: usize = 256 << 10;

/// A socket that listens on `addr`.
pub fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // A server that is started again finds its port in TIME_WAIT (Unix; on Windows the option would let
    // two servers listen).
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(1024)?;
    Ok(socket.into())
}

// ANCHOR: serve
/// Serves `site` to all who connect. For ever: returns only an error of
/// accept that is neither about one client nor about a shortage.
pub fn serve(listening: &TcpListener, site: Site, patience: Duration) -> io::Result<()> {
    let site = Arc::new(site);
    loop {
        let (socket, peer) = match listening.accept() {
            Ok(accepted) => accepted,
            Err(error) if accept::is_of_one_client(&error) => continue,
            Err(error) if accept::is_shortage(&error) => {
                // Descriptors have run out. Those who are connected are served
                // on; those who wait, wait in the queue, until some have left.
                say(&format!("accept: {error}; the next clients have to wait"));
                thread::sleep(Duration::from_millis(50));
                continue;
            }
            Err(error) => return Err(error),
        };
        let site = site.clone();
        let conversation = move || {
            if let Err(error) = converse(&socket, &site, patience) {
                say(&format!("client {peer}: {error}"));
            }
        };
        let thread = thread::Builder::new().stack_size(STACK);
        // Without a thread the closure is dropped, and the connection with it.
        if let Err(error) = thread.spawn(conversation) {
            say(&format!("client {peer}: no thread for it: {error}"));
        }
    }
}

/// All of one connection, but its close, which is the caller's drop.
fn converse(socket: &TcpStream, site: &Site, patience: Duration) -> io::Result<()> {
    // An answer goes out when it is written, and a client that takes none
    // of it for so long is left.
    socket.set_nodelay(true)?;
    socket.set_write_timeout(Some(patience))?;
    match connection::converse(socket, site, patience)? {
        End::Theirs => {}
        End::Ours => farewell::part(socket, patience),
    }
    Ok(())
}
// ANCHOR_END: serve

/// On standard error, if anybody listens there. `eprintln!` would panic when nobody does.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
