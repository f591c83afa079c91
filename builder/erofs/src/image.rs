//! The image: every inode is placed, then all bytes are written from first to last.

use std::sync::Arc;

use builder_tree::{FileTree, Inode};

use crate::directory;
use crate::format::{self, BLOCK, HOLE, Head, INODES_OFFSET, InodeFields, Layout, SLOT};
use crate::inode::{self, Place};
use crate::node::{self, Kind, Nodes};
use crate::{ErofsError, Payload, PayloadError};

/// The composefs image of the tree of an ostree commit: the bytes of `.ostree.cfs`.
///
/// `payload` says where the body of a regular file lies; it is asked for every path of a file that is not empty, so
/// more than once for hard links. Times and the immutable flag are left out, as libostree leaves them out; the
/// directories `boot`, `etc`, `sysroot`, `usr` and `var` are added where the root has nothing of that name. Equal trees
/// and payloads give equal bytes. The image is a multiple of 4096 bytes long and takes some 220 bytes for a
/// labelled file, with digests 290.
///
/// # Errors
/// [`ErofsError`] names the first path that has no form in the image: devices, FIFOs and sockets; names above 255 and
/// link targets above 4095 bytes; attributes above what libcomposefs takes; and what `payload` could not tell.
///
/// # Examples
/// ```
/// use std::convert::Infallible;
///
/// use builder_erofs::{Payload, composefs_image};
/// use builder_tree::FileTree;
///
/// let image = composefs_image(&FileTree::new(), |_| {
///     Ok::<_, Infallible>(Payload { path: b"ab/cdef.file".to_vec(), verity: None })
/// })?;
/// assert_eq!(image.len() % 4096, 0);
/// # Ok::<_, builder_erofs::ErofsError>(())
/// ```
pub fn composefs_image<E: Into<PayloadError>>(
    tree: &FileTree,
    mut payload: impl FnMut(&Arc<Inode>) -> Result<Payload, E>,
) -> Result<Vec<u8>, ErofsError> {
    let nodes = node::gather(tree, |inode| payload(inode).map_err(Into::into))?;
    Ok(Plan::new(&nodes)?.image())
}

/// Whether the size of a body of so many blocks has 32 bits, as that of a directory is expected to have.
fn check_directory(blocks: usize) -> Result<(), ErofsError> {
    let (needed, limit) = (blocks as u64, u64::from(u32::MAX) / BLOCK as u64);
    if needed > limit {
        return Err(ErofsError::TooLarge { unit: "blocks for one directory", needed, limit });
    }
    Ok(())
}

/// Every byte's place.
struct Plan<'n, 't> {
    nodes: &'n Nodes<'t>,
    /// By node.
    places: Vec<Place>,
    /// First byte behind the inodes, where the shared attributes begin; a multiple of [`SLOT`].
    inodes_end: usize,
    /// First block of the bodies.
    bodies: usize,
    head: Head,
    /// First byte behind the image.
    end: usize,
}

impl<'n, 't> Plan<'n, 't> {
    fn new(nodes: &'n Nodes<'t>) -> Result<Self, ErofsError> {
        let mut places: Vec<Place> = Vec::with_capacity(nodes.list.len());
        let (mut position, mut block) = (INODES_OFFSET, 0);
        for index in 0..nodes.list.len() {
            let place = inode::place(nodes, index, position, block);
            check_directory(place.blocks)?;
            position = place.end();
            block += place.blocks;
            places.push(place);
        }
        let inodes_end = position.next_multiple_of(SLOT);
        let bodies = (inodes_end + nodes.table.size()).div_ceil(BLOCK);
        let blocks = bodies + block;
        let too_large = |_| ErofsError::TooLarge { unit: "blocks", needed: blocks as u64, limit: u64::from(u32::MAX) };
        let head = Head {
            has_acl: nodes.has_acl,
            // The root begins in the first block or, where its tail would cross a border, in the second.
            root_nid: u16::try_from(places[0].nid()).expect("the root is in the first blocks"),
            inodes: places.len() as u64,
            blocks: u32::try_from(blocks).map_err(too_large)?,
            xattr_block: u32::try_from(inodes_end / BLOCK).map_err(too_large)?,
        };
        Ok(Self { nodes, places, inodes_end, bodies, head, end: blocks * BLOCK })
    }

