//! Numbers as GRUB reads them (`grub-core/kern/misc.c`).

/// A number at the start of a text: its value, what is behind it, and whether there was a number at all.
pub(crate) struct Number<'t> {
    pub(crate) value: u64,
    pub(crate) rest: &'t str,
    pub(crate) valid: bool,
}

/// Reads a number without a sign; `0x` and `0` before it make it hexadecimal and octal. Too large is `u64::MAX`.
pub(crate) fn unsigned(text: &str) -> Number<'_> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\r']);
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None if text.starts_with('0') && text[1..].starts_with(|next: char| next.is_digit(8)) => (text, 8),
        None => (text, 10),
    };
    let end = digits.find(|character: char| !character.is_digit(radix)).unwrap_or(digits.len());
    // Nothing but too many digits is left to fail.
    let value = if end == 0 { 0 } else { u64::from_str_radix(&digits[..end], radix).unwrap_or(u64::MAX) };
    Number { value, rest: &digits[end..], valid: end > 0 && value != u64::MAX }
}

/// A number with a sign, as `test` compares them: 32 bits of it.
pub(crate) fn signed(text: &str) -> i32 {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let value = unsigned(digits).value;
    let value = if negative { value.wrapping_neg() } else { value };
    // Both halves of the conversion are meant: GRUB returns the number as an `int`.
    u32::try_from(value & u64::from(u32::MAX)).unwrap_or_default().cast_signed()
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_read_as_c_does() {
        for (text, value, rest, valid) in [
            ("12 34", 12, " 34", true),
            (" 0x1fg", 31, "g", true),
            ("010", 8, "", true),
            ("08", 8, "", true),
            ("0", 0, "", true),
            ("0>1", 0, ">1", true),
            ("x", 0, "x", false),
            ("", 0, "", false),
            ("99999999999999999999999", u64::MAX, "", false),
            ("6é", 6, "é", true),
        ] {
            let number = super::unsigned(text);
            assert_eq!((number.value, number.rest, number.valid), (value, rest, valid), "{text}");
        }
        for (text, value) in [("-1", -1), ("7", 7), ("", 0), ("-", 0), ("4294967295", -1), ("-0x10", -16)] {
            assert_eq!(super::signed(text), value, "{text}");
        }
    }
}
