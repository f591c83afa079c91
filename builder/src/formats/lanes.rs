//! What each format needs: an encoder, which several may share, and a writer.

use builder_block::{ByteSize, DiskSource, Sink};
use builder_qcow2::Compression;

use super::compressed::CompressedWriter;
use super::container_disk::ContainerDiskWriter;
use super::gce::GceWriter;
use super::line::{self, Encoder, Output, PassError, Writer};
use super::ova::{self, OvaWriter};
use super::plain::PlainWriter;
use super::stream::{self, Compressor};
use super::{ClusterCompression, FormatError, Formats, OutputFormat};

/// What formats say of the machine that a disk belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// The system, for people.
    pub(crate) system: String,
    /// Architecture as images name it.
    pub(crate) architecture: String,
    /// Unix seconds.
    pub(crate) created: i64,
    /// Tells the disk from all others.
    pub(crate) unique_id: [u8; 16],
}

/// The formats of one pass, checked, with all that they need.
pub(crate) struct Selection {
    encoders: Vec<Encoder>,
    writers: Vec<(usize, Box<dyn Writer>)>,
}

/// What tells one encoder from another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Stream(Compressor),
    Runs,
    Qcow2,
    Vmdk,
}

impl Selection {
    /// Checks that `disk` can be written in all of `formats`.
    ///
    /// # Errors
    /// [`FormatError`] of the first that cannot be.
    pub(crate) fn new(
        disk: &(dyn DiskSource + Sync),
        formats: &Formats,
        machine: &Machine,
    ) -> Result<Self, FormatError> {
        let mut kinds = Vec::new();
        let mut selection = Self { encoders: Vec::new(), writers: Vec::new() };
        for &format in &formats.formats {
            let (kind, encoder, writer) = lane(disk, formats, format, machine)?;
            let number = kinds.iter().position(|known| *known == kind).unwrap_or_else(|| {
                kinds.push(kind);
                selection.encoders.push(encoder);
                kinds.len() - 1
            });
            selection.writers.push((number, writer));
        }
        Ok(selection)
    }

    /// Adds a writer that takes the pieces as they are, behind the formats.
    pub(crate) fn add_plain(&mut self, writer: Box<dyn Writer>) {
        let plain = self.encoders.iter().position(|encoder| matches!(encoder, Encoder::Plain));
        let number = plain.unwrap_or_else(|| {
            self.encoders.push(Encoder::Plain);
            self.encoders.len() - 1
        });
        self.writers.push((number, writer));
    }

    /// Writes `disk` to one file each, in the order of the formats.
    ///
    /// # Errors
    /// [`PassError`], with the number of the output that failed.
    pub(crate) fn write(
        self,
        disk: &(dyn DiskSource + Sync),
        files: Vec<&mut (dyn Sink + Send)>,
        threads: usize,
        done: &mut dyn FnMut(u64),
    ) -> Result<Vec<u64>, PassError> {
        let outputs = self
            .writers
            .into_iter()
            .zip(files)
            .map(|((encoder, writer), sink)| Output { encoder, writer, sink })
            .collect();
        line::run(disk, &self.encoders, outputs, threads, done)
    }
}

/// Whether a writer of the format goes back to what it wrote.
pub(crate) fn is_patched(format: OutputFormat) -> bool {
    format.is_medium() || matches!(format, OutputFormat::Qcow2 | OutputFormat::Ova | OutputFormat::ContainerDisk)
}

