//! The few system calls that no safe wrapper offers.
#![allow(unsafe_code)]

/// Calls `function` when this process exits normally.
pub(crate) fn at_exit(function: extern "C" fn()) {
    // SAFETY: `function` takes nothing and lives as long as the process.
    unsafe {
        libc::atexit(function);
    }
}

/// Lets the kernel kill the child that `command` starts when the thread that started it ends, so
/// that nothing outlives a check process that was itself killed.
#[cfg(target_os = "linux")]
pub(crate) fn die_with_parent(command: &mut std::process::Command) {
    use std::os::unix::process::CommandExt;
    // SAFETY: the closure makes one async-signal-safe system call and touches no memory.
    unsafe {
        command.pre_exec(|| {
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
                .map_err(std::io::Error::from)
        });
    }
}

/// Lets the program that `command` starts see an error where a file may not grow any more, as on a full
/// disk, and not a signal that ends it (setrlimit(2), RLIMIT_FSIZE).
#[cfg(target_os = "linux")]
pub(crate) fn survive_full_files(command: &mut std::process::Command) {
    use std::os::unix::process::CommandExt;
    // SAFETY: the closure makes one async-signal-safe system call and touches no memory.
    unsafe {
        command.pre_exec(|| match libc::signal(libc::SIGXFSZ, libc::SIG_IGN) {
            libc::SIG_ERR => Err(std::io::Error::last_os_error()),
            _ => Ok(()),
        });
    }
}

/// Bytes written to a socket that the other end's kernel has not acknowledged (tcp(7), SIOCOUTQ).
/// A FIN counts as one.
#[cfg(target_os = "linux")]
pub(crate) fn unacknowledged(socket: impl std::os::fd::AsFd) -> u32 {
    use std::os::fd::AsRawFd;
    let mut bytes: libc::c_int = 0;
    // SAFETY: the descriptor is open for the length of the call, which writes one int.
    let failed = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::TIOCOUTQ, &mut bytes) };
    if failed < 0 { 0 } else { bytes.unsigned_abs() }
}

/// An optimistic guess whether `fd` has a timeout for receiving or sending (socket(7)).
#[cfg(target_os = "linux")]
pub(crate) fn has_timeout(fd: &std::os::fd::OwnedFd) -> bool {
    use rustix::net::sockopt::{Timeout, socket_timeout};
    [Timeout::Recv, Timeout::Send]
        .into_iter()
        .any(|which| !matches!(socket_timeout(fd, which), Ok(None)))
}

/// How many connections wait in the queue of a listening socket, and how many may (tcp(7), TCP_INFO:
/// for a socket that listens these are `tcpi_unacked` and `tcpi_sacked`).
#[cfg(target_os = "linux")]
pub(crate) fn accept_queue(listening: impl std::os::fd::AsFd) -> Option<(u32, u32)> {
    use std::os::fd::AsRawFd;
    // SAFETY: a structure of plain numbers, for which zero is a value.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut size = libc::socklen_t::try_from(size_of::<libc::tcp_info>()).ok()?;
    // SAFETY: the descriptor is open for the length of the call, which writes at most `size` bytes
    // to `info` and the number of them to `size`.
    let failed = unsafe {
        libc::getsockopt(
            listening.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut size,
        )
    };
    (failed == 0).then_some((info.tcpi_unacked, info.tcpi_sacked))
}
