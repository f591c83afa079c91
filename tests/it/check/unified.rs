//! Disks with unified kernels, which binutils make of systemd's stub.

use std::fs;
use std::path::{Path, PathBuf};

use diskwright_tests::command::{diskwright, target};
use diskwright_tests::judge::judge;

use super::{PRELUDE, change, disk, mutate};

/// What every script finds besides: the pieces of a unified kernel in `$P`, and how to put them together.
const UNIFIED: &str = r#"
P=$(dirname "$D")/pieces
U=$D.efi
end() { # where a further section may begin in memory
    objdump -h "$U" | {
        top=0
        while read -r number name size address rest; do
            case $number in [0-9]*) if [ $((16#$size + 16#$address)) -gt $top ]; then top=$((16#$size + 16#$address)); fi ;; esac
        done
        echo $(((top + 4095) / 4096 * 4096))
    }
}
section() { objcopy --add-section "$1=$2" --set-section-flags "$1=data,readonly" --change-section-vma "$1=${3:-$(end)}" "$U"; }
unify() { # the pieces but for the one that is named
    cp /usr/lib/systemd/boot/efi/linuxx64.efi.stub "$U"
    for piece in osrel cmdline uname linux initrd; do
        if [ "$piece" != "${1:-}" ]; then section .$piece "$P/$piece"; fi
    done
}
with() { # with another piece of this name, from stdin
    cat > "$D.piece"
    unify "$1"
    section ".$1" "$D.piece" "${2:-}"
    install
}
install() { mcopy -o -i "$E" "$U" ::/EFI/Linux/os-2.efi; }
put() { printf "$3" | dd of="$U" bs=1 seek=$(($(header "$1") + $2)) conv=notrunc status=none; }
header() { LC_ALL=C grep -abo -m 1 "\\.$1" "$U" | head -1 | cut -d : -f 1; } # where it is in the section table
"#;

/// Makes the pieces, and a disk with systemd-boot and two unified kernels.
const MAKE: &str = r#"
[ -e /usr/lib/systemd/boot/efi/linuxx64.efi.stub ] || { echo 'install the Debian package systemd-boot-efi' >&2; exit 1; }
mkdir -p "$P"
debugfs -R "dump $(kernel) $P/linux" "$R" 2>/dev/null
debugfs -R "dump $(initramfs) $P/initrd" "$R" 2>/dev/null
entry 2 | sed -n 's/^options //p' | tr -d '\n' > "$P/cmdline"
kernel | sed 's/.*vmlinuz-//' | tr -d '\n' > "$P/uname"
printf 'ID=debian\nNAME="Debian"\nPRETTY_NAME="Debian, unified"\nVERSION_ID=2\n' > "$P/osrel"
mcopy -o -i "$E" /usr/lib/systemd/boot/efi/systemd-bootx64.efi ::/EFI/BOOT/BOOTX64.EFI
mmd -i "$E" ::/EFI/Linux ::/loader ::/loader/entries
unify
install
sed -i 's/VERSION_ID=2/VERSION_ID=1/' "$P/osrel"
unify
mcopy -i "$E" "$U" ::/EFI/Linux/os-1.efi
sed -i 's/VERSION_ID=1/VERSION_ID=2/' "$P/osrel"
"#;

/// A mutation's name, what it does, and what the check must say.
const MUTATIONS: &[(&str, &str, &str)] = &[
    ("no .linux", "unify linux; install", "section .linux: it is not there"),
    ("no .initrd", "unify initrd; install", "section .initrd: there is none, so nothing prepares the root"),
    ("no .cmdline, warning", "unify cmdline; install", "section .cmdline: it is not there"),
    ("no .osrel", "unify osrel; install", "EFI/Linux/os-2.efi:0: section .osrel is not there, so it is left out"),
    ("no .uname, warning", "unify uname; install", "section .uname: it is not there"),
    ("no .sbat, warning", "unify; objcopy --remove-section .sbat \"$U\"; install", "section .sbat: it is not there"),
    ("no sections", "echo hello > \"$U\"; install", "EFI/Linux/os-2.efi:0: a PE file begins with \"MZ\""),
    (
        ".linux is cut",
        "head -c 100000 \"$P/linux\" | with linux",
        "section .linux: it is no kernel that firmware can start",
    ),
    (".linux is text", "echo hello | with linux", "section .linux: it is no kernel that firmware can start"),
    (
        ".linux is another program, warning",
        "cat /usr/lib/systemd/boot/efi/systemd-bootx64.efi | with linux",
        "section .linux: it is a program of the firmware, and does not say that it is Linux",
    ),
    (
        ".linux is for another machine",
        "at=$(od -An -tu4 -j 60 -N 4 \"$P/linux\"); { head -c $((at + 4)) \"$P/linux\"; printf '\\x64\\xaa'; tail -c +$((at + 7)) \"$P/linux\"; } | with linux",
        "section .linux: the kernel is for",
    ),
    (".initrd is cut", "head -c 100000 \"$P/initrd\" | with initrd", "section .initrd: "),
    (
        ".initrd is damaged",
        "{ head -c 100000 \"$P/initrd\"; printf hello; tail -c +100006 \"$P/initrd\"; } | with initrd",
        "section .initrd: ",
    ),
    (".initrd is text", "echo hello | with initrd", "section .initrd: "),
    (
        ".initrd is empty",
        "unify initrd; : > \"$D.piece\"; section .initrd \"$D.piece\"; install",
        "section .initrd: there is none",
    ),
    (
        ".initrd is without ostree",
        "(cd \"$P\"; truncate -s 9 hello; echo hello | cpio -o -H newc --quiet) | with initrd",
        "section .initrd: ostree-prepare-root is not in it",
    ),
    (
        ".cmdline has another root",
        "sed 's/root=UUID=..../root=UUID=0123/' \"$P/cmdline\" | with cmdline",
        "section .cmdline: root=UUID=0123",
    ),
    (
        ".cmdline has another deployment",
        "sed 's|ostree=/ostree/boot.1/default/..|&00|' \"$P/cmdline\" | with cmdline",
        "0: it leads nowhere",
    ),
    (".cmdline is cut", "head -c 20 \"$P/cmdline\" | with cmdline", "section .cmdline: root=UUID="),
    (
        ".cmdline has no deployment, warning",
        "sed 's/ostree=[^ ]*//' \"$P/cmdline\" | with cmdline",
        "section .cmdline: ostree=: the argument is not there",
    ),
    (".cmdline is no text", "printf 'root=\\xff\\xfe' | with cmdline", "section .cmdline: it is no text"),
    (
        ".uname is another, warning",
        "echo 1.2.3 | with uname",
        "section .uname: it says \"1.2.3\", and the kernel is 6.",
    ),
    (
        ".osrel is text",
        "echo hello | with osrel",
        "EFI/Linux/os-2.efi:0: section .osrel names no system, so it is left out",
    ),
    (
        ".sbat is broken, warning",
        "unify; objcopy --remove-section .sbat \"$U\"; printf 'sbat,x\\n' > \"$D.piece\"; section .sbat \"$D.piece\"; install",
        "section .sbat: it cannot be read",
    ),
    ("the file is cut", "unify; truncate -s -1M \"$U\"; install", "(.initrd) goes from byte"),
    (
        "sections overwrite each other",
        "unify initrd; at=$(objdump -h \"$U\" | sed -n 's/.* \\.linux *[0-9a-f]* *\\([0-9a-f]*\\).*/\\1/p'); section .initrd \"$P/initrd\" 0x$at; install",
        "sections .linux and .initrd: in memory the first goes to",
    ),
    (
        "sections share bytes",
        "unify; put initrd 20 \"$(od -An -tx1 -j $(($(header linux) + 20)) -N 4 \"$U\" | sed 's/ /\\\\x/g')\"; install",
        "(.initrd) goes to byte",
    ),
    ("a section outside", "unify; put initrd 20 '\\x00\\x00\\x00\\x7f'; install", "(.initrd) goes from byte"),
    (
        ".initrd is longer in memory",
        "unify; put initrd 8 '\\x00\\x00\\x00\\x40'; install",
        "section .initrd: it has 1073741824 bytes in memory",
    ),
    (
        "an entry's options",
        "printf 'title x\\nefi /EFI/Linux/os-1.efi\\noptions root=UUID=0123\\n' > \"$D.piece\"; mcopy -i \"$E\" \"$D.piece\" ::/loader/entries/x.conf",
        "✗ root=UUID=0123: no file system on the disk has it",
    ),
    (
        "an entry's program",
        "printf 'title x\\nefi /EFI/other.efi\\n' > \"$D.piece\"; mcopy -i \"$E\" \"$D.piece\" ::/loader/entries/x.conf; mcopy -i \"$E\" \"$P/osrel\" ::/EFI/other.efi",
        "(hd0,gpt1)/EFI/other.efi: it is no program of the firmware",
    ),
    (
        "firmware's own",
        "sed 's/root=UUID=..../root=UUID=0123/' \"$P/cmdline\" | with cmdline; mcopy -o -i \"$E\" \"$U\" ::/EFI/BOOT/BOOTX64.EFI",
        "section .cmdline: root=UUID=0123",
    ),
    (
        "firmware's own without a kernel",
        "unify linux; mcopy -o -i \"$E\" \"$U\" ::/EFI/BOOT/BOOTX64.EFI",
        "section .linux: it is not there",
    ),
];

/// A disk with systemd-boot and two unified kernels.
fn unified(path: &Path) -> PathBuf {
    let _ = judge("objcopy", ["--version"]).passed();
    let whole = disk(path);
    change(&whole, &format!("{PRELUDE}{UNIFIED}{MAKE}"));
    whole
}

#[test]
fn unified_kernels_are_opened_whoever_starts_them() {
    let directory = tempfile::tempdir_in(target()).unwrap();
    let path = directory.path();
    let whole = unified(path);
    let entry = |key| {
        format!(
            "mdel -i \"$E\" '::/EFI/Linux/*.efi'; mcopy -i \"$E\" \"$U\" ::/EFI/other.efi
             printf 'title x\\n{key} /EFI/other.efi\\noptions quiet\\n' > \"$D.piece\"
             mcopy -i \"$E\" \"$D.piece\" ::/loader/entries/x.conf"
        )
    };
    for (who, script, words) in [
        (
            "systemd-boot",
            String::new(),
            &[
                "default entry \"Debian, unified\"",
                "unified kernel (hd0,gpt1)/EFI/Linux/os-2.efi",
                "unified kernel (hd0,gpt1)/EFI/Linux/os-1.efi",
                "section .linux: Linux 6.",
                "section .initrd: ostree-prepare-root is in it",
                "leads to the deployment",
            ][..],
        ),
        ("an entry's uki", entry("uki"), &["entry \"x\"", "with Secure Boot, section .cmdline counts instead"]),
        ("an entry's efi", entry("efi"), &["unified kernel (hd0,gpt1)/EFI/other.efi", "leads to the deployment"]),
        (
            "GRUB",
            "mcopy -o -i \"$E\" /usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed ::/EFI/BOOT/BOOTX64.EFI
             echo 'menuentry g { chainloader /EFI/Linux/os-2.efi }' > \"$D.piece\"
             mcopy -o -i \"$E\" \"$D.piece\" ::/EFI/debian/grub.cfg"
                .to_owned(),
            &["entry \"g\"", "unified kernel (hd0,gpt1)/EFI/Linux/os-2.efi", "leads to the deployment"],
        ),
        (
            "the firmware",
            "mcopy -o -i \"$E\" \"$U\" ::/EFI/BOOT/BOOTX64.EFI
             mmd -i \"$E\" ::/EFI/BOOT/BOOTX64.EFI.extra.d
             mcopy -i \"$E\" \"$P/osrel\" ::/EFI/BOOT/BOOTX64.EFI.extra.d/x.addon.efi"
                .to_owned(),
            &[
                "/EFI/BOOT/BOOTX64.EFI is a kernel with its initramfs",
                "section .linux: Linux 6.",
                "/EFI/BOOT/BOOTX64.EFI.extra.d: x.addon.efi: addons are not looked at",
                "leads to the deployment",
            ],
        ),
    ] {
        let disk = path.join("disk-of-one.raw");
        let _ = fs::copy(&whole, &disk).unwrap();
        change(&disk, &format!("{PRELUDE}{UNIFIED}unify\n{script}"));
        let run = diskwright(path, ["check", "disk-of-one.raw", "-q"]).succeeded();
        for words in words {
            assert!(run.stdout.contains(words), "{who}: no `{words}` in {}", run.stdout);
        }
    }
}

#[test]
fn damage_in_a_unified_kernel_is_found_by_its_section() {
    let directory = tempfile::tempdir_in(target()).unwrap();
    let path = directory.path();
    mutate(path, &unified(path), &format!("{PRELUDE}{UNIFIED}"), MUTATIONS);
}
