//! Why a document cannot be written.

/// Why a document cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpdxError {
    /// A time that has no form in the document.
    #[error("the time of creation is {created} seconds from 1970, outside of 0 to {limit} (the end of the year 9999)")]
    Created {
        /// What was given.
        created: i64,
        /// The last that can be written.
        limit: i64,
    },
    /// A namespace that is no URI.
    #[error("the namespace `{}` is not an absolute URI without a fragment", .namespace.escape_debug())]
    Namespace {
        /// What was given.
        namespace: String,
    },
    /// A digest of another form.
    #[error("the digest `{}` is not `sha256:` and 64, or `sha512:` and 128, hexadecimal digits in lower case", .digest.escape_debug())]
    Digest {
        /// What was given.
        digest: String,
    },
    /// Something that must have a name and has none.
    #[error("{what} is empty")]
    Empty {
        /// What.
        what: &'static str,
    },
}
