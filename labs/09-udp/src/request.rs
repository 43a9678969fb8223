//! Given: what a ping sends, and hopes to get back.

/// How many bytes of a request come before the filling.
pub const HEADER: usize = 8;

#[allow(dead_code, reason = "your code calls it")]
// ANCHOR: request
/// A request of `size` bytes: the run and the number, four bytes each, most
/// significant first, and then the filling. It depends on the number, so that
/// most damage to the number shows: its last byte decides the filling.
pub fn request(run: u32, number: u32, size: usize) -> Vec<u8> {
    let mut bytes = [run.to_be_bytes(), number.to_be_bytes()].concat();
    let filling = |place: usize| (place as u32).wrapping_add(number) as u8;
    bytes.extend((HEADER..size).map(filling));
    bytes
}
// ANCHOR_END: request
