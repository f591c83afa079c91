//! Objects: what is hashed and what is stored (spec 1.4, 2.2 to 2.5).

use std::io::{self, Read};
use std::sync::Arc;

use builder_tree::{Inode, InodeKind, Metadata, Timestamp, Xattrs};
use sha2::{Digest, Sha256};

use crate::gvariant::{Array, Tuple, terminated, xattrs};
use crate::{Checksum, OstreeError};

/// Largest metadata object that libostree reads, in bytes (`OSTREE_MAX_METADATA_SIZE`).
pub(crate) const MAX_METADATA_SIZE: u64 = 128 << 20;

/// Longest path in bytes: `PATH_MAX` without the zero at the end.
const MAX_PATH: usize = 4095;

/// `S_IFREG`, `S_IFLNK`, `S_IFDIR`: the type bits that an ostree mode may have.
const REGULAR: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;
pub(crate) const DIRECTORY: u32 = 0o040_000;

/// The type of an object, in the order in which files of one checksum would be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ObjectKind {
    /// A commit.
    Commit,
    /// A commit's detached metadata, named by the commit.
    CommitMeta,
    /// A directory's own metadata.
    DirMeta,
    /// A directory's names.
    DirTree,
    /// A regular file or symbolic link.
    File,
}

impl ObjectKind {
    /// What follows the checksum and a dot in the object's file name.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::CommitMeta => "commitmeta",
            Self::DirMeta => "dirmeta",
            Self::DirTree => "dirtree",
            Self::File => "file",
        }
    }
}

/// The bytes that are hashed ahead of a regular file's content.
///
/// A body stored under this prefix has its object checksum as its fingerprint. Attributes without a value are left
/// out, as libostree does when it reads a file back (spec 2.6), so the prefix may be taken from an image's metadata
/// before [`crate::import`].
#[must_use]
pub fn body_prefix(metadata: &Metadata) -> Vec<u8> {
    prefix(metadata, REGULAR | u32::from(metadata.mode & 0o7777), b"", &kept_xattrs(metadata, false))
}

