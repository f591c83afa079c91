//! Dates and times: Microsoft's FAT specification, section 6.3.

/// Whether a date is one: day in bits 0 to 4, month in 5 to 8, years since 1980 in 9 to 15. Zero is no date at all,
/// which is allowed for what a system does not keep.
pub(crate) fn date_is_right(date: u16) -> bool {
    let (day, month, year) = (date & 0x1F, date >> 5 & 0xF, 1980 + (date >> 9));
    // Up to 2107, where 2100 is the only year that four divides and that has no leap day.
    let is_leap = year.is_multiple_of(4) && year != 2100;
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    };
    date == 0 || (1..=days).contains(&day)
}

/// Whether a time is one: pairs of seconds in bits 0 to 4, minutes in 5 to 10, hours in 11 to 15.
pub(crate) fn time_is_right(time: u16) -> bool {
    time & 0x1F < 30 && time >> 5 & 0x3F < 60 && time >> 11 < 24
}

#[cfg(test)]
mod tests {
    use super::{date_is_right, time_is_right};

    #[test]
    fn the_calendar_is_right() {
        let date = |year: u16, month: u16, day: u16| (year - 1980) << 9 | month << 5 | day;
        for (year, month, day, right) in [
            (1980, 1, 1, true),
            (2024, 2, 29, true),
            (2023, 2, 29, false),
            (2100, 2, 29, false),
            (2107, 12, 31, true),
            (2024, 4, 31, false),
            (2024, 13, 1, false),
            (2024, 0, 1, false),
            (2024, 1, 0, false),
        ] {
            assert_eq!(date_is_right(date(year, month, day)), right, "{year}-{month}-{day}");
        }
        assert!(date_is_right(0) && time_is_right(0) && time_is_right(23 << 11 | 59 << 5 | 29));
        assert!(![24 << 11, 60 << 5, 30].into_iter().any(time_is_right));
    }
}
