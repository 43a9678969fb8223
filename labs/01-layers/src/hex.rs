//! Given: bytes as hexadecimal text, and back.

/// The bytes that `text` spells: two digits each. Spaces, line ends and colons between them are
/// skipped.
///
/// # Errors
/// A sentence that names the digit that is none, or says that one is missing.
pub fn decode(text: &str) -> Result<Vec<u8>, String> {
    let mut digits = Vec::new();
    for character in text.chars() {
        if character.is_whitespace() || character == ':' {
            continue;
        }
        match character.to_digit(16) {
            Some(digit) => digits.push(digit as u8),
            None => {
                return Err(format!(
                    "HEX: `{}` is no hexadecimal digit; write bytes like 0800 or 08:00",
                    character.escape_debug()
                ));
            }
        }
    }
    if digits.len() % 2 == 1 {
        return Err(format!(
            "HEX: {} digits are no whole number of bytes; a byte is two digits",
            digits.len()
        ));
    }
    Ok(digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect())
}

/// `bytes` as hexadecimal digits, two each, nothing between them.
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
