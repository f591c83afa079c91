//! Disks that are looked through: sound ones, and ones that were damaged in one place by outside tools.

use std::fs;
use std::path::Path;
use std::process::Command;

use diskwright_tests::command::{diskwright, target};
use diskwright_tests::image::real;
use diskwright_tests::judge::{judge, verdict};
use diskwright_tests::partition::partitions;
use serde_json::Value;

mod hostile;
mod initramfs;
mod iso;
mod others;
mod secure_boot;
mod unified;

/// What every mutation finds: the disk `$D`, its ESP for mtools, its root for debugfs, and some words.
const PRELUDE: &str = r#"
set -eu
E="$D@@$ESP"
R="$D?offset=$ROOT"
export MTOOLS_SKIP_CHECK=1
flip() { # the lowest bit of the byte at this offset of the disk
    byte=$(od -An -tu1 -j "$1" -N 1 "$D")
    printf "\\$(printf %o $((byte ^ 1)))" | dd of="$D" bs=1 seek="$1" conv=notrunc status=none
}
change() { debugfs -w -R "$1" "$R" 2>/dev/null; }
replace() { # a file of the root, by what comes on stdin; debugfs writes into its working directory only
    cat > "$D.new"
    printf 'cd %s\nrm %s\nwrite %s %s\n' "$(dirname "$1")" "$(basename "$1")" "$D.new" "$(basename "$1")" > "$D.commands"
    debugfs -w -f "$D.commands" "$R" >/dev/null 2>&1
    debugfs -R "cat $1" "$R" 2>/dev/null | cmp - "$D.new"
}
fallback() { # what makes boot entries, from stdin, in place of a GRUB beside shim
    cat > "$D.new"
    mdel -i "$E" ::/EFI/BOOT/grubx64.efi
    mcopy -i "$E" "$D.new" ::/EFI/BOOT/fbx64.efi
}
shown() { debugfs -R "cat $1" "$R" 2>/dev/null; }
block() { debugfs -R "bmap $1 0" "$R" 2>/dev/null; } # the first block of a file
inode() { # where the inode of a path is on the disk
    debugfs -R "imap $1" "$R" 2>/dev/null |
        sed -n 's/.*block \([0-9]*\), offset \(0x[0-9a-f]*\)/\1 \2/p' | { read -r number within; echo $((ROOT + number * 4096 + within)); }
}
entry() { shown "/boot/loader/entries/ostree-$1.conf"; }
word() { entry 2 | tr ' ' '\n' | sed -n "s|^$1||p"; } # of the default entry
kernel() { entry 2 | sed -n 's/^linux //p'; }
initramfs() { entry 2 | sed -n 's/^initrd //p'; }
object() { # the first of this kind
    debugfs -R 'ls -p /ostree/repo/objects' "$R" 2>/dev/null | cut -d / -f 6 | grep -x '[0-9a-f][0-9a-f]' | while read -r folder; do
        name=$(debugfs -R "ls -p /ostree/repo/objects/$folder" "$R" 2>/dev/null | cut -d / -f 6 | grep "\.$1\$" | head -1)
        if [ -n "$name" ]; then echo "/ostree/repo/objects/$folder/$name"; break; fi
    done
}
deployment() { # the default one
    link=$(word ostree= | sed 's|boot.1/|boot.1.1/|')
    echo "/ostree/deploy/default/deploy/$(debugfs -R "cat $link" "$R" 2>/dev/null | sed 's|.*/||')"
}
"#;

