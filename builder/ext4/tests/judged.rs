//! File systems as e2fsck, debugfs and dumpe2fs see them.

mod judge;

use builder_block::ByteSize;
use builder_ext4::SizeRule;
use builder_tree::{Content, FileTree, Inode, Metadata};
use judge::{judge, minimize, options};

#[test]
fn a_simple_tree_is_clean() {
    let mut tree = FileTree::new();
    let parents = Metadata::root(0o755);
    let file = |bytes: &[u8]| Inode::regular(Metadata::root(0o644), Content::bytes(bytes.to_vec()));
    tree.insert(b"etc/hostname", file(b"host\n"), &parents).unwrap();
    tree.insert(b"etc/empty", file(b""), &parents).unwrap();
    tree.insert(b"usr/bin/large", file(&[7; 100_000]), &parents).unwrap();
    tree.insert(b"bin", Inode::symlink("usr/bin"), &parents).unwrap();
    for size in [8, 64, 300, 5000] {
        judge(&tree, &options(SizeRule::Fixed(ByteSize::mib(size))));
    }
    judge(&FileTree::new(), &minimize());
    judge(&tree, &minimize());
}
