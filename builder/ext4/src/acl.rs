//! POSIX access control lists: from the form of the system call interface to that of the disk.
//!
//! ```text
//!  interface  version 2 u32, then per entry   tag u16, permissions u16, id u32
//!  disk       version 1 u32, then per entry   tag u16, permissions u16 [, id u32 for a named user or group]
//! ```
//!
//! Linux, `include/uapi/linux/posix_acl_xattr.h` and `fs/ext4/acl.h`. All numbers are little-endian.

/// Version word of the form the system calls use.
const INTERFACE_VERSION: u32 = 2;
/// Version word of the form on disk.
const DISK_VERSION: u32 = 1;
/// The id that stands for none.
const NO_ID: u32 = u32::MAX;

/// Entry tags, in the order a list must have.
const USER_OBJ: u16 = 0x01;
const USER: u16 = 0x02;
const GROUP_OBJ: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;

/// Why an access control list cannot be stored. The kernel refuses all of these when they are set, too.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AclError {
    /// Not a header of 4 bytes and at least one entry of 8 bytes.
    #[error("access control list has {0} bytes; 4 and 8 for each of one or more entries are possible")]
    Length(usize),
    /// The version word is another than 2.
    #[error("access control list has version {0}; only version {INTERFACE_VERSION} is known")]
    Version(u32),
    /// A tag that does not exist.
    #[error("entry {entry} of the access control list has tag {tag:#06x}, which does not exist")]
    Tag {
        /// Number of the entry, from 1.
        entry: usize,
        /// The tag.
        tag: u16,
    },
    /// The entries are not: owner, users, owning group, groups, mask, others; or one is there twice.
    #[error("entry {entry} of the access control list, tag {tag:#06x}, is out of order")]
    Order {
        /// Number of the entry, from 1.
        entry: usize,
        /// The tag.
        tag: u16,
    },
    /// Permissions other than read, write, execute.
    #[error("entry {entry} of the access control list has permissions {permissions:#o}; 0o7 is the most")]
    Permissions {
        /// Number of the entry, from 1.
        entry: usize,
        /// The permissions.
        permissions: u16,
    },
    /// A named user or group without an id.
    #[error("entry {entry} of the access control list names a user or group but has no id")]
    NoId {
        /// Number of the entry, from 1.
        entry: usize,
    },
    /// An entry every list needs; the mask is needed where users or groups are named.
    #[error("access control list has no entry for {0}")]
    Missing(&'static str),
}

/// Checks an access control list in the form of the system calls and gives its form on disk.
///
/// # Errors
/// Where the kernel would refuse the list, see [`AclError`].
pub(crate) fn to_disk(value: &[u8]) -> Result<Vec<u8>, AclError> {
    let (header, entries) = value.split_first_chunk::<4>().ok_or(AclError::Length(value.len()))?;
    let version = u32::from_le_bytes(*header);
    if version != INTERFACE_VERSION {
        return Err(AclError::Version(version));
    }
    let (entries, rest) = entries.as_chunks::<8>();
    if entries.is_empty() || !rest.is_empty() {
        return Err(AclError::Length(value.len()));
    }
    let mut disk = DISK_VERSION.to_le_bytes().to_vec();
    let (mut seen, mut last) = (0, 0);
    for (number, &[tag_lo, tag_hi, permissions_lo, permissions_hi, id @ ..]) in (1..).zip(entries) {
        let tag = u16::from_le_bytes([tag_lo, tag_hi]);
        let permissions = u16::from_le_bytes([permissions_lo, permissions_hi]);
        check_entry(number, tag, permissions, last)?;
        disk.extend([tag_lo, tag_hi, permissions_lo, permissions_hi]);
        if matches!(tag, USER | GROUP) {
            if u32::from_le_bytes(id) == NO_ID {
                return Err(AclError::NoId { entry: number });
            }
            disk.extend(id);
        }
        seen |= tag;
        last = tag;
    }
    for (tag, who) in [(USER_OBJ, "the owner"), (GROUP_OBJ, "the owning group"), (OTHER, "others")] {
        if seen & tag == 0 {
            return Err(AclError::Missing(who));
        }
    }
    if seen & (USER | GROUP) != 0 && seen & MASK == 0 {
        return Err(AclError::Missing("the mask"));
    }
    Ok(disk)
}

