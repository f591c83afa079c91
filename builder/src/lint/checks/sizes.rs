//! What takes the space.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use builder_block::ByteSize;
use builder_tree::{Inode, Node};

use crate::lint::check::{Check, Entry, Origin, Run, Severity, Visitor};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

pub(crate) static SIZE_BY_DIRECTORY: Check = Check {
    name: "size-by-directory",
    severity: Severity::Info,
    origin: Origin::Diskwright,
    summary: "What the files in each directory at the root, and in each below `/usr`, take",
    reason: "It shows where an image can be made smaller",
    fix: "# remove what is not needed in the command that brings it, such as\n\
          RUN dnf install -y PACKAGE && dnf clean all && rm -rf /var/cache/*",
    run: Run::Visit(|| Box::new(ByDirectory::default())),
};

/// Files and bytes of a directory.
#[derive(Clone, Copy, Default)]
struct Sum {
    files: u64,
    bytes: u64,
}

/// Sums by directory; an inode with several names counts where its first one is.
#[derive(Default)]
struct ByDirectory {
    sums: BTreeMap<Vec<u8>, Sum>,
    seen: HashSet<*const Inode>,
}

impl Visitor for ByDirectory {
    fn visit(&mut self, _: &Subject, entry: &Entry<'_>, _: &mut Findings<'_>) {
        let Node::Leaf(inode) = entry.node else { return };
        let Some(content) = inode.content() else { return };
        if Arc::strong_count(inode) > 1 && !self.seen.insert(Arc::as_ptr(inode)) {
            return;
        }
        let directory = directory(entry.path);
        // Looked up first: most often it is there, and needs no copy of its name.
        let sum = match self.sums.get_mut(directory) {
            Some(sum) => sum,
            None => self.sums.entry(directory.to_vec()).or_default(),
        };
        sum.files = sum.files.saturating_add(1);
        sum.bytes = sum.bytes.saturating_add(content.size());
    }

    fn end(&mut self, _: &Subject, findings: &mut Findings<'_>) {
        let mut sums: Vec<_> = std::mem::take(&mut self.sums).into_iter().filter(|(_, sum)| sum.bytes > 0).collect();
        sums.sort_by_key(|(_, sum)| Reverse(sum.bytes));
        for (directory, Sum { files, bytes }) in sums {
            findings.at(&directory, format!("{} in {}", ByteSize::new(bytes), counted(files)));
        }
    }
}

/// The first name of a path, or the first two below `usr`; the root for a file that is there.
fn directory(path: &[u8]) -> &[u8] {
    let names = if path.starts_with(b"usr/") { 2 } else { 1 };
    let mut slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    let first = slashes.next();
    let end = if names == 2 { slashes.next().or(first) } else { first };
    &path[..end.unwrap_or(0)]
}

pub(crate) static SIZE_BY_LAYER: Check = Check {
    name: "size-by-layer",
    severity: Severity::Info,
    origin: Origin::Diskwright,
    summary: "What the files of each layer take, and what of it later layers hide",
    reason: "What a later layer replaces or removes is moved at every pull and stored on every machine, and nobody \
             sees it",
    fix: "# bring and remove it in one command, or build in a stage of its own and copy the result\n\
          COPY --from=BUILDER /result /",
    run: Run::Once(size_by_layer),
};

/// So many files, in words.
fn counted(files: u64) -> String {
    if files == 1 { "1 file".to_owned() } else { format!("{files} files") }
}

fn size_by_layer(subject: &Subject, findings: &mut Findings<'_>) {
    for layer in &subject.layers {
        let size = ByteSize::new;
        let (bytes, blob) = (size(layer.bytes), size(layer.blob_bytes));
        let mut message = format!("{layer}: {bytes} in {}, {blob} compressed", counted(layer.files));
        if layer.hidden_files > 0 {
            let (hidden, files) = (size(layer.hidden_bytes), counted(layer.hidden_files));
            message.push_str(&format!("; of it {hidden} in {files} hidden by later layers"));
        }
        findings.image(message);
    }
}

#[cfg(test)]
mod tests {
    use super::directory;

    #[test]
    fn a_path_counts_for_its_first_names() {
        for (path, counted) in [
            ("etc/ssh/key", "etc"),
            ("usr/lib/x/y", "usr/lib"),
            ("usr/file", "usr"),
            ("file", ""),
            ("usrx/lib/y", "usrx"),
        ] {
            assert_eq!(directory(path.as_bytes()), counted.as_bytes(), "{path}");
        }
    }
}
