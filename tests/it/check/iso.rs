//! Installer media that xorriso makes, as a disc and as a stick.

use std::fs;
use std::path::{Path, PathBuf};

use diskwright_tests::command::{diskwright, target};
use diskwright_tests::judge::judge;

use super::{PRELUDE, change, disk, mutate};

/// What every script finds besides: the tree and the ESP of the medium in `$P`, and how to make it of them.
const MEDIUM: &str = r#"
P=$(dirname "$D")/pieces
ESP=$ROOT # of a medium, the first partition is the volume
E="$D@@$ESP"
T=$D.tree
medium() { # of the tree; options may take the place of the usual ones
    xorriso -as mkisofs -quiet -V 'MY MEDIUM' -J -R -partition_offset 16 --modification-date=2024013112000000 \
        ${1-$USUAL} -o "$D" "$T" 2>/dev/null
}
USUAL="-append_partition 2 0xef $P/esp.img -appended_part_as_gpt -e --interval:appended_partition_2:all:: -no-emul-boot"
tree() { rm -rf "$T"; cp -a "$P/tree" "$T"; }
menu() { sed -i "$1" "$T/boot/grub/grub.cfg"; }
flip() { byte=$(od -An -tu1 -j "$1" -N 1 "$D"); printf "\\$(printf %o $((byte ^ ${2:-1})))" | dd of="$D" bs=1 seek="$1" conv=notrunc status=none; }
number() { od -An -tu4 -j "$1" -N 4 "$D" | tr -d ' '; }
record() { echo $(($(LC_ALL=C grep -abo -m 1 "$1" "$D" | head -1 | cut -d : -f 1) - 33)); } # of this identifier
catalogue() { echo $(($(number $((17 * 2048 + 71))) * 2048)); }
own() { # another GRUB, with a menu in the tree and another on another ESP
    cp "$P/esp.img" "$D.esp"
    grub-mkimage -O x86_64-efi -p /EFI/own -o "$D.grub" normal search iso9660 fat linux
    mkdir -p "$T/EFI/own"
    cp "$T/boot/grub/grub.cfg" "$T/EFI/own/"
    mcopy -o -i "$D.esp" "$D.grub" ::/EFI/BOOT/grubx64.efi
    mmd -i "$D.esp" ::/EFI/own
    mcopy -i "$D.esp" "$T/boot/grub/grub.cfg" ::/EFI/own/
    USUAL=${USUAL/$P\/esp.img/$D.esp}
}
"#;

/// Makes the pieces and the medium, of a disk.
const MAKE: &str = r#"
[ -e /usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed ] || { echo 'install the Debian package grub-efi-amd64-signed' >&2; exit 1; }
P=$(dirname "$D")/pieces
mkdir -p "$P/tree/boot/grub" "$P/tree/live" "$P/tree/.disk"
debugfs -R "dump $(kernel) $P/tree/live/vmlinuz" "$R" 2>/dev/null
debugfs -R "dump $(initramfs) $P/tree/live/initrd" "$R" 2>/dev/null
echo 'My medium' > "$P/tree/.disk/info"
cat > "$P/tree/boot/grub/grub.cfg" <<'MENU'
search --no-floppy --set=root --label 'MY MEDIUM'
menuentry 'Live' {
    linux /live/vmlinuz boot=live root=live:CDLABEL=MY\\x20MEDIUM quiet
    initrd /live/initrd
}
menuentry 'Live, by its time' {
    search --set=root --fs-uuid 2024-01-31-12-00-00-00
    linux /live/vmlinuz root=live:UUID=2024-01-31-12-00-00-00
    initrd /live/initrd
}
menuentry 'Live, by a file' {
    search --set=root --file /.disk/info
    linux /live/vmlinuz
    initrd /live/initrd
}
MENU
mkfs.fat -C "$P/esp.img" 10240 >/dev/null
mmd -i "$P/esp.img" ::/EFI ::/EFI/BOOT
mcopy -i "$P/esp.img" /usr/lib/shim/shimx64.efi.signed ::/EFI/BOOT/BOOTX64.EFI
mcopy -i "$P/esp.img" /usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed ::/EFI/BOOT/grubx64.efi
"#;

