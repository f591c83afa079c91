//! Bodies of configuration files, with bounds.

use std::io;

use builder_tree::{Content, DisplayPath};

/// Longest file in bytes that is read. The largest real one, a preset or `fstab`, has a few KiB.
const FILE_LIMIT: u64 = 4 << 20;

/// Most bytes that are read for one question, however many names lead to the same file.
const TOTAL_LIMIT: u64 = 128 << 20;

/// Why the files cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A file is larger than any of its kind.
    #[error("{} has {size} bytes, more than the {limit} a configuration file of systemd may have here",
        DisplayPath(.path))]
    TooLarge {
        /// The path in the image.
        path: Vec<u8>,
        /// Its length in bytes.
        size: u64,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// All files together are larger than any image's.
    #[error("with {} the configuration files of systemd exceed the {limit} bytes that are read", DisplayPath(.path))]
    TooMuch {
        /// The file at which it was too much.
        path: Vec<u8>,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// A file cannot be read.
    #[error("cannot read {} of the image", DisplayPath(.path))]
    Read {
        /// The path in the image.
        path: Vec<u8>,
        /// I/O of the store.
        #[source]
        source: io::Error,
    },
}

/// Reads files until the limit for all is reached.
pub(crate) struct Reader {
    left: u64,
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self { left: TOTAL_LIMIT }
    }

    /// The body of the file at `path`.
    pub(crate) fn read(&mut self, path: &[u8], content: &Content) -> Result<Vec<u8>, ReadError> {
        let size = content.size();
        if size > FILE_LIMIT {
            return Err(ReadError::TooLarge { path: path.to_vec(), size, limit: FILE_LIMIT });
        }
        self.left = self
            .left
            .checked_sub(size)
            .ok_or_else(|| ReadError::TooMuch { path: path.to_vec(), limit: TOTAL_LIMIT })?;
        content.read_to_vec(FILE_LIMIT).map_err(|source| ReadError::Read { path: path.to_vec(), source })
    }
}

#[cfg(test)]
mod tests {
    use builder_tree::Content;

    use super::Reader;

    #[test]
    fn large_files_and_large_sums_are_refused() {
        let mut reader = Reader::new();
        let error = reader.read(b"etc/x", &Content::bytes(vec![0; (4 << 20) + 1])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "/etc/x has 4194305 bytes, more than the 4194304 a configuration file of systemd may have here"
        );
        let content = Content::bytes(vec![b'x'; 4 << 20]);
        for _ in 0..32 {
            reader.read(b"etc/x", &content).unwrap();
        }
        let error = reader.read(b"etc/y", &Content::bytes(vec![0])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "with /etc/y the configuration files of systemd exceed the 134217728 bytes that are read"
        );
    }
}
