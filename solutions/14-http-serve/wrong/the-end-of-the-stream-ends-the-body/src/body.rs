//! Step 4: the body of a request.
use crate::connection::{Incoming, Trouble};
use crate::message::{Framing, Head};
// only:
use crate::chunked;
use crate::message::{Refusal, Version};
// end

/// Step 4. Receives the body that belongs to `head`, and takes it out of `incoming.arrived`; `None` where
/// there is none. The bytes behind it stay: they are the next request.
///
/// Refusals: 413 for a length of more than `max` bytes, before anything of it is received. 400 when the
/// stream ends within the body. 501 for [`Framing::Chunked`].
///
/// Step 6, bonus: a chunked body is received by `chunked::receive`. Before a body is waited for, a client
/// that asks for it gets `HTTP/1.1 100 Continue` and an empty line ([`Incoming::reply`]): one whose HTTP/1.1
/// request has the field `Expect: 100-continue`, and nothing of whose body has arrived. 417 for any other
/// expectation.
pub fn receive(
    incoming: &mut Incoming<'_>,
    head: &Head,
    framing: Framing,
    max: u64,
) -> Result<Option<Vec<u8>>, Trouble> {
    // write: "as many bytes as were announced, if that is not too many"
    if let Framing::Length(length) = framing
        && length > max
    {
        // Refused by what it announces. The client may not even have begun to send it.
        let reason = format!("a body has at most {max} bytes here");
        return Err(Refusal::new(413, reason).into());
    }
    if head.version == Version::Http11 && framing != Framing::None {
        let expected = head.value("Expect");
        if expected.is_some_and(|what| !what.eq_ignore_ascii_case("100-continue")) {
            return Err(Refusal::new(417, "that cannot be expected here").into());
        }
        // A client that has sent some of it does not wait any more.
        if expected.is_some() && incoming.arrived.is_empty() {
            incoming.reply(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
    }
    match framing {
        Framing::None => Ok(None),
        Framing::Chunked => chunked::receive(incoming, max).map(Some),
        Framing::Length(length) => {
            let length = length as usize;
            while incoming.arrived.len() < length {
                if incoming.more()? == 0 {
                    break;
                }
            }
            let length = length.min(incoming.arrived.len());
            Ok(Some(incoming.arrived.drain(..length).collect()))
        }
    }
    // end
}
