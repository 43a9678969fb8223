//! A program that behaves as its first argument says, for testkit's own tests.
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::time::Duration;

fn main() {
    let mut args: Vec<String> = std::env::args().collect();
    let own = args.remove(0);
    if own.ends_with("/wirelab-launch") {
        is_a_sandbox(&own, &args);
    }
    match args.first().map(String::as_str) {
        Some("exits") => std::process::exit(3),
        Some("waits") => sleep_for_ever(),
        Some("says") => println!("{}", args[1]),
        Some("floods") => {
            let line = [b'x'; 4096];
            while std::io::stdout().write_all(&line).is_ok() {}
        }
        Some("reads-input") => {
            let mut text = String::new();
            let _ = std::io::stdin().read_to_string(&mut text);
            print!("{text}");
        }
        Some("repeats-lines") => {
            for line in std::io::stdin().lines().map_while(Result::ok) {
                println!("{line}");
            }
        }
        Some("copies") => copies(&args[1]),
        Some("copies-afterwards") => copies_afterwards(&args[1]),
        Some("shows-environment") => {
            for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("WIRELAB")) {
                println!("{name}");
            }
        }
        Some("leaves-a-daemon") => {
            // setsid(1) forks and so leaves the program's process group.
            let me = std::env::current_exe().expect("a path");
            let _ = Command::new("setsid")
                .arg("--fork")
                .arg(me)
                .arg("waits")
                .arg(&args[1])
                .spawn()
                .map(|mut c| c.wait());
            let me = std::env::current_exe().expect("a path");
            let _ = Command::new(me).arg("waits").arg(&args[1]).spawn();
            println!("left");
        }
        Some("answers-the-first-only") => answer_the_first_only(),
        Some("answers-datagrams") => answer_datagrams(args[1].parse().expect("a number")),
        Some(how) => serve(how),
        None => std::process::exit(2),
    }
}

/// Connects its datagram socket to the first who sends, and hears nobody else.
fn answer_the_first_only() {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    println!("listening {}", socket.local_addr().expect("it is bound"));
    let mut room = [0; 100];
    let (n, from) = socket.recv_from(&mut room).expect("a datagram");
    socket.connect(from).expect("an address");
    socket.send(&room[..n]).expect("it is sent");
    let _ = socket.recv(&mut room);
}

/// Sends its standard input to a server and prints what comes back, both at once.
fn copies(addr: &str) {
    let server = TcpStream::connect(addr).expect("a server");
    let mut sending = server.try_clone().expect("a clone");
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut sending);
        let _ = sending.shutdown(std::net::Shutdown::Write);
    });
    let _ = std::io::copy(&mut &server, &mut std::io::stdout());
}

/// The same, one after the other, with buffers that are soon full.
fn copies_afterwards(addr: &str) {
    let addr: std::net::SocketAddr = addr.parse().expect("an address");
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let socket = socket.expect("a socket");
    let _ = socket.set_send_buffer_size(4096);
    let _ = socket.set_recv_buffer_size(4096);
    socket.connect(&addr.into()).expect("a server");
    let mut server: TcpStream = socket.into();
    let _ = std::io::copy(&mut std::io::stdin(), &mut server);
    let _ = server.shutdown(std::net::Shutdown::Write);
    let _ = std::io::copy(&mut server, &mut std::io::stdout());
}

fn sleep_for_ever() -> ! {
    loop {
        std::thread::park();
    }
}

/// Answers each datagram this many times.
fn answer_datagrams(times: usize) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    println!("listening {}", socket.local_addr().expect("an address"));
    let mut room = [0; 4096];
    while let Ok((n, from)) = socket.recv_from(&mut room) {
        for _ in 0..times {
            let _ = socket.send_to(&room[..n], from);
        }
    }
}

fn serve(how: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("listening {}", listener.local_addr().expect("an address"));
    for client in listener.incoming().flatten() {
        if how == "threads" {
            std::thread::spawn(move || converse("echo", client));
            continue;
        }
        converse(how, client);
    }
}

fn converse(how: &str, mut client: TcpStream) {
    let mut buffer = [0; 4096];
    match how {
        "hangs-in-recv" => while client.read(&mut buffer).is_ok_and(|n| n > 0) {},
        "panics" => {
            let _ = client.read(&mut buffer);
            let nothing: Vec<u8> = Vec::new();
            let _ = nothing[buffer[0] as usize];
        }
        "unwritten" => todo!("the reply"),
        "spins" => loop {
            std::hint::spin_loop();
        },
        "leaves-much-behind" => {
            let _ = client.write_all(&[b'x'; 60_000]);
            std::process::exit(0);
        }
        "resets" => {
            let _ = socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO));
        }
        // Slow, but right: none of these may be taken for a hang.
        "sleeps" => echo(&mut client, |_| {
            std::thread::sleep(Duration::from_millis(500))
        }),
        "has-a-timeout" => {
            let _ = client.set_read_timeout(Some(Duration::from_millis(150)));
            for _ in 0..4 {
                let _ = client
                    .peek(&mut [0; 1])
                    .map(|_| std::thread::sleep(Duration::from_millis(150)));
            }
            echo(&mut client, |_| {});
        }
        "waits-for-a-thread" => echo(&mut client, |_| {
            let (give, take) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(500));
                give.send(())
            });
            let _ = take.recv();
        }),
        "polls-without-blocking" => {
            let _ = client.set_nonblocking(true);
            let mut idle = 0;
            while idle < 400 {
                match client.read(&mut buffer) {
                    Ok(0) => return,
                    Ok(n) => {
                        let _ = client.write_all(&buffer[..n]);
                    }
                    Err(_) => {
                        idle += 1;
                        std::thread::sleep(Duration::from_millis(20));
                    }
                }
            }
        }
        _ => echo(&mut client, |_| {}),
    }
}

fn echo(client: &mut TcpStream, before: impl Fn(usize)) {
    let mut buffer = [0; 4096];
    while let Ok(n @ 1..) = client.read(&mut buffer) {
        before(n);
        if client.write_all(&buffer[..n]).is_err() {
            return;
        }
    }
}

/// Two processes around a program, as the launcher has them; the inner one has no turn for a while after the program's end.
fn is_a_sandbox(own: &str, args: &[String]) -> ! {
    let (mut command, pause) = match args {
        [inside, program, args @ ..] if inside == "inside" => {
            let mut command = Command::new(program);
            command.args(args);
            (command, Duration::from_secs(3))
        }
        _ => {
            let mut command = Command::new(own);
            command.arg("inside").args(args);
            (command, Duration::ZERO)
        }
    };
    let mut child = command.spawn().expect("it starts");
    std::thread::sleep(pause);
    let status = child.wait().expect("it ends");
    std::process::exit(status.code().unwrap_or(1));
}
