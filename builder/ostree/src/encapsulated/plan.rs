//! How the bodies of a chunked image are kept, so that each is hashed once.

use builder_tree::{FileTree, Metadata, Xattrs};

use crate::body_prefix;
use crate::encapsulated::names::{self, OBJECTS, Role, XATTRS};
use crate::encapsulated::objects::{METADATA_LIMIT, XATTRS_LIMIT};
use crate::object::ObjectKind;
use crate::parse;

/// Bytes of metadata objects that are kept in memory; what comes after them goes to the store.
const MEMORY: u64 = 256 << 20;

/// Decides about the bodies of an image while its layers are read.
///
/// In the layers of an ostree base the attributes of a file, its label among them, lie ahead of it in files of their
/// own. They are kept in memory, where they can be read at once: so the file's body is hashed behind the header that
/// its object has, and is not read again. All else is as without a base.
#[derive(Clone, Debug)]
pub struct BodyPlan {
    /// How many layers the base has.
    base: usize,
    memory: u64,
}

impl BodyPlan {
    /// For an image whose base ends with the layer `final_layer`, or that has none.
    #[must_use]
    pub fn new(final_layer: Option<usize>) -> Self {
        Self { base: final_layer.map_or(0, |last| last.saturating_add(1)), memory: MEMORY }
    }

    /// What is to be hashed ahead of the body of the file at `path`; `None` for one to be kept in memory. `before` is
    /// the tree of the layer up to it.
    pub fn prefix(
        &mut self,
        layer: usize,
        path: &[u8],
        metadata: &Metadata,
        size: u64,
        before: &FileTree,
    ) -> Option<Vec<u8>> {
        let ordinary = || Some(body_prefix(metadata));
        if layer >= self.base {
            return ordinary();
        }
        let below = |directory: &[u8]| path.strip_prefix(directory)?.strip_prefix(b"/");
        if below(XATTRS).is_some() {
            return if self.fits(size, XATTRS_LIMIT) { None } else { ordinary() };
        }
        let Some((fan, name)) = below(OBJECTS).and_then(|path| path.split_at_checked(3)) else { return ordinary() };
        let fan = &fan[..2];
        match names::parse(fan, name) {
            Some((_, Role::Object(ObjectKind::File))) => {
                Some(object_prefix(fan, name, metadata, before).unwrap_or_else(|| body_prefix(metadata)))
            }
            Some((_, Role::Object(_))) if self.fits(size, METADATA_LIMIT) => None,
            Some((_, Role::Xattrs | Role::XattrsOf)) if self.fits(size, XATTRS_LIMIT) => None,
            _ => ordinary(),
        }
    }

    fn fits(&mut self, size: u64, limit: u64) -> bool {
        let left = self.memory.checked_sub(size).filter(|_| size <= limit);
        self.memory = left.unwrap_or(self.memory);
        left.is_some()
    }
}

/// The header of a file object, with the attributes that came before it; none where none did.
///
/// Where they are damaged, or come too late, the body is read again when the object is checked, and that is when the
/// fault is reported.
fn object_prefix(fan: &[u8], name: &[u8], metadata: &Metadata, before: &FileTree) -> Option<Vec<u8>> {
    let beside = before.directory(OBJECTS).and_then(|objects| objects.get(fan)?.as_directory());
    let record = names::xattrs_of(name).into_iter().find_map(|name| beside?.get(&name));
    let xattrs = match record {
        Some(record) => parse::xattrs(&record.as_leaf()?.content()?.read_to_vec(XATTRS_LIMIT).ok()?).ok()?,
        None => Xattrs::new(),
    };
    Some(body_prefix(&Metadata { xattrs, ..metadata.clone() }))
}

#[cfg(test)]
mod tests {
    use builder_tree::{FileTree, Metadata};

    use super::{BodyPlan, MEMORY};
    use crate::body_prefix;

    #[test]
    fn only_small_metadata_of_the_base_stays_in_memory() {
        let rest = "0".repeat(62);
        let object = |suffix: &str| format!("sysroot/ostree/repo/objects/ab/{rest}.{suffix}");
        let metadata = Metadata::root(0o644);
        let (small, mebi) = (100, 1 << 20);
        for (layer, path, size, in_memory) in [
            (0, object("dirtree"), small, true),
            (0, object("dirtree"), 10 * mebi, true),
            (0, object("dirtree"), 10 * mebi + 1, false),
            (1, object("file-xattrs-link"), mebi, true),
            (1, object("file-xattrs"), mebi + 1, false),
            (1, format!("sysroot/ostree/repo/xattrs/ab{rest}"), small, true),
            (1, object("file"), small, false),
            (2, object("dirtree"), small, false),
            (0, "usr/bin/sh".to_owned(), small, false),
            (0, "sysroot/ostree/repo/objects/ab".to_owned(), small, false),
            (0, "sysroot/ostree/repo/objects/a".to_owned(), small, false),
            (0, "sysroot/ostree/repo/config".to_owned(), small, false),
        ] {
            let prefix = BodyPlan::new(Some(1)).prefix(layer, path.as_bytes(), &metadata, size, &FileTree::new());
            assert_eq!(prefix, (!in_memory).then(|| body_prefix(&metadata)), "layer {layer} {path} {size}");
        }
        let path = object("commit");
        let prefix = |plan: &mut BodyPlan| plan.prefix(0, path.as_bytes(), &metadata, 8 * mebi, &FileTree::new());
        assert!(prefix(&mut BodyPlan::new(None)).is_some());
        let mut plan = BodyPlan::new(Some(0));
        let kept = (0..100).filter(|_| prefix(&mut plan).is_none()).count();
        assert_eq!(kept as u64, MEMORY / (8 * mebi));
    }
}
