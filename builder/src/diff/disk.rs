//! What is on a disk: partitions, boot entries, and the files of the default deployment.

use std::path::Path;
use std::rc::Rc;

use builder_block::{ReadAt, SectorSize};
use builder_ext4::read::Ext4Reader;
use builder_fat::read::FatReader;
use builder_gpt::{Partition, types};
use builder_tree::{Content, ContentStore, FileTree};

use crate::diff::entry::{ENTRIES_LIMIT, ENTRY_LIMIT, LoaderEntry};
use crate::diff::error::{DiffError, DiskProblem};
use crate::diff::fields::PartitionFacts;
use crate::diff::inventory::{DiskTable, Inventory, SideFacts};
use crate::error::BuildError;
use crate::open::{OpenedDisk, open_disk};
use crate::part::DiskPart;

/// Where boot entries are, from the root of their file system.
const ENTRIES: &str = "loader/entries";
/// What the ESP's are called; those of GRUB are called by their place in the system.
pub(crate) const ESP_ENTRIES: &str = "ESP /loader/entries";
const BOOT_ENTRIES: &str = "/boot/loader/entries";
/// Where deployments are.
const DEPLOYMENTS: &str = "ostree/deploy";
/// Bytes that sparse files may have beyond twice the data of their partition.
const HOLES: u64 = 1 << 30;

/// An ext4 partition.
struct Found<'p> {
    number: u32,
    partition: &'p Partition,
    reader: Ext4Reader,
}

impl Found<'_> {
    fn failed(&self, source: builder_ext4::read::ReadError) -> DiskProblem {
        DiskProblem::Ext4 { number: self.number, name: self.partition.name.clone(), source }
    }

    fn find(&self, path: &str) -> Result<Option<Vec<u8>>, DiskProblem> {
        self.reader.find(path.as_bytes()).map_err(|source| self.failed(source))
    }

    fn names(&self, path: &str) -> Result<Vec<Vec<u8>>, DiskProblem> {
        self.reader.names(path.as_bytes()).map_err(|source| self.failed(source))
    }
}

/// Reads the disk in the file at `path`.
pub(crate) fn read(path: &Path, store: &mut ContentStore) -> Result<Inventory, DiffError> {
    let side = path.display().to_string();
    let disk = open_disk(path)
        .map_err(|source| DiffError::Side { side: side.clone(), source: Box::new(BuildError::from(source)) })?;
    let problem = |source| DiffError::Disk { side: side.clone(), source: Box::new(source) };
    let mut found = system(Rc::new(disk), &side, store).map_err(problem)?;
    store
        .flush()
        .map_err(|source| DiffError::Side { side: side.clone(), source: Box::new(BuildError::Scratch { source }) })?;
    found.facts.source = side;
    Ok(found)
}

fn system(disk: Rc<OpenedDisk>, side: &str, store: &mut ContentStore) -> Result<Inventory, DiskProblem> {
    let table = builder_gpt::read::read(&*disk)?;
    let mut entries = Vec::new();
    let mut esp = None;
    let mut filesystems = Vec::new();
    for (number, partition) in &table.partitions {
        let part = DiskPart::of(&disk, partition, table.sector);
        if partition.type_guid == types::ESP {
            let failed = |source| DiskProblem::Esp { number: *number, name: partition.name.clone(), source };
            let tree = FatReader::open(&part).and_then(|reader| reader.tree(store)).map_err(failed)?;
            store.flush()?;
            esp_entries(&tree, &mut entries)?;
            esp.get_or_insert(tree);
        } else if Ext4Reader::is_there(&part)? {
            let failed = |source| DiskProblem::Ext4 { number: *number, name: partition.name.clone(), source };
            let reader = Ext4Reader::open(Box::new(part)).map_err(failed)?;
            filesystems.push(Found { number: *number, partition, reader });
        }
    }
    let mut root = None;
    for found in &filesystems {
        let holds_root = found.find(DEPLOYMENTS)?.is_some();
        if holds_root && root.is_none() {
            root = Some(found);
        }
        let directory = if holds_root { format!("boot/{ENTRIES}") } else { ENTRIES.to_owned() };
        ext4_entries(found, &directory, &mut entries)?;
    }
    let root = root.ok_or(DiskProblem::NoSystem { partitions: table.partitions.len() })?;
    let default = LoaderEntry::default_of(&entries).cloned();
    let (deployment, deployments) = deployment(root, default.as_ref())?;
    let most_bytes = DiskPart::of(&disk, root.partition, table.sector).data()?.saturating_mul(2).saturating_add(HOLES);
    let tree = root.reader.tree(&deployment, most_bytes, store).map_err(|source| root.failed(source))?;
    // The packages and more are read from the store.
    store.flush()?;
    let facts = SideFacts {
        source: side.to_owned(),
        kind: disk.kind().name(),
        name: None,
        digest: None,
        platform: None,
        size: Some(disk.size().bytes()),
        guid: Some(table.disk_guid.to_string()),
        deployment: Some(String::from_utf8_lossy(&deployment).into_owned()),
        entries: 0,
        bytes: 0,
    };
    let mut found = Inventory::of_tree(facts, tree);
    if deployments > 1 {
        found.notes.push(format!("of the {deployments} deployments, the default one is compared"));
    }
    found.arguments = default.map(|entry| entry.options).unwrap_or_default();
    found.entries = entries;
    found.esp = esp;
    found.disk = Some(DiskTable {
        size: disk.size().bytes(),
        guid: table.disk_guid.to_string(),
        sector: table.sector,
        partitions: table
            .partitions
            .iter()
            .map(|(number, partition)| facts_of(*number, partition, table.sector))
            .collect(),
    });
    Ok(found)
}

