//! The straight line from image to disk, one function a station.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use builder_block::{ByteSize, DiskSource, Recorded, SectorSize, SharedFile};
use builder_gpt::{Partition, PartitionTable, attributes};
use builder_oci::Image;
use builder_packages::PackageSet;
use builder_tree::{ContentStore, FileTree};

use crate::bundle::{self, BundleInputs};
use crate::contents::final_layer;
use crate::disk::{DiskImage, Part};
use crate::error::BuildError;
use crate::filesystems::{self, Filled};
use crate::formats::{Compared, Formats, Machine, OutputFormat};
use crate::identity::Identity;
use crate::layout::{Filling, Layout};
use crate::lint::gate;
use crate::medium::MediumWriting;
use crate::outcome::Outcome;
use crate::output::{OutputError, PendingFile};
use crate::placement::{self, RootSize};
use crate::plan::{Forecast, Plan, PlannedDisk, PlannedPartition};
use crate::progress::{Progress, Station};
use crate::recipe::Recipe;
use crate::source;
use crate::suitability;
use crate::system::{self, Read, System};
use crate::writing::{PendingFiles, Writing, Written};

/// An installed system, made from an image and not yet in file systems.
pub struct Assembled<'r> {
    recipe: &'r Recipe,
    image: Image,
    layout: Layout,
    identity: Identity,
    sector: SectorSize,
    root_size: RootSize,
    system: System,
    scratch: ByteSize,
    /// The file of the image's files, where parts of it can be given back.
    stored: Option<(SharedFile, File)>,
    /// The request that decides bytes, as text.
    canonical: String,
    contents: Contents,
}

/// What the documents say of the image's contents.
#[derive(Default)]
struct Contents {
    /// What is installed; `None` where nobody keeps a list, or nobody wants it.
    packages: Option<PackageSet>,
    /// The distribution as package URLs have it.
    distro: Option<String>,
}

impl Contents {
    fn read(tree: &FileTree, progress: &mut dyn Progress) -> Self {
        let packages = match builder_packages::read(tree) {
            Ok(packages) => packages,
            Err(error) => {
                let hint = error.hint().map_or(String::new(), |hint| format!(" ({hint})"));
                progress.warn(&format!("the bill of materials has no packages: {error}{hint}"));
                None
            }
        };
        let release = builder_boot::OsRelease::read(tree).ok();
        let field = |key: &str| release.as_ref().and_then(|release| release.fields().get(key)).cloned();
        let distro = field("ID").map(|id| match field("VERSION_ID") {
            Some(version) => format!("{id}-{version}"),
            None => id,
        });
        Self { packages, distro }
    }
}

