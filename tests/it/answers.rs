//! Answers put into the system of a built disk, as the program on a medium does it, and what ostree makes of that.

use std::fs;
use std::path::Path;

use builder_medium::{Answers, Manifest};
use builder_provision::{Mounts, provision};
use diskwright_tests::fixture::{Image, system};
use diskwright_tests::judge::{judge, shell};
use diskwright_tests::partition::{Mounted, extract};
use serde_json::{Value, json};

use crate::judges::build;

const ANSWERS: &str = "
[system]
hostname = 'web1'
kargs = ['console=ttyS1']
[[users]]
name = 'anna'
groups = ['sudo']
ssh-keys = ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDqSGuCfVKBpkvtfUlC1zvFwEJMIgNMLe1zQSBfnNuXj']
[[network]]
name = 'lan.link'
content = '[Match]'
";

/// What a medium would say of a disk that a build said `result` of.
fn manifest(result: &Value) -> Manifest {
    let deployment = &result["plan"]["deployment"];
    let commit = deployment["commit"].as_str().unwrap();
    let id = "00000000-0000-8000-8000-000000000000";
    let manifest = json!({
        "format": Manifest::FORMAT, "id": id,
        "system": {
            "name": "Tiny", "architecture": "amd64", "tracks": null, "digest": "",
            "deployment": format!("ostree/deploy/default/deploy/{commit}.0"), "var": "ostree/deploy/default/var",
            "kargs": [], "ostree": "", "loader": { "kind": "grub", "label": "", "program": "" }, "live": true
        },
        "disk": { "size": 4096, "sector_size": 512, "guid": id, "partitions": [] },
        "payload": { "size": 1, "block_size": 4096, "blocks": 1 }
    });
    Manifest::read(manifest.to_string().as_bytes()).unwrap()
}

fn put_in(root: &Path, result: &Value) -> Vec<String> {
    let answers = Answers::parse("answers", ANSWERS).unwrap();
    provision(&answers, &manifest(result), &Mounts { sysroot: root, boot: None, esp: None }).unwrap()
}

#[test]
fn answers_are_changes_of_etc_that_an_update_keeps() {
    let directory = tempfile::tempdir().unwrap();
    let layer = system()
        .file("etc/passwd", 0o644, b"root:x:0:0:root:/root:/bin/sh\n")
        .file("etc/shadow", 0o640, b"root:*::0:99999:7:::\n")
        .file("etc/group", 0o644, b"root:x:0:\nsudo:x:27:\n")
        .symlink("home", "var/home");
    let source = Image::new(vec![layer]).write(&directory.path().join("image"));
    let (disk, result) = build(directory.path(), &source, &["--karg", "console=ttyS0"]);
    let image = extract(&disk, "root", directory.path());
    let root = Mounted::writable(&image, directory.path().join("mounted"));
    assert_eq!(put_in(&root.at, &result), [""; 0]);

    // ostree sees what was changed, and nothing else: the repository and what is linked to it are as they were.
    let changes = shell(&root.at, "ostree admin config-diff --sysroot=. --os=default | sort");
    let expected = "\
A    diskwright
A    diskwright/homes
A    diskwright/homes/anna
A    diskwright/homes/anna/.ssh
A    diskwright/homes/anna/.ssh/authorized_keys
A    systemd/network/lan.link
A    tmpfiles.d/diskwright-answers.conf
M    group
M    hostname
M    passwd
M    shadow
";
    // What the build itself adds, such as directories above.
    let added: Vec<_> = changes.lines().filter(|line| !expected.lines().any(|known| known == *line)).collect();
    assert!(
        added
            .iter()
            .all(|line| line.starts_with("A ")
                && ["systemd", "tmpfiles.d", "network"].iter().any(|end| line.ends_with(end))),
        "{changes}"
    );
    assert!(expected.lines().all(|line| changes.lines().any(|found| found == line)), "{changes}");
    let _ = shell(&root.at, "ostree fsck --repo=ostree/repo");
    let status = shell(&root.at, "ostree admin status --sysroot=.");
    assert!(status.contains("default ") && !status.contains("error"), "{status}");

    // An update: ostree merges /etc and takes over the arguments of the entry.
    let update = "\
        new=$(ostree commit --repo=ostree/repo --branch=update --tree=ref=ostree/1/1/0 --subject=update)
        ostree admin deploy --sysroot=. --os=default update >&2
        deployment=ostree/deploy/default/deploy/$new.0
        grep -h '^anna:' $deployment/etc/passwd $deployment/etc/shadow $deployment/etc/group
        cat $deployment/etc/hostname $deployment/etc/systemd/network/lan.link
        stat -c %a $deployment/etc/shadow $deployment/etc/diskwright/homes/anna
        grep -h ^options boot/loader/entries/*.conf";
    let said = shell(&root.at, update);
    let (files, options) = said.split_once("options ").unwrap();
    let expected = "\
anna:x:1000:1000::/var/home/anna:/bin/sh
anna:*::0:99999:7:::
anna:x:1000:
web1
[Match]
640
700
";
    assert_eq!(files, expected);
    let entries: Vec<_> = options.lines().collect();
    assert_eq!(entries.len(), 2, "{options}");
    for entry in entries {
        let words: Vec<_> = entry.split(' ').filter(|word| word.starts_with("console=")).collect();
        assert_eq!(words, ["console=ttyS0", "console=ttyS1"], "{entry}");
    }
    drop(root);
    let _ = judge("e2fsck", ["-fn".as_ref(), image.as_os_str()]).passed();
    drop(fs::remove_file(image));
}
