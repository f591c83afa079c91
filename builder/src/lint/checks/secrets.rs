//! What people left behind while they built the image.

use builder_tree::Node;

use crate::lint::check::{Check, Entry, Origin, Run, Severity, is_below};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;
use crate::uniqueness::is_host_key;

/// Files that people keep are no larger, in bytes.
const LIMIT: u64 = 64 << 10;

/// Where settings and homes are.
const PLACES: [&str; 7] = ["etc", "home", "opt", "root", "srv", "usr/etc", "var"];

pub(crate) static PRIVATE_KEYS: Check = Check {
    name: "private-keys",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "There is a private key",
    reason: "Whoever has the image has the key, and all machines made from it share it",
    fix: "# give it to the machine, as a systemd credential for example; in builds: RUN --mount=type=secret,id=key\n\
          RUN rm PATH",
    run: Run::Walk(private_keys),
};

/// Names of directories whose keys are there to be read.
const SAMPLES: [&[u8]; 7] = [b"doc", b"docs", b"example", b"examples", b"test", b"testdata", b"tests"];

fn private_keys(subject: &Subject, entry: &Entry<'_>, findings: &mut Findings<'_>) {
    let Node::Leaf(inode) = entry.node else { return };
    let Some(content) = inode.content() else { return };
    if !may_hold_key(entry.path, content.size()) {
        return;
    }
    if let Some(kind) = subject.whole(content, LIMIT).and_then(|text| key_kind(&text)) {
        findings.at(entry.path, kind);
    }
}

/// Whether a key is looked for in the file at `path`, of `size` bytes.
pub(crate) fn may_hold_key(path: &[u8], size: u64) -> bool {
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    let has_name = name.ends_with(b".pem") || name.ends_with(b".key") || name.starts_with(b"id_");
    let may_be = (1..=LIMIT).contains(&size) && (has_name || is_below(path, &PLACES));
    may_be && !is_host_key(name) && !is_sample(path)
}

fn is_sample(path: &[u8]) -> bool {
    path.split(|&byte| byte == b'/').any(|name| SAMPLES.contains(&name))
}

/// The first private key in a file: others have certificates, attributes or comments before it (RFC 7468, section 2,
/// "explanatory text").
fn key_kind(text: &[u8]) -> Option<&'static str> {
    let text = text.trim_ascii_start();
    if text.starts_with(b"PuTTY-User-Key-File-") {
        return Some("a private SSH key (PuTTY)");
    }
    text.split(|&byte| byte == b'\n' || byte == b'\r').find_map(|line| {
        let Some(label) = line.strip_prefix(b"-----BEGIN ") else {
            return line.starts_with(b"AGE-SECRET-KEY-").then_some("a private age key");
        };
        match label.trim_ascii_end().strip_suffix(b"-----")? {
            b"PRIVATE KEY" => Some("a private key (PKCS #8)"),
            b"ENCRYPTED PRIVATE KEY" => Some("a private key (PKCS #8), with a passphrase"),
            b"OPENSSH PRIVATE KEY" => Some("a private SSH key"),
            b"PGP PRIVATE KEY BLOCK" => Some("a private PGP key"),
            label if label.ends_with(b" PRIVATE KEY") => Some("a private key"),
            _ => None,
        }
    })
}

pub(crate) static SHELL_HISTORY: Check = Check {
    name: "shell-history",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "There is a history of what somebody typed",
    reason: "It tells how the image was made, and often passwords and tokens",
    fix: "RUN rm -f /root/.*_history /var/roothome/.*_history",
    run: Run::Walk(shell_history),
};

const HISTORIES: [&[u8]; 15] = [
    b".ash_history",
    b".bash_history",
    b".histfile",
    b".history",
    b".lesshst",
    b".mysql_history",
    b".node_repl_history",
    b".psql_history",
    b".python_history",
    b".rediscli_history",
    b".sh_history",
    b".sqlite_history",
    b".viminfo",
    b".zsh_history",
    b"fish_history",
];

fn shell_history(_: &Subject, entry: &Entry<'_>, findings: &mut Findings<'_>) {
    if HISTORIES.contains(&entry.name())
        && entry.is_below(&PLACES)
        && matches!(entry.node, Node::Leaf(inode) if inode.content().is_some_and(|content| !content.is_empty()))
    {
        findings.at(entry.path, "a history of what somebody typed");
    }
}

pub(crate) static CREDENTIALS: Check = Check {
    name: "credentials",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "There is a password or a token for a service",
    reason: "Whoever has the image can use it, and a later layer that removes the file does not take it out of the \
             earlier one",
    fix: "# in builds: RUN --mount=type=secret,id=token; on machines: a systemd credential\nRUN rm PATH",
    run: Run::Walk(credentials),
};

/// Ends of paths below a home, what has to be in the file (nothing for any), and what it is.
const OF_HOMES: [(&str, &str, &str); 23] = [
    (".aws/credentials", "", "keys for AWS"),
    (".azure/accessTokens.json", "", "tokens for Azure"),
    (".azure/msal_token_cache.json", "", "tokens for Azure"),
    (".boto", "secret", "keys for cloud storage"),
    (".cargo/credentials", "token", "a token for a registry of crates"),
    (".cargo/credentials.toml", "token", "a token for a registry of crates"),
    (".config/containers/auth.json", "\"auth\"", "passwords for registries"),
    (".config/gcloud/application_default_credentials.json", "", "credentials for Google Cloud"),
    (".config/gcloud/credentials.db", "", "credentials for Google Cloud"),
    (".config/gh/hosts.yml", "oauth_token", "a token for GitHub"),
    (".config/rclone/rclone.conf", "", "passwords for cloud storage"),
    (".docker/config.json", "\"auth\"", "passwords for registries"),
    (".git-credentials", "", "passwords for Git servers"),
    (".kube/config", "", "credentials for Kubernetes"),
    (".my.cnf", "password", "a password for MySQL"),
    (".netrc", "password", "passwords for servers"),
    (".npmrc", "_auth", "a token for npm"),
    (".oci/config", "key_file", "credentials for Oracle Cloud"),
    (".pgpass", "", "passwords for PostgreSQL"),
    (".pypirc", "password", "a password for PyPI"),
    (".s3cfg", "secret_key", "keys for cloud storage"),
    (".terraform.d/credentials.tfrc.json", "", "tokens for Terraform"),
    (".vault-token", "", "a token for Vault"),
];

