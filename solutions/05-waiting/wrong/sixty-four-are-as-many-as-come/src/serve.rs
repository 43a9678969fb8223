//! Steps 4 to 6: an echo that lets no client wait for another.
use std::io::{self, Read, Write};
// only:
use std::net::SocketAddr;
// end
use std::net::{TcpListener, TcpStream};
// only:
use std::sync::{Arc, Condvar, Mutex, PoisonError};
// end
use std::thread;
use std::time::Duration;

use crate::error;

/// Given: the echo of chapter 4. It returns when the client has ended its stream, and waits in recv,
/// or in send, for as long as the client likes.
pub fn echo(mut connected: &TcpStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let n = connected.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        connected.write_all(&buffer[..n])?;
    }
}

/// Step 4. Accepts clients and echoes to all of them at the same time, as many as come, each in a
/// thread of its own. For ever: returns only what [`after_error`] returns as an error.
///
/// When a conversation is over, its connection is closed. An error of `echo` goes to standard error
/// and ends that conversation alone; so does a thread that cannot be started
/// ([`thread::Builder::spawn`] says so, [`thread::spawn`] panics). An error of accept is handed to
/// [`after_error`].
pub fn serve(listening: &TcpListener) -> io::Result<()> {
    // write: "accept for ever; each client in a thread of its own; an error of accept to after_error"
    serve_at_most(listening, 64)
    // end
}

// only:
/// Echoes to one client in a new thread, which owns the connection, and gives `place` back after it.
fn start(connected: TcpStream, peer: SocketAddr, place: impl Send + 'static) {
    let conversation = move || {
        if let Err(error) = echo(&connected) {
            eprintln!("client {peer}: {error}");
        }
        drop(connected);
        drop(place);
    };
    // Nobody joins the thread: whoever waited for its end could not accept the next client.
    // When there is no thread to be had, the closure is dropped, and the connection with it.
    if let Err(error) = thread::Builder::new().spawn(conversation) {
        eprintln!("client {peer}: no thread for it: {error}");
    }
}
// end

/// Step 5. What the server does when accept has failed: returns `Ok` when it shall go on accepting,
/// and the error when it shall end.
///
/// It goes on at once where the error is about one client ([`error::is_of_one_client`]). It goes on
/// where something has run out ([`error::is_shortage`]), but not at once: accept would fail again in the
/// next microsecond, and the next, until a client leaves. So it sleeps before it returns, some
/// milliseconds, a tenth of a second at most. The clients in the queue wait meanwhile. Any other error
/// ends the server.
pub fn after_error(error: io::Error) -> io::Result<()> {
    // write: "three kinds of error: of one client, of a shortage, and all others"
    if error::is_of_one_client(&error) {
        return Ok(());
    }
    if error::is_shortage(&error) {
        // Without a descriptor there is nothing that can be done with the connection, not even to
        // close it. What helps is that some client leaves, and its thread drops its socket.
        eprintln!("accept: {error}; the next clients have to wait");
        thread::sleep(Duration::from_millis(50));
        return Ok(());
    }
    Err(error)
    // end
}

/// Step 6, bonus. As [`serve`], for at most `limit` clients at a time. A client that comes when all
/// places are taken waits, connected but not served, until one of the others has left, in whatever way
/// it left; then it gets that place.
pub fn serve_at_most(listening: &TcpListener, limit: usize) -> io::Result<()> {
    // write: "as serve, with at most limit clients at a time"
    let places = Arc::new(Places::new(limit));
    loop {
        // First the place, then the client: the ones that have to wait stay in the kernel's queue,
        // where they cost neither a thread nor a descriptor.
        let place = places.take();
        match listening.accept() {
            Ok((connected, peer)) => start(connected, peer, place),
            Err(error) => after_error(error)?,
        }
    }
    // end
}

// only:
/// Places for clients, of which some are free.
struct Places {
    free: Mutex<usize>,
    returned: Condvar,
}

impl Places {
    fn new(limit: usize) -> Self {
        Places {
            free: Mutex::new(limit),
            returned: Condvar::new(),
        }
    }

    /// Waits for a free place and takes it.
    fn take(self: &Arc<Self>) -> Place {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self
            .returned
            .wait_while(free, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Place(self.clone())
    }
}

/// A taken place. It is given back when this value is dropped, whatever the reason.
struct Place(Arc<Places>);

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.returned.notify_one();
    }
}
// end
