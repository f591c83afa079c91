//! What a build tells while it runs.

/// A station of the line from image to disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Station {
    /// Layers are read, checked and hashed; counted in compressed bytes.
    Layers,
    /// The files of a disk are read and hashed; counted in disks.
    Disk,
    /// The ostree repository is put together; counted in commits.
    Objects,
    /// File systems are laid out; counted in file systems.
    Plan,
    /// The formats are made to know their sizes; counted in bytes of the disk.
    Forecast,
    /// The partitions of a disk are looked through; counted in partitions.
    Check,
    /// A file is compared with the disk; counted in bytes of the disk.
    Compare,
    /// The disk is written; counted in bytes of the disk.
    Write,
    /// The installer medium is written; counted in bytes of the disk.
    Medium,
}

impl Station {
    /// What is done there, for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Layers => "Reading layers",
            Self::Disk => "Reading the disk",
            Self::Objects => "Committing to ostree",
            Self::Plan => "Laying out file systems",
            Self::Forecast => "Forecasting sizes",
            Self::Check => "Looking through the disk",
            Self::Compare => "Comparing",
            Self::Write => "Writing the disk",
            Self::Medium => "Writing the medium",
        }
    }

    /// A stable word for machines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Layers => "layers",
            Self::Disk => "disk",
            Self::Objects => "objects",
            Self::Plan => "plan",
            Self::Forecast => "forecast",
            Self::Check => "check",
            Self::Compare => "compare",
            Self::Write => "write",
            Self::Medium => "medium",
        }
    }

    /// Whether it counts bytes.
    #[must_use]
    pub fn counts_bytes(self) -> bool {
        matches!(self, Self::Layers | Self::Forecast | Self::Compare | Self::Write)
    }
}

/// Listens to a build. All methods do nothing unless they are written.
pub trait Progress {
    /// A station begins; `total` is what [`Progress::at`] will reach.
    fn begin(&mut self, _station: Station, _total: u64) {}
    /// So much of the station is done.
    fn at(&mut self, _station: Station, _done: u64) {}
    /// Something worth a word inside a station, such as the layer that begins.
    fn note(&mut self, _station: Station, _text: &str) {}
    /// The station is done.
    fn end(&mut self, _station: Station) {}
    /// Something that the user should know and that is no error.
    fn warn(&mut self, _text: &str) {}
}

/// Says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {}