/// The checksum of the content object that a regular file or symbolic link becomes.
///
/// # Errors
/// The body is in the store, was not hashed under [`body_prefix`], and cannot be read; or the inode is of a type
/// that has no object (`Unsupported`).
pub fn file_checksum(inode: &Inode) -> io::Result<Checksum> {
    match &inode.kind {
        InodeKind::Symlink(target) => {
            let metadata = &inode.metadata;
            Ok(Checksum::of(&prefix(metadata, SYMLINK | 0o777, target, &kept_xattrs(metadata, true))))
        }
        InodeKind::Regular(content) => {
            let prefix = body_prefix(&inode.metadata);
            if let Some(print) = content.fingerprint()
                && print.prefix == *Checksum::of(&prefix).bytes()
            {
                return Ok(print.digest.into());
            }
            let mut hasher = Sha256::new_with_prefix(&prefix);
            let mut buffer = vec![0; 1 << 17];
            let mut reader = content.reader();
            loop {
                match reader.read(&mut buffer)? {
                    0 => return Ok(<[u8; 32]>::from(hasher.finalize()).into()),
                    n => hasher.update(&buffer[..n]),
                }
            }
        }
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// `be32(len(H)) 0000 H`, with H = `(uuuusa(ayay))` (spec 2.2).
fn prefix(metadata: &Metadata, mode: u32, target: &[u8], attributes: &Xattrs) -> Vec<u8> {
    let header = Tuple::default()
        .fixed(4, &metadata.uid.to_be_bytes())
        .fixed(4, &metadata.gid.to_be_bytes())
        .fixed(4, &mode.to_be_bytes())
        .fixed(4, &[0; 4])
        .variable(1, &terminated(target))
        .variable(1, &xattrs(attributes))
        .finish();
    // Attributes come from a tar archive's header, which nobody lets grow to 4 GiB; if it did, the checksum would
    // be wrong and the value's own limit (64 KiB in Linux) long passed.
    let length = u32::try_from(header.len()).unwrap_or(u32::MAX);
    [length.to_be_bytes().as_slice(), &[0; 4], &header].concat()
}

/// The attributes that reach the disk: those with a value, and on symbolic links, where the kernel knows no
/// `user.*`, the others (spec 2.6).
pub(crate) fn kept_xattrs(metadata: &Metadata, symlink: bool) -> Xattrs {
    metadata
        .xattrs
        .iter()
        .filter(|(name, value)| !(value.is_empty() || symlink && name.starts_with(b"user.")))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The inode of a content object: regular files from 1970, symbolic links from `links_from` as libostree leaves
/// them (spec 1.4).
pub(crate) fn content_object(inode: &Inode, links_from: Timestamp) -> Inode {
    let symlink = matches!(inode.kind, InodeKind::Symlink(_));
    let Metadata { mode, uid, gid, .. } = inode.metadata;
    let metadata = Metadata {
        mode: if symlink { 0o777 } else { mode & 0o7777 },
        uid,
        gid,
        mtime: if symlink { links_from } else { Timestamp::default() },
        xattrs: kept_xattrs(&inode.metadata, symlink),
        immutable: false,
    };
    Inode::new(metadata, inode.kind.clone())
}

/// The metadata of a directory as the repository keeps it.
pub(crate) fn directory_metadata(metadata: &Metadata) -> Metadata {
    Metadata {
        mode: metadata.mode & 0o7777,
        uid: metadata.uid,
        gid: metadata.gid,
        mtime: Timestamp::default(),
        xattrs: kept_xattrs(metadata, false),
        immutable: false,
    }
}

/// A dirmeta object, `(uuua(ayay))`, of metadata from [`directory_metadata`].
pub(crate) fn dirmeta(metadata: &Metadata) -> Vec<u8> {
    Tuple::default()
        .fixed(4, &metadata.uid.to_be_bytes())
        .fixed(4, &metadata.gid.to_be_bytes())
        .fixed(4, &(DIRECTORY | u32::from(metadata.mode)).to_be_bytes())
        .variable(1, &xattrs(&metadata.xattrs))
        .finish()
}

/// A dirtree object, `(a(say)a(sayay))`, on its way into bytes; names have to come in byte order.
#[derive(Default)]
pub(crate) struct DirTree {
    files: Array,
    directories: Array,
}

impl DirTree {
    pub(crate) fn file(&mut self, name: &[u8], file: &Checksum) {
        self.files.push(1, &Tuple::default().variable(1, &terminated(name)).variable(1, file.bytes()).finish());
    }

    pub(crate) fn directory(&mut self, name: &[u8], dirtree: &Checksum, dirmeta: &Checksum) {
        let entry = Tuple::default().variable(1, &terminated(name)).variable(1, dirtree.bytes());
        self.directories.push(1, &entry.variable(1, dirmeta.bytes()).finish());
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        Tuple::default().variable(1, &self.files.finish()).variable(1, &self.directories.finish()).finish()
    }
}

/// Whether ostree and Linux can hold the last name of a path (spec 2.7).
pub(crate) fn check_name(path: &[u8], name: &[u8]) -> Result<(), OstreeError> {
    let problem = match name {
        b"" => "is empty",
        b"." | b".." => "is reserved",
        _ if name.contains(&b'/') || name.contains(&0) => "has a slash or a zero byte in it",
        _ if std::str::from_utf8(name).is_err() => "is not valid UTF-8",
        _ if path.len() > MAX_PATH => "ends a path of more than 4,095 bytes, which Linux cannot open",
        _ => return Ok(()),
    };
    Err(OstreeError::Name { path: path.to_vec(), problem })
}

/// Whether ostree has an object for a leaf (spec 2.7).
pub(crate) fn check_leaf(path: &[u8], inode: &Inode) -> Result<(), OstreeError> {
    check_xattrs(path, &inode.metadata)?;
    match &inode.kind {
        InodeKind::Regular(_) => Ok(()),
        InodeKind::Symlink(target) => {
            let problem = match target.as_slice() {
                b"" => "is empty",
                _ if target.contains(&0) => "has a zero byte in it",
                _ if std::str::from_utf8(target).is_err() => "is not valid UTF-8",
                _ => return Ok(()),
            };
            Err(OstreeError::LinkTarget { path: path.to_vec(), problem })
        }
        other => Err(OstreeError::NoObjectFor { path: path.to_vec(), kind: other.name() }),
    }
}

/// Whether the names of a path's extended attributes can be stored.
pub(crate) fn check_xattrs(path: &[u8], metadata: &Metadata) -> Result<(), OstreeError> {
    for name in metadata.xattrs.keys() {
        let problem = match name.as_slice() {
            b"" => "is empty",
            _ if name.contains(&0) => "has a zero byte in it",
            _ => continue,
        };
        return Err(OstreeError::XattrName { path: path.to_vec(), name: name.clone(), problem });
    }
    Ok(())
}

/// The file in which a metadata object lies.
pub(crate) fn metadata_object(maker: crate::made::Maker, bytes: Vec<u8>) -> Arc<Inode> {
    Arc::new(maker.file(0o644, bytes))
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, Inode, Metadata};

    use super::{DirTree, body_prefix, dirmeta, file_checksum};
    use crate::Checksum;

    const USR_T: &[u8] = b"system_u:object_r:usr_t:s0\0";

    fn labelled(mut metadata: Metadata, label: &[u8]) -> Metadata {
        metadata.xattrs.insert(b"security.selinux".to_vec(), label.to_vec());
        metadata
    }

    fn regular(metadata: Metadata, body: &str) -> String {
        let inode = Inode::regular(metadata, Content::bytes(body.as_bytes().to_vec()));
        file_checksum(&inode).unwrap().to_string()
    }

    /// Spec 2.3, each seen from the real `ostree`.
    #[test]
    fn content_checksums_are_those_of_the_specification() {
        let mut owned = labelled(Metadata { uid: 1000, gid: 998, ..Metadata::root(0o640) }, USR_T);
        owned.xattrs.insert(b"user.zeta".to_vec(), b"1".to_vec());
        owned.xattrs.insert(b"user.alpha".to_vec(), b"two".to_vec());
        owned.xattrs.insert(b"user.empty".to_vec(), Vec::new());
        for (metadata, body, expected) in [
            (Metadata::root(0o644), "", "cc700d46f407c6c5ab2d5dde474366a928b7398277e61162e7f8ec06f469f07e"),
            (Metadata::root(0o644), "hello\n", "44f778e59f0a4748d6b0c90a47347212a231c4ad1e8f7ea5c5dffc7749153a6b"),
            (Metadata::root(0o4755), "hello\n", "c688010bf754528d6f28cb951a5ba57b572aa355124acb4f305afedb810e09df"),
            (owned, "x", "f062df8da7127c1d74769ce0979db494a5fd7985dba1a799d80f41f13fdd5fff"),
        ] {
            assert_eq!(regular(metadata, body), expected);
        }
        let mut link = Inode::symlink("usr/bin");
        link.metadata = labelled(link.metadata, b"system_u:object_r:bin_t:s0\0");
        link.metadata.xattrs.insert(b"user.dropped".to_vec(), b"1".to_vec());
        link.metadata.mode = 0o755;
        assert_eq!(
            file_checksum(&link).unwrap().to_string(),
            "936f751855ebe4210d3fb59d3ffca58c2270dc4d6d89c4507abe40eb530ddd69"
        );
    }

    #[test]
    fn a_bodys_prefix_is_the_header_with_its_length() {
        let expected = "0000001200000000\
                        0000000000000000000089ed00000000\
                        0011";
        let prefix = body_prefix(&Metadata::root(0o4755));
        assert_eq!(prefix.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), expected);
    }

    #[test]
    fn a_stored_body_is_hashed_once() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = builder_tree::ContentStore::new(directory.path()).unwrap();
        let metadata = Metadata::root(0o644);
        let content = store.add(&body_prefix(&metadata), b"hello\n").unwrap();
        // The store was not flushed: a second reading of the body would fail.
        let expected = "44f778e59f0a4748d6b0c90a47347212a231c4ad1e8f7ea5c5dffc7749153a6b";
        assert_eq!(file_checksum(&Inode::regular(metadata, content.clone())).unwrap().to_string(), expected);
        let other = Inode::regular(Metadata::root(0o4755), content);
        assert!(file_checksum(&other).is_err());
        store.flush().unwrap();
        let expected = "c688010bf754528d6f28cb951a5ba57b572aa355124acb4f305afedb810e09df";
        assert_eq!(file_checksum(&other).unwrap().to_string(), expected);
    }

    /// Spec 2.4.
    #[test]
    fn dirmetas_are_those_of_the_specification() {
        for (metadata, length, expected) in [
            (Metadata::root(0o755), 12, "446a0ef11b7cc167f3b603e585c7eeeeb675faa412d5ec73f62988eb0b6c5488"),
            (Metadata::root(0o1777), 12, "bbe8d5c22ca8a645068a1aa51a59e117f139319d9a791e4d4c0d27dae64cc8c7"),
            (
                labelled(Metadata::root(0o755), USR_T),
                58,
                "9c359a8bcc95143dcc1db8f6e3897d4e53e2562aa9ac41b1d5a0c1dfb2f6c468",
            ),
        ] {
            let bytes = dirmeta(&metadata);
            assert_eq!((bytes.len(), Checksum::of(&bytes).to_string().as_str()), (length, expected));
        }
    }

    /// Spec 2.5.
    #[test]
    fn dirtrees_are_those_of_the_specification() {
        let empty = DirTree::default().finish();
        assert_eq!(empty, [0]);
        assert_eq!(
            Checksum::of(&empty).to_string(),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
        let hello = "44f778e59f0a4748d6b0c90a47347212a231c4ad1e8f7ea5c5dffc7749153a6b".parse().unwrap();
        let mut one = DirTree::default();
        one.file(b"hello", &hello);
        let one = one.finish();
        assert_eq!((one.len(), &one[38..]), (41, [6, 0x27, 0x28].as_slice()));
        assert_eq!(Checksum::of(&one).to_string(), "b203b8cf6333823b9b7701086070db0785483ab6860d28dd3586df29af6879ef");
        let mut two = DirTree::default();
        two.file(b"empty", &hello);
        two.file(b"x", &hello);
        let two = two.finish();
        assert_eq!((two.len(), two[38], &two[73..]), (77, 6, [2, 0x27, 0x4a, 0x4c].as_slice()));
    }
}
