//! Chapter 10: what has to happen before the first word: to a port where nobody is, and to one where
//! somebody answers.
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

const QUESTIONS: u32 = 500;

fn main() -> io::Result<()> {
    nobody_there()?;
    let (tcp, udp) = questions()?;
    println!("{QUESTIONS} questions, each answered:");
    println!(
        "  TCP, a connection for each: {} µs for one",
        tcp.as_micros()
    );
    println!(
        "  UDP:                        {} µs for one",
        udp.as_micros()
    );
    println!("  TCP takes longer: {}", tcp > udp);
    Ok(())
}

// ANCHOR: nobody
fn nobody_there() -> io::Result<()> {
    // A port that was free a moment ago, and is free again: nobody is there.
    let gone = UdpSocket::bind("127.0.0.1:0")?.local_addr()?;
    let connected = TcpStream::connect(gone).map(|_| "connected");
    println!("TCP, nobody there: {:?}", connected.map_err(|e| e.kind()));

    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let sent = socket.send_to(b"hello", gone);
    println!("UDP, nobody there: {:?}", sent.map_err(|e| e.kind()));
    Ok(())
}
// ANCHOR_END: nobody

// ANCHOR: questions
/// How long a question and its answer take by TCP and by UDP, in turns.
fn questions() -> io::Result<(Duration, Duration)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let there = UdpSocket::bind("127.0.0.1:0")?;
    let here = UdpSocket::bind("127.0.0.1:0")?;
    let mut room = [0; 10];
    let (mut tcp, mut udp) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..QUESTIONS {
        let began = Instant::now();
        let mut client = TcpStream::connect(listener.local_addr()?)?;
        let (mut server, _) = listener.accept()?;
        client.write_all(b"question")?;
        let n = server.read(&mut room)?;
        server.write_all(&room[..n])?;
        client.read_exact(&mut room[..n])?;
        drop((client, server));
        tcp += began.elapsed();

        let began = Instant::now();
        here.send_to(b"question", there.local_addr()?)?;
        let (n, from) = there.recv_from(&mut room)?;
        there.send_to(&room[..n], from)?;
        here.recv_from(&mut room)?;
        udp += began.elapsed();
    }
    Ok((tcp / QUESTIONS, udp / QUESTIONS))
}
// ANCHOR_END: questions
