//! Checksums that formats and documents have inside.

use std::fmt::Write as _;
use std::io;

use builder_block::Sink;
use sha2::{Digest, Sha256};

/// SHA-256, in hexadecimal digits, of a part of a file.
pub(super) fn sha256(file: &dyn Sink, start: u64, length: u64) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut done = 0;
    while done < length {
        let now = usize::try_from(length - done).map_or(buffer.len(), |left| left.min(buffer.len()));
        file.read_at(start + done, &mut buffer[..now])?;
        hasher.update(&buffer[..now]);
        done += now as u64;
    }
    Ok(hex(&hasher.finalize()))
}

/// Hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
