//! The names of a swap area.

use std::io;

use builder_block::ReadAt;

/// Sizes of a page in bytes, as 2 to the power of these: 4 KiB to 64 KiB.
const PAGE_LOGS: std::ops::RangeInclusive<u32> = 12..=16;
/// The last bytes of the first page. Linux, include/linux/swap.h: `union swap_header`.
const MAGIC: &[u8; 10] = b"SWAPSPACE2";
/// Where UUID and label are, in bytes from the start: behind the boot block and three numbers of 32 bits.
const UUID: u64 = 1024 + 12;
const LABEL: u64 = UUID + 16;

/// UUID and label of the swap area in `part`; `None` where there is none.
pub(crate) fn names(part: &impl ReadAt) -> io::Result<Option<(String, Option<String>)>> {
    let mut magic = [0; MAGIC.len()];
    for log in PAGE_LOGS {
        let page = 1_u64 << log;
        if part.size().bytes() < page {
            break;
        }
        part.read_at(page - MAGIC.len() as u64, &mut magic)?;
        if magic == *MAGIC {
            return uuid_and_label(part, UUID, LABEL).map(Some);
        }
    }
    Ok(None)
}

/// A UUID of 16 bytes and a label of up to 16, padded with NULs, at these bytes of `part`: ext4 has the same.
pub(crate) fn uuid_and_label(part: &impl ReadAt, uuid: u64, label: u64) -> io::Result<(String, Option<String>)> {
    let (mut uuid_bytes, mut label_bytes) = ([0; 16], [0; 16]);
    part.read_at(uuid, &mut uuid_bytes)?;
    part.read_at(label, &mut label_bytes)?;
    let length = label_bytes.iter().position(|&byte| byte == 0).unwrap_or(label_bytes.len());
    let label = String::from_utf8_lossy(&label_bytes[..length]).into_owned();
    Ok((uuid::Uuid::from_bytes(uuid_bytes).to_string(), Some(label).filter(|label| !label.is_empty())))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::names;

    #[test]
    fn names_are_read_from_areas_of_every_size_of_a_page() {
        const ID: &str = "0c8f2b1e-6d1a-4f0e-9c55-1f2e3d4c5b6a";
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("swap");
        for (page, label) in [("4096", "swap"), ("8192", ""), ("16384", "fifteen letters"), ("65536", "x")] {
            std::fs::write(&path, vec![0; 1 << 20]).unwrap();
            let mut command = Command::new("/sbin/mkswap");
            command.args(["--quiet", "--pagesize", page, "--uuid", ID, "--label", label]).arg(&path);
            let status = command.status().expect("install the Debian package `util-linux`");
            assert!(status.success(), "{page}: {status}");
            let file = builder_block::PlainFile::new(std::fs::File::open(&path).unwrap()).unwrap();
            let expected = (ID.to_owned(), Some(label.to_owned()).filter(|label| !label.is_empty()));
            assert_eq!(names(&file).unwrap(), Some(expected), "{page}");
        }
        for size in [512, 4096, 1 << 20] {
            std::fs::write(&path, vec![0; size]).unwrap();
            let file = builder_block::PlainFile::new(std::fs::File::open(&path).unwrap()).unwrap();
            assert_eq!(names(&file).unwrap(), None, "{size}");
        }
    }
}
