//! A new tree from an old one, directory by directory, without recursion: how deep a tree is, the image decides.

use std::collections::btree_map;
use std::convert::Infallible;
use std::sync::Arc;

use builder_tree::{Directory, Inode, Metadata, Node};

/// What becomes of each part of a tree.
pub(crate) trait Rebuild {
    /// What is gathered while a directory is open.
    type Open: Default;
    /// What a closed directory leaves to its parent.
    type Closed;
    /// What can go wrong.
    type Error;

    /// A directory is entered; gives its new metadata.
    fn open(&mut self, path: &[u8], name: &[u8], old: &Directory) -> Result<Metadata, Self::Error>;

    /// Gives the new inode for a leaf.
    fn leaf(
        &mut self,
        open: &mut Self::Open,
        path: &[u8],
        name: &[u8],
        inode: &Arc<Inode>,
    ) -> Result<Arc<Inode>, Self::Error>;

    /// A directory is complete.
    fn close(&mut self, open: Self::Open, path: &[u8], metadata: &Metadata) -> Result<Self::Closed, Self::Error>;

    /// A directory below an open one was closed.
    fn below(&mut self, open: &mut Self::Open, name: &[u8], closed: &Self::Closed);
}

/// A directory whose entries are under way.
struct Level<'a, O> {
    name: &'a [u8],
    path_length: usize,
    rest: btree_map::Iter<'a, Vec<u8>, Node>,
    built: Directory,
    open: O,
}

/// Rebuilds `root` and all below it by `rules`; names come in byte order.
pub(crate) fn rebuild<R: Rebuild>(root: &Directory, rules: &mut R) -> Result<(Directory, R::Closed), R::Error> {
    let mut path = Vec::new();
    let mut above: Vec<Level<'_, R::Open>> = Vec::new();
    let mut level = enter(root, b"", &path, rules)?;
    loop {
        if let Some((name, node)) = level.rest.next() {
            path.truncate(level.path_length);
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name);
            match node {
                Node::Leaf(inode) => {
                    let inode = rules.leaf(&mut level.open, &path, name, inode)?;
                    level.built.entries.insert(name.clone(), inode.into());
                }
                Node::Directory(below) => {
                    let below = enter(below, name, &path, rules)?;
                    above.push(std::mem::replace(&mut level, below));
                }
            }
            continue;
        }
        path.truncate(level.path_length);
        let closed = rules.close(level.open, &path, &level.built.metadata)?;
        let Some(parent) = above.pop() else { return Ok((level.built, closed)) };
        let (name, built) = (level.name, level.built);
        level = parent;
        rules.below(&mut level.open, name, &closed);
        level.built.entries.insert(name.to_vec(), built.into());
    }
}

fn enter<'a, R: Rebuild>(
    directory: &'a Directory,
    name: &'a [u8],
    path: &[u8],
    rules: &mut R,
) -> Result<Level<'a, R::Open>, R::Error> {
    let metadata = rules.open(path, name, directory)?;
    Ok(Level {
        name,
        path_length: path.len(),
        rest: directory.entries.iter(),
        built: Directory::new(metadata),
        open: R::Open::default(),
    })
}

/// [`rebuild`] by two closures that cannot fail.
pub(crate) fn rebuild_simply(
    root: &Directory,
    metadata: impl FnMut(&Metadata) -> Metadata,
    leaf: impl FnMut(&Arc<Inode>) -> Arc<Inode>,
) -> Directory {
    let Ok((root, ())) = rebuild(root, &mut Simple { metadata, leaf });
    root
}

struct Simple<M, L> {
    metadata: M,
    leaf: L,
}

impl<M: FnMut(&Metadata) -> Metadata, L: FnMut(&Arc<Inode>) -> Arc<Inode>> Rebuild for Simple<M, L> {
    type Open = ();
    type Closed = ();
    type Error = Infallible;

    fn open(&mut self, _: &[u8], _: &[u8], old: &Directory) -> Result<Metadata, Infallible> {
        Ok((self.metadata)(&old.metadata))
    }

    fn leaf(&mut self, (): &mut (), _: &[u8], _: &[u8], inode: &Arc<Inode>) -> Result<Arc<Inode>, Infallible> {
        Ok((self.leaf)(inode))
    }

    fn close(&mut self, (): (), _: &[u8], _: &Metadata) -> Result<(), Infallible> {
        Ok(())
    }

    fn below(&mut self, (): &mut (), _: &[u8], (): &()) {}
}
