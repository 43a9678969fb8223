//! The system calls that no lab needs and that have been the way out of many a sandbox, or to memory that belongs to no
//! process, so that nobody counts it: what lies in a memfd or a System V segment that is not mapped, locks of a file's
//! bytes, the rules of filters, pages that a pipe holds on to.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, sock_filter,
};

/// What a refused call answers.
const NO_SUCH_CALL: u32 = libc::ENOSYS.unsigned_abs();

/// Refused whatever their arguments are. The answer is ENOSYS, as from a kernel without them: the C library then takes
/// an older call in place of clone3, whose arguments a filter cannot see.
const REFUSED: &[i64] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clone3,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_landlock_add_rule,
    libc::SYS_landlock_create_ruleset,
    libc::SYS_landlock_restrict_self,
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_mq_open,
    libc::SYS_msgget,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_personality,
    libc::SYS_pivot_root,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_seccomp,
    libc::SYS_semget,
    libc::SYS_setns,
    libc::SYS_shmget,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vmsplice,
];

/// Commands of fcntl(2) that no lab needs: locks of a file's bytes, of which a process may have any number, and what has
/// the kernel send a signal, of any kind and to anybody of the same user, when a descriptor is ready.
const FCNTL: &[i32] = &[
    libc::F_SETLK,
    libc::F_SETLKW,
    libc::F_OFD_SETLK,
    libc::F_OFD_SETLKW,
    libc::F_SETOWN,
    F_SETOWN_EX,
    F_SETSIG,
];

/// Those of ioctl(2) that name whom such a signal is for.
const IOCTL: &[i32] = &[FIOSETOWN, SIOCSPGRP];

// The C library's headers have them elsewhere (asm-generic/fcntl.h, asm-generic/sockios.h).
const F_SETSIG: i32 = 10;
const F_SETOWN_EX: i32 = 15;
const FIOSETOWN: i32 = 0x8901;
const SIOCSPGRP: i32 = 0x8902;

/// Protocols of sockets of the Internet's families that a lab needs: the kind of socket's own, and by name. Others have
/// their own bookkeeping, and their own history.
const PROTOCOLS: &[i32] = &[libc::IPPROTO_IP, libc::IPPROTO_TCP, libc::IPPROTO_UDP];

/// The kind of a socket, without the flags beside it (linux/net.h, `SOCK_TYPE_MASK`).
const KIND: u64 = 0xf;

/// Those of AF_NETLINK: addresses and routes, for the C library. By others a process can write to itself, without a
/// bound (netlink(7), NETLINK_USERSOCK).
const NETLINK: &[i32] = &[libc::NETLINK_ROUTE];

/// Refused as well where other processes of the machine can be named: a program has no business with any but its own
/// children.
const OTHERS: &[i64] = &[
    libc::SYS_pidfd_getfd,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setattr,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setscheduler,
    libc::SYS_setpriority,
];

/// Refused as well where a signal could reach them.
const SIGNALS: &[i64] = &[
    libc::SYS_kill,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_tgkill,
    libc::SYS_tkill,
];

/// What changes a file by its path, and where that is not Landlock's business in all of its versions: modes, owners,
/// times, attributes, lengths. What is open already is changed by its descriptor.
const BY_PATH: &[i64] = &[
    libc::SYS_fchmodat,
    libc::SYS_fchownat,
    libc::SYS_lremovexattr,
    libc::SYS_lsetxattr,
    // Its flags lie where no filter sees them.
    libc::SYS_openat2,
    libc::SYS_removexattr,
    libc::SYS_setxattr,
    libc::SYS_truncate,
    // fchmodat2(2), setxattrat(2), removexattrat(2), file_setattr(2), which the C library's headers do not have for
    // every processor: new calls have one number for all.
    452,
    463,
    466,
    469,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_futimesat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utimes,
];

/// Calls that open a file, each with the place of its flags.
const OPEN: &[(i64, u8)] = &[
    (libc::SYS_openat, 2),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_open, 1),
];

/// The machine's other processes, to a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// It sees none.
    Unseen,
    /// It sees them, and its signals reach none of them.
    OutOfReach,
    /// It sees them, and its signals might reach them.
    Near,
}

/// Families of sockets (address_families(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// AF_UNIX.
    Unix,
    /// AF_INET, AF_INET6, and AF_NETLINK, by which the C library asks for addresses.
    Internet,
}