/// A mutation's name, what it does, and what the check must say.
const MUTATIONS: &[(&str, &str, &str)] = &[
    // The tables.
    ("GPT header", "flip 528", "primary header: header CRC"),
    ("GPT entries", "flip 1100", "primary"),
    ("backup GPT", "flip $(($(stat -c %s \"$D\") - 512 + 16))", "backup header"),
    ("MBR signature", "flip 510", "MBR: signature"),
    ("cut off", "truncate -s -1M \"$D\"", "primary volume descriptor: volume space size"),
    // The volume.
    ("volume descriptor", "flip $((16 * 2048)) 2", "volume descriptors: primary is missing"),
    (
        "size of the volume, its big end first",
        "flip $((16 * 2048 + 87))",
        "primary volume descriptor: volume space size",
    ),
    ("block of a file, its big end first", "flip $(($(record 'VMLINUZ.;1') + 9))", "/live/vmlinuz: extent's block is"),
    ("size of a file, its big end first", "flip $(($(record 'VMLINUZ.;1') + 17))", "/live/vmlinuz: data length is"),
    (
        "a file outside",
        "flip $(($(record 'INITRD.;1') + 5)) 64; flip $(($(record 'INITRD.;1') + 6)) 64",
        "error: /live/initrd: extent is",
    ),
    (
        "a directory outside",
        "flip $(($(record 'LIVE') + 5)) 64; flip $(($(record 'LIVE') + 6)) 64",
        "error: /live: extent is",
    ),
    (
        "path table",
        "flip $(($(number $((16 * 2048 + 140))) * 2048 + 13)) 64",
        "path table (little end first): directory of entry 2",
    ),
    // The boot catalogue.
    ("sum of the boot catalogue", "flip $(($(catalogue) + 5))", "boot catalogue: checksum"),
    ("place of the boot catalogue", "flip $((17 * 2048 + 74)) 64", "boot record: boot catalogue's block"),
    ("a boot image outside", "flip $(($(catalogue) + 43)) 64", "boot catalogue, entry 1 (UEFI): load range"),
    (
        "a boot image that is cut",
        "printf '\\x10\\x00' | dd of=\"$D\" bs=1 seek=$(($(catalogue) + 38)) conv=notrunc status=none",
        "boot sector: total sectors",
    ),
    (
        "no UEFI in the catalogue, warning",
        "tree; medium \"-append_partition 2 0xef $P/esp.img -appended_part_as_gpt\"",
        "! as a disc: there is no UEFI image",
    ),
    (
        "no partition, warning",
        "tree; cp \"$P/esp.img\" \"$T/boot/\"; medium '-e boot/esp.img -no-emul-boot'",
        "! as a USB stick: there is no partition for UEFI",
    ),
    ("nothing for UEFI", "tree; medium ''", "✗ as a disc: there is no UEFI image"),
    // The ESP, which is the boot image too.
    ("FAT copies", "flip $((ESP + 512 * $(od -An -tu2 -j $((ESP + 14)) -N 2 \"$D\") + 40))", "error: FAT"),
    ("no removable loader", "mdel -i \"$E\" ::/EFI/BOOT/BOOTX64.EFI", "✗ as a disc: there is no UEFI image"),
    ("no GRUB", "mdel -i \"$E\" ::/EFI/BOOT/grubx64.efi", "/EFI/BOOT/grubx64.efi: it is not there"),
    // The menu.
    ("no kernel", "tree; rm \"$T/live/vmlinuz\"; medium", "there is no (cd0)/live/vmlinuz"),
    ("no initramfs", "tree; rm \"$T/live/initrd\"; medium", "there is no (hd0)/live/initrd"),
    ("empty kernel", "tree; : > \"$T/live/vmlinuz\"; medium", "(cd0)/live/vmlinuz is empty"),
    ("initramfs is text", "tree; echo hello > \"$T/live/initrd\"; medium", "contents of the initramfs"),
    ("no grub.cfg", "tree; rm \"$T/boot/grub/grub.cfg\"; medium", "menu: it has no entry, so nothing is started"),
    (
        "grub.cfg is no script",
        "tree; echo 'menuentry {' > \"$T/boot/grub/grub.cfg\"; medium",
        "(cd0)/boot/grub/grub.cfg",
    ),
    ("no mark of the medium", "tree; rm -r \"$T/.disk\"; medium", "/.disk/info: no file system has this file"),
    (
        "another label",
        "tree; menu 's/CDLABEL=MY/CDLABEL=OUR/'; medium",
        "root=live:CDLABEL=OUR\\x20MEDIUM: no file system on the medium has it",
    ),
    (
        "another label in the menu, warning",
        "tree; menu \"s/--label 'MY/--label 'OUR/\"; medium",
        "no file system has this label",
    ),
    (
        "another time",
        "tree; menu 's/UUID=2024/UUID=2023/'; medium",
        "root=live:UUID=2023-01-31-12-00-00-00: no file system",
    ),
    ("another time in the menu, warning", "tree; menu 's/uuid 2024/uuid 2023/'; medium", "no file system has it"),
    ("menus for both, warning", "tree; own; medium", "configuration: (hd0,gpt2)/EFI/own/grub.cfg"),
    (
        "a menu for the stick only",
        "tree; own; rm \"$T/EFI/own/grub.cfg\"; medium",
        "there is no (cd0)/EFI/own/grub.cfg",
    ),
    (
        "a menu for the disc only",
        "tree; own; mdel -i \"$D.esp\" ::/EFI/own/grub.cfg; medium",
        "there is no (hd0,gpt2)/EFI/own/grub.cfg",
    ),
    // The checksum that it carries.
    (
        "a changed file, deep",
        "implantisomd5 \"$D\" >/dev/null; flip $(($(number $(($(record 'INITRD.;1') + 2))) * 2048 + 90000))",
        "checksum of the medium: MD5 is",
    ),
    (
        "a changed file that nobody sums, warning",
        "implantisomd5 \"$D\" >/dev/null",
        "its own checksum is not looked at",
    ),
];