/// Checks tag, place and permissions of entry `entry`, which follows one of the tag `last` (0 for none).
fn check_entry(entry: usize, tag: u16, permissions: u16, last: u16) -> Result<(), AclError> {
    if !matches!(tag, USER_OBJ | USER | GROUP_OBJ | GROUP | MASK | OTHER) {
        return Err(AclError::Tag { entry, tag });
    }
    // The tags' numbers rise in the order of the list; only users and groups come more than once.
    if tag < last || (tag == last && !matches!(tag, USER | GROUP)) {
        return Err(AclError::Order { entry, tag });
    }
    if permissions > 0o7 {
        return Err(AclError::Permissions { entry, permissions });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `version`, then entries (tag, permissions, id).
    fn list(version: u32, entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut value = version.to_le_bytes().to_vec();
        for (tag, permissions, id) in entries {
            value.extend(tag.to_le_bytes());
            value.extend(permissions.to_le_bytes());
            value.extend(id.to_le_bytes());
        }
        value
    }

    #[test]
    fn ids_are_kept_for_named_users_and_groups_only() {
        // What `mke2fs -d` of e2fsprogs 1.47.0 stores for `setfacl -m u:1000:rwx`.
        let value = list(
            2,
            &[(USER_OBJ, 6, NO_ID), (USER, 7, 1000), (GROUP_OBJ, 4, NO_ID), (MASK, 7, NO_ID), (OTHER, 4, NO_ID)],
        );
        let disk = [
            0x01, 0, 0, 0, 0x01, 0, 6, 0, 0x02, 0, 7, 0, 0xE8, 0x03, 0, 0, 0x04, 0, 4, 0, 0x10, 0, 7, 0, 0x20, 0, 4, 0,
        ];
        assert_eq!(to_disk(&value).unwrap(), disk);
    }

    #[test]
    fn several_users_and_groups_keep_their_order() {
        let entries = [(1, 6, 0), (2, 7, 9), (2, 1, 3), (4, 4, 0), (8, 5, 70_000), (8, 0, 1), (16, 7, 0), (32, 0, 0)];
        let disk = to_disk(&list(2, &entries)).unwrap();
        assert_eq!(disk.len(), 4 + 4 * 8 + 4 * 4);
        assert_eq!(disk[8..16], [2, 0, 7, 0, 9, 0, 0, 0]);
        assert_eq!(disk[28..36], [8, 0, 5, 0, 0x70, 0x11, 1, 0]);
    }

    #[test]
    fn what_the_kernel_refuses_is_refused() {
        let owner = (USER_OBJ, 6, NO_ID);
        let group = (GROUP_OBJ, 4, NO_ID);
        let other = (OTHER, 4, NO_ID);
        let cases = [
            (vec![], AclError::Length(0)),
            (vec![2, 0, 0], AclError::Length(3)),
            (list(2, &[]), AclError::Length(4)),
            (list(2, &[owner, group, other])[..27].to_vec(), AclError::Length(27)),
            (list(1, &[owner, group, other]), AclError::Version(1)),
            (list(2, &[owner, (3, 0, 0), other]), AclError::Tag { entry: 2, tag: 3 }),
            (list(2, &[owner, group, other, other]), AclError::Order { entry: 4, tag: OTHER }),
            (list(2, &[owner, other, group]), AclError::Order { entry: 3, tag: GROUP_OBJ }),
            (list(2, &[owner, (4, 8, 0), other]), AclError::Permissions { entry: 2, permissions: 8 }),
            (list(2, &[owner, (USER, 7, NO_ID), group, other]), AclError::NoId { entry: 2 }),
            (list(2, &[group, other]), AclError::Missing("the owner")),
            (list(2, &[owner, other]), AclError::Missing("the owning group")),
            (list(2, &[owner, group]), AclError::Missing("others")),
            (list(2, &[owner, (USER, 7, 5), group, other]), AclError::Missing("the mask")),
            (list(2, &[owner, group, (GROUP, 7, 5), other]), AclError::Missing("the mask")),
        ];
        for (value, error) in cases {
            assert_eq!(to_disk(&value), Err(error), "{value:02x?}");
        }
    }
}
