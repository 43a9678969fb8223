//! Ctrl-C, and being told to end.

use std::sync::{Arc, Mutex, PoisonError};

type Listener = Arc<dyn Fn() + Send + Sync>;

static LISTENER: Mutex<Option<Listener>> = Mutex::new(None);

/// The exit code of a program that was interrupted: 128 and the number of SIGINT.
pub const EXIT_CODE: u8 = 130;

/// Calls `listener` on the first Ctrl-C (or SIGTERM, SIGHUP); on the next one the process ends at
/// once.
///
/// # Errors
/// When the system refuses a handler.
pub fn listen(listener: impl Fn() + Send + Sync + 'static) -> anyhow::Result<()> {
    let mut current = LISTENER.lock().unwrap_or_else(PoisonError::into_inner);
    let first = current.is_none();
    *current = Some(Arc::new(listener));
    drop(current);
    if first {
        ctrlc::set_handler(|| {
            let listener = LISTENER
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            match listener {
                Some(listener) => listener(),
                None => std::process::exit(i32::from(EXIT_CODE)),
            }
        })?;
    }
    Ok(())
}
