//! What became of the requests.
use std::fmt;
// only:
use std::collections::BTreeSet;
// end

/// What a reply is. The first of these that fits decides, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// To a request that was not sent: no reply, and not counted.
    Foreign,
    /// To a request that has had one, in time or late.
    Duplicate,
    /// It came when the time of its request was over.
    Late,
    /// It came in time, after a reply to a later request that had come in time.
    OutOfOrder,
    /// It came in time.
    InOrder,
}

/// Given: in words.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reply::Foreign => "foreign",
            Reply::Duplicate => "duplicate",
            Reply::Late => "late",
            Reply::OutOfOrder => "received, out of order",
            Reply::InOrder => "received",
        })
    }
}

/// The counts. Requests have the numbers 1, 2, 3 … in the order in which they were sent. Add the
/// fields that you need to remember more; all of them begin with their `Default`.
#[derive(Default)]
pub struct Tally {
    /// How many requests were sent so far: with each one, `ping` adds 1.
    pub sent: u32,
    /// Requests that had their reply in time, in whatever order.
    pub received: u32,
    /// Replies that were not the first to their request.
    pub duplicates: u32,
    /// Of those received, how many came out of order.
    pub out_of_order: u32,
    /// Replies that came too late.
    pub late: u32,
    // only:
    /// The numbers that have had a reply.
    replied: BTreeSet<u32>,
    // end
}

impl Tally {
    /// Given: the counts when `sent` requests were sent, and no reply has come yet.
    pub fn of(sent: u32) -> Tally {
        Tally {
            sent,
            ..Tally::default()
        }
    }

    /// Step 4. Counts a reply to the request `number`, and says what it is.
    pub fn reply(&mut self, number: u32, in_time: bool) -> Reply {
        // write: "what this reply is, counted where it belongs"
        // A number is a stranger's word, too: nobody can have answered what was not asked.
        if number == 0 || number > self.sent {
            return Reply::Foreign;
        }
        // `insert` says whether the number is new.
        if !self.replied.insert(number) {
            self.duplicates += 1;
            return Reply::Duplicate;
        }
        if !in_time {
            self.late += 1;
            return Reply::Late;
        }
        self.received += 1;
        // After so many replies a smaller number is behind.
        if number < self.received {
            self.out_of_order += 1;
            return Reply::OutOfOrder;
        }
        Reply::InOrder
        // end
    }

    /// Step 4. How many requests had no reply in time. Those with a late one are among them.
    pub fn lost(&self) -> u32 {
        // write: "the requests without a reply in time"
        self.sent - self.received
        // end
    }
}

/// Given: the line of statistics.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally {
            sent,
            received,
            duplicates,
            out_of_order,
            late,
            ..
        } = self;
        let lost = self.lost();
        write!(
            f,
            "sent {sent}, received {received}, lost {lost}, duplicates {duplicates}, \
             out of order {out_of_order}, late {late}"
        )
    }
}
