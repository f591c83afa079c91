//! What overlayfs is told: where bodies lie, which names of the object store it hides, which attributes are not its own.
//!
//! Source: Linux, Documentation/filesystems/overlayfs.rst; composefs, libcomposefs/lcfs-writer-erofs.c,
//! `rewrite_tree_for_erofs`.

use std::borrow::Cow;

use builder_tree::Xattrs;

use crate::format::PATH_MAX;
use crate::xattr::{self, Attribute};
use crate::{Unrepresentable, XattrError};

/// Where the body of a regular file lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// Path of the object below the repository's `objects` directory: `ab/cdef….file`.
    pub path: Vec<u8>,
    /// fs-verity digest by which overlayfs knows the object, where the disk has it under fs-verity.
    pub verity: Option<[u8; 32]>,
}

/// Names in the root that are made where they are missing, so that there is something to mount on.
pub(crate) const MOUNT_POINTS: [&[u8]; 5] = [b"boot", b"etc", b"sysroot", b"usr", b"var"];
/// Permissions of a [`MOUNT_POINTS`] directory.
pub(crate) const MOUNT_POINT_MODE: u16 = 0o755;
/// Permissions of the devices that hide names.
pub(crate) const WHITEOUT_MODE: u16 = 0o644;
/// The attribute of the root that its whiteouts have too.
const LABEL: &[u8] = b"security.selinux";

/// Attributes with this prefix are overlayfs's own.
const OVERLAY: &[u8] = b"trusted.overlay.";
/// Attributes with this prefix are seen with [`OVERLAY`] by those who look through overlayfs.
const ESCAPED: &[u8] = b"trusted.overlay.overlay.";
/// The inode has no body; it is in the layer below.
const METACOPY: &[u8] = b"trusted.overlay.metacopy";
/// Where in the layer below.
const REDIRECT: &[u8] = b"trusted.overlay.redirect";
/// Nothing of the layer below is seen in the directory.
const OPAQUE: &[u8] = b"trusted.overlay.opaque";

/// Begins the value of [`METACOPY`]: version 0, length of all, flags 0, SHA-256 (`FS_VERITY_HASH_ALG_SHA256`).
const METACOPY_HEAD: [u8; 4] = [0, 36, 0, 1];

/// The names of the 256 whiteouts in the root, which hide the directories of the object store.
pub(crate) fn whiteout_names() -> impl Iterator<Item = [u8; 2]> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    DIGITS.iter().flat_map(|&high| DIGITS.iter().map(move |&low| [high, low]))
}

/// The attributes of a whiteout in a root that has `xattrs`.
pub(crate) fn whiteout_attributes(xattrs: &Xattrs) -> Vec<Attribute<'_>> {
    xattrs.get(LABEL).map(|label| Attribute::new(LABEL, label)).into_iter().collect()
}

/// The attributes of any inode but the root and regular files with a body.
pub(crate) fn attributes(xattrs: &Xattrs) -> Result<Vec<Attribute<'_>>, XattrError> {
    with(xattrs, Vec::new())
}

/// The attributes of the root.
pub(crate) fn root_attributes(xattrs: &Xattrs) -> Result<Vec<Attribute<'_>>, XattrError> {
    with(xattrs, vec![Attribute::new(OPAQUE, &b"y"[..])])
}

/// The attributes of a regular file whose body is `payload`.
pub(crate) fn file_attributes<'t>(xattrs: &'t Xattrs, payload: &Payload) -> Result<Vec<Attribute<'t>>, XattrError> {
    let metacopy = payload.verity.map_or_else(Vec::new, |digest| [&METACOPY_HEAD[..], &digest].concat());
    let redirect = [b"/", &payload.path[..]].concat();
    with(xattrs, vec![Attribute::new(METACOPY, metacopy), Attribute::new(REDIRECT, redirect)])
}

/// Whether an object can have that path.
pub(crate) fn check_payload(payload: &Payload) -> Result<(), Unrepresentable> {
    let Payload { path, .. } = payload;
    if path.is_empty() || path.len() > PATH_MAX || path.starts_with(b"/") || path.contains(&0) {
        return Err(Unrepresentable::PayloadPath { payload: path.clone() });
    }
    Ok(())
}

/// `xattrs`, escaped, and `added`, in order of names.
fn with<'t>(xattrs: &'t Xattrs, added: Vec<Attribute<'t>>) -> Result<Vec<Attribute<'t>>, XattrError> {
    let own = xattrs.iter().map(|(name, value)| (&name[..], &value[..]));
    xattr::check(own.chain(added.iter().map(|attribute| (&*attribute.name, &*attribute.value))))?;
    let mut all = added;
    all.extend(xattrs.iter().map(|(name, value)| Attribute::new(escape(name), value)));
    all.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// No two names become one: those that have the longer prefix already get it once more.
fn escape(name: &[u8]) -> Cow<'_, [u8]> {
    match name.strip_prefix(OVERLAY) {
        Some(rest) => [ESCAPED, rest].concat().into(),
        None => name.into(),
    }
}
