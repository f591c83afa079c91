//! The attributes of all inodes: where they lie, and who shares them.

use std::collections::BTreeMap;

use crate::bytes::le32;
use crate::claims::Claims;
use crate::findings::Findings;
use crate::format::xattr as format;
use crate::inode::Inode;
use crate::report::{CheckError, Finding};
use crate::structure::{InodeName, Structure};
use crate::volume::Volume;
use crate::xattr::{self, Attribute, Place};

/// A block of attributes that inodes share.
struct Shared {
    /// The first inode that refers to it.
    first: u32,
    /// References it says it has; none where it is no block of attributes.
    claimed: Option<u32>,
    counted: u32,
    /// Bytes of values in other inodes, rounded up to blocks.
    elsewhere: u64,
}

/// An inode that holds a value.
#[derive(Default)]
struct Value {
    /// References it says it has, once it was met.
    claimed: Option<u64>,
    size: u64,
    counted: u64,
    /// An inode that refers to it, and the size it expects.
    user: u32,
    expected_size: u64,
}

/// What is known of attributes so far.
#[derive(Default)]
pub(crate) struct Attributes {
    blocks: BTreeMap<u64, Shared>,
    values: BTreeMap<u32, Value>,
}

/// What the attributes of one inode take.
#[derive(Default)]
pub(crate) struct Taken {
    /// Blocks of the inode's own.
    pub(crate) blocks: u64,
    /// Bytes of values in other inodes, which count as the inode's.
    pub(crate) elsewhere: u64,
    /// A block that was claimed by somebody before.
    pub(crate) again: Option<u64>,
    /// Bytes of the body that are kept as an attribute.
    pub(crate) inline_body: Option<u64>,
}

impl Attributes {
    /// Checks the attributes of an inode, and claims the block they lie in.
    pub(crate) fn take(
        &mut self,
        volume: &Volume<'_>,
        inode: Inode<'_>,
        claims: &mut Claims,
        findings: &mut Findings,
    ) -> Result<Taken, CheckError> {
        let mut taken = Taken::default();
        if inode.is_value(volume) {
            let value = self.values.entry(inode.number).or_default();
            value.claimed = Some(inode.value_references());
            value.size = inode.size();
        }
        let own = inode.attributes();
        if xattr::any(own) {
            let (list, wrong) = xattr::parse(own, Place::Inode);
            if let Some(wrong) = wrong {
                let field = format!("attributes: {}", wrong.field);
                findings.push(Finding::error(inode.structure(), field, wrong.found, wrong.expected));
            }
            taken.elsewhere += self.values(volume, inode.number, &list);
            taken.inline_body = list.iter().find(|one| one.is_inline_body()).map(|one| u64::from(one.size));
        }
        let block = inode.xattr_block(volume);
        if block != 0 {
            taken.blocks = 1;
            self.block(volume, inode, block, &mut taken, claims, findings)?;
        }
        Ok(taken)
    }

    fn block(
        &mut self,
        volume: &Volume<'_>,
        inode: Inode<'_>,
        block: u64,
        taken: &mut Taken,
        claims: &mut Claims,
        findings: &mut Findings,
    ) -> Result<(), CheckError> {
        if !volume.geometry.holds(block, 1) {
            let expected = format!("0, or below block {}", volume.geometry.blocks);
            findings.push(Finding::error(inode.structure(), "block of attributes", block, expected));
            return Ok(());
        }
        if let Some(shared) = self.blocks.get_mut(&block) {
            shared.counted = shared.counted.saturating_add(1);
            taken.elsewhere += shared.elsewhere;
            return Ok(());
        }
        if claims.claim(block, 1).is_some() {
            taken.again = Some(block);
        }
        let structure = || Structure::XattrBlock { block, inode: InodeName::new(inode.number) };
        let bytes = volume.block(block)?;
        let mut shared = Shared { first: inode.number, claimed: None, counted: 1, elsewhere: 0 };
        if let Some(wrong) = xattr::header(&bytes) {
            findings.push(Finding::error(structure(), wrong.field, wrong.found, wrong.expected));
        } else {
            shared.claimed = Some(le32(&bytes, format::REFERENCES));
            if volume.superblock.has_checksums() {
                let seed = crate::checksum::Seed(volume.seed.of(&block.to_le_bytes()));
                let (found, expected) = (le32(&bytes, format::CHECKSUM), seed.with_hole(&bytes, format::CHECKSUM, 4));
                if found != expected {
                    findings.push(Finding::checksum(structure(), found, expected));
                }
            }
            let (list, wrong) = xattr::parse(&bytes, Place::Block);
            if let Some(wrong) = wrong {
                findings.push(Finding::error(structure(), wrong.field, wrong.found, wrong.expected));
            }
            // The block counts its references once, and so do the values of its attributes.
            shared.elsewhere = self.values(volume, inode.number, &list);
            taken.elsewhere += shared.elsewhere;
        }
        self.blocks.insert(block, shared);
        Ok(())
    }

    /// Counts the values that other inodes hold, and returns the bytes they take.
    fn values(&mut self, volume: &Volume<'_>, user: u32, list: &[Attribute<'_>]) -> u64 {
        let mut bytes = 0_u64;
        for attribute in list.iter().filter(|attribute| attribute.inode != 0) {
            let size = u64::from(attribute.size);
            bytes = bytes.saturating_add(size.next_multiple_of(volume.geometry.block_size as u64));
            let value = self.values.entry(attribute.inode).or_default();
            value.counted = value.counted.saturating_add(1);
            value.user = user;
            value.expected_size = size;
        }
        bytes
    }

    /// Compares the references, once all inodes were met.
    pub(crate) fn finish(&self, findings: &mut Findings) {
        for (&block, shared) in &self.blocks {
            if let Some(claimed) = shared.claimed.filter(|&claimed| claimed != shared.counted) {
                let structure = Structure::XattrBlock { block, inode: InodeName::new(shared.first) };
                findings.push(Finding::error(structure, "references", claimed, shared.counted));
            }
        }
        for (&number, value) in &self.values {
            let structure = || Structure::inode(number);
            match value.claimed {
                None => {
                    let finding = Finding::error(structure(), "use", "not a value", "the value of an attribute");
                    findings.push(finding.other(Some(Structure::inode(value.user))));
                }
                Some(claimed) if claimed != value.counted => {
                    findings.push(Finding::error(structure(), "references as a value", claimed, value.counted));
                }
                Some(_) if value.counted > 0 && value.size != value.expected_size => {
                    let finding = Finding::error(structure(), "size", value.size, value.expected_size);
                    findings.push(finding.other(Some(Structure::inode(value.user))));
                }
                Some(_) => {}
            }
        }
    }
}
