//! Whiteouts: OCI image specification, "Representing Changes".

/// Begins the name of a file that takes another away.
const PREFIX: &[u8] = b".wh.";
/// Begins the names of aufs' own files, which mean nothing elsewhere.
const META: &[u8] = b".wh..wh.";
/// The file that hides all that lower layers have in its directory.
pub(crate) const OPAQUE: &[u8] = b".wh..wh..opq";

/// What the name of an entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name<'a> {
    /// A file like any other.
    Plain,
    /// The lower layers' entry of this name is gone; empty is an error.
    Whiteout(&'a [u8]),
    /// All of the lower layers' entries are gone.
    Opaque,
    /// aufs' bookkeeping.
    Aufs,
}

/// What `name`, one component of a path, says.
pub(crate) fn classify(name: &[u8]) -> Name<'_> {
    if name == OPAQUE {
        Name::Opaque
    } else if name.starts_with(META) {
        Name::Aufs
    } else if let Some(hidden) = name.strip_prefix(PREFIX) {
        Name::Whiteout(hidden)
    } else {
        Name::Plain
    }
}

/// The name of the file that takes `name` away.
pub(crate) fn marker(name: &[u8]) -> Vec<u8> {
    [PREFIX, name].concat()
}
