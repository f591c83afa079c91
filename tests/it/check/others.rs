//! Disks with partitions that nobody looks into, and what the kernel and `/etc/fstab` say of them.

use diskwright_tests::command::target;

use super::{PRELUDE, disk, mutate};

/// What every script finds besides: ways to more partitions and to other lines of fstab and of the default entry.
const OTHERS: &str = r#"
SWAP=0c8f2b1e-6d1a-4f0e-9c55-1f2e3d4c5b6a
PART=1d1a6d0e-0f2e-4d3c-9b6a-0c8f2b1e4c5b
swap() { # a third partition
    truncate -s +32M "$D"
    sgdisk -e -n 3:0:+16M -t 3:8200 -c 3:'my swap' -u 3:$PART "$D" >/dev/null
    truncate -s 16M "$D.swap"
    mkswap --quiet --uuid $SWAP --label stripes "$D.swap"
    dd if="$D.swap" of="$D" bs=1M seek=$(($(start 3) >> 20)) conv=notrunc status=none
}
home() { # a fourth partition, with a file system that is not looked into
    truncate -s +32M "$D"
    sgdisk -e -n 4:0:+16M -t 4:8300 -c 4:home "$D" >/dev/null
    mkdir -p "$D.tree"
    mksquashfs "$D.tree" "$D.home" -quiet -no-progress -noappend >/dev/null
    dd if="$D.home" of="$D" bs=1M seek=$(($(start 4) >> 20)) conv=notrunc status=none
}
stub() { # the menu that GRUB finds first
    mcopy -i "$E" ::/EFI/debian/grub.cfg - | sed "$1" > "$D.new"
    mcopy -o -i "$E" "$D.new" ::/EFI/debian/grub.cfg
}
start() { partx -g -o START -n "$1" "$D" | { read -r sector; echo $((sector * 512)); }; }
mounts() { echo "$1" | replace "$(deployment)/etc/fstab"; }
boots() { # the root of both entries
    for number in 1 2; do
        entry $number | sed "s|root=[^ ]*|root=$1|" | replace /boot/loader/entries/ostree-$number.conf
    done
}
"#;

/// A mutation's name, what it does, and what the check must say.
const MUTATIONS: &[(&str, &str, &str)] = &[
    // What is there.
    ("swap by its UUID, warning", "swap; mounts \"UUID=$SWAP none swap sw 0 0\"", "✓ /etc/fstab line 1 swaps to UUID="),
    ("swap by its label, warning", "swap; mounts 'LABEL=stripes none swap sw'", "✓ /etc/fstab line 1 swaps to LABEL="),
    (
        "swap by its partition, warning",
        "swap; mounts \"PARTUUID=$PART none swap sw\"",
        "✓ /etc/fstab line 1 swaps to PART",
    ),
    (
        "swap by a link, warning",
        "swap; mounts '/dev/disk/by-partlabel/my\\x20swap none swap sw'",
        "✓ /etc/fstab line 1 swaps to /dev/disk/by-partlabel/",
    ),
    ("swap is told, warning", "swap", "✓ partition 3 \"my swap\" (swap), 16 MiB, swap \"stripes\" 0c8f2b1e-"),
    (
        "home by its partition's name, warning",
        "home; mounts 'PARTLABEL=home /home xfs defaults 0 0'",
        "· /etc/fstab line 1 mounts PARTLABEL=home at /home: this is partition 4, which is not looked into",
    ),
    (
        "root in a partition that is not looked into, warning",
        "home; boots PARTLABEL=home",
        "· root=PARTLABEL=home: partition 4 (home) is not looked into; the walk ends here",
    ),
    (
        "root by its partition in an MBR, warning",
        "sgdisk -m 1:2 \"$D\" >/dev/null; boots PARTUUID=$(od -An -tx4 -j 440 -N 4 \"$D\" | tr -d ' ')-02",
        "-02 is partition 2",
    ),
    (
        "home that is mounted when it is used, warning",
        "mounts 'UUID=0123 /home ext4 x-systemd.automount 0 0'",
        "· /etc/fstab line 1 mounts UUID=0123 at /home: no file system on the disk has it; it may fail",
    ),
    // What may be there.
    (
        "menu on another file system, warning",
        "home; printf XFSB | dd of=\"$D\" bs=1 seek=$(start 4) conv=notrunc status=none; stub 's/uuid ....../uuid 012345/'",
        "! menu: whether it is there cannot be known, as this is not looked into: partition 4 (XFS)",
    ),
    (
        "home by a UUID, warning",
        "home; swap; mounts 'UUID=0123 /home xfs defaults 0 0'",
        "! /etc/fstab line 1 mounts UUID=0123 at /home: whether it is there cannot be known, as this is not looked into: partition 4\n",
    ),
    (
        "home that may fail, warning",
        "home; mounts 'UUID=0123 /home xfs nofail 0 0'",
        "· /etc/fstab line 1 mounts UUID=0123 at /home: whether it is there cannot be known",
    ),
    (
        "root by a UUID, warning",
        "home; boots UUID=0123",
        "! root=UUID=0123: whether it is there cannot be known, as this is not looked into: partition 4\n",
    ),
    // What is not there, and nothing needs it.
    (
        "swap that is not there, warning",
        "mounts 'UUID=0123 none swap sw 0 0'",
        "! /etc/fstab line 1 swaps to UUID=0123: nothing on the disk has it, so the system waits and then starts without it",
    ),
    (
        "swap to a file system, warning",
        "mounts \"UUID=$(blkid -p -O \"$ROOT\" -o value -s UUID \"$D\") none swap sw\"",
        "partition 2 holds a file system, so the system starts without this swap",
    ),
    // What is not there.
    (
        "home is nowhere",
        "swap; mounts 'UUID=0123 /home xfs defaults 0 0'",
        "no file system on the disk has it, so the system waits and then stops in emergency mode",
    ),
    (
        "home is in no partition of the table",
        "home; mounts 'PARTLABEL=house /home xfs defaults 0 0'",
        "no file system on the disk has it, so the system waits and then stops in emergency mode",
    ),
    ("home is swap", "swap; mounts \"UUID=$SWAP /home ext4\"", "partition 3 is swap, which cannot be mounted"),
    ("root is swap", "swap; boots UUID=$SWAP", "partition 3 is swap, which holds no root"),
    ("root is in no partition of the table", "home; boots PARTLABEL=house", "no file system on the disk has it"),
    (
        "root is a partition for a BIOS",
        "truncate -s +32M \"$D\"; sgdisk -e -n 3:0:+1M -t 3:ef02 -u 3:$PART \"$D\" >/dev/null; boots PARTUUID=$PART",
        "partition 3 is of a type that holds no file system",
    ),
    (
        "menu beside what nobody knows",
        "home; stub 's/uuid ....../uuid 012345/'",
        "✗ menu: it has no entry, so nothing is started",
    ),
    (
        "root beside a partition for a BIOS",
        "truncate -s +32M \"$D\"; sgdisk -e -n 3:0:+1M -t 3:ef02 \"$D\" >/dev/null; boots UUID=0123",
        "✗ root=UUID=0123: no file system on the disk has it",
    ),
];

#[test]
fn partitions_that_are_not_looked_into_may_have_what_is_asked_for() {
    let directory = tempfile::tempdir_in(target()).unwrap();
    let path = directory.path();
    mutate(path, &disk(path), &format!("{PRELUDE}\n{OTHERS}"), MUTATIONS);
}