impl Family {
    fn numbers(self) -> &'static [i32] {
        match self {
            Family::Unix => &[libc::AF_UNIX],
            Family::Internet => &[libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK],
        }
    }
}

/// The filter of a program that may have sockets of these families, among such others: the instructions as they lie in
/// memory.
///
/// # Errors
/// There is none for this processor.
pub fn filter(families: &[Family], others: Others) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // struct sock_filter (linux/filter.h): code, jt, jf, k.
    for instruction in program(families, others)? {
        bytes.extend(instruction.code.to_ne_bytes());
        bytes.extend([instruction.jt, instruction.jf]);
        bytes.extend(instruction.k.to_ne_bytes());
    }
    Ok(bytes)
}

/// The filter that [`filter`] made, out of its file.
///
/// # Errors
/// It cannot be read, or is none.
pub(crate) fn read(path: &Path) -> anyhow::Result<BpfProgram> {
    let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let (instructions, rest) = bytes.as_chunks::<8>();
    ensure!(
        rest.is_empty() && !instructions.is_empty(),
        "{} is no filter",
        path.display()
    );
    let instruction = |bytes: &[u8; 8]| {
        let [code_0, code_1, jt, jf, k_0, k_1, k_2, k_3] = *bytes;
        sock_filter {
            code: u16::from_ne_bytes([code_0, code_1]),
            jt,
            jf,
            k: u32::from_ne_bytes([k_0, k_1, k_2, k_3]),
        }
    };
    Ok(instructions.iter().map(instruction).collect())
}

/// As [`filter`].
pub(crate) fn program(families: &[Family], others: Others) -> anyhow::Result<BpfProgram> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)
        .context("no system call filter can be made for this processor")?;
    let mut refused = REFUSED.to_vec();
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    if others == Others::Near {
        refused.extend(SIGNALS);
    }
    if others != Others::Unseen {
        refused.extend(OTHERS);
        // Its own limits it may ask for, as the C library does.
        rules.insert(libc::SYS_prlimit64, vec![rule(is_none_of(0, &[0])?)?]);
    }
    // Room on the disk behind a file's end: no limit of files' sizes holds there (fallocate(2)).
    rules.insert(libc::SYS_fallocate, vec![rule(is_none_of(1, &[0])?)?]);
    for (call, argument, values) in [
        (libc::SYS_fcntl, 1, FCNTL),
        (libc::SYS_ioctl, 1, IOCTL),
        // A filter of its own (PR_SET_SECCOMP(2const)).
        (libc::SYS_prctl, 0, &[libc::PR_SET_SECCOMP]),
    ] {
        let each = values.iter().map(|value| rule([is(argument, *value)?]));
        rules.insert(call, each.collect::<anyhow::Result<_>>()?);
    }
    let allowed: Vec<i32> = families
        .iter()
        .flat_map(|family| family.numbers())
        .copied()
        .collect();
    if allowed.is_empty() {
        refused.push(libc::SYS_socket);
    } else {
        if !families.contains(&Family::Unix) {
            // One that is not connected for good sends to any socket of the machine that has a path. (For a raw one
            // the kernel takes the other.)
            let open = [libc::SOCK_DGRAM, libc::SOCK_RAW];
            let each = open.map(|kind| rule([compare(1, SeccompCmpOp::MaskedEq(KIND), kind)?]));
            let each = each.into_iter().collect::<anyhow::Result<_>>()?;
            rules.insert(libc::SYS_socketpair, each);
        }
        let mut of_socket = vec![rule(is_none_of(0, &allowed)?)?];
        for (family, protocols) in [
            (libc::AF_INET, PROTOCOLS),
            (libc::AF_INET6, PROTOCOLS),
            (libc::AF_NETLINK, NETLINK),
        ] {
            let other = is_none_of(2, protocols)?;
            of_socket.push(rule([is(0, family)?].into_iter().chain(other))?);
        }
        // Whoever is root in a network of its own may have raw ones.
        for family in [libc::AF_INET, libc::AF_INET6] {
            let raw = compare(1, SeccompCmpOp::MaskedEq(KIND), libc::SOCK_RAW)?;
            of_socket.push(rule([is(0, family)?, raw])?);
        }
        rules.insert(libc::SYS_socket, of_socket);
    }
    // Every kind of namespace of one's own (clone(2)).
    let namespaces = [
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWCGROUP,
    ];
    let each = namespaces.iter().map(|flag| {
        let flag = u64::from(flag.unsigned_abs());
        let set = SeccompCondition::new(
            0,
            SeccompCmpArgLen::Qword,
            SeccompCmpOp::MaskedEq(flag),
            flag,
        )?;
        rule([set])
    });
    rules.insert(libc::SYS_clone, each.collect::<anyhow::Result<_>>()?);
    let ruled: Vec<i64> = rules.keys().copied().collect();
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(NO_SUCH_CALL),
        arch,
    )?;
    sorted(BpfProgram::try_from(filter)?, &refused, &ruled)
}

