//! Names of users, groups, hosts, locales: the shapes that they must have.

use super::document::shown;

/// A user's or group's name as useradd(8) takes it by default, and no longer than utmp(5) can hold.
pub(super) fn account(name: &str) -> Result<String, String> {
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let wrong = |problem: &str| Err(format!("`{}` is no name of a user or group: {problem}", shown(name)));
    if name.is_empty() || name.len() > 31 {
        wrong(&format!("it has {} bytes, and must have 1 to 31", name.len()))
    } else if !begins {
        wrong("it must begin with a small letter or `_`")
    } else if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-')) {
        wrong("it may have small letters, digits, `_` and `-`")
    } else {
        Ok(name.to_owned())
    }
}

/// A host's name: RFC 1123, 2.1, and no longer than the kernel can hold.
pub(super) fn host(name: &str) -> Result<String, String> {
    let wrong = |problem: &str| Err(format!("`{}` is no host name: {problem}", shown(name)));
    if name.is_empty() || name.len() > 64 {
        return wrong(&format!("it has {} bytes, and must have 1 to 64", name.len()));
    }
    for label in name.split('.') {
        if label.is_empty() || label.len() > 63 {
            return wrong("what stands between dots must have 1 to 63 bytes");
        }
        if label.starts_with('-') || label.ends_with('-') {
            return wrong("what stands between dots must not begin or end with `-`");
        }
        if !label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return wrong("it may have letters, digits, `-` and dots");
        }
    }
    Ok(name.to_owned())
}

/// A locale, `language_TERRITORY.codeset@modifier` (locale(7)), or `C`.
pub(super) fn locale(name: &str) -> Result<String, String> {
    let (rest, modifier) = name.split_once('@').unwrap_or((name, "x"));
    let (rest, codeset) = rest.split_once('.').unwrap_or((rest, "x"));
    let (language, territory) = rest.split_once('_').unwrap_or((rest, "x"));
    let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
    let codeset = !codeset.is_empty() && codeset.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if name.len() <= 64 && word(language) && word(territory) && codeset && word(modifier) {
        Ok(name.to_owned())
    } else {
        Err(format!("`{}` is no locale: expected one such as de_DE.UTF-8 or C.UTF-8", shown(name)))
    }
}

/// A time zone: a path below `/usr/share/zoneinfo` (tzfile(5)).
pub(super) fn timezone(name: &str) -> Result<String, String> {
    let word = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+'))
    };
    if name.len() <= 64 && name.split('/').all(word) {
        Ok(name.to_owned())
    } else {
        Err(format!("`{}` is no time zone: expected one such as Europe/Berlin or UTC", shown(name)))
    }
}

/// A keyboard map of the console (vconsole.conf(5)).
pub(super) fn keymap(name: &str) -> Result<String, String> {
    let fits = name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b'.'));
    if fits {
        Ok(name.to_owned())
    } else {
        Err(format!("`{}` is no keyboard map: expected one such as us or de-latin1", shown(name)))
    }
}
