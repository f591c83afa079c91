//! Initramfs archives that kernels unpack and nobody here does, and ones that no kernel does.

use diskwright_tests::command::target;

use super::{PRELUDE, disk, mutate};

/// What every script finds besides: a way to put what comes on stdin into the place of the initramfs of the only
/// entry, where no boot checksum is known of it.
const STRANGE: &str = r#"
strange() {
    debugfs -R "dump $(kernel) $D.kernel" "$R" 2>/dev/null
    cat > "$D.initrd"
    printf 'cd /boot\nwrite %s vmlinuz\nwrite %s initrd\n' "$D.kernel" "$D.initrd" > "$D.commands"
    debugfs -w -f "$D.commands" "$R" >/dev/null 2>&1
    options=$(entry 2 | sed -n 's/^options //p')
    printf 'menuentry "one" {\nlinux /boot/vmlinuz %s\ninitrd /boot/initrd\n}\nset default=0\n' "$options" |
        replace /boot/grub/grub.cfg
}
empty() { printf '' | cpio -o -H newc --quiet; }
"#;

/// A mutation's name, what it does, and what the check must say.
const MUTATIONS: &[(&str, &str, &str)] = &[
    (
        "bzip2, warning",
        "printf 'BZh91AY&SY' | strange",
        "! contents of the initramfs: not looked into: the part of the initramfs from byte 0 is packed with bzip2",
    ),
    (
        "lzo, warning",
        "printf '\\211LZO\\0\\r\\n\\032' | strange",
        "! contents of the initramfs: not looked into: the part of the initramfs from byte 0 is packed with lzo",
    ),
    (
        "more archives than are read, warning",
        "empty > \"$D.empty\"; for number in $(seq 1001); do cat \"$D.empty\"; done | strange",
        "! contents of the initramfs: not looked into: archive 1001",
    ),
    (
        "LZ4's new frame",
        "printf '\\004\\042\\115\\030rest' | strange",
        "✗ contents of the initramfs: the part of the initramfs from byte 0 is packed with LZ4's new frame",
    ),
    ("text", "echo hello | strange", "✗ contents of the initramfs: byte 0 of the initramfs is neither"),
    ("nothing in it", "empty | strange", "✗ contents of the initramfs: ostree-prepare-root is not in it"),
];

#[test]
fn what_kernels_may_unpack_is_not_broken_because_it_is_not_looked_into() {
    let directory = tempfile::tempdir_in(target()).unwrap();
    let path = directory.path();
    mutate(path, &disk(path), &format!("{PRELUDE}\n{STRANGE}"), MUTATIONS);
}
