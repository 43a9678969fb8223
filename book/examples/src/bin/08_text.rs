//! Chapter 8: text that arrives in two pieces, and two ways to read it.

// ANCHOR: main
fn main() {
    let message = "粘包".as_bytes();
    for at in 0..=message.len() {
        let (first, second) = message.split_at(at);

        let mut by_piece = String::new();
        for piece in [first, second] {
            by_piece += &String::from_utf8_lossy(piece);
        }

        let all = [first, second].concat();
        let as_a_whole = String::from_utf8_lossy(&all);

        println!("{at}: by piece {by_piece}   as a whole {as_a_whole}");
    }
}
// ANCHOR_END: main
