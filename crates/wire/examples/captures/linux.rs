use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use socket2::{Domain, Socket, Type};
use wire::capture::{ByteOrder, Capture, Packet, Resolution};
use wire::craft::{Conversation, Flags, Frame, START, Segment};
use wire::netns::{self, Answer, Veth};
use wire::read::{self, Net};
use wire::record::Recorder;

/// Nothing here takes longer than the kernel's first retransmission, one second.
const SOON: Duration = Duration::from_secs(20);
const SERVER_PORT: u16 = 7;
const CLIENT_PORT: u16 = 40_000;

/// What a recording is done when.
type Wanted<'a> = &'a dyn Fn(&[Segment]) -> bool;

pub fn make() -> Result<()> {
    // Before the first thread: a process with threads cannot enter.
    netns::enter()?;
    let root = match std::env::args_os().nth(1) {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."),
    };

    let mut layers = Folder::new(root.join("labs/01-layers/tests/data"), "layers")?;
    make_layers(&mut layers).context("the captures of chapter 1")?;
    layers.describe()?;

    let mut handshake = Folder::new(root.join("labs/03-handshake/tests/data"), "handshake")?;
    record_handshake(&mut handshake).context("the recorded captures of chapter 3")?;
    craft_handshake(&mut handshake).context("the crafted captures of chapter 3")?;
    handshake.describe()
}

// ---- chapter 1

fn make_layers(folder: &mut Folder) -> Result<()> {
    let hello = record_hello()?;
    folder.add(
        "hello",
        "recorded",
        "One TCP connection: open, `hello` there, `hello` back, close. Between two hosts, with link-layer addresses \
         and right checksums.",
        hello.clone(),
    )?;
    folder.add(
        "snap-length",
        "recorded",
        "`hello`, as a capture with a snap length of 68 bytes keeps it: the SYNs are cut within their TCP options, the \
         data after 2 bytes; their packet headers say how long they were.",
        hello.cut(68),
    )?;

    let (datagrams, arp) = record_datagrams()?;
    folder.add(
        "udp",
        "recorded",
        "A UDP datagram, `ping`, and its reply, `pong`.",
        datagrams.clone(),
    )?;
    folder.add(
        "arp",
        "recorded",
        "The same two datagrams and the ARP request and reply before them.",
        arp,
    )?;
    folder.add(
        "big-endian",
        "recorded",
        "`udp`, in a file whose numbers have the most significant byte first.",
        Capture {
            byte_order: ByteOrder::Big,
            ..datagrams.clone()
        },
    )?;
    folder.add(
        "nanoseconds",
        "recorded",
        "`udp`, in a file whose times count nanoseconds.",
        Capture {
            resolution: Resolution::Nanoseconds,
            ..datagrams.clone()
        },
    )?;
    folder.add(
        "nanoseconds-big-endian",
        "recorded",
        "`udp`, in a file with both.",
        Capture {
            byte_order: ByteOrder::Big,
            resolution: Resolution::Nanoseconds,
            ..datagrams
        },
    )?;

    folder.add(
        "padded",
        "recorded, padding crafted",
        "A UDP datagram of 1 byte and its reply of none. A network card fills a frame up to 60 bytes; a veth pair does \
         not, so the zeros were added.",
        record_padded()?,
    )?;
    folder.add(
        "offloaded",
        "recorded",
        "`hello` on the loopback interface: link-layer addresses of zeros, and TCP checksums that hold the \
         pseudo-header's sum alone, because the kernel leaves the rest to a network card that is not there.",
        record_on_loopback("127.0.0.1")?,
    )?;
    folder.add(
        "ipv6",
        "recorded",
        "`hello` over IPv6, on the loopback interface (checksums as in `offloaded`).",
        record_on_loopback("::1")?,
    )?;
    folder.add(
        "unreachable",
        "recorded",
        "A UDP datagram to a port where nobody is, and the ICMP message that says so.",
        record_unreachable()?,
    )?;
    folder.add(
        "ip-options",
        "crafted",
        "IPv4 headers with options: record route and end of options (8 bytes), four no-operations (4 bytes) before TCP, \
         and the full 40 bytes.",
        craft_ip_options()?,
    )
}

