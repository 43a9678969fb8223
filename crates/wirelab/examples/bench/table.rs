//! What was measured, beside what is to be reached.

use std::fmt;
use std::time::Duration;

#[derive(Default)]
pub struct Table {
    rows: Vec<[String; 4]>,
}

impl Table {
    pub fn row(&mut self, figure: &str, goal: &str, measured: String, met: bool) {
        let met = if met { "met" } else { "NOT MET" };
        println!("{figure}: {measured} (goal {goal}: {met})");
        self.rows
            .push([figure.into(), goal.into(), measured, met.into()]);
    }

    /// A figure without a goal.
    pub fn only_measured(&mut self, figure: &str, measured: String) {
        println!("{figure}: {measured}");
        self.rows
            .push([figure.into(), "none".into(), measured, String::new()]);
    }

    /// A figure that cannot be had on this machine.
    pub fn unavailable(&mut self, figure: &str, goal: &str, reason: String) {
        println!("{figure}: not measured: {reason}");
        self.rows
            .push([figure.into(), goal.into(), "not measured".into(), reason]);
    }

    /// A figure that was not asked for.
    pub fn left_out(&mut self, figure: &str, goal: &str, flag: &str) {
        self.rows.push([
            figure.into(),
            goal.into(),
            "not measured".into(),
            format!("BENCH={flag}"),
        ]);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let head = ["figure", "goal", "measured", "met"].map(String::from);
        let rows: Vec<&[String; 4]> = std::iter::once(&head).chain(&self.rows).collect();
        let width = |column: usize| {
            rows.iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths = [width(0), width(1), width(2)];
        for row in rows {
            let line = format!(
                "{:<3$}  {:<4$}  {:<5$}",
                row[0], row[1], row[2], widths[0], widths[1], widths[2]
            );
            writeln!(f, "{line}  {}", row[3])?;
        }
        write!(f, "on {cores} cores")
    }
}

/// The middle one.
pub fn median(mut durations: Vec<Duration>) -> Duration {
    durations.sort_unstable();
    durations
        .get(durations.len() / 2)
        .copied()
        .unwrap_or_default()
}

pub fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}
