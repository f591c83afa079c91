//! The command lines of services.
//!
//! Source: systemd.service(5), "Command Lines".

use crate::lines::{WHITESPACE, skip_space};
use crate::place::simplify;
use crate::specifier::{Letters, Specifiers};
use crate::units::name::UnitName;
use crate::units::unit::Assignment;
use crate::words::{Backslash, Words};
use crate::{UnitProblem as Problem, UnitType};

/// A program that a unit starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The setting, as `ExecStart`.
    pub setting: &'static str,
    /// The program: an absolute path, or a name that is searched for.
    pub program: Vec<u8>,
    /// `-`: a failure is no failure.
    pub ignore_failure: bool,
}

/// The settings that hold commands.
pub(crate) fn setting(unit_type: UnitType, assignment: &Assignment) -> Option<&'static str> {
    let known: &[&'static str] = match unit_type {
        UnitType::Service => &[
            "ExecCondition",
            "ExecStartPre",
            "ExecStart",
            "ExecStartPost",
            "ExecReload",
            "ExecReloadPost",
            "ExecStop",
            "ExecStopPost",
        ],
        UnitType::Socket => &["ExecStartPre", "ExecStartPost", "ExecStopPre", "ExecStopPost"],
        _ => &[],
    };
    let here = assignment.section == unit_type.section();
    known.iter().copied().find(|known| here && known.as_bytes() == assignment.key)
}

/// The commands in one value, which is not empty. `None` in place of a program that depends on the running machine, or
/// that a shell looks for. Problems that leave the command valid go to `told`.
pub(crate) fn parse(
    specifiers: &Specifiers,
    unit: &UnitName,
    setting: &'static str,
    value: &[u8],
    told: &mut Vec<Problem>,
) -> Result<Vec<Option<Command>>, Problem> {
    let mut commands = Vec::new();
    let mut rest = skip_space(value);
    while !rest.is_empty() {
        let mut words = Words::new(rest, Backslash::Lenient);
        let quoting = |_| Problem::Quoting(value.to_vec());
        let Some(first) = words.next_word().map_err(quoting)? else { break };
        if first.text == b";" {
            rest = words.rest();
            continue;
        }
        if first.unknown_escapes {
            told.push(Problem::Escapes(first.text.clone()));
        }
        let (prefixes, path) = Prefixes::take(&first.text);
        let command = program(specifiers, unit, path, prefixes.ignore_failure)?.filter(|_| !prefixes.shell);
        let mut arguments = 0_usize;
        loop {
            rest = words.rest();
            if let Some(behind) = separator(rest) {
                rest = skip_space(behind);
                break;
            }
            // An escaped separator is an ordinary argument.
            if let Some(behind) = rest.strip_prefix(b"\\").and_then(separator) {
                words = Words::new(skip_space(behind), Backslash::Lenient);
                arguments += 1;
                continue;
            }
            match words.next_word().map_err(quoting)? {
                None => {
                    rest = b"";
                    break;
                }
                Some(word) => {
                    if word.unknown_escapes {
                        told.push(Problem::Escapes(word.text));
                    }
                    arguments += 1;
                }
            }
        }
        if prefixes.own_name && arguments == 0 {
            return Err(Problem::NoName);
        }
        let ignore_failure = prefixes.ignore_failure;
        commands.push(command.map(|program| Command { setting, program, ignore_failure }));
    }
    Ok(commands)
}

/// What stands behind a semicolon that is a word of its own.
fn separator(text: &[u8]) -> Option<&[u8]> {
    let behind = text.strip_prefix(b";")?;
    behind.first().is_none_or(|byte| WHITESPACE.contains(byte)).then_some(behind)
}

/// The program; `None` where it is known only on the running machine.
fn program(specifiers: &Specifiers, unit: &UnitName, path: &[u8], ignored: bool) -> Result<Option<Vec<u8>>, Problem> {
    if path.is_empty() {
        return Err(Problem::NoProgram);
    }
    let path = match specifiers.expand(Letters::Unit(unit), path) {
        Ok(Ok(path)) => path,
        Ok(Err(_)) => return Ok(None),
        Err(error) => return Err(Problem::Specifiers { text: path.to_vec(), reason: error.to_string() }),
    };
    let name = !path.contains(&b'/') && path != b"." && path != b".." && !path.is_empty();
    if !path.starts_with(b"/") && !name {
        return Err(Problem::ProgramPath { path, ignored });
    }
    if path.ends_with(b"/") {
        return Err(Problem::ProgramSlash(path));
    }
    Ok(Some(simplify(&path)))
}

/// The signs before a program.
#[derive(Default)]
struct Prefixes {
    ignore_failure: bool,
    own_name: bool,
    literal: bool,
    privileges: Privileges,
    shell: bool,
}

/// Of the three only one may be given.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Privileges {
    #[default]
    Usual,
    Full,
    NoUser,
    Ambient,
}

impl Prefixes {
    /// The signs, and what follows them.
    fn take(word: &[u8]) -> (Self, &[u8]) {
        let mut prefixes = Self::default();
        let mut rest = word;
        while let Some((sign, behind)) = rest.split_first() {
            match (sign, prefixes.privileges) {
                (b'-', _) if !prefixes.ignore_failure => prefixes.ignore_failure = true,
                (b'@', _) if !prefixes.own_name => prefixes.own_name = true,
                (b':', _) if !prefixes.literal => prefixes.literal = true,
                (b'|', _) if !prefixes.shell => prefixes.shell = true,
                (b'+', Privileges::Usual) => prefixes.privileges = Privileges::Full,
                (b'!', Privileges::Usual) => prefixes.privileges = Privileges::NoUser,
                (b'!', Privileges::NoUser) => prefixes.privileges = Privileges::Ambient,
                _ => break,
            }
            rest = behind;
        }
        (prefixes, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::specifier::Specifiers;
    use crate::{UnitName, UnitProblem};

    fn programs(value: &str) -> Result<Vec<String>, UnitProblem> {
        let unit = UnitName::parse(b"u.service").unwrap();
        let commands = parse(&Specifiers::default(), &unit, "ExecStart", value.as_bytes(), &mut Vec::new())?;
        let shown = commands.into_iter().map(|command| {
            command.map_or("?".to_owned(), |command| {
                let sign = if command.ignore_failure { "-" } else { "" };
                format!("{sign}{}", String::from_utf8(command.program).unwrap())
            })
        });
        Ok(shown.collect())
    }

    #[test]
    fn programs_stand_behind_their_signs() {
        for (value, expected) in [
            ("/bin/a -x", &["/bin/a"][..]),
            ("-@/bin/a name", &["-/bin/a"]),
            ("@-:+/bin/a name", &["-/bin/a"]),
            ("!!/bin/a", &["/bin/a"]),
            ("/bin/a x ; /bin/b y", &["/bin/a", "/bin/b"]),
            ("/bin/a x ;/bin/b y", &["/bin/a"]),
            ("/bin/a x \\; /bin/b y", &["/bin/a"]),
            ("/bin/a ;", &["/bin/a"]),
            (";", &[]),
            ("\"/bin/a b\" c", &["/bin/a b"]),
            ("/bin/a\\x20b c", &["/bin/a b"]),
            ("prog x", &["prog"]),
            ("/bin//%p", &["/bin/u"]),
            ("/bin/%m", &["?"]),
            ("|/bin/a", &["?"]),
        ] {
            assert_eq!(programs(value).unwrap(), expected, "{value}");
        }
    }
}
