//! What a partition, or a whole drive, holds: told by the first bytes of the kinds that people have.

/// Bytes from the beginning that are looked at: btrfs has its superblock at 64 KiB.
pub(crate) const HEAD: usize = 72 << 10;

/// Where a kind has its mark, and its label.
struct Kind {
    name: &'static str,
    mark: (usize, &'static [u8]),
    /// First byte and length.
    label: Option<(usize, usize)>,
}

const fn kind(name: &'static str, at: usize, mark: &'static [u8], label: Option<(usize, usize)>) -> Kind {
    Kind { name, mark: (at, mark), label }
}

/// In the order of looking: what is around others comes first. Offsets are those of the kernel's headers and of util-linux'
/// libblkid.
const KINDS: &[Kind] = &[
    kind("LUKS", 0, b"LUKS\xba\xbe", None),
    kind("BitLocker", 3, b"-FVE-FS-", None),
    kind("LVM", 536, b"LVM2 001", None),
    kind("RAID member", 4096, &[0xfc, 0x4e, 0x2b, 0xa9], None),
    kind("bcache", 4120, &[0xc6, 0x85, 0x73, 0xf6, 0x4e, 0x1a, 0x45, 0xca], None),
    kind("btrfs", 65600, b"_BHRfS_M", Some((65835, 256))),
    kind("xfs", 0, b"XFSB", Some((108, 12))),
    kind("ext4", 1080, &[0x53, 0xef], Some((1144, 16))),
    kind("f2fs", 1024, &[0x10, 0x20, 0xf5, 0xf2], None),
    kind("erofs", 1024, &[0xe2, 0xe1, 0xf5, 0xe0], None),
    kind("squashfs", 0, b"hsqs", None),
    kind("swap", 4086, b"SWAPSPACE2", Some((1052, 16))),
    kind("ISO 9660", 32769, b"CD001", Some((32808, 32))),
    kind("NTFS", 3, b"NTFS    ", None),
    kind("exFAT", 3, b"EXFAT   ", None),
    kind("vfat", 82, b"FAT32   ", Some((71, 11))),
    kind("vfat", 54, b"FAT16   ", Some((43, 11))),
    kind("vfat", 54, b"FAT12   ", Some((43, 11))),
];

/// What the head of a device tells: `ext4 "root"`; `None` where nothing is known.
pub(crate) fn contents(head: &[u8]) -> Option<String> {
    let bytes = |at: usize, length: usize| head.get(at..at + length);
    let kind = KINDS.iter().find(|kind| bytes(kind.mark.0, kind.mark.1.len()) == Some(kind.mark.1))?;
    let name = if kind.name == "ext4" { ext(head) } else { kind.name };
    let label = kind.label.and_then(|(at, length)| bytes(at, length)).unwrap_or_default();
    let label = label.split(|&byte| byte == 0).next().unwrap_or_default();
    let label = String::from_utf8_lossy(label.trim_ascii()).into_owned();
    if label.is_empty() || label == "NO NAME" { Some(name.to_owned()) } else { Some(format!("{name} {label:?}")) }
}

/// Which of the three it is: the features say so (Linux, ext4 "Super Block", `s_feature_compat` at 0x5c).
fn ext(head: &[u8]) -> &'static str {
    let feature = |at: usize, bit: u8| head.get(1024 + at).is_some_and(|byte| byte & bit != 0);
    // `extents` of the incompatible ones; `has_journal` of the compatible ones.
    match (feature(0x60, 0x40), feature(0x5c, 0x04)) {
        (true, _) => "ext4",
        (false, true) => "ext3",
        (false, false) => "ext2",
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{HEAD, contents};

    #[test]
    fn what_the_tools_made_is_told() {
        for (program, arguments, expected) in [
            ("/sbin/mkfs.ext4", &["-q", "-L", "my root"][..], "ext4 \"my root\""),
            ("/sbin/mkfs.ext4", &["-q", "-t", "ext2"], "ext2"),
            ("/sbin/mkfs.vfat", &["-n", "ESP"], "vfat \"ESP\""),
            ("/sbin/mkswap", &["-q", "-L", "swap1"], "swap \"swap1\""),
        ] {
            let file = tempfile::NamedTempFile::new().unwrap();
            file.as_file().set_len(16 << 20).unwrap();
            let made = Command::new(program).args(arguments).arg(file.path()).output();
            let made = made.unwrap_or_else(|error| panic!("{program}: {error} (e2fsprogs, dosfstools, util-linux)"));
            assert!(made.status.success(), "{made:?}");
            let bytes = std::fs::read(file.path()).unwrap();
            assert_eq!(contents(&bytes[..HEAD]).unwrap(), expected);
        }
        assert_eq!(contents(&[0; HEAD]), None);
        assert_eq!(contents(b"XFS"), None);
    }
}
