//! The archive that is loaded behind an initramfs, or alone: the program that installs, and modules.

use std::io::{self, Write};

use builder_initramfs::{ArchiveWriter, Compression, Initramfs, Limits, gap};
use builder_tree::{FileTree, Inode};

use crate::medium::error::MediumError;
use crate::medium::modules::MediumModules;

/// Level of zstd: 9 would save 1.5 MiB of some 10, and take six times as long.
const ZSTD_LEVEL: i32 = 3;
/// Level of gzip.
const GZIP_LEVEL: u32 = 6;

/// The archive, and what the kernel lacks.
pub(crate) struct Made {
    pub(crate) packed: Vec<u8>,
    /// What is missing to try the system from a medium.
    pub(crate) live_lacks: Option<&'static str>,
    /// What is missing to find a medium that firmware has fetched over HTTP.
    pub(crate) http_lacks: Option<&'static str>,
}

/// Makes the archive for the kernel `release` of `tree`, packed as the kernel can certainly unpack it.
///
/// # Errors
/// [`MediumError`]: modules are missing or damaged, or nothing can be put behind the initramfs.
pub(crate) fn archive(tree: &FileTree, release: &str, initramfs: &Inode, program: &[u8]) -> Result<Made, MediumError> {
    let compression = compression(release, initramfs)?;
    let modules = MediumModules::read(tree, release)?;
    // Zeros in front, as far as an archive behind any initramfs needs them; the kernel passes over them.
    let zeros = usize::try_from(gap(0)).unwrap_or(4);
    let mut packed = vec![0; zeros];
    let failed = |source| MediumError::Read { source };
    if compression == Compression::Zstd {
        let mut encoder = zstd::stream::write::Encoder::new(packed, ZSTD_LEVEL).map_err(failed)?;
        fill(&mut encoder, &modules, program)?;
        packed = encoder.finish().map_err(failed)?;
    } else {
        let mut encoder = flate2::write::GzEncoder::new(packed, flate2::Compression::new(GZIP_LEVEL));
        fill(&mut encoder, &modules, program)?;
        packed = encoder.finish().map_err(failed)?;
    }
    Ok(Made { packed, live_lacks: modules.live_lacks, http_lacks: modules.http_lacks })
}

/// A compression that the kernel has: that of its own initramfs, or gzip, which no distribution leaves out.
fn compression(release: &str, initramfs: &Inode) -> Result<Compression, MediumError> {
    let read = match initramfs.content() {
        Some(content) => {
            Initramfs::read(io::BufReader::with_capacity(1 << 18, content.reader()), &Limits::default(), |_| false)
        }
        None => Initramfs::read(io::empty(), &Limits::default(), |_| false),
    };
    let initramfs = read.map_err(|source| MediumError::Initramfs { release: release.to_owned(), source })?;
    let zstd = initramfs.archives().iter().any(|archive| archive.compression == Compression::Zstd);
    Ok(if zstd { Compression::Zstd } else { Compression::Gzip })
}

fn fill(out: &mut dyn Write, modules: &MediumModules, program: &[u8]) -> Result<(), MediumError> {
    let mut archive = ArchiveWriter::new(out);
    archive.directory("diskwright", 0o755)?;
    archive.file("diskwright/install", 0o755, program)?;
    for (name, text) in
        [("modules.dep", &modules.dependencies), ("modules.alias", &modules.aliases), ("modules.load", &modules.always)]
    {
        archive.file(format!("diskwright/{name}"), 0o644, text.as_bytes())?;
    }
    archive.directory("diskwright/modules", 0o755)?;
    for (name, body) in &modules.files {
        archive.file(format!("diskwright/modules/{name}.ko"), 0o644, body)?;
    }
    archive.finish()?;
    Ok(())
}
