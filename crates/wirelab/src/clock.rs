//! The date, in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

/// `2026-11-23T09:38:00Z` (RFC 3339).
#[must_use]
pub fn now() -> String {
    let (date, [hour, minute, second]) = split(seconds());
    format!("{}T{hour:02}:{minute:02}:{second:02}Z", day(date))
}

/// `2026-11-23T093800`, which every file system takes in a name.
#[must_use]
pub fn for_file_names() -> String {
    let (date, [hour, minute, second]) = split(seconds());
    format!("{}T{hour:02}{minute:02}{second:02}", day(date))
}

fn seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}

fn day([year, month, day]: [u64; 3]) -> String {
    format!("{year:04}-{month:02}-{day:02}")
}

fn split(seconds: u64) -> ([u64; 3], [u64; 3]) {
    let time = seconds % 86_400;
    (
        date(seconds / 86_400),
        [time / 3600, time / 60 % 60, time % 60],
    )
}

/// Year, month and day of the proleptic Gregorian calendar, `days` after 1970-01-01. Years are
/// counted from March, so that the leap day is the last of its year.
fn date(days: u64) -> [u64; 3] {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    [year, month, day]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), [1970, 1, 1]);
        assert_eq!(date(59), [1970, 3, 1]);
        assert_eq!(date(11_016), [2000, 2, 29]);
        assert_eq!(date(20_780), [2026, 11, 23]);
        assert_eq!(split(1_000_000_000), ([2001, 9, 9], [1, 46, 40]));
    }
}
