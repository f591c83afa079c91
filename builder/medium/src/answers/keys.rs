//! Public keys of ssh.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Whether a line of `authorized_keys` (sshd(8), "AUTHORIZED_KEYS FILE FORMAT") has a type of key and behind it the key,
/// whose first field repeats the type.
#[must_use]
pub fn is_public_key(line: &str) -> bool {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    words.windows(2).any(|two| {
        let [kind, key] = two else { return false };
        let Ok(bytes) = STANDARD.decode(key) else { return false };
        // RFC 4253, 6.6: a length, big-endian, and the type.
        bytes.get(4..).is_some_and(|rest| rest.starts_with(kind.as_bytes()))
            && bytes.get(..4).is_some_and(|length| {
                u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize == kind.len()
            })
    })
}

/// A key of a user: one line.
pub(super) fn key(text: &str) -> Result<String, String> {
    let line = text.trim();
    if line.starts_with("-----BEGIN") && line.contains("PRIVATE KEY") {
        Err("this is a private key, which must stay where it is: the public one ends with .pub".to_owned())
    } else if line.contains(char::is_control) {
        Err("a key is one line: write each as a text of its own".to_owned())
    } else if line.starts_with('#') || !is_public_key(line) {
        Err("this is no public key: expected one such as `ssh-ed25519 AAAA… anna@desk`".to_owned())
    } else {
        Ok(line.to_owned())
    }
}