/// The filter of a program that has the same user as files that are none of its business: it answers EPERM where one of
/// them would be changed by its path.
///
/// # Errors
/// There is none for this processor.
pub(crate) fn by_path() -> anyhow::Result<BpfProgram> {
    // A call without rules is refused whatever its arguments are.
    let refused = BY_PATH.iter().map(|call| (*call, Vec::new()));
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = refused.collect();
    // Without a path it is about a descriptor (futimens(3)).
    let path = SeccompCondition::new(1, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0)?;
    rules.insert(libc::SYS_utimensat, vec![rule([path])?]);
    for (call, flags) in OPEN {
        let masked = |mask: i32, value| {
            let mask = SeccompCmpOp::MaskedEq(u64::from(mask.unsigned_abs()));
            rule([compare(*flags, mask, value)?])
        };
        let opened = vec![
            // Neither for reading nor for writing, but for ioctl(2) (open(2)): Landlock asks for no right then, and
            // modes and times can be changed by such a descriptor.
            masked(libc::O_ACCMODE, libc::O_ACCMODE)?,
            // To be read, and emptied first: before Linux 6.2 Landlock sees the reading alone.
            masked(libc::O_ACCMODE | libc::O_TRUNC, libc::O_TRUNC)?,
        ];
        rules.insert(*call, opened);
    }
    let arch = TargetArch::try_from(std::env::consts::ARCH)
        .context("no system call filter can be made for this processor")?;
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM.unsigned_abs()),
        arch,
    )?;
    Ok(BpfProgram::try_from(filter)?)
}

/// That an argument is this number.
fn is(argument: u8, value: i32) -> anyhow::Result<SeccompCondition> {
    compare(argument, SeccompCmpOp::Eq, value)
}

/// That an argument is none of these numbers.
fn is_none_of(argument: u8, values: &[i32]) -> anyhow::Result<Vec<SeccompCondition>> {
    let each = values.iter();
    each.map(|value| compare(argument, SeccompCmpOp::Ne, *value))
        .collect()
}

fn compare(argument: u8, how: SeccompCmpOp, value: i32) -> anyhow::Result<SeccompCondition> {
    let value = u64::from(value.unsigned_abs());
    Ok(SeccompCondition::new(
        argument,
        SeccompCmpArgLen::Dword,
        how,
        value,
    )?)
}

/// Refuses a call for which all of these hold.
fn rule(all: impl IntoIterator<Item = SeccompCondition>) -> anyhow::Result<SeccompRule> {
    Ok(SeccompRule::new(all.into_iter().collect())?)
}

/// The library's `filter` of the calls that are `ruled`, with a search for a call's number before it: it refuses those
/// of `refused`, and allows those that are in neither.
///
/// The library has a call go past the rules of all others, and makes five instructions of one that has none. The kernel
/// goes through them for each number of a call when it attaches a filter, which it does at each start of a program
/// (bpf(4), seccomp(2)).
fn sorted(filter: BpfProgram, refused: &[i64], ruled: &[i64]) -> anyhow::Result<BpfProgram> {
    /// From here on the numbers are those of x32, a second table of the same calls on x86-64.
    const X32: u32 = 0x4000_0000;
    // The first three are about the processor, whose numbers these are.
    let [load, is_this, kill, rules @ ..] = &filter[..] else {
        bail!("the library made no filter");
    };
    ensure!(
        load.code == LOAD && is_this.code == IF_EQUAL && kill.k == libc::SECCOMP_RET_KILL_PROCESS,
        "the library's filter begins otherwise than is known"
    );
    let mut numbers = BTreeMap::new();
    // What is in both is refused.
    for (calls, found) in [
        (ruled, instruction(GO, 0, 0, 0)),
        (refused, instruction(RETURN, 0, 0, REFUSE)),
    ] {
        for call in calls {
            numbers.insert(u32::try_from(*call)?, found.clone());
        }
    }
    let numbers: Vec<_> = numbers.into_iter().collect();
    let search = search(&numbers)?;
    let mut program = vec![
        load.clone(),
        is_this.clone(),
        kill.clone(),
        // The number of the call is the first word of struct seccomp_data.
        instruction(LOAD, 0, 0, 0),
        instruction(IF_AT_LEAST, 0, 1, X32),
        instruction(RETURN, 0, 0, REFUSE),
    ];
    let end = program.len() + search.len();
    for mut each in search {
        if each.code == GO {
            each.k = u32::try_from(end - program.len() - 1)?;
        }
        program.push(each);
    }
    program.extend_from_slice(rules);
    Ok(program)
}

