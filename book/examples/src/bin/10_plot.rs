//! Chapter 10: what `make bench BENCH='--path --csv FILE'` measured, as a drawing (`svg FILE`) or as what
//! must hold on every machine (`orders FILE`). Without a file it takes the run of the page.
use std::fmt::Write as _;
use std::process::ExitCode;

/// What a window of 16 blocks of 1024 bytes can bring over a path with a round trip of 100 ms, in
/// kilobytes a second.
const MOST: f64 = 16.0 * 1.024 / 0.1;
/// The columns of the file, behind the loss, with the words and the look that each has in the drawing.
const WAYS: [(&str, &str, &str, &str); 3] = [
    ("tcp", "TCP", "kernel", " stroke-dasharray=\"8 3\""),
    (
        "stop-and-wait",
        "stop-and-wait",
        "client",
        " stroke-dasharray=\"2 3\"",
    ),
    ("window", "a window of 16", "server", ""),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (how, file) = match &words[..] {
        [how] => (how, "book/examples/data/10-path.csv"),
        [how, file] => (how, file.as_str()),
        _ => {
            eprintln!("usage: 10_plot svg|orders [FILE]");
            return ExitCode::from(2);
        }
    };
    let drawn = std::fs::read_to_string(file)
        .map_err(|error| format!("cannot read {file}: {error}"))
        .and_then(|text| Rates::parse(&text))
        .and_then(|rates| match how.as_str() {
            "svg" => Ok(rates.svg()),
            "orders" => Ok(rates.orders()),
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

/// For each loss in percent the rate of each way, in kilobytes a second.
struct Rates(Vec<(f64, [f64; 3])>);

impl Rates {
    fn parse(text: &str) -> Result<Rates, String> {
        let mut lines = text.lines();
        let heading = format!("loss,{}", WAYS.map(|way| way.0).join(","));
        if lines.next() != Some(&heading) {
            return Err(format!("its first line is not {heading}"));
        }
        let row = |line: &str| {
            let numbers: Option<Vec<f64>> = line.split(',').map(|word| word.parse().ok()).collect();
            match numbers.as_deref() {
                Some(&[loss, tcp, wait, window]) => Ok((loss, [tcp, wait, window])),
                _ => Err(format!("{line} is no row")),
            }
        };
        let rows: Vec<_> = lines.map(row).collect::<Result<_, _>>()?;
        if rows.len() < 2 || !rows.is_sorted_by(|one, next| one.0 < next.0) {
            return Err("it wants two rows or more, in the order of their losses".into());
        }
        Ok(Rates(rows))
    }

    /// What holds on every machine, as words that stay the same.
    fn orders(&self) -> String {
        let yes = |holds: bool| if holds { "yes" } else { "no" };
        let mut text = String::new();
        for (loss, [_, wait, window]) in &self.0 {
            let _ = writeln!(
                text,
                "{loss:>3} %: the window is eight times as fast as stop-and-wait: {}   at least half of what it can: {}",
                yes(*window >= 8.0 * wait),
                yes(*window >= MOST / 2.0)
            );
        }
        let (first, last) = (self.0[0].1, self.0[self.0.len() - 1].1);
        let _ = writeln!(
            text,
            "without loss TCP is the fastest: {}",
            yes(first[0] > first[2])
        );
        let _ = writeln!(
            text,
            "loss slows TCP most: {}",
            yes(last[0] / first[0] < last[2] / first[2])
        );
        text
    }

    /// The figure of the page.
    fn svg(&self) -> String {
        const LEFT: f64 = 60.0;
        const RIGHT: f64 = 440.0;
        const TOP: f64 = 44.0;
        const BOTTOM: f64 = 256.0;
        let most = self.0.iter().flat_map(|row| row.1).fold(MOST, f64::max);
        let step = if most > 500.0 { 200.0 } else { 100.0 };
        let top = (most / step).ceil() * step;
        let end = self.0[self.0.len() - 1].0;
        let x = |loss: f64| LEFT + loss / end * (RIGHT - LEFT);
        let y = |rate: f64| BOTTOM - rate / top * (BOTTOM - TOP);
        let mut svg = String::new();
        svg += "<svg class=\"figure\" role=\"img\" aria-labelledby=\"fig-10-path-t fig-10-path-d\" viewBox=\"0 0 460 372\" font-size=\"14\" xmlns=\"http://www.w3.org/2000/svg\">\n";
        svg += "<title id=\"fig-10-path-t\">Kilobytes a second by loss: TCP, stop-and-wait, and a window of 16 blocks over the same path</title>\n";
        svg += "<desc id=\"fig-10-path-d\">A plot. To the right, the packets that are lost, from none to one in ten. Upwards, kilobytes a second. TCP begins highest, falls steeply with the first losses and goes on falling. The window begins at nearly all that 16 blocks in a round trip can be, a line drawn across, and loses about a quarter of it by the right edge, where it is above TCP. Stop-and-wait lies near the bottom all along.</desc>\n";
        for rate in (0..=(top / step) as u32).map(|n| f64::from(n) * step) {
            let at = y(rate);
            let _ = writeln!(
                svg,
                "<line class=\"lane\" x1=\"{LEFT}\" y1=\"{at:.0}\" x2=\"{RIGHT}\" y2=\"{at:.0}\" opacity=\"0.35\"/><text class=\"note\" x=\"{}\" y=\"{:.0}\" text-anchor=\"end\">{rate}</text>",
                LEFT - 6.0,
                at + 5.0
            );
        }
        let most_at = y(MOST);
        let _ = writeln!(
            svg,
            "<line class=\"lane\" x1=\"{LEFT}\" y1=\"{most_at:.0}\" x2=\"{RIGHT}\" y2=\"{most_at:.0}\" stroke-dasharray=\"3 4\"/>"
        );
        for (column, (_, words, class, dashes)) in WAYS.iter().enumerate() {
            let points: Vec<String> = self
                .0
                .iter()
                .map(|row| format!("{:.0},{:.0}", x(row.0), y(row.1[column])))
                .collect();
            let _ = writeln!(
                svg,
                "<polyline class=\"{class}\" fill=\"none\" stroke-width=\"2\"{dashes} points=\"{}\"/>",
                points.join(" ")
            );
            // The names stand below, each beside a piece of its line.
            let at = 318.0 + 18.0 * (column / 2) as f64;
            let from = 40.0 + 175.0 * (column % 2) as f64;
            let _ = writeln!(
                svg,
                "<line class=\"{class}\" stroke-width=\"2\"{dashes} x1=\"{from}\" y1=\"{0}\" x2=\"{1}\" y2=\"{0}\"/><text class=\"label\" x=\"{2}\" y=\"{3}\">{words}</text>",
                at - 5.0,
                from + 30.0,
                from + 38.0,
                at
            );
        }
        let from = 40.0 + 175.0;
        let _ = writeln!(
            svg,
            "<line class=\"lane\" stroke-dasharray=\"3 4\" x1=\"{from}\" y1=\"331\" x2=\"{}\" y2=\"331\"/><text class=\"label\" x=\"{}\" y=\"336\">16 blocks a round trip</text>",
            from + 30.0,
            from + 38.0
        );
        for (loss, _) in &self.0 {
            let _ = writeln!(
                svg,
                "<text class=\"note\" x=\"{:.0}\" y=\"{}\" text-anchor=\"middle\">{loss}</text>",
                x(*loss),
                BOTTOM + 20.0
            );
        }
        svg += "<text class=\"note\" x=\"250\" y=\"22\" text-anchor=\"middle\">kilobytes a second, over a path of 50 ms each way</text>\n";
        svg += "<text class=\"note\" x=\"250\" y=\"296\" text-anchor=\"middle\">percent of the packets lost, on each way</text>\n";
        svg += "<text class=\"note\" x=\"250\" y=\"364\" text-anchor=\"middle\">one run on one machine: yours has other numbers</text>\n";
        svg += "</svg>\n";
        svg
    }
}
