//! The plan of an image: every block has its owner.

use crate::boot::{BiosBoot, Hybrid};
use crate::descriptor::FIRST;
use crate::directory::{Addresses, Place, Room, encode};
use crate::hierarchy::{Hierarchy, Names, Node, Order, nodes, path};
use crate::time::Moment;
use crate::tree::{FILE_MAX, Kind, Tree};
use crate::{BLOCK, Content, IsoError, Options, Volume, eltorito, guid_table, text};

/// Blocks behind everything. Drives of discs that were written in one track fail to read the last two, and Linux reads
/// ahead; 150 are customary. They also hold the second copy of the partition table, and the blocks that the checksum of the
/// medium leaves out.
const PADDING: u64 = 150;
/// First block of partition 1, so that its own descriptors lie 16 blocks behind those of the whole.
const PARTITION: u32 = 16;

/// An image whose every byte is decided. [`builder_block::FilesystemImage`] has its size and writes it.
pub struct Image {
    pub(crate) nodes: Vec<Node>,
    pub(crate) hierarchies: Vec<Hierarchy>,
    pub(crate) copies: Vec<Copy>,
    /// By node: the first block of a file.
    pub(crate) files: Vec<u32>,
    pub(crate) volume: Volume,
    pub(crate) moment: Moment,
    pub(crate) catalogue: Option<u32>,
    /// The boot image with its node.
    pub(crate) bios: Option<(usize, BiosBoot)>,
    /// First block and bytes.
    pub(crate) esp: Option<(u32, Content)>,
    pub(crate) hybrid: Option<Hybrid>,
    /// First block behind the files.
    pub(crate) data_end: u32,
    pub(crate) blocks: u32,
    /// First blocks, ascending, and whose they are.
    pub(crate) owners: Vec<(u32, Owner)>,
}

/// All hierarchies once, for one begin of the volume.
pub(crate) struct Copy {
    /// The block that its addresses count from.
    pub(crate) base: u32,
    /// By hierarchy.
    pub(crate) laid: Vec<Laid>,
}

/// Where the tables and directories of a hierarchy lie.
pub(crate) struct Laid {
    /// First blocks of both path tables, counted from the base.
    pub(crate) tables: [u32; 2],
    /// In bytes.
    pub(crate) table_length: u32,
    /// By node, counted from the base.
    pub(crate) directories: Vec<Place>,
}

/// Whose a block is.
#[derive(Clone, Copy)]
pub(crate) enum Owner {
    SystemArea,
    Descriptors,
    Catalogue,
    PathTable,
    Directory(usize),
    NoBytes,
    File(usize),
    Esp,
    Padding,
}

/// Where a file lies in the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// First block. All pieces of a file lie one behind the other.
    pub block: u32,
    /// In bytes.
    pub length: u64,
    /// Whether it is [`Content::Reserved`].
    pub reserved: bool,
}

impl Placement {
    /// First byte of the file, counted from the begin of the image.
    #[must_use]
    pub fn offset(&self) -> u64 {
        u64::from(self.block) * BLOCK
    }
}

/// Gives out blocks in their order.
struct Blocks {
    next: u64,
    owners: Vec<(u32, Owner)>,
}

impl Blocks {
    /// The first of `count` blocks.
    fn take(&mut self, count: u64, owner: Owner) -> Result<u32, IsoError> {
        let limit = u64::from(u32::MAX);
        let end = self.next.saturating_add(count);
        let (Ok(first), true) = (u32::try_from(self.next), end <= limit) else {
            return Err(IsoError::TooMany { what: "blocks", count: end, limit });
        };
        self.next = end;
        if count > 0 {
            self.owners.push((first, owner));
        }
        Ok(first)
    }

    /// The next block. All of them are counted by 32 bits.
    fn end(&self) -> u32 {
        u32::try_from(self.next).unwrap_or(u32::MAX)
    }
}

