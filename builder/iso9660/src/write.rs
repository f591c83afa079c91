//! A planned image, written.

use std::io;

use builder_block::{ByteSize, FilesystemImage, WriteAt};

use crate::descriptor::{self, Described, FIRST};
use crate::directory::{Addresses, Room, encode};
use crate::eltorito::{Loaded, catalogue, told};
use crate::guid_table;
use crate::hierarchy::{Order, path};
use crate::image::{Copy, Image, Owner};
use crate::tree::Kind;
use crate::{BLOCK, Content};

impl FilesystemImage for Image {
    fn size(&self) -> ByteSize {
        ByteSize::new(u64::from(self.blocks) * BLOCK)
    }

    fn describe(&self, offset: u64) -> String {
        let block = offset / BLOCK;
        let behind = self.owners.partition_point(|&(first, _)| u64::from(first) <= block);
        let Some(&(first, owner)) = behind.checked_sub(1).and_then(|index| self.owners.get(index)) else {
            return "nothing".into();
        };
        let inside = offset - u64::from(first) * BLOCK;
        match owner {
            Owner::SystemArea => "the system area, with the partition tables".into(),
            Owner::Descriptors => "the volume descriptors".into(),
            Owner::Catalogue => "the boot catalogue".into(),
            Owner::PathTable => format!("byte {inside} of a path table"),
            Owner::Directory(node) => format!("byte {inside} of the directory /{}", path(&self.nodes, node)),
            Owner::NoBytes => "the block of the files without bytes".into(),
            Owner::File(node) => format!("byte {inside} of /{}", path(&self.nodes, node)),
            Owner::Esp => format!("byte {inside} of the EFI system partition"),
            Owner::Padding => "the padding, with the second copy of the partition table".into(),
        }
    }

    fn write_to(&self, device: &mut dyn WriteAt) -> io::Result<()> {
        if device.size() != self.size() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("the image has {} bytes but the device {}", self.size().bytes(), device.size().bytes()),
            ));
        }
        let [head, tail] = self.partition_tables();
        device.write_at(0, &head)?;
        for copy in &self.copies {
            self.write_descriptors(copy, device)?;
        }
        if let Some(block) = self.catalogue {
            device.write_at(at(block), &self.boot_catalogue())?;
        }
        for copy in &self.copies {
            self.write_directories(copy, device)?;
        }
        for (number, (node, &block)) in self.nodes.iter().zip(&self.files).enumerate() {
            let Kind::File(content) = &node.kind else { continue };
            match &self.bios {
                Some((boot, bios)) if *boot == number => {
                    let head = told(bios, content, block)?;
                    device.write_at(at(block), &head)?;
                    write_from(content, head.len() as u64, at(block), device)?;
                }
                _ => write_from(content, 0, at(block), device)?,
            }
        }
        if let Some((block, content)) = &self.esp {
            write_from(content, 0, at(*block), device)?;
        }
        if !tail.is_empty() {
            device.write_at(self.size().bytes() - tail.len() as u64, &tail)?;
        }
        Ok(())
    }
}

impl Image {
    fn boot_file(&self) -> Option<u32> {
        self.bios.as_ref().map(|&(node, _)| self.files[node])
    }

    fn boot_catalogue(&self) -> Vec<u8> {
        let bios =
            self.bios.as_ref().map(|(node, bios)| Loaded { block: self.files[*node], sectors: bios.load_sectors });
        let uefi = self.esp.as_ref().map(|(block, content)| Loaded::esp(*block, content.length()));
        catalogue(bios, uefi)
    }

