//! Every structure on the disk, byte by byte. Numbers are little-endian; "FAT" is the FAT specification.

use crate::geometry::Geometry;
use crate::name::LABEL_LENGTH;
use crate::short::ShortName;
use crate::small::SmallGeometry;
use crate::time::FatTime;

/// Bytes of a directory record.
pub(crate) const RECORD: usize = 32;
/// UTF-16 units in a long-name record.
const LONG_UNITS: usize = 13;

/// Sector of the FSInfo structure.
pub(crate) const INFO_SECTOR: u16 = 1;
/// Sector of the copy of the boot sector; that of FSInfo follows it. FAT: "No value other than 6 is recommended".
pub(crate) const BACKUP_SECTOR: u16 = 6;
/// The cluster of the root directory, which is always the first.
pub(crate) const ROOT_CLUSTER: u32 = 2;

/// First entry of a FAT: the media byte, extended with ones.
pub(crate) const MEDIA_ENTRY: u32 = 0x0FFF_FF00 | MEDIA as u32;
/// Last entry of a chain; also the second entry of a FAT, where it says "unmounted cleanly, no errors".
pub(crate) const END_OF_CHAIN: u32 = 0x0FFF_FFFF;

/// A fixed disk.
const MEDIA: u8 = 0xF8;

/// `int 0x18`, by which a BIOS tries the next disk; then `hlt` for ever.
const BOOT_CODE: [u8; 5] = [0xCD, 0x18, 0xF4, 0xEB, 0xFD];

/// Attribute of the label's record.
const VOLUME_ID: u8 = 0x08;
const DIRECTORY: u8 = 0x10;
/// Attribute of every file that is new.
const ARCHIVE: u8 = 0x20;
/// Attributes of a long-name record.
const LONG_NAME: u8 = 0x0F;

/// Bytes that the structures below take at the start of their sectors, whatever the size of these: FAT, "FSInfo
/// structure" and the note on the signature of sector 0. The rest of a larger sector is zero.
const SECTOR: usize = 512;

type Sector = [u8; SECTOR];

/// What the boot sector says beside the geometry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Volume {
    /// The serial number.
    pub(crate) id: u32,
    /// The label, all spaces for none.
    pub(crate) label: [u8; LABEL_LENGTH],
    /// Sectors of the disk before the partition.
    pub(crate) hidden_sectors: u32,
}

fn put(sector: &mut Sector, offset: usize, bytes: &[u8]) {
    sector[offset..offset + bytes.len()].copy_from_slice(bytes);
}

/// The boot sector: FAT, "Boot sector and BPB" and "Extended BPB structure for FAT32".
pub(crate) fn boot_sector(geometry: &Geometry, volume: &Volume) -> Sector {
    // A geometry has at most 2^32 - 1 sectors, 64 to a cluster and 64 reserved ones.
    let sectors = u32::try_from(geometry.sectors).expect("at most 2^32 - 1 sectors");
    let fat_sectors = u32::try_from(geometry.fat_sectors).expect("less than all sectors");
    let per_cluster = u8::try_from(geometry.sectors_per_cluster).expect("at most 64");
    let reserved = u16::try_from(geometry.reserved_sectors).expect("at most 64");
    let bytes = u16::try_from(geometry.sector.bytes()).expect("at most 4096");
    let mut sector = [0; SECTOR];
    // BS_jmpBoot: over the fields, to the boot code.
    put(&mut sector, 0x00, &[0xEB, 0x58, 0x90]);
    // BS_OEMName: the one the specification recommends, as some readers look for it.
    put(&mut sector, 0x03, b"MSWIN4.1");
    // BPB_BytsPerSec, BPB_SecPerClus, BPB_RsvdSecCnt, BPB_NumFATs.
    put(&mut sector, 0x0B, &bytes.to_le_bytes());
    put(&mut sector, 0x0D, &[per_cluster]);
    put(&mut sector, 0x0E, &reserved.to_le_bytes());
    put(&mut sector, 0x10, &[2]);
    // BPB_Media.
    put(&mut sector, 0x15, &[MEDIA]);
    // BPB_SecPerTrk, BPB_NumHeads: of no meaning to anybody, but readers refuse zeros; any MiB is whole tracks.
    put(&mut sector, 0x18, &32_u16.to_le_bytes());
    put(&mut sector, 0x1A, &64_u16.to_le_bytes());
    // BPB_HiddSec, BPB_TotSec32, BPB_FATSz32.
    put(&mut sector, 0x1C, &volume.hidden_sectors.to_le_bytes());
    put(&mut sector, 0x20, &sectors.to_le_bytes());
    put(&mut sector, 0x24, &fat_sectors.to_le_bytes());
    // BPB_RootClus, BPB_FSInfo, BPB_BkBootSec.
    put(&mut sector, 0x2C, &ROOT_CLUSTER.to_le_bytes());
    put(&mut sector, 0x30, &INFO_SECTOR.to_le_bytes());
    put(&mut sector, 0x32, &BACKUP_SECTOR.to_le_bytes());
    // BS_DrvNum: the first hard disk. BS_BootSig: the next three fields are there.
    put(&mut sector, 0x40, &[0x80]);
    put(&mut sector, 0x42, &[0x29]);
    // BS_VolID, BS_VolLab, BS_FilSysType.
    put(&mut sector, 0x43, &volume.id.to_le_bytes());
    put(&mut sector, 0x47, if volume.label == [b' '; LABEL_LENGTH] { b"NO NAME    " } else { &volume.label });
    put(&mut sector, 0x52, b"FAT32   ");
    put(&mut sector, 0x5A, &BOOT_CODE);
    put(&mut sector, 0x1FE, &[0x55, 0xAA]);
    // Zero: BPB_RootEntCnt, BPB_TotSec16 and BPB_FATSz16, which are FAT12's and FAT16's; BPB_ExtFlags, as both FATs are
    // kept alike; BPB_FSVer, as there is only version 0; BS_Reserved1, whose lowest bits would say "dirty".
    sector
}

