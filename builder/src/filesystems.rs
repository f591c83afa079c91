//! Trees become file systems in their places.

use std::collections::HashSet;
use std::sync::Arc;

use builder_block::{ByteSize, FilesystemImage, Lba, SectorSize};
use builder_ext4::{Ext4Image, InodeRule, JournalRule, SizeRule};
use builder_fat::FatImage;
use builder_tree::{FileTree, Node};

use crate::error::BuildError;
use crate::identity::Identity;
use crate::layout::{Filling, Format, Layout, PartitionLayout};
use crate::placement::{self, PlacementError, RootSize};
use crate::system::System;

/// A file system at its place, with what the plan says of it.
pub(crate) struct FilledPart<'a> {
    pub(crate) first: Lba,
    pub(crate) filesystem: Box<dyn FilesystemImage + 'a>,
    pub(crate) uuid: String,
    pub(crate) used: ByteSize,
    pub(crate) free: ByteSize,
}

/// All file systems of a disk.
pub(crate) struct Filled<'a> {
    pub(crate) parts: Vec<FilledPart<'a>>,
    pub(crate) disk_size: ByteSize,
    /// The root is as small as its content and the next upgrade allow.
    pub(crate) room_for_upgrade: bool,
}

/// Lays out every partition's file system and places them.
pub(crate) fn plan<'a>(
    layout: &Layout,
    identity: &Identity,
    system: &'a System,
    root_size: RootSize,
    disk_size: Option<ByteSize>,
    disk_granularity: Option<ByteSize>,
    sector: SectorSize,
) -> Result<Filled<'a>, BuildError> {
    let root_number = layout.partitions.iter().position(|partition| partition.from == Filling::Sysroot).unwrap_or(0);
    let root_layout = &layout.partitions[root_number];
    let rule = match root_size {
        RootSize::Fixed(size) => SizeRule::Fixed(size),
        RootSize::Minimize => upgrade_room(&system.root),
    };
    let root = ext4(root_number, root_layout, identity, &system.root, rule)?;
    let (places, disk_size) = placement::place(layout, root.0.size(), disk_size, sector)?;
    let disk_size = match disk_granularity {
        // What is added is behind the partitions, and the booted system grows into it.
        Some(granularity) => disk_size.align_up(granularity.bytes()).ok_or(PlacementError::TooLarge)?,
        None => disk_size,
    };

    let mut root = Some(root);
    let mut parts = Vec::new();
    for (number, (partition, (first, size))) in layout.partitions.iter().zip(places).enumerate() {
        let tree = match partition.from {
            Filling::Sysroot => &system.root,
            Filling::Boot => &system.boot_tree,
            Filling::Esp => &system.esp,
        };
        let (filesystem, uuid, used, free) = match (partition.format, partition.from) {
            (Format::Fat32, _) => fat(number, partition, identity, tree, (first, size, sector))?,
            // There is one root, so it is taken once.
            (Format::Ext4, Filling::Sysroot) if root.is_some() => root.take().expect("it is there"),
            (Format::Ext4, _) => ext4(number, partition, identity, tree, SizeRule::Fixed(size))?,
        };
        parts.push(FilledPart { first, filesystem, uuid, used, free });
    }
    Ok(Filled { parts, disk_size, room_for_upgrade: root_size == RootSize::Minimize })
}

type Planned<'a> = (Box<dyn FilesystemImage + 'a>, String, ByteSize, ByteSize);

fn ext4<'a>(
    number: usize,
    partition: &PartitionLayout,
    identity: &Identity,
    tree: &'a FileTree,
    size: SizeRule,
) -> Result<Planned<'a>, BuildError> {
    let role = partition.from.name();
    let uuid = identity.uuid(&filesystem_role(partition.from));
    let options = builder_ext4::Options {
        uuid: uuid.into_bytes(),
        hash_seed: identity.uuid(&format!("hash seed {role}")).into_bytes(),
        label: partition.label.clone().into_bytes(),
        last_mounted: Vec::new(),
        created: identity.created(),
        size,
        reserved_percent: 5,
        inodes: InodeRule::default(),
        journal: JournalRule::default(),
    };
    let image = Ext4Image::plan(tree, &options).map_err(|source| BuildError::Ext4 {
        number: number + 1,
        name: partition.name.clone(),
        source,
    })?;
    let summary = image.summary();
    Ok((Box::new(image), uuid.to_string(), summary.used, summary.free))
}

fn fat(
    number: usize,
    partition: &PartitionLayout,
    identity: &Identity,
    tree: &FileTree,
    (first, size, sector): (Lba, ByteSize, SectorSize),
) -> Result<Planned<'static>, BuildError> {
    let failed = |source| BuildError::Fat { number: number + 1, name: partition.name.clone(), source };
    let volume_id = identity.volume_id(&filesystem_role(partition.from));
    let options = builder_fat::Options {
        volume_id,
        label: partition.label.to_uppercase(),
        // The field has 32 bits; a partition behind 2 TiB cannot say where it is, and nothing that boots reads it.
        hidden_sectors: u32::try_from(first.0).unwrap_or(0),
        size: size.align_down(sector.bytes()),
        sector,
        timestamp: identity.created(),
    };
    let image = FatImage::plan(tree, &options).map_err(failed)?;
    let summary = image.summary();
    Ok((Box::new(image), fat_uuid(volume_id), summary.used, summary.free))
}

/// A FAT volume id as `UUID=` in fstab wants it.
pub(crate) fn fat_uuid(volume_id: u32) -> String {
    format!("{:04X}-{:04X}", volume_id >> 16, volume_id & 0xffff)
}

/// The role under which the identity gives a file system its UUID.
pub(crate) fn filesystem_role(filling: Filling) -> String {
    format!("file system {}", filling.name())
}

/// Content, and what the next upgrade needs beside it: another image of this size, with a tenth for its growth (which
/// covers the three percent that ostree always keeps free), and something for logs.
fn upgrade_room(root: &FileTree) -> SizeRule {
    let mut seen = HashSet::new();
    let (mut bytes, mut inodes) = (0_u64, 0_u32);
    let walked: Result<(), std::convert::Infallible> = root.root.walk(&mut |_, node| {
        match node {
            Node::Directory(_) => inodes = inodes.saturating_add(1),
            Node::Leaf(inode) => {
                if seen.insert(Arc::as_ptr(inode)) {
                    inodes = inodes.saturating_add(1);
                    let blocks = inode.size().div_ceil(builder_tree::BLOCK);
                    bytes = bytes.saturating_add(blocks.saturating_mul(builder_tree::BLOCK));
                }
            }
        }
        Ok(())
    });
    match walked {
        Ok(()) => SizeRule::Minimize {
            free_bytes: ByteSize::new(bytes.saturating_add(bytes / 10).saturating_add(64 << 20)),
            spare_inodes: inodes,
        },
    }
}
