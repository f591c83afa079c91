//! The time of creation.

use crate::SpdxError;

/// The last second of the year 9999.
const LIMIT: i64 = 253_402_300_799;

/// `YYYY-MM-DDThh:mm:ssZ` of the seconds since 1970 (SPDX 2.3, 6.9).
pub(crate) fn format(created: i64) -> Result<String, SpdxError> {
    if !(0..=LIMIT).contains(&created) {
        return Err(SpdxError::Created { created, limit: LIMIT });
    }
    let (days, second) = (created / 86_400, created % 86_400);
    // Years that begin in March end with the leap day, and 400 of them have 146,097 days; day 0 is 0000-03-01.
    let day = days + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Five months of 153 days, over and over.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    let year = year + 400 * era;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    Ok(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{LIMIT, format};

    #[test]
    fn date_writes_the_same_times() {
        for created in [0, 59, 86_399, 951_782_400, 951_868_799, 1_709_164_800, 4_107_542_399, 4_107_542_400, LIMIT] {
            let text = format!("@{created}");
            let output = Command::new("date").args(["--utc", "+%Y-%m-%dT%H:%M:%SZ", "--date", &text]).output();
            let output = output.expect("install the Debian package `coreutils`");
            assert_eq!(format(created).unwrap(), String::from_utf8(output.stdout).unwrap().trim());
        }
        assert!(format(-1).is_err() && format(LIMIT + 1).is_err() && format(i64::MAX).is_err());
    }
}
