//! A system on a disk in a few files, answers put into it, and judges of what became of it.

#![allow(dead_code, reason = "each test file uses its own part of this")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use builder_medium::{Answers, Manifest};
use builder_provision::{Mounts, ProvisionError, check, provision};
use tempfile::TempDir;

pub(crate) const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDqSGuCfVKBpkvtfUlC1zvFwEJMIgNMLe1zQSBfnNuXj anna@desk";
pub(crate) const HASH: &str = "$5$example$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEl8";

const DEPLOYMENT: &str = "ostree/deploy/default/deploy/0123456789abcdef.0";

/// Answers that make a user.
pub(crate) fn user(rest: &str) -> String {
    format!("[[users]]\nname = 'anna'\n{rest}\n")
}

/// A root file system and an ESP.
pub(crate) struct Disk {
    directory: TempDir,
    /// Whether the manifest has `/boot` as a partition.
    pub(crate) separate_boot: bool,
    pub(crate) loader: &'static str,
}

impl Disk {
    /// The smallest that all answers can be put into.
    pub(crate) fn new() -> Self {
        let disk = Self { directory: TempDir::new().unwrap(), separate_boot: false, loader: "grub" };
        for (path, text) in [
            ("etc/passwd", "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/:/usr/sbin/nologin\n"),
            ("etc/group", "root:x:0:\ndaemon:x:1:\nshadow:x:42:\nwheel:x:10:\nsystemd-network:x:998:\n"),
            ("etc/shadow", "root:!::0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n"),
            ("etc/gshadow", "root:*::\ndaemon:*::\nshadow:*::\nwheel:!::\nsystemd-network:!::\n"),
            ("etc/subuid", ""),
            ("etc/skel/.profile", "umask 077\n"),
            ("usr/bin/bash", "#!"),
            ("usr/bin/sh", "#!"),
            ("usr/sbin/nologin", "#!"),
            ("usr/sbin/NetworkManager", "#!"),
            ("usr/lib/systemd/systemd-networkd", "#!"),
            ("usr/share/zoneinfo/Europe/Berlin", "TZif"),
            ("usr/lib/os-release", "ID=x\n"),
            ("var/x", ""),
        ] {
            disk.file(path, text);
        }
        for (path, mode) in [("etc/shadow", 0o640), ("etc/gshadow", 0o640), ("usr/bin/bash", 0o755)] {
            fs::set_permissions(disk.path(path), fs::Permissions::from_mode(mode)).unwrap();
        }
        for (path, target) in [("bin", "usr/bin"), ("sbin", "usr/sbin"), ("home", "var/home"), ("root", "var/roothome")]
        {
            disk.link(path, target);
        }
        disk.entry("sysroot/boot/loader.1/entries/ostree-1.conf");
        symlink("loader.1", disk.directory.path().join("sysroot/boot/loader")).unwrap();
        fs::create_dir(disk.esp()).unwrap();
        disk
    }

    /// The mounted root file system.
    pub(crate) fn sysroot(&self) -> PathBuf {
        self.directory.path().join("sysroot")
    }

    pub(crate) fn esp(&self) -> PathBuf {
        self.directory.path().join("esp")
    }

    /// A directory that no part of the system is in.
    pub(crate) fn outside(&self) -> PathBuf {
        let path = self.directory.path().join("outside");
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// A path in the deployment.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.sysroot().join(DEPLOYMENT).join(path)
    }

    pub(crate) fn file(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn link(&self, path: &str, target: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        symlink(target, path).unwrap();
    }

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) fn mode(&self, path: &str) -> u32 {
        fs::symlink_metadata(self.path(path)).unwrap().permissions().mode() & 0o7777
    }

    /// A boot entry, below the directory of this disk.
    pub(crate) fn entry(&self, path: &str) {
        let path = self.directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "title x\nversion 1\noptions root=UUID=1 ostree=/ostree/boot.1/x\nlinux /l\n").unwrap();
    }

    /// The `options` of a boot entry, below the directory of this disk.
    pub(crate) fn options(&self, path: &str) -> String {
        let text = fs::read_to_string(self.directory.path().join(path)).unwrap();
        text.lines().find_map(|line| line.strip_prefix("options ")).unwrap().to_owned()
    }

    pub(crate) fn manifest(&self) -> Manifest {
        let id = "00000000-0000-8000-8000-000000000000";
        let partition = |number: u32, holds: &str| {
            serde_json::json!({
                "number": number, "name": holds, "type_guid": id, "guid": id, "offset": 0, "size": 512,
                "filesystem": "ext4", "uuid": "", "holds": holds, "grows": false
            })
        };
        let mut partitions = vec![partition(1, "esp"), partition(2, "sysroot")];
        if self.separate_boot {
            partitions.push(partition(3, "boot"));
        }
        let manifest = serde_json::json!({
            "format": 1, "id": id,
            "system": {
                "name": "", "architecture": "amd64", "tracks": null, "digest": "", "deployment": DEPLOYMENT,
                "var": "ostree/deploy/default/var", "kargs": [], "ostree": "",
                "loader": { "kind": self.loader, "label": "", "program": "" }, "live": true
            },
            "disk": { "size": 4096, "sector_size": 512, "guid": id, "partitions": partitions },
            "payload": { "size": 1, "block_size": 4096, "blocks": 1 }
        });
        Manifest::read(manifest.to_string().as_bytes()).unwrap()
    }

    pub(crate) fn provision(&self, answers: &str) -> Result<Vec<String>, ProvisionError> {
        let answers = Answers::parse("answers", answers).unwrap();
        let (sysroot, esp) = (self.sysroot(), self.esp());
        let (manifest, mounts) = (self.manifest(), Mounts { sysroot: &sysroot, boot: None, esp: Some(&esp) });
        // Whoever asks before is told the same.
        let before = check(&answers, &manifest, &mounts);
        let done = provision(&answers, &manifest, &mounts);
        assert_eq!(before.err().map(|error| error.to_string()), done.as_ref().err().map(ToString::to_string));
        done
    }

    /// All that there is, with modes, sizes, times, links and contents.
    pub(crate) fn listing(&self) -> String {
        let script = "cd \"$1\"; find . -printf '%p %y %m %U %G %s %T@ %l\\n' | sort; find . -type f -print0 | sort -z | xargs -0 sha256sum";
        judge("sh", ["-c".as_ref(), script.as_ref(), "sh".as_ref(), self.directory.path().as_os_str()])
    }
}

/// What a judge prints.
pub(crate) fn judge<A: AsRef<OsStr>>(tool: &str, arguments: impl IntoIterator<Item = A>) -> String {
    let package = match tool {
        "pwck" | "grpck" => "passwd",
        "ssh-keygen" => "openssh-client",
        "getfattr" | "setfattr" => "attr",
        "systemd-tmpfiles" => "systemd",
        tool => tool,
    };
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output = Command::new(tool).args(arguments).env("PATH", path).env("LC_ALL", "C").output();
    let output = output.unwrap_or_else(|error| {
        panic!("cannot run {tool}: {error}: install the Debian package `{package}` (tests/install-judges does)")
    });
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{tool}: {out}{err}");
    assert_eq!(err, "", "{tool} has something to say");
    out.into_owned()
}

/// The first boot, as far as systemd-tmpfiles makes it: homes and keys in them.
pub(crate) fn first_boot(disk: &Disk, file: &Path) {
    let root = format!("--root={}", disk.path("").display());
    let _ = judge("systemd-tmpfiles", [root.as_ref(), "--create".as_ref(), file.as_os_str()]);
}
