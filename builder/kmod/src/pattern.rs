//! Patterns of aliases: what `fnmatch(3)` matches without flags.

use crate::budget::{Budget, Spent};

/// Whether the pattern takes the whole name. `*`, `?`, `[a-z]`, `[!a]`, `[^a]` and `\` are special.
///
/// At most the product of both lengths in steps: only the last `*` is ever tried again.
pub(crate) fn matches(pattern: &[u8], name: &[u8], budget: &mut Budget) -> Result<bool, Spent> {
    let (mut in_pattern, mut in_name) = (0, 0);
    // Behind the last `*`, and up to where it has taken the name so far.
    let mut retry = None;
    loop {
        budget.take(1)?;
        if pattern.get(in_pattern) == Some(&b'*') {
            in_pattern += 1;
            retry = Some((in_pattern, in_name));
            continue;
        }
        // With the name used up, a `*` that takes more leaves even less for the rest of the pattern.
        let Some(&byte) = name.get(in_name) else { return Ok(in_pattern == pattern.len()) };
        match (behind(pattern, in_pattern, byte, budget)?, retry) {
            (Some(next), _) => {
                in_pattern = next;
                in_name += 1;
            }
            (None, Some((star, taken))) => {
                in_pattern = star;
                in_name = taken + 1;
                retry = Some((star, in_name));
            }
            (None, None) => return Ok(false),
        }
    }
}

/// Where the pattern goes on when what is at `at` takes `byte`.
fn behind(pattern: &[u8], at: usize, byte: u8, budget: &mut Budget) -> Result<Option<usize>, Spent> {
    let Some(&special) = pattern.get(at) else { return Ok(None) };
    let next = match (special, pattern.get(at + 1)) {
        (b'?', _) => Some(at + 1),
        (b'[', _) => match bracket(&pattern[at + 1..], byte, budget)? {
            Some((is_in, length)) => is_in.then_some(at + 1 + length),
            // Without its other end the bracket stands for itself.
            None => (byte == b'[').then_some(at + 1),
        },
        (b'\\', Some(&escaped)) => (byte == escaped).then_some(at + 2),
        _ => (byte == special).then_some(at + 1),
    };
    Ok(next)
}

/// Whether the bracket expression takes `byte`, and its length with the closing bracket; `None` if it has no end.
fn bracket(expression: &[u8], byte: u8, budget: &mut Budget) -> Result<Option<(bool, usize)>, Spent> {
    let is_negated = matches!(expression.first(), Some(b'!' | b'^'));
    let start = usize::from(is_negated);
    let mut at = start;
    let mut is_listed = false;
    loop {
        budget.take(1)?;
        let Some(&low) = expression.get(at) else { return Ok(None) };
        if low == b']' && at > start {
            return Ok(Some((is_listed != is_negated, at + 1)));
        }
        match (expression.get(at + 1), expression.get(at + 2)) {
            (Some(b'-'), Some(&high)) if high != b']' => {
                is_listed |= (low..=high).contains(&byte);
                at += 3;
            }
            _ => {
                is_listed |= low == byte;
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_match(pattern: &str, name: &str) -> bool {
        matches(pattern.as_bytes(), name.as_bytes(), &mut Budget::new(100_000)).unwrap()
    }

    #[test]
    fn patterns_match_as_in_fnmatch() {
        for (pattern, names, others) in [
            ("", &[""][..], &["a"][..]),
            ("ext4", &["ext4"], &["ext", "ext44"]),
            ("a?c", &["abc", "a*c"], &["ac", "abbc"]),
            ("*", &["", "a/b"], &[]),
            ("a*b*c", &["abc", "axxbyyc", "abbcbc"], &["ab", "abca", "acb"]),
            ("pci:v*d[0-3A]sv*", &["pci:v1d2sv3", "pci:vdAsv"], &["pci:v1d4sv", "pci:v1dsv"]),
            ("[!a-c]x", &["dx", "-x"], &["ax", "cx", "x"]),
            ("[^a]", &["b"], &["a"]),
            ("[]a]", &["]", "a"], &["b", ""]),
            ("[a-]", &["a", "-"], &["b"]),
            ("[ab", &["[ab"], &["a"]),
            ("a\\*", &["a*"], &["ab", "a\\*"]),
            ("a\\", &["a\\"], &["a"]),
        ] {
            for name in names {
                assert!(is_match(pattern, name), "{pattern} {name}");
            }
            for name in others {
                assert!(!is_match(pattern, name), "{pattern} {name}");
            }
        }
    }

    #[test]
    fn many_stars_take_no_more_steps_than_the_product_of_the_lengths() {
        let pattern = "a*".repeat(100) + "b";
        let name = "a".repeat(1000);
        let mut budget = Budget::new(201 * 1001);
        assert_eq!(matches(pattern.as_bytes(), name.as_bytes(), &mut budget), Ok(false));
        assert_eq!(matches(pattern.as_bytes(), name.as_bytes(), &mut Budget::new(10)), Err(Spent));
    }
}
