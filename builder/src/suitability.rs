//! Whether an image, sound as it is, would make a disk that works. Each refusal says what the image asks for.

use std::collections::BTreeMap;

use builder_tree::FileTree;

use crate::progress::Progress;
use crate::settings::{Selinux, prepare_root};

/// The label that marks an image whose layers are an ostree repository cut in pieces.
const ENCAPSULATED: &str = "ostree.final-diffid";

/// Labels of which `bootc` wants at least one.
const BOOTABLE: [&str; 2] = ["containers.bootc", "ostree.bootable"];

/// Something that the image asks for and that diskwright cannot do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsuitable {
    /// The layers hold an ostree repository.
    #[error("the image is in the chunked form (label {ENCAPSULATED}), which diskwright does not read yet")]
    Encapsulated,
    /// The initramfs will check every file by fs-verity, or a signature.
    #[error(
        "the image's composefs setting is `{enabled}`, and diskwright does not write fs-verity or signatures yet, so it would not boot"
    )]
    Composefs {
        /// The setting.
        enabled: String,
    },
    /// The system will want labels.
    #[error(
        "the image has SELinux {mode} with the policy `{policy}`, and diskwright does not write labels yet, so it would not boot"
    )]
    Selinux {
        /// `enforcing` or `permissive`.
        mode: String,
        /// Name of the policy.
        policy: String,
    },
}

impl Unsuitable {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Encapsulated => Some("build a plain image from it: `FROM` it in a Containerfile and squash the result into one layer".to_owned()),
            Self::Composefs { .. } => Some(
                "add `--karg ostree.prepare-root.composefs=1` (libostree 2024.8 or later), or set `enabled = yes` in the image and make its initramfs anew"
                    .to_owned(),
            ),
            Self::Selinux { .. } => Some("add `--karg selinux=0`, or set SELINUX=disabled in the image".to_owned()),
        }
    }
}

/// Looks at the labels, before any layer is read.
///
/// # Errors
/// [`Unsuitable::Encapsulated`].
pub(crate) fn check_labels(labels: &BTreeMap<String, String>, progress: &mut dyn Progress) -> Result<(), Unsuitable> {
    if labels.contains_key(ENCAPSULATED) {
        return Err(Unsuitable::Encapsulated);
    }
    if !BOOTABLE.iter().any(|label| labels.contains_key(*label)) {
        progress.warn(
            "the image has neither the label containers.bootc nor ostree.bootable: bootc will refuse updates to images like it",
        );
    }
    Ok(())
}

/// Looks at the settings in the tree; `kargs` are the kernel arguments of the disk.
///
/// # Errors
/// [`Unsuitable::Composefs`] and [`Unsuitable::Selinux`], unless a kernel argument turns the demand off.
pub(crate) fn check_tree(tree: &FileTree, kargs: &[String]) -> Result<(), Unsuitable> {
    let settings = prepare_root(tree);
    let configured = settings.get("composefs.enabled").map(|value| value.to_lowercase()).unwrap_or_default();
    // prepare-root takes the argument before the setting, and the last one of several.
    let karg = kargs.iter().rev().find_map(|karg| karg.strip_prefix("ostree.prepare-root.composefs="));
    let enabled = karg.map_or(configured, str::to_lowercase);
    if matches!(enabled.as_str(), "verity" | "signed") {
        return Err(Unsuitable::Composefs { enabled });
    }
    if let Some(selinux) = Selinux::read(tree).filter(Selinux::is_on)
        && !kargs.iter().any(|karg| karg == "selinux=0")
    {
        return Err(Unsuitable::Selinux { mode: selinux.mode, policy: selinux.policy });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, FileTree, Inode, Metadata};

    use super::check_tree;

    #[test]
    fn a_demand_that_cannot_be_met_is_refused_unless_it_is_turned_off() {
        for (conf, kargs, refused) in [
            ("", &[][..], false),
            ("[composefs]\nenabled = yes\n", &[], false),
            ("[composefs]\nenabled = verity\n", &[], true),
            ("[composefs]\nenabled = signed\n", &[], true),
            ("[composefs]\nenabled = signed\n", &["ostree.prepare-root.composefs=1"], false),
            ("[composefs]\nenabled = no\n", &["ostree.prepare-root.composefs=signed"], true),
        ] {
            let mut tree = FileTree::new();
            let inode = Inode::regular(Metadata::root(0o644), Content::bytes(conf.as_bytes().to_vec()));
            tree.insert(b"usr/lib/ostree/prepare-root.conf", inode, &Metadata::root(0o755)).unwrap();
            let kargs: Vec<String> = kargs.iter().map(|&karg| karg.to_owned()).collect();
            assert_eq!(check_tree(&tree, &kargs).is_err(), refused, "{conf:?} {kargs:?}");
        }
    }
}
