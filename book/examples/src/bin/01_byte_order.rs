//! Chapter 1: two bytes, and what number they are.

// ANCHOR: main
fn main() {
    let bytes = 80_u16.to_be_bytes();
    println!("port 80 travels as  {bytes:02x?}");
    println!("from_be_bytes       {}", u16::from_be_bytes(bytes));
    println!("from_le_bytes       {}", u16::from_le_bytes(bytes));
    println!("from_ne_bytes       {}", u16::from_ne_bytes(bytes));
}
// ANCHOR_END: main
