//! The release that a kernel says to be.
//!
//! Source: Linux, Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header".

/// Bytes at the begin of a kernel that [`kernel_release`] looks at, at most: 128 KiB, the largest setup code there can be.
pub const KERNEL_HEAD_BYTES: u64 = 256 * 512;

/// 0x1F1 `setup_sects`: sectors of setup code behind the first one; 0 stands for 4.
const SETUP_SECTS: usize = 0x1F1;
/// 0x202 `header`.
const MAGIC_OFFSET: usize = 0x202;
const MAGIC: &[u8] = b"HdrS";
/// 0x206 `version` of the protocol, u16.
const PROTOCOL: usize = 0x206;
/// 0x20E `kernel_version`, u16: byte of the release, counted from 0x200; 0 for none. Since protocol 2.00.
const KERNEL_VERSION: usize = 0x20E;
const FIRST_PROTOCOL: u16 = 0x0200;
const SECTOR_BYTES: usize = 512;
/// Longest release in bytes (`__NEW_UTS_LEN`).
const MAX_RELEASE_BYTES: usize = 64;

/// Why the release of a kernel cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KernelImageError {
    /// The kernel ends inside of its setup code.
    #[error("the kernel's setup code has {setup} bytes, only {present} are there")]
    Short {
        /// In bytes.
        setup: u64,
        /// In bytes.
        present: u64,
    },
    /// The release is in no place where it can be.
    #[error("the kernel's release should be at byte {offset}, outside of the setup code of {setup} bytes")]
    Outside {
        /// Byte of the kernel.
        offset: u64,
        /// In bytes.
        setup: u64,
    },
    /// The release is none.
    #[error("what stands at byte {offset} of the kernel is no release of 1 to {MAX_RELEASE_BYTES} plain characters")]
    NoRelease {
        /// Byte of the kernel.
        offset: u64,
    },
}

/// The release of a kernel for x86 (a bzImage), as `uname -r` says it; `None` for other kernels and for those that do not
/// say it. `head` is its begin, of [`KERNEL_HEAD_BYTES`] where it is as long.
///
/// # Errors
/// It has the header of a bzImage, and the release is not where the header says.
pub fn kernel_release(head: &[u8]) -> Result<Option<String>, KernelImageError> {
    let has_magic = head.get(MAGIC_OFFSET..).is_some_and(|rest| rest.starts_with(MAGIC));
    let (Some(protocol), Some(pointer)) = (half(head, PROTOCOL), half(head, KERNEL_VERSION)) else { return Ok(None) };
    if !has_magic || protocol < FIRST_PROTOCOL || pointer == 0 {
        return Ok(None);
    }
    let sectors = match head[SETUP_SECTS] {
        0 => 4,
        sectors => usize::from(sectors),
    };
    let setup = (sectors + 1) * SECTOR_BYTES;
    let present = head.len() as u64;
    let code = head.get(..setup).ok_or(KernelImageError::Short { setup: setup as u64, present })?;
    let at = SECTOR_BYTES + usize::from(pointer);
    let offset = at as u64;
    let text = code.get(at..).ok_or(KernelImageError::Outside { offset, setup: setup as u64 })?;
    // Behind the release stands who built it, and when.
    let text = text.split(|byte| matches!(byte, 0 | b' ')).next().unwrap_or_default();
    let is_release = (1..=MAX_RELEASE_BYTES).contains(&text.len()) && text.iter().all(u8::is_ascii_graphic);
    // All are ASCII.
    std::str::from_utf8(text)
        .ok()
        .filter(|_| is_release)
        .map(|release| Some(release.to_owned()))
        .ok_or(KernelImageError::NoRelease { offset })
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|half| u16::from_le_bytes(*half))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn image(sectors: u8, pointer: u16, text: &[u8]) -> Vec<u8> {
        let mut image = vec![0; 3072];
        image[SETUP_SECTS] = sectors;
        image[MAGIC_OFFSET..MAGIC_OFFSET + 4].copy_from_slice(MAGIC);
        image[PROTOCOL..PROTOCOL + 2].copy_from_slice(&[0x0f, 0x02]);
        image[KERNEL_VERSION..KERNEL_VERSION + 2].copy_from_slice(&pointer.to_le_bytes());
        image[0x600..0x600 + text.len()].copy_from_slice(text);
        image
    }

    #[test]
    fn the_release_stands_where_the_header_says() {
        let release = b"6.12.0-1.x86_64 (mock@x) #1 SMP\0";
        assert_eq!(kernel_release(&image(4, 0x400, release)), Ok(Some("6.12.0-1.x86_64".into())));
        assert_eq!(kernel_release(&image(0, 0x400, b"6.1")), Ok(Some("6.1".into())));
        assert_eq!(kernel_release(&image(4, 0, release)), Ok(None));
        assert_eq!(kernel_release(b"MZ\0\0zimg"), Ok(None));
        assert_eq!(kernel_release(&[0; 4096]), Ok(None));
    }

    #[test]
    fn a_release_in_no_place_is_refused() {
        assert_eq!(
            kernel_release(&image(4, 0x900, b"")),
            Err(KernelImageError::Outside { offset: 0xB00, setup: 2560 })
        );
        assert_eq!(kernel_release(&image(9, 0x400, b"")), Err(KernelImageError::Short { setup: 5120, present: 3072 }));
        for text in [&b""[..], b"a\x80", &[b'1'; 65]] {
            assert_eq!(kernel_release(&image(4, 0x400, text)), Err(KernelImageError::NoRelease { offset: 0x600 }));
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(sectors: u8, pointer: u16, cut in 0..3073_usize) {
            let mut image = image(sectors, pointer, b"6.1");
            image.truncate(cut);
            let _ = kernel_release(&image);
        }
    }
}