/// Between two hosts: an echo of `hello`, the client closing first.
fn record_hello() -> Result<Capture> {
    let cable = Cable::new()?;
    let mut recorder = cable.record()?;
    let (mut client, mut server) = cable.open(CLIENT_PORT)?;
    talk(&mut client, &mut server, b"hello")?;
    talk(&mut server, &mut client, b"hello")?;
    close_in_turn(client, server)?;
    finish(&mut recorder, &closed)
}

fn record_on_loopback(host: &str) -> Result<Capture> {
    let address = |port| -> Result<SocketAddr> { Ok(SocketAddr::new(host.parse()?, port)) };
    let mut recorder = Recorder::start("lo")?;
    let listener = tcp(address(SERVER_PORT)?)?;
    listener.listen(1)?;
    let client = tcp(address(CLIENT_PORT)?)?;
    client.connect(&address(SERVER_PORT)?.into())?;
    let (mut client, mut server) = (TcpStream::from(client), accept(&listener)?);
    talk(&mut client, &mut server, b"hello")?;
    talk(&mut server, &mut client, b"hello")?;
    close_in_turn(client, server)?;
    finish(&mut recorder, &closed)
}

/// The datagrams alone, and with what ARP said before them.
fn record_datagrams() -> Result<(Capture, Capture)> {
    let cable = Cable::new()?;
    let mut recorder = cable.record()?;
    let (client, server) = cable.udp()?;
    client.send_to(b"ping", server.local_addr()?)?;
    answer(&server, b"pong")?;
    recorder.wait_for(SOON, |packets| packets.len() == 4)?;
    let all = recorder.stop()?.starting_at(START);
    let ip = all
        .packets
        .iter()
        .filter(|packet| is_ip(packet))
        .cloned()
        .collect();
    Ok((Capture::new(ip).starting_at(START), all))
}

fn record_padded() -> Result<Capture> {
    let cable = Cable::new()?;
    let mut recorder = cable.record()?;
    let (client, server) = cable.udp()?;
    client.send_to(b"x", server.local_addr()?)?;
    answer(&server, b"")?;
    recorder.wait_for(SOON, |packets| {
        packets.iter().filter(|packet| is_ip(packet)).count() == 2
    })?;
    let padded = recorder
        .packets()?
        .iter()
        .filter(|packet| is_ip(packet))
        .map(|packet| {
            let mut data = packet.data.clone();
            data.resize(data.len().max(wire::craft::LEAST_FRAME), 0);
            Packet::new(packet.time, data)
        });
    Ok(Capture::new(padded.collect()).starting_at(START))
}

fn record_unreachable() -> Result<Capture> {
    let cable = Cable::new()?;
    let mut recorder = cable.record()?;
    let (client, server) = cable.udp()?;
    let addr = server.local_addr()?;
    drop(server);
    client.send_to(b"anyone?", addr)?;
    recorder.wait_for(SOON, |packets| {
        packets.iter().filter(|packet| is_ip(packet)).count() == 2
    })?;
    let packets = recorder.stop()?.packets.into_iter().filter(is_ip).collect();
    Ok(Capture::new(packets).starting_at(START))
}

fn craft_ip_options() -> Result<Capture> {
    let (client, server) = (
        SocketAddr::from(([10, 0, 0, 1], CLIENT_PORT)),
        SocketAddr::from(([10, 0, 0, 2], 7)),
    );
    // RFC 791 §3.1: record route is 7, its length, a pointer, and room for addresses.
    let route = [7, 7, 4, 0, 0, 0, 0, 0];
    let mut full = vec![7, 39, 4];
    full.resize(40, 0);
    let syn = Segment::new(Flags::SYN).seq(1_000);
    let frames = [
        Frame::udp(client, server, b"recorded route").ip_options(route),
        Frame::tcp(client, server, syn).ip_options([1; 4]),
        Frame::udp(client, server, b"full").ip_options(full),
    ];
    let mut packets = Vec::new();
    for (index, frame) in (0..).zip(frames) {
        packets.push(Packet::new(
            START + Duration::from_millis(index),
            frame.bytes()?,
        ));
    }
    Ok(Capture::new(packets))
}

