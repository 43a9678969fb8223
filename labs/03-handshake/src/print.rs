//! Given: what each subcommand prints.
use std::fmt::Write;

use crate::connections::{self, Connection};
use crate::report;
use crate::segment::Segment;
use crate::states;

/// Every segment as it was read, and the number with which its sender goes on.
pub fn segments(segments: &[Segment], relative: bool) -> String {
    let numbers = if relative {
        relative_to_first(segments, &connections::group(segments))
    } else {
        segments.to_vec()
    };
    numbers.iter().fold(String::new(), |mut text, segment| {
        let _ = writeln!(text, "{segment} # next={}", segment.next());
        text
    })
}

/// Every connection with its segments and their places in the list.
pub fn connections(segments: &[Segment], relative: bool) -> String {
    let connections = connections::group(segments);
    let shown = if relative {
        relative_to_first(segments, &connections)
    } else {
        segments.to_vec()
    };
    let mut text = String::new();
    for (number, connection) in connections.iter().enumerate() {
        heading(&mut text, number, connection);
        for &index in &connection.segments {
            let _ = writeln!(text, "{:>6}  {}", index + 1, shown[index]);
        }
    }
    text
}

/// Every connection, segment by segment, with the states of both ends after each.
pub fn states(segments: &[Segment], relative: bool) -> String {
    let connections = connections::group(segments);
    let shown = if relative {
        relative_to_first(segments, &connections)
    } else {
        segments.to_vec()
    };
    let mut text = String::new();
    for (number, connection) in connections.iter().enumerate() {
        heading(&mut text, number, connection);
        let (_, steps) = states::follow(segments, &connections, number);
        for step in steps {
            let arrow = if step.segment.source == connection.ends[0] {
                "-->"
            } else {
                "<--"
            };
            let [first, second] = step.states;
            let what = summary(&shown[step.index]);
            let _ = writeln!(
                text,
                "{:>6}  {first:<12}  {arrow}  {what:<40}  {arrow}  {second}",
                step.index + 1
            );
        }
    }
    text
}

/// Every connection: how it opened, how it closed, who held TIME-WAIT, the states at the end of the list.
pub fn report(segments: &[Segment], _relative: bool) -> String {
    let connections = connections::group(segments);
    let mut text = String::new();
    for (number, connection) in connections.iter().enumerate() {
        heading(&mut text, number, connection);
        let (track, _) = states::follow(segments, &connections, number);
        let opened = report::opened(&track);
        let _ = writeln!(text, "  opened     {opened}");
        let closed = report::closed(&track, opened);
        let by = track.reset_by.filter(|_| closed == report::Closed::Reset);
        let by = by.map_or(String::new(), |addr| format!(", by {addr}"));
        let _ = writeln!(text, "  closed     {closed}{by}");
        let mut held: Vec<String> = report::held_time_wait(&track)
            .iter()
            .map(ToString::to_string)
            .collect();
        // A socket that is connected to itself is both ends.
        held.dedup();
        let held = if held.is_empty() {
            "nobody".to_string()
        } else {
            held.join(" and ")
        };
        let _ = writeln!(text, "  TIME-WAIT  {held}");
        let [first, second] = &track.ends;
        let _ = writeln!(text, "  now        {} {}", first.state, second.state);
    }
    text
}

fn heading(text: &mut String, number: usize, connection: &Connection) {
    let [opener, other] = connection.ends;
    let _ = writeln!(text, "connection {}: {opener} > {other}", number + 1);
}

/// The segment without its addresses.
fn summary(segment: &Segment) -> String {
    let mut text = format!("{} seq={}", segment.flags, segment.seq);
    if segment.flags.ack {
        let _ = write!(text, " ack={}", segment.ack);
    }
    if segment.len > 0 {
        let _ = write!(text, " len={}", segment.len);
    }
    text
}

/// The segments with their numbers counted from each end's SYN, which gets 0. Where an end's SYN is not in the list,
/// its first number is 1, as if the SYN had come just before.
fn relative_to_first(segments: &[Segment], connections: &[Connection]) -> Vec<Segment> {
    let mut shown = segments.to_vec();
    for connection in connections {
        let own = || connection.segments.iter().map(|&index| &segments[index]);
        let base = |addr| {
            let syn = own()
                .find(|segment| segment.source == addr && segment.flags.syn)
                .map(|syn| syn.seq);
            let first = own().find_map(|segment| match segment {
                segment if segment.source == addr => Some(segment.seq),
                segment if segment.flags.ack => Some(segment.ack),
                _ => None,
            });
            syn.or(first.map(|first| first.wrapping_sub(1)))
                .unwrap_or(0)
        };
        let bases = connection.ends.map(base);
        for &index in &connection.segments {
            let segment = &mut shown[index];
            let of = |addr| bases[usize::from(addr != connection.ends[0])];
            segment.seq = segment.seq.wrapping_sub(of(segment.source));
            if segment.flags.ack {
                segment.ack = segment.ack.wrapping_sub(of(segment.destination));
            }
        }
    }
    shown
}
