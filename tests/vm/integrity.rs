//! fs-verity as the kernel judges it.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use diskwright_tests::judge::judge;
use diskwright_tests::partition::{extract, partitions};

use crate::machine::{BOOT, COMMAND, disk, logged_in, machine};

/// For a command that reads every object.
const READ_ALL: Duration = Duration::from_secs(900);
/// A program that no boot needs.
const VICTIM: &str = "usr/bin/factor";

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn the_kernel_measures_what_was_written_and_refuses_what_was_changed() {
    let disk = disk("mini-verity", &[]);
    let commit = disk.plan["deployment"]["commit"].as_str().unwrap().to_owned();
    let mut running = machine(&disk.path).build().unwrap().start().unwrap();
    logged_in(&mut running, "fs-verity");
    let mut shell = running.shell(BOOT).unwrap();
    let status = shell.check("ostree admin status", COMMAND).unwrap();
    let booted = status.lines().find(|line| line.trim_start().starts_with('*')).unwrap_or_default();
    assert!(booted.contains(&commit), "{status}");
    // overlayfs looks at every digest itself: else this option would not be there.
    let root = shell.check("grep -c '^composefs / overlay .*verity=require' /proc/self/mounts", COMMAND).unwrap();
    assert_eq!(root, "1");

    // Of every file: what the kernel has, and what the guest's own tool computes from the bytes.
    let list = "find /sysroot/ostree/repo/objects /sysroot/ostree/repo/config /sysroot/ostree/deploy/default/deploy/*/.ostree.cfs \
                -type f ! -name '*.dirtree' ! -name '*.dirmeta' ! -name '*.commit' -print0 | sort -z | xargs -0";
    let compare = format!(
        "{list} fsverity measure > /var/tmp/measured && {list} fsverity digest > /var/tmp/computed && \
         cmp /var/tmp/measured /var/tmp/computed && wc -l < /var/tmp/measured"
    );
    let files: u32 = shell.check(&compare, READ_ALL).unwrap().trim().parse().unwrap();
    assert!(files > 1000, "only {files} files are sealed");
    // With the digests in it, the image is the one that the guest's libostree makes.
    let compare = format!(
        "ostree --repo=/sysroot/ostree/repo checkout --composefs {commit} /var/tmp/its.cfs && \
         cmp /var/tmp/its.cfs /sysroot/ostree/deploy/default/deploy/{commit}.0/.ostree.cfs"
    );
    let _ = shell.check(&compare, READ_ALL).unwrap();
    let _ = shell.check("ostree fsck --repo=/sysroot/ostree/repo", READ_ALL).unwrap();
    // What is added later is sealed by libostree, since the configuration says so.
    let add = "mount -o remount,rw /sysroot && mkdir /var/tmp/new && date > /var/tmp/new/file && \
               ostree --repo=/sysroot/ostree/repo commit --branch=probe /var/tmp/new && \
               fsverity measure /sysroot/ostree/repo/objects/$(ostree --repo=/sysroot/ostree/repo ls -C probe /file | \
               awk '{ print substr($5, 1, 2) \"/\" substr($5, 3) \".file\" }')";
    let _ = shell.check(add, COMMAND).unwrap();
    let _ = shell.check(&format!("cat /{VICTIM} > /dev/null"), COMMAND).unwrap();
    let status = shell.power_off(BOOT).unwrap();
    assert!(status.success(), "{status}");

    let directory = tempfile::tempdir().unwrap();
    let image = extract(&disk.path, "root", directory.path());
    let request = format!("blocks /ostree/deploy/default/deploy/{commit}.0/{VICTIM}");
    let blocks = judge("debugfs", ["-R".as_ref(), request.as_ref(), image.as_os_str()]).passed().stdout;
    let first: u64 = blocks.split_whitespace().next().unwrap().parse().unwrap();
    let at = partitions(&disk.path).pop().unwrap().offset + first * 4096 + 100;
    let file = OpenOptions::new().read(true).write(true).open(&disk.path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    drop(file);

    let mut running = machine(&disk.path).build().unwrap().start().unwrap();
    logged_in(&mut running, "a flipped bit");
    let mut shell = running.shell(BOOT).unwrap();
    let read = shell.run(&format!("cat /{VICTIM} > /dev/null"), COMMAND).unwrap();
    assert!(read.status != 0 && read.text.contains("Input/output error"), "{}", read.text);
}