    /// Begin and end of the medium; no bytes where there are no partition tables.
    fn partition_tables(&self) -> [Vec<u8>; 2] {
        const PER_BLOCK: u64 = BLOCK / guid_table::SECTOR as u64;
        let Some(hybrid) = &self.hybrid else { return [Vec::new(), Vec::new()] };
        let sectors = |first: u32, end: u64| (u64::from(first) * PER_BLOCK, end * PER_BLOCK - 1);
        // There is a second copy wherever there are partition tables.
        let base = self.copies.last().map_or(0, |copy| copy.base);
        let data = sectors(base, u64::from(self.data_end));
        let esp = self.esp.as_ref().map(|&(block, ref content)| {
            // The ESP's last block is below those that 32 bits count.
            sectors(block, u64::from(block) + content.length().div_ceil(BLOCK))
        });
        let bios = self.boot_file().map(|block| u64::from(block) * PER_BLOCK);
        guid_table::tables(hybrid, u64::from(self.blocks) * PER_BLOCK, data, esp, bios)
    }

    fn write_descriptors(&self, copy: &Copy, device: &mut dyn WriteAt) -> io::Result<()> {
        let whole = copy.base == 0;
        let mut written = Vec::new();
        for (hierarchy, laid) in self.hierarchies.iter().zip(&copy.laid) {
            written.push(descriptor::volume(&Described {
                names: hierarchy.names,
                volume: &self.volume,
                moment: self.moment,
                blocks: if whole { self.blocks } else { self.data_end - copy.base },
                table_length: laid.table_length,
                tables: laid.tables,
                root: laid.directories[0],
            }));
        }
        // El Torito, section 2: in block 17, behind the primary one. It belongs to the disc, not to the partition.
        if let Some(catalogue) = self.catalogue.filter(|_| whole) {
            written.insert(1, descriptor::boot_record(catalogue));
        }
        written.push(descriptor::terminator());
        device.write_at(at(copy.base + FIRST), &written.concat())
    }

    fn write_directories(&self, copy: &Copy, device: &mut dyn WriteAt) -> io::Result<()> {
        for (hierarchy, laid) in self.hierarchies.iter().zip(&copy.laid) {
            for (order, block) in [Order::Little, Order::Big].into_iter().zip(laid.tables) {
                let table = hierarchy.path_table(&self.nodes, order, |node| laid.directories[node].block);
                device.write_at(at(copy.base + block), &table)?;
            }
            let addresses = Addresses {
                directories: &laid.directories,
                files: &self.files,
                base: copy.base,
                moment: self.moment,
                room: Room::Known,
            };
            for &node in &hierarchy.directories {
                let extent = encode(hierarchy, &self.nodes, node, &addresses);
                let start = at(copy.base + laid.directories[node].block);
                device.write_at(start, &extent.records)?;
                if !extent.continuation.is_empty() {
                    device.write_at(start + extent.records.len() as u64, &extent.continuation)?;
                }
            }
        }
        Ok(())
    }
}

/// First byte of a block.
fn at(block: u32) -> u64 {
    u64::from(block) * BLOCK
}

/// Writes `content` from its byte `from` on, to where its begin belongs at `offset`.
fn write_from(content: &Content, from: u64, offset: u64, device: &mut dyn WriteAt) -> io::Result<()> {
    let bytes = match content {
        Content::Bytes(bytes) => bytes,
        Content::Reserved { begin, .. } => begin,
        Content::Range { file, offset: source, length } => {
            return match length.saturating_sub(from) {
                0 => Ok(()),
                left => device.copy_from(offset + from, file, source + from, left),
            };
        }
    };
    match usize::try_from(from).ok().and_then(|from| bytes.get(from..)) {
        Some(rest) if !rest.is_empty() => device.write_at(offset + from, rest),
        _ => Ok(()),
    }
}

/// Fills `buffer` with the bytes of `content` at `offset`, which it has.
pub(crate) fn read(content: &Content, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    let bytes = match content {
        Content::Bytes(bytes) => bytes,
        Content::Reserved { begin, .. } => begin,
        Content::Range { file, offset: source, .. } => return file.read_exact_at(buffer, source + offset),
    };
    let start = usize::try_from(offset).map_or(bytes.len(), |start| start.min(bytes.len()));
    let there = (bytes.len() - start).min(buffer.len());
    buffer[..there].copy_from_slice(&bytes[start..start + there]);
    buffer[there..].fill(0);
    Ok(())
}
