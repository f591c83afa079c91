//! Which drives are not written to.

use builder_block::ByteSize;
use builder_medium::Disk;

use crate::drives::Drive;

/// Why the drive is not for this disk, for people; `None` where it is.
pub(crate) fn reason(drive: &Drive, disk: &Disk) -> Option<String> {
    if drive.is_medium {
        return Some("it is the medium".to_owned());
    }
    if let Some(used) = drive.used.first() {
        return Some(format!("in use: {used}"));
    }
    if drive.read_only {
        return Some("it is read-only".to_owned());
    }
    if drive.sector_size != disk.sector_size {
        let (found, wanted) = (drive.sector_size, disk.sector_size);
        return Some(format!("its sectors have {found} bytes, and the system was made for {wanted}"));
    }
    if drive.size < disk.size {
        let (found, wanted) = (ByteSize::new(drive.size), ByteSize::new(disk.size));
        return Some(if found.to_string() == wanted.to_string() {
            format!("too small: it has {} bytes, and {} are needed", drive.size, disk.size)
        } else {
            format!("too small: it has {found}, and {wanted} are needed")
        });
    }
    None
}

#[cfg(test)]
mod tests {
    use builder_medium::{Disk, Uuid};

    use super::reason;
    use crate::drives::Drive;

    #[test]
    fn drives_are_refused_for_what_they_are() {
        let disk = Disk { size: 2 << 30, sector_size: 512, guid: Uuid::nil(), partitions: Vec::new(), named_by: None };
        let drive = Drive { size: 2 << 30, sector_size: 512, ..Drive::default() };
        assert_eq!(reason(&drive, &disk), None);
        type Change = fn(&mut Drive);
        let cases: [(Change, &str); 6] = [
            (|drive| drive.is_medium = true, "it is the medium"),
            (|drive| drive.used.push("sda1 is mounted at /mnt".to_owned()), "in use: sda1 is mounted at /mnt"),
            (|drive| drive.read_only = true, "it is read-only"),
            (|drive| drive.sector_size = 4096, "its sectors have 4096 bytes, and the system was made for 512"),
            (|drive| drive.size = 1 << 30, "too small: it has 1 GiB, and 2 GiB are needed"),
            (|drive| drive.size -= 512, "too small: it has 2147483136 bytes, and 2147483648 are needed"),
        ];
        for (change, expected) in cases {
            let mut drive = drive.clone();
            change(&mut drive);
            assert_eq!(reason(&drive, &disk).unwrap(), expected);
        }
    }
}
