//! The files of the ESP, as they lie in the image.

use std::collections::BTreeMap;

use builder_fat::{check_name, folded_name};
use builder_tree::{Directory, DisplayPath, InodeKind, Node, join};

use crate::lint::check::{Check, Origin, Run, Severity};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

pub(crate) static FAT_NAMES: Check = Check {
    name: "fat-names",
    severity: Severity::Fatal,
    origin: Origin::Diskwright,
    summary: "Something among the files for the ESP cannot be on a FAT file system",
    reason: "The firmware reads nothing else than FAT, which knows no links, does not tell large letters from small \
             ones, and forbids some characters and endings of names",
    fix: "# rename or remove it below /usr/lib/bootupd/updates/EFI or /usr/lib/efi, such as\n\
          RUN rm /usr/lib/bootupd/updates/EFI/VENDOR/FILE",
    run: Run::Once(fat_names),
};

/// The largest file, in bytes. FAT specification, "File size".
const MOST_BYTES: u64 = (1 << 32) - 1;

fn fat_names(subject: &Subject, findings: &mut Findings<'_>) {
    // All payloads come to one ESP, so names of different ones meet.
    let mut seen = BTreeMap::new();
    let mut look = |path: &[u8], node: Option<&Node>| {
        if let Some(Node::Directory(efi)) = node {
            payload(path, efi, &mut seen, findings);
        }
    };
    look(b"usr/lib/bootupd/updates/EFI", subject.get("usr/lib/bootupd/updates/EFI"));
    let Some(Node::Directory(packages)) = subject.get("usr/lib/efi") else { return };
    for (package, node) in &packages.entries {
        for (version, node) in node.as_directory().into_iter().flat_map(|package| &package.entries) {
            let path = [&b"usr/lib/efi"[..], package, version, b"EFI"].join(&b'/');
            look(&path, node.as_directory().and_then(|version| version.get(b"EFI")));
        }
    }
}

/// Looks at one folder `EFI` at `root`; `seen` has the paths on the ESP, as FAT compares them, with where they come
/// from.
fn payload(root: &[u8], efi: &Directory, seen: &mut BTreeMap<String, (Vec<u8>, Vec<u8>)>, findings: &mut Findings<'_>) {
    let walked: Result<(), std::convert::Infallible> = efi.walk(&mut |path, node| {
        let full = join(root, path);
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
        if let Err(problem) = check_name(name) {
            findings.at(&full, format!("its name {problem}"));
        }
        match node {
            Node::Directory(_) => {}
            Node::Leaf(inode) => match &inode.kind {
                InodeKind::Regular(content) if content.size() <= MOST_BYTES => {}
                InodeKind::Regular(content) => {
                    findings
                        .at(&full, format!("it has {} bytes, and a file on FAT at most {MOST_BYTES}", content.size()));
                }
                kind => findings.at(&full, format!("a {}, which FAT does not have", kind.name())),
            },
        }
        let folded = folded_name(&String::from_utf8_lossy(path));
        match seen.get(&folded) {
            // Where the directories above differ, that has been told.
            Some((other, found)) if other != name => {
                findings.at(&full, format!("on FAT it has the same name as {}", DisplayPath(found)));
            }
            Some(_) => {}
            None => {
                seen.insert(folded, (name.to_vec(), full));
            }
        }
        Ok(())
    });
    match walked {
        Ok(()) => {}
    }
}