impl<'r> Assembled<'r> {
    /// Reads the image and makes the system. Writes nothing but unnamed scratch.
    ///
    /// # Errors
    /// Whatever keeps the image from becoming the system that was asked for.
    pub fn new(recipe: &'r Recipe, progress: &mut dyn Progress) -> Result<Self, BuildError> {
        if recipe.formats.has_medium() {
            recipe.formats.medium.check()?;
        }
        let image = source::open(&recipe.source, &recipe.platform)?;
        suitability::check_labels(&image.labels(), progress);
        gate::warn_if_off(&recipe.lint, progress);
        let rollback = recipe.rollback.as_ref().map(|source| source::open(source, &recipe.platform)).transpose()?;
        if let Some(rollback) = &rollback {
            suitability::check_rollback(&image, rollback)?;
        }
        let layout = match &recipe.layout {
            Some(layout) => layout.clone(),
            None => Layout::template(&image.platform().architecture)?,
        };
        let created = recipe.source_date_epoch.or_else(|| image.created()).unwrap_or(0).max(0);
        let canonical = recipe.canonical(&layout, rollback.as_ref().map(|image| image.manifest_digest().as_str()));
        let identity = Identity::new(image.manifest_digest().as_str(), &canonical, created);
        // What the sizes alone forbid is found out before the long part.
        let sector = recipe.sector_size_of(&layout);
        recipe.formats.require_sectors(sector)?;
        let root_size = placement::root_size(&layout, recipe.root_size, recipe.disk_size, sector)?;
        if let RootSize::Fixed(size) = root_size {
            placement::place(&layout, size, recipe.disk_size, sector)?;
        }

        let mut store = recipe.store().map_err(|source| BuildError::Scratch { source })?;
        let mut images = Vec::new();
        let mut contents = Contents::default();
        // One store for both, so what they have in common is kept once.
        for image in std::iter::once(&image).chain(&rollback) {
            let (layers, policy) =
                source::read_layers(image, final_layer(image)?, recipe.selinux, &mut store, progress)?;
            if recipe.bundle.is_some() && images.is_empty() {
                contents = Contents::read(&layers.merged, progress);
            }
            images.push(Read { image, layers, policy });
        }
        let scratch = store.scratch_bytes();
        let stored = store.scratch_file().map_err(|source| BuildError::Scratch { source })?;
        drop(store);
        let system = system::assemble(recipe, images, &identity, &layout, progress)?;
        let scratch = ByteSize::new(scratch + system.scratch);
        Ok(Self { recipe, image, layout, identity, sector, root_size, system, scratch, stored, canonical, contents })
    }

    /// Lays out the disk.
    ///
    /// # Errors
    /// The system does not fit the sizes asked for, or has something that a file system cannot hold.
    pub fn prepare(&self, progress: &mut dyn Progress) -> Result<Prepared<'_>, BuildError> {
        let Self { recipe, image, layout, identity, system, sector, .. } = self;
        progress.begin(Station::Plan, layout.partitions.len() as u64);
        let granularity = recipe.disk_granularity();
        let filled =
            filesystems::plan(layout, identity, system, self.root_size, recipe.disk_size, granularity, *sector)?;
        let table = table(layout, identity, &filled, *sector)?;
        let mut plan = describe(recipe, image, identity, layout, system, &filled, *sector);
        if let Some(granularity) = granularity {
            plan.notes.push(format!("the disk is a multiple of {granularity} large, as one of the formats wants it"));
        }
        let formats = &recipe.formats.formats;
        plan.notes.extend(system.medium.iter().flat_map(|medium| medium.notes(formats)));
        let disk = DiskImage { table, parts: parts(filled) };
        // Bytes that are made and not copied are kept in the scratch file until they are in their order.
        let scratch = |source| BuildError::Scratch { source };
        let file = tempfile::tempfile_in(&recipe.scratch).map_err(scratch)?;
        let mut bytes = Recorded::new(disk.size(), file);
        disk.write_to(&mut bytes).map_err(scratch)?;
        plan.forecast.scratch = ByteSize::new(self.scratch.bytes().saturating_add(bytes.scratch_bytes().bytes()));
        let runs = builder_block::runs(&bytes).map_err(scratch)?;
        plan.forecast.output = runs.iter().map(|run| ByteSize::new(run.end - run.start)).sum();
        progress.end(Station::Plan);
        let machine = Machine {
            system: system.name.clone(),
            architecture: image.platform().architecture.clone(),
            created: identity.created(),
            unique_id: identity.uuid("disk").into_bytes(),
        };
        Ok(Prepared { assembled: self, recipe, plan, image: disk, bytes, machine })
    }
}

/// A disk that is decided down to the last byte and not written yet.
pub struct Prepared<'a> {
    assembled: &'a Assembled<'a>,
    recipe: &'a Recipe,
    plan: Plan,
    image: DiskImage<'a>,
    bytes: Recorded,
    machine: Machine,
}

