//! Checks of labs that run in a network of their own.
use testkit::{Check, Need};

use crate::netns::{self, Side};

/// Runs a lab's check once more in a network that has nothing but a loopback interface. There it returns the check
/// that `open` opens; outside `None`, when that run has given its verdict, or where there is no such network, which
/// is said. `test` is the test's path as libtest has it, `module::name`.
///
/// # Panics
/// The check has failed inside.
pub fn own_network(test: &str, open: impl Fn() -> Check) -> Option<Check> {
    let inside = netns::inside(test);
    let check = open();
    match inside {
        Ok(Side::Inside) => {}
        Ok(Side::Outside(finished)) => {
            let transcript = String::from_utf8_lossy(&finished.stderr);
            check.ended_elsewhere(finished.success(), &transcript);
            return None;
        }
        Err(reason) => {
            check.skip(Need::Netns, &reason.to_string());
            return None;
        }
    }
    check.note(
        "entered",
        "a network of its own",
        "nothing but a loopback interface",
    );
    // A sandbox around the program may not stand being in another one. A command line without a subcommand tells:
    // `main`, which is given, ends with 2. (101 is a panic.)
    if !matches!(check.run::<&str>([]).code, Some(2 | 101)) {
        check.skip(
            Need::Netns,
            "the program does not start in a network of its own",
        );
        return None;
    }
    Some(check)
}
