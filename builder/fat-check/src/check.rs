//! The whole check.

use builder_block::{ByteSize, ReadAt};

use crate::boot::{self, BootSector};
use crate::device::Device;
use crate::geometry::Geometry;
use crate::table::Table;
use crate::tree::Tree;
use crate::usage::{self, Usage};
use crate::{CheckError, Finding, Report, Volume, boot_check, fsinfo, label, mirror};

/// The tree of a larger file system is not walked, and a finding says so. As many clusters as 2 TiB have by 32 KiB.
pub const MOST_CLUSTERS: u32 = 1 << 26;

/// How much is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The boot sector, its copy, FSInfo and the tables.
    Tables,
    /// All of that, and all directories with the clusters of all files.
    #[default]
    Tree,
}

/// Checks the FAT file system that begins with the first byte of `device`, with everything that is wrong in the report.
///
/// # Errors
/// The device is smaller than a boot sector, or cannot be read.
pub fn check(device: &dyn ReadAt, level: Level) -> Result<Report, CheckError> {
    if device.size().bytes() < boot::SIZE as u64 {
        return Err(CheckError::TooSmall { size: device.size() });
    }
    let device = Device::new(device);
    let mut report = Report::default();
    let mut bytes = [0; boot::SIZE];
    device.read("boot sector", 0, &mut bytes)?;
    let boot = BootSector::parse(&bytes);
    boot_check::check(&boot, &mut report);
    let Some(geometry) = Geometry::new(&boot, &device, &mut report) else { return Ok(report) };

    let mut notes = None;
    if let Some(fields) = &boot.fat32 {
        boot_check::check_backup(&device, &geometry, fields, &bytes, &mut report)?;
        notes = fsinfo::read(&device, &geometry, fields, &mut report)?;
    }
    let (active, is_mirrored) = boot_check::active_fat(&boot);
    let mut table = Table::new(device, &geometry, active);
    mirror::check_first_entries(&boot, &geometry, &mut table, &format!("FAT {}", active + 1), &mut report)?;
    if is_mirrored {
        mirror::compare(device, &geometry, &mut report)?;
    }

    let mut volume = Volume {
        kind: geometry.kind,
        sector_size: ByteSize::new(geometry.sector),
        cluster_size: ByteSize::new(geometry.cluster),
        size: ByteSize::new(geometry.total),
        clusters: geometry.clusters,
        free_clusters: 0,
        bad_clusters: 0,
        serial: boot.known_serial(),
        label: None,
        files: 0,
        directories: 0,
    };
    let usage = if level == Level::Tree && geometry.clusters <= MOST_CLUSTERS {
        let root_cluster = boot.fat32.as_ref().map_or(0, |fields| fields.root_cluster);
        let mut tree = Tree::walk(device, &geometry, &mut table, root_cluster, &mut report)?;
        label::compare(&mut tree, &boot);
        volume.label = tree.label.map(|label| label::text(&label));
        (volume.files, volume.directories) = (tree.files, tree.directories);
        let owners = tree.is_complete.then_some(&tree.owners);
        let usage = usage::count(tree.table, &geometry, owners)?;
        tell_lost(&usage, &mut report);
        usage
    } else {
        if level == Level::Tree {
            let expected = format!("at most {MOST_CLUSTERS}, a larger tree is not walked");
            report.push(Finding::warning("boot sector", "number of clusters", geometry.clusters, expected));
        }
        usage::count(&mut table, &geometry, None)?
    };
    if let Some(notes) = notes {
        notes.check(&geometry, usage.free, &mut report);
    }
    (volume.free_clusters, volume.bad_clusters) = (usage.free, usage.bad);
    report.volume = Some(volume);
    Ok(report)
}

fn tell_lost(usage: &Usage, report: &mut Report) {
    if let Some(first) = usage.first_lost {
        report.push(
            Finding::error("FAT", "lost clusters", format!("{}, the first of them {first}", usage.lost), 0)
                .hint("they take space that nothing uses; fsck.fat can free them or make files of them"),
        );
    }
}
