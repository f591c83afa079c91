//! What each machine must have for itself.

use builder_tree::{Content, InodeKind, Node};

use crate::lint::check::{Check, Entry, Origin, Run, Severity};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;
use crate::uniqueness::{is_host_key, is_machine_id};

pub(crate) static MACHINE_ID: Check = Check {
    name: "machine-id",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "The image has a machine id",
    reason: "Every machine made from it will have the same one: addresses by DHCP collide, journals mix, and \
             nothing counts as a first boot",
    fix: "RUN : > /etc/machine-id && rm -f /var/lib/dbus/machine-id",
    run: Run::Once(machine_id),
};

/// Larger than any machine id, in bytes.
const ID_LIMIT: u64 = 4096;

fn machine_id(subject: &Subject, findings: &mut Findings<'_>) {
    for path in ["etc/machine-id", "usr/etc/machine-id", "var/lib/dbus/machine-id"] {
        // A link leads to the other one.
        let Some(content) = regular(subject, path) else { continue };
        // What is too long for one is taken for one.
        if subject.whole(content, ID_LIMIT).is_none_or(|text| is_machine_id(&text)) {
            findings.at(path.as_bytes(), "a machine id, which all machines will share");
        }
    }
}

pub(crate) static SSH_HOST_KEYS: Check = Check {
    name: "ssh-host-keys",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "The image has private SSH host keys",
    reason: "Whoever has the image can pass for any machine made from it",
    fix: "# the service that makes them does so at the first boot\nRUN rm -f /etc/ssh/ssh_host_*",
    run: Run::Walk(ssh_host_keys),
};

fn ssh_host_keys(_: &Subject, entry: &Entry<'_>, findings: &mut Findings<'_>) {
    if is_host_key(entry.name())
        && entry.is_below(&["etc", "usr/etc", "var"])
        && matches!(entry.node, Node::Leaf(inode) if inode.content().is_some_and(|content| !content.is_empty()))
    {
        findings.at(entry.path, "a private SSH host key, which all machines will share");
    }
}

pub(crate) static MACHINE_SECRETS: Check = Check {
    name: "machine-secrets",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "The image has a seed, a secret or a name that belongs to one machine",
    reason: "All machines made from it will share it, and whoever has the image knows it",
    fix: "# remove it in the command that leaves it behind, such as\n\
          RUN rm -f /var/lib/systemd/random-seed /var/lib/systemd/credential.secret",
    run: Run::Once(machine_secrets),
};

/// Files whose presence is enough, with what they are.
const SECRETS: [(&str, &str); 17] = [
    ("boot/loader/random-seed", "a seed of the random number generator"),
    ("efi/loader/random-seed", "a seed of the random number generator"),
    ("etc/hostid", "a host id"),
    ("etc/iscsi/initiatorname.iscsi", "a name of an iSCSI initiator"),
    ("etc/krb5.keytab", "Kerberos keys"),
    ("etc/nvme/hostid", "an NVMe host id"),
    ("etc/nvme/hostnqn", "an NVMe host name"),
    ("etc/rndc.key", "a key for controlling BIND"),
    ("etc/unbound/unbound_server.key", "a key for controlling unbound"),
    ("var/lib/NetworkManager/secret_key", "NetworkManager's secret"),
    ("var/lib/cloud/instance", "cloud-init's state of another machine"),
    ("var/lib/misc/random-seed", "a seed of the random number generator"),
    ("var/lib/random-seed", "a seed of the random number generator"),
    ("var/lib/systemd/credential.secret", "the key of systemd's credentials"),
    ("var/lib/systemd/random-seed", "a seed of the random number generator"),
    ("var/lib/tpm2-tss/system/keystore", "keys bound to a TPM"),
    ("var/lib/urandom/random-seed", "a seed of the random number generator"),
];

fn machine_secrets(subject: &Subject, findings: &mut Findings<'_>) {
    for (path, what) in SECRETS {
        let found = match subject.get(path) {
            Some(Node::Leaf(inode)) => match &inode.kind {
                InodeKind::Regular(content) => !content.is_empty(),
                kind => matches!(kind, InodeKind::Symlink(_)),
            },
            Some(Node::Directory(directory)) => !directory.entries.is_empty(),
            None => false,
        };
        if found {
            findings.at(path.as_bytes(), format!("{what}, which all machines will share"));
        }
    }
}

/// The body of the regular file at `path`, links not followed.
fn regular<'s>(subject: &'s Subject, path: &str) -> Option<&'s Content> {
    subject.get(path)?.as_leaf()?.content()
}
