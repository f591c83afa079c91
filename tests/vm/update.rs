//! An update made on the machine by ostree itself, and the menu that shows it without our help.

use std::path::{Path, PathBuf};

use builder_qemu::{Disk, Machine, Running, Shell};
use diskwright_tests::judge::judge;
use diskwright_tests::partition::{Mounted, extract};

use crate::checks::{booted_system, no_unit_failed};
use crate::machine::{BOOT, COMMAND, TestDisk, comes_back, disk, logged_in, machine};

#[test]
fn the_menu_follows_an_update_and_a_rollback_made_by_ostree() {
    follows(&disk("mini", &[]), "");
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn systemd_boot_follows_an_update_that_is_staged_and_a_rollback() {
    // A staged deployment is written at shutdown; what is copied to the ESP has to wait for it.
    follows(&disk("mini", &["--bootloader", "systemd"]), "--stage");
}

/// Makes an update in the machine with ostree alone and boots it, and then what was there before.
fn follows(disk: &TestDisk, how: &str) {
    let machine = machine(&disk.path).build().unwrap();
    let mut running = machine.start().unwrap();
    logged_in(&mut running, "before the update");
    let mut shell = running.shell(BOOT).unwrap();
    booted_system(&mut shell, &disk.plan);
    let first = disk.plan["deployment"]["commit"].as_str().unwrap().to_owned();

    // A second commit: the deployed tree with one more file, as a build server would publish it.
    // In a shell of its own, so that a failure ends that one and not the console's.
    let update = format!(
        "( set -e; echo mine > /etc/mine; mount -o remount,rw /sysroot; repo=/sysroot/ostree/repo
        mkdir -p /var/tmp/more/usr/lib /var/tmp/more/usr/etc
        echo 2 > /var/tmp/more/usr/lib/second; echo new > /var/tmp/more/usr/etc/new
        ostree --repo=$repo commit -b update --tree=ref={first} --tree=dir=/var/tmp/more --owner-uid=0 --owner-gid=0 --no-bindings
        ostree admin deploy {how} --karg-append=second=1 update
        rm -rf /var/tmp/more; sync; ostree rev-parse --repo=$repo update )"
    );
    let said = shell.check(&update, BOOT).unwrap();
    let second = said.lines().last().unwrap().trim().to_owned();
    assert_eq!(second.len(), 64, "{said}");

    let mut shell = reboot_into(&machine, &mut running, "the update", &second);
    let cmdline = shell.check("cat /proc/cmdline", COMMAND).unwrap();
    assert!(cmdline.contains("second=1") && cmdline.contains("ostree=/ostree/boot.0/"), "{cmdline}");
    let files = shell.check("cat /usr/lib/second /etc/new /etc/mine", COMMAND).unwrap();
    assert_eq!(files, "2\nnew\nmine");
    no_unit_failed(&mut shell);

    // And back: ostree puts the first deployment in front again.
    turn(&mut shell, 1);
    let mut shell = reboot_into(&machine, &mut running, "the rollback", &first);
    let gone = shell.run("test ! -e /usr/lib/second && ! grep -q second=1 /proc/cmdline", COMMAND).unwrap();
    assert_eq!(gone.status, 0, "{}", gone.text);
    no_unit_failed(&mut shell);
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn an_update_is_pulled_from_a_repository_and_rolled_back_and_cleaned_up() {
    pulled(&disk("example", &[]), None);
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn the_same_with_systemd_boot_needs_no_hand_on_the_esp() {
    // In the end one deployment is left, so one entry and one kernel.
    let copies = "ls -1 /efi/loader/entries | wc -l; ls -1 /efi/ostree | wc -l";
    pulled(&disk("example", &["--bootloader", "systemd"]), Some(copies));
}

/// The next version of the system comes from a repository on a second drive; forth, back, forth again, and what is not
/// used any more is removed. `copies` counts what is on the ESP.
fn pulled(disk: &TestDisk, copies: Option<&str>) {
    let first = disk.plan["deployment"]["commit"].as_str().unwrap().to_owned();
    let directory = tempfile::tempdir_in(diskwright_tests::command::target()).unwrap();
    let (published, second) = publish(disk, directory.path());

    let machine = machine(&disk.path).memory_mib(2048).disk(Disk::raw(&published)).build().unwrap();
    let mut running = machine.start().unwrap();
    logged_in(&mut running, "before the update");
    let mut shell = running.shell(BOOT).unwrap();
    booted_system(&mut shell, &disk.plan);
    let changes = "echo mine > /etc/mine && echo mine >> /etc/issue && echo kept > /var/kept";
    let _ = shell.check(changes, COMMAND).unwrap();
    let pull = "( set -e; mkdir /run/published; mount -o ro /dev/vdb /run/published; mount -o remount,rw /sysroot
        ostree remote add --no-sign-verify published file:///run/published
        ostree pull published os/next; ostree admin deploy --retain published:os/next; sync )";
    let _ = shell.check(pull, BOOT).unwrap();
    let mut shell = reboot_into(&machine, &mut running, "the update", &second);
    no_unit_failed(&mut shell);
    // What came with the update, what was changed here, what lies beside all deployments.
    let merged = shell.check("tail -n 1 /usr/lib/os-release /etc/issue; cat /etc/new /etc/mine /var/kept", COMMAND);
    assert_eq!(merged.unwrap(), "==> /usr/lib/os-release <==\nNEXT=1\n\n==> /etc/issue <==\nmine\nnew\nmine\nkept");

    turn(&mut shell, 1);
    let mut shell = reboot_into(&machine, &mut running, "the rollback", &first);
    let gone = shell.run("grep NEXT /usr/lib/os-release; test -e /etc/new", COMMAND).unwrap();
    assert_ne!(gone.status, 0, "{}", gone.text);
    assert_eq!(shell.check("cat /var/kept /etc/mine", COMMAND).unwrap(), "kept\nmine");
    turn(&mut shell, 1);
    let mut shell = reboot_into(&machine, &mut running, "back again", &second);

    // Refs of the image are what bootc itself removes when the image's last deployment goes.
    let clean = format!(
        "( set -e; mount -o remount,rw /sysroot; repo=/sysroot/ostree/repo
        sum=$(ostree --repo=$repo ls -C {first} /usr/lib/os-release | awk '{{ print $5 }}')
        object=$repo/objects/$(echo $sum | cut -c 1-2)/$(echo $sum | cut -c 3-).file
        test -e $object; ostree admin undeploy 1
        ostree --repo=$repo refs --list ostree/container | xargs -n 1 ostree --repo=$repo refs --delete
        ostree admin cleanup; test ! -e $object; test ! -e $repo/objects/{commit}.commit; ostree fsck --repo=$repo )",
        commit = format_args!("{}/{}", &first[..2], &first[2..]),
    );
    let _ = shell.check(&clean, BOOT).unwrap();
    let mut shell = reboot_into(&machine, &mut running, "the one that is left", &second);
    let status = shell.check("ostree admin status", COMMAND).unwrap();
    assert!(!status.contains(&first), "{status}");
    if let Some(copies) = copies {
        assert_eq!(shell.check(copies, COMMAND).unwrap(), "1\n1");
    }
    no_unit_failed(&mut shell);
}