/// Files of the system, in the same form; a path that ends with a slash stands for all files in it.
const OF_SYSTEM: [(&str, &str, &str); 10] = [
    ("etc/NetworkManager/system-connections/", "psk=", "a passphrase for a wireless network"),
    ("etc/apt/auth.conf", "password", "passwords for package servers"),
    ("etc/apt/auth.conf.d/", "password", "passwords for package servers"),
    ("etc/containers/auth.json", "\"auth\"", "passwords for registries"),
    ("etc/ostree/auth.json", "\"auth\"", "passwords for registries"),
    ("run/containers/0/auth.json", "\"auth\"", "passwords for registries"),
    ("run/secrets/", "", "a secret of the build"),
    ("usr/lib/ostree/auth.json", "\"auth\"", "passwords for registries"),
    ("usr/lib/rhsm/auth.json", "\"auth\"", "passwords for registries"),
    ("etc/wpa_supplicant/wpa_supplicant.conf", "psk=", "a passphrase for a wireless network"),
];

fn credentials(subject: &Subject, entry: &Entry<'_>, findings: &mut Findings<'_>) {
    let Some((needle, what)) = credential(entry.path) else { return };
    let Node::Leaf(inode) = entry.node else { return };
    let Some(content) = inode.content().filter(|content| !content.is_empty()) else { return };
    let holds = needle.is_empty()
        || subject.whole(content, LIMIT).is_some_and(|bytes| {
            bytes.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
        });
    if holds {
        findings.at(entry.path, what);
    }
}

/// What has to be in the file at `path`, and what it is then.
pub(crate) fn credential(path: &[u8]) -> Option<(&'static str, &'static str)> {
    let of_system = OF_SYSTEM.iter().find(|(known, ..)| {
        let known = known.as_bytes();
        if known.ends_with(b"/") { path.starts_with(known) } else { path == known }
    });
    let of_home = || {
        if !is_below(path, &PLACES) {
            return None;
        }
        OF_HOMES
            .iter()
            .find(|(known, ..)| path.strip_suffix(known.as_bytes()).is_some_and(|before| before.ends_with(b"/")))
    };
    of_system.or_else(of_home).map(|(_, needle, what)| (*needle, *what))
}

#[cfg(test)]
mod tests {
    use super::{credential, is_sample, key_kind};

    #[test]
    fn a_private_key_is_known_by_its_line_wherever_that_is() {
        for (head, is_key) in [
            ("-----BEGIN PRIVATE KEY-----\nMII", true),
            ("\n-----BEGIN RSA PRIVATE KEY-----\r\nMII", true),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\n", true),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\n", true),
            ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n", true),
            ("PuTTY-User-Key-File-3: ssh-ed25519\n", true),
            ("AGE-SECRET-KEY-1QQ\n", true),
            ("-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nMII", true),
            (
                "Bag Attributes\n    localKeyID: 01\nKey Attributes: <No Attributes>\n-----BEGIN PRIVATE KEY-----\n",
                true,
            ),
            ("# of the site\r\n-----BEGIN EC PRIVATE KEY-----  \r\n", true),
            ("# created: 2024\n# public key: age1\nAGE-SECRET-KEY-1QQ\n", true),
            ("-----BEGIN CERTIFICATE-----\n", false),
            ("key = '-----BEGIN PRIVATE KEY-----\n", false),
            ("see PuTTY-User-Key-File-3\nPuTTY-User-Key-File-3: x\n", false),
            ("-----BEGIN PUBLIC KEY-----\n", false),
            ("-----BEGIN PGP PUBLIC KEY BLOCK-----\n", false),
            ("-----BEGIN PRIVATE KEY", false),
            ("# -----BEGIN PRIVATE KEY-----\n", false),
            ("", false),
        ] {
            assert_eq!(key_kind(head.as_bytes()).is_some(), is_key, "{head}");
        }
    }

    #[test]
    fn credentials_are_known_by_where_they_are() {
        for (path, is_one) in [
            ("root/.aws/credentials", true),
            ("var/home/me/.docker/config.json", true),
            ("etc/skel/.netrc", true),
            ("usr/lib/python3/.aws/credentials", false),
            ("root/my.netrc", false),
            ("opt/app/.aws/credentials", true),
            ("srv/www/.netrc", true),
            ("etc/apt/auth.conf", true),
            ("etc/apt/auth.conf.d/x.conf", true),
            ("etc/apt/auth.config", false),
            ("usr/lib/ostree/auth.json", true),
        ] {
            assert_eq!(credential(path.as_bytes()).is_some(), is_one, "{path}");
        }
    }

    #[test]
    fn keys_of_tests_and_manuals_are_no_secrets() {
        assert!(is_sample(b"usr/lib/python3/test/keycert.pem"));
        assert!(is_sample(b"usr/share/doc/x/key.pem"));
        assert!(!is_sample(b"etc/testing/key.pem"));
    }
}
