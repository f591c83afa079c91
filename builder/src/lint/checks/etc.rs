//! `/etc`, and the copy of it that a deployment keeps.

use builder_tree::{Directory, InodeKind, Node, join};

use crate::lint::check::{Check, Origin, Run, Severity};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

pub(crate) static BUILDAH_INJECTED: Check = Check {
    name: "buildah-injected",
    severity: Severity::Warning,
    origin: Origin::Bootc,
    summary: "`/etc/hostname` or `/etc/resolv.conf` is an empty file",
    reason: "Container tools mount files of their own there while they build, and leave empty ones behind; what was \
             meant to be there is lost, and such files are left out of the disk",
    fix: "# files of another name, or of another stage, come through\nCOPY hostname /etc/hostname",
    run: Run::Once(buildah_injected),
};

fn buildah_injected(subject: &Subject, findings: &mut Findings<'_>) {
    for path in ["etc/hostname", "etc/resolv.conf"] {
        if let Some(Node::Leaf(inode)) = subject.get(path)
            && matches!(&inode.kind, InodeKind::Regular(content) if content.is_empty())
        {
            findings.at(path.as_bytes(), "an empty file, as container tools leave it behind");
        }
    }
}

pub(crate) static ETC_USRETC: Check = Check {
    name: "etc-usretc",
    severity: Severity::Fatal,
    origin: Origin::Bootc,
    summary: "Both `/etc` and `/usr/etc` exist",
    reason: "/usr/etc is where a deployment keeps the image's /etc to compare the machine's with; an image that \
             brings one leaves it open which of the two is meant",
    fix: "RUN cp -a /usr/etc/. /etc/ && rm -rf /usr/etc",
    run: Run::Once(etc_usretc),
};

fn etc_usretc(subject: &Subject, findings: &mut Findings<'_>) {
    let (Some(etc), Some(copy)) = (subject.get("etc"), subject.get("usr/etc")) else { return };
    let mut counted = Compared::default();
    if let Some(copy) = copy.as_directory() {
        counted.directory(b"", copy, etc.as_directory());
    }
    let Compared { files, alone, first } = counted;
    let alone = match (alone, first) {
        (0, _) | (_, None) => "all of them also in /etc".to_owned(),
        (alone, Some(first)) => {
            format!("{alone} of them not in /etc, such as {}", builder_tree::DisplayPath(&join(b"usr/etc", &first)))
        }
    };
    findings.at(b"usr/etc", format!("it exists beside /etc, with {files} files, {alone}"));
}

/// Files of one directory, and those that another does not have.
#[derive(Default)]
struct Compared {
    files: u64,
    alone: u64,
    first: Option<Vec<u8>>,
}

impl Compared {
    fn directory(&mut self, path: &[u8], one: &Directory, other: Option<&Directory>) {
        for (name, node) in &one.entries {
            let path = join(path, name);
            let there = other.and_then(|other| other.get(name));
            match node {
                Node::Directory(below) => self.directory(&path, below, there.and_then(Node::as_directory)),
                Node::Leaf(_) => {
                    self.files += 1;
                    if there.is_none() {
                        self.alone += 1;
                        self.first.get_or_insert(path);
                    }
                }
            }
        }
    }
}
