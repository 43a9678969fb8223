//! Given: messages as a line of text, in which every byte can be written.
use std::fmt::Write;

/// What a message looks like: its length in bytes, and the message in quotation marks. Text is shown
/// as it is; `\n`, `\r`, `\t`, `\\`, `\"` and `\xNN` stand for what is not to be seen or is no UTF-8.
pub fn show(message: &[u8]) -> String {
    let mut shown = format!("{} \"", message.len());
    for part in message.utf8_chunks() {
        for c in part.valid().chars() {
            match c {
                '\n' => shown += "\\n",
                '\r' => shown += "\\r",
                '\t' => shown += "\\t",
                '\\' | '"' => shown.extend(['\\', c]),
                c if c.is_control() => {
                    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                        hex(&mut shown, byte);
                    }
                }
                c => shown.push(c),
            }
        }
        for byte in part.invalid() {
            hex(&mut shown, *byte);
        }
    }
    shown + "\""
}

fn hex(shown: &mut String, byte: u8) {
    // Writing to a String cannot fail.
    let _ = write!(shown, "\\x{byte:02x}");
}

/// The message that a line of input stands for: its bytes, with `\n`, `\r`, `\t`, `\\`, `\"` and `\xNN`
/// read as above.
pub fn read(line: &[u8]) -> Result<Vec<u8>, String> {
    let mut message = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'\\' {
            message.push(*byte);
            continue;
        }
        let (byte, used) = match rest {
            [b'n', ..] => (b'\n', 1),
            [b'r', ..] => (b'\r', 1),
            [b't', ..] => (b'\t', 1),
            [byte @ (b'\\' | b'"'), ..] => (*byte, 1),
            [b'x', high, low, ..] => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let value = digit(*high).zip(digit(*low)).map(|(h, l)| h * 16 + l);
                let value = value.and_then(|value| u8::try_from(value).ok());
                (value.ok_or("after \\x come two hexadecimal digits")?, 3)
            }
            _ => return Err("after a backslash comes n, r, t, x, \\ or \"".into()),
        };
        message.push(byte);
        rest = &rest[used..];
    }
    Ok(message)
}
