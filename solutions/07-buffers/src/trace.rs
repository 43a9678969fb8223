//! Given: how much a path has taken, over time, for buffers of several sizes.
use std::io::{self, ErrorKind, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use socket2::Socket;

use crate::capacity::fill;
use crate::path::{self, Sizes};

/// How often it is looked.
const TICK: Duration = Duration::from_millis(10);
/// How many times.
const TICKS: u32 = 50;
/// The reader does nothing before this tick.
const STALLED_FOR: u32 = 10;
/// What it reads in each tick from then on, in bytes.
const READ_PER_TICK: usize = 24 << 10;

/// What had been written and read at the end of each tick.
struct Series {
    accepted: Vec<u64>,
    read: Vec<u64>,
}

/// For each size a path of our own, one after the other. In each tick the writer writes until the
/// path is full, and the reader reads a little. Prints a table: the milliseconds, the bytes that each
/// path had accepted by then, and the bytes that the last one's reader had read.
pub fn run(sizes: &[usize], chunk: usize, out: &mut impl Write) -> io::Result<()> {
    let all = sizes.iter().map(|size| watch(*size, chunk));
    let all: Vec<Series> = all.collect::<io::Result<_>>()?;
    let names: Vec<String> = sizes.iter().map(usize::to_string).collect();
    writeln!(out, "ms,{},read", names.join(","))?;
    for tick in 0..TICKS as usize {
        write!(out, "{}", tick * TICK.as_millis() as usize)?;
        for series in &all {
            write!(out, ",{}", series.accepted[tick])?;
        }
        let read = all.last().map_or(0, |series| series.read[tick]);
        writeln!(out, ",{read}")?;
    }
    out.flush()
}

fn watch(size: usize, chunk: usize) -> io::Result<Series> {
    let (writer, reader) = path::to_myself(Sizes {
        send: Some(size),
        receive: Some(size),
    })?;
    reader.set_nonblocking(true)?;
    let began = Instant::now();
    let (mut accepted, mut read) = (0, 0);
    let mut series = Series {
        accepted: Vec::new(),
        read: Vec::new(),
    };
    for tick in 0..TICKS {
        if tick >= STALLED_FOR {
            read += read_some(&reader)?;
        }
        accepted += fill(&writer, chunk)?.bytes;
        series.accepted.push(accepted);
        series.read.push(read);
        thread::sleep((TICK * (tick + 1)).saturating_sub(began.elapsed()));
    }
    Ok(series)
}

/// Reads what one tick allows, or what there is.
fn read_some(mut reader: &Socket) -> io::Result<u64> {
    let mut room = [0; READ_PER_TICK];
    let mut total = 0;
    while total < READ_PER_TICK {
        match reader.read(&mut room[total..]) {
            Ok(0) => break,
            Ok(n) => total += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(total as u64)
}
