//! Given: a stream whose `read` or `write` does what a script says, call by call.
use std::io::{self, ErrorKind, Read, Write};

/// One word of a script: what one call does.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// Takes or brings at most so many bytes.
    Most(usize),
    /// Is interrupted before it takes or brings any.
    Interrupted,
}

/// What a script says.
pub struct Script(std::vec::IntoIter<Act>);

impl Script {
    /// Reads a script: words with commas between them, each a number of bytes from 1, or `interrupted`.
    pub fn parse(text: &str) -> Result<Script, String> {
        let act = |word: &str| match (word, word.parse()) {
            ("interrupted", _) => Ok(Act::Interrupted),
            (_, Ok(most)) if most > 0 => Ok(Act::Most(most)),
            _ => Err(format!("{word} is no word of a script")),
        };
        let words = text.split(',').filter(|word| !word.is_empty());
        let acts: Vec<Act> = words.map(act).collect::<Result<_, _>>()?;
        Ok(Script(acts.into_iter()))
    }

    /// How many of `offered` bytes this call is to take or bring: all, once the script is at its end.
    fn next(&mut self, offered: usize) -> io::Result<usize> {
        match self.0.next() {
            Some(Act::Most(most)) => Ok(most.min(offered)),
            Some(Act::Interrupted) => Err(ErrorKind::Interrupted.into()),
            None => Ok(offered),
        }
    }
}

/// A stream whose calls do what its script says.
pub struct Scripted<S> {
    script: Script,
    /// Where the bytes go to or come from.
    stream: S,
}

impl<S> Scripted<S> {
    pub fn new(script: Script, stream: S) -> Self {
        Scripted { script, stream }
    }
}

impl<S: Read> Read for Scripted<S> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let n = self.script.next(room.len())?;
        self.stream.read(&mut room[..n])
    }
}

impl<S: Write> Write for Scripted<S> {
    /// Says on standard error what each call was offered, and what it took.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let offered = bytes.len();
        let taken = self.script.next(offered);
        match &taken {
            Ok(n) => eprintln!("write of {offered} bytes: took {n}"),
            Err(_) => eprintln!("write of {offered} bytes: interrupted"),
        }
        let n = taken?;
        self.stream.write_all(&bytes[..n])?;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
