//! Labels guessed while layers are read.
//!
//! A file's label is a part of its object's checksum, and is known only when the last layer has been read, for that may
//! change the policy. Nearly always it does not: so a body is hashed behind the header with the label that the policy
//! read so far gives, and only where that was wrong is it read again later.

use builder_oci::FileAhead;
use builder_ostree::body_prefix;
use builder_selinux::{FileKind, Policy, PolicyTexts, XATTR};
use builder_tree::{Directory, FileTree};

/// Where policies lie in a layer, as `HOME/NAME/contexts/files/file_contexts`.
const HOMES: [&str; 2] = ["etc/selinux", "usr/etc/selinux"];

/// The texts of a policy: `file_contexts` and these endings.
const ENDINGS: [&str; 5] = ["", ".homedirs", ".local", ".subs", ".subs_dist"];

/// Largest text that is kept in memory, in bytes; Fedora's has 400 kB.
const LIMIT: u64 = 4 << 20;

/// All that is kept in memory of an image, in bytes.
const MEMORY: u64 = 32 << 20;

/// The policy that has been read so far.
pub(crate) struct LabelGuess {
    policy: Option<Policy>,
    /// The name of a policy of which texts were read that are not in `policy`.
    fresh: Option<(usize, Vec<u8>)>,
    memory: u64,
}

impl LabelGuess {
    pub(crate) fn new() -> Self {
        Self { policy: None, fresh: None, memory: MEMORY }
    }

    /// The policy that was read last.
    pub(crate) fn policy(self) -> Option<Policy> {
        self.policy
    }

    /// What is to be hashed ahead of a body; `None` for one to be kept in memory, because it is a part of a policy.
    pub(crate) fn prefix(&mut self, file: &FileAhead<'_>) -> Option<Vec<u8>> {
        if let Some(found) = policy_of(file.path) {
            let left = self.memory.checked_sub(file.size).filter(|_| file.size <= LIMIT);
            if let Some(left) = left {
                self.memory = left;
                self.fresh = Some(found);
                return None;
            }
        } else if let Some((home, name)) =
            self.fresh.take_if(|(home, _)| !file.path.starts_with(HOMES[*home].as_bytes()))
        {
            // All its texts are there, as they lie together. Whatever is wrong with it is said when the image's own policy is read.
            if let Some(policy) = parse(file.before, HOMES[home], &name) {
                self.policy = Some(policy);
            }
        }
        let mut metadata = file.metadata.clone();
        if let Some(label) =
            self.policy.as_ref().and_then(|policy| policy.label(&in_commit(file.path), FileKind::Regular))
        {
            metadata.xattrs.insert(XATTR.to_vec(), label.as_xattr().to_vec());
        }
        Some(body_prefix(&metadata))
    }
}

/// The home and the name of the policy that the file at `path` is a text of.
fn policy_of(path: &[u8]) -> Option<(usize, Vec<u8>)> {
    HOMES.iter().enumerate().find_map(|(number, home)| {
        let below = path.strip_prefix(home.as_bytes())?.strip_prefix(b"/")?;
        let end = below.iter().position(|&byte| byte == b'/')?;
        let (name, rest) = below.split_at(end);
        let ending = rest.strip_prefix(b"/contexts/files/file_contexts")?;
        ENDINGS.iter().any(|known| known.as_bytes() == ending).then(|| (number, name.to_vec()))
    })
}

fn parse(before: &FileTree, home: &str, name: &[u8]) -> Option<Policy> {
    let path = [home.as_bytes(), b"/", name, b"/contexts/files"].concat();
    let directory: &Directory = before.directory(&path)?;
    let text = |ending: &str| {
        let name = ["file_contexts", ending].concat();
        let content = directory.get(name.as_bytes())?.as_leaf()?.content()?;
        // Others are in the store, and not to be read yet.
        content.fingerprint().is_none().then(|| content.read_to_vec(LIMIT).ok())?
    };
    let contexts = text("")?;
    let [homedirs, local, subs, subs_dist] =
        [ENDINGS[1], ENDINGS[2], ENDINGS[3], ENDINGS[4]].map(|ending| text(ending).unwrap_or_default());
    let texts = PolicyTexts {
        path: b"file_contexts",
        contexts: &contexts,
        homedirs: &homedirs,
        local: &local,
        subs: &subs,
        subs_dist: &subs_dist,
    };
    Policy::parse(name, &texts).ok()
}

/// The absolute path under which the file at `path` of a layer is committed.
fn in_commit(path: &[u8]) -> Vec<u8> {
    let prefix: &[u8] = if path.starts_with(b"etc/") { b"/usr/" } else { b"/" };
    [prefix, path].concat()
}

#[cfg(test)]
mod tests {
    use builder_oci::FileAhead;
    use builder_ostree::body_prefix;
    use builder_tree::{Content, FileTree, Inode, Metadata};

    use super::{LIMIT, LabelGuess};

    #[test]
    fn files_behind_a_policy_are_hashed_with_its_labels() {
        const CONTEXTS: &str = "etc/selinux/t/contexts/files/file_contexts";
        let metadata = Metadata::root(0o644);
        let mut before = FileTree::new();
        let mut guess = LabelGuess::new();
        let ask = |guess: &mut LabelGuess, path: &str, size: u64, before: &FileTree| {
            guess.prefix(&FileAhead { layer: 0, path: path.as_bytes(), metadata: &metadata, size, before })
        };
        let plain = body_prefix(&metadata);
        assert_eq!(ask(&mut guess, "etc/early", 1, &before), Some(plain.clone()));
        assert_eq!(ask(&mut guess, CONTEXTS, LIMIT + 1, &before), Some(plain.clone()));
        assert_eq!(ask(&mut guess, CONTEXTS, 60, &before), None);
        let text = b"/usr(/.*)?\ts:o:usr_t\n/usr/etc/.*\ts:o:etc_t\n".to_vec();
        let inode = Inode::regular(Metadata::root(0o644), Content::bytes(text));
        before.insert(CONTEXTS.as_bytes(), inode, &Metadata::root(0o755)).unwrap();
        for (path, label) in [("usr/a", Some("s:o:usr_t")), ("etc/a", Some("s:o:etc_t")), ("opt/a", None)] {
            let mut labelled = metadata.clone();
            if let Some(label) = label {
                labelled.xattrs.insert(b"security.selinux".to_vec(), [label.as_bytes(), b"\0"].concat());
            }
            assert_eq!(ask(&mut guess, path, 1, &before), Some(body_prefix(&labelled)), "{path}");
        }
        // The next layer knows it still.
        assert_ne!(ask(&mut guess, "usr/b", 1, &FileTree::new()), Some(plain));
    }
}