/// A mutation's name, what it does, and what the check must say.
const MUTATIONS: &[(&str, &str, &str)] = &[
    // The table.
    ("MBR signature", "flip 510", "protective MBR: signature"),
    ("GPT signature", "flip 512", "primary header"),
    ("GPT header checksum", "flip 528", "primary header: header CRC"),
    ("GPT first usable", "flip 552", "primary header: header CRC"),
    ("GPT entries", "flip 1100", "primary"),
    ("backup GPT", "flip $(($(stat -c %s \"$D\") - 512 + 16))", "backup header"),
    ("disk cut off", "truncate -s -1M \"$D\"", "error"),
    ("no ESP", "sgdisk -t 1:8300 \"$D\" >/dev/null", "there is no ESP with a program"),
    ("no root", "sgdisk -d 2 \"$D\" >/dev/null", "it has no entry, so nothing is started"),
    // The ESP.
    ("FAT boot signature", "flip $((ESP + 510))", "boot sector"),
    ("FAT32 backup boot sector, warning", "flip $((ESP + 6 * 512 + 20))", "backup boot sector"),
    ("FAT copies", "flip $((ESP + 32 * 512 + 40))", "FAT"),
    ("no removable loader", "mdel -i \"$E\" ::/EFI/BOOT/BOOTX64.EFI", "so firmware finds nothing to boot"),
    (
        "loader is text",
        "echo hello > \"$D.new\"; mcopy -o -i \"$E\" \"$D.new\" ::/EFI/BOOT/BOOTX64.EFI",
        "it is no program of the firmware",
    ),
    (
        "loader is cut",
        "mcopy -i \"$E\" ::/EFI/BOOT/BOOTX64.EFI \"$D.new\"; truncate -s 3000 \"$D.new\"; mcopy -o -i \"$E\" \"$D.new\" ::/EFI/BOOT/BOOTX64.EFI",
        "/EFI/BOOT/BOOTX64.EFI: it is no program",
    ),
    ("no GRUB", "mdel -i \"$E\" ::/EFI/BOOT/grubx64.efi", "/EFI/BOOT/grubx64.efi: it is not there"),
    (
        "shim instead of GRUB",
        "mcopy -i \"$E\" ::/EFI/BOOT/BOOTX64.EFI \"$D.new\"; mcopy -o -i \"$E\" \"$D.new\" ::/EFI/BOOT/grubx64.efi",
        "/EFI/BOOT/grubx64.efi: it is a shim where GRUB should be",
    ),
    (
        "fallback without a list",
        "fallback < /usr/lib/shim/fbx64.efi.signed; mdel -i \"$E\" ::/EFI/debian/BOOTX64.CSV",
        "/EFI/BOOT/fbx64.efi: no directory beside /EFI/BOOT has a list BOOTX64.CSV",
    ),
    ("fallback is text", "echo hello | fallback", "/EFI/BOOT/fbx64.efi: it is no program of the firmware"),
    (
        "fallback as Fedora has it, warning",
        "fallback < /usr/lib/shim/fbx64.efi.signed",
        "✓ /EFI/BOOT/fbx64.efi starts the first line of /EFI/debian/BOOTX64.CSV",
    ),
    (
        "fallback behind a shim that firmware refuses, warning",
        "fallback < /usr/lib/shim/fbx64.efi.signed; mcopy -i \"$E\" ::/EFI/BOOT/BOOTX64.EFI \"$D.new\"; \
        sbattach --remove \"$D.new\"; sbattach --remove \"$D.new\" || :; mcopy -o -i \"$E\" \"$D.new\" ::/EFI/BOOT/BOOTX64.EFI",
        "with Secure Boot, this is not reached: /EFI/BOOT/BOOTX64.EFI is refused",
    ),
    (
        "device trees are in the checksum, warning",
        "printf one > \"$D.one\"; printf two > \"$D.two\"; old=$(dirname \"$(kernel)\"); links=/ostree/boot.1.1/default; \
        sum=$({ shown \"$(kernel)\"; shown \"$(initramfs)\"; printf onetwo; } | sha256sum | cut -d ' ' -f 1); new=${old%-*}-$sum; \
        { printf 'mkdir %s\\n' $new $new/dtb $new/dtb/arm $links/$sum; \
          printf 'link %s %s\\n' $(kernel) $new/$(basename $(kernel)) $(initramfs) $new/$(basename $(initramfs)); \
          printf 'cd %s\\nwrite %s b\\n' $new/dtb/arm \"$D.one\"; printf 'cd %s\\nwrite %s z\\n' $new/dtb \"$D.two\"; \
          printf 'cd %s\\nsymlink 0 ../../../deploy/%s\\n' $links/$sum $(deployment | cut -d / -f 4-); } > \"$D.commands\"; \
        debugfs -w -f \"$D.commands\" \"$R\" >/dev/null 2>&1; \
        entry 2 | sed \"s|${old##*-}|$sum|\" | replace /boot/loader/entries/ostree-2.conf; \
        debugfs -w -R \"rm $old/$(basename $(kernel))\" \"$R\" 2>/dev/null",
        "✓ kernel, initramfs and device trees have their boot checksum",
    ),
    (
        "device trees that are too large, warning",
        "folder=$(dirname \"$(kernel)\")/dtb; truncate -s 1 \"$D.one\"; printf 'mkdir %s\\ncd %s\\nwrite %s a.dtb\\nsif a.dtb size 300000000\\n' $folder $folder \"$D.one\" > \"$D.commands\"; debugfs -w -f \"$D.commands\" \"$R\" 2>/dev/null",
        "dtb has too much to be compared with it",
    ),
    (
        "device tree that is not in the checksum",
        "folder=$(dirname \"$(kernel)\"); printf 'mkdir %s\\ncd %s\\nwrite /etc/hostname a.dtb\\n' \"$folder/dtb\" \"$folder/dtb\" > \"$D.commands\"; debugfs -w -f \"$D.commands\" \"$R\" 2>/dev/null",
        "of kernel, initramfs and device trees: they have",
    ),
    (
        "GRUB is cut",
        "mcopy -i \"$E\" ::/EFI/BOOT/grubx64.efi \"$D.new\"; truncate -s 3000 \"$D.new\"; mcopy -o -i \"$E\" \"$D.new\" ::/EFI/BOOT/grubx64.efi",
        "/EFI/BOOT/grubx64.efi: it is no program",
    ),
    ("no stub", "mdel -i \"$E\" ::/EFI/debian/grub.cfg", "configuration"),
    (
        "stub names another UUID",
        "mcopy -i \"$E\" ::/EFI/debian/grub.cfg - | sed 's/uuid ....../uuid 012345/' > \"$D.new\"; mcopy -o -i \"$E\" \"$D.new\" ::/EFI/debian/grub.cfg",
        "EFI/debian/grub.cfg:1",
    ),
    (
        "stub is no script",
        "printf 'if [ x\\n' > \"$D.new\"; mcopy -o -i \"$E\" \"$D.new\" ::/EFI/debian/grub.cfg",
        "EFI/debian/grub.cfg",
    ),
    // ext4.
    ("superblock checksum", "flip $((ROOT + 1024 + 0x3fc))", "superblock"),
    ("superblock magic", "flip $((ROOT + 1024 + 0x38))", "grub.cfg:1: search.fs_uuid"),
    ("group descriptor", "flip $((ROOT + 4096 + 0x1e))", "group descriptor 0"),
    (
        "block bitmap",
        "flip $((ROOT + 4096 * $(dumpe2fs \"$R\" 2>/dev/null | sed -n 's/.*Block bitmap at \\([0-9]*\\).*/\\1/p' | head -1) + 7))",
        "block bitmap of group 0",
    ),
    (
        "inode bitmap",
        "flip $((ROOT + 4096 * $(dumpe2fs \"$R\" 2>/dev/null | sed -n 's/.*Inode bitmap at \\([0-9]*\\).*/\\1/p' | head -1) + 1))",
        "inode bitmap of group 0",
    ),
    ("inode of a file, deep", "flip $(($(inode /boot/grub/grub.cfg) + 4))", "(/boot/grub/grub.cfg)"),
    ("inode in use is free, deep", "change \"freei $(kernel)\"", "inode bitmap"),
    ("link count, deep", "change \"sif /boot/grub/grub.cfg links_count 3\"", "links"),
    ("directory block, deep", "flip $((ROOT + 4096 * $(block /boot/loader/entries) + 4092))", "directory block"),
    // The boot menu.
    ("no grub.cfg", "change 'rm /boot/grub/grub.cfg'", "grub.cfg"),
    ("grub.cfg is no script", "echo 'menuentry \"x\" {' | replace /boot/grub/grub.cfg", "grub.cfg"),
    ("no kernel", "change \"rm $(kernel)\"", "vmlinuz"),
    ("no initramfs", "change \"rm $(initramfs)\"", "initramfs"),
    ("empty kernel", "change \"sif $(kernel) size 0\"", "vmlinuz"),
    ("kernel changed", "flip $((ROOT + 4096 * $(block \"$(kernel)\") + 2000))", "so one of them is damaged"),
    ("initramfs changed", "flip $((ROOT + 4096 * $(block \"$(initramfs)\") + 2000))", "so one of them is damaged"),
    (
        "another root",
        "entry 2 | sed 's/root=UUID=..../root=UUID=0123/' | replace /boot/loader/entries/ostree-2.conf",
        "no file system on the disk has it",
    ),
    (
        "another root of the rollback",
        "entry 1 | sed 's/root=UUID=..../root=UUID=0123/' | replace /boot/loader/entries/ostree-1.conf",
        "no file system on the disk has it",
    ),
    (
        "ostree= leads nowhere",
        "entry 2 | sed 's|/0$|/7|' | replace /boot/loader/entries/ostree-2.conf",
        "it leads nowhere",
    ),
    ("kernel is text", "echo hello | replace \"$(kernel)\"", "so one of them is damaged"),
    ("initramfs is text", "echo hello | replace \"$(initramfs)\"", "contents of the initramfs"),
    (
        "initramfs without ostree",
        "(cd \"$(dirname \"$D\")\"; truncate -s 9 hello; echo hello | cpio -o -H newc --quiet) | replace \"$(initramfs)\"",
        "ostree-prepare-root is not in it",
    ),
    // The menu has an entry of its own for this case, but nobody could update the system.
    ("no link to the entries, deep", "change 'rm /boot/loader'", "/boot/loader: "),
    // The repository.
    (
        "link to no boot version, deep",
        "change 'rm /boot/loader'; change 'symlink /boot/loader nowhere'",
        "names no boot version",
    ),
    ("dirtree object, deep", "flip $((ROOT + 4096 * $(block \"$(object dirtree)\") + 3))", "dirtree"),
    ("dirmeta object, deep", "flip $((ROOT + 4096 * $(block \"$(object dirmeta)\") + 3))", "dirmeta"),
    ("no object of a file, deep", "change \"rm $(object file)\"", ".file"),
    (
        "mode of the repository, deep",
        "shown /ostree/repo/config | sed 's/mode=bare/mode=hello/' | replace /ostree/repo/config",
        "core.mode is one that does not exist",
    ),
    ("origin is text, deep", "echo hello | replace \"$(deployment).origin\"", "the origin file is no key file"),
    (
        "origin follows nothing, deep",
        "echo '[origin]' | replace \"$(deployment).origin\"",
        "the origin file names nothing to follow",
    ),
    (
        "stranger among the deployments, deep",
        "change 'mkdir /ostree/deploy/default/deploy/hello'",
        "a name among the deployments is none",
    ),
    (
        "commit object, deep",
        "flip $((ROOT + 4096 * $(block \"/ostree/repo/objects/$(deployment | sed 's|.*/\\(..\\)\\([^.]*\\)\\..*|\\1/\\2|').commit\") + 20))",
        "commit",
    ),
    (
        "object of a file, deep",
        "flip $((ROOT + 4096 * $(block \"$(deployment)/usr/lib/os-release\") + 5))",
        "usr/lib/os-release",
    ),
    ("mode of a file, deep", "change \"sif $(deployment)/usr/lib/os-release mode 0100666\"", "usr/lib/os-release"),
    ("no repository's config, deep", "change 'rm /ostree/repo/config'", "config"),
    ("no origin, deep", "change \"rm $(deployment).origin\"", "origin"),
    // The deployment.
    ("no boot link", "change 'rm /ostree/boot.1'", "it leads nowhere"),
    ("no /usr", "change \"unlink $(deployment)/usr\"", "which is no deployment: it has no /usr"),
    ("no /etc", "change \"unlink $(deployment)/etc\"", "it is no directory, and ostree-prepare-root needs it"),
    ("no /sysroot", "change \"unlink $(deployment)/sysroot\"", "it is no directory, and ostree-prepare-root needs it"),
    ("no /var", "change 'unlink /ostree/deploy/default/var'", "so /var cannot be mounted"),
    (
        "composefs without an image",
        "entry 2 | sed 's|^options .*|& ostree.prepare-root.composefs=yes|' | replace /boot/loader/entries/ostree-2.conf; change \"rm $(deployment)/.ostree.cfs\"",
        "the deployment has no .ostree.cfs",
    ),
    (
        "fstab names a stranger",
        "echo 'UUID=0123 /mnt ext4 defaults 0 0' | replace \"$(deployment)/etc/fstab\"",
        "/etc/fstab line 1 mounts UUID=0123",
    ),
];

