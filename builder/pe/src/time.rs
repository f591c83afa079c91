//! Times in certificates.

use std::fmt;

use crate::der::{DerError, Element, tag};

const SECONDS_PER_DAY: i64 = 86_400;

/// A time with a resolution of one second. Shown as `2026-06-27T21:32:45Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    unix: i64,
}

impl Time {
    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_unix(unix: i64) -> Self {
        Self { unix }
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.unix
    }

    /// RFC 5280, section 4.1.2.5: with seconds and in UTC, whatever else ASN.1 has.
    pub(crate) fn read(element: &Element<'_>) -> Result<Self, DerError> {
        let fault = || element.fault("it is not a time in the form YYMMDDhhmmssZ or YYYYMMDDhhmmssZ");
        let digits = element.body.strip_suffix(b"Z").ok_or_else(fault)?;
        let pairs = digits
            .chunks(2)
            .map(|pair| match pair {
                [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Some(i64::from(tens - b'0') * 10 + i64::from(ones - b'0')),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
            .ok_or_else(fault)?;
        let (year, rest) = match (element.tag, pairs.as_slice()) {
            (tag::UTC_TIME, [year, rest @ ..]) => (if *year < 50 { 2000 + year } else { 1900 + year }, rest),
            (tag::GENERALIZED_TIME, [century, year, rest @ ..]) => (century * 100 + year, rest),
            _ => return Err(fault()),
        };
        match *rest {
            [month @ 1..=12, day @ 1..=31, hour @ 0..24, minute @ 0..60, second @ 0..=60] => {
                Ok(Self { unix: days(year, month, day) * SECONDS_PER_DAY + (hour * 60 + minute) * 60 + second })
            }
            _ => Err(fault()),
        }
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar. Years are counted from March, so that the leap day is last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let from_march = (month + 9) % 12;
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

/// The year, month and day that are `days` after 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    const DAYS_OF_400_YEARS: i64 = 146_097;
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(DAYS_OF_400_YEARS), shifted.rem_euclid(DAYS_OF_400_YEARS));
    // Without the leap days that came before: of 4, of 100 and of 400 years.
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = (from_march + 2) % 12 + 1;
    let year = era * 400 + year + i64::from(month <= 2);
    (year, month, day_of_year - (153 * from_march + 2) / 5 + 1)
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date(self.unix.div_euclid(SECONDS_PER_DAY));
        let second = self.unix.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute) = (second / 3600, second / 60 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z", second % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::der::Reader;

    fn read(tag: u8, text: &str) -> Option<Time> {
        let bytes = [&[tag, u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat();
        Time::read(&Reader::new(&bytes).element("a time").unwrap()).ok()
    }

    #[test]
    fn times_are_read_and_shown() {
        for (tag, text, shown, unix) in [
            (tag::UTC_TIME, "260627213245Z", "2026-06-27T21:32:45Z", 1_782_595_965),
            (tag::UTC_TIME, "700101000000Z", "1970-01-01T00:00:00Z", 0),
            (tag::UTC_TIME, "491231235959Z", "2049-12-31T23:59:59Z", 2_524_607_999),
            (tag::UTC_TIME, "500101000000Z", "1950-01-01T00:00:00Z", -631_152_000),
            (tag::GENERALIZED_TIME, "20000229120000Z", "2000-02-29T12:00:00Z", 951_825_600),
            (tag::GENERALIZED_TIME, "99991231235959Z", "9999-12-31T23:59:59Z", 253_402_300_799),
            (tag::GENERALIZED_TIME, "00000101000000Z", "0000-01-01T00:00:00Z", -62_167_219_200),
        ] {
            let time = read(tag, text).unwrap();
            assert_eq!((time.to_string().as_str(), time.unix()), (shown, unix));
        }
        for unix in [i64::MIN, i64::MAX] {
            assert!(Time::from_unix(unix).to_string().ends_with('Z'));
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for (tag, text) in [
            (tag::UTC_TIME, "2606272132Z"),
            (tag::UTC_TIME, "260627213245"),
            (tag::UTC_TIME, "260627213245+0000"),
            (tag::UTC_TIME, "261327213245Z"),
            (tag::UTC_TIME, "260600213245Z"),
            (tag::UTC_TIME, "260627243245Z"),
            (tag::UTC_TIME, "26062721324Z"),
            (tag::UTC_TIME, "2606272132 5Z"),
            (tag::UTC_TIME, "Z"),
            (tag::UTC_TIME, ""),
            (tag::GENERALIZED_TIME, "20260627213245.5Z"),
            (tag::INTEGER, "260627213245Z"),
        ] {
            assert_eq!(read(tag, text), None, "{text}");
        }
    }
}