/// What the boot sector of a FAT16 says beside the geometry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SmallVolume {
    /// The serial number.
    pub(crate) id: u32,
    /// The label, all spaces for none.
    pub(crate) label: [u8; LABEL_LENGTH],
}

/// The boot sector of a FAT16: FAT, "Boot sector and BPB" and "Extended BPB structure for FAT12 and FAT16".
pub(crate) fn small_boot_sector(geometry: &SmallGeometry, volume: &SmallVolume) -> Sector {
    // At most 65,524 clusters of at most 64 sectors, for which a FAT has 256 sectors.
    let sectors = u32::try_from(geometry.sectors).expect("at most 65,524 clusters");
    let fat_sectors = u16::try_from(geometry.fat_sectors).expect("at most 256");
    let per_cluster = u8::try_from(geometry.sectors_per_cluster).expect("at most 64");
    let mut sector = [0; SECTOR];
    // The fields are those of FAT32 up to BPB_TotSec32, and the same in other places behind it.
    put(&mut sector, 0x00, &[0xEB, 0x3C, 0x90]);
    put(&mut sector, 0x03, b"MSWIN4.1");
    put(&mut sector, 0x0B, &512_u16.to_le_bytes());
    put(&mut sector, 0x0D, &[per_cluster]);
    put(&mut sector, 0x0E, &1_u16.to_le_bytes());
    put(&mut sector, 0x10, &[2]);
    // BPB_RootEntCnt; BPB_TotSec16, or BPB_TotSec32 where that has too few bits.
    put(&mut sector, 0x11, &512_u16.to_le_bytes());
    match u16::try_from(sectors) {
        Ok(sectors) => put(&mut sector, 0x13, &sectors.to_le_bytes()),
        Err(_) => put(&mut sector, 0x20, &sectors.to_le_bytes()),
    }
    put(&mut sector, 0x15, &[MEDIA]);
    // BPB_FATSz16.
    put(&mut sector, 0x16, &fat_sectors.to_le_bytes());
    put(&mut sector, 0x18, &32_u16.to_le_bytes());
    put(&mut sector, 0x1A, &64_u16.to_le_bytes());
    // BS_DrvNum, BS_BootSig, BS_VolID, BS_VolLab, BS_FilSysType.
    put(&mut sector, 0x24, &[0x80]);
    put(&mut sector, 0x26, &[0x29]);
    put(&mut sector, 0x27, &volume.id.to_le_bytes());
    put(&mut sector, 0x2B, if volume.label == [b' '; LABEL_LENGTH] { b"NO NAME    " } else { &volume.label });
    put(&mut sector, 0x36, b"FAT16   ");
    put(&mut sector, 0x3E, &BOOT_CODE);
    put(&mut sector, 0x1FE, &[0x55, 0xAA]);
    // Zero: BPB_HiddSec, for on a medium nobody knows how far away the begin of the disk is.
    sector
}

/// FSInfo: FAT, "FSInfo structure". `last` is the cluster given away last, from which a writer goes on.
pub(crate) fn info_sector(free_clusters: u32, last: u32) -> Sector {
    let mut sector = [0; SECTOR];
    put(&mut sector, 0x000, &0x4161_5252_u32.to_le_bytes());
    put(&mut sector, 0x1E4, &0x6141_7272_u32.to_le_bytes());
    put(&mut sector, 0x1E8, &free_clusters.to_le_bytes());
    put(&mut sector, 0x1EC, &last.to_le_bytes());
    put(&mut sector, 0x1FC, &0xAA55_0000_u32.to_le_bytes());
    sector
}

