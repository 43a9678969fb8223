//! What a program prints: collected by threads, bounded, waited for.
use std::io::Read;
#[cfg(unix)]
use std::sync::TryLockError;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::check::lock;
use crate::wait::TICK;

/// How much of one stream is kept, in bytes; a program that prints more is stopped.
const LIMIT: usize = 8 << 20;

/// How much is read at once, in bytes.
const PIECE: usize = 16 << 10;

/// One output stream of a program.
#[derive(Default)]
pub(crate) struct Output {
    state: Mutex<State>,
    changed: Condvar,
    /// Held by whoever keeps the stream from being collected.
    #[cfg(unix)]
    held: Mutex<()>,
    /// A copy of the pipe, to ask how much is in it.
    #[cfg(target_os = "linux")]
    copy: Option<std::os::fd::OwnedFd>,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    /// How far checks have consumed it.
    read: usize,
    ended: bool,
    flooded: bool,
}

impl Output {
    /// Collects a program's two streams until their ends, in a thread beside it: standard output and standard error.
    pub(crate) fn collect(stdout: impl Pipe, stderr: impl Pipe) -> [Arc<Self>; 2] {
        let pipes: [Box<dyn Pipe>; 2] = [Box::new(stdout), Box::new(stderr)];
        let pipes = pipes.map(|pipe| {
            let output = Output {
                #[cfg(target_os = "linux")]
                copy: pipe.as_fd().try_clone_to_owned().ok(),
                ..Output::default()
            };
            (pipe, Arc::new(output))
        });
        let outputs = pipes.each_ref().map(|(_, output)| output.clone());
        #[cfg(unix)]
        std::thread::spawn(move || collect_all(pipes.into()));
        #[cfg(not(unix))]
        for (mut pipe, output) in pipes {
            std::thread::spawn(move || {
                let mut buffer = [0; PIECE];
                loop {
                    let came = pipe.read(&mut buffer);
                    if !output.keep(&mut lock(&output.state), &buffer, came) {
                        return;
                    }
                }
            });
        }
        outputs
    }