impl Image {
    /// Decides where everything of `tree` lies.
    ///
    /// # Errors
    /// [`IsoError`]: a field of the volume has characters that it cannot have, or too many; the time lies behind 2155; Joliet
    /// cannot hold a name; a file passes 100 pieces of 4 GiB; there are more than 65535 directories or 2^32 blocks; the boot
    /// image is not in the tree, or too short for what is to be written into it; the boot code does not fit; the EFI system
    /// partition is empty; a GUID is nil or not unique.
    pub fn plan(tree: &Tree, options: &Options) -> Result<Self, IsoError> {
        text::check(&options.volume)?;
        let moment = Moment::new(options.time)?;
        let nodes = nodes(tree);
        check_files(&nodes)?;
        let boot = &options.boot;
        let bios = boot.bios.clone().map(|bios| boot_image(&nodes, bios)).transpose()?;
        if let Some(esp) = &boot.uefi {
            esp.check("the EFI system partition")?;
            if esp.length() == 0 {
                return Err(IsoError::EspEmpty);
            }
        }
        if let Some(hybrid) = &boot.hybrid {
            guid_table::check(hybrid, boot.uefi.is_some(), bios.is_some())?;
        }
        let mut hierarchies = vec![Hierarchy::new(&nodes, Names::Iso)?];
        if options.joliet {
            hierarchies.push(Hierarchy::new(&nodes, Names::Joliet)?);
        }

        let mut blocks = Blocks { next: 0, owners: Vec::new() };
        blocks.take(u64::from(FIRST), Owner::SystemArea)?;
        let boots = bios.is_some() || boot.uefi.is_some();
        // One for each hierarchy, and the terminator.
        let descriptors = hierarchies.len() as u64 + 1;
        blocks.take(descriptors + u64::from(boots), Owner::Descriptors)?;
        let mut bases = vec![0];
        if boot.hybrid.is_some() {
            bases.push(PARTITION);
            let first = u64::from(PARTITION + FIRST);
            blocks.take(first - blocks.next, Owner::Descriptors)?;
            blocks.take(descriptors, Owner::Descriptors)?;
        }
        let catalogue = if boots { Some(blocks.take(1, Owner::Catalogue)?) } else { None };
        let sizes = hierarchies
            .iter()
            .map(|hierarchy| measure(hierarchy, &nodes, moment))
            .collect::<Result<Vec<Measured>, IsoError>>()?;
        let mut copies = Vec::new();
        for base in bases {
            let laid = hierarchies
                .iter()
                .zip(&sizes)
                .map(|(hierarchy, measured)| lay(&mut blocks, hierarchy, measured, base))
                .collect::<Result<_, IsoError>>()?;
            copies.push(Copy { base, laid });
        }
        let files = lay_files(&mut blocks, &nodes)?;
        let data_end = blocks.end();
        let esp = match &boot.uefi {
            Some(esp) => Some((blocks.take(esp.length().div_ceil(BLOCK), Owner::Esp)?, esp.clone())),
            None => None,
        };
        blocks.take(PADDING, Owner::Padding)?;
        Ok(Self {
            blocks: blocks.end(),
            owners: blocks.owners,
            nodes,
            hierarchies,
            copies,
            files,
            volume: options.volume.clone(),
            moment,
            catalogue,
            bios,
            esp,
            hybrid: boot.hybrid.clone(),
            data_end,
        })
    }

    /// Where the file at `path` lies; `None` where there is no file. An empty one has a block that is not its own.
    #[must_use]
    pub fn placement(&self, path: &str) -> Option<Placement> {
        // Down from the root, name by name.
        let found = path.split('/').try_fold(0, |node, name| {
            self.nodes[node].children.iter().copied().find(|&child: &usize| self.nodes[child].name == name)
        })?;
        self.place(found)
    }

    /// All files with where they lie, in the order of the paths' components.
    pub fn placements(&self) -> impl Iterator<Item = (String, Placement)> + '_ {
        (0..self.nodes.len()).filter_map(|node| Some((path(&self.nodes, node), self.place(node)?)))
    }

    /// Where the EFI system partition lies, where there is one.
    #[must_use]
    pub fn esp(&self) -> Option<Placement> {
        self.esp.as_ref().map(|&(block, ref content)| placement(block, content))
    }

    fn place(&self, node: usize) -> Option<Placement> {
        match &self.nodes[node].kind {
            Kind::File(content) => Some(placement(self.files[node], content)),
            Kind::Directory | Kind::Symlink(_) => None,
        }
    }
}

fn placement(block: u32, content: &Content) -> Placement {
    Placement { block, length: content.length(), reserved: matches!(content, Content::Reserved { .. }) }
}