/// A medium.
fn medium(path: &Path) -> PathBuf {
    for (tool, argument) in [("xorriso", "-version"), ("implantisomd5", "--help"), ("grub-mkimage", "--version")] {
        let _ = judge(tool, [argument]);
    }
    let disk = disk(path);
    let whole = path.join("whole.iso");
    change(&disk, &format!("{PRELUDE}{MAKE}"));
    change(&disk, &format!("{PRELUDE}{MEDIUM}\ntree; medium; mv \"$D\" \"$(dirname \"$D\")/whole.iso\"; rm -r \"$T\""));
    whole
}

#[test]
fn a_sound_medium_is_walked_as_a_disc_and_as_a_stick() {
    let directory = tempfile::tempdir_in(target()).unwrap();
    let path = directory.path();
    let whole = medium(path);
    let _ = judge("implantisomd5", [&whole]).passed();
    let run = diskwright(path, ["check", "whole.iso", "--deep", "-q"]).succeeded();
    for words in [
        "an ISO 9660 image with a GUID partition table",
        "✓ volume \"MY MEDIUM\" 2024-01-31-12-00-00-00",
        "Rock Ridge, Joliet; its own checksum is right",
        "✓ boot image 1 (UEFI)",
        "✓ as a disc",
        "starts /EFI/BOOT/BOOTX64.EFI of boot image 1",
        "configuration: (cd0)/boot/grub/grub.cfg",
        "✓ kernel (cd0)/live/vmlinuz",
        "✓ as a USB stick",
        "starts /EFI/BOOT/BOOTX64.EFI of partition 2",
        "configuration: (hd0)/boot/grub/grub.cfg",
        "✓ kernel (hd0)/live/vmlinuz",
        "with Secure Boot, shim lets the kernel start: it is signed by Debian",
        "root=live:CDLABEL=MY\\x20MEDIUM is the medium",
        "root=live:UUID=2024-01-31-12-00-00-00 is the medium",
    ] {
        assert!(run.stdout.contains(words), "no `{words}` in {}", run.stdout);
    }
    assert!(!run.stdout.contains('!'), "{}", run.stdout);
    let report = diskwright(path, ["check", "whole.iso", "--json", "-q", "--report", "page.html"]).succeeded().stdout;
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["medium"]["label"], "MY MEDIUM");
    assert_eq!(report["medium"]["boot_images"][0]["platform"], "UEFI");
    assert!(fs::read_to_string(path.join("page.html")).unwrap().contains("MY MEDIUM"));
}

#[test]
fn damage_in_a_medium_is_found_and_named() {
    let directory = tempfile::tempdir_in(target()).unwrap();
    let path = directory.path();
    mutate(path, &medium(path), &format!("{PRELUDE}{MEDIUM}"), MUTATIONS);
}
