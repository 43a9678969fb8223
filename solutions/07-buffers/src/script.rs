//! Given: a writer that does what a script says.
use std::io::{self, ErrorKind, Write};

/// A program that calls more often than this does not stop by itself.
const MOST_CALLS: usize = 10_000;

/// One word of a script: what one call of `write` does.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// Takes so many bytes, or all where fewer are offered.
    Take(usize),
    /// Takes nothing and fails.
    Fail(ErrorKind, &'static str),
}

/// A writer that takes each call as its script says, and everything once the script is at its end.
pub struct Scripted {
    acts: std::vec::IntoIter<Act>,
    /// How often it was called.
    pub calls: usize,
    /// All that it took.
    pub taken: Vec<u8>,
}

impl Scripted {
    /// Reads a script: words with commas between them, each a number of bytes, `interrupted`,
    /// `would-block` or `broken-pipe`. An empty script takes everything.
    pub fn parse(text: &str) -> Result<Scripted, String> {
        let act = |word: &str| match word {
            "interrupted" => Ok(Act::Fail(ErrorKind::Interrupted, "interrupted")),
            "would-block" => Ok(Act::Fail(ErrorKind::WouldBlock, "would block")),
            "broken-pipe" => Ok(Act::Fail(ErrorKind::BrokenPipe, "broken pipe")),
            number => number
                .parse()
                .map(Act::Take)
                .map_err(|_| format!("{number} is no word of a script")),
        };
        let words = text.split(',').filter(|word| !word.is_empty());
        let acts: Vec<Act> = words.map(act).collect::<Result<_, _>>()?;
        Ok(Scripted {
            acts: acts.into_iter(),
            calls: 0,
            taken: Vec::new(),
        })
    }
}

impl Write for Scripted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.calls += 1;
        if self.calls > MOST_CALLS {
            eprintln!("error: write was called {MOST_CALLS} times, and the end is not in sight");
            std::process::exit(1);
        }
        let offered = bytes.len();
        match self.acts.next().unwrap_or(Act::Take(usize::MAX)) {
            Act::Take(most) => {
                let n = most.min(offered);
                self.taken.extend_from_slice(&bytes[..n]);
                eprintln!("write of {offered} bytes: took {n}");
                Ok(n)
            }
            Act::Fail(kind, word) => {
                eprintln!("write of {offered} bytes: {word}");
                Err(kind.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