fn facts_of(number: u32, partition: &Partition, sector: SectorSize) -> PartitionFacts {
    PartitionFacts {
        number,
        name: partition.name.clone(),
        type_guid: partition.type_guid.to_string(),
        guid: partition.guid.to_string(),
        offset: partition.first.offset(sector).bytes(),
        size: partition.size(sector).bytes(),
        attributes: format!("{:#018x}", partition.attributes),
    }
}

fn is_entry(name: &[u8]) -> bool {
    name.ends_with(b".conf")
}

fn add(entries: &mut Vec<LoaderEntry>, entry: LoaderEntry) -> Result<(), DiskProblem> {
    if entries.len() == ENTRIES_LIMIT {
        return Err(DiskProblem::Entries { limit: ENTRIES_LIMIT });
    }
    entries.push(entry);
    Ok(())
}

fn esp_entries(esp: &FileTree, entries: &mut Vec<LoaderEntry>) -> Result<(), DiskProblem> {
    let Some(directory) = esp.directory(ENTRIES.as_bytes()) else { return Ok(()) };
    for (name, node) in directory.entries.iter().filter(|(name, _)| is_entry(name)) {
        let content: Option<&Content> = node.as_leaf().and_then(|inode| inode.content());
        if let Some(content) = content {
            add(entries, LoaderEntry::parse(ESP_ENTRIES, name, &content.read_to_vec(ENTRY_LIMIT)?)?)?;
        }
    }
    Ok(())
}

fn ext4_entries(found: &Found<'_>, directory: &str, entries: &mut Vec<LoaderEntry>) -> Result<(), DiskProblem> {
    for name in found.names(directory)?.into_iter().filter(|name| is_entry(name)) {
        let path = [directory.as_bytes(), &name].join(&b'/');
        let text = found.reader.read(&path, ENTRY_LIMIT).map_err(|source| found.failed(source))?;
        add(entries, LoaderEntry::parse(BOOT_ENTRIES, &name, &text)?)?;
    }
    Ok(())
}

/// Path of the default deployment, and how many there are.
fn deployment(root: &Found<'_>, default: Option<&LoaderEntry>) -> Result<(Vec<u8>, usize), DiskProblem> {
    let mut all = Vec::new();
    for stateroot in root.names(DEPLOYMENTS)? {
        let directory = [DEPLOYMENTS.as_bytes(), &stateroot, b"deploy"].join(&b'/');
        let names = root.reader.names(&directory).map_err(|source| root.failed(source))?;
        // Beside each deployment is its origin file.
        let names = names.into_iter().filter(|name| !name.ends_with(b".origin"));
        all.extend(names.map(|name| [&directory[..], &name].join(&b'/')));
    }
    let chosen = match default.and_then(|entry| entry.deployment().map(|path| (entry, path))) {
        Some((entry, path)) => {
            let found = root.find(path)?.filter(|found| all.contains(found));
            found.ok_or_else(|| DiskProblem::NoDeployment { entry: entry.file.clone(), path: path.to_owned() })?
        }
        None if all.len() == 1 => all[0].clone(),
        None => return Err(DiskProblem::NoEntry { deployments: all.len() }),
    };
    Ok((chosen, all.len()))
}
