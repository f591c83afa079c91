//! What every machine made from a disk would share.

use diskwright_tests::command::diskwright;
use diskwright_tests::fixture::{Image, Layer, system};

#[test]
fn what_each_machine_must_have_for_itself_is_warned_of_by_its_path() {
    let id = b"0123456789abcdef0123456789abcdef\n".as_slice();
    let with = |path: &str, body: &[u8]| -> Layer {
        let mut layer = system();
        for (end, _) in path.match_indices('/') {
            layer = layer.directory(&path[..=end], 0o755);
        }
        layer.file(path, 0o600, body)
    };
    for (path, body, said) in [
        ("etc/machine-id", id, Some("/etc/machine-id (machine id)")),
        ("etc/machine-id", b"", None),
        ("etc/machine-id", b"uninitialized\n", None),
        ("var/lib/dbus/machine-id", id, Some("/var/lib/dbus/machine-id (machine id)")),
        ("etc/ssh/ssh_host_ed25519_key", b"key", Some("/etc/ssh/ssh_host_ed25519_key (SSH host key)")),
        ("etc/ssh/ssh_config", b"", None),
        (
            "var/lib/systemd/random-seed",
            b"s",
            Some("/var/lib/systemd/random-seed (seed of the random number generator)"),
        ),
        // As all paths in messages: nothing in it reaches a terminal as it is.
        ("etc/ssh/ssh_host_\u{1b}[2J_key", b"key", Some("/etc/ssh/ssh_host_\\x1b[2J_key (SSH host key)")),
        ("var/log/journal/x/system.journal", b"", Some("/var/log/journal/x (logs of another machine)")),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let source = Image::new(vec![with(path, body)]).write(&directory.path().join("image"));
        let run = diskwright(directory.path(), ["build", &source, "--dry-run"]).succeeded();
        let warned = run.stderr.lines().find(|line| line.contains("every machine made from this disk"));
        match said {
            Some(said) => assert!(warned.is_some_and(|line| line.contains(said)), "{}", run.stderr),
            None => assert_eq!(warned, None),
        }
    }
}
