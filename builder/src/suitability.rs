//! Whether an image, sound as it is, would make a disk that works. Each refusal says what the image asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use builder_oci::Image;
use builder_tree::FileTree;

use crate::early::Early;
use crate::progress::Progress;
use crate::settings::prepare_root;

/// Labels of which `bootc` wants at least one.
const BOOTABLE: [&str; 2] = ["containers.bootc", "ostree.bootable"];

/// Something that the image asks for and that diskwright cannot do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsuitable {
    /// The initramfs will check a signature.
    #[error("{whose} composefs setting is `signed`, and diskwright cannot sign yet, so the image would not boot")]
    Signed {
        /// Whose setting it is.
        whose: &'static str,
    },
    /// A setting that libostree has no meaning for.
    #[error("{whose} composefs setting is `{value}`, expected yes, no, maybe, verity or signed")]
    UnknownComposefs {
        /// Whose setting it is.
        whose: &'static str,
        /// The setting.
        value: String,
    },
    /// The image to roll back to is the same.
    #[error("the image to roll back to is the image itself: both have the digest {digest}")]
    SameRollback {
        /// Digest of the manifest.
        digest: String,
    },
    /// The image to roll back to is for another machine.
    #[error("the image to roll back to is for {rollback}, the image itself for {image}")]
    OtherPlatform {
        /// Platform of the image to roll back to.
        rollback: String,
        /// Platform of the image.
        image: String,
    },
}

impl Unsuitable {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Signed { .. } | Self::UnknownComposefs { .. } => Some(
                "add `--karg ostree.prepare-root.composefs=1` (libostree 2024.8 or later), or set `enabled = yes` in the image and make its initramfs anew"
                    .to_owned(),
            ),
            Self::SameRollback { .. } => Some("name an older image with --rollback, or leave it out".to_owned()),
            Self::OtherPlatform { .. } => Some("name images of one architecture".to_owned()),
        }
    }
}

/// Whether `bootc` takes images with these labels.
pub(crate) fn is_bootable(labels: &BTreeMap<String, String>) -> bool {
    BOOTABLE.iter().any(|label| labels.contains_key(*label))
}

/// Looks at the labels, before any layer is read.
pub(crate) fn check_labels(labels: &BTreeMap<String, String>, progress: &mut dyn Progress) {
    if !is_bootable(labels) {
        progress.warn(
            "the image has neither the label containers.bootc nor ostree.bootable: bootc will refuse updates to images like it",
        );
    }
}

/// Whether `rollback` can stand beside `image` on one disk.
///
/// # Errors
/// [`Unsuitable::SameRollback`] and [`Unsuitable::OtherPlatform`].
pub(crate) fn check_rollback(image: &Image, rollback: &Image) -> Result<(), Unsuitable> {
    let digest = image.manifest_digest();
    if digest == rollback.manifest_digest() {
        return Err(Unsuitable::SameRollback { digest: digest.to_string() });
    }
    let (rollback, image) = (rollback.platform().to_string(), image.platform().to_string());
    if rollback == image { Ok(()) } else { Err(Unsuitable::OtherPlatform { rollback, image }) }
}

/// What the initramfs does with a deployment's composefs image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Composefs {
    /// Not used: the deployment's directory is bound to the root.
    Unused,
    /// Mounted, as it is there.
    Optional,
    /// Mounted, and without it there is no boot.
    Required,
    /// The same, and every file has to have fs-verity.
    Sealed,
}

/// Why a setting is none that a disk can be made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ComposefsProblem {
    /// The initramfs will check a signature.
    Signed,
    /// libostree does not know it.
    Unknown,
}

impl Composefs {
    /// What `composefs.enabled`, or the kernel argument instead of it, means.
    ///
    /// # Errors
    /// [`ComposefsProblem`].
    pub(crate) fn parse(setting: &str) -> Result<Self, ComposefsProblem> {
        match setting.to_lowercase().as_str() {
            "no" | "false" | "0" => Ok(Self::Unused),
            "maybe" => Ok(Self::Optional),
            "yes" | "true" | "1" => Ok(Self::Required),
            "verity" => Ok(Self::Sealed),
            "signed" => Err(ComposefsProblem::Signed),
            _ => Err(ComposefsProblem::Unknown),
        }
    }
}

impl fmt::Display for Composefs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unused => "written, not mounted by this initramfs",
            Self::Optional => "written and mounted",
            Self::Required => "written, mounted and required",
            Self::Sealed => "written, mounted and required, every file sealed by fs-verity",
        })
    }
}