// ---- chapter 3

fn record_handshake(folder: &mut Folder) -> Result<()> {
    folder.add(
        "three-packet-close",
        "recorded",
        "Open, data both ways, close. The server closes as soon as it has read the end of the stream, so its kernel \
         sends the acknowledgment and the FIN in one segment.",
        record_hello()?,
    )?;
    folder.add(
        "four-packet-close",
        "recorded",
        "The same, but the server has its kernel acknowledge the client's FIN at once (TCP_QUICKACK) and closes later.",
        record_four_packet_close()?,
    )?;
    folder.add(
        "refused",
        "recorded",
        "A connection to a port that is bound and does not listen: SYN, then RST,ACK with sequence number 0.",
        record_refused()?,
    )?;
    folder.add(
        "client-reset",
        "recorded",
        "The client aborts after it has sent data (SO_LINGER with a time of 0).",
        record_client_reset()?,
    )?;
    folder.add(
        "unread-data-reset",
        "recorded",
        "The server closes while data it has not read is waiting: its kernel sends RST instead of FIN.",
        record_unread_data_reset()?,
    )?;
    folder.add(
        "half-close",
        "recorded",
        "The client sends a request and shuts its sending side down; the server answers in two segments, and closes.",
        record_half_close()?,
    )?;
    folder.add(
        "interleaved",
        "recorded",
        "Three connections between the same hosts, their segments mixed: one closed by the client, one by the server, \
         one still open at the end; and one that is refused.",
        record_interleaved()?,
    )?;
    folder.add(
        "under-way",
        "recorded",
        "The capture begins after the connection was opened: data both ways, close.",
        record_under_way()?,
    )?;
    folder.add(
        "retransmitted-syn",
        "recorded",
        "The server's backlog is full, so the client's SYN is dropped. After a second it is sent again, and answered.",
        record_retransmitted_syn()?,
    )?;
    folder.add(
        "simultaneous-open",
        "recorded",
        "Both hosts connect to each other, and neither listens. ARP answers were withheld until both SYNs were waiting, \
         so they cross.",
        record_simultaneous_open()?,
    )?;
    folder.add(
        "connects-to-itself",
        "recorded",
        "A socket bound to 127.0.0.1:40000 that connects to 127.0.0.1:40000, on the loopback interface: a simultaneous \
         open with oneself. Both ends have one address, so no reader of the capture can tell them apart.",
        record_connects_to_itself()?,
    )?;
    folder.add(
        "half-open-data",
        "recorded",
        "The server's host loses the connection while its cable is pulled (RFC 9293 §3.5.1). The client sends data into \
         the half-open connection; the answer is RST with the sequence number the client's acknowledgment named.",
        record_half_open_data()?,
    )?;
    folder.add(
        "half-open-reconnect",
        "recorded",
        "The client's host loses the connection and connects anew from the same port. The server, still established, \
         answers the SYN with the acknowledgment it would send anyway (RFC 5961 §4), the client resets it, and the \
         second SYN opens (RFC 9293 §3.5.1, figure 9).",
        record_half_open_reconnect()?,
    )
}

