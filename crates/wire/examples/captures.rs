//! Makes the captures that chapters 1 and 3 are checked with: `cargo run -p wire --example captures`, or
//! `make captures`; an argument names another folder than the repository to put them under. Linux only, and without
//! privileges: it takes itself into a network of its own, where two hosts are connected by a veth pair.
//!
//! Traffic marked *recorded* is the kernel's own. What a kernel does not do on demand is *crafted*. Every capture's
//! first packet gets the same time; distances are as they were.

#[cfg(target_os = "linux")]
#[path = "captures/linux.rs"]
mod linux;

fn main() -> anyhow::Result<()> {
    #[cfg(target_os = "linux")]
    return linux::make();
    #[cfg(not(target_os = "linux"))]
    anyhow::bail!(
        "captures are recorded in a network namespace, which needs Linux; the committed ones serve everywhere"
    )
}