// The codes of instructions (bpf(4)).
const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const IF_AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
const GO: u16 = (libc::BPF_JMP | libc::BPF_JA) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

const REFUSE: u32 = libc::SECCOMP_RET_ERRNO | NO_SUCH_CALL;

/// A struct sock_filter (linux/filter.h).
fn instruction(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

/// Finds the loaded number among these, which are in order, each with what is done then. Where the rules decide, it goes
/// to behind its own end: by how much is not written yet.
fn search(numbers: &[(u32, sock_filter)]) -> anyhow::Result<BpfProgram> {
    let allow = instruction(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW);
    Ok(match numbers {
        [] => vec![allow],
        [(call, found)] => vec![instruction(IF_EQUAL, 0, 1, *call), found.clone(), allow],
        _ => {
            let (below, from) = numbers.split_at(numbers.len() / 2);
            let below = search(below)?;
            let past = u8::try_from(below.len()).context("there are too many calls")?;
            let mut all = vec![instruction(IF_AT_LEAST, past, 0, from[0].0)];
            all.extend(below);
            all.extend(search(from)?);
            all
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the first instructions, up to the rules, say of a call of this processor's: none where the rules decide.
    fn answer(program: &[sock_filter], arch: u32, call: u32) -> Option<u32> {
        let mut at = 0;
        let mut loaded = 0;
        loop {
            let sock_filter { code, jt, jf, k } = program.get(at)?.clone();
            at += 1;
            let jump = |taken: bool| usize::from(if taken { jt } else { jf });
            match code {
                LOAD => loaded = if k == 0 { call } else { arch },
                IF_EQUAL => at += jump(loaded == k),
                IF_AT_LEAST => at += jump(loaded >= k),
                GO => at += k as usize,
                RETURN => return Some(k),
                code => panic!("{code:#x}"),
            }
        }
    }

    #[test]
    fn each_number_is_refused_or_ruled_or_allowed() {
        for (families, others) in [
            (&[][..], Others::Unseen),
            (&[Family::Internet][..], Others::OutOfReach),
            (&[Family::Internet, Family::Unix][..], Others::Near),
        ] {
            let whole = program(families, others).unwrap();
            // The processor's number stands in the library's first comparison.
            let arch = whole[1].k;
            // The rules begin where they load the number once more.
            let loads = whole.iter().enumerate();
            let mut loads = loads.filter(|(_, each)| each.code == LOAD && each.k == 0);
            let rules = loads.nth(1).map_or(whole.len(), |(at, _)| at);
            let first = &whole[..rules];
            let mut refused = REFUSED.to_vec();
            if others != Others::Unseen {
                refused.extend(OTHERS);
            }
            if others == Others::Near {
                refused.extend(SIGNALS);
            }
            let mut ruled = vec![
                libc::SYS_fallocate,
                libc::SYS_fcntl,
                libc::SYS_ioctl,
                libc::SYS_prctl,
                libc::SYS_clone,
            ];
            if others != Others::Unseen {
                ruled.push(libc::SYS_prlimit64);
            }
            if families.is_empty() {
                refused.push(libc::SYS_socket);
            } else {
                ruled.push(libc::SYS_socket);
                if !families.contains(&Family::Unix) {
                    ruled.push(libc::SYS_socketpair);
                }
            }
            for call in 0..600 {
                let number = i64::from(call);
                let right = match () {
                    () if refused.contains(&number) => Some(REFUSE),
                    () if ruled.contains(&number) => None,
                    () => Some(libc::SECCOMP_RET_ALLOW),
                };
                assert_eq!(answer(first, arch, call), right, "{call}");
            }
            let x32 = answer(first, arch, 0x4000_0000 + 1);
            assert_eq!(x32, Some(REFUSE));
            let other = answer(first, arch ^ 1, 1);
            assert_eq!(other, Some(libc::SECCOMP_RET_KILL_PROCESS));
        }
    }
}