fn record_four_packet_close() -> Result<Capture> {
    let cable = Cable::new()?;
    let mut recorder = cable.record()?;
    let (mut client, mut server) = cable.open(CLIENT_PORT)?;
    talk(&mut client, &mut server, b"hello")?;
    client.shutdown(Shutdown::Write)?;
    ensure!(
        server.read(&mut [0])? == 0,
        "the server read something after the client's last byte"
    );
    // Set earlier, it would have worn off by now (tcp(7)).
    let server = Socket::from(server);
    server.set_tcp_quickack(true)?;
    let is_acknowledged = |segments: &[Segment]| {
        segments
            .iter()
            .position(is_fin)
            .is_some_and(|fin| segments.len() > fin + 1)
    };
    wait_for(&mut recorder, &is_acknowledged)?;
    drop(server);
    ensure!(
        client.read(&mut [0])? == 0,
        "the client read something after the server's last byte"
    );
    drop(client);
    finish(&mut recorder, &closed)
}

fn record_refused() -> Result<Capture> {
    let cable = Cable::new()?;
    let mut recorder = cable.record()?;
    let _bound = cable.server_socket()?;
    let client = cable.client_socket(CLIENT_PORT)?;
    ensure!(
        client.connect(&cable.server_addr().into()).is_err(),
        "a port that does not listen accepted"
    );
    finish(&mut recorder, &|segments| segments.len() == 2)
}

fn record_client_reset() -> Result<Capture> {
    let cable = Cable::new()?;
    let mut recorder = cable.record()?;
    let (mut client, mut server) = cable.open(CLIENT_PORT)?;
    talk(&mut client, &mut server, b"hello")?;
    abort(client)?;
    finish(&mut recorder, &reset)
}

fn record_unread_data_reset() -> Result<Capture> {
    let cable = Cable::new()?;
    let mut recorder = cable.record()?;
    let (mut client, server) = cable.open(CLIENT_PORT)?;
    client.write_all(b"hello")?;
    // Acknowledged, so it is in the server's receive buffer.
    wait_for(&mut recorder, &|segments| segments.len() == 5)?;
    drop(server);
    finish(&mut recorder, &reset)
}

fn record_half_close() -> Result<Capture> {
    let cable = Cable::new()?;
    let mut recorder = cable.record()?;
    let (mut client, mut server) = cable.open(CLIENT_PORT)?;
    talk(&mut client, &mut server, b"request")?;
    client.shutdown(Shutdown::Write)?;
    ensure!(
        server.read(&mut [0])? == 0,
        "the server read something after the client's last byte"
    );
    for part in [&b"first half, "[..], b"second half"] {
        talk(&mut server, &mut client, part)?;
    }
    drop(server);
    ensure!(
        client.read(&mut [0])? == 0,
        "the client read something after the server's last byte"
    );
    drop(client);
    finish(&mut recorder, &closed)
}

fn record_interleaved() -> Result<Capture> {
    let cable = Cable::new()?;
    let mut recorder = cable.record()?;
    let listener = cable.server_socket()?;
    listener.listen(4)?;
    let open = |port| -> Result<(TcpStream, TcpStream)> {
        let client = cable.client_socket(port)?;
        client.connect(&cable.server_addr().into())?;
        Ok((TcpStream::from(client), accept(&listener)?))
    };
    let mut first = open(CLIENT_PORT)?;
    let mut second = open(CLIENT_PORT + 1)?;
    talk(&mut first.0, &mut first.1, b"one")?;
    let mut third = open(CLIENT_PORT + 2)?;
    talk(&mut second.0, &mut second.1, b"two")?;
    talk(&mut third.1, &mut third.0, b"three")?;
    let stranger = cable.client_socket(CLIENT_PORT + 3)?;
    let nobody = SocketAddr::from((cable.veth.server.address, SERVER_PORT + 1));
    ensure!(
        stranger.connect(&nobody.into()).is_err(),
        "a port where nobody is accepted"
    );
    talk(&mut first.1, &mut first.0, b"one")?;
    close_in_turn(first.0, first.1)?;
    talk(&mut second.1, &mut second.0, b"two")?;
    close_in_turn(second.1, second.0)?;
    talk(&mut third.0, &mut third.1, b"three")?;
    // Both closes have ended, and the last data has been acknowledged.
    finish(&mut recorder, &|segments| {
        segments.iter().filter(|segment| is_fin(segment)).count() == 4 && is_quiet(segments)
    })
}

