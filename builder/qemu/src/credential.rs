//! systemd credentials handed in through SMBIOS, see systemd's `CREDENTIALS` documentation and SMBIOS 3.6, 7.12
//! "OEM Strings (Type 11)".

use std::ffi::{OsStr, OsString};

use crate::error::QemuError;
use crate::quote::option_value;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A named value for the guest's systemd, such as `passwd.hashed-password.root`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    name: String,
    value: Vec<u8>,
}

impl Credential {
    /// # Errors
    ///
    /// [`QemuError::CredentialName`] when the name is empty, longer than 255 bytes, or holds anything but ASCII
    /// letters, digits, `.`, `_`, `-` and `@`.
    pub fn new(name: impl Into<String>, value: impl Into<Vec<u8>>) -> Result<Self, QemuError> {
        let name = name.into();
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
        if name.is_empty() || name.len() > 255 || !name.chars().all(allowed) {
            return Err(QemuError::CredentialName { name });
        }
        Ok(Self { name, value: value.into() })
    }

    /// The value of `-smbios`. Plain text stays readable; everything an SMBIOS string cannot hold for certain
    /// (control characters, non-ASCII, outer blanks, nothing at all) goes as base64.
    pub(crate) fn smbios_option(&self) -> OsString {
        let printable = self.value.iter().all(|byte| (0x20..=0x7e).contains(byte));
        let blank_ends = [self.value.first(), self.value.last()].iter().any(|end| matches!(end, None | Some(b' ')));
        let string = match std::str::from_utf8(&self.value) {
            Ok(text) if printable && !blank_ends => format!("io.systemd.credential:{}={text}", self.name),
            _ => format!("io.systemd.credential.binary:{}={}", self.name, base64(&self.value)),
        };
        option_value("type=11,value=", OsStr::new(&string))
    }
}

/// RFC 4648, section 4, with padding.
fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            let sextet = word >> (18 - 6 * index) & 0x3f;
            // A sextet is below 64, so it fits and indexes the table.
            let letter = BASE64[usize::try_from(sextet).expect("below 64")];
            text.push(if index <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_readable_and_bytes_become_base64() {
        for (value, option) in [
            (&b"secret"[..], "type=11,value=io.systemd.credential:a.b=secret"),
            (b"x,y=z", "type=11,value=io.systemd.credential:a.b=x,,y=z"),
            (b"line\n", "type=11,value=io.systemd.credential.binary:a.b=bGluZQo="),
            (b" x", "type=11,value=io.systemd.credential.binary:a.b=IHg="),
            (b"", "type=11,value=io.systemd.credential.binary:a.b="),
        ] {
            assert_eq!(Credential::new("a.b", value).unwrap().smbios_option(), option);
        }
    }

    #[test]
    fn base64_has_the_vectors_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn names_that_would_break_the_string_are_refused() {
        for name in ["", "a=b", "a:b", "a/b", "a,b", "\u{fc}"] {
            assert!(Credential::new(name, "x").is_err(), "{name:?}");
        }
    }
}
