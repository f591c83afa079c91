//! `file_contexts.subs` and `.subs_dist`: paths that are looked up as others.

/// One of the two files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Substitutions {
    /// Prefix and what stands for it, in file order.
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Substitutions {
    /// Reads the file as libselinux' `selabel_subs_init` does: two words a line; `#` begins a comment line; a line
    /// with one word says nothing.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let pairs = text
            .split(|&byte| byte == b'\n')
            .filter_map(|line| {
                let mut words = words(line);
                let from = words.next().filter(|word| !word.starts_with(b"#"))?;
                Some((from.to_vec(), words.next()?.to_vec()))
            })
            .collect();
        Self { pairs }
    }

    /// The path with its prefix replaced, where a line has one that ends at a slash or at the path's end.
    ///
    /// The last line of the file that fits is taken, once (libselinux before 3.8 and from 3.9 on; 3.8 took the
    /// first, which was called a bug).
    pub(crate) fn apply(&self, path: &[u8]) -> Option<Vec<u8>> {
        self.pairs.iter().rev().find_map(|(from, to)| {
            let rest = path.strip_prefix(from.as_slice())?;
            let rest = match rest.first() {
                None => rest,
                // "/" for a prefix leaves one slash, not two.
                Some(b'/') if to == b"/" => &rest[1..],
                Some(b'/') => rest,
                Some(_) => return None,
            };
            Some([to.as_slice(), rest].concat())
        })
    }
}

/// What the C locale's `isspace` separates.
pub(crate) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| matches!(byte, b' ' | b'\t'..=b'\r')).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::Substitutions;

    #[test]
    fn prefixes_end_at_names_and_the_last_line_wins() {
        let subs = Substitutions::parse(
            b"# comment\n/lib64 /usr/lib\n\n  /usr/lib64\t/usr/lib  more\n/alone\n/root /\n/lib64/x /first\n/lib64/x /last",
        );
        for (path, expected) in [
            ("/lib64", Some("/usr/lib")),
            ("/lib64/a/lib64", Some("/usr/lib/a/lib64")),
            ("/lib640", None),
            ("/lib64/x/y", Some("/last/y")),
            ("/usr/lib64/z", Some("/usr/lib/z")),
            ("/root", Some("/")),
            ("/root/a", Some("/a")),
            ("/alone", None),
            ("/", None),
        ] {
            let found = subs.apply(path.as_bytes());
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{path}");
        }
    }
}
