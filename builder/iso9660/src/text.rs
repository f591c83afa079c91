//! The character sets of ECMA-119, and names of the volume in them.

use crate::{IsoError, Volume};

/// ECMA-119, annex A.2: the punctuation of a-characters; letters and digits aside.
const A_PUNCTUATION: &[u8] = b" !\"%&'()*+,-./:;<=>?_";

/// Which characters a field may have.
#[derive(Clone, Copy)]
enum Set {
    A,
    D,
}

/// Whether `byte` is a d-character; ECMA-119, annex A.1.
pub(crate) fn is_d(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'
}

impl Set {
    fn has(self, c: char) -> bool {
        let Ok(byte) = u8::try_from(c) else { return false };
        is_d(byte) || matches!(self, Self::A) && A_PUNCTUATION.contains(&byte)
    }
}

/// Checks all names of a volume.
pub(crate) fn check(volume: &Volume) -> Result<(), IsoError> {
    if volume.id.is_empty() {
        return Err(IsoError::NoVolumeId);
    }
    for (field, value, limit, set) in [
        ("volume id", &volume.id, 32, Set::D),
        ("system id", &volume.system, 32, Set::A),
        ("volume set id", &volume.set, 128, Set::D),
        ("publisher", &volume.publisher, 128, Set::A),
        ("data preparer", &volume.preparer, 128, Set::A),
        ("application id", &volume.application, 128, Set::A),
    ] {
        if let Some(character) = value.chars().find(|&c| !set.has(c)) {
            let allowed = match set {
                Set::D => "A-Z, 0-9 and _",
                Set::A => "A-Z, 0-9, space and !\"%&'()*+,-./:;<=>?_",
            };
            let fitting = value.to_uppercase().chars().map(|c| if set.has(c) { c } else { '_' }).collect();
            return Err(IsoError::FieldCharacter { field, value: value.clone(), character, allowed, fitting });
        }
        // Only ASCII is left: bytes are characters.
        if value.len() > limit {
            return Err(IsoError::FieldLength { field, value: value.clone(), length: value.len(), limit });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::Volume;

    #[test]
    fn a_field_that_does_not_fit_is_named() {
        let volume = || Volume { id: "V".into(), ..Volume::default() };
        for (volume, message) in [
            (Volume { id: String::new(), ..volume() }, "the volume id is empty"),
            (
                Volume { id: "Fedora".into(), ..volume() },
                "the volume id \"Fedora\" has the character 'e', and only A-Z, 0-9 and _ are allowed",
            ),
            (
                Volume { id: "V".repeat(33), ..volume() },
                "the volume id \"VVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVV\" has 33 characters, and 32 are the most",
            ),
            (
                Volume { publisher: "A@B".into(), ..volume() },
                "the publisher \"A@B\" has the character '@', and only A-Z, 0-9, space and !\"%&'()*+,-./:;<=>?_ are \
                 allowed",
            ),
            (
                Volume { application: "Ä".into(), ..volume() },
                "the application id \"Ä\" has the character 'Ä', and only A-Z, 0-9, space and !\"%&'()*+,-./:;<=>?_ \
                 are allowed",
            ),
        ] {
            assert_eq!(check(&volume).unwrap_err().to_string(), message);
        }
        let full = Volume { id: "A_9".into(), preparer: "THE \"PREPARER\" (1.0)".into(), ..volume() };
        check(&full).unwrap();
    }
}