fn disk(directory: &Path) -> std::path::PathBuf {
    let (newer, older) = (real("mini-2"), real("mini"));
    let arguments = ["build", &newer, "--rollback", &older, "-q", "--no-bundle", "-o", "disk.raw"];
    let _ = diskwright(directory, arguments.iter().chain(&["--target-imgref", "registry.example/os"])).succeeded();
    directory.join("disk.raw")
}

#[test]
fn a_sound_disk_is_walked_from_the_firmware_to_both_deployments_in_every_format() {
    let directory = tempfile::tempdir_in(target()).unwrap();
    let path = directory.path();
    let _ = disk(path);
    let arguments = ["convert", "disk.raw", "-q", "--no-bundle", "-o", "out"];
    let types = ["--type", "qcow2", "--type", "vmdk", "--type", "vhd"];
    let _ = diskwright(path, arguments.iter().chain(&types)).succeeded();
    for file in ["disk.raw", "out/disk.qcow2", "out/disk.vmdk", "out/disk.vhd"] {
        let run = diskwright(path, ["check", file, "--deep", "--json", "-q"]).succeeded();
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(report["sound"], true, "{}", run.stdout);
        for partition in report["partitions"].as_array().unwrap() {
            assert_eq!(partition["findings"], Value::Array(Vec::new()), "{file}");
        }
        for words in ["default entry \\\"", "\"entry \\\"", ".0\"", "starts it", "have their boot checksum"] {
            assert!(run.stdout.contains(words), "{file}: no `{words}` in {}", run.stdout);
        }
        assert_eq!(run.stdout.matches("leads to the deployment").count(), 2, "{file}");
    }
    let text = diskwright(path, ["check", "disk.raw", "-q"]).succeeded().stdout;
    assert!(text.ends_with("sound: nothing is damaged, and every way leads to its end\n"), "{text}");
}

