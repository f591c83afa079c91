//! From the text of a line to its parts.

use crate::identifiers::parse_id;
use crate::place::{goes_up, simplify};
use crate::specifier::{Letters, Specifiers};
use crate::timespan;
use crate::tmpfiles::TmpfilesProblem as Problem;
use crate::tmpfiles::line::{Age, LineKind, LinePath, Mode, Modifiers, Owner, TmpfilesLine};
use crate::words::{Backslash, Words, unescape};

/// Largest device numbers, as the kernel's `dev_t` has them.
const MAJOR_LIMIT: u32 = (1 << 12) - 1;
const MINOR_LIMIT: u32 = (1 << 20) - 1;

/// The letters of chattr(1) that `h` takes.
const ATTRIBUTES: &[u8] = b"aAcCdDeijPsStTu";

/// Takes a line apart that is neither empty nor a comment. Problems that leave it valid go to `told`.
pub(crate) fn parse(specifiers: &Specifiers, text: &[u8], told: &mut Vec<Problem>) -> Result<TmpfilesLine, Problem> {
    let mut words = Words::new(text, Backslash::Escape);
    let mut fields: [Option<Vec<u8>>; 6] = Default::default();
    for field in &mut fields {
        *field = words.next_word().map_err(|_| Problem::Quoting)?.map(|word| word.text);
    }
    let [command, path, mode, user, group, age] = fields;
    let (Some(command), Some(path)) = (command, path) else { return Err(Problem::NoPath) };
    let argument = given(words.rest()).map(<[u8]>::to_vec);

    let Some((&letter, signs)) = command.split_first() else { return Err(Problem::NoCommand) };
    let modifiers = modifiers(signs).ok_or_else(|| Problem::UnknownModifiers(command.clone()))?;
    let path = line_path(specifiers, path, told)?;
    let kind = LineKind::from_letter(letter).ok_or(Problem::UnknownKind(letter))?;
    if modifiers.if_target_exists && kind != LineKind::CreateSymlink {
        return Err(Problem::NotALink(kind.letter()));
    }
    let mut line = TmpfilesLine {
        file: Vec::new(),
        number: 0,
        kind,
        modifiers,
        path,
        mode: None,
        user: None,
        group: None,
        age: None,
        argument,
        copied: None,
    };
    check_argument(&mut line, told)?;
    resolve_argument(specifiers, &mut line)?;
    line.user = user.as_deref().and_then(given).map(owner);
    line.group = group.as_deref().and_then(given).map(owner);
    line.mode = mode.as_deref().and_then(given).map(parse_mode).transpose()?;
    line.age = age.as_deref().and_then(given).map(parse_age).transpose()?;
    if let LinePath::Known(path) = &line.path
        && goes_up(path)
    {
        return Err(Problem::NotNormalized(path.clone()));
    }
    Ok(line)
}

/// The field, unless it is empty or `-`.
fn given(field: &[u8]) -> Option<&[u8]> {
    (!field.is_empty() && field != b"-").then_some(field)
}

fn modifiers(signs: &[u8]) -> Option<Modifiers> {
    let mut modifiers = Modifiers::default();
    for sign in signs {
        let flag = match sign {
            b'!' => &mut modifiers.boot,
            b'+' => &mut modifiers.append_or_force,
            b'-' => &mut modifiers.allow_failure,
            b'=' => &mut modifiers.replace,
            b'~' => &mut modifiers.base64,
            b'^' => &mut modifiers.credential,
            b'$' => &mut modifiers.purge,
            b'?' => &mut modifiers.if_target_exists,
            _ => return None,
        };
        if std::mem::replace(flag, true) {
            return None;
        }
    }
    Some(modifiers)
}

fn line_path(specifiers: &Specifiers, written: Vec<u8>, told: &mut Vec<Problem>) -> Result<LinePath, Problem> {
    let expanded = specifiers.expand(Letters::Tmpfiles, &written);
    let mut path = match expanded {
        Ok(Ok(path)) => path,
        Ok(Err(why)) => return Ok(LinePath::Unresolved { written, why }),
        Err(error) => return Err(Problem::Specifiers { text: written, reason: error.to_string() }),
    };
    if !path.starts_with(b"/") {
        return Err(Problem::NotAbsolute(path));
    }
    path = simplify(&path);
    if let Some(below) = path.strip_prefix(b"/var/run/") {
        let to = [b"/run/", below].concat();
        told.push(Problem::VarRun { from: path, to: to.clone() });
        path = to;
    }
    Ok(LinePath::Known(path))
}

