//! Percent specifiers, as far as they are known when an image is built.
//!
//! Source: tmpfiles.d(5), sysusers.d(5) and systemd.unit(5), each with its own table "Specifiers".

use crate::os_release::OsRelease;

/// Longest result in bytes: `PATH_MAX` without its NUL.
pub(crate) const EXPANDED_LIMIT: usize = 4095;

/// A specifier that stands for something only the running machine knows, as its name or its kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("it depends on %{}, which is known only on the running machine", char::from(*.specifier))]
pub struct Unresolved {
    /// The letter.
    pub specifier: u8,
}

/// A text that systemd itself could not expand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SpecifierError {
    /// No such letter in this kind of file.
    #[error("Invalid slot")]
    Unknown,
    /// The result has more than [`EXPANDED_LIMIT`] bytes.
    #[error("File name too long")]
    TooLong,
}

/// The kinds of file, each with its own letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Letters<'a> {
    /// tmpfiles.d.
    Tmpfiles,
    /// sysusers.d.
    Sysusers,
    /// Unit files, for the unit of this name.
    Unit(&'a crate::UnitName),
}

/// Expands specifiers with an image's values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Specifiers {
    pub(crate) os: OsRelease,
}

enum Value<'a> {
    Text(&'a [u8]),
    Owned(Vec<u8>),
    Later,
    None,
}

impl Specifiers {
    /// `text` with its specifiers replaced; the first one that cannot be known is the inner error.
    pub(crate) fn expand(
        &self,
        letters: Letters<'_>,
        text: &[u8],
    ) -> Result<Result<Vec<u8>, Unresolved>, SpecifierError> {
        let mut out = Vec::with_capacity(text.len());
        let mut unresolved = None;
        let mut rest = text;
        while let Some((&byte, behind)) = rest.split_first() {
            rest = behind;
            match (byte, rest.first()) {
                (b'%', Some(b'%')) => {
                    out.push(b'%');
                    rest = &rest[1..];
                }
                (b'%', Some(&letter)) => {
                    match self.value(letters, letter) {
                        Value::Text(value) => out.extend_from_slice(value),
                        Value::Owned(value) => out.extend_from_slice(&value),
                        Value::Later => {
                            unresolved.get_or_insert(Unresolved { specifier: letter });
                        }
                        Value::None if letter.is_ascii_alphanumeric() => return Err(SpecifierError::Unknown),
                        Value::None => out.extend_from_slice(&[b'%', letter]),
                    }
                    rest = &rest[1..];
                }
                _ => out.push(byte),
            }
            if out.len() > EXPANDED_LIMIT {
                return Err(SpecifierError::TooLong);
            }
        }
        Ok(unresolved.map_or(Ok(out), Err))
    }

    fn value(&self, letters: Letters<'_>, letter: u8) -> Value<'_> {
        let value = match letter {
            b'o' => self.os.field("ID"),
            b'w' => self.os.field("VERSION_ID"),
            b'B' => self.os.field("BUILD_ID"),
            b'W' => self.os.field("VARIANT_ID"),
            b'T' => b"/tmp",
            b'V' => b"/var/tmp",
            // The architecture is the image's, but under which name depends on the processor it runs on.
            b'a' | b'b' | b'H' | b'l' | b'm' | b'v' => return Value::Later,
            _ => match letters {
                Letters::Tmpfiles => return tmpfiles(letter),
                Letters::Sysusers => return self.image(letter),
                Letters::Unit(name) => match unit(name, letter) {
                    Value::None => return self.image(letter),
                    value => return value,
                },
            },
        };
        Value::Text(value)
    }

    fn image(&self, letter: u8) -> Value<'_> {
        match letter {
            b'A' => Value::Text(self.os.field("IMAGE_VERSION")),
            b'M' => Value::Text(self.os.field("IMAGE_ID")),
            _ => Value::None,
        }
    }
}