    fn image(&self) -> Vec<u8> {
        let mut image = Vec::with_capacity(self.end);
        self.head.append(&mut image);
        for index in 0..self.places.len() {
            self.inode(&mut image, index);
        }
        image.resize(self.inodes_end, 0);
        self.nodes.table.append(&mut image);
        image.resize(self.bodies * BLOCK, 0);
        for index in 0..self.places.len() {
            self.body(&mut image, index);
        }
        image
    }

    /// Writes an inode with attributes and tail.
    fn inode(&self, image: &mut Vec<u8>, index: usize) {
        let (node, place) = (&self.nodes.list[index], &self.places[index]);
        image.resize(place.position, 0);
        let inline = if place.tail > 0 { Layout::InlineTail } else { Layout::Plain };
        let first_block = if place.blocks > 0 { self.bodies + place.first_block } else { 0 };
        // Blocks and inodes were counted, and the attributes of an inode are below 64 KiB.
        let first_block = u32::try_from(first_block).expect("blocks were counted");
        let number = u32::try_from(index).expect("inodes were counted");
        let xattr_area = self.nodes.table.area_size(&node.attributes);
        let xattr_count = u16::try_from(format::xattr_count(xattr_area)).expect("attributes were checked");
        let (layout, links, size, union) = match &node.kind {
            Kind::Directory { links, .. } => (inline, *links, (place.blocks * BLOCK + place.tail) as u64, first_block),
            Kind::Regular(0) | Kind::Whiteout => (inline, 1, 0, 0),
            // The chunk format takes the low half of the field. Where the chunk table is in a block, libcomposefs leaves
            // the high half of its number, which means nothing.
            Kind::Regular(size) => (Layout::Chunks, 1, *size, first_block & !0xffff | inode::chunk_format(*size)),
            Kind::Symlink(target) => (inline, 1, target.len() as u64, first_block),
        };
        let (mode, uid, gid) = (node.mode(), node.uid, node.gid);
        InodeFields { layout, xattr_count, mode, links, size, union, number, uid, gid }.append(image);
        self.nodes.table.append_area(image, &node.attributes, self.inodes_end);
        match &node.kind {
            Kind::Directory { .. } if place.tail > 0 => self.directory(image, index, place.blocks..place.blocks + 1),
            Kind::Symlink(target) if place.tail > 0 => image.extend_from_slice(target),
            _ => image.resize(image.len() + place.tail, HOLE),
        }
    }

    /// Writes the blocks of a body.
    fn body(&self, image: &mut Vec<u8>, index: usize) {
        let place = &self.places[index];
        if place.blocks == 0 {
            return;
        }
        let end = image.len() + place.blocks * BLOCK;
        match &self.nodes.list[index].kind {
            Kind::Directory { .. } => self.directory(image, index, 0..place.blocks),
            Kind::Symlink(target) => image.extend_from_slice(target),
            Kind::Regular(_) | Kind::Whiteout => image.resize(end, HOLE),
        }
        image.resize(end, 0);
    }

