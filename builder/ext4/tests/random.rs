//! Random small trees before e2fsck, and before a reader that is not ours.

mod judge;

use std::error::Error;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use builder_block::ByteSize;
use builder_ext4::SizeRule;
use builder_tree::{ContentStore, Directory, FileTree, Inode, InodeKind, Metadata, Node, Timestamp};
use judge::trees::{file, noise, small};
use judge::{judge, options};
use proptest::collection::vec;
use proptest::prelude::*;

/// One thing that goes into the tree.
#[derive(Clone, Debug)]
struct Step {
    depth: usize,
    name: Vec<u8>,
    kind: u8,
    length: usize,
    hole: u64,
    xattr: usize,
    metadata: (u16, u32, u32, i64, u32),
}

fn step() -> impl Strategy<Value = Step> {
    let name = vec(any::<u8>().prop_filter("no slash, no NUL", |byte| !matches!(byte, 0 | b'/')), 1..=255)
        .prop_filter("not . or ..", |name| !matches!(name.as_slice(), b"." | b".." | b"lost+found"));
    // Only times whose bit 31 is not set: ext4-view 1.0 takes all others for damage.
    let seconds = prop_oneof![0..=0x7fff_ffff_i64, 0x1_0000_0000..=0x1_7fff_ffff_i64];
    let metadata = (0..=0o7777_u16, any::<u32>(), any::<u32>(), seconds, 0..1_000_000_000_u32);
    (0..4_usize, name, 0..9_u8, 0..20_000_usize, 0..40_u64, 0..900_usize, metadata).prop_map(
        |(depth, name, kind, length, hole, xattr, metadata)| Step { depth, name, kind, length, hole, xattr, metadata },
    )
}

fn node(step: &Step, seed: u32, store: &mut ContentStore, last: &mut Option<Arc<Inode>>) -> Node {
    let (mode, uid, gid, seconds, nanoseconds) = step.metadata;
    let mut metadata = Metadata { mode, uid, gid, mtime: Timestamp { seconds, nanoseconds }, ..Metadata::default() };
    if step.xattr > 0 {
        metadata.xattrs.insert(b"user.random".to_vec(), noise(step.xattr, seed % 3));
    }
    let kind = match step.kind {
        0 => return Directory::new(metadata).into(),
        1 => InodeKind::Symlink(noise(step.length % 4095 + 1, seed)),
        2 => InodeKind::CharDevice { major: step.metadata.1 % 4096, minor: step.metadata.2 % 1_048_576 },
        3 => InodeKind::Fifo,
        4 => small(&noise(step.length, seed)).kind,
        5 if last.is_some() => return Node::Leaf(Arc::clone(last.as_ref().unwrap())),
        _ => {
            let mut writer = store.writer(b"");
            for part in 0..6 {
                writer.write(&noise(step.length, seed + part)).unwrap();
                writer.hole(step.hole * 4096).unwrap();
            }
            file(writer.finish().unwrap()).kind
        }
    };
    let inode = Arc::new(Inode::new(metadata, kind));
    *last = Some(Arc::clone(&inode));
    Node::Leaf(inode)
}

fn tree(steps: &[Step], store: &mut ContentStore) -> FileTree {
    let mut tree = FileTree::new();
    let mut last = None;
    for (seed, step) in (0..).zip(steps) {
        let node = node(step, seed, store, &mut last);
        let mut at = &mut tree.root;
        for _ in 0..step.depth {
            if !at.entries.values().any(|node| node.as_directory().is_some()) {
                break;
            }
            at = at.entries.values_mut().find_map(Node::as_directory_mut).unwrap();
        }
        at.entries.insert(step.name.clone(), node);
    }
    store.flush().unwrap();
    tree
}

/// The image for the other reader.
struct Image(File);

impl ext4_view::Ext4Read for Image {
    fn read(&mut self, start: u64, bytes: &mut [u8]) -> Result<(), Box<dyn Error + Send + Sync + 'static>> {
        Ok(self.0.read_exact_at(bytes, start)?)
    }
}

/// Every path must lead to the same body, target and owner.
fn compare(tree: &FileTree, image: &std::path::Path) {
    let filesystem = ext4_view::Ext4::load(Box::new(Image(File::open(image).unwrap()))).unwrap();
    tree.root
        .walk(&mut |path, node| -> Result<(), ()> {
            let absolute = [b"/", path].concat();
            let path = ext4_view::Path::new(&absolute);
            let found = filesystem.symlink_metadata(path).unwrap();
            assert_eq!((found.uid(), found.gid()), (node.metadata().uid, node.metadata().gid));
            assert_eq!(found.mode() & 0o7777, node.metadata().mode);
            if let Some(content) = node.as_leaf().and_then(|inode| inode.content()) {
                assert!(filesystem.read(path).unwrap() == content.read_to_vec(1 << 30).unwrap(), "{path:?}");
            }
            Ok(())
        })
        .unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_trees_are_clean(steps in vec(step(), 0..120), free in 0..80_u64, spare_inodes in 0..5000_u32) {
        let mut store = ContentStore::new(&std::env::temp_dir()).unwrap();
        let tree = tree(&steps, &mut store);
        let judged = judge(&tree, &options(SizeRule::Minimize { free_bytes: ByteSize::mib(free), spare_inodes }));
        compare(&tree, &judged.path);
    }
}
