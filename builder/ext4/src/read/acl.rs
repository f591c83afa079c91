//! POSIX access control lists: from the form of the disk to that of the system call interface.
//!
//! ```text
//!  disk       version 1 u32, then per entry   tag u16, permissions u16 [, id u32 for a named user or group]
//!  interface  version 2 u32, then per entry   tag u16, permissions u16, id u32
//! ```
//!
//! Linux, `fs/ext4/acl.c` and `include/uapi/linux/posix_acl_xattr.h`. All numbers are little-endian.

use super::volume::{le16, le32};

/// Tags of entries with an id.
const USER: u16 = 0x02;
const GROUP: u16 = 0x08;

/// The list as `getxattr` gives it.
pub(super) fn to_interface(disk: &[u8]) -> Result<Vec<u8>, &'static str> {
    if disk.len() < 4 || le32(disk, 0) != 1 {
        return Err("has an access control list of a form that does not exist");
    }
    let mut list = 2_u32.to_le_bytes().to_vec();
    let mut rest = &disk[4..];
    while !rest.is_empty() {
        let tag = le16(rest, 0);
        let (length, id) = match tag {
            USER | GROUP => (8, le32(rest, 4)),
            0x01 | 0x04 | 0x10 | 0x20 => (4, u32::MAX),
            _ => return Err("has an access control list with a tag that does not exist"),
        };
        let (entry, behind) =
            rest.split_at_checked(length).ok_or("has an access control list that ends inside an entry")?;
        list.extend(&entry[..4]);
        list.extend(id.to_le_bytes());
        rest = behind;
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::to_interface;
    use crate::acl::to_disk;

    #[test]
    fn lists_come_back_as_they_were_given() {
        let mut list = 2_u32.to_le_bytes().to_vec();
        for (tag, id) in [(1_u16, u32::MAX), (2, 1000), (4, u32::MAX), (8, 70_000), (16, u32::MAX), (32, u32::MAX)] {
            list.extend(tag.to_le_bytes());
            list.extend(5_u16.to_le_bytes());
            list.extend(id.to_le_bytes());
        }
        let disk = to_disk(&list).unwrap();
        assert_eq!(to_interface(&disk), Ok(list));
        for length in [0, 3, 5, 7, 9, 13] {
            assert!(to_interface(&disk[..length]).is_err(), "{length}");
        }
        assert!(to_interface(&[1, 0, 0, 0, 3, 0, 7, 0]).is_err());
    }
}
