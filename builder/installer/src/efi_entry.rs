//! Boot entries of UEFI firmware, as bytes: UEFI 2.10, section 3.1.3 (load options) and section 10 (device paths).

use builder_medium::Uuid;

/// `LOAD_OPTION_ACTIVE`: the firmware tries it.
const ACTIVE: u32 = 1;
/// Section 10.3.5.1: type and subtype of a hard drive's node; it has 42 bytes.
const HARD_DRIVE: [u8; 4] = [4, 1, 42, 0];
/// Section 10.3.5.4.
const FILE_PATH: [u8; 2] = [4, 4];
/// Section 10.3.1.
const END: [u8; 4] = [0x7f, 0xff, 4, 0];
/// The partition is in a GUID partition table, and is told by its GUID.
const BY_GUID: [u8; 2] = [2, 2];

/// What the firmware is told of a boot loader.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    /// Its name in the firmware's menu.
    pub(crate) label: &'a str,
    /// Number of the ESP.
    pub(crate) partition: u32,
    /// Its first sector.
    pub(crate) start: u64,
    /// Its length in sectors.
    pub(crate) sectors: u64,
    /// Its identity.
    pub(crate) guid: Uuid,
    /// Path of the program, with backslashes.
    pub(crate) program: &'a str,
}

impl Entry<'_> {
    /// The value of `Boot####`.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut path = HARD_DRIVE.to_vec();
        path.extend(self.partition.to_le_bytes());
        path.extend(self.start.to_le_bytes());
        path.extend(self.sectors.to_le_bytes());
        path.extend(self.guid.to_bytes_le());
        path.extend(BY_GUID);
        let program = utf16(self.program);
        path.extend(FILE_PATH);
        path.extend(length16(program.len() + 4));
        path.extend(program);
        path.extend(END);
        let mut option = ACTIVE.to_le_bytes().to_vec();
        option.extend(length16(path.len()));
        option.extend(utf16(self.label));
        option.extend(path);
        option
    }
}

/// Label of an entry of anyone's, and the partition that it boots from where that is told by a GUID.
pub(crate) fn decode(option: &[u8]) -> Option<(String, Option<Uuid>)> {
    let mut units = Vec::new();
    let mut rest = option.get(6..)?;
    loop {
        let (unit, behind) = rest.split_first_chunk::<2>()?;
        rest = behind;
        match u16::from_le_bytes(*unit) {
            0 => break,
            unit => units.push(unit),
        }
    }
    let label = String::from_utf16_lossy(&units);
    // A hard drive's node comes first in what installers write; the long form has others before it.
    while let Some((&[kind, subtype, low, high], _)) = rest.split_first_chunk::<4>() {
        let length = usize::from(u16::from_le_bytes([low, high]));
        let Some(node) = rest.get(..length).filter(|_| length >= 4 && kind != 0x7f) else { break };
        if (kind, subtype, length) == (4, 1, 42) && node[40..42] == BY_GUID {
            let mut guid = [0; 16];
            guid.copy_from_slice(&node[24..40]);
            return Some((label, Some(Uuid::from_bytes_le(guid))));
        }
        rest = &rest[length..];
    }
    Some((label, None))
}

/// With a zero at its end.
fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// Labels and paths are those of a manifest, which are short.
fn length16(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use builder_medium::Uuid;

    use super::{Entry, decode};

    /// As `efibootmgr --create --disk … --part 1 --label A --loader '\B'` writes it.
    #[test]
    fn the_bytes_are_those_of_the_specification() {
        let guid: Uuid = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b".parse().unwrap();
        let entry = Entry { label: "A", partition: 1, start: 0x800, sectors: 0x10_0000, guid, program: "\\B" };
        let expected = [
            &[1, 0, 0, 0][..],
            &[56, 0],
            &[b'A', 0, 0, 0],
            &[4, 1, 42, 0],
            &[1, 0, 0, 0],
            &[0, 8, 0, 0, 0, 0, 0, 0],
            &[0, 0, 0x10, 0, 0, 0, 0, 0],
            &[0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b],
            &[2, 2],
            &[4, 4, 10, 0, b'\\', 0, b'B', 0, 0, 0],
            &[0x7f, 0xff, 4, 0],
        ]
        .concat();
        assert_eq!(entry.encode(), expected);
        assert_eq!(decode(&expected).unwrap(), ("A".to_owned(), Some(guid)));
        assert_eq!(decode(&expected[..30]).unwrap(), ("A".to_owned(), None));
        for length in 0..expected.len() {
            let _ = decode(&expected[..length]);
        }
    }
}
