//! Names that a stranger chose.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use crate::fault::BadName;

/// How many bytes a name may have. File systems allow 255; the name of a part is longer than the
/// file's own, and must fit too.
pub const MAX: usize = 200;

/// Step 2. The name as text, if a file of this name may be written into a folder, and is sure to end up
/// in it and nowhere else.
///
/// Refused are, and where more than one holds, the first of these is the reason:
///
/// 1. no bytes: [`BadName::Empty`]
/// 2. more than [`MAX`] bytes: [`BadName::TooLong`]
/// 3. what is no UTF-8: [`BadName::NotUtf8`]
/// 4. one that holds `/`, `\` or `:`, on every system: [`BadName::Separator`], with the first of them
/// 5. one that holds a control character (`char::is_control`): [`BadName::Control`]
/// 6. `.` and `..`: [`BadName::Folder`]
/// 7. one that ends in `.part`, in capital letters too: [`BadName::Part`]
///
/// Everything else is accepted, and is not changed: a dot in front, blanks, `-rf`, `...`, Chinese.
pub fn check(name: &[u8]) -> Result<&str, BadName> {
    todo!("the name as text, or the first reason against it")
}
