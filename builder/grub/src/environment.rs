//! The environment block: variables in a file of fixed size, which GRUB can write in place.

/// How the file begins.
const SIGNATURE: &[u8] = b"# GRUB Environment Block\n";

/// A file that is not an environment block, or not a whole one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// It begins otherwise.
    #[error("it does not begin with `# GRUB Environment Block`")]
    Signature,
    /// The free space at the end is not filled with `#` behind a line end.
    #[error("its last variable has no end, so nothing can be added")]
    NoEnd,
    /// The value does not fit.
    #[error("it has {free} free bytes, and {needed} are needed")]
    Full {
        /// Bytes that are free.
        free: usize,
        /// Bytes that the change takes.
        needed: usize,
    },
}

/// An environment block (GRUB, `grub-core/lib/envblk.c`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentBlock {
    bytes: Vec<u8>,
}

impl EnvironmentBlock {
    /// The block in a file's bytes.
    ///
    /// # Errors
    /// [`BlockError::Signature`].
    pub fn new(bytes: Vec<u8>) -> Result<Self, BlockError> {
        if !bytes.starts_with(SIGNATURE) {
            return Err(BlockError::Signature);
        }
        Ok(Self { bytes })
    }

    /// The file's bytes; as many as at first.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The variables in their order. What is behind one without an end is not read.
    #[must_use]
    pub fn variables(&self) -> Vec<(String, String)> {
        let mut variables = Vec::new();
        let mut at = SIGNATURE.len();
        while let Some(&byte) = self.bytes.get(at) {
            if byte == b'#' {
                at = line_end(&self.bytes, at).saturating_add(1);
                continue;
            }
            let Some(name) = self.bytes[at..].iter().position(|&byte| byte == b'=') else { break };
            let value = at + name + 1;
            let end = line_end(&self.bytes, value);
            if end >= self.bytes.len() {
                break;
            }
            variables.push((text(&self.bytes[at..at + name]), unescape(&self.bytes[value..end])));
            at = end + 1;
        }
        variables
    }

    /// Where the variable's name and the end of its line are.
    fn find(&self, name: &str) -> Option<(usize, usize)> {
        let mut at = SIGNATURE.len();
        while at < self.bytes.len() {
            let end = line_end(&self.bytes, at);
            let rest = &self.bytes[at..];
            if rest.starts_with(name.as_bytes()) && rest.get(name.len()) == Some(&b'=') {
                return (end < self.bytes.len()).then_some((at, end));
            }
            at = end.saturating_add(1);
        }
        None
    }

    /// Sets a variable: in its place, or behind the others.
    ///
    /// # Errors
    /// [`BlockError::NoEnd`] and [`BlockError::Full`]; then nothing has changed.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), BlockError> {
        let used = self.bytes.iter().rposition(|&byte| byte != b'#').map_or(0, |last| last + 1);
        if used == 0 || self.bytes[used - 1] != b'\n' {
            return Err(BlockError::NoEnd);
        }
        let mut line = format!("{name}=").into_bytes();
        for &byte in value.as_bytes() {
            if byte == b'\\' || byte == b'\n' {
                line.push(b'\\');
            }
            line.push(byte);
        }
        line.push(b'\n');
        let (start, end) = self.find(name).map_or((used, used), |(start, end)| (start, end + 1));
        let free = self.bytes.len() - used;
        let needed = line.len().saturating_sub(end - start);
        if needed > free {
            return Err(BlockError::Full { free, needed });
        }
        let size = self.bytes.len();
        self.bytes.splice(start..end, line);
        self.bytes.resize(size, b'#');
        Ok(())
    }

    /// Takes a variable out.
    pub fn unset(&mut self, name: &str) {
        if let Some((start, end)) = self.find(name) {
            let size = self.bytes.len();
            self.bytes.drain(start..=end);
            self.bytes.resize(size, b'#');
        }
    }
}

/// The next line end that no backslash protects, or something behind the last byte.
fn line_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'\n' => break,
            _ => at += 1,
        }
    }
    at
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn unescape(bytes: &[u8]) -> String {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(&byte) = rest.next() {
        match byte {
            b'\\' => plain.extend(rest.next()),
            _ => plain.push(byte),
        }
    }
    text(&plain)
}
