//! The archive that is loaded behind an initramfs, or alone: the program that installs, and modules.

use std::io::Write;

use builder_initramfs::{ArchiveWriter, gap};

use crate::deployable::EarlyTold;
use crate::medium::error::MediumError;
use crate::medium::modules::MediumModules;

/// Level of zstd: 9 would save 1.5 MiB of some 10, and take six times as long.
const ZSTD_LEVEL: i32 = 3;
/// Level of gzip.
const GZIP_LEVEL: u32 = 6;

/// What the archive is made of.
pub(crate) struct Ingredients {
    /// The kernel's release.
    pub(crate) release: String,
    pub(crate) modules: MediumModules,
    /// What its initramfs is, behind which the archive will be.
    pub(crate) early: EarlyTold,
    /// The program that installs.
    pub(crate) program: &'static [u8],
    /// How many threads may unpack modules. The bytes do not depend on it.
    pub(crate) threads: usize,
}

impl Ingredients {
    /// Makes the archive, packed as the kernel can certainly unpack it.
    ///
    /// # Errors
    /// [`MediumError`]: modules are damaged, or nothing can be put behind the initramfs.
    pub(crate) fn pack(self) -> Result<Vec<u8>, MediumError> {
        // Zeros in front, as far as an archive behind any initramfs needs them; the kernel passes over them.
        let zeros = usize::try_from(gap(0)).unwrap_or(4);
        let packed = vec![0; zeros];
        let failed = |source| MediumError::Read { source };
        if self.unpacks_zstd()? {
            let mut encoder = zstd::stream::write::Encoder::new(packed, ZSTD_LEVEL).map_err(failed)?;
            self.fill(&mut encoder)?;
            encoder.finish().map_err(failed)
        } else {
            let mut encoder = flate2::write::GzEncoder::new(packed, flate2::Compression::new(GZIP_LEVEL));
            self.fill(&mut encoder)?;
            encoder.finish().map_err(failed)
        }
    }

    /// Whether the kernel unpacks what its own initramfs is packed with; gzip is what no distribution leaves out.
    fn unpacks_zstd(&self) -> Result<bool, MediumError> {
        match self.early.recv() {
            Ok(Ok(early)) => Ok(early.has_zstd),
            Ok(Err(reason)) => Err(MediumError::Initramfs { release: self.release.clone(), reason }),
            // Whoever reads it says so as well.
            Err(_) => Err(MediumError::Read { source: std::io::Error::other("the initramfs cannot be read") }),
        }
    }

    fn fill(&self, out: &mut dyn Write) -> Result<(), MediumError> {
        let Self { modules, program, .. } = self;
        let mut archive = ArchiveWriter::new(out);
        archive.directory("diskwright", 0o755)?;
        archive.file("diskwright/install", 0o755, program)?;
        for (name, text) in [
            ("modules.dep", &modules.dependencies),
            ("modules.alias", &modules.aliases),
            ("modules.load", &modules.always),
        ] {
            archive.file(format!("diskwright/{name}"), 0o644, text.as_bytes())?;
        }
        archive.directory("diskwright/modules", 0o755)?;
        modules.unpack(self.threads, |name, module| {
            archive.file(format!("diskwright/modules/{name}.ko"), 0o644, module).map_err(MediumError::from)
        })?;
        archive.finish()?;
        Ok(())
    }
}
