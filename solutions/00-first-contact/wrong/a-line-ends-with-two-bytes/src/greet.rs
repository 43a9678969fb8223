//! The greeter: a client sends names, a line each; each is greeted. Step 3.
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;

/// Answers each line `NAME` with `hello NAME`, until the client sends no more.
pub fn converse(mut client: TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    while let Some(name) = next_line(&mut reader)? {
        client.write_all(&[b"hello ", name.as_slice(), b"\n"].concat())?;
    }
    Ok(())
}

/// Step 3. The next whole line without its end, `None` when the client sends no more.
///
/// A line ends with `\n`, which is not part of the name. It may arrive in any number of pieces, so
/// one read is not enough: `BufRead::read_until` reads until it meets the byte you name. An empty
/// line is a line: its name is empty.
fn next_line(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Vec<u8>>> {
    let mut line: Vec<u8> = Vec::new();
    // write: "the next whole line without its end, or None"
    if reader.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    // The last line may lack its end.
    if line.ends_with(b"\n") {
        line.pop();
    }
    if line.ends_with(b"\r") {
        line.pop();
    }
    Ok(Some(line))
    // end
}
