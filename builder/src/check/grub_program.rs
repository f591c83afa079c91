//! What is built into a GRUB: the folder that it looks in, and configuration that it runs first.

use std::io::Read as _;

use builder_boot::vendor;
use builder_fat::read::FatReader;
use builder_pe::PeFile;
use builder_tree::ContentStore;

/// Kinds of what is in the image of a GRUB (GRUB, `include/grub/kernel.h`).
const MEMDISK: u32 = 1;
const CONFIGURATION: u32 = 2;
const PREFIX: u32 = 3;

/// The name of the disk in its memory.
const MEMDISK_NAME: &str = "(memdisk)";
/// Longest configuration that is read, in bytes.
const TEXT: usize = 1 << 20;

/// A GRUB.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GrubProgram {
    /// The folder with `grub.cfg`, on the device that it was started from.
    pub(crate) prefix: String,
    /// Configuration that it runs first.
    pub(crate) configuration: Option<String>,
}

impl GrubProgram {
    /// Looks into a program; `None` where it is no GRUB. `store` takes the files of a disk inside of it.
    pub(crate) fn read(bytes: &[u8], program: &PeFile<'_>, store: &mut ContentStore) -> Option<Self> {
        let mut found = program.section("mods").and_then(|section| Self::of_modules(section.raw, store));
        if found.as_ref().is_none_or(|found| found.prefix.is_empty()) {
            let vendor = vendor::find(bytes)?;
            let configuration = found.take().and_then(|found| found.configuration);
            found = Some(Self { prefix: format!("/EFI/{vendor}"), configuration });
        }
        found
    }

    /// GRUB, `struct grub_module_info64` and `struct grub_module_header`.
    fn of_modules(modules: &[u8], store: &mut ContentStore) -> Option<Self> {
        let number = |at: usize| Some(u32::from_le_bytes(*modules.get(at..)?.first_chunk()?));
        if !modules.starts_with(b"mimg") {
            return None;
        }
        let mut at = usize::try_from(number(8)?).ok()?;
        let end = usize::try_from(number(16)?).ok()?.min(modules.len());
        let (mut found, mut memdisk) = (Self::default(), None);
        while at < end {
            let (kind, length) = (number(at)?, usize::try_from(number(at + 4)?).ok()?);
            // A length without its own header would not get anywhere.
            let object = modules.get(at + 8..at.checked_add(length)?)?;
            match kind {
                MEMDISK => memdisk = Some(object),
                CONFIGURATION => found.configuration = text(object),
                PREFIX => found.prefix = text(object)?,
                _ => {}
            }
            at += length.max(8);
        }
        // What the disk in its memory has is run as if it were built in itself.
        let named = found.configuration.as_deref().and_then(|text| text.trim().strip_prefix("normal "));
        let path = match (named, found.prefix.strip_prefix(MEMDISK_NAME)) {
            (Some(named), _) => named.trim().strip_prefix(MEMDISK_NAME).map(str::to_owned),
            (None, Some(folder)) => Some(format!("{folder}/grub.cfg")),
            (None, None) => None,
        };
        if let (Some(path), Some(memdisk)) = (path, memdisk) {
            found.configuration = of_fat(memdisk, &path, store).or_else(|| of_archive(memdisk, &path));
        }
        Some(found)
    }
}

/// Up to the first NUL.
fn text(object: &[u8]) -> Option<String> {
    let object = object.get(..TEXT).unwrap_or(object);
    let end = object.iter().position(|&byte| byte == 0).unwrap_or(object.len());
    String::from_utf8(object[..end].to_vec()).ok()
}

/// A file of a FAT file system, as Debian has it.
fn of_fat(memdisk: &[u8], path: &str, store: &mut ContentStore) -> Option<String> {
    let tree = FatReader::open(&memdisk).ok()?.tree(store).ok()?;
    store.flush().ok()?;
    let path = path.trim_start_matches('/').as_bytes();
    text(&tree.get(path)?.as_leaf()?.content()?.read_to_vec(TEXT as u64).ok()?)
}

/// A file of a tar archive, as `grub-mkstandalone` makes it.
fn of_archive(memdisk: &[u8], path: &str) -> Option<String> {
    let mut archive = tar::Archive::new(memdisk);
    for entry in archive.entries().ok()? {
        let entry = entry.ok()?;
        let found = entry.path_bytes().strip_prefix(b"./").map_or_else(|| entry.path_bytes().to_vec(), <[u8]>::to_vec);
        if found == path.trim_start_matches('/').as_bytes() {
            let mut bytes = Vec::new();
            let _ = entry.take(TEXT as u64).read_to_end(&mut bytes).ok()?;
            return text(&bytes);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use builder_tree::ContentStore;

    use super::GrubProgram;

    /// The modules of a GRUB with these objects.
    fn modules(objects: &[(u32, &[u8])]) -> Vec<u8> {
        let mut bytes = b"mimg\0\0\0\0\x18\0\0\0\0\0\0\0".to_vec();
        let objects: Vec<u8> = objects
            .iter()
            .flat_map(|(kind, object)| {
                let length = u32::try_from(object.len() + 8).unwrap();
                [&kind.to_le_bytes()[..], &length.to_le_bytes(), object].concat()
            })
            .collect();
        bytes.extend_from_slice(&(objects.len() as u64 + 24).to_le_bytes());
        bytes.extend_from_slice(&objects);
        bytes
    }

    #[test]
    fn prefix_and_configuration_are_among_the_modules() {
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_size(4);
        archive.append_data(&mut header, "./boot/grub/grub.cfg", &b"menu"[..]).unwrap();
        let archive = archive.into_inner().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let mut store = ContentStore::new(directory.path()).unwrap();
        for (objects, expected) in [
            (&[(0, &b"module"[..]), (3, b"/boot/grub\0\0")][..], Some(("/boot/grub", None))),
            (&[(3, b"/boot/grub"), (2, b"search x\0")], Some(("/boot/grub", Some("search x")))),
            (&[(1, &archive), (3, b"(memdisk)/boot/grub\0")], Some(("(memdisk)/boot/grub", Some("menu")))),
            (&[(1, &archive), (2, b"normal (memdisk)/boot/grub/grub.cfg\n"), (3, b"/x")], Some(("/x", Some("menu")))),
            (&[(1, b"no disk"), (2, b"normal (memdisk)/grub.cfg\n"), (3, b"/x")], Some(("/x", None))),
        ] {
            let found = GrubProgram::of_modules(&modules(objects), &mut store);
            let found = found.as_ref().map(|found| (&*found.prefix, found.configuration.as_deref()));
            assert_eq!(found, expected, "{objects:?}");
        }
        let mut endless = modules(&[(0, b"x")]);
        endless[28..32].fill(0);
        assert_eq!(GrubProgram::of_modules(&endless, &mut store), None);
        assert_eq!(GrubProgram::of_modules(b"mimg", &mut store), None);
    }
}
