//! Patterns of module aliases: what `fnmatch(3)` matches without flags.

/// Whether the pattern takes the whole name. `*`, `?`, `[a-z]`, `[!a]`, `[^a]` and `\` are special.
///
/// At most the product of both lengths in steps: only the last `*` is ever tried again.
pub(crate) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut in_pattern, mut in_name) = (0, 0);
    // Behind the last `*`, and up to where it has taken the name so far.
    let mut retry = None;
    loop {
        if pattern.get(in_pattern) == Some(&b'*') {
            in_pattern += 1;
            retry = Some((in_pattern, in_name));
            continue;
        }
        let Some(&byte) = name.get(in_name) else { return in_pattern == pattern.len() };
        match (one(&pattern[in_pattern..], byte), retry) {
            (Some(length), _) => {
                in_pattern += length;
                in_name += 1;
            }
            (None, Some((star, taken))) => {
                in_pattern = star;
                in_name = taken + 1;
                retry = Some((star, in_name));
            }
            (None, None) => return false,
        }
    }
}

/// Length of what the pattern begins with, where that takes `byte`.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match (*pattern.first()?, pattern.get(1)) {
        (b'?', _) => Some(1),
        (b'[', _) => match bracket(&pattern[1..], byte) {
            Some((takes, length)) => takes.then_some(length + 1),
            // Without its other end the bracket stands for itself.
            None => (byte == b'[').then_some(1),
        },
        (b'\\', Some(&escaped)) => (byte == escaped).then_some(2),
        (plain, _) => (byte == plain).then_some(1),
    }
}

/// Whether the bracket expression takes `byte`, and its length with the closing bracket; `None` if it has no end.
fn bracket(expression: &[u8], byte: u8) -> Option<(bool, usize)> {
    let negated = matches!(expression.first(), Some(b'!' | b'^'));
    let start = usize::from(negated);
    let (mut at, mut listed) = (start, false);
    loop {
        let low = *expression.get(at)?;
        if low == b']' && at > start {
            return Some((listed != negated, at + 1));
        }
        match (expression.get(at + 1), expression.get(at + 2)) {
            (Some(b'-'), Some(&high)) if high != b']' => {
                listed |= (low..=high).contains(&byte);
                at += 3;
            }
            _ => {
                listed |= low == byte;
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn aliases_match_as_fnmatch_says() {
        for (pattern, name, expected) in [
            ("virtio:d00000002v*", "virtio:d00000002v00001AF4", true),
            ("virtio:d00000002v*", "virtio:d00000003v00001AF4", false),
            ("pci:v*d*sv*sd*bc01sc06i01*", "pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01", true),
            ("usb:v*p*d*dc*dsc*dp*ic08isc06ip50in*", "usb:v46F4p0001d0000dc00dsc00dp00ic08isc06ip50in00", true),
            ("usb:v0[4-6]*", "usb:v0512", true),
            ("usb:v0[!4-6]*", "usb:v0512", false),
            ("a[b", "a[b", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("*", "", true),
            ("", "", true),
            ("?", "", false),
            ("*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }
}
