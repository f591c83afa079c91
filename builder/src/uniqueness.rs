//! What each machine must have for itself, and an image must therefore not bring.

use std::sync::Arc;

use builder_tree::{FileTree, Inode, Node};

/// Larger than any machine id, in bytes.
const LIMIT: u64 = 4096;

/// Files whose presence is enough, in ostree's form of the tree, with what they are.
const FILES: [(&str, &str); 4] = [
    ("var/lib/systemd/random-seed", "seed of the random number generator"),
    ("var/lib/systemd/credential.secret", "key of systemd's credentials"),
    ("var/lib/NetworkManager/secret_key", "NetworkManager's secret"),
    ("usr/etc/krb5.keytab", "Kerberos keys"),
];

/// Machine ids; systemd makes one where the file is empty or says that it is not set.
const MACHINE_IDS: [&str; 2] = ["usr/etc/machine-id", "var/lib/dbus/machine-id"];

/// Paths as the image has them, each with what it is.
pub(crate) fn shared_by_all_machines(tree: &FileTree) -> Vec<String> {
    let mut found = Vec::new();
    for path in MACHINE_IDS {
        let text = leaf(tree, path).and_then(|inode| inode.content()?.read_to_vec(LIMIT).ok());
        let is_set = text.is_some_and(|text| {
            let text = text.trim_ascii();
            !text.is_empty() && text != b"uninitialized"
        });
        if is_set {
            found.push(told(path, "machine id"));
        }
    }
    for (path, what) in FILES {
        if leaf(tree, path).is_some() {
            found.push(told(path, what));
        }
    }
    let names = |path: &str| {
        let directory = tree.directory(path.as_bytes());
        directory.into_iter().flat_map(|directory| directory.entries.keys()).map(|name| String::from_utf8_lossy(name))
    };
    for name in names("usr/etc/ssh") {
        if name.starts_with("ssh_host_") && name.ends_with("_key") {
            found.push(told(&format!("usr/etc/ssh/{name}"), "SSH host key"));
        }
    }
    for name in names("var/log/journal") {
        found.push(told(&format!("var/log/journal/{name}"), "logs of another machine"));
    }
    found
}

fn told(path: &str, what: &str) -> String {
    let path = path.strip_prefix("usr/etc/").map_or_else(|| format!("/{path}"), |path| format!("/etc/{path}"));
    format!("{path} ({what})")
}

fn leaf<'t>(tree: &'t FileTree, path: &str) -> Option<&'t Arc<Inode>> {
    tree.get(path.as_bytes()).and_then(Node::as_leaf)
}