fn check_files(nodes: &[Node]) -> Result<(), IsoError> {
    let limit = FILE_MAX;
    for (number, node) in nodes.iter().enumerate() {
        if let Kind::File(content) = &node.kind
            && content.length() > limit
        {
            return Err(IsoError::FileLength { path: path(nodes, number), length: content.length(), limit });
        }
    }
    Ok(())
}

fn boot_image(nodes: &[Node], bios: BiosBoot) -> Result<(usize, BiosBoot), IsoError> {
    let refuse = |reason: String| Err(IsoError::BootImage { path: bios.path.clone(), reason });
    let found = (0..nodes.len()).find(|&node| path(nodes, node) == bios.path);
    let Some((node, Kind::File(content))) = found.map(|node| (node, &nodes[node].kind)) else {
        return refuse("it is no file of the tree".into());
    };
    if bios.load_sectors == 0 {
        return refuse("no sector of it is to be loaded".into());
    }
    let table = if bios.info_table { eltorito::TABLE_END } else { 1 };
    let needed = if bios.grub { eltorito::GRUB_END } else { table };
    let length = content.length();
    if length < needed as u64 {
        return refuse(format!("it has {length} bytes, and {needed} are the least for what is written into it"));
    }
    if u32::try_from(length).is_err() {
        return refuse(format!("it has {length} bytes, and {} are the most", u32::MAX));
    }
    Ok((node, bios))
}

/// By node: bytes of the records and of the areas in which entries go on. And bytes of a path table.
struct Measured {
    directories: Vec<(u32, u64)>,
    table_length: u32,
}

/// Finds out lengths by doing the work with addresses that are all zero: no length depends on them.
fn measure(hierarchy: &Hierarchy, nodes: &[Node], moment: Moment) -> Result<Measured, IsoError> {
    let (places, files) = (vec![Place::default(); nodes.len()], vec![0; nodes.len()]);
    let addresses = Addresses { directories: &places, files: &files, base: 0, moment, room: Room::Most };
    let mut directories = vec![(0, 0); nodes.len()];
    for &node in &hierarchy.directories {
        let extent = encode(hierarchy, nodes, node, &addresses);
        let length = extent.records.len() as u64;
        let limit = u64::from(u32::MAX);
        let records = u32::try_from(length).map_err(|_| IsoError::TooMany {
            what: "bytes for the records of one directory",
            count: length,
            limit,
        })?;
        directories[node] = (records, extent.continuation.len() as u64);
    }
    // At most 65535 directories of 136 bytes.
    let table = hierarchy.path_table(nodes, Order::Little, |_| 0).len();
    Ok(Measured { directories, table_length: u32::try_from(table).expect("path tables are short") })
}

/// Gives blocks to a hierarchy.
fn lay(blocks: &mut Blocks, hierarchy: &Hierarchy, measured: &Measured, base: u32) -> Result<Laid, IsoError> {
    let table_length = measured.table_length;
    let table_blocks = u64::from(table_length).div_ceil(BLOCK);
    let little = blocks.take(table_blocks, Owner::PathTable)? - base;
    let big = blocks.take(table_blocks, Owner::PathTable)? - base;
    let mut directories = vec![Place::default(); measured.directories.len()];
    for &node in &hierarchy.directories {
        let (length, continuation) = measured.directories[node];
        let count = u64::from(length) / BLOCK + continuation.div_ceil(BLOCK);
        // Everything lies behind the descriptors, so behind either base.
        let block = blocks.take(count, Owner::Directory(node))? - base;
        directories[node] = Place { block, length };
    }
    Ok(Laid { tables: [little, big], table_length, directories })
}

/// Gives blocks to the files. What has no bytes gets one block together: an address of 0, or one of another file, misleads
/// readers that tell files by their address.
fn lay_files(blocks: &mut Blocks, nodes: &[Node]) -> Result<Vec<u32>, IsoError> {
    let length = |node: &Node| match &node.kind {
        Kind::File(content) => content.length(),
        Kind::Directory | Kind::Symlink(_) => 0,
    };
    let without = nodes.iter().any(|node| !matches!(node.kind, Kind::Directory) && length(node) == 0);
    let empty = blocks.take(u64::from(without), Owner::NoBytes)?;
    let mut files = vec![empty; nodes.len()];
    for (number, node) in nodes.iter().enumerate() {
        let count = length(node).div_ceil(BLOCK);
        if count > 0 {
            files[number] = blocks.take(count, Owner::File(number))?;
        }
    }
    Ok(files)
}
