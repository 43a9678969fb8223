//! Chapter 5: two ends of a connection, each with a plan of what it does first. Four pairs of plans.
//!
//! Every call gives up after a second, so that this program ends. Without that, some would not.
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use Turn::{Receive, Send};

/// One thing that an end does: with so many bytes.
enum Turn {
    Send(usize),
    Receive(usize),
}

// ANCHOR: main
fn main() -> io::Result<()> {
    let (few, many) = (5, 1_000_000);

    println!("A. one end sends first, the other receives first");
    meet([Send(few), Receive(few)], [Receive(few), Send(few)])?;

    println!("B. both receive first");
    meet([Receive(few), Send(few)], [Receive(few), Send(few)])?;

    println!("C. both send first, 5 bytes");
    meet([Send(few), Receive(few)], [Send(few), Receive(few)])?;

    println!("D. both send first, 1,000,000 bytes");
    meet([Send(many), Receive(many)], [Send(many), Receive(many)])
}
// ANCHOR_END: main

/// Connects two sockets, lets each end carry out its plan in a thread of its own, and says how both
/// fared.
fn meet(client: [Turn; 2], server: [Turn; 2]) -> io::Result<()> {
    let (client_end, server_end) = pair()?;
    let other = thread::spawn(move || carry_out(server_end, server));
    println!("   client: {}", carry_out(client_end, client));
    println!("   server: {}", other.join().expect("it does not panic"));
    Ok(())
}

fn carry_out(mut stream: TcpStream, plan: [Turn; 2]) -> String {
    for turn in plan {
        let (call, done) = match turn {
            Send(n) => ("send", stream.write_all(&vec![b'x'; n])),
            Receive(n) => ("recv", stream.read_exact(&mut vec![0; n])),
        };
        if done.is_err() {
            // The other end has to find this one waiting, not gone: it gives up by itself.
            thread::sleep(Duration::from_millis(500));
            return format!("still waiting in {call} after a second");
        }
    }
    "done".into()
}

/// Two connected sockets, with small buffers, whose calls wait for a second at most.
fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let new = || -> io::Result<Socket> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_send_buffer_size(4096)?;
        socket.set_recv_buffer_size(4096)?;
        Ok(socket)
    };
    let listening = new()?;
    listening.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    listening.listen(1)?;
    let client = new()?;
    client.connect(&listening.local_addr()?)?;
    let (server, _) = listening.accept()?;
    for socket in [&client, &server] {
        socket.set_read_timeout(Some(Duration::from_secs(1)))?;
        socket.set_write_timeout(Some(Duration::from_secs(1)))?;
    }
    Ok((client.into(), server.into()))
}
