//! Comparing what was printed with what is written.

use std::collections::BTreeMap;

/// The ports that stand for ports which the system chose.
const STAND_INS: std::ops::RangeInclusive<u16> = 40001..=40099;

/// Which stand-in means which port, in one run.
#[derive(Clone, Debug, Default)]
pub struct Names {
    real: BTreeMap<u16, u16>,
    stand_in: BTreeMap<u16, u16>,
}

impl Names {
    fn bind(&mut self, stand_in: u16, real: u16) {
        self.real.insert(stand_in, real);
        self.stand_in.insert(real, stand_in);
    }

    fn next(&self) -> u16 {
        STAND_INS
            .into_iter()
            .find(|port| !self.real.contains_key(port))
            .expect("a transcript shows fewer than 99 ports")
    }

    /// A command's word with real ports.
    pub fn resolve(&self, word: &str) -> String {
        map_numbers(word, |number| self.real.get(&number).copied())
    }

    /// Output with stand-ins.
    pub fn replace(&self, lines: &[String]) -> Vec<String> {
        lines
            .iter()
            .map(|line| map_numbers(line, |number| self.stand_in.get(&number).copied()))
            .collect()
    }

    /// Whether `got` is what `written` promises, learning ports on the way.
    pub fn match_lines(&mut self, written: &[String], got: &[String]) -> Result<(), String> {
        let mut trial = self.clone();
        if trial.match_from(written, got) {
            *self = trial;
            return Ok(());
        }
        // Line by line up to the first difference, for the message.
        let mut trial = self.clone();
        let same = written
            .iter()
            .zip(got)
            .take_while(|(written, got)| trial.match_line(written, got))
            .count();
        let show =
            |line: Option<&String>| line.map_or("(nothing)".to_owned(), |l| format!("{l:?}"));
        Err(format!(
            "  written  {}\n  printed  {}",
            show(written.get(same)),
            show(got.get(same))
        ))
    }

    fn match_from(&mut self, written: &[String], got: &[String]) -> bool {
        let Some((first, rest)) = written.split_first() else {
            return got.is_empty();
        };
        if first == "…" {
            return (0..=got.len()).any(|skipped| {
                let mut trial = self.clone();
                let fits = trial.match_from(rest, &got[skipped..]);
                if fits {
                    *self = trial;
                }
                fits
            });
        }
        got.split_first().is_some_and(|(line, others)| {
            self.match_line(first, line) && self.match_from(rest, others)
        })
    }

    fn match_line(&mut self, written: &str, got: &str) -> bool {
        let mut trial = self.clone();
        let fits = trial.match_tokens(&tokens(written), &tokens(got));
        if fits {
            *self = trial;
        }
        fits
    }

    fn match_tokens(&mut self, written: &[&str], got: &[&str]) -> bool {
        let Some((first, rest)) = written.split_first() else {
            return got.is_empty();
        };
        if *first == "…" {
            return (0..=got.len()).any(|skipped| {
                let mut trial = self.clone();
                let fits = trial.match_tokens(rest, &got[skipped..]);
                if fits {
                    *self = trial;
                }
                fits
            });
        }
        let Some((token, others)) = got.split_first() else {
            return false;
        };
        let fits = match (stand_in(first), token.parse::<u16>()) {
            (Some(name), Ok(port)) => match (self.real.get(&name), self.stand_in.get(&port)) {
                (Some(known), _) => *known == port,
                (None, Some(_)) => false,
                (None, None) => {
                    self.bind(name, port);
                    true
                }
            },
            _ => first == token,
        };
        fits && self.match_tokens(rest, others)
    }
}

/// Gives a stand-in to every port that differs between two runs of one command.
pub fn name_ports(one: &[String], two: &[String], first: &mut Names, second: &mut Names) {
    for (one, two) in one.iter().zip(two) {
        let mut before = String::new();
        for (a, b) in tokens(one).into_iter().zip(tokens(two)) {
            let expected = before.ends_with(':') || before.ends_with("port ");
            before.push_str(a);
            if let (true, Ok(a), Ok(b)) = (expected, a.parse::<u16>(), b.parse::<u16>())
                && a != b
                && a.min(b) >= 1024
                && !first.stand_in.contains_key(&a)
                && !second.stand_in.contains_key(&b)
            {
                let name = first.next();
                first.bind(name, a);
                second.bind(name, b);
            }
        }
    }
}

fn stand_in(token: &str) -> Option<u16> {
    token.parse().ok().filter(|port| STAND_INS.contains(port))
}

/// Whole numbers, and every other character by itself.
fn tokens(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let length = match rest.find(|c: char| !c.is_ascii_digit()) {
            Some(0) => c.len_utf8(),
            Some(digits) => digits,
            None => rest.len(),
        };
        let (token, after) = rest.split_at(length);
        found.push(token);
        rest = after;
    }
    found
}

fn map_numbers(line: &str, map: impl Fn(u16) -> Option<u16>) -> String {
    tokens(line)
        .into_iter()
        .map(|token| match token.parse().ok().and_then(&map) {
            Some(number) => number.to_string(),
            None => token.to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_stand_in_means_one_port_and_no_other() {
        let mut names = Names::default();
        let written = lines("listening 127.0.0.1:40001");
        assert!(
            names
                .match_lines(&written, &lines("listening 127.0.0.1:53117"))
                .is_ok()
        );
        assert_eq!(names.resolve("127.0.0.1:40001"), "127.0.0.1:53117");
        assert!(
            names
                .match_lines(&written, &lines("listening 127.0.0.1:53118"))
                .is_err()
        );
        let other = lines("from 127.0.0.1:40002");
        assert!(
            names
                .match_lines(&other, &lines("from 127.0.0.1:53117"))
                .is_err()
        );
        assert!(
            names
                .match_lines(&other, &lines("from 127.0.0.1:53119"))
                .is_ok()
        );
    }

    #[test]
    fn a_port_that_is_always_the_same_is_compared_as_it_is() {
        let mut names = Names::default();
        let written = lines("10.0.0.1:43210 -> 10.0.0.2:80");
        assert!(names.match_lines(&written, &written).is_ok());
        assert!(
            names
                .match_lines(&written, &lines("10.0.0.1:43211 -> 10.0.0.2:80"))
                .is_err()
        );
    }

    #[test]
    fn an_ellipsis_stands_for_part_of_a_line_or_for_whole_lines() {
        let fits = |written, got| {
            Names::default()
                .match_lines(&lines(written), &lines(got))
                .is_ok()
        };
        assert!(fits("took … ms", "took 43.1 ms"));
        assert!(!fits("took … ms", "took 43.1 s"));
        assert!(fits("a\n…\nz", "a\nb\nc\nz"));
        assert!(fits("a\n…\nz", "a\nz"));
        assert!(!fits("a\n…\nz", "a\nb"));
        assert!(!fits("a", "a\nb"));
    }

    #[test]
    fn what_differs_between_two_runs_gets_a_stand_in() {
        let one = lines("listening 127.0.0.1:53117\nto 10.0.0.1:8080 from port 53117");
        let two = lines("listening 127.0.0.1:53200\nto 10.0.0.1:8080 from port 53200");
        let (mut first, mut second) = (Names::default(), Names::default());
        name_ports(&one, &two, &mut first, &mut second);
        let shown = lines("listening 127.0.0.1:40001\nto 10.0.0.1:8080 from port 40001");
        assert_eq!(first.replace(&one), shown);
        assert_eq!(second.replace(&two), shown);
    }
}
