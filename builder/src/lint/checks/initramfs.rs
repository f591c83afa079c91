//! What runs before the root is mounted.

use builder_boot::Kernel;
use builder_tree::Node;

use crate::lint::check::{Check, Origin, Run, Severity};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;
use crate::settings::prepare_root;
use crate::suitability::differences;

/// How one is made anew, also with other settings in it.
const ANEW: &str = "RUN v=$(ls /usr/lib/modules) && \
                    dracut --force --no-hostonly --reproducible --add ostree --kver \"$v\" \
                    /usr/lib/modules/\"$v\"/initramfs.img";

pub(crate) static INITRAMFS: Check = Check {
    name: "initramfs",
    severity: Severity::Fatal,
    origin: Origin::Diskwright,
    summary: "The kernel has no `initramfs.img` beside it",
    reason: "Without one the kernel does not find the deployment, and stops",
    fix: ANEW,
    run: Run::Once(initramfs),
};

fn initramfs(subject: &Subject, findings: &mut Findings<'_>) {
    for version in Kernel::versions(&subject.tree) {
        let directory = format!("usr/lib/modules/{version}");
        let is_there = ["initramfs.img", "initramfs"].iter().any(|name| {
            let node = subject.get(&format!("{directory}/{name}"));
            node.and_then(Node::as_leaf).is_some_and(|inode| inode.content().is_some())
        });
        // A version that is not UTF-8 is told of by the check of kernels.
        if !is_there && !version.contains(char::REPLACEMENT_CHARACTER) {
            findings.at(directory.as_bytes(), "the kernel there has no initramfs.img");
        }
    }
}

pub(crate) static INITRAMFS_UNREADABLE: Check = Check {
    name: "initramfs-unreadable",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "The initramfs cannot be read",
    reason: "The kernel may not be able to read it either, unless the reason is a compression or a size that only diskwright \
does not take; and nothing can be said about what it would do",
    fix: ANEW,
    run: Run::Once(initramfs_unreadable),
};

fn initramfs_unreadable(subject: &Subject, findings: &mut Findings<'_>) {
    if let (Some(Err(error)), Some(path)) = (subject.early(), path(subject)) {
        findings.at(&path, error.as_str());
    }
}

pub(crate) static INITRAMFS_PREPARE_ROOT: Check = Check {
    name: "initramfs-prepare-root",
    severity: Severity::Fatal,
    origin: Origin::Diskwright,
    summary: "The initramfs does not hold `ostree-prepare-root`",
    reason: "Nothing else makes a deployment the root: the machine stops in the initramfs",
    fix: ANEW,
    run: Run::Once(initramfs_prepare_root),
};

fn initramfs_prepare_root(subject: &Subject, findings: &mut Findings<'_>) {
    if let (Some(Ok(early)), Some(path)) = (subject.early(), path(subject))
        && !early.has_program
    {
        findings.at(&path, "it has no ostree-prepare-root");
    }
}

pub(crate) static INITRAMFS_SETTINGS: Check = Check {
    name: "initramfs-settings",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "`prepare-root.conf` is another one in the initramfs than in the image",
    reason: "The one in the initramfs has the last word at boot, whatever the image's own says; the next initramfs \
             that is made will behave otherwise",
    fix: ANEW,
    run: Run::Once(initramfs_settings),
};

fn initramfs_settings(subject: &Subject, findings: &mut Findings<'_>) {
    let (Some(Ok(early)), Some(path)) = (subject.early(), path(subject)) else { return };
    // Without the program the settings mean nothing.
    if !early.has_program {
        return;
    }
    let told = |value: Option<&str>| value.map_or_else(|| "not set".to_owned(), |value| format!("`{value}`"));
    for (key, early, image) in differences(&early.settings, &prepare_root(&subject.tree)) {
        findings.at(&path, format!("{key} is {} in the initramfs and {} in the image", told(early), told(image)));
    }
}

/// The initramfs of the one kernel.
pub(crate) fn path(subject: &Subject) -> Option<Vec<u8>> {
    let version = Kernel::find(&subject.tree).ok()?.version;
    let named = ["initramfs.img", "initramfs"].map(|name| format!("usr/lib/modules/{version}/{name}"));
    named.into_iter().find(|path| subject.get(path).is_some()).map(String::into_bytes)
}
