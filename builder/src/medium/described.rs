//! What media of a system have in common, however they are made: identity, kernel arguments, menu, manifest.

use builder_block::{DiskSource, SectorSize};
use builder_boot::MenuSettings;
use builder_medium::{Disk, Loader, Manifest, Partition, System, Uuid};

use crate::identity::Identity;
use crate::medium::options::{AnswersFile, MediumOptions};
use crate::medium::payload;
use crate::medium::source::MediumSource;
use crate::plan::Plan;

/// The loop device that a system on trial has for its drive.
const LIVE_DRIVE: &str = "/dev/loop77";

/// All that is needed to write a medium.
pub(crate) struct MediumWriting<'a> {
    pub(crate) disk: &'a (dyn DiskSource + Sync),
    pub(crate) plan: &'a Plan,
    pub(crate) identity: &'a Identity,
    pub(crate) source: &'a MediumSource,
    pub(crate) options: &'a MediumOptions,
    /// Of the disk.
    pub(crate) sector: SectorSize,
    pub(crate) level: Option<i32>,
    pub(crate) threads: usize,
}

impl MediumWriting<'_> {
    /// Whether the system can be tried: whether the kernel has what it takes.
    pub(crate) fn is_live(&self) -> bool {
        self.source.parts.live_lacks.is_none()
    }

    pub(crate) fn id(&self) -> Uuid {
        self.identity.uuid(&format!("medium {}", self.options.canonical()))
    }

    /// The disk's own kernel arguments, and `ostree=`.
    pub(crate) fn kargs(&self) -> (Vec<String>, String) {
        let mut ostree = String::new();
        let mut kargs = Vec::new();
        for karg in self.plan.boot.entry.options.split(' ').filter(|karg| !karg.is_empty()) {
            match karg.split_once('=').map_or(karg, |(key, _)| key) {
                "root" => {}
                "ostree" => ostree = karg.to_owned(),
                _ => kargs.push(karg.to_owned()),
            }
        }
        (kargs, ostree)
    }

    pub(crate) fn manifest(&self, payload: u64, blocks: u64) -> Manifest {
        let Self { plan, source: MediumSource { parts, installed, .. }, .. } = self;
        let (kargs, ostree) = self.kargs();
        let uuid = |text: &str| text.parse().unwrap_or_default();
        let partitions = plan.disk.partitions.iter().map(|partition| Partition {
            number: partition.number,
            name: partition.name.clone(),
            type_guid: uuid(&partition.type_guid),
            guid: uuid(&partition.guid),
            offset: partition.offset.bytes(),
            size: partition.size.bytes(),
            filesystem: if partition.format == "fat32" { "vfat" } else { partition.format }.to_owned(),
            uuid: partition.uuid.clone(),
            holds: partition.from.to_owned(),
            grows: partition.grow,
        });
        Manifest {
            format: Manifest::FORMAT,
            id: self.id(),
            system: System {
                name: plan.image.name.clone(),
                architecture: parts.architecture_name.clone(),
                tracks: installed.tracks.clone(),
                digest: plan.image.digest.clone(),
                deployment: installed.deployment.clone(),
                var: installed.var.clone(),
                kargs,
                ostree,
                loader: Loader {
                    kind: parts.loader.kind().to_owned(),
                    label: parts.label.clone(),
                    program: parts.loader.program().unwrap_or_default(),
                },
                live: self.is_live(),
            },
            disk: Disk {
                size: plan.disk.size.bytes(),
                sector_size: u32::try_from(self.sector.bytes()).unwrap_or(512),
                guid: uuid(&plan.disk.guid),
                partitions: partitions.collect(),
                named_by: Some(installed.named_by.clone()),
            },
            payload: builder_medium::Payload { size: payload, block_size: payload::BLOCK.bytes(), blocks },
        }
    }

    /// What the menu is made with.
    pub(crate) fn settings(&self) -> MenuSettings {
        let options = self.options;
        MenuSettings {
            title: options.title.clone().unwrap_or_else(|| self.plan.image.name.clone()),
            timeout: options.timeout,
            default: AnswersFile::default_entry(options.answers.as_ref(), self.is_live()),
            kargs: options.kargs.clone(),
        }
    }
}

/// Kernel arguments for installing, and for trying.
pub(crate) fn arguments(manifest: &Manifest) -> (Vec<String>, Vec<String>) {
    let Manifest { id, system, .. } = manifest;
    let root = manifest.sysroot().map_or(1, |partition| partition.number);
    let own = |mode: &str| {
        let words = ["rdinit=/diskwright/install".to_owned(), format!("diskwright.mode={mode}")];
        words.into_iter().chain([format!("diskwright.medium={id}")])
    };
    let install = own("install").chain(system.kargs.iter().cloned()).collect();
    let live = own("live").chain(system.kargs.iter().cloned());
    let live = live.chain([format!("root={LIVE_DRIVE}p{root}"), system.ostree.clone()]).collect();
    (install, live)
}