impl Prepared<'_> {
    /// What is decided.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What is decided, and nothing else: all formats are made, to know their sizes, and not written.
    ///
    /// # Errors
    /// The disk cannot be written in one of the formats.
    pub fn into_plan(mut self, progress: &mut dyn Progress) -> Result<Plan, BuildError> {
        self.plan.forecast.output = self.forecast(progress)?;
        Ok(self.plan)
    }

    /// Writes the disk in all formats, and the documents beside it, and gives the files their names.
    ///
    /// # Errors
    /// There is not enough room, or writing fails; then nothing is left behind.
    ///
    /// # Panics
    /// If there is not one pending file for each format.
    pub fn write(mut self, pending: PendingFiles, progress: &mut dyn Progress) -> Result<Outcome, BuildError> {
        let stored = self.assembled.stored.as_ref().map(|(shared, file)| Ok((Arc::clone(shared), file.try_clone()?)));
        // A medium is made in a pass of its own, so that the disk is read twice where there are other formats too.
        let stored = stored.filter(|_| self.assembled.system.medium.is_none());
        let once = match stored.transpose().map_err(|source| BuildError::Scratch { source })? {
            Some((shared, file)) => Some(self.bytes.once(shared, file)),
            None => None,
        };
        let disk: &(dyn DiskSource + Sync) = once.as_ref().map_or(&self.bytes, |once| once);
        let medium = self.medium();
        let writing = Writing { disk, medium: medium.as_ref(), ..self.writing() };
        let Written { artefacts, others } = writing.write(&pending, self.plan.forecast.output, progress)?;
        self.plan.forecast.output = artefacts.iter().map(|artefact| ByteSize::new(artefact.written)).sum();
        let documents = match &self.recipe.bundle {
            Some(tool) if !pending.documents.is_empty() => bundle::documents(&BundleInputs {
                plan: &self.plan,
                artefacts: &artefacts,
                others: &others,
                canonical_recipe: &self.assembled.canonical,
                formats: &self.recipe.formats,
                created: self.machine.created,
                tool,
                packages: self.assembled.contents.packages.as_ref(),
                distro: self.assembled.contents.distro.as_deref(),
                prefix: pending.prefix.as_deref(),
            })?,
            _ => Vec::new(),
        };
        pending.complete(&documents)?;
        Ok(Outcome { artefacts, plan: self.plan })
    }

    /// The disk.
    pub(crate) fn disk(&self) -> &Recorded {
        &self.bytes
    }

    /// What lies at `offset` of the disk, in words.
    pub(crate) fn describe(&self, offset: u64) -> String {
        self.image.describe(offset, &self.assembled.layout)
    }

    /// Compares `file`, which is at `path`, with the disk in one format.
    pub(crate) fn compare(
        &self,
        format: OutputFormat,
        path: &Path,
        file: &mut Compared,
        progress: &mut dyn Progress,
    ) -> Result<(), BuildError> {
        let formats = Formats { formats: vec![format], ..self.recipe.formats.clone() };
        let medium = self.medium().filter(|_| format.is_medium());
        Writing { formats: &formats, medium: medium.as_ref(), ..self.writing() }.compare(path, file, progress)
    }

    fn forecast(&self, progress: &mut dyn Progress) -> Result<ByteSize, BuildError> {
        let medium = self.medium();
        Writing { medium: medium.as_ref(), ..self.writing() }.forecast(progress)
    }

    /// What makes an installer medium, where one is wanted.
    fn medium(&self) -> Option<MediumWriting<'_>> {
        let Assembled { system, identity, recipe, sector, .. } = self.assembled;
        system.medium.as_ref().map(|source| MediumWriting {
            disk: &self.bytes,
            plan: &self.plan,
            identity,
            source,
            options: &recipe.formats.medium,
            sector: *sector,
            level: recipe.formats.level,
            threads: recipe.threads,
        })
    }

    fn writing(&self) -> Writing<'_> {
        Writing {
            path: None,
            disk: &self.bytes,
            medium: None,
            sector: Some(self.assembled.sector),
            formats: &self.recipe.formats,
            machine: &self.machine,
            threads: self.recipe.threads,
        }
    }
}

