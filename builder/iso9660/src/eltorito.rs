//! What firmware reads of a disc: the boot catalogue of El Torito 1.0, and what boot images are told of themselves.

use std::io;

use crate::number::put;
use crate::write::read;
use crate::{BLOCK, BiosBoot, Content};

/// Bytes of an entry.
const ENTRY: usize = 32;
/// El Torito, section 2.1, and UEFI 2.10, section 13.3.2.1: who boots the image.
const BIOS: u8 = 0;
const EFI: u8 = 0xEF;
/// The section is the last.
const FINAL_SECTION: u8 = 0x91;
const BOOTABLE: u8 = 0x88;

/// Where the table of [`BiosBoot::info_table`] begins in the boot image, and where its sum begins.
const TABLE: usize = 8;
/// First byte behind the table.
pub(crate) const TABLE_END: usize = 64;
/// Where GRUB's `eltorito.img` has the sector of its second part, and how many sectors behind its begin that is.
const GRUB_SECTOR: usize = 2548;
const GRUB_SECTORS: u64 = 5;
/// First byte behind it.
pub(crate) const GRUB_END: usize = GRUB_SECTOR + 8;

/// A boot image: where it begins, in blocks, and how many sectors of 512 bytes are loaded.
#[derive(Clone, Copy)]
pub(crate) struct Loaded {
    pub(crate) block: u32,
    pub(crate) sectors: u16,
}

impl Loaded {
    /// An EFI system partition of so many bytes. UEFI 2.10, section 13.3.2.1: one that 16 bits cannot count has 0 and
    /// reaches to the end of the disc.
    pub(crate) fn esp(block: u32, length: u64) -> Self {
        Self { block, sectors: u16::try_from(length.div_ceil(BLOCK) * (BLOCK / 512)).unwrap_or(0) }
    }
}

/// The boot catalogue: what comes first is the default, and BIOS knows no other.
pub(crate) fn catalogue(bios: Option<Loaded>, uefi: Option<Loaded>) -> Vec<u8> {
    let mut bytes = validation(if bios.is_some() { BIOS } else { EFI }).to_vec();
    match (bios, uefi) {
        (Some(bios), Some(uefi)) => {
            bytes.extend_from_slice(&entry(bios));
            let mut section = [0; ENTRY];
            section[..4].copy_from_slice(&[FINAL_SECTION, EFI, 1, 0]);
            bytes.extend_from_slice(&section);
            bytes.extend_from_slice(&entry(uefi));
        }
        (first, second) => bytes.extend(first.or(second).iter().flat_map(|&image| entry(image))),
    }
    bytes
}

/// El Torito, section 2.1.
fn validation(platform: u8) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    entry[..2].copy_from_slice(&[1, platform]);
    entry[30..].copy_from_slice(&[0x55, 0xAA]);
    // All 16-bit words sum up to 0.
    let words = entry.chunks_exact(2).map(|word| u16::from_le_bytes([word[0], word[1]]));
    let sum = words.fold(0, u16::wrapping_add);
    put(&mut entry, 28, &sum.wrapping_neg().to_le_bytes());
    entry
}

/// El Torito, sections 2.2 and 2.4: no emulation, and the load segment that is usual.
fn entry(image: Loaded) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    entry[0] = BOOTABLE;
    put(&mut entry, 6, &image.sectors.to_le_bytes());
    put(&mut entry, 8, &image.block.to_le_bytes());
    entry
}

/// The first bytes of a boot image, with what it is told of itself.
pub(crate) fn told(boot: &BiosBoot, content: &Content, block: u32) -> io::Result<Vec<u8>> {
    const HEAD: u64 = 4096;
    const CHUNK: u64 = 1 << 16;
    let length = content.length();
    let first = usize::try_from(length.min(HEAD)).map_err(io::Error::other)?;
    let mut head = vec![0; first];
    read(content, 0, &mut head)?;
    if boot.grub {
        put(&mut head, GRUB_SECTOR, &(u64::from(block) * (BLOCK / 512) + GRUB_SECTORS).to_le_bytes());
    }
    if boot.info_table {
        let mut sum = words(&head[TABLE_END..]);
        let mut done = first as u64;
        while done < length {
            let mut chunk = vec![0; usize::try_from((length - done).min(CHUNK)).map_err(io::Error::other)?];
            read(content, done, &mut chunk)?;
            sum = sum.wrapping_add(words(&chunk));
            done += chunk.len() as u64;
        }
        let length = u32::try_from(length).map_err(io::Error::other)?;
        head[TABLE..TABLE_END].fill(0);
        for (index, number) in [crate::descriptor::FIRST, block, length, sum].into_iter().enumerate() {
            put(&mut head, TABLE + index * 4, &number.to_le_bytes());
        }
    }
    Ok(head)
}

/// The sum of 32-bit words, the last filled up with zeros.
fn words(bytes: &[u8]) -> u32 {
    let word = |bytes: &[u8]| {
        let mut word = [0; 4];
        word[..bytes.len()].copy_from_slice(bytes);
        u32::from_le_bytes(word)
    };
    bytes.chunks(4).map(word).fold(0, u32::wrapping_add)
}
