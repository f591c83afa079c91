//! Disks with a second, older image to roll back to.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use diskwright_tests::command::diskwright;
use diskwright_tests::fixture::{Image, base, kernel, system, tiny};
use diskwright_tests::judge::judge;

use crate::judges::{build, judge_disk};

#[test]
fn the_older_image_is_a_deployment_with_an_entry_of_its_own() {
    // With the same kernel the entries share their folder in /boot, with another one they do not.
    for (release, vmlinuz) in [("6.12.1", "fake kernel"), ("6.1.9", "older kernel")] {
        let directory = tempfile::tempdir().unwrap();
        let source = tiny(directory.path());
        let vmlinuz_path = format!("usr/lib/modules/{release}/vmlinuz");
        let older = kernel(base(), release)
            .file(&vmlinuz_path, 0o644, vmlinuz.as_bytes())
            .file("etc/older", 0o644, b"older\n")
            .file("usr/only", 0o644, b"only\n");
        let older = Image::new(vec![older]).write(&directory.path().join("older"));
        let (disk, result) = build(directory.path(), &source, &["--rollback", &older]);
        let plan = &result["plan"];
        let mounted = judge_disk(directory.path(), &disk, plan);
        let root = &mounted.at;
        let commit = |deployment: &serde_json::Value| deployment["deployment"]["commit"].as_str().unwrap().to_owned();
        let (first, second) = (commit(plan), commit(&plan["rollback"]));
        assert_ne!(first, second);

        let ostree = |arguments: &[&str]| judge("ostree", arguments).passed().stdout;
        let repo = format!("--repo={}", root.join("ostree/repo").display());
        assert_eq!(ostree(&["rev-parse", &repo, "ostree/1/1/0"]).trim(), first);
        assert_eq!(ostree(&["rev-parse", &repo, "ostree/1/1/1"]).trim(), second);
        // ostree lists the default first.
        let status = ostree(&["admin", "status", &format!("--sysroot={}", root.display())]);
        let (one, two) = (status.find(&format!("{first}.0")), status.find(&format!("{second}.0")));
        assert!(one.is_some() && one < two, "{status}");

        let deployment = |commit: &str| root.join(format!("ostree/deploy/default/deploy/{commit}.0"));
        assert!(!deployment(&first).join("etc/older").exists());
        assert_eq!(fs::read_to_string(deployment(&second).join("etc/older")).unwrap(), "older\n");
        let inode = |commit: &str| fs::metadata(deployment(commit).join("usr/bin/tool")).unwrap().ino();
        assert_eq!(inode(&first), inode(&second), "a file of both images is stored twice");

        // The links of the kernel arguments lead to the deployments, and the higher number is the default.
        for (number, commit) in [(2, &first), (1, &second)] {
            let entry = fs::read_to_string(root.join(format!("boot/loader/entries/ostree-{number}.conf"))).unwrap();
            assert!(entry.contains(&format!("version {number}\n")), "{entry}");
            let karg = entry.split_ascii_whitespace().find_map(|word| word.strip_prefix("ostree=/")).unwrap();
            let target = fs::canonicalize(root.join(karg)).unwrap();
            assert_eq!(target, fs::canonicalize(deployment(commit)).unwrap(), "{entry}");
            for key in ["linux ", "initrd "] {
                let path = entry.lines().find_map(|line| line.strip_prefix(key)).unwrap();
                assert!(root.join(path.trim_start_matches('/')).exists(), "{path}");
            }
        }
        let kernels = fs::read_dir(root.join("boot/ostree")).unwrap().count();
        assert_eq!(kernels, if release == "6.12.1" { 1 } else { 2 });
    }
}

#[test]
fn an_image_that_cannot_be_rolled_back_to_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let source = tiny(directory.path());
    let no_kernel = Image::new(vec![base()]).write(&directory.path().join("kernel"));
    let mut arm = Image::new(vec![system()]);
    arm.architecture = "arm64".to_owned();
    let arm = arm.write(&directory.path().join("arm"));
    for (rollback, code, text) in [
        (source.as_str(), 5, "the image to roll back to is the image itself"),
        (&no_kernel, 4, "usr/lib/modules"),
        (&arm, 3, "arm64"),
        ("oci:nowhere", 3, "nowhere"),
    ] {
        let arguments = ["build", &source, "--platform", "linux/amd64", "--rollback", rollback];
        let run = diskwright(directory.path(), arguments);
        assert_eq!(run.code, Some(code), "{rollback}: {}", run.stderr);
        assert!(run.stderr.contains(text), "{rollback}: {}", run.stderr);
        assert!(!directory.path().join("disk.raw").exists());
    }
}
