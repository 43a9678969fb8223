//! Chapter 7: what `buffers trace` printed, as a drawing (`svg FILE`), as a plot for a terminal
//! (`text FILE`), or as what must hold on every machine (`orders FILE`).
use std::fmt::Write as _;
use std::process::ExitCode;

/// Where nobody reads before: the tick at which the reader of `buffers trace` begins.
const READS_FROM_MS: u64 = 100;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [how, file] = &words[..] else {
        eprintln!("usage: 07_plot svg|text|orders FILE");
        return ExitCode::from(2);
    };
    let drawn = std::fs::read_to_string(file)
        .map_err(|error| format!("cannot read {file}: {error}"))
        .and_then(|text| Trace::parse(&text))
        .and_then(|trace| match how.as_str() {
            "svg" => Ok(trace.svg()),
            "text" => Ok(trace.text()),
            "orders" => Ok(trace.orders()),
            _ => Err(format!("there is no way to draw called {how}")),
        });
    match drawn {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// A table of `buffers trace`: one row for each moment.
struct Trace {
    /// The sizes that were asked for, in bytes, smallest first.
    sizes: Vec<u64>,
    rows: Vec<Row>,
}

struct Row {
    ms: u64,
    /// Bytes accepted so far, for each size.
    accepted: Vec<u64>,
    /// Bytes read so far.
    read: u64,
}

impl Trace {
    fn parse(text: &str) -> Result<Trace, String> {
        let mut lines = text.lines();
        let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let ["ms", names @ .., "read"] = &names[..] else {
            return Err("its first line is no heading of buffers trace".into());
        };
        let number = |word: &str| {
            let number = word.parse::<u64>();
            number.map_err(|_| format!("{word} is no number"))
        };
        let sizes: Vec<u64> = names
            .iter()
            .map(|word| number(word))
            .collect::<Result<_, _>>()?;
        let mut rows = Vec::new();
        for line in lines {
            let cells: Vec<u64> = line.split(',').map(number).collect::<Result<_, _>>()?;
            let [ms, accepted @ .., read] = &cells[..] else {
                return Err(format!("{line} is no row"));
            };
            if accepted.len() != sizes.len() {
                return Err(format!(
                    "{line} has another number of columns than the heading"
                ));
            }
            rows.push(Row {
                ms: *ms,
                accepted: accepted.to_vec(),
                read: *read,
            });
        }
        if sizes.is_empty() || !sizes.is_sorted() || rows.len() < 2 {
            return Err("it wants sizes in ascending order, and two rows or more".into());
        }
        Ok(Trace { sizes, rows })
    }

    fn last(&self) -> &Row {
        self.rows.last().expect("parse wants two rows")
    }

    /// The highest value there is.
    fn most(&self) -> u64 {
        let row = |row: &Row| {
            row.accepted
                .iter()
                .copied()
                .max()
                .unwrap_or(0)
                .max(row.read)
        };
        self.rows.iter().map(row).max().unwrap_or(0).max(1)
    }

    /// Time downwards, bytes to the right; a letter for each size, `r` for what was read.
    fn text(&self) -> String {
        const WIDTH: u64 = 64;
        let mut text = String::from("   ms  bytes\n");
        for row in self.rows.iter().step_by(2) {
            let mut line = vec![' '; WIDTH as usize + 1];
            let mut put = |value: u64, mark| line[(value * WIDTH / self.most()) as usize] = mark;
            put(row.read, 'r');
            for (value, mark) in row.accepted.iter().zip('a'..) {
                put(*value, mark);
            }
            let line: String = line.into_iter().collect();
            let _ = writeln!(text, "{:>5}  {}", row.ms, line.trim_end());
        }
        for (size, mark) in self.sizes.iter().zip('a'..) {
            let _ = writeln!(text, "{mark}: accepted, with buffers of {size} bytes");
        }
        let _ = writeln!(text, "r: read by the reader of the last one");
        let _ = writeln!(
            text,
            "from 0 on the left to {} bytes on the right",
            self.most()
        );
        text
    }

    /// What holds on every machine, as words that stay the same.
    fn orders(&self) -> String {
        let yes = |holds: bool| if holds { "yes" } else { "no" };
        let first = &self.rows[0];
        let stalled = self.rows.iter().rfind(|row| row.ms < READS_FROM_MS);
        let stalled = stalled.unwrap_or(first);
        let mut text = String::new();
        for (column, size) in self.sizes.iter().enumerate() {
            let (began, waited) = (first.accepted[column], stalled.accepted[column]);
            let ended = self.last().accepted[column];
            let _ = writeln!(
                text,
                "{size:>7}: that much at once: {}   less than 8 times unread: {}   then on: {}",
                yes(began >= *size),
                yes(waited < 8 * size),
                yes(ended > waited)
            );
        }
        let _ = writeln!(
            text,
            "the larger, the more at once: {}",
            yes(first.accepted.is_sorted()
                && first.accepted[0] < first.accepted[first.accepted.len() - 1])
        );
        text
    }

    /// The figure of the page.
    fn svg(&self) -> String {
        // The frame of the plot within the picture.
        const LEFT: u64 = 56;
        const RIGHT: u64 = 372;
        const TOP: u64 = 36;
        const BOTTOM: u64 = 266;
        // A round number of bytes above all there is.
        let step = 200_000;
        let top = self.most().div_ceil(step) * step;
        let end = self.last().ms;
        let x = |ms: u64| LEFT + ms * (RIGHT - LEFT) / end;
        let y = |bytes: u64| BOTTOM - bytes * (BOTTOM - TOP) / top;
        // A staircase: what had been accepted stays accepted until the next look.
        let stairs = |value: &dyn Fn(&Row) -> u64| {
            let mut points = String::new();
            let mut before = value(&self.rows[0]);
            for row in &self.rows {
                if value(row) != before || row.ms == 0 || row.ms == end {
                    let _ = write!(
                        points,
                        " {},{} {},{}",
                        x(row.ms),
                        y(before),
                        x(row.ms),
                        y(value(row))
                    );
                }
                before = value(row);
            }
            points.trim_start().to_string()
        };
        let mut svg = String::new();
        svg += "<svg class=\"figure\" role=\"img\" aria-labelledby=\"fig-07-accepted-t fig-07-accepted-d\" viewBox=\"-4 0 466 318\" font-size=\"14\" xmlns=\"http://www.w3.org/2000/svg\">\n";
        svg += "<title id=\"fig-07-accepted-t\">Bytes accepted over time, for three sizes of buffers</title>\n";
        svg += "<desc id=\"fig-07-accepted-d\">Three staircases over half a second, for buffers of 16, 64 and 128 KiB, and below them the line of what the reader has read. At the start each staircase jumps: the larger the buffers, the higher. For the first 100 milliseconds nobody reads, and all three are nearly level. Then the reader reads at an even pace, and all three climb with it, in steps that are larger where the buffers are larger. None of them climbs faster than the reader reads.</desc>\n";
        for bytes in (0..=top).step_by(step as usize) {
            let _ = writeln!(
                svg,
                "<line class=\"lane\" x1=\"{LEFT}\" y1=\"{0}\" x2=\"{RIGHT}\" y2=\"{0}\" opacity=\"0.35\"/>",
                y(bytes)
            );
            if bytes % (2 * step) == 0 {
                let _ = writeln!(
                    svg,
                    "<text class=\"note\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{} kB</text>",
                    LEFT - 6,
                    y(bytes) + 5,
                    bytes / 1000
                );
            }
        }
        let start = x(READS_FROM_MS);
        let _ = writeln!(
            svg,
            "<line class=\"lane\" x1=\"{start}\" y1=\"{TOP}\" x2=\"{start}\" y2=\"{BOTTOM}\" stroke-dasharray=\"3 4\"/>"
        );
        let _ = writeln!(
            svg,
            "<text class=\"note\" x=\"{}\" y=\"{}\">the reader begins</text>",
            start + 6,
            TOP + 12
        );
        for column in 0..self.sizes.len() {
            let dashes = ["", " stroke-dasharray=\"8 3\"", " stroke-dasharray=\"2 3\""][column % 3];
            let _ = writeln!(
                svg,
                "<polyline class=\"client\" fill=\"none\"{dashes} points=\"{}\"/>",
                stairs(&|row: &Row| row.accepted[column])
            );
        }
        let _ = writeln!(
            svg,
            "<polyline class=\"server\" fill=\"none\" points=\"{}\"/>",
            stairs(&|row: &Row| row.read)
        );
        // Each label stands where its line ends, and below the one before it.
        let mut labels: Vec<(u64, &str, String)> =
            vec![(y(self.last().read), "server", "read".into())];
        for (column, size) in self.sizes.iter().enumerate() {
            let height = y(self.last().accepted[column]);
            labels.push((height, "client", format!("{} KiB", size / 1024)));
        }
        labels.sort();
        let mut free = 0;
        for (height, class, text) in labels {
            let height = height.max(free);
            free = height + 17;
            let _ = writeln!(
                svg,
                "<text class=\"label {class}\" x=\"{}\" y=\"{}\">{text}</text>",
                RIGHT + 6,
                height + 5
            );
        }
        for ms in (0..=end).step_by(100) {
            let _ = writeln!(
                svg,
                "<text class=\"note\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{ms} ms</text>",
                x(ms),
                BOTTOM + 20
            );
        }
        svg += "<text class=\"note\" x=\"230\" y=\"20\" text-anchor=\"middle\">bytes accepted, by size of both buffers</text>\n";
        svg += "<text class=\"note\" x=\"230\" y=\"310\" text-anchor=\"middle\">one run on one machine: yours has other numbers</text>\n";
        svg += "</svg>\n";
        svg
    }
}
