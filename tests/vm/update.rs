//! An update made on the machine by ostree itself, and the menu that shows it without our help.

use builder_qemu::Pattern;

use crate::checks::booted_system;
use crate::machine::{BOOT, COMMAND, disk, logged_in, machine};

#[test]
fn the_menu_follows_an_update_and_a_rollback_made_by_ostree() {
    let disk = disk("mini", &[]);
    let mut running = machine(&disk.path).build().unwrap().start().unwrap();
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
        ostree admin deploy --karg-append=second=1 update
        rm -rf /var/tmp/more; sync; ostree rev-parse --repo=$repo update )"
    );
    let said = shell.check(&update, BOOT).unwrap();
    let second = said.lines().last().unwrap().trim().to_owned();
    assert_eq!(second.len(), 64, "{said}");

    running.send("systemctl reboot\n").unwrap();
    let _ = running.expect(&Pattern::literal("BdsDxe: starting"), BOOT).unwrap();
    logged_in(&mut running, "after the update");
    let mut shell = running.shell(BOOT).unwrap();
    let cmdline = shell.check("cat /proc/cmdline", COMMAND).unwrap();
    assert!(cmdline.contains("second=1") && cmdline.contains("ostree=/ostree/boot.0/"), "{cmdline}");
    let status = shell.check("ostree admin status", COMMAND).unwrap();
    assert!(booted(&status).contains(&second), "{status}");
    let files = shell.check("cat /usr/lib/second /etc/new /etc/mine", COMMAND).unwrap();
    assert_eq!(files, "2\nnew\nmine");

    // And back: ostree puts the first deployment in front again.
    let _ = shell.check("mount -o remount,rw /sysroot && ostree admin set-default 1 && sync", COMMAND).unwrap();
    running.send("systemctl reboot\n").unwrap();
    let _ = running.expect(&Pattern::literal("BdsDxe: starting"), BOOT).unwrap();
    logged_in(&mut running, "after the rollback");
    let mut shell = running.shell(BOOT).unwrap();
    let status = shell.check("ostree admin status", COMMAND).unwrap();
    assert!(booted(&status).contains(&first), "{status}");
    let gone = shell.run("test ! -e /usr/lib/second && ! grep -q second=1 /proc/cmdline", COMMAND).unwrap();
    assert_eq!(gone.status, 0, "{}", gone.text);
}

fn booted(status: &str) -> &str {
    status.lines().find(|line| line.trim_start().starts_with('*')).unwrap_or_default()
}
