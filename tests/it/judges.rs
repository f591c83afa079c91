//! Disks judged part by part, by tools that nobody here wrote.

use std::path::{Path, PathBuf};

use diskwright_tests::command::diskwright;
use diskwright_tests::judge::judge;
use diskwright_tests::partition::{Mounted, extract, partitions};
use serde_json::Value;

/// Builds a disk; gives its path and what the program said of it.
pub(crate) fn build(directory: &Path, source: &str, arguments: &[&str]) -> (PathBuf, Value) {
    let mut all = vec!["build", source, "--platform", "linux/amd64", "--json"];
    all.extend(arguments);
    let run = diskwright(directory, all).succeeded();
    (directory.join("disk.raw"), serde_json::from_str(&run.stdout).unwrap())
}

/// Everything that can be said of a disk without booting it; gives its root, mounted.
pub(crate) fn judge_disk(directory: &Path, disk: &Path, plan: &Value) -> Mounted {
    let table = judge("sgdisk", ["-v".as_ref(), disk.as_os_str()]).passed();
    assert!(table.stdout.contains("No problems found"), "{}", table.stdout);

    let esp = extract(disk, "EFI-SYSTEM", directory);
    let _ = judge("fsck.fat", ["-n".as_ref(), esp.as_os_str()]).passed();
    let listing =
        judge("mdir", ["-/".as_ref(), "-b".as_ref(), "-i".as_ref(), esp.as_os_str(), "::/".as_ref()]).passed();
    for file in ["EFI/BOOT/BOOTX64.EFI", "EFI/debian/grub.cfg", "EFI/debian/grubx64.efi", "EFI/debian/shimx64.efi"] {
        assert!(listing.stdout.lines().any(|line| line == format!("::/{file}")), "no {file} in {}", listing.stdout);
    }

    for partition in partitions(disk).iter().filter(|partition| partition.name != "EFI-SYSTEM") {
        let image = extract(disk, &partition.name, directory);
        let check = judge("e2fsck", ["-fn".as_ref(), image.as_os_str()]).passed();
        assert!(!check.stdout.contains("Fix"), "{}", check.stdout);
    }
    let root = directory.join("root.img");
    let mounted = Mounted::new(&root, directory.join("mounted"));
    judge_ostree(&mounted.at, plan);
    judge_tree(&mounted.at, &plan["deployment"]);
    if !plan["rollback"].is_null() {
        judge_tree(&mounted.at, &plan["rollback"]["deployment"]);
    }
    mounted
}

fn judge_ostree(root: &Path, plan: &Value) {
    let repo = format!("--repo={}", root.join("ostree/repo").display());
    let sysroot = format!("--sysroot={}", root.display());
    let commit = plan["deployment"]["commit"].as_str().unwrap();
    let ostree = |arguments: &[&str]| judge("ostree", arguments).passed().stdout;

    let _ = ostree(&["fsck", &repo]);
    let refs = ostree(&["refs", &repo]);
    for name in ["ostree/container/image/", "ostree/container/blob/sha256_3A_", "ostree/1/1/0"] {
        assert!(refs.lines().any(|line| line.starts_with(name)), "no {name} in {refs}");
    }
    assert_eq!(ostree(&["rev-parse", &repo, "ostree/1/1/0"]).trim(), commit);
    let digest = ostree(&["show", &repo, "--print-metadata-key=ostree.manifest-digest", commit]);
    assert!(digest.contains(plan["image"]["digest"].as_str().unwrap()), "{digest}");
    for line in refs.lines().filter(|line| line.starts_with("ostree/container/blob/")) {
        // Every layer commit is whole: an upgrade that shares the layer takes its files from here.
        assert!(!ostree(&["ls", "-R", "-X", "-C", &repo, line]).is_empty());
    }
    let unreachable = ostree(&["prune", &repo, "--refs-only", "--depth=0", "--no-prune"]);
    assert!(unreachable.contains("No unreachable objects"), "{unreachable}");

    let status = ostree(&["admin", "status", &sysroot]);
    assert!(status.contains(&format!("{commit}.0")), "{status}");
    let stateroot = format!("--os={}", plan["deployment"]["stateroot"].as_str().unwrap());
    let changes = ostree(&["admin", "config-diff", &sysroot, &stateroot]);
    // A mount for /boot, and keys, are all that a disk adds.
    let added = ["    fstab", "    tmpfiles.d", "    tmpfiles.d/bootc-root-ssh.conf"];
    let unexpected: Vec<_> = changes.lines().filter(|line| !added.iter().any(|name| line.ends_with(name))).collect();
    assert!(unexpected.is_empty(), "{changes}");
}

/// The deployment is the commit: same objects, hard-linked; and nothing in it is newer than 1970.
fn judge_tree(root: &Path, deployment: &Value) {
    let stateroot = deployment["stateroot"].as_str().unwrap();
    let commit = deployment["commit"].as_str().unwrap();
    let deployment = root.join(format!("ostree/deploy/{stateroot}/deploy/{commit}.0"));
    let flags = judge("lsattr", ["-d".as_ref(), deployment.as_os_str()]).passed().stdout;
    assert!(flags.split_whitespace().next().unwrap_or_default().contains('i'), "{flags}");
    let find = |arguments: &[&str]| {
        let mut all = vec![deployment.to_str().unwrap()];
        all.extend(arguments);
        judge("find", all).passed().stdout
    };
    let own = find(&["-path", "*/etc", "-prune", "-o", "-type", "f", "-size", "+0", "-links", "1", "-print"]);
    assert!(own.lines().all(|line| line.ends_with(".ostree.cfs")), "not linked to their objects: {own}");
    // The composefs image is no object.
    let dated = find(&[
        "-mindepth",
        "1",
        "-path",
        "*/etc",
        "-prune",
        "-o",
        "-type",
        "f",
        "-size",
        "+0",
        "-not",
        "-name",
        ".ostree.cfs",
        "-newermt",
        "1970-01-02",
        "-print",
    ]);
    assert_eq!(dated, "", "files with a date");
    let composefs = deployment.join(".ostree.cfs");
    let _ = judge("fsck.erofs", [composefs]).passed();
    let kernel = find(&["-path", "*/usr/lib/modules/*/vmlinuz", "-links", "-2"]);
    assert_eq!(kernel, "", "the kernel is not shared with its object");
}
