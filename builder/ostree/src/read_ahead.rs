//! Checksums of bodies whose header became known only after they were stored: labels come from a policy that is itself
//! a part of the image.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use builder_tree::{FileTree, Fingerprint, Inode, Node};

use crate::object::{body_prefix, file_checksum};
use crate::{Checksum, OstreeError, Repo};

/// What a checksum is of: a stored body, and the header that goes ahead of it.
type Key = (Fingerprint, Checksum);

/// A body to be read, under one of its paths.
struct Body {
    key: Key,
    inode: Arc<Inode>,
    path: Vec<u8>,
}

impl Repo {
    /// Computes the checksums that [`Repo::add_tree`] would have to read bodies for, several bodies at a time. The
    /// result is the same without it; only the time is not.
    ///
    /// # Errors
    /// A body cannot be read.
    pub fn read_ahead(&mut self, trees: &[&FileTree], threads: NonZeroUsize) -> Result<(), OstreeError> {
        let bodies = self.unread(trees);
        let next = AtomicUsize::new(0);
        let work = || {
            let mut known: HashMap<Key, Checksum> = HashMap::new();
            while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                let failed = |source| OstreeError::Read { path: body.path.clone(), source };
                known.insert(body.key, file_checksum(&body.inode).map_err(failed)?);
            }
            Ok(known)
        };
        let results: Vec<Result<_, OstreeError>> = thread::scope(|scope| {
            let workers: Vec<_> = (1..threads.get()).map(|_| scope.spawn(work)).collect();
            let mut results = vec![work()];
            // A panic there is a defect, and goes on here.
            results.extend(
                workers
                    .into_iter()
                    .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))),
            );
            results
        });
        for known in results {
            self.read_again.extend(known?);
        }
        Ok(())
    }

    /// The bodies of which the store has no checksum that counts, each once.
    fn unread(&self, trees: &[&FileTree]) -> Vec<Body> {
        let mut seen = HashSet::new();
        let mut bodies = Vec::new();
        for tree in trees {
            let walked: Result<(), std::convert::Infallible> = tree.root.walk(&mut |path, node| {
                let Node::Leaf(inode) = node else { return Ok(()) };
                let Some(print) = inode.content().and_then(|content| content.fingerprint()) else { return Ok(()) };
                let prefix = Checksum::of(&body_prefix(&inode.metadata));
                let key = (*print, prefix);
                let unknown = print.prefix != *prefix.bytes() && !self.read_again.contains_key(&key);
                if unknown && seen.insert(key) {
                    bodies.push(Body { key, inode: Arc::clone(inode), path: path.to_vec() });
                }
                Ok(())
            });
            match walked {
                Ok(()) => {}
            }
        }
        bodies
    }
}
