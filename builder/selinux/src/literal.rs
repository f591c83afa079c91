//! What of a pattern is a path as it stands.

/// libselinux: `SPEC_NODE_MAX_DEPTH`, the number of leading names by which patterns are sorted.
const STEMS: usize = 3;

/// The path that a pattern without metacharacters means; `None` for true patterns.
///
/// An escape makes a literal only where libselinux 3.8 has it in its list (`regex_simplify`); elder releases took
/// every escape. It decides only who goes first.
pub(crate) fn literal(pattern: &[u8]) -> Option<Vec<u8>> {
    let mut path = Vec::with_capacity(pattern.len());
    let mut bytes = pattern.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'.' | b'^' | b'$' | b'?' | b'*' | b'+' | b'|' | b'[' | b'(' | b'{' | b']' | b')' | b'}' => return None,
            b'\\' => path.push(*bytes.next().filter(|byte| b".^$?*+|[({])}-_,".contains(byte))?),
            _ => path.push(byte),
        }
    }
    Some(path)
}

/// The leading names of a pattern that are literal and followed by a slash, at most three: the only directories below
/// which libselinux tries it (`insert_spec`). For nearly all patterns it could match nowhere else anyhow; it is seen
/// in those like `/run/*.pid`, which never match `/runx.pid`.
pub(crate) fn stems(pattern: &[u8]) -> Vec<Vec<u8>> {
    let mut stems = Vec::new();
    // libselinux passes over the first byte whatever it is, so `\A/usr/x.*` is tried nowhere.
    let Some((_, mut rest)) = pattern.split_first() else { return stems };
    while stems.len() < STEMS {
        let Some(slash) = rest.iter().position(|&byte| byte == b'/') else { break };
        if slash > 0 {
            let Some(name) = literal(&rest[..slash]) else { break };
            stems.push(name);
        }
        rest = &rest[slash + 1..];
    }
    stems
}

#[cfg(test)]
mod tests {
    use super::{literal, stems};

    #[test]
    fn only_known_escapes_make_a_literal() {
        for (pattern, expected) in [
            ("/etc/passwd", Some("/etc/passwd")),
            (r"/etc/ld\.so\.conf", Some("/etc/ld.so.conf")),
            (r"/lost\+found", Some("/lost+found")),
            (r"/a\-b\_c\,d", Some("/a-b_c,d")),
            (r"/a\d", None),
            (r"/a\@b", None),
            ("/a}", None),
            ("/a.b", None),
            (r"/a\", None),
        ] {
            assert_eq!(literal(pattern.as_bytes()).as_deref(), expected.map(str::as_bytes), "{pattern}");
        }
    }

    #[test]
    fn stems_are_literal_names_before_a_slash() {
        for (pattern, expected) in [
            ("/usr/lib/x(/.*)?", &["usr", "lib"][..]),
            ("/usr/bin(/.*)?", &["usr"]),
            ("/a/b/c/d/e.*", &["a", "b", "c"]),
            (r"/lost\+found/.*", &["lost+found"]),
            ("/usr//lib/.*", &["usr", "lib"]),
            ("/.*/x", &[]),
            ("/(usr|bin)/x", &[]),
            ("/run/*.pid", &["run"]),
            (".*/x", &[]),
        ] {
            let found: Vec<_> =
                stems(pattern.as_bytes()).into_iter().map(|stem| String::from_utf8(stem).unwrap()).collect();
            assert_eq!(found, expected, "{pattern}");
        }
    }
}
