//! The system calls that no lab needs and that have been the way out of many a sandbox, or to memory that belongs to no
//! process, so that nobody counts it: what lies in a memfd or a System V segment that is not mapped.

use std::collections::BTreeMap;

use anyhow::Context as _;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

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
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
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
    libc::SYS_semget,
    libc::SYS_setns,
    libc::SYS_shmget,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
];

/// Refused as well where other processes of the machine can be named: a program has no business with any but its own
/// children, and no lab's program ends those by a signal.
const SIGNALS: &[i64] = &[
    libc::SYS_kill,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setattr,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setscheduler,
    libc::SYS_setpriority,
    libc::SYS_tgkill,
    libc::SYS_tkill,
];

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

/// The filter of a program that may have sockets of these families: the instructions as they lie in memory, which is
/// how bubblewrap's `--seccomp` reads them. `alone` says that the program sees no process but its own.
///
/// # Errors
/// There is none for this processor.
pub fn filter(families: &[Family], alone: bool) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // struct sock_filter (linux/filter.h): code, jt, jf, k.
    for instruction in program(families, alone)? {
        bytes.extend(instruction.code.to_ne_bytes());
        bytes.extend([instruction.jt, instruction.jf]);
        bytes.extend(instruction.k.to_ne_bytes());
    }
    Ok(bytes)
}

/// As [`filter`].
pub(crate) fn program(families: &[Family], alone: bool) -> anyhow::Result<BpfProgram> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)
        .context("no system call filter can be made for this processor")?;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    if !alone {
        rules.extend(SIGNALS.iter().map(|call| (*call, Vec::new())));
        // Its own limits it may ask for, as the C library does.
        let others = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, 0)?;
        rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(vec![others])?]);
    }
    // Room on the disk behind a file's end: no limit of files' sizes holds there (fallocate(2)).
    let special = SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, 0)?;
    rules.insert(libc::SYS_fallocate, vec![SeccompRule::new(vec![special])?]);
    let other = |family: &i32| {
        let family = u64::from(family.unsigned_abs());
        SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, family)
    };
    let allowed = families.iter().flat_map(|family| family.numbers());
    let others = allowed.map(other).collect::<Result<Vec<_>, _>>()?;
    let refused = if others.is_empty() {
        Vec::new()
    } else {
        vec![SeccompRule::new(others)?]
    };
    rules.insert(libc::SYS_socket, refused);
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
        SeccompRule::new(vec![set])
    });
    rules.insert(libc::SYS_clone, each.collect::<Result<Vec<_>, _>>()?);
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS.unsigned_abs()),
        arch,
    )?;
    Ok(BpfProgram::try_from(filter)?)
}
