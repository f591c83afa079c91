//! SELinux labels of what is written.

mod support;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use support::{Disk, KEY, judge, user};

const TMPFILES: &str = "etc/tmpfiles.d/diskwright-answers.conf";

fn set_label(disk: &Disk, path: &str, kind: &str) {
    let value = format!("system_u:object_r:{kind}:s0");
    let path = disk.path(path);
    let arguments = ["-h", "-n", "security.selinux", "-v", &value].map(AsRef::as_ref);
    let _ = judge("setfattr", arguments.into_iter().chain([path.as_os_str()]));
}

/// The label of a file, of a link its own. It ends with a zero byte, or `ostree fsck` would not like it under SELinux.
fn label(path: &Path) -> String {
    let arguments = ["-h", "--only-values", "--absolute-names", "-n", "security.selinux"].map(AsRef::as_ref);
    let text = judge("getfattr", arguments.into_iter().chain([path.as_os_str()]));
    text.strip_suffix('\0').unwrap_or(&text).to_owned()
}

#[test]
fn labels_are_those_of_what_is_replaced_or_of_the_directory() {
    let disk = Disk::new();
    disk.link("etc/localtime", "x");
    fs::create_dir(disk.path("etc/NetworkManager")).unwrap();
    for (path, kind) in [
        ("etc", "etc_t"),
        ("etc/passwd", "passwd_file_t"),
        ("etc/shadow", "shadow_t"),
        ("etc/localtime", "locale_t"),
        ("etc/NetworkManager", "NetworkManager_etc_t"),
    ] {
        set_label(&disk, path, kind);
    }
    let system = "[system]\nhostname = 'a'\ntimezone = 'Europe/Berlin'\n";
    let network =
        "[[network]]\nname = 'a b.nmconnection'\ncontent = '[x]'\n[[network]]\nname = 'a.link'\ncontent = '[x]'\n";
    disk.provision(&(user("") + system + network)).unwrap();
    for (path, kind) in [
        ("etc/passwd", "passwd_file_t"),
        ("etc/shadow", "shadow_t"),
        ("etc/localtime", "locale_t"),
        ("etc/hostname", "etc_t"),
        ("etc/tmpfiles.d", "etc_t"),
        (TMPFILES, "etc_t"),
        ("etc/NetworkManager/system-connections", "NetworkManager_etc_t"),
        ("etc/NetworkManager/system-connections/a b.nmconnection", "NetworkManager_etc_t"),
    ] {
        assert_eq!(label(&disk.path(path)), format!("system_u:object_r:{kind}:s0"), "{path}");
    }
    // systemd labels what is new by the image's policy.
    let lines = disk.text(TMPFILES);
    assert!(
        lines.contains("\nz /etc/hostname - - - -\n") && lines.contains("\nz /etc/systemd/network/a.link - - - -\n"),
        "{lines}"
    );
    assert!(!lines.contains("passwd") && !lines.contains("localtime"), "{lines}");
}

#[test]
fn homes_are_made_at_once_where_the_policy_has_labels_for_them() {
    let disk = Disk::new();
    let var = disk.sysroot().join("ostree/deploy/default/var");
    fs::create_dir(&var).unwrap();
    set_label(&disk, "etc", "etc_t");
    disk.file("etc/selinux/config", "# x\nSELINUX=enforcing\nSELINUXTYPE=targeted\n");
    disk.file(
        "etc/selinux/targeted/contexts/files/file_contexts.homedirs",
        "# x\n/home/[^/]+/.+\tu:r:user_home_t:s0\n/home/[^/]+/\\.ssh(/.*)?\tu:r:ssh_home_t:s0\n\
         /home/[^/]+\t--\tu:r:wrong_t:s0\n/home/[^/]+\t-d\tu:r:user_home_dir_t:s0\n",
    );
    disk.file(
        "etc/selinux/targeted/contexts/files/file_contexts",
        "/root -d u:r:admin_home_t:s0\n/root/\\.ssh(/.*)? u:r:ssh_home_t:s0\n",
    );
    disk.link("etc/skel/link", ".profile");
    let root = format!("[[users]]\nname = 'root'\nssh-keys = [\"{KEY}\"]\n");
    disk.provision(&(user(&format!("ssh-keys = [\"{KEY}\"]")) + &root)).unwrap();
    for (path, kind, mode, id) in [
        ("home/anna", "user_home_dir_t", 0o40700, 1000),
        ("home/anna/.profile", "user_home_t", 0o100_644, 1000),
        ("home/anna/link", "user_home_t", 0o120_777, 1000),
        ("home/anna/.ssh", "ssh_home_t", 0o40700, 1000),
        ("home/anna/.ssh/authorized_keys", "ssh_home_t", 0o100_600, 1000),
        ("roothome", "admin_home_t", 0o40700, 0),
        ("roothome/.ssh", "ssh_home_t", 0o40700, 0),
        ("roothome/.ssh/authorized_keys", "ssh_home_t", 0o100_600, 0),
    ] {
        let path = var.join(path);
        assert_eq!(label(&path), format!("u:r:{kind}:s0"), "{path:?}");
        let stat = fs::symlink_metadata(&path).unwrap();
        assert_eq!((stat.mode(), stat.uid(), stat.gid()), (mode, id, id), "{path:?}");
    }

    // Without the policy's word they wait for the first boot.
    let disk = Disk::new();
    let var = disk.sysroot().join("ostree/deploy/default/var");
    fs::create_dir(&var).unwrap();
    set_label(&disk, "etc", "etc_t");
    disk.provision(&(user("") + &root)).unwrap();
    assert_eq!(fs::read_dir(var).unwrap().count(), 0);
}