/// What systemd asks of the argument before it replaces specifiers in it.
fn check_argument(line: &mut TmpfilesLine, told: &mut Vec<Problem>) -> Result<(), Problem> {
    let (purpose, missing) = match line.kind {
        LineKind::CreateFile | LineKind::TruncateFile => return Ok(()),
        LineKind::WriteFile => {
            return if line.argument.is_none() { Err(Problem::ArgumentMissing("Write file")) } else { Ok(()) };
        }
        LineKind::CreateSymlink => ("symlink targets", None),
        LineKind::Copy => ("copy sources", None),
        LineKind::CreateCharDevice | LineKind::CreateBlockDevice => ("device node creation", Some("Device file")),
        LineKind::SetXattr | LineKind::SetXattrRecursive => ("extended attributes", Some("Set extended attribute")),
        LineKind::SetAcl | LineKind::SetAclRecursive => ("ACLs", Some("Set ACLs")),
        LineKind::SetAttribute | LineKind::SetAttributeRecursive => ("file attributes", Some("Set file attribute")),
        _ => {
            if line.argument.take().is_some() {
                told.push(Problem::ArgumentIgnored(line.kind.letter()));
            }
            return Ok(());
        }
    };
    if line.modifiers.base64 {
        return Err(Problem::NoBase64(purpose));
    }
    let Some(argument) = &line.argument else {
        return missing.map_or(Ok(()), |what| Err(Problem::ArgumentMissing(what)));
    };
    match line.kind {
        LineKind::CreateCharDevice | LineKind::CreateBlockDevice if !is_device(argument) => {
            Err(Problem::Device(argument.clone()))
        }
        LineKind::SetAttribute | LineKind::SetAttributeRecursive => {
            let letters = argument.strip_prefix(b"+").or_else(|| argument.strip_prefix(b"-"));
            let letters = letters.or_else(|| argument.strip_prefix(b"=")).unwrap_or(argument);
            let unknown = letters.iter().find(|letter| !ATTRIBUTES.contains(letter));
            unknown.map_or(Ok(()), |&letter| Err(Problem::Attribute(letter)))
        }
        LineKind::SetXattr | LineKind::SetXattrRecursive => {
            xattrs(argument, told);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn is_device(argument: &[u8]) -> bool {
    let number = |text: &[u8], limit: u32| {
        let plain = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
        plain && std::str::from_utf8(text).is_ok_and(|text| text.parse::<u32>().is_ok_and(|value| value <= limit))
    };
    let Some(colon) = argument.iter().position(|&byte| byte == b':') else { return false };
    number(&argument[..colon], MAJOR_LIMIT) && number(&argument[colon + 1..], MINOR_LIMIT)
}

fn xattrs(argument: &[u8], told: &mut Vec<Problem>) {
    let mut words = Words::new(argument, Backslash::Escape);
    loop {
        match words.next_word() {
            Ok(None) => return,
            Err(_) => {
                told.push(Problem::Xattr(argument.to_vec()));
                return;
            }
            Ok(Some(word)) => match word.text.iter().position(|&byte| byte == b'=') {
                Some(equals) if equals > 0 && equals + 1 < word.text.len() => {}
                _ => told.push(Problem::Xattr(word.text)),
            },
        }
    }
}

/// Undoes escapes, replaces specifiers, and fills in the default.
fn resolve_argument(specifiers: &Specifiers, line: &mut TmpfilesLine) -> Result<(), Problem> {
    let replaced = match line.kind {
        LineKind::Copy
        | LineKind::CreateSymlink
        | LineKind::CreateFile
        | LineKind::TruncateFile
        | LineKind::WriteFile => !line.modifiers.base64,
        _ => false,
    };
    let mut known = true;
    if let Some(argument) = line.argument.as_mut().filter(|_| replaced) {
        let failed = |reason: String| Problem::Argument { reason };
        let plain = unescape(argument).ok_or_else(|| failed("Invalid argument".to_owned()))?;
        match specifiers.expand(Letters::Tmpfiles, &plain).map_err(|error| failed(error.to_string()))? {
            Ok(text) if line.kind == LineKind::Copy => *argument = simplify(&text),
            Ok(text) => *argument = text,
            Err(_) => known = false,
        }
    }
    if let (None, LineKind::Copy | LineKind::CreateSymlink, LinePath::Known(path)) =
        (&line.argument, line.kind, &line.path)
    {
        line.argument = Some([b"/usr/share/factory", path.as_slice()].concat());
    }
    let Some(argument) = &line.argument else {
        return if line.modifiers.credential { Err(Problem::NoCredential) } else { Ok(()) };
    };
    if line.kind == LineKind::Copy && known && !argument.starts_with(b"/") {
        return Err(Problem::SourceNotAbsolute(argument.clone()));
    }
    if line.modifiers.credential {
        let usable = argument.len() <= 255 && argument != b"." && argument != b".." && !argument.contains(&b'/');
        return if usable { Ok(()) } else { Err(Problem::Credential(argument.clone())) };
    }
    if line.modifiers.base64 && !is_base64(argument) {
        return Err(Problem::Base64(argument.clone()));
    }
    Ok(())
}

/// Whether it is Base64 with its padding; whitespace may stand anywhere.
fn is_base64(text: &[u8]) -> bool {
    let letters: Vec<u8> = text.iter().copied().filter(|byte| !crate::lines::WHITESPACE.contains(byte)).collect();
    let padding = letters.iter().rev().take_while(|&&byte| byte == b'=').count();
    let body = &letters[..letters.len() - padding];
    letters.len().is_multiple_of(4)
        && padding <= 2
        && body.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
}

fn owner(field: &[u8]) -> Owner {
    let (only_create, name) = match field.strip_prefix(b":") {
        Some(name) => (true, name),
        None => (false, field),
    };
    let name = if parse_id(name) == Ok(0) { b"root".to_vec() } else { name.to_vec() };
    Owner { name, only_create }
}

fn parse_mode(field: &[u8]) -> Result<Mode, Problem> {
    let digits = field.iter().position(|byte| !b"~:".contains(byte)).unwrap_or(field.len());
    let (signs, digits) = field.split_at(digits);
    let octal = !digits.is_empty() && digits.iter().all(|byte| (b'0'..=b'7').contains(byte));
    let bits = std::str::from_utf8(digits).ok().filter(|_| octal).and_then(|text| u16::from_str_radix(text, 8).ok());
    let bits = bits.filter(|&bits| bits <= 0o7777).ok_or_else(|| Problem::Mode(field.to_vec()))?;
    Ok(Mode { bits, masked: signs.contains(&b'~'), only_create: signs.contains(&b':') })
}

fn parse_age(field: &[u8]) -> Result<Age, Problem> {
    let (keep_first_level, rest) = match field.strip_prefix(b"~") {
        Some(rest) => (true, rest),
        None => (false, field),
    };
    let (by, span) = match rest.iter().position(|&byte| byte == b':') {
        Some(colon) => (Some(&rest[..colon]), &rest[colon + 1..]),
        None => (None, rest),
    };
    let stamps = by.map_or(Ok(Vec::new()), |by| age_by(by).ok_or_else(|| Problem::AgeBy(by.to_vec())))?;
    let microseconds = timespan::parse(span).ok_or_else(|| Problem::Age(span.to_vec()))?;
    Ok(Age { keep_first_level, by: stamps, microseconds })
}

fn age_by(letters: &[u8]) -> Option<Vec<u8>> {
    const STAMPS: &[u8] = b"abcmABCM";
    let letters: Vec<u8> = letters.iter().copied().filter(|byte| !crate::lines::WHITESPACE.contains(byte)).collect();
    let known = !letters.is_empty() && letters.iter().all(|letter| STAMPS.contains(letter));
    known.then(|| STAMPS.iter().copied().filter(|stamp| letters.contains(stamp)).collect())
}
