//! Step 6, bonus: what the server can do, and what it has received.
use crate::answer::Site;
use crate::message::{Head, Refusal, Response};
// only:
use crate::message::Payload;
use crate::target;
// end

/// Step 6. The value of the field Allow: the methods that are answered with something else than 405 or
/// 501, separated by `, `.
pub fn allowed(site: &Site) -> &'static str {
    // write: "the methods that this server knows"
    match site.writable {
        true => "GET, HEAD, POST, PUT, DELETE, OPTIONS, TRACE",
        false => "GET, HEAD, OPTIONS, TRACE",
    }
    // end
}

/// Step 6. OPTIONS: status 204 with the field Allow. The target `*` means the server as a whole; any other
/// is a path, of which nothing need exist, but whose [`crate::target::names`] must not be refused with 400.
pub fn options(site: &Site, head: &Head) -> Result<Response, Refusal> {
    // write: "204 and Allow"
    if head.target != "*" {
        match target::names(target::path_of(&head.target)) {
            Err(refusal) if refusal.status == 400 => return Err(refusal),
            _ => {}
        }
    }
    Ok(Response {
        status: 204,
        fields: vec![("Allow", allowed(site).into())],
        payload: Payload::Nothing,
    })
    // end
}

/// Step 6. TRACE: status 200, Content-Type `message/http`, and as body the head as it was received: the
/// request line, and each field as `Name: value`, each with CRLF, and an empty line. Without the fields
/// Authorization, Proxy-Authorization and Cookie, whose values are nobody else's business.
pub fn trace(head: &Head) -> Response {
    // write: "the head as a body"
    const SECRET: [&str; 2] = ["Authorization", "Cookie"];
    let mut text = format!("{} {} {}\r\n", head.method, head.target, head.version);
    for field in &head.fields {
        if !SECRET
            .iter()
            .any(|name| field.name.eq_ignore_ascii_case(name))
        {
            text += &format!("{}: {}\r\n", field.name, field.value);
        }
    }
    text += "\r\n";
    Response {
        status: 200,
        fields: vec![("Content-Type", "message/http".into())],
        payload: Payload::Bytes(text.into_bytes()),
    }
    // end
}