fn record_under_way() -> Result<Capture> {
    let cable = Cable::new()?;
    let mut before = cable.record()?;
    let (mut client, mut server) = cable.open(CLIENT_PORT)?;
    talk(&mut client, &mut server, b"before")?;
    wait_for(&mut before, &|segments| segments.len() == 5)?;
    let mut recorder = cable.record()?;
    talk(&mut client, &mut server, b"hello")?;
    talk(&mut server, &mut client, b"hello")?;
    close_in_turn(client, server)?;
    finish(&mut recorder, &closed)
}

fn record_retransmitted_syn() -> Result<Capture> {
    let cable = Cable::new()?;
    let listener = cable.server_socket()?;
    // A backlog of 0 lets one connection wait; the next SYN finds it full and is dropped.
    listener.listen(0)?;
    let waiting = cable.client_socket(CLIENT_PORT)?;
    waiting.connect(&cable.server_addr().into())?;
    let mut recorder = cable.record()?;
    let client = cable.client_socket(CLIENT_PORT + 1)?;
    start_connecting(&client, cable.server_addr())?;
    wait_for(&mut recorder, &|segments| segments.len() == 1)?;
    let _first = accept(&listener)?;
    let server = wait_until("the second connection", || accept(&listener).ok())?;
    client.set_nonblocking(false)?;
    close_in_turn(TcpStream::from(client), server)?;
    finish(&mut recorder, &closed)
}

fn record_simultaneous_open() -> Result<Capture> {
    let cable = Cable::new()?;
    let (client, server) = (cable.client_socket(CLIENT_PORT)?, cable.server_socket()?);
    for host in [&cable.veth.client, &cable.veth.server] {
        host.answer_arp(Answer::No)?;
    }
    let mut recorder = cable.record()?;
    start_connecting(&client, cable.server_addr())?;
    start_connecting(&server, cable.client_addr(CLIENT_PORT))?;
    // Both have asked who the other is: both SYNs wait for the answer.
    recorder.wait_for(SOON, |packets| {
        let asked = |mac| {
            packets.iter().any(|packet| {
                read::frame(&packet.data)
                    .ethernet
                    .is_some_and(|e| e.source == mac)
            })
        };
        asked(cable.veth.client.mac) && asked(cable.veth.server.mac)
    })?;
    for host in [&cable.veth.client, &cable.veth.server] {
        host.answer_arp(Answer::Yes)?;
    }
    for socket in [&client, &server] {
        wait_until("the connection", || socket.peer_addr().ok())?;
        socket.set_nonblocking(false)?;
    }
    let (mut client, mut server) = (TcpStream::from(client), TcpStream::from(server));
    talk(&mut client, &mut server, b"hello")?;
    close_in_turn(client, server)?;
    let capture = finish(&mut recorder, &closed)?;
    let syns: Vec<_> = segments(&capture.packets)
        .iter()
        .take(2)
        .map(|segment| segment.flags)
        .collect();
    ensure!(
        syns == [Flags::SYN, Flags::SYN],
        "the SYNs did not cross: {syns:?}; run it again"
    );
    Ok(capture)
}

fn record_connects_to_itself() -> Result<Capture> {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, CLIENT_PORT));
    let mut recorder = Recorder::start("lo")?;
    let socket = tcp(addr)?;
    socket.connect(&addr.into())?;
    let mut stream = TcpStream::from(socket);
    stream.write_all(b"hello")?;
    read_exactly(&mut stream, b"hello")?;
    wait_for(&mut recorder, &is_quiet)?;
    drop(stream);
    finish(&mut recorder, &|segments| {
        segments.iter().any(is_fin) && is_quiet(segments)
    })
}

