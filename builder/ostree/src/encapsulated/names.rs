//! Where the objects of an encapsulated commit lie in a layer (spec 3.4).

use crate::Checksum;
use crate::object::ObjectKind;

/// The repository's objects, in every layer of the base.
pub(crate) const OBJECTS: &[u8] = b"sysroot/ostree/repo/objects";
/// Extended attributes by their checksums, in the older form of the layers.
pub(crate) const XATTRS: &[u8] = b"sysroot/ostree/repo/xattrs";

/// What a file among the objects is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// An object proper.
    Object(ObjectKind),
    /// Extended attributes, named by their own checksum.
    Xattrs,
    /// The extended attributes of the file object of this checksum.
    XattrsOf,
}

/// Of the directory `fan` and the file `name` in it, the checksum and what it is the checksum of.
pub(crate) fn parse(fan: &[u8], name: &[u8]) -> Option<(Checksum, Role)> {
    let (rest, suffix) = name.split_at_checked(62)?;
    let checksum = std::str::from_utf8(&[fan, rest].concat()).ok()?.parse().ok().filter(|_| fan.len() == 2)?;
    let role = match suffix {
        b".commit" => Role::Object(ObjectKind::Commit),
        b".commitmeta" => Role::Object(ObjectKind::CommitMeta),
        b".dirmeta" => Role::Object(ObjectKind::DirMeta),
        b".dirtree" => Role::Object(ObjectKind::DirTree),
        b".file" => Role::Object(ObjectKind::File),
        b".file-xattrs" => Role::Xattrs,
        b".file-xattrs-link" | b".file.xattrs" => Role::XattrsOf,
        _ => return None,
    };
    Some((checksum, role))
}

/// The names under which the attributes of the file object `name` may lie beside it: the newer form, the older one.
pub(crate) fn xattrs_of(name: &[u8]) -> [Vec<u8>; 2] {
    [[name, b"-xattrs-link"].concat(), [name, b".xattrs"].concat()]
}

#[cfg(test)]
mod tests {
    use super::{Role, parse};
    use crate::object::ObjectKind;

    #[test]
    fn only_full_checksums_with_known_suffixes_are_objects() {
        let rest = "7d1e0a5f3b".repeat(7);
        let rest = &rest[..62];
        for (fan, name, role) in [
            ("ab", format!("{rest}.file"), Some(Role::Object(ObjectKind::File))),
            ("ab", format!("{rest}.commitmeta"), Some(Role::Object(ObjectKind::CommitMeta))),
            ("ab", format!("{rest}.file.xattrs"), Some(Role::XattrsOf)),
            ("ab", format!("{rest}.file-xattrs"), Some(Role::Xattrs)),
            ("AB", format!("{rest}.file"), None),
            ("abc", format!("{}.file", &rest[1..]), None),
            ("a", format!("b{rest}.file"), None),
            ("ab", format!("{rest}.filez"), None),
            ("ab", format!("{rest}.tombstone-commit"), None),
            ("ab", rest.to_owned(), None),
            ("ab", ".file".to_owned(), None),
        ] {
            assert_eq!(parse(fan.as_bytes(), name.as_bytes()).map(|(_, role)| role), role, "{fan} {name}");
        }
    }
}
