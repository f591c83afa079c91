//! What Secure Boot makes of a disk's programs, signed with keys of others and of our own.

use diskwright_tests::command::{diskwright, target};
use diskwright_tests::image::real;
use diskwright_tests::judge::judge;

use super::{PRELUDE, disk, mutate};

/// What every script finds besides: a key of our own, and how to sign with it.
const KEYS: &str = r#"
K=$(dirname "$D")/key
[ -e "$K.crt" ] || openssl req -x509 -nodes -newkey rsa:2048 -days 3650 -subj '/CN=Our own key' -keyout "$K.key" -out "$K.crt" 2>/dev/null
sign() { sbsign --key "$K.key" --cert "$K.crt" --output "$D.signed" "$1" >/dev/null 2>&1; }
take() { mcopy -o -i "$E" "::$1" "$D.program"; }
put() { mcopy -o -i "$E" "$1" "::$2"; }
shim() { # one that is not signed, and trusts our key
    openssl x509 -in "$K.crt" -outform der -out "$K.der"
    size=$(stat -c %s "$K.der")
    { printf "\\x$(printf %02x $((size % 256)))\\x$(printf %02x $((size / 256)))\\0\\0\\0\\0\\0\\0\\x10\\0\\0\\0\\0\\0\\0\\0"; cat "$K.der"; } > "$D.vendor"
    cp /usr/lib/shim/shimx64.efi "$D.shim"
    objcopy --update-section ".vendor_cert=$D.vendor" "$D.shim"
    put "$D.shim" /EFI/BOOT/BOOTX64.EFI
}
unify() { # a unified kernel that starts the default deployment
    debugfs -R "dump $(kernel) $D.linux" "$R" 2>/dev/null
    debugfs -R "dump $(initramfs) $D.initrd" "$R" 2>/dev/null
    entry 2 | sed -n 's/^options //p' | tr -d '\n' > "$D.cmdline"
    printf 'ID=debian\nNAME="Debian"\n' > "$D.osrel"
    cp /usr/lib/systemd/boot/efi/linuxx64.efi.stub "$D.program"
    at=$((0x100000))
    for piece in osrel cmdline linux initrd; do
        objcopy --add-section ".$piece=$D.$piece" --set-section-flags ".$piece=data,readonly" --change-section-vma ".$piece=$at" "$D.program"
        at=$((at + ($(stat -c %s "$D.$piece") + 4095) / 4096 * 4096))
    done
}
menu() { echo "menuentry u { chainloader $1 }" > "$D.menu"; put "$D.menu" /EFI/debian/grub.cfg; }
"#;