/// The directories and the user of the system manager.
fn system(letter: u8) -> Value<'static> {
    Value::Text(match letter {
        b'C' => b"/var/cache",
        b'L' => b"/var/log",
        b'S' => b"/var/lib",
        b't' => b"/run",
        b'h' => b"/root",
        b'g' | b'u' => b"root",
        b'G' | b'U' => b"0",
        _ => return Value::None,
    })
}

fn tmpfiles(letter: u8) -> Value<'static> {
    system(letter)
}

fn unit(name: &crate::UnitName, letter: u8) -> Value<'static> {
    match letter {
        b'n' => Value::Owned(name.as_bytes().to_vec()),
        b'N' => Value::Owned(name.stem().to_vec()),
        b'p' => Value::Owned(name.prefix().to_vec()),
        b'P' => unescaped(name.prefix()),
        // A template alone has no instance yet.
        b'i' | b'I' => match (name.instance(), letter) {
            (None, _) => Value::Owned(Vec::new()),
            (Some(b""), _) => Value::Later,
            (Some(instance), b'i') => Value::Owned(instance.to_vec()),
            (Some(instance), _) => unescaped(instance),
        },
        b'j' => Value::Owned(last_part(name.prefix()).to_vec()),
        b'J' => unescaped(last_part(name.prefix())),
        b'E' => Value::Text(b"/etc"),
        b's' | b'd' | b'D' | b'f' | b'y' | b'Y' | b'q' | b'c' | b'r' | b'R' => Value::Later,
        _ => system(letter),
    }
}

fn unescaped(text: &[u8]) -> Value<'static> {
    crate::unescape(text).map_or(Value::Later, Value::Owned)
}

fn last_part(prefix: &[u8]) -> &[u8] {
    prefix.iter().rposition(|&byte| byte == b'-').map_or(prefix, |dash| &prefix[dash + 1..])
}

#[cfg(test)]
mod tests {
    use super::{Letters, SpecifierError, Specifiers, Unresolved};

    #[test]
    fn only_what_the_image_knows_is_replaced() {
        let specifiers = Specifiers::default();
        let name = crate::UnitName::parse(b"a-b\\x2dc@i\\x2fj.service").unwrap();
        let unit = Letters::Unit(&name);
        let later = |specifier| Ok(Err(Unresolved { specifier }));
        for (letters, text, expected) in [
            (
                Letters::Tmpfiles,
                "%S/%C/%L/%t/%T/%V/%h",
                Ok(Ok("/var/lib//var/cache//var/log//run//tmp//var/tmp//root")),
            ),
            (Letters::Tmpfiles, "100%% %- %", Ok(Ok("100% %- %"))),
            (Letters::Tmpfiles, "%o|%w", Ok(Ok("|"))),
            (Letters::Tmpfiles, "%m/%b", later(b'm')),
            (Letters::Tmpfiles, "%m/%Q", Err(SpecifierError::Unknown)),
            (Letters::Tmpfiles, "%A", Err(SpecifierError::Unknown)),
            (Letters::Sysusers, "%A%M", Ok(Ok(""))),
            (Letters::Sysusers, "%S", Err(SpecifierError::Unknown)),
            (unit, "%n %N %p %P", Ok(Ok("a-b\\x2dc@i\\x2fj.service a-b\\x2dc@i\\x2fj a-b\\x2dc a/b-c"))),
            (unit, "%i %I %j %J", Ok(Ok("i\\x2fj i/j b\\x2dc b-c"))),
            (unit, "%z", Err(SpecifierError::Unknown)),
        ] {
            let expected = expected.map(|text| text.map(|text| text.as_bytes().to_vec()));
            assert_eq!(specifiers.expand(letters, text.as_bytes()), expected, "{text}");
        }
        assert_eq!(specifiers.expand(unit, &[b'x'; 4096]), Err(SpecifierError::TooLong));
        assert!(specifiers.expand(unit, &[b'x'; 4095]).is_ok());
    }
}
