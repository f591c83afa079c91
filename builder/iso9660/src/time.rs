//! Times as the medium holds them, always in UTC.

use crate::IsoError;

/// The first second of the year 2156: the year is one byte that counts from 1900.
const END: u64 = 5_869_584_000;
const DAY: u64 = 86_400;

/// A moment in the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// 1970 to 2155.
    year: u16,
    /// Month and day from 1, then hour, minute and second from 0.
    rest: [u8; 5],
}

impl Moment {
    /// The moment `seconds` after 1970 began.
    pub(crate) fn new(seconds: u64) -> Result<Self, IsoError> {
        if seconds >= END {
            return Err(IsoError::Time { seconds, end: END });
        }
        let mut days = seconds / DAY;
        let second = seconds % DAY;
        let mut year = 1970;
        while days >= 365 + u64::from(leap(year)) {
            days -= 365 + u64::from(leap(year));
            year += 1;
        }
        let february = 28 + u64::from(leap(year));
        let mut month = 1;
        for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
            if days < length {
                break;
            }
            days -= length;
            month += 1;
        }
        // Days of a month, hours, minutes and seconds are all below 60.
        let small = |number: u64| u8::try_from(number).expect("below 60");
        let rest = [month, small(days + 1), small(second / 3600), small(second / 60 % 60), small(second % 60)];
        Ok(Self { year, rest })
    }

    /// ECMA-119, section 9.1.5, and RRIP 1.12, section 4.1.6: years since 1900 and the offset from UTC last.
    pub(crate) fn short(self) -> [u8; 7] {
        // `new` takes no year behind 2155.
        let year = u8::try_from(self.year - 1900).expect("255 years");
        let [month, day, hour, minute, second] = self.rest;
        [year, month, day, hour, minute, second, 0]
    }

    /// ECMA-119, section 8.4.26.1: digits down to hundredths of a second, and the offset from UTC.
    pub(crate) fn digits(self) -> [u8; 17] {
        let [month, day, hour, minute, second] = self.rest;
        let text = format!("{:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}00\0", self.year);
        let mut bytes = [0; 17];
        bytes.copy_from_slice(text.as_bytes());
        bytes
    }
}

fn leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn seconds_become_the_calendar_days_they_are() {
        for (seconds, digits) in [
            (0, "1970010100000000"),
            (951_782_400, "2000022900000000"),
            (1_700_000_000, "2023111422132000"),
            (4_107_542_399, "2100022823595900"),
            (4_107_542_400, "2100030100000000"),
            (5_869_583_999, "2155123123595900"),
        ] {
            let moment = Moment::new(seconds).unwrap();
            assert_eq!(moment.digits()[..16], *digits.as_bytes(), "{seconds}");
        }
        assert_eq!(Moment::new(1_700_000_000).unwrap().short(), [123, 11, 14, 22, 13, 20, 0]);
        assert!(Moment::new(5_869_584_000).is_err());
    }
}
