//! Numbers and names of users and groups.

/// The longest name: `UT_NAMESIZE` without its NUL.
const NAME_LIMIT: usize = 31;

/// A numeric user or group ID as systemd reads them: decimal, no sign, no leading zero, and none of the two values
/// (16 and 32 bits of ones) that mean "none".
pub(crate) fn parse_id(text: &[u8]) -> Result<u32, IdError> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) || (text.len() > 1 && text[0] == b'0') {
        return Err(IdError::NotANumber);
    }
    let value = std::str::from_utf8(text).ok().and_then(|text| text.parse::<u32>().ok());
    match value {
        None => Err(IdError::TooLarge),
        Some(0xffff | u32::MAX) => Err(IdError::None),
        Some(value) => Ok(value),
    }
}

/// Why a text is no ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IdError {
    #[error("Invalid argument")]
    NotANumber,
    #[error("Numerical result out of range")]
    TooLarge,
    #[error("No such device or address")]
    None,
}

/// Whether systemd would create a user or group of this name.
pub(crate) fn valid_name(name: &[u8]) -> bool {
    let first = name.first().is_some_and(|&byte| byte.is_ascii_alphabetic() || byte == b'_');
    first
        && name.len() <= NAME_LIMIT
        && name.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Text that can stand in a field of `passwd`: UTF-8 without control characters and colons.
pub(crate) fn valid_field(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.bytes().all(|byte| byte >= b' ' && byte != 127 && byte != b':'))
}

#[cfg(test)]
mod tests {
    use super::{IdError, parse_id, valid_name};

    #[test]
    fn ids_are_plain_numbers() {
        for (text, expected) in [
            ("0", Ok(0)),
            ("65534", Ok(65534)),
            ("4294967294", Ok(u32::MAX - 1)),
            ("65535", Err(IdError::None)),
            ("4294967295", Err(IdError::None)),
            ("4294967296", Err(IdError::TooLarge)),
            ("0700", Err(IdError::NotANumber)),
            ("+3", Err(IdError::NotANumber)),
            ("", Err(IdError::NotANumber)),
            ("0x1", Err(IdError::NotANumber)),
        ] {
            assert_eq!(parse_id(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn names_are_short_and_plain() {
        for (name, expected) in [
            ("a", true),
            ("_x-9", true),
            ("Up", true),
            ("abcdefghijklmnopqrstuvwxyz01234", true),
            ("abcdefghijklmnopqrstuvwxyz012345", false),
            ("0a", false),
            ("-x", false),
            ("a.b", false),
            ("a$", false),
            ("", false),
        ] {
            assert_eq!(valid_name(name.as_bytes()), expected, "{name}");
        }
    }
}
