//! Step 6, bonus: the methods that change what is served.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use crate::answer::Site;
use crate::message::{Head, Refusal, Response};

/// Step 6. PUT: the body becomes the file that the target names. 201 if there was none, 204 if there was
/// one, which is replaced. Nobody ever sees half of it: it is written to a file of its own in the same
/// folder, which then takes the name.
///
/// Refusals: those of `target::names`; 411 without a body that is announced (an empty one may be); 400 for
/// a request with Content-Range; 404 when the folder lies outside of the root; 409 when there is no such
/// folder, and when the target is a folder itself or ends with `/`; 412 as `condition::evaluate` says. When
/// a write fails, what `file::refuse` makes of it, but 500 in place of its 404; nothing is left of it then.
pub fn put(site: &Site, head: &Head, body: Option<&[u8]>) -> Result<Response, Refusal> {
    todo!("create the file, or replace it")
}

/// Step 6. POST to a folder, a target that ends with `/`: the body becomes a new file in it, whose name the
/// server chooses: the first of `1`, `2`, … that is free. 201, and the field Location with its path. The
/// same request twice makes two files.
///
/// Refusals: those of `target::names`; 405, with the Allow of `capability::allowed`, for a target that does
/// not end with `/`; 411 without a body that is announced; 404 for a folder that is not there, or lies
/// outside of the root; when a write fails, as for PUT.
pub fn post(site: &Site, head: &Head, body: Option<&[u8]>) -> Result<Response, Refusal> {
    todo!("a new file in the folder")
}

/// Step 6. DELETE: the file is removed, 204.
///
/// Refusals: those of `target::names`; 404 for what is not there, or lies in a folder outside of the root;
/// 409 for a folder, and for a target that ends with `/`, whatever is there; 412 as `condition::evaluate`
/// says, which comes before the 404 of a file that is not there.
pub fn delete(site: &Site, head: &Head) -> Result<Response, Refusal> {
    todo!("remove the file")
}
