//! Two ways to compare versions, one for each boot loader.

use std::cmp::Ordering;

/// Compares as systemd does (UAPI.10, "Version Format Specification"; `strverscmp_improved`).
#[must_use]
pub fn compare_versions(left: &str, right: &str) -> Ordering {
    let (mut a, mut b) = (left.as_bytes(), right.as_bytes());
    loop {
        a = skip_while(a, |byte| !is_version_byte(byte));
        b = skip_while(b, |byte| !is_version_byte(byte));
        if let Some(order) = separator(&mut a, &mut b, b'~') {
            return order;
        }
        if a.is_empty() || b.is_empty() {
            return a.len().min(1).cmp(&b.len().min(1));
        }
        for wanted in *b"-^." {
            if let Some(order) = separator(&mut a, &mut b, wanted) {
                return order;
            }
        }
        let digit = |bytes: &[u8]| bytes.first().is_some_and(u8::is_ascii_digit);
        let order = if digit(a) || digit(b) {
            let (one, two) = (take_while(&mut a, u8::is_ascii_digit), take_while(&mut b, u8::is_ascii_digit));
            // No digits at all are older than any number.
            one.is_empty().cmp(&two.is_empty()).reverse().then_with(|| compare_digits(one, two))
        } else {
            let (one, two) = (take_while(&mut a, u8::is_ascii_alphabetic), take_while(&mut b, u8::is_ascii_alphabetic));
            one.cmp(two)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn is_version_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"~-^.".contains(&byte)
}

/// Where only one side has the separator that side is older; where both have it, it is taken from both.
fn separator(a: &mut &[u8], b: &mut &[u8], wanted: u8) -> Option<Ordering> {
    match (a.split_first(), b.split_first()) {
        (Some((&one, after_a)), Some((&two, after_b))) if one == wanted && two == wanted => {
            (*a, *b) = (after_a, after_b);
            None
        }
        (Some((&one, _)), _) if one == wanted => Some(Ordering::Less),
        (_, Some((&two, _))) if two == wanted => Some(Ordering::Greater),
        _ => None,
    }
}

/// Compares as Red Hat's `blscfg` does the names of boot entries (without `.conf`): as name, version and release of a
/// package, each as rpm compares them. The newer comes first in the menu.
#[must_use]
pub fn compare_entry_names(left: &str, right: &str) -> Ordering {
    let (left, right) = (split_package(left), split_package(right));
    left.iter()
        .zip(&right)
        .map(|(one, two)| compare_rpm(one, two))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Name, version and release: the last two behind the last two dashes. With one dash there is no release.
fn split_package(package: &str) -> [&str; 3] {
    match package.rsplit_once('-') {
        None => [package, "", ""],
        Some((rest, last)) => match rest.rsplit_once('-') {
            None => [rest, last, ""],
            Some((name, version)) => [name, version, last],
        },
    }
}

/// rpm's comparison, as GRUB has it.
fn compare_rpm(left: &str, right: &str) -> Ordering {
    let (mut a, mut b) = (left.as_bytes(), right.as_bytes());
    while !a.is_empty() || !b.is_empty() {
        a = skip_while(a, |byte| !byte.is_ascii_alphanumeric() && byte != b'~');
        b = skip_while(b, |byte| !byte.is_ascii_alphanumeric() && byte != b'~');
        match (a.first() == Some(&b'~'), b.first() == Some(&b'~')) {
            (true, true) => {
                (a, b) = (&a[1..], &b[1..]);
                continue;
            }
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        if a.is_empty() || b.is_empty() {
            break;
        }
        let numeric = a[0].is_ascii_digit();
        let kind = if numeric { u8::is_ascii_digit } else { u8::is_ascii_alphabetic };
        let (one, two) = (take_while(&mut a, kind), take_while(&mut b, kind));
        if two.is_empty() {
            // A number is newer than letters.
            return if numeric { Ordering::Greater } else { Ordering::Less };
        }
        let order = if numeric { compare_digits(one, two) } else { one.cmp(two) };
        if order.is_ne() {
            return order;
        }
    }
    a.len().min(1).cmp(&b.len().min(1))
}

/// Compares numbers of any length.
fn compare_digits(one: &[u8], two: &[u8]) -> Ordering {
    let (one, two) = (skip_while(one, |byte| byte == b'0'), skip_while(two, |byte| byte == b'0'));
    one.len().cmp(&two.len()).then_with(|| one.cmp(two))
}

fn skip_while(bytes: &[u8], skip: impl Fn(u8) -> bool) -> &[u8] {
    &bytes[bytes.iter().take_while(|&&byte| skip(byte)).count()..]
}

fn take_while<'b>(bytes: &mut &'b [u8], take: fn(&u8) -> bool) -> &'b [u8] {
    let (taken, rest) = bytes.split_at(bytes.iter().take_while(|byte| take(byte)).count());
    *bytes = rest;
    taken
}

#[cfg(test)]
mod tests {
    use super::compare_entry_names;

    #[test]
    fn boot_entries_are_ordered_as_packages_are() {
        // Each is newer than the one before.
        for names in [
            &["0b-0-rescue", "0b-5.9.1-100.fc40.x86_64", "0b-5.14.0~rc1-1.el9.x86_64", "0b-5.14.0-1.el9.x86_64"][..],
            &["0b-5.14.0-1.el9.x86_64", "0b-5.14.0-70.el9.x86_64", "0b-5.14.0-70.13.1.el9_0.x86_64", "1-0-0"],
            &["ostree-1", "ostree-2", "ostree-2a", "ostree-9", "ostree-10"],
            &["ostree-1-fedora", "ostree-2-fedora", "ostree-10-fedora"],
            &["", "a~", "a", "a-1"],
        ] {
            for (at, older) in names.iter().enumerate() {
                assert!(compare_entry_names(older, older).is_eq());
                for newer in &names[at + 1..] {
                    assert!(compare_entry_names(newer, older).is_gt(), "{newer} {older}");
                    assert!(compare_entry_names(older, newer).is_lt(), "{newer} {older}");
                }
            }
        }
        assert!(compare_entry_names("ostree-2", "ostree-02").is_eq());
    }
}
