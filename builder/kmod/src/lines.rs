//! The lines of the text files that `depmod` and the kernel's build write.

use crate::ReadError;
use crate::error::shown;
use crate::modules::{DeviceNode, Module, Softdep};
use crate::name::{module_name, normalized};

/// Longest name of a module, alias or device that is read, in bytes. The kernel's own limit for names of modules is 56
/// (`MODULE_NAME_LEN`), aliases of device trees have some hundred.
const MAX_WORD_BYTES: usize = 4096;

/// What is wrong with a line, as a verb and its object.
pub(crate) type Problem = &'static str;

/// Parses all lines that are neither empty nor comments.
pub(crate) fn parse<T>(
    path: &str,
    bytes: &[u8],
    mut line: impl FnMut(&str) -> Result<T, Problem>,
) -> Result<Vec<T>, ReadError> {
    let mut parsed = Vec::new();
    for (number, raw) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        let found = match std::str::from_utf8(raw).map(str::trim) {
            Ok("") => continue,
            Ok(text) if text.starts_with('#') => continue,
            Ok(text) => line(text),
            Err(_) => Err("is not UTF-8"),
        };
        let fault = |problem| ReadError::Line { path: path.to_owned(), line: number, problem, text: shown(raw) };
        parsed.push(found.map_err(fault)?);
    }
    Ok(parsed)
}

/// `kernel/a.ko.xz: kernel/b.ko.xz kernel/c.ko.xz`, in `modules.dep`.
pub(crate) fn dependencies(line: &str) -> Result<Module, Problem> {
    let (path, rest) = line.split_once(':').ok_or("has no colon behind a path")?;
    let name = name_of(path)?;
    let depends = rest.split_ascii_whitespace().map(name_of).collect::<Result<_, _>>()?;
    Ok(Module { name, path: path.to_owned(), depends })
}

/// `kernel/fs/ext4/ext4.ko`, in `modules.builtin` and `modules.order`.
pub(crate) fn name_of(path: &str) -> Result<String, Problem> {
    if path.strip_prefix('/').unwrap_or(path).split('/').any(|name| matches!(name, "" | "." | "..")) {
        return Err("has a path with an empty name or dots");
    }
    if path.len() > MAX_WORD_BYTES {
        return Err("has a path of more than 4096 bytes");
    }
    if path.contains(|c: char| c.is_ascii_whitespace() || c.is_control()) {
        return Err("has a path with blanks or control characters");
    }
    module_name(path).ok_or("has a path that is not one of a module")
}

/// `alias PATTERN MODULE`, in `modules.alias`. Gives pattern and module as they stand there.
pub(crate) fn alias(line: &str) -> Result<(String, String), Problem> {
    let problem = "is not \"alias PATTERN MODULE\"";
    let rest = line.strip_prefix("alias ").ok_or(problem)?;
    // A pattern may have blanks, a module's name has none.
    let (pattern, module) = rest.trim().rsplit_once([' ', '\t']).ok_or(problem)?;
    if pattern.len() > MAX_WORD_BYTES {
        return Err("has a pattern of more than 4096 bytes");
    }
    Ok((pattern.trim().to_owned(), word(module)?))
}

/// `softdep MODULE pre: A B post: C`, in `modules.softdep`.
pub(crate) fn softdep(line: &str) -> Result<(String, Softdep), Problem> {
    let mut words = line.split_ascii_whitespace();
    if words.next() != Some("softdep") {
        return Err("does not begin with \"softdep\"");
    }
    let module = word(words.next().ok_or("has no module")?)?;
    let (before, after) = soft_names(words)?;
    Ok((normalized(&module), Softdep { before, after }))
}

/// `pre: A B post: C`: the value of a `softdep` field too.
pub(crate) fn soft_names<'a>(words: impl Iterator<Item = &'a str>) -> Result<(Vec<String>, Vec<String>), Problem> {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let mut is_after = None;
    for name in words {
        match (name, is_after) {
            ("pre:", _) => is_after = Some(false),
            ("post:", _) => is_after = Some(true),
            // Does nothing for modprobe either; some modules of real kernels have it (cifs: "gcm").
            (_, None) => {}
            (_, Some(true)) => after.push(word(name)?),
            (_, Some(false)) => before.push(word(name)?),
        }
    }
    Ok((before, after))
}