    /// Writes these blocks of a directory, each but the last filled up.
    fn directory(&self, image: &mut Vec<u8>, index: usize, range: std::ops::Range<usize>) {
        let entries = directory::entries(&self.nodes.list, index);
        let start = image.len();
        for (count, block) in directory::blocks(&entries).skip(range.start).take(range.len()).enumerate() {
            image.resize(start + count * BLOCK, 0);
            directory::append(image, block, &self.nodes.list, |node| self.places[node].nid());
        }
    }
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, FileTree, Inode, InodeKind, Metadata, Node};

    use super::{Kind, Plan, composefs_image, node};
    use crate::{ErofsError, Payload, PayloadError, Unrepresentable, XattrError, verity};

    fn payload(path: &str) -> Result<Payload, PayloadError> {
        Ok(Payload { path: path.into(), verity: None })
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn sha256(bytes: &[u8]) -> String {
        hex(&<sha2::Sha256 as sha2::Digest>::digest(bytes))
    }

    fn digest(image: &[u8]) -> String {
        hex(&verity::digest(image, image.len() as u64).unwrap())
    }

    fn file(metadata: Metadata) -> Node {
        Inode::regular(metadata, Content::bytes(b"hello\n".to_vec())).into()
    }

    /// One file and nothing else: image and digest by mkcomposefs 1.0.8, bytes taken apart by hand.
    #[test]
    fn one_file_gives_the_known_bytes() {
        let mut tree = FileTree::new();
        tree.root.insert("hello", file(Metadata::root(0o644)));
        let object = "44/f778e59f0a4748d6b0c90a47347212a231c4ad1e8f7ea5c5dffc7749153a6b.file";
        let image = composefs_image(&tree, |_| payload(object)).unwrap();
        let redirect = hex(object.as_bytes());
        for (at, bytes) in [
            (0, "9a6278d0010000000000000000000000"),
            (
                1024,
                "e2e1f5e000000000060000000c002400070100000000000000000000000000000000000004000000000000000200000000",
            ),
            (36 * 32, "00000600ed410700001000000000000003000000000000000000000000000000"),
            (36 * 32 + 32, "ffffefff00000000000000000e0401006f7665726c61792e6f70617175657900"),
            (298 * 32, "08001d00a4810100060000000000000000000000030100000000000000000000fffffd7f0000000000000000"),
            (298 * 32 + 64, &format!("100447006f7665726c61792e72656469726563742f{redirect}00ffffffff")),
            (305 * 32, "04000000ed4102001b000000"),
            (305 * 32 + 32, "3101000000000000180002002400000000000000190002002e2e2e"),
        ] {
            assert_eq!(hex(&image[at..at + bytes.len() / 2]), bytes, "at {at}");
        }
        assert_eq!(image.len(), 16_384);
        assert_eq!(sha256(&image), "9752c6ce3b712593d1229132afbf79bff45acda8b42df3c60a6ab3f6d5829eb5");
        assert_eq!(digest(&image), "2647c1cf41b1a8411b9c6bb2cf363e9498ee737b08078ea9c4adc659b4c48d0f");
    }

    /// Bodies that no test wants to write. The image is that of mkcomposefs 1.0.8 for this dump, made by a loop over the
    /// sizes: `/size\x2dSIZE\x2dUID SIZE 100644 1 UID 0 0 0.0 aa/SIZE.file - -`.
    #[test]
    fn sizes_have_the_known_chunks() {
        let sizes = [
            1,
            4096,
            4097,
            (1 << 32) - 1,
            1 << 32,
            5 << 30,
            160 << 30,
            1 << 43,
            (1 << 43) + 1,
            (1 << 46) - 1,
            1000 << 43,
            (1 << 53) - 1,
            1_u64 << 53,
        ];
        let mut tree = FileTree::new();
        let mut by_name = std::collections::BTreeMap::new();
        for size in sizes {
            for uid in [0, 65_536] {
                // The body stands in for one of that size, and says which.
                let body = Content::bytes(size.to_string().into_bytes());
                let name = format!("size-{size}-{uid}").into_bytes();
                tree.root.insert(&name[..], Inode::regular(Metadata { uid, ..Metadata::root(0o644) }, body));
                by_name.insert(name, size);
            }
        }
        let mut nodes = node::gather(&tree, |inode| {
            let size = inode.content().unwrap().read_to_vec(20)?;
            Ok(Payload { path: [b"aa/", &size[..], b".file"].concat(), verity: None })
        })
        .unwrap();
        for node in &mut nodes.list {
            if let Some(&size) = by_name.get(&*node.name) {
                node.kind = Kind::Regular(size);
            }
        }
        let image = Plan::new(&nodes).unwrap().image();
        assert_eq!(sha256(&image), "e5607787c98f98f3bb1e939134192d46bafb9cccf05fb1f13ebf6e539a8ffee4");
        assert_eq!(digest(&image), "c32852e2d0defd7ed217dabf1e6eb55de6b45352ced3ed730dc79adf3d3f14aa");
    }

    #[test]
    fn what_has_no_form_is_named() {
        let with = |name: &[u8], value: Vec<u8>| {
            let mut metadata = Metadata::root(0o644);
            metadata.xattrs.insert(name.to_vec(), value);
            metadata
        };
        let cases: [(Vec<u8>, Node, &str); 11] = [
            (
                b"dev/null".to_vec(),
                device(),
                "/dev/null cannot be represented in a composefs image: it is a character device",
            ),
            (b"run".to_vec(), Inode::new(Metadata::root(0o600), InodeKind::Fifo).into(), "it is a FIFO"),
            (vec![b'n'; 256], file(Metadata::root(0o644)), "its name has 256 bytes, 1 to 255 are possible"),
            (
                b"a/..".to_vec(),
                file(Metadata::root(0o644)),
                "/a/.. cannot be represented in a composefs image: its name is",
            ),
            (b"a\0b".to_vec(), file(Metadata::root(0o644)), "its name is `.` or `..`, or has a slash or a NUL"),
            (b"empty".to_vec(), Inode::symlink("").into(), "its target has 0 bytes, 1 to 4095 are possible"),
            (b"long".to_vec(), Inode::symlink([b't'; 4096]).into(), "its target has 4096 bytes"),
            (b"nul".to_vec(), Inode::symlink("a\0").into(), "its target has a NUL at byte 1"),
            (b"x".to_vec(), file(with(b"", vec![])), "extended attributes of /x cannot be"),
            (b"x".to_vec(), file(with(&[b'u'; 256], vec![])), "extended attributes of /x cannot be"),
            (b"x/y".to_vec(), file(with(b"user.v", vec![0; 65_536])), "extended attributes of /x/y cannot be"),
        ];
        for (path, node, message) in cases {
            let mut tree = FileTree::new();
            tree.insert(&path, node, &Metadata::root(0o755)).unwrap();
            let error = composefs_image(&tree, |_| payload("ab/cd.file")).unwrap_err();
            assert!(error.to_string().contains(message), "{error}");
        }
    }

    #[test]
    fn what_the_caller_says_is_checked() {
        let mut tree = FileTree::new();
        tree.insert(b"usr/file", file(Metadata::root(0o644)), &Metadata::root(0o755)).unwrap();
        let error = composefs_image(&tree, |_| Err::<Payload, _>("no such object")).unwrap_err();
        assert_eq!(error.to_string(), "the object of /usr/file is not known");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no such object");
        for path in ["", "/ab/cd.file", "ab\0", &"x".repeat(4096)] {
            let error = composefs_image(&tree, |_| payload(path)).unwrap_err();
            let ErofsError::Unrepresentable { reason: Unrepresentable::PayloadPath { payload }, .. } = error else {
                panic!("{error}")
            };
            assert_eq!(payload, path.as_bytes());
        }
    }

    /// The limits are those at which mkcomposefs says ERANGE.
    #[test]
    fn attributes_have_the_limit_of_libcomposefs() {
        for (size, fits) in [(32_767 - 12 - 7 - 6, true), (32_767 - 12 - 7 - 6 + 1, false)] {
            let mut tree = FileTree::new();
            let mut link = Inode::symlink("target");
            link.metadata.xattrs.insert(b"user.v".to_vec(), vec![b'v'; size]);
            tree.root.insert("link", link);
            match composefs_image(&tree, |_| payload("")) {
                Ok(_) => assert!(fits),
                Err(ErofsError::Xattr { source: XattrError::TooMany { size, limit, .. }, .. }) => {
                    assert!(!fits);
                    assert_eq!((size, limit), (32_768, 32_767));
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn device() -> Node {
        Inode::new(Metadata::root(0o666), InodeKind::CharDevice { major: 1, minor: 3 }).into()
    }
}