#[test]
fn damage_in_one_place_is_found_and_named() {
    let directory = tempfile::tempdir_in(target()).unwrap();
    let path = directory.path();
    mutate(path, &disk(path), PRELUDE, MUTATIONS);
}

/// Changes copies of the disk `whole` by one script each, and checks what comes out; `prelude` goes before each.
fn mutate(path: &Path, whole: &Path, prelude: &str, mutations: &[(&str, &str, &str)]) {
    let damaged = path.join("damaged.raw");
    let mut failed = Vec::new();
    for (name, script, words) in mutations {
        let _ = judge("cp", ["--sparse=always".as_ref(), whole.as_os_str(), damaged.as_os_str()]).passed();
        change(&damaged, &format!("{prelude}\n{script}"));
        let mut arguments = vec!["check", "damaged.raw", "-q"];
        arguments.extend(name.ends_with(", deep").then_some("--deep"));
        let run = diskwright(path, arguments);
        // What nothing suffers from is said, and the disk is sound.
        let code = if name.ends_with(", warning") { 0 } else { 4 };
        if run.code != Some(code) || !run.stdout.contains(words) || run.stdout.ends_with("not sound\n") != (code == 4) {
            failed.push(format!("{name}: wanted `{words}`, left with {:?}\n{}{}", run.code, run.stdout, run.stderr));
        }
        fs::remove_file(&damaged).unwrap();
    }
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), mutations.len(), failed.join("\n"));
}

/// Runs a script on a disk of ours, whose parts it finds in variables.
fn change(disk: &Path, script: &str) {
    let parts = partitions(disk);
    let output = Command::new("bash")
        .args(["-c", script])
        .env("PATH", format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap()))
        .env("D", disk)
        .env("ESP", parts[0].offset.to_string())
        .env("ROOT", parts[1].offset.to_string())
        .output()
        .unwrap();
    let _ = verdict(&output).passed();
}
