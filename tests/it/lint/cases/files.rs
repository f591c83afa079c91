//! Images with files that should not be there, or not so.

use diskwright_tests::fixture::{Blob, Image, Layer};

use crate::lint::cases::Case;
use crate::lint::images::{elf, good, named, over, without};

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n";

pub(super) fn cases() -> Vec<Case> {
    let layer = Layer::new;
    let file = |path: &str, body: &str| over(Layer::new().file(path, 0o644, body.as_bytes()));
    let link = |path: &str, target: &str| Layer::new().symlink(path, target);
    let raw = |name: &[u8]| Image::of(vec![Blob::gzip(good()), named(name)]);
    vec![
        (
            "buildah-injected",
            "/etc/resolv.conf",
            file("etc/resolv.conf", ""),
            file("etc/resolv.conf", "nameserver ::1\n"),
        ),
        (
            "credentials",
            "/root/.docker/config.json",
            file("root/.docker/config.json", r#"{"auths":{"r":{"auth":"eA=="}}}"#),
            file("root/.docker/config.json", r#"{"auths":{}}"#),
        ),
        (
            "credentials",
            "/opt/app/.aws/credentials",
            file("opt/app/.aws/credentials", "x"),
            file("opt/app/.aws/config", "x"),
        ),
        ("credentials", "/run/secrets/token", file("run/secrets/token", "x"), file("run/secrets/token", "")),
        (
            "dangling-links",
            "/usr/lib/libx.so",
            over(link("usr/lib/libx.so", "libx.so.1")),
            over(link("usr/lib/libx.so", "/run/libx.so.1")),
        ),
        // Whoever follows all of them takes long for a few bytes of a layer.
        ("dangling-links", "/usr/lib/x/L0", over(detours(800)), over(detours(8))),
        ("device-nodes", "/usr/lib/pipe", over(layer().fifo("usr/lib/pipe")), over(layer().fifo("dev/pipe"))),
        (
            "disk-limits",
            "/usr/large",
            over(layer().attribute("user.large", &[b'x'; 5000]).file("usr/large", 0o644, b"")),
            over(layer().attribute("user.large", &[b'x'; 4000]).file("usr/large", 0o644, b"")),
        ),
        ("etc-usretc", "/usr/etc", file("usr/etc/hosts", ""), file("usr/etcetera/hosts", "")),
        (
            "foreign-elf",
            "/usr/bin/foreign",
            over(layer().file("usr/bin/foreign", 0o755, &elf(183))),
            over(layer().file("usr/bin/foreign", 0o755, &elf(62)).file("usr/lib/firmware/x", 0o755, &elf(183))),
        ),
        (
            "machine-id",
            "/etc/machine-id",
            file("etc/machine-id", "0123456789abcdef0123456789abcdef\n"),
            file("etc/machine-id", "uninitialized\n"),
        ),
        (
            "machine-secrets",
            "/var/lib/systemd/random-seed",
            file("var/lib/systemd/random-seed", "seed"),
            file("var/lib/systemd/random-seed", ""),
        ),
        (
            "nonempty-run-tmp",
            "/run/lock",
            over(layer().directory("run/lock/", 0o755)),
            file("run/systemd/resolve/stub-resolv.conf", ""),
        ),
        (
            "nonempty-run-tmp",
            "/run/systemd/resolve/other",
            file("run/systemd/resolve/other", ""),
            over(layer().directory("run/systemd/resolve/", 0o755)),
        ),
        (
            "private-keys",
            "/etc/pki/any",
            file("etc/pki/any", "-----BEGIN PRIVATE KEY-----\nMII\n"),
            file("etc/pki/any", "-----BEGIN CERTIFICATE-----\nMII\n"),
        ),
        (
            "private-keys",
            "/usr/lib/app/server.key",
            file("usr/lib/app/server.key", "-----BEGIN RSA PRIVATE KEY-----\n"),
            file("usr/lib/app/test/server.key", "-----BEGIN RSA PRIVATE KEY-----\n"),
        ),
        (
            "private-keys",
            "/etc/haproxy/site.pem",
            file("etc/haproxy/site.pem", &format!("{CERTIFICATE}-----BEGIN PRIVATE KEY-----\nMII\n")),
            file("etc/haproxy/site.pem", CERTIFICATE),
        ),
        (
            "private-keys",
            "/usr/lib/app/bag.pem",
            file("usr/lib/app/bag.pem", "Bag Attributes\n    localKeyID: 01\n-----BEGIN PRIVATE KEY-----\n"),
            file("usr/lib/app/bag.pem", "Bag Attributes\n    localKeyID: 01\n"),
        ),
        (
            "private-keys",
            "/srv/app.key",
            file("srv/app.key", "# of the site\n-----BEGIN EC PRIVATE KEY-----\n"),
            file("srv/app.key", "# of the site\n# -----BEGIN EC PRIVATE KEY-----\n"),
        ),
        (
            "setuid",
            "/usr/bin/su",
            over(layer().file("usr/bin/su", 0o4755, b"x")),
            over(without(without(layer(), "usr/bin/tool"), "usr/bin/tool-too")),
        ),
        (
            "shell-history",
            "/root/.bash_history",
            file("root/.bash_history", "mysql -psecret\n"),
            file("root/.bash_history", ""),
        ),
        (
            "shell-history",
            "/srv/.bash_history",
            file("srv/.bash_history", "mysql -psecret\n"),
            file("usr/share/.bash_history", "mysql -psecret\n"),
        ),
        (
            "ssh-host-keys",
            "/etc/ssh/ssh_host_ed25519_key",
            file("etc/ssh/ssh_host_ed25519_key", "-----BEGIN OPENSSH PRIVATE KEY-----\n"),
            file("etc/ssh/ssh_host_ed25519_key.pub", "ssh-ed25519 AAAA\n"),
        ),
        ("utf8", "/usr/b\\xffd", raw(b"usr/b\xffd"), raw("usr/bäd".as_bytes())),
        (
            "world-writable",
            "/etc/open",
            over(layer().file("etc/open", 0o666, b"")),
            over(layer().directory("usr/share/drop/", 0o1777)),
        ),
        (
            "world-writable",
            "/usr/share/drop",
            over(layer().directory("usr/share/drop/", 0o777)),
            over(layer().symlink("usr/share/drop", "x")),
        ),
    ]
}

/// A file, a chain of links to it, each of which turns round `turns` times, and thousands of links to the chain.
fn detours(turns: usize) -> Layer {
    let links = 38;
    let chain = (0..links).fold(Layer::new().file("usr/lib/x/L38", 0o644, b""), |layer, n| {
        layer.symlink(&format!("usr/lib/x/L{n}"), &format!("{}L{}", "../x/".repeat(turns), n + 1))
    });
    (0..2000).fold(chain, |layer, n| layer.symlink(&format!("usr/lib/x/y{n:04}"), "L0"))
}
