//! When labs are due and what lateness costs.

use std::fmt;
use std::time::{Duration, SystemTime};

use toml::value::{Date, Datetime, Offset, Time};

const DAY: i64 = 86_400;

/// A moment with its offset from UTC, as written in `course.toml`: `2026-10-05T23:59:00+02:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueDate {
    written: Datetime,
    /// Seconds since 1970-01-01T00:00:00Z; leap seconds are not counted.
    unix_seconds: i64,
}

impl DueDate {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn unix_seconds(self) -> i64 {
        self.unix_seconds
    }

    /// The moment; dates before 1970 are taken as 1970.
    pub fn instant(self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(self.unix_seconds).unwrap_or(0))
    }

    /// This moment, to the second, in UTC.
    #[must_use]
    pub fn now() -> DueDate {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let seconds = since.map_or(0, |since| since.as_secs());
        DueDate::at(i64::try_from(seconds).unwrap_or(0), Offset::Z)
    }

    /// The moment so many seconds later, with the same offset.
    #[must_use]
    pub fn later(self, seconds: i64) -> DueDate {
        DueDate::at(self.unix_seconds + seconds, self.offset())
    }

    /// The same moment, with the offset of another one.
    #[must_use]
    pub fn beside(self, other: DueDate) -> DueDate {
        DueDate::at(self.unix_seconds, other.offset())
    }

    fn offset(self) -> Offset {
        self.written.offset.unwrap_or(Offset::Z)
    }

    fn at(unix_seconds: i64, offset: Offset) -> DueDate {
        let clock = unix_seconds + minutes(offset) * 60;
        let (year, month, day) = date(clock.div_euclid(DAY));
        let second = clock.rem_euclid(DAY);
        DueDate {
            written: Datetime {
                date: Some(Date { year, month, day }),
                // Each below 60, and the hour below 24.
                time: Some(Time {
                    hour: (second / 3600) as u8,
                    minute: (second / 60 % 60) as u8,
                    second: Some((second % 60) as u8),
                    nanosecond: None,
                }),
                offset: Some(offset),
            },
            unix_seconds,
        }
    }
}

impl fmt::Display for DueDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written.fmt(f)
    }
}

impl TryFrom<Datetime> for DueDate {
    type Error = String;

    fn try_from(written: Datetime) -> Result<DueDate, String> {
        let (Some(date), Some(time), Some(offset)) = (written.date, written.time, written.offset)
        else {
            return Err(format!(
                "`{written}` is not a date, a time and an offset from UTC; write them all, as in 2026-10-05T23:59:00+02:00"
            ));
        };
        let days = days_since_1970(
            i64::from(date.year),
            i64::from(date.month),
            i64::from(date.day),
        );
        let clock = i64::from(time.hour) * 3600
            + i64::from(time.minute) * 60
            + i64::from(time.second.unwrap_or(0));
        Ok(DueDate {
            written,
            unix_seconds: days * DAY + clock - minutes(offset) * 60,
        })
    }
}

fn minutes(offset: Offset) -> i64 {
    match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    }
}

/// Year, month and day, so many days after 1970-01-01; days before it, or after the year 9999, are taken as these.
fn date(days: i64) -> (u16, u8, u8) {
    // The last year, and then the last month, that has begun by then. No year has more than 366 days.
    let first_of = |year: u16, month: u8| days_since_1970(year.into(), month.into(), 1);
    let earliest = u16::try_from(1970 + days.max(0) / 366).map_or(9999, |year| year.min(9999));
    let years = (earliest..=9999).take_while(|year| first_of(*year, 1) <= days);
    let year = years.last().unwrap_or(1970);
    let months = (1..=12).take_while(|month| first_of(year, *month) <= days);
    let month = months.last().unwrap_or(1);
    let day = (days - first_of(year, month)).clamp(0, 30) + 1;
    (year, month, day as u8)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. Years are counted from March, so
/// that the leap day is the last of its year and the months before it never shift.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    let before_month = (153 * month + 2) / 5;
    365 * year + leap_days + before_month + day - 1 - 719_468
}

/// What lateness costs, the same for every lab.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LatePolicy {
    /// So long after the due date nothing is lost yet, in minutes.
    pub grace_minutes: u32,
    /// What each day that has begun costs, in percent of what was earned.
    pub per_day_percent: f64,
    /// The most that lateness can cost, in percent of what was earned.
    pub cap_percent: f64,
}

impl Default for LatePolicy {
    /// Nothing is lost.
    fn default() -> LatePolicy {
        LatePolicy {
            grace_minutes: 0,
            per_day_percent: 0.0,
            cap_percent: 100.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(text: &str) -> Result<DueDate, String> {
        DueDate::try_from(text.parse::<Datetime>().unwrap())
    }

    #[test]
    fn an_offset_is_taken_off() {
        assert_eq!(due("1970-01-01T00:00:00Z").unwrap().unix_seconds(), 0);
        assert_eq!(
            due("2000-02-29T12:00:00Z").unwrap().unix_seconds(),
            951_825_600
        );
        assert_eq!(
            due("2026-10-05T23:59:00+02:00").unwrap().unix_seconds(),
            1_791_237_540
        );
        assert_eq!(
            due("2026-10-05T21:59:00Z").unwrap().unix_seconds(),
            1_791_237_540
        );
        assert_eq!(due("1969-12-31T23:59:59Z").unwrap().unix_seconds(), -1);
    }

    #[test]
    fn a_moment_can_be_written_otherwise() {
        for (text, later, offset, shown) in [
            (
                "2026-10-05T23:59:00+02:00",
                86_400,
                "2026-10-05T00:00:00+02:00",
                "2026-10-06T23:59:00+02:00",
            ),
            (
                "2028-02-28T23:30:00Z",
                1800,
                "2026-10-05T00:00:00Z",
                "2028-02-29T00:00:00Z",
            ),
            (
                "2026-12-31T23:30:00Z",
                0,
                "2026-10-05T00:00:00+01:00",
                "2027-01-01T00:30:00+01:00",
            ),
            (
                "2026-03-01T00:10:00+05:30",
                5,
                "2026-10-05T00:00:00-08:00",
                "2026-02-28T10:40:05-08:00",
            ),
            (
                "1970-01-01T00:00:00Z",
                0,
                "2026-10-05T00:00:00Z",
                "1970-01-01T00:00:00Z",
            ),
        ] {
            let moment = due(text).unwrap();
            let other = moment.later(later).beside(due(offset).unwrap());
            assert_eq!(other.to_string(), shown);
            assert_eq!(other.unix_seconds(), moment.unix_seconds() + later);
            assert_eq!(due(shown).unwrap().unix_seconds(), other.unix_seconds());
        }
    }

    #[test]
    fn a_time_without_offset_is_refused() {
        let error = due("2026-10-05T23:59:00").unwrap_err();
        assert!(error.contains("an offset from UTC"), "{error}");
    }
}
