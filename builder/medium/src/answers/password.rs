//! Hashes of passwords.

use std::fmt;

/// How to make one.
const HOW: &str = "`mkpasswd` or `openssl passwd -6` make one";

/// What to say of a key that somebody gave who has a password; `None` where it is another key.
pub(super) fn advice(key: &str) -> Option<String> {
    let is_meant = ["password", "passwd", "plain-password", "plaintext-password"].contains(&key);
    is_meant.then(|| format!("; whoever has the medium could read it: `password-hash` takes a hash, {HOW}"))
}

/// A password in the form of crypt(5), by a method that is still thought safe: yescrypt (`$y$`), gost-yescrypt (`$gy$`),
/// scrypt (`$7$`), bcrypt (`$2b$`), SHA-512 (`$6$`), SHA-256 (`$5$`).
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    text: String,
}

impl PasswordHash {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        // What is repeated of it in a message could be a password.
        let wrong = |problem: &str| Err(format!("{problem}; {HOW}"));
        let mut fields = text.split('$');
        let (empty, method) = (fields.next(), fields.next());
        let last = fields.next_back().unwrap_or_default().len();
        let (least, most) = match method {
            _ if empty != Some("") => return wrong("this is no hash of a password"),
            Some("y" | "gy" | "7" | "5") => (43, 43),
            Some("6") => (86, 86),
            Some("2a" | "2b" | "2y") => (53, 53),
            Some("1" | "md5" | "sha1" | "3") => return wrong("the method of this hash can be broken"),
            _ => return wrong("this is no hash of a password"),
        };
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/' | b'$' | b'=' | b','));
        if plain && text.len() <= 384 && (least..=most).contains(&last) {
            Ok(Self { text: text.to_owned() })
        } else {
            wrong("this hash of a password is cut off or damaged")
        }
    }

    /// The hash, as `shadow` has it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Without the hash: what is printed for debugging is passed around.
impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}