fn lane(
    disk: &(dyn DiskSource + Sync),
    formats: &Formats,
    format: OutputFormat,
    machine: &Machine,
) -> Result<(Kind, Encoder, Box<dyn Writer>), FormatError> {
    let size = disk.size();
    let granularity = format.granularity();
    if matches!(format, OutputFormat::Vhd | OutputFormat::Gce) && !size.bytes().is_multiple_of(granularity.bytes()) {
        return Err(FormatError::Size { format, size, granularity });
    }
    let stream = |compressor: Compressor| {
        let (least, most) = compressor.levels();
        let level = formats.level.unwrap_or(compressor.default_level());
        if (least..=most).contains(&level) {
            Ok(stream::Encoder::new(compressor, level))
        } else {
            Err(FormatError::Level { format, level, least, most })
        }
    };
    let compressed = |compressor: Compressor| -> Result<(Kind, Encoder, Box<dyn Writer>), FormatError> {
        let writer = Box::new(CompressedWriter::new(compressor));
        Ok((Kind::Stream(compressor), Encoder::Stream(stream(compressor)?), writer))
    };
    Ok(match format {
        OutputFormat::Iso | OutputFormat::Pxe => return Err(FormatError::NeedsImage { format }),
        OutputFormat::Raw => (Kind::Plain, Encoder::Plain, Box::new(PlainWriter::raw(size.bytes()))),
        OutputFormat::Vhd => {
            let options = builder_vhd::Options { size, unique_id: machine.unique_id, created: machine.created };
            let footer = builder_vhd::footer(&options)?;
            (Kind::Plain, Encoder::Plain, Box::new(PlainWriter::vhd(size.bytes(), &footer)))
        }
        OutputFormat::RawGz => compressed(Compressor::Gzip)?,
        OutputFormat::RawXz => compressed(Compressor::Xz)?,
        OutputFormat::RawZst => compressed(Compressor::Zstd)?,
        OutputFormat::Gce => {
            let encoder = stream(Compressor::Gzip)?;
            let level = formats.level.unwrap_or(Compressor::Gzip.default_level());
            (Kind::Runs, Encoder::Runs(encoder), Box::new(GceWriter::new(disk, machine.created, level)?))
        }
        OutputFormat::Qcow2 | OutputFormat::ContainerDisk => {
            let failed = |source| FormatError::Qcow2 { format, source };
            let options = qcow2(size, formats);
            let writer = builder_qcow2::Writer::new(&options).map_err(failed)?;
            let encoder = Encoder::Qcow2(builder_qcow2::Encoder::new(&options).map_err(failed)?);
            let writer: Box<dyn Writer> = if format == OutputFormat::Qcow2 {
                Box::new(writer)
            } else {
                Box::new(ContainerDiskWriter::new(writer, machine.architecture.clone(), machine.created))
            };
            (Kind::Qcow2, encoder, writer)
        }
        OutputFormat::Vmdk | OutputFormat::Ova => {
            let failed = |source| FormatError::Vmdk { format, source };
            let (least, most) = Compressor::Gzip.levels();
            let level = formats.level.unwrap_or(Compressor::Gzip.default_level());
            let described = ova::Machine {
                name: "image".to_owned(),
                system: machine.system.clone(),
                size: size.bytes(),
                created: machine.created,
            };
            let [a, b, c, d, ..] = machine.unique_id;
            let options = builder_vmdk::Options {
                size,
                level: u32::try_from(level)
                    .ok()
                    .filter(|_| (least..=most).contains(&level))
                    .ok_or(FormatError::Level { format, level, least, most })?,
                // The two highest numbers mean "no content".
                content_id: u32::from_be_bytes([a, b, c, d]) & 0x7fff_ffff,
                name: if format == OutputFormat::Ova { described.disk_name() } else { format.file_name().to_owned() },
            };
            let writer = builder_vmdk::Writer::new(&options).map_err(failed)?;
            let encoder = Encoder::Vmdk(builder_vmdk::Encoder::new(&options));
            let writer: Box<dyn Writer> = if format == OutputFormat::Vmdk {
                Box::new(writer)
            } else {
                Box::new(OvaWriter::new(described, writer))
            };
            (Kind::Vmdk, encoder, writer)
        }
    })
}

fn qcow2(size: ByteSize, formats: &Formats) -> builder_qcow2::Options {
    let compression = match formats.compression {
        ClusterCompression::Zstd => Compression::Zstd,
        ClusterCompression::Zlib => Compression::Zlib,
        ClusterCompression::None => Compression::None,
    };
    // What is not compressed has no level, whatever the other formats are asked for.
    let level = if compression == Compression::None { None } else { formats.level };
    builder_qcow2::Options {
        size,
        cluster_size: formats.cluster_size.unwrap_or(builder_qcow2::Options::CLUSTER_SIZE),
        compression,
        level: level.unwrap_or(builder_qcow2::Options::default_level(compression)),
    }
}