fn record_half_open_data() -> Result<Capture> {
    let cable = Cable::new()?;
    let mut recorder = cable.record()?;
    let (mut client, mut server) = cable.open(CLIENT_PORT)?;
    talk(&mut client, &mut server, b"hello")?;
    wait_for(&mut recorder, &|segments| segments.len() == 5)?;
    cable.veth.server.disconnect()?;
    abort(server)?;
    cable.veth.server.reconnect()?;
    client.write_all(b"anyone there?")?;
    finish(&mut recorder, &reset)
}

fn record_half_open_reconnect() -> Result<Capture> {
    let cable = Cable::new()?;
    // On the server's side: the client's interface goes down.
    let mut recorder = cable
        .veth
        .server
        .within(|| Recorder::start(cable.veth.server.interface()))??;
    let listener = cable.server_socket()?;
    listener.listen(4)?;
    let client = cable.client_socket(CLIENT_PORT)?;
    client.connect(&cable.server_addr().into())?;
    let (mut client, mut server) = (TcpStream::from(client), accept(&listener)?);
    talk(&mut client, &mut server, b"hello")?;
    wait_for(&mut recorder, &|segments| segments.len() == 5)?;
    cable.veth.client.disconnect()?;
    abort(client)?;
    cable.veth.client.reconnect()?;
    let client = cable.client_socket(CLIENT_PORT)?;
    client.connect(&cable.server_addr().into())?;
    let mut fresh = accept(&listener)?;
    let mut client = TcpStream::from(client);
    talk(&mut client, &mut fresh, b"again")?;
    finish(&mut recorder, &|segments| {
        segments.last().is_some_and(|last| last.flags == Flags::ACK) && is_quiet(segments)
    })
}

fn craft_handshake(folder: &mut Folder) -> Result<()> {
    let addr = |host: u8, port| SocketAddr::from(([10, 0, 0, host], port));
    let connection =
        |talk: &Conversation| talk.connection(addr(1, CLIENT_PORT), addr(2, SERVER_PORT));

    let talk = Conversation::new();
    let (client, server) = connection(&talk);
    client.open(&server);
    client.data(b"hello");
    server.ack();
    talk.crossing(|| {
        client.fin();
        server.fin();
    });
    talk.crossing(|| {
        client.ack();
        server.ack();
    });
    folder.add(
        "simultaneous-close",
        "crafted",
        "Both ends send a FIN before either has seen the other's.",
        talk.capture()?,
    )?;

    let talk = Conversation::new();
    let (client, server) = connection(&talk);
    client.open(&server);
    client.data(b"one ");
    server.ack();
    let late = client.hold(b"two ");
    client.data(b"three ");
    server.ack();
    client.release(late);
    server.ack();
    let lost = talk.lost(|| client.data(b"four"));
    talk.wait(Duration::from_millis(200));
    client.retransmit(&lost);
    server.ack();
    let fin = talk.lost(|| client.fin());
    talk.wait(Duration::from_millis(200));
    client.retransmit(&fin);
    server.fin();
    client.ack();
    folder.add(
        "retransmissions",
        "crafted",
        "One data segment overtakes another, one is lost and sent again, and so is the client's FIN.",
        talk.capture()?,
    )?;

    let talk = Conversation::new();
    let (client, _server) = connection(&talk);
    let syn = talk.lost(|| client.syn());
    for seconds in [1, 2, 4] {
        talk.wait(Duration::from_secs(seconds));
        talk.lost(|| client.retransmit(&syn));
    }
    folder.add(
        "unanswered",
        "crafted",
        "Nobody is there: the SYN four times, and no answer.",
        talk.capture()?,
    )?;

    let talk = Conversation::new();
    let (client, server) = connection(&talk);
    client.initial(u32::MAX - 2);
    server.initial(u32::MAX);
    client.open(&server);
    client.data(b"hello");
    server.data(b"hello");
    client.fin();
    server.fin();
    client.ack();
    folder.add(
        "sequence-wraps",
        "crafted",
        "Both ends' sequence numbers pass 4,294,967,295 and go on at 0.",
        talk.capture()?,
    )
}

// ---- what the recordings share

/// Two hosts, fresh for each recording.
struct Cable {
    veth: Veth,
}

