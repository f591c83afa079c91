//! Reading everything back from the drive.

use builder_block::is_zero;
use sha2::{Digest as _, Sha256};

use crate::console::Console;
use crate::failure::{Failure, Tried as _};
use crate::progress::Progress;
use crate::target::Target;
use crate::write::{Expected, Source};

/// Most bytes of zeros that are read at once.
const CHUNK: u64 = 1 << 20;

/// Compares the drive with what it must have: these bytes, and zeros everywhere else on the disk.
pub(crate) fn verify(
    source: &Source<'_>,
    expected: &[Expected],
    target: &Target,
    console: &mut Console,
) -> Result<(), Failure> {
    let mut reader = target.reader().tried(|| "read the drive back")?;
    let mut progress = Progress::start("Reading back", source.disk.size);
    let mut read = |start: u64, end: u64, right: &dyn Fn(&[u8]) -> bool| {
        let length = usize::try_from(end - start).map_err(|_| Failure::new("a block is too long"))?;
        let bytes = reader.read(start, length).tried(|| format!("read {} back from the drive", source.name(start)))?;
        if !right(bytes) {
            return Err(Failure::new(format!("{} reads differently from what was written", source.name(start)))
                .hint("the drive, its cable or the machine's memory is faulty: choose another drive"));
        }
        progress.add(end - start, console);
        Ok(())
    };
    let mut at = 0;
    let end = Expected { place: source.disk.size..source.disk.size, sha256: [0; 32] };
    for Expected { place, sha256 } in expected.iter().chain([&end]) {
        while at < place.start {
            let next = at.saturating_add(CHUNK).min(place.start);
            read(at, next, &is_zero)?;
            at = next;
        }
        if !place.is_empty() {
            read(place.start, place.end, &|bytes| <[u8; 32]>::from(Sha256::digest(bytes)) == *sha256)?;
        }
        at = place.end;
    }
    progress.end(console);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;

    use builder_medium::Block;
    use sha2::{Digest as _, Sha256};

    use super::verify;
    use crate::console::Console;
    use crate::table::{self, Fitted, Ids};
    use crate::target::Target;
    use crate::write::{Source, clear, write};

    const BLOCK: u64 = 64 << 10;

    #[test]
    fn a_drive_full_of_anything_becomes_the_disk() {
        let payload = tempfile::tempfile().unwrap();
        let disk = table::tests::disk(&payload);
        payload.write_all_at(&[7; 100_000], 1 << 20).unwrap();
        payload.write_all_at(&[8; 10], disk.size - 100_000).unwrap();
        let mut blocks = Vec::new();
        for offset in (0..disk.size).step_by(usize::try_from(BLOCK).unwrap()) {
            let mut bytes = vec![0; usize::try_from(BLOCK).unwrap()];
            payload.read_exact_at(&mut bytes, offset).unwrap();
            if bytes.iter().any(|&byte| byte != 0) {
                blocks.push(Block { offset, sha256: Sha256::digest(&bytes).into() });
            }
        }
        let source = Source { payload: &payload, disk: &disk, blocks: &blocks, block_size: BLOCK };
        let console = &mut Console::default();
        for more in [0, 5 << 20] {
            let drive = tempfile::NamedTempFile::new().unwrap();
            let size = disk.size + more;
            for at in (0..size).step_by(1 << 20) {
                drive.as_file().write_all_at(&[0xff; 1 << 20], at).unwrap();
            }
            let target = Target::open(drive.path()).unwrap();
            target.wipe_ends().unwrap();
            clear(&source, &target, console).unwrap();
            let expected = write(&source, &target, console).unwrap();
            verify(&source, &expected, &target, console).unwrap();
            // Half written it is no disk yet.
            assert!(std::fs::read(drive.path()).unwrap()[..34 * 512].iter().all(|&byte| byte == 0));
            // One bit more anywhere, in blocks and between them.
            for at in [3, (1 << 20) + 5, 8 << 20, disk.size - 1] {
                let mut byte = [0];
                drive.as_file().read_exact_at(&mut byte, at).unwrap();
                drive.as_file().write_all_at(&[byte[0] ^ 1], at).unwrap();
                let failure = verify(&source, &expected, &target, console).unwrap_err();
                assert!(failure.reason.contains("reads differently"), "{failure}");
                drive.as_file().write_all_at(&byte, at).unwrap();
            }
            Fitted::new(&payload, &disk, size, Ids::Same).unwrap().write(&target.file).unwrap();
            if more == 0 {
                let (mut one, mut other) = (vec![0; 16 << 20], vec![0; 16 << 20]);
                payload.read_exact_at(&mut one, 0).unwrap();
                drive.as_file().read_exact_at(&mut other, 0).unwrap();
                // The second partition has grown by what the disk left free.
                assert!(one[34 * 512..disk_end(&disk)] == other[34 * 512..disk_end(&disk)]);
            }
        }
        // A damaged medium is named.
        payload.write_all_at(&[9], (1 << 20) + 70_000).unwrap();
        let drive = tempfile::NamedTempFile::new().unwrap();
        drive.as_file().set_len(disk.size).unwrap();
        let failure = write(&source, &Target::open(drive.path()).unwrap(), console).unwrap_err();
        let words = "byte 1114112 of the disk, in partition 1 (\"ESP\"), of the medium has not the SHA-256";
        assert!(failure.reason.contains(words), "{failure}");
    }

    fn disk_end(disk: &builder_medium::Disk) -> usize {
        usize::try_from(disk.size).unwrap() - 33 * 512
    }
}