    /// Takes in what lies in the pipe, which is ready; whether more may come. Nothing is taken while somebody holds the
    /// stream: then there is no answer.
    ///
    /// It is read under the lock: whoever holds that knows that each byte is either still in the pipe or already here,
    /// which a proof of a hang needs.
    #[cfg(unix)]
    fn take_in(&self, pipe: &mut dyn Pipe, buffer: &mut [u8]) -> Option<bool> {
        let _turn = match self.held.try_lock() {
            Ok(turn) => turn,
            // A check that has failed while it held the stream shows what comes.
            Err(TryLockError::Poisoned(turn)) => turn.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let mut state = lock(&self.state);
        let came = pipe.read(buffer);
        Some(self.keep(&mut state, buffer, came))
    }

    /// Keeps what came; whether more may come.
    fn keep(&self, state: &mut State, buffer: &[u8], came: std::io::Result<usize>) -> bool {
        let more = match came {
            Ok(n) if n > 0 => {
                let room = LIMIT.saturating_sub(state.bytes.len());
                state.bytes.extend_from_slice(&buffer[..n.min(room)]);
                state.flooded |= n > room;
                true
            }
            _ => {
                state.ended = true;
                false
            }
        };
        self.changed.notify_all();
        more
    }

    /// Waits up to `time` for anything new, then gives what `take` makes of the unread bytes;
    /// `take` says how many it used.
    pub(crate) fn take<T>(
        &self,
        time: Duration,
        take: impl Fn(&[u8], bool) -> Option<(T, usize)>,
    ) -> Option<T> {
        let mut state = lock(&self.state);
        for last in [false, true] {
            let unread = &state.bytes[state.read..];
            if let Some((made, used)) = take(unread, state.ended) {
                state.read += used;
                return Some(made);
            }
            if last || state.ended {
                break;
            }
            state = self
                .changed
                .wait_timeout(state, time)
                .map_or_else(|e| e.into_inner().0, |(state, _)| state);
        }
        None
    }

    /// What has not been consumed.
    pub(crate) fn unread(&self) -> Vec<u8> {
        let state = lock(&self.state);
        state.bytes[state.read..].to_vec()
    }

    /// All that came.
    pub(crate) fn all(&self) -> Vec<u8> {
        lock(&self.state).bytes.clone()
    }

    pub(crate) fn is_flooded(&self) -> bool {
        lock(&self.state).flooded
    }

    /// Waits for the rest of what a program that has ended wrote, up to `time` for the end of the
    /// stream. A grandchild may hold it open for ever: on Linux that is seen, and not waited for.
    pub(crate) fn wait_for_end(&self, time: Duration) {
        let began = Instant::now();
        let mut state = lock(&self.state);
        while !state.ended && began.elapsed() < time {
            #[cfg(target_os = "linux")]
            if self.is_held_open() {
                return;
            }
            state = self
                .changed
                .wait_timeout(state, TICK)
                .map_or_else(|e| e.into_inner().0, |(state, _)| state);
        }
    }

    /// Collects nothing while `act` runs, and lets the pipe hold no more than a page where that can be
    /// (fcntl(2), F_SETPIPE_SZ): who prints on has to wait. `act` can ask how many bytes are in the
    /// pipe, and how many it holds.
    #[cfg(target_os = "linux")]
    pub(crate) fn while_uncollected(&self, act: impl FnOnce(&dyn Fn() -> (usize, usize))) {
        let _held = lock(&self.held);
        let Some(pipe) = &self.copy else { return };
        let size = rustix::pipe::fcntl_setpipe_size(pipe, 4096)
            .or_else(|_| rustix::pipe::fcntl_getpipe_size(pipe))
            .unwrap_or(usize::MAX);
        act(&|| {
            let waiting = rustix::io::ioctl_fionread(pipe).unwrap_or_default();
            (usize::try_from(waiting).unwrap_or(usize::MAX), size)
        });
    }

    /// Whether all that the program wrote has been collected.
    #[cfg(target_os = "linux")]
    pub(crate) fn is_collected(&self) -> bool {
        let _state = lock(&self.state);
        self.copy
            .as_ref()
            .is_none_or(|pipe| !rustix::io::ioctl_fionread(pipe).is_ok_and(|n| n > 0))
    }

    /// Whether nothing is in the pipe and somebody could still write to it: it neither delivers nor
    /// hangs up (poll(2)).
    #[cfg(target_os = "linux")]
    fn is_held_open(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        self.copy.as_ref().is_none_or(|pipe| {
            let mut fds = [PollFd::new(pipe, PollFlags::IN)];
            poll(&mut fds, Some(&Timespec::default())) == Ok(0)
        })
    }

    /// How much of a stream is kept, in words.
    pub(crate) fn limit() -> String {
        format!("{} MiB", LIMIT >> 20)
    }
}

#[cfg(unix)]
pub(crate) trait Pipe: Read + Send + std::os::fd::AsFd + 'static {}
#[cfg(unix)]
impl<P: Read + Send + std::os::fd::AsFd + 'static> Pipe for P {}

#[cfg(not(unix))]
pub(crate) trait Pipe: Read + Send + 'static {}
#[cfg(not(unix))]
impl<P: Read + Send + 'static> Pipe for P {}

/// Collects what comes out of all of these, until none is left.
#[cfg(unix)]
fn collect_all(mut open: Vec<(Box<dyn Pipe>, Arc<Output>)>) {
    use rustix::event::{PollFd, PollFlags, poll};
    let mut buffer = [0; PIECE];
    while !open.is_empty() {
        let fds = open
            .iter()
            .map(|(pipe, _)| PollFd::new(pipe, PollFlags::IN));
        let mut fds: Vec<PollFd<'_>> = fds.collect();
        while let Err(rustix::io::Errno::INTR) = poll(&mut fds, None) {}
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        let (mut ready, mut held) = (ready.into_iter(), false);
        open.retain_mut(|(pipe, output)| {
            if ready.next() == Some(false) {
                return true;
            }
            let more = output.take_in(&mut **pipe, &mut buffer);
            held |= more.is_none();
            more.unwrap_or(true)
        });
        if held {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::{PipeWriter, Write as _, pipe};

    const DEADLINE: Duration = Duration::from_secs(60);

    fn streams() -> ([Arc<Output>; 2], [PipeWriter; 2]) {
        let [(out, into_out), (err, into_err)] = [pipe(), pipe()].map(Result::unwrap);
        (Output::collect(out, err), [into_out, into_err])
    }

    #[test]
    fn each_stream_comes_to_its_own_end() {
        let ([out, err], [mut into_out, mut into_err]) = streams();
        into_out.write_all(b"one").unwrap();
        drop(into_out);
        out.wait_for_end(DEADLINE);
        into_err.write_all(b"two").unwrap();
        drop(into_err);
        err.wait_for_end(DEADLINE);
        assert_eq!([out.all(), err.all()], [b"one", b"two"]);
    }

    #[test]
    fn one_is_collected_while_the_other_is_held() {
        let ([out, err], [mut into_out, mut into_err]) = streams();
        out.while_uncollected(|waiting| {
            into_out.write_all(b"later").unwrap();
            // More than a pipe holds.
            let much = vec![b'.'; 1 << 20];
            into_err.write_all(&much).unwrap();
            drop(into_err);
            err.wait_for_end(DEADLINE);
            assert_eq!(err.all(), much);
            assert_eq!((waiting().0, out.all().len()), (5, 0));
        });
        drop(into_out);
        out.wait_for_end(DEADLINE);
        assert_eq!(out.all(), b"later");
    }

    #[test]
    fn what_was_held_when_a_check_failed_is_collected() {
        let ([out, _err], [mut into_out, _into_err]) = streams();
        let holds = out.clone();
        let failed = std::thread::spawn(move || {
            holds.while_uncollected(|_| std::panic::resume_unwind(Box::new(())));
        });
        assert!(failed.join().is_err());
        into_out.write_all(b"after").unwrap();
        drop(into_out);
        out.wait_for_end(DEADLINE);
        assert_eq!(out.all(), b"after");
    }
}