/// What a directory record points to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// The label: nothing.
    Label,
    /// A directory's first cluster; 0 is the root.
    Directory(u32),
    /// A file's first cluster, 0 where it is empty, and its length.
    File(u32, u32),
}

/// A short record: FAT, "Directory structure".
pub(crate) fn short_record(name: [u8; 11], target: Target, time: FatTime) -> [u8; RECORD] {
    let (attributes, cluster, size) = match target {
        Target::Label => (VOLUME_ID, 0, 0),
        Target::Directory(cluster) => (DIRECTORY, cluster, 0),
        Target::File(cluster, size) => (ARCHIVE, cluster, size),
    };
    let [low_0, low_1, high_0, high_1] = cluster.to_le_bytes();
    let mut record = [0; RECORD];
    record[..11].copy_from_slice(&name);
    record[11] = attributes;
    // DIR_NTRes stays zero: Windows NT keeps "all small letters" here, we write a long name.
    // DIR_CrtTimeTenth, DIR_CrtTime, DIR_CrtDate, DIR_LstAccDate.
    record[13] = time.hundredths;
    record[14..16].copy_from_slice(&time.time.to_le_bytes());
    record[16..18].copy_from_slice(&time.date.to_le_bytes());
    record[18..20].copy_from_slice(&time.date.to_le_bytes());
    // DIR_FstClusHI, DIR_WrtTime, DIR_WrtDate, DIR_FstClusLO, DIR_FileSize.
    record[20..22].copy_from_slice(&[high_0, high_1]);
    record[22..24].copy_from_slice(&time.time.to_le_bytes());
    record[24..26].copy_from_slice(&time.date.to_le_bytes());
    record[26..28].copy_from_slice(&[low_0, low_1]);
    record[28..32].copy_from_slice(&size.to_le_bytes());
    record
}

/// Long-name records that a name of so many UTF-16 units takes.
pub(crate) fn long_records(units: usize) -> usize {
    units.div_ceil(LONG_UNITS)
}

/// Appends the long-name records of `name` (at most 255 units), the last part first: FAT, "Long directory entries".
pub(crate) fn push_long_records(records: &mut Vec<u8>, name: &[u16], short: ShortName) {
    let checksum = short.checksum();
    for (index, part) in name.chunks(LONG_UNITS).enumerate().rev() {
        // At most 20 parts.
        let number = u8::try_from(index + 1).expect("255 units are 20 parts");
        let is_last = (index + 1) * LONG_UNITS >= name.len();
        // A zero ends a name that leaves room; behind it are ones.
        let mut units = [0xFFFF_u16; LONG_UNITS];
        units[..part.len()].copy_from_slice(part);
        if let Some(end) = units.get_mut(part.len()) {
            *end = 0;
        }
        let mut record = [0; RECORD];
        record[0] = number | if is_last { 0x40 } else { 0 };
        record[11] = LONG_NAME;
        record[13] = checksum;
        // LDIR_Type (12) and LDIR_FstClusLO (26, 27) stay zero.
        let places = (1..11).step_by(2).chain((14..26).step_by(2)).chain([28, 30]);
        for (place, unit) in places.zip(units) {
            record[place..place + 2].copy_from_slice(&unit.to_le_bytes());
        }
        records.extend_from_slice(&record);
    }
}

#[cfg(test)]
mod tests {
    use super::{RECORD, long_records, push_long_records};
    use crate::short::assign;

    #[test]
    fn long_names_are_laid_out_as_in_the_specification() {
        // The example of the specification, "The quick brown.fox".
        let name = "The quick brown.fox";
        let units: Vec<u16> = name.encode_utf16().collect();
        let short = assign(&[name])[0];
        assert_eq!(&short.0, b"THEQUI~1FOX");
        let mut records = Vec::new();
        push_long_records(&mut records, &units, short);
        assert_eq!(records.len(), long_records(units.len()) * RECORD);
        let [second, first] = [&records[..32], &records[32..]];
        assert_eq!((second[0], first[0]), (0x42, 0x01));
        assert_eq!(&second[1..11], b"w\0n\0.\0f\0o\0");
        assert_eq!(&second[14..26], b"x\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff");
        assert_eq!(&first[28..32], b"r\0o\0");
        assert_eq!((second[13], first[13]), (short.checksum(), short.checksum()));
    }

    #[test]
    fn a_name_that_fills_its_records_has_no_end_mark() {
        let units: Vec<u16> = "thirteen-long".encode_utf16().collect();
        let mut records = Vec::new();
        push_long_records(&mut records, &units, assign(&["thirteen-long"])[0]);
        assert_eq!((records.len(), records[0], &records[28..]), (32, 0x41, &b"n\0g\0"[..]));
    }
}
