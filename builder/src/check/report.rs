//! What comes out of a check, and how people read it.

use std::fmt;
use std::path::PathBuf;

use builder_block::{ByteSize, Severity};
use serde::Serialize;

use super::{DiskFinding, MediumReport, RepositoryReport, Step};
use crate::escaped::Escaped;

/// What is known of a disk.
#[derive(Clone, Debug, Serialize)]
pub struct CheckReport {
    /// The file.
    pub path: PathBuf,
    /// Its format.
    pub format: &'static str,
    /// Size of the disk in bytes.
    pub size: u64,
    /// What kind of partition table it has.
    pub table: String,
    /// What is wrong with the table.
    pub table_findings: Vec<DiskFinding>,
    /// The volume of an installer medium; `None` for disks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub medium: Option<MediumReport>,
    /// The partitions.
    pub partitions: Vec<CheckedPartition>,
    /// The ostree repository and its deployments; `None` where there is none, or where only the tables were looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<RepositoryReport>,
    /// The way from the firmware to each deployment.
    pub walk: Vec<Step>,
    /// What was not looked at.
    pub notes: Vec<String>,
    /// Whether nothing is damaged and every way leads to its end.
    pub sound: bool,
}

/// A partition, and what is wrong with what is in it.
#[derive(Clone, Debug, Serialize)]
pub struct CheckedPartition {
    /// Its number, from 1.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// Its type, by name or by GUID.
    pub partition_type: String,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// Its size in bytes.
    pub size: u64,
    /// Its file system, or `swap`; `None` where that is not known here.
    pub filesystem: Option<&'static str>,
    /// UUID or serial number of the file system.
    pub uuid: Option<String>,
    /// Label of the file system.
    pub label: Option<String>,
    /// What is wrong with it.
    pub findings: Vec<DiskFinding>,
}

impl CheckedPartition {
    /// A place of the disk of which nothing else is known.
    pub(super) fn unnamed(offset: u64, size: u64) -> Self {
        Self {
            number: 0,
            name: String::new(),
            partition_type: String::new(),
            offset,
            size,
            filesystem: None,
            uuid: None,
            label: None,
            findings: Vec::new(),
        }
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, format, size, table, table_findings, medium, partitions, repository, walk, notes, sound } =
            self;
        let disk = if medium.is_some() { String::new() } else { format!("{format} disk, ") };
        writeln!(f, "{}: {disk}{}, {table}", path.display(), ByteSize::new(*size))?;
        table_findings.iter().try_for_each(|finding| writeln!(f, "  {finding}"))?;
        medium.iter().try_for_each(|medium| write!(f, "{medium}"))?;
        for partition in partitions {
            let CheckedPartition { number, name, partition_type, size, filesystem, uuid, label, findings, .. } =
                partition;
            let bad = findings.iter().any(|finding| finding.severity == Severity::Error);
            write!(f, "  {} partition {number} ", if bad { '✗' } else { '✓' })?;
            write!(f, "{name:?} ({partition_type}), {}", ByteSize::new(*size))?;
            filesystem.iter().try_for_each(|filesystem| write!(f, ", {filesystem}"))?;
            label.iter().try_for_each(|label| write!(f, " {label:?}"))?;
            uuid.iter().try_for_each(|uuid| write!(f, " {}", Escaped(uuid)))?;
            writeln!(f)?;
            findings.iter().try_for_each(|finding| writeln!(f, "      {finding}"))?;
        }
        if let Some(repository) = repository {
            write!(f, "{repository}")?;
        }
        writeln!(f, "Boot")?;
        walk.iter().try_for_each(|step| step.write(f, 1))?;
        notes.iter().try_for_each(|note| writeln!(f, "note: {}", Escaped(note)))?;
        writeln!(
            f,
            "{}",
            if *sound { "sound: nothing is damaged, and every way leads to its end" } else { "not sound" }
        )
    }
}
