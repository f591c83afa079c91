//! Patterns of a shell, as fnmatch(3) with `FNM_NOESCAPE` reads them.

/// Whether the whole of `text` matches `pattern`: `*`, `?` and `[…]`; a backslash is an ordinary byte.
///
/// It takes at most pattern times text steps.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut in_text) = (0, 0);
    // Where to go on when what follows the last star does not fit.
    let mut star: Option<(usize, usize)> = None;
    while in_text < text.len() {
        let step = match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, in_text));
                at += 1;
                continue;
            }
            Some(b'?') => Some(at + 1),
            Some(b'[') => match bracket(&pattern[at..], text[in_text]) {
                Some((true, length)) => Some(at + length),
                Some((false, _)) => None,
                None => (text[in_text] == b'[').then_some(at + 1),
            },
            Some(&byte) => (byte == text[in_text]).then_some(at + 1),
            None => None,
        };
        match (step, star) {
            (Some(next), _) => {
                at = next;
                in_text += 1;
            }
            (None, Some((behind, from))) => {
                at = behind;
                in_text = from + 1;
                star = Some((behind, from + 1));
            }
            (None, None) => return false,
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

/// Whether the bracket expression at the start of `pattern` holds `byte`, and its length; `None` where it has no end.
fn bracket(pattern: &[u8], byte: u8) -> Option<(bool, usize)> {
    let negated = matches!(pattern.get(1), Some(b'!' | b'^'));
    let first = if negated { 2 } else { 1 };
    let mut at = first;
    let mut found = false;
    loop {
        let &low = pattern.get(at)?;
        if low == b']' && at > first {
            return Some((found != negated, at + 1));
        }
        match (pattern.get(at + 1), pattern.get(at + 2)) {
            (Some(b'-'), Some(&high)) if high != b']' => {
                found |= (low..=high).contains(&byte);
                at += 3;
            }
            _ => {
                found |= low == byte;
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("br[1-3].service", "br2.service", true),
            ("br[1-3].service", "br4.service", false),
            ("[!a]", "b", true),
            ("[^a]", "a", false),
            ("[]a]", "]", true),
            ("[a-]", "-", true),
            ("[ab", "[ab", true),
            ("*.*.service", "a.b.service", true),
            ("a", "ab", false),
            ("", "", true),
            ("x\\*", "x\\y", true),
            ("**a**b**", "xaxxbx", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_end_soon() {
        assert!(!matches(&b"*a".repeat(2000), &b"a".repeat(1999)));
    }
}