/// Publishes the next version of the system of `disk` on a drive of its own; gives the drive and the commit.
fn publish(disk: &TestDisk, directory: &Path) -> (PathBuf, String) {
    let first = disk.plan["deployment"]["commit"].as_str().unwrap();
    let path = |name: &str| directory.join(name).display().to_string();
    let root = extract(&disk.path, "root", directory);
    let mounted = Mounted::new(&root, directory.join("mounted"));
    let repo = format!("--repo={}", path("published"));
    let _ = judge("ostree", [&repo, "init", "--mode=archive"]).passed();
    let _ = judge("ostree", [&repo, "pull-local", &path("mounted/ostree/repo"), first]).passed();
    let deployment = mounted.at.join(format!("ostree/deploy/default/deploy/{first}.0"));
    let release = std::fs::read_to_string(deployment.join("usr/lib/os-release")).unwrap();
    std::fs::create_dir_all(path("more/usr/lib")).unwrap();
    std::fs::create_dir_all(path("more/usr/etc")).unwrap();
    std::fs::write(path("more/usr/lib/os-release"), release + "NEXT=1\n").unwrap();
    std::fs::write(path("more/usr/etc/new"), "new\n").unwrap();
    let (below, above) = (format!("--tree=ref={first}"), format!("--tree=dir={}", path("more")));
    let owner = ["--owner-uid=0", "--owner-gid=0", "--no-bindings"];
    let commit = [&[&repo, "commit", "--branch=os/next", &below, &above], &owner[..]].concat();
    let second = judge("ostree", commit).passed().stdout.trim().to_owned();
    let drive = path("published.img");
    let _ = judge("mke2fs", ["-q", "-t", "ext4", "-d", &path("published"), &drive, "4G"]).passed();
    (drive.into(), second)
}

/// Makes the deployment with that number the default.
fn turn(shell: &mut Shell<'_>, number: u32) {
    let turn = format!("mount -o remount,rw /sysroot && ostree admin set-default {number} && sync");
    let _ = shell.check(&turn, COMMAND).unwrap();
}

/// Reboots, and awaits that `commit` is booted.
fn reboot_into<'r>(machine: &Machine, running: &'r mut Running, stage: &str, commit: &str) -> Shell<'r> {
    running.send("systemctl reboot\n").unwrap();
    comes_back(machine, running);
    logged_in(running, stage);
    let mut shell = running.shell(BOOT).unwrap();
    let status = shell.check("ostree admin status", COMMAND).unwrap();
    assert!(booted(&status).contains(commit), "{stage}: {status}");
    shell
}

fn booted(status: &str) -> &str {
    status.lines().find(|line| line.trim_start().starts_with('*')).unwrap_or_default()
}