impl Recipe {
    /// The store of the image's files. Where several files are made and each is compressed, it is compressed as well, or
    /// it would need far more room than any of them.
    fn store(&self) -> io::Result<ContentStore> {
        let packed = self.formats.formats.len() > 1 && self.formats.are_compressed();
        if packed { ContentStore::packed(&self.scratch) } else { ContentStore::new(&self.scratch) }
    }

    /// Refuses an output that would replace a part of the image it is made from.
    ///
    /// # Errors
    /// [`OutputError::IsSource`].
    pub fn refuse_source_as_output(&self, pending: &PendingFile) -> Result<(), BuildError> {
        let inside = |path: &std::path::Path| {
            let Ok(source) = std::fs::canonicalize(path) else { return false };
            std::fs::canonicalize(pending.target()).is_ok_and(|target| target.starts_with(source))
        };
        if std::iter::once(&self.source).chain(&self.rollback).any(|source| inside(source.path())) {
            return Err(OutputError::IsSource { path: pending.target().to_owned() }.into());
        }
        Ok(())
    }
}

fn table(
    layout: &Layout,
    identity: &Identity,
    filled: &Filled<'_>,
    sector: SectorSize,
) -> Result<PartitionTable, BuildError> {
    let partitions = layout.partitions.iter().zip(&filled.parts).map(|(partition, part)| Partition {
        type_guid: partition.type_guid,
        guid: identity.uuid(&format!("partition {}", partition.from.name())),
        name: partition.name.clone(),
        first: part.first,
        sectors: part.filesystem.size().bytes() / sector.bytes(),
        attributes: if partition.grow { attributes::GROW_FS } else { 0 },
    });
    Ok(PartitionTable::new(identity.uuid("disk"), filled.disk_size, sector, partitions.collect())?)
}

fn parts(filled: Filled<'_>) -> Vec<Part<'_>> {
    filled.parts.into_iter().map(|part| Part { first: part.first, filesystem: part.filesystem }).collect()
}

fn describe(
    recipe: &Recipe,
    image: &Image,
    identity: &Identity,
    layout: &Layout,
    system: &System,
    filled: &Filled<'_>,
    sector: SectorSize,
) -> Plan {
    let mut notes = system.notes.clone();
    let mut partitions = Vec::new();
    for ((number, partition), part) in (1_u32..).zip(&layout.partitions).zip(&filled.parts) {
        if partition.from == Filling::Sysroot && filled.room_for_upgrade {
            notes.push(format!(
                "the root keeps {} free: room for the next upgrade beside the running system",
                part.free
            ));
        }
        partitions.push(PlannedPartition {
            number,
            name: partition.name.clone(),
            type_guid: partition.type_guid.to_string(),
            guid: identity.uuid(&format!("partition {}", partition.from.name())).to_string(),
            offset: part.first.offset(sector),
            size: part.filesystem.size(),
            format: partition.format.name(),
            label: partition.label.clone(),
            uuid: part.uuid.clone(),
            from: partition.from.name(),
            used: part.used,
            free: part.free,
            grow: partition.grow,
        });
    }
    if sector != SectorSize::default() {
        notes.push(format!("only machines that see the disk's sectors as {sector} bytes each find its partitions"));
    }
    Plan {
        image: system::planned_image(&recipe.source, image, &system.name),
        disk: PlannedDisk {
            size: filled.disk_size,
            sector_size: sector,
            guid: identity.uuid("disk").to_string(),
            partitions,
        },
        deployment: system.deployment.clone(),
        boot: system.boot.clone(),
        rollback: system.rollback.clone(),
        // Filled in once the whole disk is decided.
        forecast: Forecast { output: ByteSize::ZERO, scratch: ByteSize::ZERO },
        notes,
    }
}
