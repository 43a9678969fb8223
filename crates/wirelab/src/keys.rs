//! The keyboard, key by key.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use crate::terminal::RawMode;

/// A key that means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// q, Esc, Ctrl-C, Ctrl-D.
    Quit,
    /// h, ?
    Hint,
    /// Enter, r.
    Again,
    /// a.
    All,
    /// n.
    Next,
}

/// Reads keys for as long as it lives.
#[derive(Debug)]
pub struct Keyboard {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    // Given back after the thread has ended.
    _raw: RawMode,
}

/// How soon the thread sees that it is to stop.
const PAUSE: Duration = Duration::from_millis(100);

impl Keyboard {
    /// Starts to read; `None` when standard input is no terminal.
    pub fn read(tell: impl Fn(Key) + Send + 'static) -> Option<Keyboard> {
        let raw = RawMode::start()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                match event::poll(PAUSE) {
                    Ok(false) => {}
                    Ok(true) => match event::read() {
                        Ok(event) => {
                            if let Some(key) = meaning(&event) {
                                tell(key);
                            }
                        }
                        Err(_) => return,
                    },
                    Err(_) => return,
                }
            }
        });
        Some(Keyboard {
            stop,
            thread: Some(thread),
            _raw: raw,
        })
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn meaning(event: &Event) -> Option<Key> {
    let Event::Key(key) = event else {
        return None;
    };
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c' | 'd') if control => Some(Key::Quit),
        KeyCode::Char('j' | 'm') if control => Some(Key::Again),
        _ if control => None,
        KeyCode::Char('q') | KeyCode::Esc => Some(Key::Quit),
        KeyCode::Char('h' | '?') => Some(Key::Hint),
        KeyCode::Char('r') | KeyCode::Enter => Some(Key::Again),
        KeyCode::Char('a') => Some(Key::All),
        KeyCode::Char('n') => Some(Key::Next),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::KeyEvent;

    #[test]
    fn ctrl_c_quits_and_c_means_nothing() {
        let key = |code, modifiers| meaning(&Event::Key(KeyEvent::new(code, modifiers)));
        assert_eq!(
            key(KeyCode::Char('c'), KeyModifiers::CONTROL),
            Some(Key::Quit)
        );
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::NONE), None);
        assert_eq!(key(KeyCode::Char('q'), KeyModifiers::NONE), Some(Key::Quit));
        assert_eq!(key(KeyCode::Enter, KeyModifiers::NONE), Some(Key::Again));
        assert_eq!(key(KeyCode::Char('h'), KeyModifiers::CONTROL), None);
    }
}