impl Cable {
    fn new() -> Result<Cable> {
        Ok(Cable {
            veth: Veth::new().context("connecting two hosts by a veth pair")?,
        })
    }

    /// As the client's interface sees it.
    fn record(&self) -> Result<Recorder> {
        Ok(self
            .veth
            .client
            .within(|| Recorder::start(self.veth.client.interface()))??)
    }

    fn server_addr(&self) -> SocketAddr {
        SocketAddr::from((self.veth.server.address, SERVER_PORT))
    }

    fn client_addr(&self, port: u16) -> SocketAddr {
        SocketAddr::from((self.veth.client.address, port))
    }

    fn server_socket(&self) -> Result<Socket> {
        self.veth.server.within(|| tcp(self.server_addr()))?
    }

    fn client_socket(&self, port: u16) -> Result<Socket> {
        self.veth.client.within(|| tcp(self.client_addr(port)))?
    }

    /// An open connection; the client's end first.
    fn open(&self, port: u16) -> Result<(TcpStream, TcpStream)> {
        let listener = self.server_socket()?;
        listener.listen(1)?;
        let client = self.client_socket(port)?;
        client.connect(&self.server_addr().into())?;
        Ok((TcpStream::from(client), accept(&listener)?))
    }

    fn udp(&self) -> Result<(UdpSocket, UdpSocket)> {
        let client = self
            .veth
            .client
            .within(|| UdpSocket::bind(self.client_addr(CLIENT_PORT)))??;
        let server = self
            .veth
            .server
            .within(|| UdpSocket::bind(self.server_addr()))??;
        server.set_read_timeout(Some(SOON))?;
        Ok((client, server))
    }
}

fn tcp(addr: SocketAddr) -> Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket
        .bind(&addr.into())
        .with_context(|| format!("binding to {addr}"))?;
    socket.set_read_timeout(Some(SOON))?;
    socket.set_write_timeout(Some(SOON))?;
    Ok(socket)
}

fn accept(listener: &Socket) -> Result<TcpStream> {
    let (server, _) = listener.accept().context("accepting")?;
    server.set_read_timeout(Some(SOON))?;
    Ok(server.into())
}

fn start_connecting(socket: &Socket, to: SocketAddr) -> Result<()> {
    socket.set_nonblocking(true)?;
    // Not blocking, it cannot have succeeded yet: the error says that it has begun.
    match socket.connect(&to.into()) {
        Err(error) if error.raw_os_error() == Some(115) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(()) => bail!("connected to {to} at once"),
    }
}

fn wait_until<T>(what: &str, ready: impl Fn() -> Option<T>) -> Result<T> {
    let started = Instant::now();
    loop {
        match ready() {
            Some(result) => return Ok(result),
            None if started.elapsed() > SOON => bail!("{what} did not come within {SOON:?}"),
            None => thread::yield_now(),
        }
    }
}

/// Sends, and waits until it has been read.
fn talk(from: &mut TcpStream, to: &mut TcpStream, bytes: &[u8]) -> Result<()> {
    from.write_all(bytes)?;
    read_exactly(to, bytes)
}

fn read_exactly(from: &mut TcpStream, bytes: &[u8]) -> Result<()> {
    let mut got = vec![0; bytes.len()];
    from.read_exact(&mut got)?;
    ensure!(got == bytes, "sent {bytes:?}, received {got:?}");
    Ok(())
}

fn answer(server: &UdpSocket, bytes: &[u8]) -> Result<()> {
    let (_, client) = server.recv_from(&mut [0; 100])?;
    server.send_to(bytes, client)?;
    Ok(())
}

/// The first closes, the other reads the end of the stream and closes.
fn close_in_turn(first: TcpStream, mut second: TcpStream) -> Result<()> {
    drop(first);
    ensure!(
        second.read(&mut [0])? == 0,
        "something came after the last byte"
    );
    Ok(())
}

fn abort(stream: TcpStream) -> Result<()> {
    Socket::from(stream).set_linger(Some(Duration::ZERO))?;
    Ok(())
}

