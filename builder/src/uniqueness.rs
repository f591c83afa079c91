//! What each machine must have for itself, and an image must therefore not bring.

use std::sync::Arc;

use builder_tree::{DisplayPath, FileTree, Inode, Node, join};

/// Larger than any machine id, in bytes.
const LIMIT: u64 = 4096;

/// Files whose presence is enough, in ostree's form of the tree, with what they are.
const FILES: [(&str, &str); 4] = [
    ("var/lib/systemd/random-seed", "seed of the random number generator"),
    ("var/lib/systemd/credential.secret", "key of systemd's credentials"),
    ("var/lib/NetworkManager/secret_key", "NetworkManager's secret"),
    ("usr/etc/krb5.keytab", "Kerberos keys"),
];

/// Machine ids.
const MACHINE_IDS: [&str; 2] = ["usr/etc/machine-id", "var/lib/dbus/machine-id"];

/// Paths as the image has them, each with what it is.
pub(crate) fn shared_by_all_machines(tree: &FileTree) -> Vec<String> {
    let mut found = Vec::new();
    for path in MACHINE_IDS {
        let text = leaf(tree, path).and_then(|inode| inode.content()?.read_to_vec(LIMIT).ok());
        if text.is_some_and(|text| is_machine_id(&text)) {
            found.push(told(path.as_bytes(), "machine id"));
        }
    }
    for (path, what) in FILES {
        if leaf(tree, path).is_some() {
            found.push(told(path.as_bytes(), what));
        }
    }
    // One of each tells enough.
    let first = |directory: &str, is_meant: fn(&[u8]) -> bool| {
        let names = &tree.directory(directory.as_bytes())?.entries;
        names.keys().find(|name| is_meant(name)).map(|name| join(directory.as_bytes(), name))
    };
    found.extend(first("usr/etc/ssh", is_host_key).map(|path| told(&path, "SSH host key")));
    found.extend(first("var/log/journal", |_| true).map(|path| told(&path, "logs of another machine")));
    found
}

/// Whether a file `machine-id` with this text has one: systemd makes one where it is empty, or says that it is not set.
pub(crate) fn is_machine_id(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    !text.is_empty() && text != b"uninitialized"
}

/// Whether a file of that name is a private SSH host key.
pub(crate) fn is_host_key(name: &[u8]) -> bool {
    name.starts_with(b"ssh_host_") && name.ends_with(b"_key")
}

fn told(path: &[u8], what: &str) -> String {
    let path = path.strip_prefix(b"usr/").filter(|path| path.starts_with(b"etc/")).unwrap_or(path);
    format!("{} ({what})", DisplayPath(path))
}

fn leaf<'t>(tree: &'t FileTree, path: &str) -> Option<&'t Arc<Inode>> {
    tree.get(path.as_bytes()).and_then(Node::as_leaf)
}
