//! Times as FAT writes them.

/// 1980-01-01 00:00:00, the first time FAT has.
const FIRST: i64 = 315_532_800;
/// 2107-12-31 23:59:59, in the last two seconds FAT has.
const LAST: i64 = 4_354_819_199;

/// A point in time: FAT specification, "Date and time formats". FAT knows no time zone; ours is UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FatTime {
    /// Bits 15–9 years since 1980, 8–5 month from 1, 4–0 day from 1.
    pub(crate) date: u16,
    /// Bits 15–11 hours, 10–5 minutes, 4–0 seconds halved.
    pub(crate) time: u16,
    /// Hundredths of a second beyond `time`: 0 or 100.
    pub(crate) hundredths: u8,
}

impl FatTime {
    /// The time `seconds` after 1970, moved into what FAT can write.
    pub(crate) fn clamped(seconds: i64) -> Self {
        let seconds = seconds.clamp(FIRST, LAST);
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil(days);
        Self {
            date: field((year - 1980) << 9 | month << 5 | day),
            time: field((second / 3600) << 11 | (second / 60 % 60) << 5 | (second % 60 / 2)),
            hundredths: if second % 2 == 1 { 100 } else { 0 },
        }
    }
}

fn field(bits: i64) -> u16 {
    // The clamped range: at most 127 years, month 12, day 31, and 23:59:58.
    u16::try_from(bits).expect("a clamped time has 16 bits")
}

/// Year, month and day `days` after 1970-01-01; proleptic Gregorian, computed in years that begin in March.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::FatTime;

    #[test]
    fn times_are_utc_and_clamped() {
        for (seconds, (year, month, day), (hour, minute, second)) in [
            (i64::MIN, (1980, 1, 1), (0, 0, 0)),
            (0, (1980, 1, 1), (0, 0, 0)),
            (315_532_801, (1980, 1, 1), (0, 0, 1)),
            (951_782_400, (2000, 2, 29), (0, 0, 0)),
            (1_700_000_000, (2023, 11, 14), (22, 13, 20)),
            (4_107_542_399, (2100, 2, 28), (23, 59, 59)),
            (4_107_542_400, (2100, 3, 1), (0, 0, 0)),
            (4_354_819_199, (2107, 12, 31), (23, 59, 59)),
            (i64::MAX, (2107, 12, 31), (23, 59, 59)),
        ] {
            let time = FatTime::clamped(seconds);
            let (date, clock) = (time.date, time.time);
            assert_eq!((1980 + (date >> 9), date >> 5 & 15, date & 31), (year, month, day), "{seconds}");
            let seconds_of = (clock & 31) * 2 + u16::from(time.hundredths / 100);
            assert_eq!((clock >> 11, clock >> 5 & 63, seconds_of), (hour, minute, second), "{seconds}");
        }
    }
}