fn is_ip(packet: &Packet) -> bool {
    matches!(read::frame(&packet.data).net, Some(Net::V4(_) | Net::V6(_)))
}

fn segments(packets: &[Packet]) -> Vec<Segment> {
    packets
        .iter()
        .filter_map(|packet| Some(read::frame(&packet.data).segment()?.2))
        .collect()
}

fn is_fin(segment: &Segment) -> bool {
    segment.flags.contains(Flags::FIN)
}

/// Everything sent in either direction has been acknowledged; RST ends that.
fn is_quiet(segments: &[Segment]) -> bool {
    segments.iter().enumerate().all(|(index, sent)| {
        let after = sent.seq.wrapping_add(sent.len());
        sent.len() == 0
            || segments[index + 1..].iter().any(|later| {
                later.flags.contains(Flags::RST)
                    || later.flags.contains(Flags::ACK) && later.ack.wrapping_sub(after) < 1 << 20
            })
    })
}

/// Both FINs have been acknowledged.
fn closed(segments: &[Segment]) -> bool {
    segments.iter().filter(|segment| is_fin(segment)).count() >= 2 && is_quiet(segments)
}

fn reset(segments: &[Segment]) -> bool {
    segments
        .last()
        .is_some_and(|last| last.flags.contains(Flags::RST))
}

fn wait_for(recorder: &mut Recorder, wanted: Wanted<'_>) -> Result<()> {
    recorder.wait_for(SOON, |packets| wanted(&segments(packets)))?;
    Ok(())
}

/// The TCP segments of the recording, once they are as wanted.
fn finish(recorder: &mut Recorder, wanted: Wanted<'_>) -> Result<Capture> {
    wait_for(recorder, wanted)?;
    let packets = recorder
        .packets()?
        .iter()
        .filter(|packet| is_ip(packet))
        .cloned()
        .collect();
    Ok(Capture::new(packets).starting_at(START))
}

// ---- files

/// A folder of captures and the page that describes them.
struct Folder {
    path: PathBuf,
    lab: &'static str,
    rows: String,
}

impl Folder {
    fn new(path: PathBuf, lab: &'static str) -> Result<Folder> {
        fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        Ok(Folder {
            path,
            lab,
            rows: String::new(),
        })
    }

    fn add(&mut self, name: &str, how: &str, what: &str, capture: Capture) -> Result<()> {
        ensure!(!capture.packets.is_empty(), "{name}: nothing was recorded");
        let path = self.path.join(format!("{name}.pcap"));
        capture.write(&path)?;
        writeln!(
            self.rows,
            "| `{name}.pcap` | {how} | {} | {what} |",
            capture.packets.len()
        )?;
        println!(
            "{}/{name}.pcap: {} packets",
            self.lab,
            capture.packets.len()
        );
        Ok(())
    }

    fn describe(&self) -> Result<()> {
        let text = format!(
            "# Captures of the lab `{lab}`\n\n\
             Made by `make captures`, which is `cargo run -p wire --example captures` (Linux, no privileges needed). \
             Running it again makes the same captures with other initial sequence numbers, identifications and \
             distances in time.\n\n\
             *Recorded* is traffic between real sockets of a Linux kernel, in network namespaces of its own: two hosts, \
             10.0.0.1 (the client, port 40000 and up) and 10.0.0.2 (the server, port 7), connected by a veth pair and \
             recorded at the client's interface where nothing else is said. Checksums are as the kernel left them: \
             computed on the veth pair, left to the network card (\"offload\") on the loopback interface. *Crafted* was \
             built by `wire::craft`. The first packet of each is at 2026-01-01T00:00:00Z. Neighbour discovery (ARP) was \
             left out where nothing else is said.\n\n\
             | file | how | packets | what |\n|---|---|---|---|\n{rows}",
            lab = self.lab,
            rows = self.rows
        );
        let path = self.path.join("README.md");
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }
}
