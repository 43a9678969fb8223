//! Step 4: the body of a request.
#![expect(unused, reason = "once all of it is written, delete these two lines")]
#![warn(unused_must_use)]
use crate::connection::{Incoming, Trouble};
use crate::message::{Framing, Head};

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
    #[allow(unused_variables, reason = "step 6 looks at it")] head: &Head,
    framing: Framing,
    max: u64,
) -> Result<Option<Vec<u8>>, Trouble> {
    todo!("as many bytes as were announced, if that is not too many")
}
