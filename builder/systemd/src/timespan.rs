//! Lengths of time.
//!
//! Source: systemd.time(7), "Parsing Time Spans".

use crate::lines::skip_space;

const SECOND: u64 = 1_000_000;
const DAY: u64 = 86_400 * SECOND;

/// Names of the units, with their microseconds.
const UNITS: [(&[&str], u64); 9] = [
    (&["seconds", "second", "sec", "s"], SECOND),
    (&["minutes", "minute", "min", "m"], 60 * SECOND),
    // A twelfth of 365.25 days, and all of them.
    (&["months", "month", "M"], 2_629_800 * SECOND),
    (&["msec", "ms"], 1000),
    (&["hours", "hour", "hr", "h"], 3600 * SECOND),
    (&["days", "day", "d"], DAY),
    (&["weeks", "week", "w"], 7 * DAY),
    (&["years", "year", "y"], 31_557_600 * SECOND),
    (&["usec", "us", "µs", "μs"], 1),
];

/// The microseconds of a time span such as `1w 2d 3.5h`; bare numbers are seconds, `u64::MAX` is `infinity`. `None`
/// where it is none.
pub(crate) fn parse(text: &[u8]) -> Option<u64> {
    let mut rest = skip_space(text);
    if let Some(behind) = rest.strip_prefix(b"infinity") {
        return skip_space(behind).is_empty().then_some(u64::MAX);
    }
    let mut total = 0_u64;
    let mut something = false;
    loop {
        rest = skip_space(rest);
        if rest.is_empty() {
            return something.then_some(total);
        }
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (whole, behind) = rest.split_at(digits);
        let fraction_digits = match behind.split_first() {
            Some((b'.', fraction)) => Some(fraction.iter().take_while(|byte| byte.is_ascii_digit()).count()),
            _ => None,
        };
        // A point needs a digit at its side.
        if digits == 0 && fraction_digits.unwrap_or(0) == 0 {
            return None;
        }
        let (fraction, behind) = match fraction_digits {
            Some(count) => behind[1..].split_at(count),
            None => (&b""[..], behind),
        };
        let (unit, behind) = unit(skip_space(behind));
        total = total.checked_add(decimal(whole)?.checked_mul(unit)?)?;
        let mut part = unit;
        for &digit in fraction {
            part /= 10;
            total = total.checked_add(part * u64::from(digit - b'0'))?;
        }
        something = true;
        rest = behind;
    }
}

/// The unit at the start of `text`, else seconds.
fn unit(text: &[u8]) -> (u64, &[u8]) {
    let found = UNITS.iter().flat_map(|(names, microseconds)| names.iter().map(move |name| (*name, *microseconds)));
    let longest = found.filter(|(name, _)| text.starts_with(name.as_bytes())).max_by_key(|(name, _)| name.len());
    longest.map_or((SECOND, text), |(name, microseconds)| (microseconds, &text[name.len()..]))
}

fn decimal(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |value, &digit| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn spans_add_up() {
        for (text, expected) in [
            ("10d", Some(864_000_000_000)),
            ("1w2d3h", Some((7 * 24 + 2 * 24 + 3) * 3_600_000_000)),
            ("10 days", Some(864_000_000_000)),
            ("1.5h", Some(5_400_000_000)),
            (".5s", Some(500_000)),
            ("5min5", Some(305_000_000)),
            ("0", Some(0)),
            ("infinity", Some(u64::MAX)),
            ("3us 2ms 1M", Some(2_629_800_002_003)),
            ("", None),
            ("-", None),
            ("-5", None),
            ("10q", None),
            (".", None),
            ("b:10d", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(parse(text.as_bytes()), expected, "{text}");
        }
    }
}
