//! The container store: image layers and images as commits (spec 3.1, 3.2, 3.5, 3.7).

use builder_tree::FileTree;

use crate::gvariant::Variant;
use crate::{Checksum, Commit, OstreeError, Repo, StoredTree, TargetImage, json};

const BLOB: &str = "ostree/container/blob";
const IMAGE: &str = "ostree/container/image";
const IMPORTER_VERSION: &str = "ostree.importer.version";

/// What a merge commit says of the image it was made from.
#[derive(Clone, Copy, Debug)]
pub struct ContainerImage<'a> {
    /// The manifest of the one platform, JSON.
    pub manifest: &'a [u8],
    /// The configuration, JSON.
    pub config: &'a [u8],
    /// Digest of the manifest as it was served.
    pub manifest_digest: &'a str,
    /// When the image was made, in seconds since 1970.
    pub timestamp: u64,
    /// The version of ostree-ext whose import this is like.
    pub importer_version: &'a str,
}

/// Any text as part of a ref's name.
///
/// # Errors
/// An empty text, or one with a zero byte.
pub fn escape_ref(text: &str) -> Result<String, OstreeError> {
    if text.is_empty() || text.contains('\0') {
        let given = text.to_owned();
        return Err(OstreeError::Text { what: "a ref for", given, problem: "is empty or has a zero byte in it" });
    }
    let mut escaped = String::new();
    let mut previous_alphanumeric = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '-' => escaped.push(c),
            '/' if previous_alphanumeric && chars.peek().is_some() => escaped.push(c),
            '_' => escaped.push_str("__"),
            c if c.is_ascii_alphanumeric() => escaped.push(c),
            c => escaped.push_str(&format!("_{:02X}_", u32::from(c))),
        }
        previous_alphanumeric = c.is_ascii_alphanumeric();
    }
    Ok(escaped)
}

/// The ref of a layer, by the digest that the manifest gives for it (`sha256:…`).
///
/// # Errors
/// As for [`escape_ref`].
pub fn blob_ref(digest: &str) -> Result<String, OstreeError> {
    Ok(format!("{BLOB}/{}", escape_ref(digest)?))
}

/// The ref of an image, by its reference in transport notation: [`TargetImage::imgref`].
///
/// # Errors
/// As for [`escape_ref`].
pub fn image_ref(imgref: &str) -> Result<String, OstreeError> {
    Ok(format!("{IMAGE}/{}", escape_ref(imgref)?))
}

/// Commits a layer, adapted by [`crate::import::adapt_layer`], and sets its ref. A client reuses the layer when the
/// next image has it too, so it has to be complete.
///
/// # Errors
/// As for [`Repo::add_tree`] and [`blob_ref`].
pub fn commit_layer(
    repo: &mut Repo,
    tree: &FileTree,
    digest: &str,
    timestamp: u64,
    importer_version: &str,
) -> Result<Checksum, OstreeError> {
    let name = blob_ref(digest)?;
    let stored = repo.add_tree(tree)?;
    let commit = repo.add_commit(&Commit {
        metadata: vec![(IMPORTER_VERSION.to_owned(), importer_version.into())],
        parent: None,
        subject: String::new(),
        body: String::new(),
        timestamp,
        root: (stored.dirtree, stored.dirmeta),
    })?;
    repo.set_ref(&name, &commit)?;
    Ok(commit)
}

/// Commits the tree of all layers, adapted by [`crate::import::adapt_merged`], and sets the image's ref. This is the
/// commit that gets deployed.
///
/// # Errors
/// The manifest or configuration is not JSON, or together they exceed libostree's limit.
pub fn commit_merge(
    repo: &mut Repo,
    tree: &StoredTree,
    image: &ContainerImage<'_>,
    target: &TargetImage,
) -> Result<Checksum, OstreeError> {
    merge(repo, None, tree, image, target)
}

/// [`commit_merge`] of an image with an ostree base, whose commit becomes the parent. It is made even if no layer lies
/// over the base: the manifest and all else that a client asks for is in it, not in the base's commit.
///
/// # Errors
/// As for [`commit_merge`].
pub fn commit_merge_onto(
    repo: &mut Repo,
    base: &Checksum,
    tree: &StoredTree,
    image: &ContainerImage<'_>,
    target: &TargetImage,
) -> Result<Checksum, OstreeError> {
    merge(repo, Some(*base), tree, image, target)
}

fn merge(
    repo: &mut Repo,
    parent: Option<Checksum>,
    tree: &StoredTree,
    image: &ContainerImage<'_>,
    target: &TargetImage,
) -> Result<Checksum, OstreeError> {
    let name = image_ref(&target.imgref())?;
    let canonical = |what, text| json::canonical(text).map_err(|source| OstreeError::Json { what, source });
    // Exactly these, in this order (spec 3.7).
    let metadata = [
        ("ostree.container.image-config", Variant::Text(canonical("configuration", image.config)?)),
        (IMPORTER_VERSION, image.importer_version.into()),
        ("ostree.manifest", Variant::Text(canonical("manifest", image.manifest)?)),
        ("ostree.manifest-digest", image.manifest_digest.into()),
    ];
    let commit = repo.add_commit(&Commit {
        metadata: metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        parent,
        subject: String::new(),
        body: String::new(),
        timestamp: image.timestamp,
        root: (tree.dirtree, tree.dirmeta),
    })?;
    repo.set_ref(&name, &commit)?;
    Ok(commit)
}

#[cfg(test)]
mod tests {
    use super::{blob_ref, escape_ref, image_ref};

    #[test]
    fn names_are_escaped_as_bootc_does() {
        for (text, expected) in [
            ("sha256:abab", "sha256_3A_abab"),
            ("docker://quay.io/fedora/fedora-bootc:42", "docker_3A__2F__2F_quay_2E_io/fedora/fedora-bootc_3A_42"),
            ("oci:/run/oci:latest", "oci_3A__2F_run/oci_3A_latest"),
            ("registry:quay.io/coreos/fedora:latest", "registry_3A_quay_2E_io/coreos/fedora_3A_latest"),
            ("a_b/", "a__b_2F_"),
            ("a//b", "a/_2F_b"),
            ("é", "_E9_"),
        ] {
            assert_eq!(escape_ref(text).unwrap(), expected);
        }
        assert!(escape_ref("").is_err() && escape_ref("a\0").is_err());
        assert_eq!(blob_ref("sha256:ab").unwrap(), "ostree/container/blob/sha256_3A_ab");
        assert_eq!(image_ref("dir:x").unwrap(), "ostree/container/image/dir_3A_x");
    }
}
