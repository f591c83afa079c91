//! Volume descriptors: ECMA-119, section 8.

use crate::bytes::{Both, u32_at, u32_big_at};
use crate::device::Device;
use crate::{BLOCK, CheckError, Finding, Report};

/// First block of the descriptors.
pub(crate) const FIRST: u32 = 16;
/// Bytes of a descriptor.
pub(crate) const SIZE: usize = 2048;
/// More of them than any image has.
const MOST: u32 = 64;

/// Offset 7 of a boot record: El Torito, section 2.0.
const EL_TORITO: &[u8] = b"EL TORITO SPECIFICATION";

/// The primary volume descriptor, or one of Joliet.
#[derive(Clone, Debug)]
pub(crate) struct Described {
    pub(crate) bytes: Vec<u8>,
    /// Blocks of the volume.
    pub(crate) blocks: u32,
    /// Bytes of a path table.
    pub(crate) table_bytes: u32,
    /// First blocks of the path tables, with the little end first and with the big.
    pub(crate) tables: [u32; 2],
}

/// All that is used of them.
#[derive(Debug, Default)]
pub(crate) struct Descriptors {
    pub(crate) primary: Option<Described>,
    pub(crate) joliet: Option<Described>,
    /// Block of the boot catalogue.
    pub(crate) catalogue: Option<u32>,
}

/// Reads them up to the last.
pub(crate) fn read(device: &Device<'_>, report: &mut Report) -> Result<Descriptors, CheckError> {
    let mut found = Descriptors::default();
    for block in FIRST..FIRST + MOST {
        if !device.has(block, SIZE as u64) {
            break;
        }
        let name = format!("volume descriptor in block {block}");
        let bytes = device.bytes_of("volume descriptor", block, SIZE)?;
        if &bytes[1..6] != b"CD001" {
            let text = format!("`{}`", bytes[1..6].escape_ascii());
            report.push(Finding::error(name, "identifier", text, "`CD001`, or a terminator before it"));
            return Ok(found);
        }
        match bytes[0] {
            0 if bytes[7..].starts_with(EL_TORITO) => found.catalogue = found.catalogue.or(Some(u32_at(&bytes, 71))),
            1 if found.primary.is_none() => {
                found.primary = Some(Described::read("primary volume descriptor", bytes, report))
            }
            2 if found.joliet.is_none() && is_joliet(&bytes) => {
                found.joliet = Some(Described::read("Joliet volume descriptor", bytes, report));
            }
            0..=3 => {}
            255 => {
                if found.primary.is_none() {
                    report.push(Finding::error("volume descriptors", "primary", "missing", "one, in block 16"));
                }
                return Ok(found);
            }
            other => report.push(Finding::warning(name, "type", other, "0 to 3, or 255 for the last")),
        }
    }
    report.push(Finding::error("volume descriptors", "terminator", "missing", "one of type 255 as the last"));
    Ok(found)
}

/// Joliet, "Recording of Joliet": the escape sequences of UCS-2, levels 1 to 3.
fn is_joliet(bytes: &[u8]) -> bool {
    [&b"%/@"[..], b"%/C", b"%/E"].iter().any(|sequence| bytes[88..].starts_with(sequence))
}

impl Described {
    fn read(name: &str, bytes: Vec<u8>, report: &mut Report) -> Self {
        let blocks = Both::of_32(&bytes, 80);
        let block_size = Both::of_16(&bytes, 128);
        let table_bytes = Both::of_32(&bytes, 132);
        for (number, field) in [
            (blocks, "volume space size"),
            (Both::of_16(&bytes, 120), "volume set size"),
            (Both::of_16(&bytes, 124), "volume sequence number"),
            (block_size, "block size"),
            (table_bytes, "path table size"),
        ] {
            report.findings.extend(number.differs(name, field));
        }
        if u64::from(block_size.little) != BLOCK {
            report.push(Finding::error(name, "block size", format!("{} bytes", block_size.little), "2048 bytes"));
        }
        if !matches!(bytes[6], 1 | 2) {
            report.push(Finding::warning(name, "version", bytes[6], 1));
        }
        let (blocks, table_bytes) = (blocks.little, table_bytes.little);
        let tables = [u32_at(&bytes, 140), u32_big_at(&bytes, 148)];
        Self { bytes, blocks, table_bytes, tables }
    }

    /// ECMA-119, section 8.4.6.
    pub(crate) fn id(&self) -> String {
        String::from_utf8_lossy(&self.bytes[40..72]).trim_end_matches([' ', '\0']).to_owned()
    }

    /// The record of the root directory: section 8.4.18.
    pub(crate) fn root(&self) -> &[u8] {
        &self.bytes[156..190]
    }

    /// When it was changed (section 8.4.27), or else made, in the form of GRUB (`grub-core/fs/iso9660.c`) and blkid.
    pub(crate) fn uuid(&self) -> Option<String> {
        let digits = [830, 813].into_iter().map(|at| &self.bytes[at..at + 16]).find(|digits| {
            // Zeros, as digits or as bytes, mean that it is not known.
            digits.iter().all(u8::is_ascii_digit) && digits.iter().any(|&digit| digit != b'0')
        })?;
        let text = String::from_utf8_lossy(digits);
        let rest: Vec<&str> = (4..16).step_by(2).filter_map(|at| text.get(at..at + 2)).collect();
        Some(format!("{}-{}", text.get(..4)?, rest.join("-")))
    }
}