/// A mutation's name, what it does, and what the check must say: `!` is a warning, `·` a note.
const MUTATIONS: &[(&str, &str, &str)] = &[
    // The boot checksum finds these as well.
    (
        "kernel without a signature",
        "shown \"$(kernel)\" > \"$D.program\"; sbattach --remove \"$D.program\"; replace \"$(kernel)\" < \"$D.program\"",
        "! with Secure Boot: shim refuses the kernel: it is not signed; it lets it start once",
    ),
    (
        "kernel with another signature",
        "shown \"$(kernel)\" > \"$D.program\"; sbattach --remove \"$D.program\"; sign \"$D.program\"; replace \"$(kernel)\" < \"$D.signed\"",
        "! with Secure Boot: shim refuses the kernel: signature 1 is by Our own key",
    ),
    (
        "kernel changed",
        "flip $((ROOT + 4096 * $(block \"$(kernel)\") + 2000))",
        "! with Secure Boot: shim refuses the kernel: signature 1 by Debian",
    ),
    ("kernel is no program", "echo hello | replace \"$(kernel)\"", "! with Secure Boot: nobody starts the kernel"),
    (
        "GRUB with another signature, warning",
        "take /EFI/BOOT/grubx64.efi; sbattach --remove \"$D.program\"; sign \"$D.program\"; put \"$D.signed\" /EFI/BOOT/grubx64.efi",
        "! with Secure Boot, this shim refuses it: signature 1 is by Our own key",
    ),
    (
        "GRUB without a signature, warning",
        "take /EFI/BOOT/grubx64.efi; sbattach --remove \"$D.program\"; put \"$D.program\" /EFI/BOOT/grubx64.efi",
        "· with Secure Boot, this is not reached: /EFI/BOOT/grubx64.efi is refused; by itself, shim lets the kernel start",
    ),
    (
        "shim without a signature, warning",
        "take /EFI/BOOT/BOOTX64.EFI; sbattach --remove \"$D.program\"; sbattach --remove \"$D.program\"; put \"$D.program\" /EFI/BOOT/BOOTX64.EFI",
        "· with Secure Boot, firmware with Microsoft's keys refuses it: it is not signed",
    ),
    (
        "no shim, warning",
        "take /EFI/BOOT/grubx64.efi; put \"$D.program\" /EFI/BOOT/BOOTX64.EFI",
        "· with Secure Boot, this is not reached: /EFI/BOOT/BOOTX64.EFI is refused; by itself, firmware with Microsoft's keys refuses the kernel",
    ),
    (
        "unified kernel behind GRUB, warning",
        "unify; put \"$D.program\" /EFI/u.efi; menu /EFI/u.efi",
        "! with Secure Boot: shim refuses the unified kernel: it is not signed",
    ),
    (
        "signed unified kernel behind GRUB, warning",
        "unify; sign \"$D.program\"; put \"$D.signed\" /EFI/u.efi; menu /EFI/u.efi",
        "! with Secure Boot: shim refuses the unified kernel: signature 1 is by Our own key",
    ),
    (
        "another program behind GRUB, warning",
        "put /usr/lib/shim/mmx64.efi.signed /EFI/m.efi; menu /EFI/m.efi",
        "✓ with Secure Boot, shim lets the program start: it is signed by Debian",
    ),
    (
        "signed unified kernel behind systemd-boot and a shim of our own, warning",
        "shim; unify; sign \"$D.program\"; mmd -i \"$E\" ::/EFI/Linux; put \"$D.signed\" /EFI/Linux/u.efi; sign /usr/lib/systemd/boot/efi/systemd-bootx64.efi; put \"$D.signed\" /EFI/BOOT/grubx64.efi",
        "BOOTX64.EFI is refused; by itself, shim lets the unified kernel start: it is signed by Our own key",
    ),
    (
        "unified kernel of the firmware, warning",
        "unify; put \"$D.program\" /EFI/BOOT/BOOTX64.EFI",
        "· with Secure Boot, firmware with Microsoft's keys refuses it: it is not signed",
    ),
];

#[test]
fn every_entry_is_judged_as_who_starts_it_would() {
    let directory = tempfile::tempdir_in(target()).unwrap();
    let path = directory.path();
    for tool in ["objcopy", "openssl", "sbsign"] {
        let _ = judge(tool, [if tool == "openssl" { "version" } else { "--version" }]).passed();
    }
    mutate(path, &disk(path), &format!("{PRELUDE}{KEYS}"), MUTATIONS);
}

#[test]
fn the_signed_kernel_of_the_example_starts_with_secure_boot() {
    let directory = tempfile::tempdir_in(target()).unwrap();
    let path = directory.path();
    let arguments = ["-q", "--no-bundle", "-o", "disk.raw", "--target-imgref", "registry.example/os"];
    let _ = diskwright(path, ["build", &real("example")].iter().chain(&arguments)).succeeded();
    let shown = diskwright(path, ["check", "disk.raw", "-q"]).succeeded().stdout;
    for words in [
        "with Secure Boot, firmware with Microsoft's keys starts it",
        "with Secure Boot, this shim starts it",
        "✓ with Secure Boot, shim lets the kernel start: it is signed by Debian Secure Boot Signer",
        "for whom Debian Secure Boot CA vouches",
    ] {
        assert!(shown.contains(words), "no `{words}` in {shown}");
    }
    assert!(!shown.contains("refuse"), "{shown}");
}