/// `MODULE NODE cMAJOR:MINOR`, in `modules.devname`.
pub(crate) fn device_node(line: &str) -> Result<DeviceNode, Problem> {
    let problem = "is not \"MODULE NODE cMAJOR:MINOR\" or \"MODULE NODE bMAJOR:MINOR\"";
    let words: Vec<_> = line.split_ascii_whitespace().take(4).collect();
    let [module, path, numbers] = words[..] else { return Err(problem) };
    let (is_block, numbers) = match (numbers.strip_prefix('b'), numbers.strip_prefix('c')) {
        (Some(numbers), _) => (true, numbers),
        (None, Some(numbers)) => (false, numbers),
        (None, None) => return Err(problem),
    };
    let (major, minor) = numbers.split_once(':').ok_or(problem)?;
    let number = |digits: &str| digits.parse::<u32>().map_err(|_| problem);
    Ok(DeviceNode {
        module: normalized(&word(module)?),
        path: word(path)?,
        is_block,
        major: number(major)?,
        minor: number(minor)?,
    })
}

fn word(word: &str) -> Result<String, Problem> {
    if word.len() > MAX_WORD_BYTES {
        return Err("has a name of more than 4096 bytes");
    }
    Ok(word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_modules_dep_are_read() {
        let text = b"# from depmod\nkernel/fs/a-b.ko.xz: kernel/lib/c.ko.xz  kernel/d.ko\n\nextra/e.ko:\r\n";
        let modules = parse("modules.dep", text, dependencies).unwrap();
        let module = |name: &str, path: &str, depends: &[&str]| Module {
            name: name.into(),
            path: path.into(),
            depends: depends.iter().map(|&name| name.into()).collect(),
        };
        assert_eq!(modules, [module("a_b", "kernel/fs/a-b.ko.xz", &["c", "d"]), module("e", "extra/e.ko", &[])]);
    }

    #[test]
    fn malformed_lines_are_named_with_file_and_number() {
        type Check = fn(&str) -> Result<(), Problem>;
        let dependencies: Check = |line| dependencies(line).map(drop);
        let alias: Check = |line| alias(line).map(drop);
        let softdep: Check = |line| softdep(line).map(drop);
        let device: Check = |line| device_node(line).map(drop);
        for (parser, line, words) in [
            (dependencies, "kernel/a.ko", "no colon"),
            (dependencies, "kernel/../a.ko:", "empty name or dots"),
            (dependencies, "kernel/a.ko: /b.ko //c.ko", "empty name or dots"),
            (dependencies, "a.ko: b", "not one of a module"),
            (dependencies, "a b.ko:", "blanks"),
            (dependencies, ":", "empty name"),
            (alias, "alias x", "is not \"alias"),
            (alias, "option x y", "is not \"alias"),
            (softdep, "softdep", "no module"),
            (softdep, "alias a b", "does not begin"),
            (device, "fuse fuse 10:229", "is not \"MODULE NODE"),
            (device, "fuse fuse c10", "is not \"MODULE NODE"),
            (device, "fuse fuse c10:99999999999", "is not \"MODULE NODE"),
            (device, "fuse fuse c10:229 more", "is not \"MODULE NODE"),
            (device, "fuse", "is not \"MODULE NODE"),
        ] {
            let error = parse("lib/x", format!("#\n\n{line}\n").as_bytes(), parser).unwrap_err();
            let message = error.to_string();
            assert!(message.starts_with("line 3 of lib/x ") && message.contains(words), "{message}");
            assert!(error.hint().is_some());
        }
        let error = parse("x", b"a.ko:\nb\xff.ko:", dependencies).unwrap_err();
        assert_eq!(error.to_string(), "line 2 of x is not UTF-8: \"b\u{fffd}.ko:\"");
    }

    #[test]
    fn the_other_lists_are_read() {
        assert_eq!(alias("alias fs-ext4 ext4"), Ok(("fs-ext4".into(), "ext4".into())));
        assert_eq!(alias("alias dmi:a b* x"), Ok(("dmi:a b*".into(), "x".into())));
        assert_eq!(
            softdep("softdep a-b pre: c  d post: e"),
            Ok(("a_b".into(), Softdep { before: vec!["c".into(), "d".into()], after: vec!["e".into()] }))
        );
        assert_eq!(softdep("softdep cifs gcm"), Ok(("cifs".into(), Softdep { before: Vec::new(), after: Vec::new() })));
        assert_eq!(
            device_node("tun net/tun c10:200"),
            Ok(DeviceNode { module: "tun".into(), path: "net/tun".into(), is_block: false, major: 10, minor: 200 })
        );
        assert_eq!(name_of("kernel/lib/crc32c-x.ko"), Ok("crc32c_x".into()));
    }
}
