//! Patterns of names, as systemd-boot's `default` has them.

/// Whether `name` is what `pattern` says: `*`, `?`, `[a-z]`, `[!a-z]`, and `\` before what is meant as it stands.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where to go on when it does not fit: only the last star has to be tried again.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p + 1, n));
            p += 1;
        } else if let Some(length) = one(&pattern[p..], name[n]) {
            p += length;
            n += 1;
        } else if let Some((after, from)) = star {
            star = Some((after, from + 1));
            (p, n) = (after, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&rest| rest == '*')
}

/// How many characters of the pattern the character takes; `None` where it does not fit.
fn one(pattern: &[char], character: char) -> Option<usize> {
    match *pattern {
        [] => None,
        ['?', ..] => Some(1),
        ['\\', escaped, ..] => (escaped == character).then_some(2),
        ['[', ref rest @ ..] => class(rest, character),
        [plain, ..] => (plain == character).then_some(1),
    }
}

fn class(rest: &[char], character: char) -> Option<usize> {
    let negated = matches!(rest.first(), Some('!' | '^'));
    let first = usize::from(negated);
    // A bracket in the first place is one of the characters.
    let close = rest.iter().skip(first + 1).position(|&one| one == ']')? + first + 1;
    let mut inside = &rest[first..close];
    let mut found = false;
    while let [low, after @ ..] = inside {
        inside = match after {
            ['-', high, behind @ ..] => {
                found |= (*low..=*high).contains(&character);
                behind
            }
            _ => {
                found |= *low == character;
                after
            }
        };
    }
    (found != negated).then_some(close + 2)
}

#[cfg(test)]
mod tests {
    #[test]
    fn patterns_match_whole_names() {
        for (pattern, name, expected) in [
            ("ostree-*", "ostree-1.conf", true),
            ("ostree-?.conf", "ostree-1.conf", true),
            ("ostree-?.conf", "ostree-12.conf", false),
            ("*", "", true),
            ("a*b*c", "axxbxbxc", true),
            ("a*b*c", "axxbxbx", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]a]", "]", true),
            ("[abc", "a", false),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("", "a", false),
        ] {
            assert_eq!(super::matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