/// What will be done with the composefs image. `tree` has the image's own settings, `early` those of its initramfs, and
/// `kargs` are the kernel arguments: the last of these goes before the second, and that before the first, which only
/// counts where the initramfs could not be read (specification 4.8).
///
/// # Errors
/// [`Unsuitable::Signed`] and [`Unsuitable::UnknownComposefs`].
pub(crate) fn composefs(
    tree: &FileTree,
    early: Option<&Early>,
    kargs: &[String],
    progress: &mut dyn Progress,
) -> Result<Composefs, Unsuitable> {
    let of_image = prepare_root(tree);
    if let Some(early) = early {
        for (key, initramfs, image) in differences(&early.settings, &of_image) {
            let [initramfs, image] = [initramfs, image].map(|value| value.unwrap_or("(not set)"));
            progress.warn(&format!(
                "prepare-root.conf says `{key} = {image}` in the image and `{initramfs}` in its initramfs: the initramfs wins; make it anew to change that"
            ));
        }
    }
    let (whose, settings) = early.map_or(("the image's", &of_image), |early| ("the initramfs's", &early.settings));
    let configured = settings.get("composefs.enabled").map_or("no", String::as_str);
    // prepare-root takes the argument before the setting, and the last one of several.
    let karg = kargs.iter().rev().find_map(|karg| karg.strip_prefix("ostree.prepare-root.composefs="));
    let (whose, value) = karg.map_or((whose, configured), |value| ("the kernel argument's", value));
    Composefs::parse(value).map_err(|problem| match problem {
        ComposefsProblem::Signed => Unsuitable::Signed { whose },
        ComposefsProblem::Unknown => Unsuitable::UnknownComposefs { whose, value: value.to_owned() },
    })
}

/// Settings that differ: key, value in the initramfs, value in the image.
pub(crate) fn differences<'a>(
    early: &'a BTreeMap<String, String>,
    image: &'a BTreeMap<String, String>,
) -> Vec<(&'a str, Option<&'a str>, Option<&'a str>)> {
    let keys: BTreeSet<_> = early.keys().chain(image.keys()).collect();
    let get = |settings: &'a BTreeMap<String, String>, key| settings.get(key).map(String::as_str);
    let values = keys.into_iter().map(|key| (key.as_str(), get(early, key), get(image, key)));
    values.filter(|(_, early, image)| early != image).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use builder_tree::{Content, FileTree, Inode, Metadata};

    use super::{Composefs, Unsuitable, composefs};
    use crate::early::Early;
    use crate::progress::Progress;

    #[derive(Default)]
    struct Warnings(Vec<String>);

    impl Progress for Warnings {
        fn warn(&mut self, text: &str) {
            self.0.push(text.to_owned());
        }
    }

    fn decided(image: &str, initramfs: Option<&str>, kargs: &[&str]) -> (Result<Composefs, Unsuitable>, Vec<String>) {
        let mut tree = FileTree::new();
        if !image.is_empty() {
            let conf = format!("[composefs]\nenabled = {image}\n");
            let inode = Inode::regular(Metadata::root(0o644), Content::bytes(conf.into_bytes()));
            tree.insert(b"usr/lib/ostree/prepare-root.conf", inode, &Metadata::root(0o755)).unwrap();
        }
        let early = initramfs.map(|value| Early {
            has_program: true,
            settings: (!value.is_empty())
                .then(|| ("composefs.enabled".to_owned(), value.to_owned()))
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
            ..Early::default()
        });
        let kargs: Vec<String> = kargs.iter().map(|&karg| karg.to_owned()).collect();
        let mut warnings = Warnings::default();
        (composefs(&tree, early.as_ref(), &kargs, &mut warnings), warnings.0)
    }

    #[test]
    fn the_kernel_argument_goes_before_the_initramfs_and_that_before_the_image() {
        const OFF: &str = "ostree.prepare-root.composefs=0";
        use Composefs::{Optional, Required, Sealed, Unused};
        for (image, initramfs, kargs, expected) in [
            ("", None, &[][..], Some(Unused)),
            ("yes", None, &[], Some(Required)),
            ("yes", Some("yes"), &[], Some(Required)),
            ("no", Some("True"), &[], Some(Required)),
            ("yes", Some(""), &[], Some(Unused)),
            ("maybe", Some("maybe"), &[], Some(Optional)),
            ("signed", Some("maybe"), &[], Some(Optional)),
            ("yes", Some("signed"), &[], None),
            ("yes", Some("sometimes"), &[], None),
            ("verity", None, &[], Some(Sealed)),
            ("verity", None, &[OFF], Some(Unused)),
            ("no", Some("no"), &["ostree.prepare-root.composefs=signed"], None),
            ("signed", None, &["ostree.prepare-root.composefs=signed", OFF], Some(Unused)),
        ] {
            let (result, _) = decided(image, initramfs, kargs);
            assert_eq!(result.ok(), expected, "{image:?} {initramfs:?} {kargs:?}");
        }
    }

    #[test]
    fn where_initramfs_and_image_disagree_the_warning_says_which_wins() {
        let (_, warnings) = decided("yes", Some("no"), &[]);
        assert_eq!(warnings.len(), 1);
        assert!(
            warnings[0]
                .contains("`composefs.enabled = yes` in the image and `no` in its initramfs: the initramfs wins"),
            "{warnings:?}"
        );
        assert_eq!(decided("yes", Some("yes"), &[]).1, [""; 0]);
        assert_eq!(decided("yes", None, &[]).1, [""; 0]);
    }
}
