//! Which modules need which: `moddep.lst`, as `genmoddep.awk` of GRUB writes it.

use std::collections::{BTreeMap, BTreeSet};

use crate::CoreError;
use crate::error::wrong;

/// The file.
pub(crate) const LIST: &str = "moddep.lst";

/// What each module needs, by name, in the order of its line.
pub(crate) struct Dependencies<'a>(BTreeMap<&'a str, Vec<&'a str>>);

impl<'a> Dependencies<'a> {
    /// Reads lines of `module: module module …`.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, CoreError> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            wrong(LIST, "its text", format!("no UTF-8 from byte {} on", error.valid_up_to()), "plain text")
        })?;
        let mut needs = BTreeMap::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let Some((module, needed)) = line.split_once(':') else {
                let shown: String = line.chars().take(60).collect();
                return Err(wrong(LIST, "a line", format!("{shown:?}"), "a name, a colon, and names"));
            };
            let needed: Vec<&str> = needed.split_whitespace().collect();
            for name in needed.iter().chain([&module.trim()]) {
                check_name(name)?;
            }
            needs.insert(module.trim(), needed);
        }
        Ok(Self(needs))
    }

    /// The modules `wanted` and all that they need, each behind what it needs itself, and the module that needs it first.
    ///
    /// The order is that of `grub-mkimage` (`util/resolve.c`), which goes through the needs of a module from last to first.
    pub(crate) fn resolve(&self, wanted: &[&'a str]) -> Result<Vec<(&'a str, Option<&'a str>)>, CoreError> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        // What is still to be looked at, the next one last: a module, who needs it, and whether its needs are in already.
        let mut open: Vec<(&str, Option<&str>, bool)> = wanted.iter().rev().map(|&name| (name, None, false)).collect();
        while let Some((name, by, is_ready)) = open.pop() {
            if is_ready {
                found.push((name, by));
                continue;
            }
            if !seen.insert(name) {
                continue;
            }
            let Some(needs) = self.0.get(name) else {
                return Err(CoreError::Missing {
                    piece: format!("a line for {name} in {LIST}"),
                    by: by.map(str::to_owned),
                });
            };
            open.push((name, by, true));
            open.extend(needs.iter().map(|&need| (need, Some(name), false)));
        }
        Ok(found)
    }
}

/// Names become names of files.
fn check_name(name: &str) -> Result<(), CoreError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+');
    if name.is_empty() || !name.bytes().all(is_plain) {
        let shown: String = name.chars().take(60).collect();
        return Err(wrong(LIST, "the name of a module", format!("{shown:?}"), "letters, digits, _, - and +"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Dependencies;

    #[test]
    fn each_module_comes_once_and_behind_what_it_needs() {
        let list = b"a: b c\nb: d\nc: d\nd:\ne: e a\n\n";
        let list = Dependencies::parse(list).unwrap();
        let names = |wanted: &[&'static str]| -> Vec<String> {
            list.resolve(wanted).unwrap().into_iter().map(|(name, _)| name.to_owned()).collect()
        };
        assert_eq!(names(&["a"]), ["d", "c", "b", "a"]);
        assert_eq!(names(&["d", "b", "a", "b"]), ["d", "b", "c", "a"]);
        // One that needs itself is no riddle.
        assert_eq!(names(&["e"]), ["d", "c", "b", "a", "e"]);
    }

    #[test]
    fn a_list_that_is_none_is_refused_in_words() {
        for (list, words) in [
            (&b"a\n"[..], "a line is \"a\""),
            (b"a: ../b\n", "the name of a module is \"../b\""),
            (b": b\n", "the name of a module is \"\""),
            (b"a: \xFF\n", "no UTF-8 from byte 3 on"),
        ] {
            let error = Dependencies::parse(list).err().unwrap().to_string();
            assert!(error.contains(words), "{error}");
        }
        let list = Dependencies::parse(b"a: b\n").unwrap();
        let error = list.resolve(&["a"]).unwrap_err().to_string();
        assert_eq!(error, "GRUB for a BIOS lacks a line for b in moddep.lst, which its module a needs");
    }
}
